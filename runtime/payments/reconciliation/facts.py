"""The facts of a window of days: our books, the gateway's rows and settlements, the bank's lines.

The window has a margin before it: what lies there counts only where something in the window names it, so that
nothing at the edge looks as if it were missing or came from nowhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Final

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import ReconRow, Settlement
from runtime.ledger.journal import Journal
from runtime.payments.reconciliation.expectations import expectations_of, within
from runtime.payments.reconciliation.gateway_rows import RECON_FIELDS, BrokenGatewayRow, read_rows
from runtime.payments.reconciliation.model import Expectation, GatewayRow, SettlementFact
from runtime.payments.reconciliation.repository import BankLines, KeptLine
from runtime.payments.reconciliation.statements.references import reference_key
from runtime.platform.clock import IST, business_date

WINDOW_DAYS: Final = 10
"""What was made in it has become due within it: two working days and the longest run of bank holidays."""
MARGIN_DAYS: Final = 20
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Debit:
    """What the gateway says of a payment that our books do not know: how and when the payer was debited."""

    method: str
    debited_on: str


@dataclass(slots=True)
class Facts:
    """All that is matched, and what of it could not be read."""

    expectations: list[Expectation] = field(default_factory=list)
    rows: list[GatewayRow] = field(default_factory=list)
    settlements: list[SettlementFact] = field(default_factory=list)
    lines: list[KeptLine] = field(default_factory=list)
    broken: list[BrokenGatewayRow] = field(default_factory=list)
    debits: dict[str, Debit] = field(default_factory=dict)


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
        raws = [raw for each in _days(first_day, day) for raw in self._rows(each)]
        facts.rows.extend(
            read_rows((raw.model_dump(include=set(RECON_FIELDS)) for raw in raws), facts.broken)
        )
        entries = (entry for each in _days(margin, day) for entry in self.journal.entries_of(each))
        named = frozenset(row.entity_id for row in facts.rows)
        facts.expectations.extend(within(expectations_of(entries), first_day=first_day, named=named))
        for each in _days(first_day, day):
            facts.lines.extend(self.lines.of_day(each))
        facts.settlements.extend(self._settlements(margin, first_day, day, facts))
        known = {expectation.entity_id for expectation in facts.expectations}
        facts.debits.update(
            {
                raw.entity_id: Debit(raw.method or "", business_date(_moment(raw.created_at)).isoformat())
                for raw in raws
                if raw.type == "payment" and raw.entity_id not in known and raw.created_at
            }
        )
        return facts

    def _rows(self, day: date) -> Iterator[ReconRow]:
        skip = 0
        while True:
            page = self.gateway.list_recon(day, skip=skip)
            yield from page.items
            if page.is_last:
                return
            skip += len(page.items)

    def _settlements(
        self, margin: date, first_day: date, day: date, facts: Facts
    ) -> Iterator[SettlementFact]:
        """The settlements of the window, and those before it that a row or a line of it names."""
        by_rows = {row.settlement_id for row in facts.rows}
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
        created_on=business_date(_moment(made)) if made else otherwise,
        utr=settlement.utr or "",
    )


def _days(first: date, last: date) -> Iterator[date]:
    return (first + number * _DAY for number in range((last - first).days + 1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), IST)


def _moment(unix_s: int | None) -> datetime:
    return datetime.fromtimestamp(unix_s or 0, IST)
