"""The findings on one matter of settlements and bank lines: the money first, then whether rows explain it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from runtime.payments.reconciliation.decisions import Decisions, Verdict, facts_digest
from runtime.payments.reconciliation.model import POSTED, Finding, Leg, Reason, Status
from runtime.payments.reconciliation.pairs import RowSum
from runtime.payments.reconciliation.payouts import Matter, Settled, cash_verdict, rows_verdict
from runtime.payments.reconciliation.working_days import WorkingDays


@dataclass(frozen=True, slots=True)
class MoneyFinding:
    """A finding on money; of a settlement also its id, and whether what it pays out is here (or a person
    said so)."""

    finding: Finding
    settlement_id: str = ""
    pays_its_rows: bool = False


@dataclass(frozen=True, slots=True)
class MoneyJudge:
    """Judges matters as of one day, by what the gateway's rows come to per settlement."""

    today: date
    days: WorkingDays
    decisions: Decisions
    row_sums: Mapping[str, RowSum]

    def judge(self, matter: Matter) -> Iterator[MoneyFinding]:
        """A finding for every settlement and every line of a matter."""
        cash = cash_verdict(matter, self.today, self.days)
        facts, difference = self._facts(matter), self._difference(matter, cash)
        for settled in matter.settlements:
            verdict = self._settlement(settled, cash)
            status, reasons = self.decisions.apply(verdict, matter.group_id, facts)
            pays = status in POSTED or (status is Status.ARCHIVED and verdict[0] in POSTED)
            finding = Finding(
                leg=Leg.SETTLEMENT,
                item_id=_item_id(settled),
                group_id=matter.group_id,
                status=status,
                amount_paise=settled.amount_paise,
                currency=settled.currency,
                reasons=reasons,
                difference_paise=0 if status is Status.POSTED_AUTO else difference,
                facts=facts,
            )
            yield MoneyFinding(finding, settled.settlement_id, pays)
        status, reasons = self.decisions.apply(cash, matter.group_id, facts)
        for line in matter.lines:
            finding = Finding(
                leg=Leg.BANK,
                item_id=line.line_id,
                group_id=matter.group_id,
                status=status,
                amount_paise=line.amount_paise,
                currency=line.currency,
                reasons=reasons,
                difference_paise=0 if status is Status.POSTED_AUTO else difference,
                facts=facts,
            )
            yield MoneyFinding(finding)

    def _settlement(self, settled: Settled, cash: Verdict) -> Verdict:
        if settled.has_failed and cash[0] not in (Status.DATA_MISMATCH, Status.CURRENCY_MISMATCH):
            return Status.VOID, (Reason.SETTLEMENT_FAILED,)
        if cash[0] is not Status.POSTED_AUTO:
            return cash
        return rows_verdict(settled, self.row_sums.get(settled.settlement_id), self.today, self.days)

    def _difference(self, matter: Matter, cash: Verdict) -> int:
        """What came less what should have come, in paise: in money, or, where the money is here, in what the
        rows explain of it."""
        if cash[0] is not Status.POSTED_AUTO:
            return matter.received_paise - matter.promised_paise
        return sum(
            settled.amount_paise - (rows.net if (rows := self.row_sums.get(settled.settlement_id)) else 0)
            for settled in matter.settlements
            if not settled.has_failed
        )

    def _facts(self, matter: Matter) -> str:
        told = [
            repr((settled, rows.net if (rows := self.row_sums.get(settled.settlement_id)) else None))
            for settled in matter.settlements
        ]
        told += [repr((line.line_id, line.amount_paise, line.currency)) for line in matter.lines]
        return facts_digest(*told)


def _item_id(settled: Settled) -> str:
    if not settled.contradicts:
        return settled.settlement_id
    return f"{settled.settlement_id}@{facts_digest(repr(settled))[:8]}"
