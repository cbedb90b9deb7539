"""Which journal entries a dispute calls for: pure rules.

What is contested is set aside (chargeback reserve) until the dispute is decided. Won or closed, it is owed to
the school again; lost, the gateway has taken it out of what it holds for us.
"""

from collections.abc import Collection
from datetime import date

from runtime.ledger.accounts import Account, chargeback_reserve, gateway_receivable
from runtime.ledger.model import JournalEntry, credit, debit
from runtime.payments.accounting import GATEWAY
from runtime.payments.claims import Claim, claim_entries
from runtime.payments.disputes.model import UNDECIDED, Dispute, DisputeStatus
from runtime.platform.currencies import BOOKS_CURRENCY


def dispute_entries_due(
    dispute: Dispute,
    booked: Collection[str],
    *,
    owed: Account,
    school_id: str,
    business_day: date,
    amount_paise: int,
) -> tuple[JournalEntry, ...]:
    """The entries that ``dispute`` calls for and that are not booked yet; ``owed`` is the account that the
    payment's capture credited, ``amount_paise`` what the amount contested is worth in the books. That is what
    is lost, whatever the gateway deducted so far."""
    claim = Claim(
        opened=f"dispute-reserved:{dispute.dispute_id}",
        closed=f"dispute-released:{dispute.dispute_id}",
        is_open=dispute.status in UNDECIDED,
        amount_paise=amount_paise,
        description=f"Dispute {dispute.dispute_id} is {dispute.status.value}",
    )
    due = claim_entries(
        claim,
        booked,
        owed=owed,
        held=chargeback_reserve(school_id),
        business_day=business_day,
    )
    lost_id = f"dispute-lost:{dispute.dispute_id}"
    if dispute.status is not DisputeStatus.LOST or lost_id in booked or not amount_paise:
        return due
    lost = JournalEntry(
        entry_id=lost_id,
        business_date=business_day,
        description=f"Dispute {dispute.dispute_id} is lost",
        currency=BOOKS_CURRENCY,
        lines=(debit(owed, amount_paise), credit(gateway_receivable(GATEWAY), amount_paise)),
        reference=dispute.gateway_payment_id,
    )
    return (*due, lost)
