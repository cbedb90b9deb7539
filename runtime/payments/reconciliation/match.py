"""One match, carried out: gather, heal, judge, open and recheck exceptions, book.

All of it may be repeated without effect: what is healed is merged, exceptions are found again by their
matter, bank lines are booked once, and what was found is written to the same place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError
from runtime.payments.reconciliation.accounting import received_entries
from runtime.payments.reconciliation.contracts import BROKEN_SHOWN_MAX, FoundView, leg_view
from runtime.payments.reconciliation.events import completed_event
from runtime.payments.reconciliation.evidence import Evidence, evidence_of
from runtime.payments.reconciliation.exception_model import MATCHER, ReconciliationException
from runtime.payments.reconciliation.exceptions import decision_of, open_exception, recheck
from runtime.payments.reconciliation.facts import FactReader, Facts
from runtime.payments.reconciliation.gateway_rows import BrokenGatewayRow
from runtime.payments.reconciliation.healing import Debit, Healer
from runtime.payments.reconciliation.matching import Outcome, judged
from runtime.payments.reconciliation.model import (
    EXCEPTIONS,
    POSTED,
    Decision,
    Finding,
    Leg,
    LegTotals,
    Reason,
)
from runtime.payments.reconciliation.recorder import ExceptionChanged, ExceptionRecorder
from runtime.payments.reconciliation.repository import LABEL_LINE, BankLines, KeptException
from runtime.payments.reconciliation.settled import SettledNews
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.platform.audit import AuditLine
from runtime.platform.audit import Outcome as AuditOutcome
from runtime.platform.clock import Clock
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import CONCURRENT_CHANGE, Problem
from runtime.platform.outbox import DomainEvent

CHANGE_ATTEMPTS_MAX = 5
HEALED_MAX = 500
"""So many unexplained rows are asked about in one run; the next one asks about the rest."""


@dataclass(frozen=True, slots=True)
class MatchDone:
    """What a match came to."""

    exceptions: int
    lines_booked: int
    broken: Sequence[BrokenGatewayRow]
    legs: Sequence[LegTotals]

    def told(self) -> dict[str, Any]:
        """As a run tells of it."""
        return {
            "exceptions": self.exceptions,
            "lines_booked": self.lines_booked,
            "broken_rows": [
                {"row_no": row.row_no, "code": row.code.value, "reason": row.reason}
                for row in self.broken[:BROKEN_SHOWN_MAX]
            ],
            "legs": [leg_view(totals) for totals in self.legs],
        }

    def event(self, run_id: str, day: str) -> DomainEvent:
        """The event that a run is complete."""
        return completed_event(run_id, day, exceptions=self.exceptions, broken_rows=len(self.broken))


@dataclass(slots=True)
class _Matched:
    """What was found of the matters that somebody must look at, or looked at before."""

    facts: Facts
    outcome: Outcome
    before: dict[str, KeptException]
    debits: dict[str, Debit] = field(default_factory=dict)
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    on_lines: list[Finding] = field(default_factory=list)
    posted: set[str] = field(default_factory=set)
    """The gateway's entities whose money is here."""

    def needs_a_person(self, group_id: str) -> bool:
        return any(finding.status in EXCEPTIONS for finding in self.findings[group_id])

    def evidence(self, group_id: str) -> Evidence:
        facts = self.facts
        lines = {kept.line.line_id: kept.line for kept in facts.lines}
        findings = self.findings[group_id]
        return evidence_of(group_id, findings, self.outcome, facts.pairs, facts.payouts, lines)


@dataclass(frozen=True, slots=True)
class Match:
    """Matches as of a day."""

    facts: FactReader
    healer: Healer
    lines: BankLines
    recorder: ExceptionRecorder
    settled: SettledNews
    days: WorkingDays
    clock: Clock
    logger: Logger

    def carry_out(
        self,
        day: date,
        *,
        is_current: bool,
        request_id: str,
        note: Callable[[FoundView], None],
        tell_until: datetime,
    ) -> MatchDone:
        """Match as of ``day``; unless ``is_current`` it only reports. ``note`` is told every matter that a
        person must look at; of settlements is told until ``tell_until``, and the next run tells the rest.
        Raises GatewayError where the gateway does not give its part."""
        facts = self.facts.until(day)
        undecided = {kept.exception.group_id: kept for kept in self.recorder.exceptions.undecided()}
        debits: dict[str, Debit] = {}
        if is_current:
            self.facts.recall(facts, undecided.values())
            debits = self._heal(facts, day, request_id)
        matched = self._match(facts, day, undecided)
        matched.debits = debits
        exceptions = 0
        for group_id, findings in matched.findings.items():
            if is_current:
                self._follow(group_id, findings, matched, request_id)
            if matched.needs_a_person(group_id):
                exceptions += 1
                note(_found_view(group_id, findings))
        lines_booked = self._book(matched, request_id) if is_current else 0
        if is_current:
            self.settled.tell(facts, matched.posted, request_id=request_id, until=tell_until)
        return MatchDone(exceptions, lines_booked, facts.broken, matched.outcome.totals())

    def _heal(self, facts: Facts, day: date, request_id: str) -> dict[str, Debit]:
        """Ask about what the gateway shows and our books do not; gives the debits that stay unexplained."""
        unexplained = sorted(
            {
                finding.group_id
                for finding in self._outcome(facts, day, ()).exceptions()
                if finding.leg is Leg.GATEWAY and Reason.ROW_NOT_EXPECTED in finding.reasons
            }
        )
        debits: dict[str, Debit] = {}
        to_be_asked = [each for each in unexplained if not self.facts.expect(facts, each)]
        for entity_id in to_be_asked[:HEALED_MAX]:
            try:
                row_paise = facts.row_paise(entity_id)
                debit = self.healer.heal(entity_id, request_id, row_paise=row_paise)
            except GatewayError as error:
                self.logger.warning("the gateway is away; the next run asks", gateway_error=error.code)
                break
            if not self.facts.expect(facts, entity_id) and debit is not None:
                debits[entity_id] = debit
        return debits

    def _match(self, facts: Facts, day: date, known: dict[str, KeptException]) -> _Matched:
        """Judge twice: first to learn which matters people may have decided, then with their decisions."""
        undecided = {finding.group_id for finding in self._outcome(facts, day, ()).exceptions()}
        for group_id in undecided - known.keys():
            kept = self.recorder.exceptions.get(f"exc:{group_id}")
            if kept is not None:
                known[group_id] = kept
        decisions = [
            decision for kept in known.values() if (decision := decision_of(kept.exception)) is not None
        ]
        outcome = self._outcome(facts, day, decisions)
        wanted = undecided | known.keys() | {finding.group_id for finding in outcome.exceptions()}
        matched = _Matched(facts, outcome, known)
        for finding in outcome.findings():
            if finding.group_id in wanted:
                matched.findings.setdefault(finding.group_id, []).append(finding)
            if finding.leg is Leg.BANK:
                matched.on_lines.append(finding)
            elif finding.leg is Leg.GATEWAY and finding.status in POSTED:
                matched.posted.add(finding.group_id)
        return matched

    def _outcome(self, facts: Facts, day: date, decisions: Sequence[Decision]) -> Outcome:
        return judged(
            facts.pairs,
            facts.payouts,
            today=day,
            days=self.days,
            decisions=decisions,
            posted=facts.posted,
        )

    def _follow(self, group_id: str, findings: Sequence[Finding], matched: _Matched, request_id: str) -> None:
        """Open the exception of a matter, or let it follow what is known now, whoever works on it."""
        kept = matched.before.get(group_id)
        evidence = matched.evidence(group_id)
        for _ in range(CHANGE_ATTEMPTS_MAX):
            if kept is None:
                if not matched.needs_a_person(group_id):
                    return
                after = open_exception(findings, self.clock.now())
            else:
                after = recheck(kept.exception, findings, self.clock.now())
                if after is kept.exception:
                    if kept.evidence != evidence:
                        self.recorder.exceptions.refresh(replace(kept, evidence=evidence))
                    return
            debit = matched.debits.get(group_id)
            told = {"method": debit.method, "debited_on": debit.debited_on} if debit else None
            changed = KeptException(after, told or (kept.debit if kept else None), evidence)
            try:
                self.recorder.record(kept.exception if kept else None, changed, _line(after, request_id))
            except ExceptionChanged:
                kept = self.recorder.exceptions.get(f"exc:{group_id}")
                continue
            return
        raise Problem(CONCURRENT_CHANGE, "An exception kept changing.", retry_after_s=1)

    def _book(self, matched: _Matched, request_id: str) -> int:
        """Book the lines of settlements that are not booked yet, each with its mark; how many there were."""
        count = 0
        kept_lines = matched.facts.lines
        for account_id in sorted({kept.account_id for kept in kept_lines}):
            unbooked = {
                kept.line.line_id: kept
                for kept in kept_lines
                if kept.account_id == account_id and not kept.booked
            }
            lines = {line_id: kept.line for line_id, kept in unbooked.items()}
            findings = [finding for finding in matched.on_lines if finding.item_id in lines]
            for entry in received_entries(findings, lines, account_id, ()):
                line_id = entry.entry_id.partition(":")[2]
                transaction = Transaction(self.recorder.client)
                self.lines.book_in(transaction, unbooked[line_id])
                self.recorder.journal.post_in(transaction, entry)
                self.recorder.audit.append_in(
                    transaction,
                    AuditLine(
                        actor_id=MATCHER,
                        action="reconciliations.book",
                        subject=entry.entry_id,
                        outcome=AuditOutcome.DONE,
                        request_id=request_id,
                    ),
                )
                try:
                    transaction.commit()
                except ConditionFailed as failed:
                    if LABEL_LINE in failed.labels:  # a run beside this one was faster
                        continue
                    raise
                count += 1
        return count


def _line(exception: ReconciliationException, request_id: str) -> AuditLine:
    return AuditLine(
        actor_id=MATCHER,
        action=f"exceptions.{exception.trail[-1].action.value}",
        subject=exception.exception_id,
        outcome=AuditOutcome.DONE,
        request_id=request_id,
        details={"difference_paise": exception.difference_paise},
    )


def _found_view(group_id: str, findings: Sequence[Finding]) -> FoundView:
    open_ones = [finding for finding in findings if finding.status in EXCEPTIONS]
    return FoundView(
        exception_id=f"exc:{group_id}",
        group_id=group_id,
        statuses=sorted({finding.status for finding in open_ones}),
        reasons=sorted({reason for finding in open_ones for reason in finding.reasons}),
        difference_paise=max((finding.difference_paise for finding in open_ones), key=abs),
        currency=open_ones[0].currency,
        items=len(findings),
    )
