"""What an exception was opened for: kept with it, so that it is judged again when its days are long past.

It is small whatever the matter: of a settlement's rows only their sum is kept.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, Final

from runtime.payments.model import Frozen
from runtime.payments.reconciliation.matching import Outcome
from runtime.payments.reconciliation.model import Finding, Leg, SettlementFact
from runtime.payments.reconciliation.pairs import Pairs
from runtime.payments.reconciliation.payouts import Payouts
from runtime.payments.reconciliation.statements.model import StatementLine

EACH_MAX: Final = 100
"""So many rows, settlements or lines of one matter are kept. A matter of more is judged while its days are in
the window, and waits for a person after that: part of it would look like another matter."""
_SETTLEMENT: Final = 7


class KeptSum(Frozen):
    """What the rows of a settlement come to."""

    settlement_id: str
    net_paise: int
    count: int
    utrs: tuple[str, ...]
    currencies: tuple[str, ...]


class LineAt(Frozen):
    """A bank line, and the day on which it is found."""

    line_id: str
    booked_on: date


class Evidence(Frozen):
    """The gateway's rows of an entity (``Pairs.recall``), or the settlements of a matter, what their rows
    come to, and its bank lines. ``posted`` are settlements of the rows whose money is here."""

    rows: tuple[tuple[Any, ...], ...] = ()
    posted: tuple[str, ...] = ()
    settlements: tuple[SettlementFact, ...] = ()
    sums: tuple[KeptSum, ...] = ()
    lines: tuple[LineAt, ...] = ()


def evidence_of(
    group_id: str,
    findings: Iterable[Finding],
    outcome: Outcome,
    pairs: Pairs,
    payouts: Payouts,
    lines: dict[str, StatementLine],
) -> Evidence:
    """The evidence of a matter as it was just judged; ``lines`` are the bank lines by their ids."""
    rows = [tuple(row) for row in pairs.told_rows(group_id)]
    legs = [(finding.leg, finding.item_id.partition("@")[0]) for finding in findings]
    settlement_ids = sorted({item_id for leg, item_id in legs if leg is Leg.SETTLEMENT})
    line_ids = sorted({item_id for leg, item_id in legs if leg is Leg.BANK})
    if max(len(rows), len(settlement_ids), len(line_ids)) > EACH_MAX:
        return Evidence()
    settlements_of_rows = {_settlement(row) for row in rows} - {""}
    return Evidence(
        rows=tuple(rows),
        posted=tuple(sorted(filter(outcome.is_posted, settlements_of_rows))),
        settlements=tuple(fact for each in settlement_ids for fact in payouts.told_of(each)),
        sums=tuple(kept for each in settlement_ids if (kept := _sum(pairs, each)) is not None),
        lines=tuple(LineAt(line_id=each, booked_on=lines[each].booked_on) for each in line_ids),
    )


def _settlement(row: Sequence[Any]) -> str:
    return str(row[_SETTLEMENT])


def _sum(pairs: Pairs, settlement_id: str) -> KeptSum | None:
    total = pairs.sums.get(pairs.settlements.number(settlement_id))
    if total is None:
        return None
    return KeptSum(
        settlement_id=settlement_id,
        net_paise=total.net,
        count=total.count,
        utrs=tuple(sorted(total.utrs)),
        currencies=tuple(sorted(total.currencies)),
    )
