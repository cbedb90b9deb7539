"""Which journal entries the returns of a gateway payment call for: pure rules.

Nothing is booked before its capture is: only then it is known whether the school or suspense was credited. A
word that came earlier is booked with the capture, so the books end the same whatever came first.
"""

from datetime import date

from runtime.ledger.accounts import school_payable, suspense
from runtime.ledger.model import JournalEntry, credit, debit
from runtime.payments.accounting import capture_id, credited_account
from runtime.payments.disputes.accounting import dispute_entries_due
from runtime.payments.model import Payment, ReturnTotals
from runtime.payments.refunds.accounting import refund_entries_due
from runtime.payments.refunds.worth import share_paise
from runtime.payments.returns.model import Returns
from runtime.payments.returns.rules import lost_minor
from runtime.payments.rules import matches
from runtime.platform.currencies import BOOKS_CURRENCY

_SURPLUS = "payment-surplus:"


def booked(
    returns: Returns, payment: Payment, business_day: date
) -> tuple[Returns, tuple[JournalEntry, ...]]:
    """``returns`` with every entry booked that is due, and those entries. ``payment.journal`` has to name the
    entries of the payment itself already, those of the same change included."""
    attempt = payment.attempts[returns.book.gateway_payment_id]
    if capture_id(attempt) not in payment.journal:
        return returns, ()
    owed = credited_account(payment, attempt.gateway_payment_id)
    refunds = refund_entries_due(
        returns.book,
        owed=owed,
        school_id=payment.school_id,
        business_day=business_day,
        lost_minor=lost_minor(returns),
    )
    disputes: list[JournalEntry] = []
    for dispute in returns.disputes.values():
        disputes.extend(
            dispute_entries_due(
                dispute,
                returns.dispute_journal,
                owed=owed,
                school_id=payment.school_id,
                business_day=business_day,
                amount_paise=share_paise(returns.book, dispute.amount_paise),
            )
        )
    journal = (*returns.book.journal, *(entry.entry_id for entry in refunds))
    after = returns.model_copy(
        update={
            "book": returns.book.model_copy(update={"journal": journal}),
            "dispute_journal": (*returns.dispute_journal, *(entry.entry_id for entry in disputes)),
        }
    )
    return after, (*refunds, *disputes)


def surplus_entry(payment: Payment, business_day: date) -> JournalEntry | None:
    """The entry that lets what is left of a payment that came several times be the school's, or None.

    Of several captures of what was asked the first booked credits the school and the others suspense, and
    what goes back of each debits the account that it credited. Which of them goes back must not matter: what
    the school's own lost is made good out of what is held of the others. Of another currency, where no two
    captures are worth the same, a person decides. The entry's id names the payment, the step and the paise
    reached; ``payment.returns`` and ``payment.journal`` have to be those of the same change.
    """
    if payment.currency != BOOKS_CURRENCY:
        return None
    owed, held = school_payable(payment.school_id), suspense(payment.school_id)
    lost_paise = held_paise = 0
    for attempt in payment.attempts.values():
        if not matches(payment, attempt) or capture_id(attempt) not in payment.journal:
            continue
        gone = payment.returns.get(attempt.gateway_payment_id, ReturnTotals())
        gone_paise = gone.refunded_paise + gone.pending_paise + gone.disputed_paise
        if credited_account(payment, attempt.gateway_payment_id) == owed:
            lost_paise += gone_paise
        else:
            held_paise += max(0, attempt.amount_paise - gone_paise)
    prefix = f"{_SURPLUS}{payment.payment_id}:"
    steps = [entry_id for entry_id in payment.journal if entry_id.startswith(prefix)]
    present_paise = min(lost_paise, held_paise)
    moved_paise = present_paise - (int(steps[-1].rpartition(":")[2]) if steps else 0)
    if not moved_paise:
        return None
    source, target = (held, owed) if moved_paise > 0 else (owed, held)
    return JournalEntry(
        entry_id=f"{prefix}{len(steps) + 1}:{present_paise}",
        business_date=business_day,
        description=f"Surplus of {payment.payment_id}",
        currency=BOOKS_CURRENCY,
        lines=(debit(source, abs(moved_paise)), credit(target, abs(moved_paise))),
    )
