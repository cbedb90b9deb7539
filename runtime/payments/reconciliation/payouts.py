"""Settlements beside bank lines: N settlements in one credit, one settlement in several, matched by UTR.

A UTR names a credit. Settlements under one UTR and the lines that name it are one matter; a line that names
several UTRs (a batch entry) joins them. What a matter's settlements promise and what its lines bring is
compared as a whole, so no order of arrival matters and no paisa is spread by guess.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Protocol

from runtime.payments.reconciliation.model import Reason, SettlementFact, Status
from runtime.payments.reconciliation.pairs import Names, RowSum, Tally, count_in
from runtime.payments.reconciliation.statements.references import reference_key
from runtime.payments.reconciliation.working_days import WorkingDays

IS_SETTLED_BY_UTR: Final = "utr:"
"""How the group id of a matter begins that has a settlement with a UTR."""
_FAILED: Final = "failed"
_RANK: Final = {"created": 0, "processed": 1, _FAILED: 2}
_UNKNOWN_RANK: Final = 1

Verdict = tuple[Status, tuple[Reason, ...]]


class BankLine(Protocol):
    """What is asked of a bank line; statement lines answer it."""

    @property
    def line_id(self) -> str: ...
    @property
    def amount_paise(self) -> int: ...
    @property
    def currency(self) -> str: ...
    @property
    def booked_on(self) -> date: ...
    @property
    def references(self) -> tuple[str, ...]: ...


@dataclass(frozen=True, slots=True, order=True)
class Settled:
    """A settlement as it is known from all that was said of it; ``utrs`` has more than one if they
    contradict."""

    settlement_id: str
    amount_paise: int
    currency: str
    created_on: date
    has_failed: bool
    utrs: tuple[str, ...]
    contradicts: bool


@dataclass(slots=True)
class Matter:
    """The settlements and bank lines that belong together."""

    group_id: str
    settlements: list[Settled] = field(default_factory=list)
    lines: list[BankLine] = field(default_factory=list)

    @property
    def promised_paise(self) -> int:
        """What the settlements that did not fail add up to."""
        return sum(settled.amount_paise for settled in self.settlements if not settled.has_failed)

    @property
    def currencies(self) -> set[str]:
        """The currencies of all that is in it."""
        return {settled.currency for settled in self.settlements} | {line.currency for line in self.lines}

    @property
    def received_paise(self) -> int:
        """What the lines add up to."""
        return sum(line.amount_paise for line in self.lines)


class Payouts:
    """All settlements and bank lines that were told."""

    def __init__(self, currencies: Names) -> None:
        self._currencies = currencies
        self._facts: dict[str, set[SettlementFact]] = {}
        self._lines: dict[str, BankLine] = {}
        self.settlements_in: Tally = {}
        self.settlements_again: Tally = {}
        self.lines_in: Tally = {}
        self.lines_again: Tally = {}

    def take_settlements(self, facts: Iterable[SettlementFact]) -> None:
        """Take in settlements; a later word of the same one only adds to it."""
        for fact in facts:
            currency = self._currencies.number(fact.currency)
            count_in(self.settlements_in, currency, fact.amount_paise)
            said = self._facts.setdefault(fact.settlement_id, set())
            if any((old.amount_paise, old.currency) == (fact.amount_paise, fact.currency) for old in said):
                count_in(self.settlements_again, currency, fact.amount_paise)
            said.add(fact)

    def take_lines(self, lines: Iterable[BankLine]) -> None:
        """Take in bank lines; one that came before, by its identity, is the same line."""
        for line in lines:
            currency = self._currencies.number(line.currency)
            count_in(self.lines_in, currency, line.amount_paise)
            if line.line_id in self._lines:
                count_in(self.lines_again, currency, line.amount_paise)
            self._lines.setdefault(line.line_id, line)

    def told_of(self, settlement_id: str) -> tuple[SettlementFact, ...]:
        """All that was said of a settlement."""
        return tuple(sorted(self._facts.get(settlement_id, ())))

    def matters(self) -> list[Matter]:
        """Settlements and lines, joined by their UTRs, in the order of their group ids."""
        settlements = [settled for said in self._facts.values() for settled in _settled(said)]
        joined = _Joined()
        for settled in settlements:
            joined.join([f"setl:{settled.settlement_id}", *(f"utr:{utr}" for utr in settled.utrs)])
        for line in self._lines.values():
            known = [name for utr in line.references if (name := f"utr:{reference_key(utr)}") in joined]
            joined.join([f"line:{line.line_id}", *known])
        matters: dict[str, Matter] = {}
        for settled in settlements:
            root = joined.root(f"setl:{settled.settlement_id}")
            matters.setdefault(root, Matter("")).settlements.append(settled)
        for line in self._lines.values():
            root = joined.root(f"line:{line.line_id}")
            matters.setdefault(root, Matter("")).lines.append(line)
        for matter in matters.values():
            matter.settlements.sort()
            matter.lines.sort(key=lambda line: line.line_id)
            matter.group_id = _group_id(matter)
        return sorted(matters.values(), key=lambda matter: matter.group_id)


def cash_verdict(matter: Matter, today: date, days: WorkingDays) -> Verdict:
    """The verdict on the money of a matter; it counts for all that is in it.

    A matter whose settlements all failed is void when nothing came, or what came went back.
    """
    if not matter.settlements:
        return _lines_alone(matter.lines, today, days)
    if any(settled.contradicts for settled in matter.settlements):
        return Status.DATA_MISMATCH, (Reason.SETTLEMENTS_CONTRADICT,)
    if len(matter.currencies) > 1:
        return Status.CURRENCY_MISMATCH, (Reason.CURRENCY_DIFFERS,)
    live = [settled for settled in matter.settlements if not settled.has_failed]
    if matter.received_paise == matter.promised_paise:
        return (Status.POSTED_AUTO, ()) if live else (Status.VOID, (Reason.SETTLEMENT_FAILED,))
    if not live:
        return Status.DATA_MISMATCH, (Reason.FAILED_BUT_PAID,)
    is_late = today > max(days.credit_due(settled.created_on) for settled in live)
    if matter.lines:
        return _not_as_promised(matter.promised_paise, matter.received_paise, is_late=is_late)
    return _nothing_came(live, is_late=is_late)


def _lines_alone(lines: list[BankLine], today: date, days: WorkingDays) -> Verdict:
    """The verdict on lines that no settlement explains, or none yet."""
    if today > max(days.explanation_due(line.booked_on) for line in lines):
        return Status.OVER, (Reason.LINE_NOT_EXPECTED,)
    return Status.EXPECTED, (Reason.SETTLEMENT_AWAITED,)


def _nothing_came(live: list[Settled], *, is_late: bool) -> Verdict:
    """The verdict on settlements that no line names."""
    known = () if any(settled.utrs for settled in live) else (Reason.UTR_NOT_KNOWN,)
    if is_late:
        return Status.MISSING, (Reason.CREDIT_OVERDUE, *known)
    return Status.EXPECTED, (Reason.CREDIT_AWAITED, *known)


def _not_as_promised(promised_paise: int, received_paise: int, *, is_late: bool) -> Verdict:
    """The verdict on lines that bring more or less than was promised (which may be negative)."""
    direction = -1 if promised_paise < 0 else 1
    if (received_paise - promised_paise) * direction > 0:
        return Status.OVER, (Reason.AMOUNT_OVER,)
    if received_paise * direction <= 0:
        return Status.UNDER, (Reason.CREDIT_RETURNED,)
    if is_late:
        return Status.UNDER, (Reason.AMOUNT_UNDER,)
    return Status.PARTIALLY_RECONCILED, (Reason.CREDIT_PARTIAL,)


def rows_verdict(settled: Settled, rows: RowSum | None, today: date, days: WorkingDays) -> Verdict:
    """The verdict on a settlement whose money is here: whether the gateway's rows explain it."""
    if rows is None or not rows.count:
        if settled.amount_paise == 0:
            return Status.POSTED_AUTO, ()
        if today > days.credit_due(settled.created_on):
            return Status.MISSING, (Reason.ROWS_OVERDUE,)
        return Status.PARTIALLY_RECONCILED, (Reason.ROWS_AWAITED,)
    if rows.currencies != {settled.currency}:
        return Status.CURRENCY_MISMATCH, (Reason.CURRENCY_DIFFERS,)
    if settled.utrs and {reference_key(utr) for utr in rows.utrs} - set(settled.utrs):
        return Status.DATA_MISMATCH, (Reason.UTR_DIFFERS,)
    if rows.net != settled.amount_paise:
        return Status.SPLIT_MISMATCH, (Reason.ROWS_DO_NOT_ADD_UP,)
    return Status.POSTED_AUTO, ()


def _settled(said: set[SettlementFact]) -> Iterator[Settled]:
    """One settlement, or as many as there are amounts that contradict each other."""
    utrs = tuple(sorted({reference_key(fact.utr) for fact in said} - {""}))
    has_failed = max(_RANK.get(fact.status, _UNKNOWN_RANK) for fact in said) == _RANK[_FAILED]
    amounts = sorted({(fact.amount_paise, fact.currency) for fact in said})
    for amount_paise, currency in amounts:
        yield Settled(
            settlement_id=next(iter(said)).settlement_id,
            amount_paise=amount_paise,
            currency=currency,
            created_on=min(fact.created_on for fact in said),
            has_failed=has_failed,
            utrs=utrs,
            contradicts=len(amounts) > 1 or len(utrs) > 1,
        )


def _group_id(matter: Matter) -> str:
    utrs = [utr for settled in matter.settlements for utr in settled.utrs]
    if utrs:
        return IS_SETTLED_BY_UTR + min(utrs)
    if matter.settlements:
        return f"settlement:{matter.settlements[0].settlement_id}"
    return f"line:{matter.lines[0].line_id}"


class _Joined:
    """Names that belong together (union by the lesser name, so that no order matters)."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._parents

    def root(self, name: str) -> str:
        parents = self._parents
        root = name
        while parents[root] != root:
            root = parents[root]
        while parents[name] != root:
            parents[name], name = root, parents[name]
        return root

    def join(self, names: list[str]) -> None:
        for name in names:
            self._parents.setdefault(name, name)
        roots = sorted({self.root(name) for name in names})
        for root in roots[1:]:
            self._parents[root] = roots[0]
