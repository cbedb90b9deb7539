"""What a payment is, given all that was heard of it: pure rules.

Events from a gateway come twice, late, in any order, or never. So nothing here says "on event X go to state
Y". What is heard of an attempt is *merged*: the merge takes the larger of two by a total order, and of fees
and refunds the larger by themselves, which makes it commutative, associative and idempotent. The status is
then *derived* from the merged attempts. Any permutation and any repetition of the same events therefore ends
in the same payment.
"""

from runtime.payments.model import (
    ATTEMPTS_MAX,
    SWEPT_STATUSES,
    Attempt,
    AttemptStatus,
    Payment,
    PaymentStatus,
)

_RANK = {
    AttemptStatus.CREATED: 0,
    AttemptStatus.FAILED: 1,
    AttemptStatus.AUTHORIZED: 2,
    AttemptStatus.CAPTURED: 3,
    AttemptStatus.REFUNDED: 4,
}
"""How far an attempt has come. ``failed`` ranks below ``authorized``: the gateway moves failed payments to
authorized when the bank answers late (Razorpay, payments, "late authorisation")."""

_JOINED = {
    *("was_captured", "amount_refunded_paise", "base_amount_paise", "fee_paise", "tax_paise"),
    *("token_id", "customer_id"),
}
"""What is merged by itself: money and tokens that were once heard of are not forgotten over a word that omits
them."""


def merge_attempt(known: Attempt | None, heard: Attempt) -> Attempt:
    """What is known after ``heard``; both must speak of the same gateway payment."""
    captured = heard.was_captured or heard.status is AttemptStatus.CAPTURED
    if known is None:
        return heard.model_copy(update={"was_captured": captured})
    if known.gateway_payment_id != heard.gateway_payment_id:
        raise ValueError("two different attempts cannot be merged")
    charged = max(known, heard, key=_charge)
    return max(known, heard, key=_order).model_copy(
        update={
            "was_captured": known.was_captured or captured,
            "amount_refunded_paise": max(known.amount_refunded_paise, heard.amount_refunded_paise),
            # Booked as soon as it is told, so it stays; that the gateway told two shows in its rows.
            "base_amount_paise": heard.base_amount_paise
            if known.base_amount_paise is None
            else known.base_amount_paise,
            "fee_paise": charged.fee_paise,
            "tax_paise": charged.tax_paise,
            "token_id": _known(known.token_id, heard.token_id),
            "customer_id": _known(known.customer_id, heard.customer_id),
        }
    )


def hear(payment: Payment, attempt: Attempt) -> Payment:
    """``payment`` with ``attempt`` merged and its status derived anew; the same object when nothing
    changed."""
    known = payment.attempts.get(attempt.gateway_payment_id)
    if known is None and len(payment.attempts) >= ATTEMPTS_MAX and attempt.status is AttemptStatus.FAILED:
        return payment
    merged = merge_attempt(known, attempt)
    attempts = payment.attempts | {attempt.gateway_payment_id: merged}
    changed = payment.model_copy(update={"attempts": dict(sorted(attempts.items()))})
    changed = changed.model_copy(update={"status": derive_status(changed)})
    return payment if changed == payment else changed


def derive_status(payment: Payment) -> PaymentStatus:
    """The status that follows from what is known.

    ``conflicted``: money came that does not answer to what was asked for, in amount, in currency, or twice.
    It is never closed by the platform itself; a person decides. ``unknown``: the gateway may have an order
    that we do not know, or it took money in another currency and has not told what that is in rupees.
    """
    with_money = [attempt for attempt in payment.attempts.values() if attempt.was_captured]
    if len(with_money) > 1 or any(not matches(payment, attempt) for attempt in with_money):
        return PaymentStatus.CONFLICTED
    if with_money:
        return PaymentStatus.UNKNOWN if with_money[0].awaits_base else PaymentStatus.CAPTURED
    statuses = {attempt.status for attempt in payment.attempts.values()}
    if any(
        attempt.status is AttemptStatus.AUTHORIZED and not matches(payment, attempt)
        for attempt in payment.attempts.values()
    ):
        return PaymentStatus.CONFLICTED
    if AttemptStatus.AUTHORIZED in statuses:
        return PaymentStatus.AUTHORIZED
    if AttemptStatus.CREATED in statuses:
        return PaymentStatus.PENDING
    if statuses:  # only failed ones, or authorised ones that expired and went back to the payer
        return PaymentStatus.FAILED
    if payment.order_id is not None:
        return PaymentStatus.PENDING
    return PaymentStatus.UNKNOWN if payment.order_outcome_unknown else PaymentStatus.CREATED


def awaits_base(payment: Payment) -> bool:
    """Whether the gateway took money for it and has not told what that is in rupees; it is not booked yet."""
    return any(attempt.awaits_base for attempt in payment.attempts.values())


def swept_as(payment: Payment) -> PaymentStatus | None:
    """The status under which a payment stands in the index of what is swept; None where nothing is to be
    found out. What awaits its worth in rupees is asked about whatever else is wrong with it."""
    if awaits_base(payment):
        return PaymentStatus.UNKNOWN
    return payment.status if payment.status in SWEPT_STATUSES else None


def matches(payment: Payment, attempt: Attempt) -> bool:
    """Whether an attempt is for what was asked: the same amount in the same currency."""
    return (attempt.amount_paise, attempt.currency) == (payment.amount_paise, payment.currency)


def mask_vpa(vpa: str | None) -> str | None:
    """A UPI handle as it may be kept: ``ravi.k@okhdfc`` is ``r***@okhdfc``."""
    if not vpa:
        return None
    name, separator, handle = vpa.partition("@")
    return f"{name[:1]}***{separator}{handle}"


def _order(attempt: Attempt) -> tuple[int, int, str]:
    """The total order that decides which of two words about an attempt is kept.

    Further along wins, then the newer word. The canonical text comes last, only so that two words of one
    moment are never tied.
    """
    return (_RANK[attempt.status], attempt.observed_at, attempt.model_dump_json(exclude=_JOINED))


def _known(first: str | None, second: str | None) -> str | None:
    """Of two identifiers the one that is there; of two different ones, which never come, always the same."""
    return max(first or "", second or "") or None


def _charge(attempt: Attempt) -> tuple[int, int]:
    """The order of what is known of the fee and its tax: known above unknown, then the larger."""
    return (
        -1 if attempt.fee_paise is None else attempt.fee_paise,
        -1 if attempt.tax_paise is None else attempt.tax_paise,
    )
