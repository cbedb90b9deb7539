"""Which journal entries the returns of a gateway payment call for: pure rules.

Nothing is booked before its capture is: only then it is known whether the school or suspense was credited. A
word that came earlier is booked with the capture, so the books end the same whatever came first.
"""

from datetime import date

from runtime.ledger.model import JournalEntry
from runtime.payments.accounting import capture_id, credited_account
from runtime.payments.disputes.accounting import dispute_entries_due
from runtime.payments.model import Payment
from runtime.payments.refunds.accounting import refund_entries_due
from runtime.payments.refunds.worth import share_paise
from runtime.payments.returns.model import Returns
from runtime.payments.returns.rules import lost_minor


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
