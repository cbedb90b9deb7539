"""The order of things for a reconciliation: gather, match, open and recheck exceptions, book, conclude.

Everything before the conclusion may be repeated without effect: exceptions are found again by their matter,
bank lines are booked once, and what a run found is written to the same place. So a run that died is simply
run again under its own id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError
from runtime.payments.reconciliation.accounting import received_entries
from runtime.payments.reconciliation.contracts import (
    FoundPage,
    FoundView,
    ListExceptions,
    ListReconciliations,
    ReconciliationPage,
    ReconciliationView,
    StartReconciliation,
    leg_view,
)
from runtime.payments.reconciliation.events import completed_event
from runtime.payments.reconciliation.exception_model import MATCHER, ReconciliationException
from runtime.payments.reconciliation.exceptions import decision_of, open_exception, recheck
from runtime.payments.reconciliation.facts import FactReader, Facts
from runtime.payments.reconciliation.matching import Outcome, reconcile
from runtime.payments.reconciliation.model import EXCEPTIONS, POSTED, Decision, Finding, Leg
from runtime.payments.reconciliation.people import of_the_house
from runtime.payments.reconciliation.recorder import ExceptionChanged, ExceptionRecorder
from runtime.payments.reconciliation.repository import LABEL_LINE, BankLines, KeptException, Runs
from runtime.payments.reconciliation.settled import SettledNews
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.platform.audit import AuditLine
from runtime.platform.audit import Outcome as AuditOutcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, iso
from runtime.platform.dynamodb import ConditionFailed, Item, Transaction
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    GATEWAY_UNAVAILABLE,
    RECONCILIATION_DAY_INVALID,
    RECONCILIATION_NOT_FOUND,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids, is_id

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEDULE = "schedule"
"""Who runs the daily match."""
LOOK_BACK_DAYS_MAX = 365
BROKEN_SHOWN_MAX = 100
CHANGE_ATTEMPTS_MAX = 5
LEASE_MARGIN_S = 1
RETRY_AFTER_S = 60


@dataclass(slots=True)
class _Matched:
    """What was found of the matters that somebody must look at, or looked at before."""

    outcome: Outcome
    before: dict[str, KeptException]
    findings: dict[str, list[Finding]] = field(default_factory=dict)
    on_lines: list[Finding] = field(default_factory=list)
    posted: set[str] = field(default_factory=set)
    """The gateway's entities whose money is here."""

    def needs_a_person(self, group_id: str) -> bool:
        return any(finding.status in EXCEPTIONS for finding in self.findings[group_id])


@dataclass(frozen=True, slots=True)
class ReconciliationService:
    """Runs as callers and the schedule use them."""

    client: "DynamoDBClient"
    facts: FactReader
    runs: Runs
    lines: BankLines
    recorder: ExceptionRecorder
    settled: SettledNews
    idempotency: IdempotencyStore
    days: WorkingDays
    clock: Clock
    ids: Ids
    logger: Logger

    def start(
        self,
        principal: Principal,
        asked: StartReconciliation,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Match everything as of a day; one run per Idempotency-Key."""
        of_the_house(principal)
        return self._run_once(principal.principal_id, self._day(asked.day), key, request_id, remaining_ms)

    def daily(self, *, request_id: str, remaining_ms: int) -> StoredAnswer:
        """Match everything as of today. Lambda repeats an invocation under its request id, which therefore
        is the key."""
        today = business_date(self.clock.now())
        return self._run_once(SCHEDULE, today, request_id, request_id, remaining_ms)

    def get(self, principal: Principal, run_id: str) -> ReconciliationView:
        """One run. Raises Problem ``reconciliation-not-found``."""
        of_the_house(principal)
        return _view(self._known(run_id))

    def list(self, principal: Principal, asked: ListReconciliations) -> ReconciliationPage:
        """Runs, newest first."""
        of_the_house(principal)
        items, more = self.runs.page(limit=asked.limit, before=asked.cursor)
        views = [_view(item) for item in items]
        return ReconciliationPage(
            items=views, next_cursor=views[-1].reconciliation_id if more and views else None
        )

    def found(self, principal: Principal, run_id: str, asked: ListExceptions) -> FoundPage:
        """What a run found that a person must look at."""
        of_the_house(principal)
        self._known(run_id)
        items, more = self.runs.found(run_id, limit=asked.limit, after=asked.cursor)
        views = [FoundView.model_validate(item, strict=False) for item in items]
        return FoundPage(items=views, next_cursor=views[-1].exception_id if more and views else None)

    def _known(self, run_id: str) -> Item:
        run = self.runs.get(run_id) if is_id(run_id, "rec") else None
        if run is None:
            raise Problem(RECONCILIATION_NOT_FOUND, "No reconciliation has that identifier.")
        return run

    def _day(self, text: str) -> date:
        today = business_date(self.clock.now())
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise Problem(RECONCILIATION_DAY_INVALID, "That is no day of the calendar.") from None
        if not 0 <= (today - day).days <= LOOK_BACK_DAYS_MAX:
            raise Problem(
                RECONCILIATION_DAY_INVALID, f"A day is today or at most {LOOK_BACK_DAYS_MAX} days ago."
            )
        return day

    def _run_once(
        self, actor: str, day: date, key: str | None, request_id: str, remaining_ms: int
    ) -> StoredAnswer:
        told_until = self.clock.now() + timedelta(milliseconds=remaining_ms // 2)
        claim = self.idempotency.claim(
            principal_id=actor,
            key=key,
            request_fingerprint=fingerprint("reconciliations.start", {"day": day.isoformat()}),
            resource_id=self.ids.new("rec"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        try:
            facts = self.facts.until(day)
        except GatewayError as error:
            self.logger.warning("the gateway did not give its part", gateway_error=error.code)
            self.idempotency.release(claim)
            raise Problem(
                GATEWAY_UNAVAILABLE, "The gateway did not give its part.", retry_after_s=RETRY_AFTER_S
            ) from None
        return self._concluded(claim, actor, day, facts, request_id, told_until)

    def _concluded(
        self, claim: Claim, actor: str, day: date, facts: Facts, request_id: str, told_until: datetime
    ) -> StoredAnswer:
        run_id, is_current = claim.resource_id, day == business_date(self.clock.now())
        matched = self._match(facts, day)
        exceptions = 0
        for group_id, findings in matched.findings.items():
            if is_current:
                self._follow(group_id, findings, matched, facts, request_id)
            if matched.needs_a_person(group_id):
                exceptions += 1
                found = _found_view(group_id, findings)
                self.runs.note(run_id, found.exception_id, found.model_dump(mode="json"))
        lines_booked = self._book(matched, facts, request_id) if is_current else 0
        if is_current:
            self.settled.tell(facts, matched.posted, request_id=request_id, until=told_until)
        run: dict[str, Any] = {
            "reconciliation_id": run_id,
            "day": day.isoformat(),
            "is_current": is_current,
            "started_by": actor,
            "completed_at": iso(self.clock.now()),
            "exceptions": exceptions,
            "lines_booked": lines_booked,
            "broken_rows": [
                {"row_no": row.row_no, "code": row.code.value, "reason": row.reason}
                for row in facts.broken[:BROKEN_SHOWN_MAX]
            ],
            "legs": [leg_view(totals) for totals in matched.outcome.totals()],
        }
        answer = StoredAnswer(201, _view(run).model_dump(mode="json"))
        line = AuditLine(
            actor_id=actor,
            action="reconciliations.start",
            subject=run_id,
            outcome=AuditOutcome.DONE,
            request_id=request_id,
            details={"day": day.isoformat(), "exceptions": exceptions},
        )
        transaction = Transaction(self.client)
        self.runs.put_in(transaction, run)
        self.recorder.audit.append_in(transaction, line)
        self.recorder.outbox.add_in(
            transaction,
            completed_event(run_id, day.isoformat(), exceptions=exceptions, broken_rows=len(facts.broken)),
        )
        self.idempotency.answer_in(transaction, claim, answer)
        try:
            transaction.commit()
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(
                CONCURRENT_CHANGE, "Another call concluded the same run.", retry_after_s=1
            ) from None
        return answer

    def _match(self, facts: Facts, day: date) -> _Matched:
        """Match twice: first to learn which matters people may have decided, then with their decisions."""
        undecided = {finding.group_id for finding in self._outcome(facts, day, ()).exceptions()}
        known = {kept.exception.group_id: kept for kept in self.recorder.exceptions.undecided()}
        for group_id in undecided - known.keys():
            kept = self.recorder.exceptions.get(f"exc:{group_id}")
            if kept is not None:
                known[group_id] = kept
        decisions = [
            decision for kept in known.values() if (decision := decision_of(kept.exception)) is not None
        ]
        outcome = self._outcome(facts, day, decisions)
        wanted = undecided | known.keys() | {finding.group_id for finding in outcome.exceptions()}
        matched = _Matched(outcome, known)
        for finding in outcome.findings():
            if finding.group_id in wanted:
                matched.findings.setdefault(finding.group_id, []).append(finding)
            if finding.leg is Leg.BANK:
                matched.on_lines.append(finding)
            elif finding.leg is Leg.GATEWAY and finding.status in POSTED:
                matched.posted.add(finding.group_id)
        return matched

    def _outcome(self, facts: Facts, day: date, decisions: Iterable[Decision]) -> Outcome:
        return reconcile(
            expectations=facts.expectations,
            rows=facts.rows,
            settlements=facts.settlements,
            lines=[kept.line for kept in facts.lines],
            today=day,
            days=self.days,
            decisions=decisions,
        )

    def _follow(
        self, group_id: str, findings: Sequence[Finding], matched: _Matched, facts: Facts, request_id: str
    ) -> None:
        """Open the exception of a matter, or let it follow what is known now, whoever works on it."""
        kept = matched.before.get(group_id)
        for _ in range(CHANGE_ATTEMPTS_MAX):
            if kept is None:
                if not matched.needs_a_person(group_id):
                    return
                after = open_exception(findings, self.clock.now())
            else:
                after = recheck(kept.exception, findings, self.clock.now())
                if after is kept.exception:
                    return
            debit = facts.debits.get(group_id)
            told = {"method": debit.method, "debited_on": debit.debited_on} if debit else None
            changed = KeptException(after, told or (kept.debit if kept else None))
            try:
                self.recorder.record(kept.exception if kept else None, changed, _line(after, request_id))
            except ExceptionChanged:
                kept = self.recorder.exceptions.get(f"exc:{group_id}")
                continue
            return
        raise Problem(CONCURRENT_CHANGE, "An exception kept changing.", retry_after_s=1)

    def _book(self, matched: _Matched, facts: Facts, request_id: str) -> int:
        """Book the lines of settlements that are not booked yet, each with its mark; how many there were."""
        count = 0
        for account_id in sorted({kept.account_id for kept in facts.lines}):
            kept_lines = {
                kept.line.line_id: kept
                for kept in facts.lines
                if kept.account_id == account_id and not kept.booked
            }
            lines = {line_id: kept.line for line_id, kept in kept_lines.items()}
            findings = [finding for finding in matched.on_lines if finding.item_id in lines]
            for entry in received_entries(findings, lines, account_id, ()):
                line_id = entry.entry_id.partition(":")[2]
                transaction = Transaction(self.client)
                self.lines.book_in(transaction, kept_lines[line_id])
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


def _view(run: Item) -> ReconciliationView:
    return ReconciliationView.model_validate(run, strict=False)
