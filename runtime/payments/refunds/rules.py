"""What may still be refunded of a payment, given all that was heard of its refunds: pure rules.

As with attempts (runtime/payments/rules.py), words are merged and the balance is derived, so any permutation
and repetition of the same words ends in the same book. An amount is held from the moment we decide to refund
it until we know that it was not: silence frees nothing.
"""

from dataclasses import dataclass
from datetime import date

from runtime.payments.money_rules import MoneyRule, value_on
from runtime.payments.months import months_after
from runtime.payments.refunds.errors import RefundCode
from runtime.payments.refunds.model import REFUNDS_MAX, Refund, RefundBook, RefundRequest, RefundStatus
from runtime.payments.refusal import Refused, require_whole
from runtime.platform.currencies import BOOKS_CURRENCY, currency
from runtime.platform.money import AMOUNT_MAX_PAISE, Money, written

_RANK = {RefundStatus.PENDING: 0, RefundStatus.FAILED: 1, RefundStatus.PROCESSED: 2}
"""How far a refund has come. ``processed`` ranks above ``failed``: money that went out is never forgotten,
or it would go out twice."""

_SPEED_RANK = {"instant": 1, "normal": 2}
"""A refund's speed only ever goes down, from instant to normal (Razorpay, ``refund.speed_changed``)."""


@dataclass(frozen=True, slots=True)
class Balance:
    """A captured payment by what became of it, in minor units of its currency (paise of INR).

    ``refunded_paise`` is processed; ``pending_paise`` is promised: held by our requests and on its way at the
    gateway; ``external_paise`` is refunded by the gateway's own total without a refund that we know of.
    """

    captured_paise: int
    refunded_paise: int
    pending_paise: int
    external_paise: int

    @property
    def committed_paise(self) -> int:
        """All that went back, is going back, or may be."""
        return self.refunded_paise + self.pending_paise + self.external_paise

    @property
    def refundable_paise(self) -> int:
        """What may still be refunded; never negative."""
        return max(0, self.captured_paise - self.committed_paise)

    @property
    def overdrawn_paise(self) -> int:
        """What went back beyond the payment. It is 0 unless the gateway contradicts itself."""
        return max(0, self.committed_paise - self.captured_paise)


def reserve(
    book: RefundBook, request_id: str, amount_paise: int, on: date, *, disputed_paise: int = 0
) -> RefundBook:
    """``book`` with ``amount_paise`` held for a refund that is about to be asked for; the same book when the
    request is known already.

    ``disputed_paise`` of the payment is contested by the payer's bank, which must not get it twice. ``on`` is
    the day in India. Raises Refused ``refund-over-balance``, ``refund-below-minimum``,
    ``refund-amount-invalid``, ``refund-amount-no-step`` (of the currency), ``refund-id-reused`` (known with
    another amount) and ``refunds-too-many``.
    """
    known = book.requests.get(request_id)
    if known is not None:
        if known.amount_paise != amount_paise or isinstance(amount_paise, bool):
            raise Refused(RefundCode.ID_REUSED, "The refund is known with another amount.")
        return book
    _check_paise(amount_paise)
    if not currency(book.currency).takes(amount_paise):
        raise Refused(RefundCode.NO_STEP, step_words(book.currency))
    least_minor = refund_min_minor(book.currency, on)
    if amount_paise < least_minor:
        least = amount_words(least_minor, book.currency)
        raise Refused(RefundCode.BELOW_MINIMUM, f"The least that can be refunded is {least}.")
    free_paise = max(0, balance(book).refundable_paise - disputed_paise)
    if amount_paise > free_paise:
        left = amount_words(free_paise, book.currency)
        raise Refused(RefundCode.OVER_BALANCE, f"Of the payment, {left} can still be refunded.")
    return hear_request(book, RefundRequest(request_id=request_id, amount_paise=amount_paise))


def refund_min_minor(code: str, on: date) -> int:
    """The least that can be refunded in a currency, in its minor units; ``on`` is the day in India.

    The gateway says so of rupees only. Of another currency it is a step, and the gateway decides.
    """
    if code == BOOKS_CURRENCY:
        return value_on(MoneyRule.REFUND_MIN_PAISE, on)
    return currency(code).step


def amount_words(amount_minor: int, code: str) -> str:
    """An amount as a caller reads it: ``4500 paise``, ``USD 45.00``."""
    return f"{amount_minor} paise" if code == BOOKS_CURRENCY else written(Money(amount_minor, code))


def step_words(code: str) -> str:
    """What an amount that is no step of a currency is told."""
    return f"An amount in {code} is a multiple of {currency(code).step} of its minor units."


def refused(book: RefundBook, request_id: str) -> RefundBook:
    """``book`` after the gateway refused a request: its amount is free again. Raises Refused
    ``refund-unknown``."""
    return hear_request(book, _request(book, request_id).model_copy(update={"refused": True}))


def unanswered(book: RefundBook, request_id: str) -> RefundBook:
    """``book`` after the gateway did not answer a request: its amount stays held. Raises Refused
    ``refund-unknown``."""
    return hear_request(book, _request(book, request_id).model_copy(update={"outcome_unknown": True}))


def hear_request(book: RefundBook, request: RefundRequest) -> RefundBook:
    """``book`` with a request merged; the same book when nothing changed. What was refused or unanswered
    stays so. Raises Refused ``refund-id-reused`` and ``refunds-too-many``."""
    known = book.requests.get(request.request_id)
    merged = request if known is None else merge_request(known, request)
    if merged == known:
        return book
    if known is None and len(book.requests) >= REFUNDS_MAX:
        raise Refused(RefundCode.TOO_MANY, f"A payment has at most {REFUNDS_MAX} refunds.")
    requests = book.requests | {request.request_id: merged}
    return book.model_copy(update={"requests": dict(sorted(requests.items()))})


def merge_request(known: RefundRequest, heard: RefundRequest) -> RefundRequest:
    """What is known of a request after ``heard``. Raises Refused ``refund-id-reused``."""
    if (known.request_id, known.amount_paise) != (heard.request_id, heard.amount_paise):
        raise Refused(RefundCode.ID_REUSED, "The refund is known with another amount.")
    return known.model_copy(
        update={
            "refused": known.refused or heard.refused,
            "outcome_unknown": known.outcome_unknown or heard.outcome_unknown,
        }
    )


def hear(book: RefundBook, refund: Refund) -> RefundBook:
    """``book`` with a word about a refund merged; the same book when nothing changed.

    A refund that no request of ours explains is one made in the gateway's dashboard; it counts all the same.
    Raises Refused ``refund-currency-differs``, ``refund-contradicted``, ``refund-amount-invalid`` and
    ``refunds-too-many``.
    """
    if refund.currency != book.currency:
        raise Refused(RefundCode.CURRENCY_DIFFERS, "The refund is in another currency than the payment.")
    _check_paise(refund.amount_paise)
    known = book.refunds.get(refund.gateway_refund_id)
    merged = merge_refund(known, refund)
    if merged == known:
        return book
    if known is None and len(book.refunds) >= REFUNDS_MAX:
        raise Refused(RefundCode.TOO_MANY, f"A payment has at most {REFUNDS_MAX} refunds.")
    refunds = book.refunds | {refund.gateway_refund_id: merged}
    return book.model_copy(update={"refunds": dict(sorted(refunds.items()))})


def hear_total(book: RefundBook, amount_refunded_paise: int) -> RefundBook:
    """``book`` with the gateway's own total for the payment (``amount_refunded``, paise >= 0); the largest
    ever heard counts. Raises Refused ``refund-amount-invalid``."""
    require_whole(
        amount_refunded_paise, 0, AMOUNT_MAX_PAISE, code=RefundCode.AMOUNT_INVALID, name="amount in paise"
    )
    if amount_refunded_paise <= book.refunded_at_gateway_paise:
        return book
    return book.model_copy(update={"refunded_at_gateway_paise": amount_refunded_paise})


def merge_refund(known: Refund | None, heard: Refund) -> Refund:
    """What is known of a refund after ``heard``: further along wins, then the newer word.

    The bank's reference, our request, the speed and what it took in rupees are merged by themselves, for a
    word may omit them. Raises Refused ``refund-contradicted`` when the two differ in what a refund is: its
    amount, in its currency or in rupees.
    """
    failed = heard.was_failed or heard.status is RefundStatus.FAILED
    if known is None:
        return heard.model_copy(update={"was_failed": failed})
    bases = {known.base_amount_paise, heard.base_amount_paise} - {None}
    if _identity(known) != _identity(heard) or len(bases) > 1:
        raise Refused(RefundCode.CONTRADICTED, "Two words about one refund differ in amount or currency.")
    return max(known, heard, key=_order).model_copy(
        update={
            "request_id": _larger(known.request_id, heard.request_id),
            "speed_requested": _larger(known.speed_requested, heard.speed_requested),
            "speed_processed": max(known.speed_processed, heard.speed_processed, key=_speed),
            "arn": _larger(known.arn, heard.arn),
            "was_failed": known.was_failed or failed,
            "base_amount_paise": next(iter(bases), None),
        }
    )


def balance(book: RefundBook) -> Balance:
    """What became of the payment, by all that was heard.

    The gateway's own total may exceed what we know: its webhook was lost, or somebody refunded in the
    dashboard. What neither a refund that we know (failed ones included, for the total may be older than the
    failure) nor a request that is still open explains is external.
    """
    refunds = book.refunds.values()
    known_paise = sum(refund.amount_paise for refund in refunds)
    open_paise = sum(request.amount_paise for request in open_requests(book))
    return Balance(
        captured_paise=book.captured_paise,
        refunded_paise=_total(book, RefundStatus.PROCESSED),
        pending_paise=_total(book, RefundStatus.PENDING) + open_paise,
        external_paise=max(0, book.refunded_at_gateway_paise - known_paise - open_paise),
    )


def open_requests(book: RefundBook) -> tuple[RefundRequest, ...]:
    """The requests whose outcome is not known: neither refused, nor a refund at the gateway."""
    answered = {refund.request_id for refund in book.refunds.values()}
    return tuple(
        request
        for request in book.requests.values()
        if not request.refused and request.request_id not in answered
    )


def told_of(book: RefundBook, refund: Refund) -> RefundBook:
    """``book`` after what the gateway said of a refund when it was asked; the same book when it said nothing
    new. That the same was true a little later is no news. Raises as ``hear`` does."""
    after = hear(book, refund)
    known = book.refunds.get(refund.gateway_refund_id)
    if after is book or known is None:
        return after
    merged = after.refunds[refund.gateway_refund_id]
    return book if merged.model_copy(update={"observed_at": known.observed_at}) == known else after


def to_be_asked(book: RefundBook) -> bool:
    """Whether something is open that the gateway can tell: a request without an answer (or that was never
    sent), a refund on its way, what one took in rupees, or more refunded than we know of."""
    on_its_way = any(refund.is_on_its_way for refund in book.refunds.values())
    return on_its_way or bool(open_requests(book)) or balance(book).external_paise > 0


def to_be_fetched(book: RefundBook) -> bool:
    """Whether the gateway has to be asked for the payment's refunds: it did not answer, or it knows of more
    than we do."""
    unanswered_ones = any(request.outcome_unknown for request in open_requests(book))
    return unanswered_ones or balance(book).external_paise > 0


def is_past_window(captured_on: date, on: date) -> bool:
    """Whether banks may no longer take a refund: the payment is older than the networks' window.

    It is no refusal; such a refund often fails, and the payer is better paid by bank transfer.
    """
    months = value_on(MoneyRule.REFUND_WINDOW_MONTHS, on)
    return on > months_after(captured_on, months, captured_on.day)


def _total(book: RefundBook, status: RefundStatus) -> int:
    return sum(refund.amount_paise for refund in book.refunds.values() if refund.status is status)


def _request(book: RefundBook, request_id: str) -> RefundRequest:
    if request_id not in book.requests:
        raise Refused(RefundCode.UNKNOWN, "The payment knows no such refund.")
    return book.requests[request_id]


def _identity(refund: Refund) -> tuple[str, int, str]:
    return (refund.gateway_refund_id, refund.amount_paise, refund.currency)


def _order(refund: Refund) -> tuple[int, int]:
    return (_RANK[refund.status], refund.observed_at)


def _speed(speed: str | None) -> tuple[int, str]:
    return (-1, "") if speed is None else (_SPEED_RANK.get(speed, 0), speed)


def _larger(known: str | None, heard: str | None) -> str | None:
    """The one that is known; of two different texts the larger, so that their order does not matter."""
    return max((text for text in (known, heard) if text is not None), default=None)


def _check_paise(amount_paise: int) -> None:
    require_whole(amount_paise, 1, AMOUNT_MAX_PAISE, code=RefundCode.AMOUNT_INVALID, name="amount in paise")
