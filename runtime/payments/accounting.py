"""Which journal entries a payment calls for: pure rules.

Each fact is booked once, under an id that names it. The accounts do not depend on the order in which facts
became known, so the books end the same whatever came first.
"""

from datetime import date

from runtime.ledger.accounts import (
    Account,
    gateway_fees,
    gateway_receivable,
    input_gst,
    school_payable,
    suspense,
)
from runtime.ledger.model import JournalEntry, JournalLine, credit, debit
from runtime.payments.model import Attempt, Payment
from runtime.payments.rules import matches
from runtime.platform.currencies import BOOKS_CURRENCY

GATEWAY = "razorpay"
_CAPTURE = "capture:"
_FEE = "fee:"


def entries_due(payment: Payment, business_day: date) -> tuple[JournalEntry, ...]:
    """The entries that ``payment`` calls for and that are not booked yet (``payment.journal``).

    A capture debits the gateway's debt to us and credits what we owe the school; a capture that does not
    answer to what was asked, or a second one, credits suspense instead. The gateway's fee (which includes
    its tax) reduces its debt: Razorpay settles ``amount - fee``. What was paid in another currency is booked
    by what the gateway says it is worth in rupees, and not before it says so.
    """
    booked = set(payment.journal)
    school_credited = any(_credits_school(payment, entry_id) for entry_id in booked)
    due: list[JournalEntry] = []
    for attempt in payment.attempts.values():
        worth_paise = attempt.worth_paise
        if not attempt.was_captured or worth_paise is None:
            continue
        # A mandate may be authorised with a payment of nothing (UPI, e-mandate): there is nothing to book.
        if worth_paise and capture_id(attempt) not in booked:
            to_school = matches(payment, attempt) and not school_credited
            school_credited = school_credited or to_school
            due.append(_capture(payment, attempt, worth_paise, business_day, to_school=to_school))
        if attempt.fee_paise and fee_id(attempt) not in booked:
            due.append(_fee(attempt, attempt.fee_paise, business_day))
    return tuple(due)


def credited_account(payment: Payment, gateway_payment_id: str) -> Account:
    """The account that the capture of an attempt credited, by ``payment.journal``: what a refund of it, a
    dispute about it or its split has to debit. Of several captures of what was asked, the first booked is the
    school's. Raises ValueError when the capture is not booked."""
    wanted = _CAPTURE + gateway_payment_id
    if wanted not in payment.journal:
        raise ValueError("the capture of the attempt is not booked")
    to_school = next((each for each in payment.journal if _credits_school(payment, each)), None)
    return school_payable(payment.school_id) if wanted == to_school else suspense(payment.school_id)


def capture_id(attempt: Attempt) -> str:
    """The id of the entry that books an attempt's capture."""
    return _CAPTURE + attempt.gateway_payment_id


def fee_id(attempt: Attempt) -> str:
    """The id of the entry that books an attempt's fee."""
    return _FEE + attempt.gateway_payment_id


def _credits_school(payment: Payment, entry_id: str) -> bool:
    """Whether a booked entry credited the school: it books a capture of what was asked.

    Of several such captures the first booked went to the school and the others to suspense; the amounts are
    equal (in rupees to the rate of exchange), so the balances do not depend on which it was. What goes back
    of them is evened out (runtime/payments/returns/accounting.py).
    """
    attempt = payment.attempts.get(entry_id.removeprefix(_CAPTURE)) if entry_id.startswith(_CAPTURE) else None
    return attempt is not None and matches(payment, attempt)


def _capture(
    payment: Payment, attempt: Attempt, worth_paise: int, business_day: date, *, to_school: bool
) -> JournalEntry:
    owed = school_payable(payment.school_id) if to_school else suspense(payment.school_id)
    return JournalEntry(
        entry_id=capture_id(attempt),
        business_date=business_day,
        description=f"Capture of {payment.payment_id}"
        if to_school
        else f"Unexplained capture at {payment.payment_id}",
        currency=BOOKS_CURRENCY,
        lines=(debit(gateway_receivable(GATEWAY), worth_paise), credit(owed, worth_paise)),
        # A debit has one order after the other, and an attempt does not say which was its own.
        reference=(payment.order_id or "") if payment.debit is None else "",
    )


def _fee(attempt: Attempt, fee_paise: int, business_day: date) -> JournalEntry:
    tax_paise = min(attempt.tax_paise or 0, fee_paise)  # the tax is part of the fee, never more than it
    charge_paise = fee_paise - tax_paise
    lines: list[JournalLine] = []
    if charge_paise:
        lines.append(debit(gateway_fees(GATEWAY), charge_paise))
    if tax_paise:
        lines.append(debit(input_gst(), tax_paise))
    lines.append(credit(gateway_receivable(GATEWAY), fee_paise))
    return JournalEntry(
        entry_id=fee_id(attempt),
        business_date=business_day,
        description=f"Gateway fee for {attempt.gateway_payment_id}",
        currency=BOOKS_CURRENCY,
        lines=tuple(lines),
    )
