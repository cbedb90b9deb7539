"""How money is set aside in the books while its fate is open, and given free again: a pure rule.

A claim sets an amount aside from the account that owed it (``owed``) in another (``held``) for as long as it
is open. Whether it is open follows from what is known; the entries only follow. A claim that opens again
(a word that came late) is set aside again under the next number, so no id is ever used twice and the balances
are those of the present state, whatever came in which order.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from runtime.ledger.accounts import Account
from runtime.ledger.model import JournalEntry, credit, debit
from runtime.platform.currencies import BOOKS_CURRENCY


@dataclass(frozen=True, slots=True)
class Claim:
    """Paise to be set aside while ``is_open``; of nothing (what is worth less than a paisa) nothing is
    booked. ``opened`` and ``closed`` name its two facts (``refund-requested:rfd_1``,
    ``refund-closed:rfd_1``)."""

    opened: str
    closed: str
    is_open: bool
    amount_paise: int
    description: str


def claim_entries(
    claim: Claim, booked: Collection[str], *, owed: Account, held: Account, business_day: date
) -> tuple[JournalEntry, ...]:
    """The entry that brings the books to the claim's present state, or none. ``booked`` are the ids of the
    entries there are."""
    times_opened, times_closed = _times(claim.opened, booked), _times(claim.closed, booked)
    if not claim.amount_paise or claim.is_open == (times_opened > times_closed):
        return ()
    if claim.is_open:
        name, times, lines = claim.opened, times_opened, (owed, held)
    else:
        name, times, lines = claim.closed, times_closed, (held, owed)
    return (
        JournalEntry(
            entry_id=name if not times else f"{name}:{times + 1}",
            business_date=business_day,
            description=claim.description,
            currency=BOOKS_CURRENCY,
            lines=(debit(lines[0], claim.amount_paise), credit(lines[1], claim.amount_paise)),
        ),
    )


def _times(name: str, booked: Collection[str]) -> int:
    return sum(entry_id == name or entry_id.startswith(f"{name}:") for entry_id in booked)
