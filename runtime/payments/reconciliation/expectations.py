"""What the gateway must show, by our books: pure rules over journal entries."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Final

from runtime.ledger.accounts import gateway_receivable, input_gst
from runtime.ledger.model import JournalEntry
from runtime.payments.accounting import GATEWAY
from runtime.payments.reconciliation.model import Expectation

_KINDS: Final = {
    "capture": "payment",
    "refund-processed": "refund",
    "refund-exchange": "refund",
    "transfer": "transfer",
    "reversal": "reversal",
    "dispute-lost": "dispute",
}
"""What an entry's id begins with, and the gateway's word for it. A refund that only a total tells of has no
identifier that the gateway's rows would carry: it is asked about until it has one. So it is with the reversal
of a transfer. A refund in another currency is booked by two entries at once: its share of the capture and the
difference of exchange."""
_FEE: Final = "fee"

Fees = dict[str, tuple[int, int]]
"""Fee and tax (paise) by gateway payment."""


def expectations_of(entries: Iterable[JournalEntry], apart: Fees | None = None) -> Iterator[Expectation]:
    """The expectations that the entries are, each with its fee where that is booked among them.

    ``made_on`` is the day in India on which it was booked. Fees whose capture is not among the entries are
    added to ``apart``.
    """
    booked: dict[str, Expectation] = {}
    fees: Fees = {}
    for entry in entries:
        what, _, name = entry.entry_id.partition(":")
        entity_id = name.partition(":")[0]  # what was booked again bears a number
        if what in _KINDS:
            found = _expectation(_KINDS[what], entity_id, entry)
            booked[entity_id] = _together(booked.get(entity_id), found)
        elif what == _FEE:
            fees[entity_id] = (_moved(entry, _RECEIVABLE), _moved(entry, _TAX))
    for entity_id, expectation in booked.items():
        fee = fees.pop(entity_id, None)
        yield expectation if fee is None else _with_fee(expectation, fee)
    if apart is not None:
        apart.update(fees)


def expectation_of(entity_id: str, entry_of: Callable[[str], JournalEntry | None]) -> Expectation | None:
    """The expectation of one entity, whenever it was booked; ``entry_of`` gives an entry by its id."""
    expectation: Expectation | None = None
    for what, kind in _KINDS.items():
        if kind != (expectation.kind if expectation is not None else kind):
            continue
        entry = entry_of(f"{what}:{entity_id}")
        if entry is not None:
            expectation = _together(expectation, _expectation(kind, entity_id, entry))
    fee = None if expectation is None else entry_of(f"{_FEE}:{entity_id}")
    if expectation is None or fee is None:
        return expectation
    return _with_fee(expectation, (_moved(fee, _RECEIVABLE), _moved(fee, _TAX)))


def within(
    expectations: Iterable[Expectation], *, first_day: date, is_named: Callable[[str], bool]
) -> Iterator[Expectation]:
    """Those from ``first_day`` on, and of the earlier ones those that a row of the window names.

    A row of the window may be of a capture before it; a capture before it may have its row before it too.
    """
    return (each for each in expectations if each.made_on >= first_day or is_named(each.entity_id))


_RECEIVABLE: Final = gateway_receivable(GATEWAY).name
_TAX: Final = input_gst().name


def _together(known: Expectation | None, found: Expectation) -> Expectation:
    """What two entries about one entity make us expect."""
    return found if known is None else known._replace(amount_paise=known.amount_paise + found.amount_paise)


def _expectation(kind: str, entity_id: str, entry: JournalEntry) -> Expectation:
    amount_paise = _paid_out(entry) if kind == "refund" else _moved(entry, _RECEIVABLE)
    fee_paise = 0 if kind == "reversal" else None  # nothing is booked for it, so a row must show none
    return Expectation(
        entity_id=entity_id,
        kind=kind,
        amount_paise=-amount_paise if kind == "dispute" else amount_paise,
        currency=entry.currency,
        made_on=entry.business_date,
        fee_paise=fee_paise,
        tax_paise=fee_paise,
        related_id=entry.reference,
    )


def _with_fee(expectation: Expectation, fee: tuple[int, int]) -> Expectation:
    return expectation._replace(fee_paise=fee[0], tax_paise=fee[1])


def _moved(entry: JournalEntry, account: str) -> int:
    """How much an entry moved on an account, in paise, whichever way."""
    return sum(line.debit_paise + line.credit_paise for line in entry.lines if line.account.name == account)


def _paid_out(entry: JournalEntry) -> int:
    """What an entry took out of what the gateway holds for us, in paise; less than 0 where it gave."""
    ours = [line for line in entry.lines if line.account.name == _RECEIVABLE]
    return sum(line.credit_paise - line.debit_paise for line in ours)
