"""The facts of a window of days: our books, the gateway's rows and settlements, the bank's lines.

They are taken in as they are read, a page at a time: of a row stays what the match needs of it. The window
has a margin before it: what lies there counts only where something in the window names it, so that nothing at
the edge looks as if it were missing or came from nowhere. What an open exception was opened for is taken in
whenever it was.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from runtime.gateways.errors import GatewayRejected
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Settlement
from runtime.ledger.journal import Journal
from runtime.payments.reconciliation.evidence import Evidence
from runtime.payments.reconciliation.expectations import Fees, expectation_of, expectations_of, within
from runtime.payments.reconciliation.gateway_rows import RECON_FIELDS, BrokenGatewayRow, read_rows
from runtime.payments.reconciliation.model import SettlementFact
from runtime.payments.reconciliation.pairs import Pairs, RowSum, rows_of
from runtime.payments.reconciliation.payouts import Payouts
from runtime.payments.reconciliation.repository import BankLines, KeptException, KeptLine
from runtime.payments.reconciliation.statements.references import reference_key
from runtime.platform.clock import IST, business_date
from runtime.platform.currencies import BOOKS_CURRENCY

WINDOW_DAYS: Final = 10
"""What was made in it has become due within it: two working days and the longest run of bank holidays."""
MARGIN_DAYS: Final = 20
_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class Facts:
    """All that is matched, and what of it could not be read. ``posted`` are settlements outside the window
    whose money was here."""

    pairs: Pairs = field(default_factory=Pairs)
    payouts: Payouts = field(init=False)
    lines: list[KeptLine] = field(default_factory=list)
    broken: list[BrokenGatewayRow] = field(default_factory=list)
    posted: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.payouts = Payouts(self.pairs.currencies)

    def row_paise(self, entity_id: str) -> int | None:
        """The amount of an entity's row in paise, where there is one and it is in rupees."""
        rows = rows_of(self.pairs.cases[entity_id])
        if len(rows) != 1 or self.pairs.currencies.texts[rows[0].currency] != BOOKS_CURRENCY:
            return None
        return abs(rows[0].gross)

    def take_lines(self, lines: Iterable[KeptLine]) -> None:
        """Take in bank lines."""
        for kept in lines:
            self.lines.append(kept)
            self.payouts.take_lines([kept.line])


@dataclass(frozen=True, slots=True)
class FactReader:
    """Gathers facts. Raises GatewayError where the gateway does not give its part."""

    journal: Journal
    gateway: RazorpayClient
    lines: BankLines

    def until(self, day: date) -> Facts:
        """The facts of the window that ends with ``day`` (in India)."""
        first_day = day - (WINDOW_DAYS - 1) * _DAY
        margin = first_day - MARGIN_DAYS * _DAY
        facts = Facts()
        raws = (raw for each in _days(first_day, day) for raw in self._rows(each))
        facts.pairs.take(read_rows(raws, facts.broken))
        self._expect(facts, margin, first_day, day)
        for each in _days(first_day, day):
            facts.take_lines(self.lines.of_day(each))
        facts.payouts.take_settlements(self._settlements(margin, first_day, day, facts))
        return facts

    def recall(self, facts: Facts, exceptions: Iterable[KeptException]) -> None:
        """Take in what open exceptions were opened for, where the window does not show it any more."""
        for kept in exceptions:
            self.expect(facts, kept.exception.group_id)
            evidence = kept.evidence
            if evidence is None:
                continue
            if not facts.pairs.has_row(kept.exception.group_id):
                facts.pairs.recall(kept.exception.group_id, evidence.rows)
                facts.posted.update(evidence.posted)
            self._recall_money(facts, evidence)

    def expect(self, facts: Facts, entity_id: str) -> bool:
        """Take in what our books say of one entity, whenever it was booked; whether they say anything new."""
        if facts.pairs.is_expected(entity_id):
            return False
        found = expectation_of(entity_id, self.journal.get)
        if found is None:
            return False
        facts.pairs.expect([found])
        return True

    def _recall_money(self, facts: Facts, evidence: Evidence) -> None:
        for told in evidence.settlements:
            if not facts.payouts.told_of(told.settlement_id):
                facts.payouts.take_settlements([told, *self._as_it_is_now(told)])
        names = facts.pairs.settlements
        for total in evidence.sums:
            number = names.number(total.settlement_id)
            if number not in facts.pairs.sums:
                facts.pairs.sums[number] = RowSum(
                    total.net_paise, total.count, set(total.utrs), set(total.currencies)
                )
        known = {kept.line.line_id for kept in facts.lines}
        wanted = {line.line_id for line in evidence.lines} - known
        for day in {line.booked_on for line in evidence.lines if line.line_id in wanted}:
            facts.take_lines(kept for kept in self.lines.of_day(day) if kept.line.line_id in wanted)

    def _as_it_is_now(self, told: SettlementFact) -> list[SettlementFact]:
        try:
            return [_fact(self.gateway.get_settlement(told.settlement_id), told.created_on)]
        except GatewayRejected:  # the gateway shows it no more; what was kept is what is known
            return []

    def _rows(self, day: date) -> Iterator[Mapping[str, Any]]:
        skip = 0
        while True:
            page = self.gateway.list_recon(day, skip=skip)
            for row in page.items:
                yield row.model_dump(include=set(RECON_FIELDS))
            if page.is_last:
                return
            skip += len(page.items)

    def _expect(self, facts: Facts, margin: date, first_day: date, day: date) -> None:
        """Take in what our books expect, a day at a time. A fee is mostly booked with its capture; one that
        came on another day adds to what was expected."""
        apart: Fees = {}
        for each in _days(margin, day):
            found = expectations_of(self.journal.entries_of(each), apart)
            facts.pairs.expect(within(found, first_day=first_day, is_named=facts.pairs.has_row))
        for entity_id in apart:
            if facts.pairs.is_expected(entity_id):
                found_late = expectation_of(entity_id, self.journal.get)
                facts.pairs.expect([found_late] if found_late else [])

    def _settlements(
        self, margin: date, first_day: date, day: date, facts: Facts
    ) -> Iterator[SettlementFact]:
        """The settlements of the window, and those before it that a row or a line of it names."""
        by_rows = set(facts.pairs.settlements.texts)
        by_lines = {reference for kept in facts.lines for reference in kept.line.references}
        skip = 0
        while True:
            page = self.gateway.list_settlements(
                since=_midnight(margin), until=_midnight(day + _DAY) - timedelta(seconds=1), skip=skip
            )
            for settlement in page.items:
                fact = _fact(settlement, day)
                named = fact.settlement_id in by_rows or reference_key(fact.utr) in by_lines
                if fact.created_on >= first_day or named:
                    yield fact
            if page.is_last:
                return
            skip += len(page.items)


def _fact(settlement: Settlement, otherwise: date) -> SettlementFact:
    made = settlement.created_at
    return SettlementFact(
        settlement_id=settlement.id,
        amount_paise=settlement.amount,
        status=settlement.status,
        created_on=business_date(datetime.fromtimestamp(made, IST)) if made else otherwise,
        utr=settlement.utr or "",
    )


def _days(first: date, last: date) -> Iterator[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), IST)
