"""Which journal entries the refunds of a payment call for: pure rules.

While a refund is on its way its amount is owed to the payer (refunds payable); when it is processed the
gateway has paid it out of what it holds for us; when it failed the amount is owed to the school again. The
balances are those of the present state, whatever became known in which order.
"""

from collections.abc import Iterator
from datetime import date

from runtime.ledger.accounts import Account, gateway_receivable, refunds_payable
from runtime.ledger.model import JournalEntry, credit, debit
from runtime.payments.accounting import GATEWAY
from runtime.payments.claims import Claim, claim_entries
from runtime.payments.refunds.model import Refund, RefundBook, RefundStatus
from runtime.payments.refunds.rules import balance

_EXTERNAL = "refund-external:"


def refund_entries_due(
    book: RefundBook, *, owed: Account, school_id: str, business_day: date
) -> tuple[JournalEntry, ...]:
    """The entries that ``book`` calls for and that are not booked yet (``book.journal``).

    ``owed`` is the account that the payment's capture credited: the school's, or suspense.
    ``refund-requested`` and ``refund-closed`` set the amount aside and give it free; ``refund-processed``
    books what the gateway paid out; ``refund-external`` follows the gateway's own total where no refund that
    we know explains it.
    """
    due: list[JournalEntry] = []
    for claim in _claims(book):
        due.extend(
            claim_entries(
                claim,
                book.journal,
                owed=owed,
                held=refunds_payable(school_id),
                currency=book.currency,
                business_day=business_day,
            )
        )
    booked = set(book.journal)
    for refund in book.refunds.values():
        if refund.status is RefundStatus.PROCESSED and processed_id(refund) not in booked:
            due.append(
                _entry(
                    book,
                    processed_id(refund),
                    f"Refund {refund.gateway_refund_id}",
                    (owed, gateway_receivable(GATEWAY)),
                    refund.amount_paise,
                    business_day,
                )
            )
    due.extend(_external(book, owed, business_day))
    return tuple(due)


def processed_id(refund: Refund) -> str:
    """The id of the entry that books a processed refund."""
    return f"refund-processed:{refund.gateway_refund_id}"


def _claims(book: RefundBook) -> Iterator[Claim]:
    """Every refund on its way is claimed once: by our request if it is the request's own, else by itself."""
    carried: set[str] = set()
    for request in book.requests.values():
        mine = [refund for refund in book.refunds.values() if refund.request_id == request.request_id]
        carries = next(
            (
                refund
                for refund in mine
                if refund.status is RefundStatus.PENDING and refund.amount_paise == request.amount_paise
            ),
            None,
        )
        if carries is not None:
            carried.add(carries.gateway_refund_id)
        yield _claim(
            request.request_id,
            carries is not None or (not mine and not request.refused),
            request.amount_paise,
        )
    for refund in book.refunds.values():
        on_its_way = refund.status is RefundStatus.PENDING and refund.gateway_refund_id not in carried
        yield _claim(refund.gateway_refund_id, on_its_way, refund.amount_paise)


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
    step and the amount reached."""
    prefix = f"{_EXTERNAL}{book.gateway_payment_id}:"
    steps = [entry_id for entry_id in book.journal if entry_id.startswith(prefix)]
    booked_paise = int(steps[-1].rpartition(":")[2]) if steps else 0
    present_paise = balance(book).external_paise
    if present_paise == booked_paise:
        return
    receivable = gateway_receivable(GATEWAY)
    yield _entry(
        book,
        f"{prefix}{len(steps) + 1}:{present_paise}",
        f"Refunds of {book.gateway_payment_id} that only the gateway's total tells of",
        (owed, receivable) if present_paise > booked_paise else (receivable, owed),
        abs(present_paise - booked_paise),
        business_day,
    )


def _entry(
    book: RefundBook,
    entry_id: str,
    description: str,
    accounts: tuple[Account, Account],
    amount_paise: int,
    business_day: date,
) -> JournalEntry:
    return JournalEntry(
        entry_id=entry_id,
        business_date=business_day,
        description=description,
        currency=book.currency,
        lines=(debit(accounts[0], amount_paise), credit(accounts[1], amount_paise)),
        reference=book.gateway_payment_id,
    )
