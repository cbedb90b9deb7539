"""Which journal entries the refunds of a payment call for: pure rules.

While a refund is on its way its amount is owed to the payer (refunds payable); when it is processed the
gateway has paid it out of what it holds for us; when it failed the amount is owed to the school again. The
balances are those of the present state, whatever became known in which order.

The books are in paise. A refund of a payment in another currency takes its share of what the capture was
booked with (runtime/payments/refunds/worth.py); what the gateway took beyond that, or less, is a difference
of exchange and nobody's but ours. Until the gateway has told what it took, the refund counts as on its way.
"""

from collections.abc import Iterator, Sequence
from datetime import date

from runtime.ledger.accounts import Account, exchange_difference, gateway_receivable, refunds_payable
from runtime.ledger.model import JournalEntry, credit, debit
from runtime.payments.accounting import GATEWAY
from runtime.payments.claims import Claim, claim_entries
from runtime.payments.refunds.model import Refund, RefundBook, RefundStatus
from runtime.payments.refunds.rules import balance
from runtime.payments.refunds.worth import rest_paise, share_paise
from runtime.platform.currencies import BOOKS_CURRENCY

_EXTERNAL = "refund-external:"
_ROUNDING = "refund-rounding:"


def refund_entries_due(
    book: RefundBook, *, owed: Account, school_id: str, business_day: date, lost_minor: Sequence[int] = ()
) -> tuple[JournalEntry, ...]:
    """The entries that ``book`` calls for and that are not booked yet (``book.journal``).

    ``owed`` is the account that the payment's capture credited: the school's, or suspense. ``lost_minor`` is
    what disputes took of the payment (minor units), which completes it as a refund does.
    ``refund-requested`` and ``refund-closed`` set the amount aside and give it free; ``refund-processed``
    books what the gateway paid out, ``refund-exchange`` what a rate of exchange made of it;
    ``refund-external`` follows the gateway's own total where no refund that we know explains it, and
    ``refund-rounding`` what rounding left of a payment that went back whole.
    """
    due: list[JournalEntry] = []
    for claim in _claims(book):
        due.extend(
            claim_entries(
                claim,
                book.journal,
                owed=owed,
                held=refunds_payable(school_id),
                business_day=business_day,
            )
        )
    for refund in book.refunds.values():
        due.extend(_processed(book, refund, owed, business_day))
    due.extend(_external(book, owed, business_day))
    due.extend(_rounding(book, lost_minor, owed, business_day))
    return tuple(due)


def processed_id(refund: Refund) -> str:
    """The id of the entry that books a processed refund."""
    return f"refund-processed:{refund.gateway_refund_id}"


def exchange_id(refund: Refund) -> str:
    """The id of the entry that books what the gateway took for a refund beyond its share, or less."""
    return f"refund-exchange:{refund.gateway_refund_id}"


def _processed(book: RefundBook, refund: Refund, owed: Account, business_day: date) -> Iterator[JournalEntry]:
    """What a processed refund took: its share, and the difference of exchange."""
    if refund.status is not RefundStatus.PROCESSED or refund.awaits_base:
        return
    share = share_paise(book, refund.amount_paise)
    if share and processed_id(refund) not in book.journal:
        yield _entry(
            book,
            processed_id(refund),
            f"Refund {refund.gateway_refund_id}",
            (owed, gateway_receivable(GATEWAY)),
            share,
            business_day,
        )
    difference = 0 if refund.base_amount_paise is None else refund.base_amount_paise - share
    if difference and exchange_id(refund) not in book.journal:
        yield _entry(
            book,
            exchange_id(refund),
            f"Exchange of refund {refund.gateway_refund_id}",
            (exchange_difference(GATEWAY), gateway_receivable(GATEWAY)),
            difference,
            business_day,
        )


def _claims(book: RefundBook) -> Iterator[Claim]:
    """Every refund on its way is claimed once: by our request if it is the request's own, else by itself."""
    carried: set[str] = set()
    for request in book.requests.values():
        mine = [refund for refund in book.refunds.values() if refund.request_id == request.request_id]
        carries = next(
            (
                refund
                for refund in mine
                if refund.is_on_its_way and refund.amount_paise == request.amount_paise
            ),
            None,
        )
        if carries is not None:
            carried.add(carries.gateway_refund_id)
        yield _claim(
            request.request_id,
            carries is not None or (not mine and not request.refused),
            share_paise(book, request.amount_paise),
        )
    for refund in book.refunds.values():
        on_its_way = refund.is_on_its_way and refund.gateway_refund_id not in carried
        yield _claim(refund.gateway_refund_id, on_its_way, share_paise(book, refund.amount_paise))


def _claim(key: str, is_open: bool, amount_paise: int) -> Claim:
    return Claim(
        opened=f"refund-requested:{key}",
        closed=f"refund-closed:{key}",
        is_open=is_open,
        amount_paise=amount_paise,
        description=f"Refund {key}, {'on its way' if is_open else 'no longer on its way'}",
    )


def _external(book: RefundBook, owed: Account, business_day: date) -> Iterator[JournalEntry]:
    """The entry from the external amount that is booked to the present one. Its id names the payment, the
    step and the amount reached (minor units)."""
    prefix = f"{_EXTERNAL}{book.gateway_payment_id}:"
    number, booked_minor = _steps(book, prefix)
    present_minor = balance(book).external_paise
    moved_paise = share_paise(book, present_minor) - share_paise(book, booked_minor)
    if moved_paise:
        yield _entry(
            book,
            f"{prefix}{number}:{present_minor}",
            f"Refunds of {book.gateway_payment_id} that only the gateway's total tells of",
            (owed, gateway_receivable(GATEWAY)),
            moved_paise,
            business_day,
        )


def _rounding(
    book: RefundBook, lost_minor: Sequence[int], owed: Account, business_day: date
) -> Iterator[JournalEntry]:
    """The entry from the rounding that is booked to the present one. Its id names the payment, the step and
    the paise reached."""
    prefix = f"{_ROUNDING}{book.gateway_payment_id}:"
    number, booked_paise = _steps(book, prefix)
    paid_out = [
        refund.amount_paise
        for refund in book.refunds.values()
        if refund.status is RefundStatus.PROCESSED and not refund.awaits_base
    ]
    present_paise = rest_paise(book, (*paid_out, balance(book).external_paise, *lost_minor))
    if present_paise != booked_paise:
        yield _entry(
            book,
            f"{prefix}{number}:{present_paise}",
            f"Rounding of the refunds of {book.gateway_payment_id}",
            (owed, exchange_difference(GATEWAY)),
            present_paise - booked_paise,
            business_day,
        )


def _steps(book: RefundBook, prefix: str) -> tuple[int, int]:
    """The number of the next step under a prefix, and the amount that the last one reached."""
    steps = [entry_id for entry_id in book.journal if entry_id.startswith(prefix)]
    return len(steps) + 1, int(steps[-1].rpartition(":")[2]) if steps else 0


def _entry(
    book: RefundBook,
    entry_id: str,
    description: str,
    accounts: tuple[Account, Account],
    amount_paise: int,
    business_day: date,
) -> JournalEntry:
    """An entry that moves ``amount_paise`` from the second of ``accounts`` to the first; less than nothing
    moves the other way."""
    first, second = accounts if amount_paise > 0 else accounts[::-1]
    return JournalEntry(
        entry_id=entry_id,
        business_date=business_day,
        description=description,
        currency=BOOKS_CURRENCY,
        lines=(debit(first, abs(amount_paise)), credit(second, abs(amount_paise))),
        reference=book.gateway_payment_id,
    )
