"""What the gateway must show, by our books: pure rules over journal entries."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Final

from runtime.ledger.accounts import gateway_receivable, input_gst
from runtime.ledger.model import JournalEntry
from runtime.payments.accounting import GATEWAY
from runtime.payments.reconciliation.model import Expectation

_KINDS: Final = {
    "capture": "payment",
    "refund-processed": "refund",
    "transfer": "transfer",
}
"""What an entry's id begins with, and the gateway's word for it. Lost disputes and refunds that only a total
tells of have no identifier that the gateway's rows would carry."""
_FEE: Final = "fee"


def expectations_of(entries: Iterable[JournalEntry]) -> Iterator[Expectation]:
    """The expectations that the entries are, each with its fee where that is booked among them.

    ``made_on`` is the day in India on which it was booked.
    """
    booked: dict[str, tuple[str, JournalEntry]] = {}
    fees: dict[str, tuple[int, int]] = {}
    for entry in entries:
        what, _, name = entry.entry_id.partition(":")
        entity_id = name.partition(":")[0]  # what was booked again bears a number
        if what in _KINDS:
            booked[entity_id] = (_KINDS[what], entry)
        elif what == _FEE:
            fees[entity_id] = (_moved(entry, _RECEIVABLE), _moved(entry, _TAX))
    for entity_id, (kind, entry) in booked.items():
        fee = fees.get(entity_id)
        yield Expectation(
            entity_id=entity_id,
            kind=kind,
            amount_paise=_moved(entry, _RECEIVABLE),
            currency=entry.currency,
            made_on=entry.business_date,
            fee_paise=None if fee is None else fee[0],
            tax_paise=None if fee is None else fee[1],
        )


def within(
    expectations: Iterable[Expectation], *, first_day: date, named: frozenset[str]
) -> Iterator[Expectation]:
    """Those from ``first_day`` on, and of the earlier ones those that a row of the window names.

    A row of the window may be of a capture before it; a capture before it may have its row before it too.
    """
    return (each for each in expectations if each.made_on >= first_day or each.entity_id in named)


_RECEIVABLE: Final = gateway_receivable(GATEWAY).name
_TAX: Final = input_gst().name


def _moved(entry: JournalEntry, account: str) -> int:
    """How much an entry moved on an account, in paise, whichever way."""
    return sum(line.debit_paise + line.credit_paise for line in entry.lines if line.account.name == account)
