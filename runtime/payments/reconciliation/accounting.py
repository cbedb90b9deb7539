"""What the journal books of reconciliation: pure rules.

Money that came to the bank for a settlement of the gateway reduces the gateway's debt to us, whatever it was
meant to be: that is booked line by line, on the line's own day. What is then still owed, or was paid too
much, stays with the gateway until two people post it by force to the difference account. A forced posting
whose facts have changed is turned back. Each fact is booked once under an id that names it, so the books do
not depend on the order in which facts became known.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date

from runtime.ledger.accounts import bank, gateway_receivable, reconciliation_difference
from runtime.ledger.model import JournalEntry, credit, debit
from runtime.payments.accounting import GATEWAY
from runtime.payments.reconciliation.exception_model import ReconciliationException, Resolution
from runtime.payments.reconciliation.model import POSTED, Finding, Leg
from runtime.payments.reconciliation.payouts import IS_SETTLED_BY_UTR, BankLine
from runtime.platform.clock import business_date, from_iso
from runtime.platform.currencies import BOOKS_CURRENCY


def received_id(line_id: str) -> str:
    """The id of the entry that books a bank line of a settlement."""
    return f"settlement_received:{line_id}"


def forced_id(exception: ReconciliationException, number: int) -> str:
    """The id of the entry that books a matter's ``number``-th forced posting (from 1)."""
    return f"reconciliation_difference:{exception.group_id}:{number}"


def reversal_id(exception: ReconciliationException, number: int) -> str:
    """The id of the entry that turns that posting back."""
    return f"reconciliation_difference_reversed:{exception.group_id}:{number}"


def received_entries(
    findings: Iterable[Finding], lines: Mapping[str, BankLine], account_id: str, booked: Collection[str]
) -> Iterator[JournalEntry]:
    """The entries, not booked yet, for the bank lines among ``findings`` that are of a settlement or that
    somebody posted. A line in another currency than that of the books is not booked.

    ``lines`` are the lines by their ids, all of the account that we call ``account_id``.
    """
    for finding in findings:
        if finding.leg is not Leg.BANK or received_id(finding.item_id) in booked:
            continue
        if not (finding.group_id.startswith(IS_SETTLED_BY_UTR) or finding.status in POSTED):
            continue
        line = lines[finding.item_id]
        if line.currency != BOOKS_CURRENCY:  # it stays an exception; the books have no place for it
            continue
        ours, theirs = bank(account_id), gateway_receivable(GATEWAY)
        if line.amount_paise < 0:
            ours, theirs = theirs, ours
        amount_paise = abs(line.amount_paise)
        yield JournalEntry(
            entry_id=received_id(line.line_id),
            business_date=line.booked_on,
            description="Settlement of the gateway at the bank",
            currency=line.currency,
            lines=(debit(ours, amount_paise), credit(theirs, amount_paise)),
        )


def forced_entries(
    exception: ReconciliationException, booked: Collection[str], business_day: date
) -> Iterator[JournalEntry]:
    """The entries for the forced postings of an exception, and for turning back those that no longer stand,
    that are not booked yet.

    A posting is booked on the day in India of its approval, its reversal on ``business_day``.
    """
    stands = exception.resolution is Resolution.POSTED_FORCED
    for number, posting in enumerate(exception.forced, 1):
        entry_id, undo_id = forced_id(exception, number), reversal_id(exception, number)
        if entry_id not in booked:
            approved_on = business_date(from_iso(posting.approved_at))
            yield _difference(exception, posting.difference_paise, entry_id, approved_on)
        if not (stands and number == len(exception.forced)) and undo_id not in booked:
            yield _difference(exception, -posting.difference_paise, undo_id, business_day)


def _difference(
    exception: ReconciliationException, difference_paise: int, entry_id: str, business_day: date
) -> JournalEntry:
    """More than expected came: the gateway's debt grows back and we gain. Less: it shrinks and we lose."""
    theirs, ours = gateway_receivable(GATEWAY), reconciliation_difference(GATEWAY)
    if difference_paise < 0:
        theirs, ours = ours, theirs
    amount_paise = abs(difference_paise)
    return JournalEntry(
        entry_id=entry_id,
        business_date=business_day,
        description=f"Difference of {exception.group_id}, by force",
        currency=BOOKS_CURRENCY,  # nothing else is posted by force
        lines=(debit(theirs, amount_paise), credit(ours, amount_paise)),
    )
