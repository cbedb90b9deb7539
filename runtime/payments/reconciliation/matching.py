"""The three-way match: expectations, the gateway's rows, its settlements, and the bank's lines.

A pure function of the facts and a day. The facts may come in any order and more than once; what is found is
the same. Rows are read as a stream and kept as some hundred bytes each (``pairs``); nothing is decided until
all is known. Then the money is judged (``payouts``, ``settling``), and the rows follow their settlements
(``judging``).
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from runtime.payments.reconciliation.decisions import Decisions, Verdict, facts_digest
from runtime.payments.reconciliation.judging import Judge, Payout, difference_paise
from runtime.payments.reconciliation.model import (
    EXCEPTIONS,
    Decision,
    Expectation,
    Finding,
    GatewayRow,
    Leg,
    LegTotals,
    SettlementFact,
    Status,
    Total,
)
from runtime.payments.reconciliation.pairs import (
    ADDS_UP,
    AGREED,
    DAY_ZERO,
    EXPECTED,
    HEAD,
    IS_ON_HOLD,
    IS_VOID,
    PAIR,
    Expected,
    Pairs,
    Row,
    Said,
    Tally,
    all_said,
    count_in,
    expected_of,
    rows_of,
)
from runtime.payments.reconciliation.payouts import BankLine, Payouts
from runtime.payments.reconciliation.settling import MoneyJudge
from runtime.payments.reconciliation.working_days import WorkingDays

_LEGS = tuple(Leg)
Tallies = dict[Leg, dict[Status, Tally]]


def reconcile(
    *,
    expectations: Iterable[Expectation],
    rows: Iterable[GatewayRow],
    settlements: Iterable[SettlementFact],
    lines: Iterable[BankLine],
    today: date,
    days: WorkingDays,
    decisions: Iterable[Decision] = (),
) -> "Outcome":
    """What becomes of every paisa as of ``today`` (a day in India)."""
    pairs = Pairs()
    payouts = Payouts(pairs.currencies)
    pairs.expect(expectations)
    pairs.take(rows)
    payouts.take_settlements(settlements)
    payouts.take_lines(lines)
    return judged(pairs, payouts, today=today, days=days, decisions=decisions)


def judged(
    pairs: Pairs,
    payouts: Payouts,
    *,
    today: date,
    days: WorkingDays,
    decisions: Iterable[Decision] = (),
    posted: Iterable[str] = (),
) -> "Outcome":
    """The same of what was taken in already. ``posted`` are settlements that are not looked at any more and
    whose money was here when they were."""
    return Outcome(pairs, payouts, today, days, Decisions(decisions), frozenset(posted))


@dataclass(slots=True)
class Outcome:
    """What was found. Findings and totals are made as they are asked for."""

    _pairs: Pairs
    _payouts: Payouts
    _today: date
    _days: WorkingDays
    _decisions: Decisions
    _posted: frozenset[str] = frozenset()
    _money: list[Finding] = field(init=False, default_factory=list)
    _states: dict[int, Payout] = field(init=False, default_factory=dict)
    _overdue: dict[tuple[int, int], bool] = field(init=False, default_factory=dict)
    _judge: Judge = field(init=False)

    def __post_init__(self) -> None:
        names = self._pairs.settlements
        sums = {names.texts[number]: total for number, total in self._pairs.sums.items()}
        judge = MoneyJudge(self._today, self._days, self._decisions, sums)
        for matter in self._payouts.matters():
            for found in judge.judge(matter):
                self._money.append(found.finding)
                if found.settlement_id:
                    state = Payout.POSTED if found.pays_its_rows else Payout.OPEN
                    self._states[names.number(found.settlement_id)] = state
        for name in self._posted:
            self._states.setdefault(names.number(name), Payout.POSTED)
        self._money.sort(key=lambda finding: (_LEGS.index(finding.leg), finding.item_id))
        self._judge = Judge(self._is_overdue, self._payout_of)

    def findings(self, only: Collection[Status] | None = None) -> Iterator[Finding]:
        """Every item with its status, by leg and id; ``only`` those in some statuses."""
        wanted = frozenset(Status) if only is None else frozenset(only)
        for leg in (Leg.EXPECTATION, Leg.GATEWAY):
            for entity_id in sorted(self._pairs.cases):
                case = self._pairs.cases[entity_id]
                for finding in self._entity(leg, entity_id, case):
                    if finding.status in wanted:
                        yield finding
        yield from (finding for finding in self._money if finding.status in wanted)

    def exceptions(self) -> Iterator[Finding]:
        """What a person must look at."""
        return self.findings(EXCEPTIONS)

    def is_posted(self, settlement_id: str) -> bool:
        """Whether what a settlement pays out is here."""
        return self._payout_of(self._pairs.settlements.number(settlement_id)) is Payout.POSTED

    def totals(self) -> tuple[LegTotals, ...]:
        """Every leg and currency: what came in, and in which status it is."""
        tallies: Tallies = {leg: {} for leg in Leg}
        pairs = self._pairs
        again_expected = {currency: list(said) for currency, said in pairs.expected_again.items()}
        again_rows = {currency: list(said) for currency, said in pairs.rows_again.items()}
        self._count_entities(tallies, again_expected, again_rows)
        for finding in self._money:
            by_status = tallies[finding.leg].setdefault(finding.status, {})
            count_in(by_status, pairs.currencies.number(finding.currency), finding.amount_paise)
        payouts = self._payouts
        told = {
            Leg.EXPECTATION: (pairs.expected_in, again_expected),
            Leg.GATEWAY: (pairs.rows_in, again_rows),
            Leg.SETTLEMENT: (payouts.settlements_in, payouts.settlements_again),
            Leg.BANK: (payouts.lines_in, payouts.lines_again),
        }
        return tuple(
            self._leg_totals(leg, currency, told[leg], tallies[leg])
            for leg in Leg
            for currency in sorted(told[leg][0], key=pairs.currencies.texts.__getitem__)
        )

    def _leg_totals(
        self, leg: Leg, currency: int, told: tuple[Tally, Tally], by_status: dict[Status, Tally]
    ) -> LegTotals:
        return LegTotals(
            leg=leg,
            currency=self._pairs.currencies.texts[currency],
            inputs=Total(*told[0][currency]),
            repeated=Total(*told[1].get(currency, (0, 0))),
            statuses={
                status: Total(*by_status[status][currency])
                for status in Status
                if currency in by_status.get(status, ())
            },
        )

    def _count_entities(self, tallies: Tallies, again_expected: Tally, again_rows: Tally) -> None:
        """Count every entity. Pairs that agree are by far the most; they are counted from their bytes."""
        decisions = self._decisions
        followed: dict[tuple[int, int, int, int], Status] = {}
        agreed: dict[tuple[Status, int], list[int]] = {}
        for entity_id, case in self._pairs.cases.items():
            if (
                isinstance(case, bytes)
                and len(case) == PAIR
                and case[:HEAD] == case[EXPECTED : EXPECTED + HEAD]
                and entity_id not in decisions
            ):
                gross, currency, kind, day, void, net, payout, row_day, flags = AGREED.unpack(case)
                if flags & ADDS_UP and not void & IS_VOID:
                    made = day or row_day
                    follows = (payout, made, kind, flags & IS_ON_HOLD)
                    status = followed.get(follows)
                    if status is None:
                        row = rows_of(case)[0]
                        status = followed[follows] = self._judge.agreed(made and made + DAY_ZERO, row)[0]
                    counted = agreed.get((status, currency))
                    if counted is None:
                        agreed[status, currency] = [1, gross, net]
                    else:
                        counted[0] += 1
                        counted[1] += gross
                        counted[2] += net
                    continue
            self._count_case(entity_id, case, tallies)
            if isinstance(case, Said):
                _count_merged(case, again_expected, again_rows)
        for (status, currency), (count, gross, net) in agreed.items():
            for leg, paise in ((Leg.EXPECTATION, gross), (Leg.GATEWAY, net)):
                total = tallies[leg].setdefault(status, {}).setdefault(currency, [0, 0])
                total[0] += count
                total[1] += paise

    def _count_case(self, entity_id: str, case: bytes | Said, tallies: Tallies) -> None:
        expected, rows = expected_of(case), rows_of(case)
        facts = self._facts(expected, rows) if entity_id in self._decisions else ""
        status = self._verdict(entity_id, expected, rows, facts)[0]
        for said in expected:
            count_in(tallies[Leg.EXPECTATION].setdefault(status, {}), said.currency, said.gross)
        for row in rows:
            count_in(tallies[Leg.GATEWAY].setdefault(status, {}), row.currency, row.net)

    def _entity(self, leg: Leg, entity_id: str, case: bytes | Said) -> Iterator[Finding]:
        expected, rows = expected_of(case), rows_of(case)
        items: Sequence[Expected | Row] = expected if leg is Leg.EXPECTATION else rows
        if not items:
            return
        facts = self._facts(expected, rows)
        status, reasons = self._verdict(entity_id, expected, rows, facts)
        difference = 0 if status is Status.POSTED_AUTO else difference_paise(expected, rows)
        for item in sorted(items, key=self._told):
            yield Finding(
                leg=leg,
                item_id=entity_id if len(items) == 1 else f"{entity_id}@{facts_digest(self._told(item))[:8]}",
                group_id=entity_id,
                status=status,
                amount_paise=item.gross if isinstance(item, Expected) else item.net,
                currency=self._pairs.currencies.texts[item.currency],
                reasons=reasons,
                difference_paise=difference,
                facts=facts,
            )

    def _verdict(self, entity_id: str, expected: list[Expected], rows: list[Row], facts: str) -> Verdict:
        return self._decisions.apply(self._judge.case(expected, rows), entity_id, facts)

    def _facts(self, expected: list[Expected], rows: list[Row]) -> str:
        told = [self._told(said) for said in expected] + [self._told(said) for said in rows]
        return facts_digest(*sorted(told))

    def _told(self, said: Expected | Row) -> str:
        """Everything that was said, as a text that does not depend on the order of arrival."""
        names = self._pairs
        numbers = (said.gross, said.fee, said.tax, said.related.hex())
        words = (names.currencies.texts[said.currency], names.kinds.texts[said.kind])
        if isinstance(said, Expected):
            return repr(("expected", *numbers, *words, said.is_void))
        return repr(("row", *numbers, *words, said.net, names.settlements.texts[said.settlement]))

    def _payout_of(self, settlement: int) -> Payout:
        return self._states.get(settlement, Payout.NOT_KNOWN)

    def _is_overdue(self, kind: int, day: int) -> bool:
        """Whether a row is overdue for what was made on a day (an ordinal; 0 is not known, and never is)."""
        late = self._overdue.get((kind, day))
        if late is None:
            name = self._pairs.kinds.texts[kind]
            late = bool(day) and self._today > self._days.row_due(name, date.fromordinal(day))
            self._overdue[kind, day] = late
        return late


def _count_merged(case: Said, again_expected: Tally, again_rows: Tally) -> None:
    """What was said and became part of another word counts as said again."""
    every_expected, every_row = all_said(case)
    for expected in every_expected:
        count_in(again_expected, expected.currency, expected.gross)
    for expected in expected_of(case):
        _uncount(again_expected, expected.currency, expected.gross)
    for row in every_row:
        count_in(again_rows, row.currency, row.net)
    for row in rows_of(case):
        _uncount(again_rows, row.currency, row.net)


def _uncount(tally: Tally, currency: int, paise: int) -> None:
    tally[currency][0] -= 1
    tally[currency][1] -= paise
