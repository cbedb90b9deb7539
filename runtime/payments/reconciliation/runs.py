"""Runs as callers and the schedules use them: asked for, worked at, looked at.

A run is queued in one write with the answer to its caller. A schedule takes what waits, every minute; who
works at a run holds it for as long as its process can live, so a run whose process died is taken again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError
from runtime.payments.metrics import MATCH_RAN
from runtime.payments.reconciliation.contracts import (
    FoundPage,
    FoundView,
    ListExceptions,
    ListReconciliations,
    ReconciliationPage,
    ReconciliationView,
    StartReconciliation,
)
from runtime.payments.reconciliation.match import Match, MatchDone
from runtime.payments.reconciliation.people import of_the_house
from runtime.payments.reconciliation.run_store import Runs, RunState
from runtime.platform.audit import AuditLine, AuditTrail
from runtime.platform.audit import Outcome as AuditOutcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed, Item, Transaction
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    GATEWAY_UNAVAILABLE,
    RECONCILIATION_DAY_INVALID,
    RECONCILIATION_NOT_FOUND,
    Problem,
)
from runtime.platform.idempotency import IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids, is_id
from runtime.platform.metrics import UNHEARD, Metrics
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SCHEDULE = "schedule"
"""Who runs the daily match."""
LOOK_BACK_DAYS_MAX = 365
LEASE_MARGIN_S = 1
GIVEN_UP_AFTER = timedelta(hours=6)
"""So long a run waits for a gateway that is away, or for exceptions that keep still."""


@dataclass(frozen=True, slots=True)
class ReconciliationService:
    """Queues runs, works at them, and shows them."""

    client: "DynamoDBClient"
    match: Match
    runs: Runs
    audit: AuditTrail
    outbox: Outbox
    idempotency: IdempotencyStore
    clock: Clock
    ids: Ids
    logger: Logger
    metrics: Metrics = UNHEARD

    def start(
        self,
        principal: Principal,
        asked: StartReconciliation,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Queue a match of everything as of a day; one run per Idempotency-Key. 202: it is looked at by its
        identifier."""
        of_the_house(principal)
        return self._queue(principal.principal_id, self._day(asked.day), key, request_id, remaining_ms)

    def daily(self, *, request_id: str, remaining_ms: Callable[[], int]) -> Item:
        """Match everything as of today; gives the run. Lambda repeats an invocation under its request id,
        which therefore is the key. A run that cannot be done now waits, as any other."""
        today = business_date(self.clock.now())
        answer = self._queue(SCHEDULE, today, request_id, request_id, remaining_ms())
        run_id = answer.body["reconciliation_id"]
        self._work(self._known(run_id), request_id, remaining_ms)
        return self._known(run_id)

    def work(self, *, request_id: str, remaining_ms: Callable[[], int], may_go_on: Callable[[], bool]) -> int:
        """Work at the runs that wait, the oldest first, as long as ``may_go_on`` says so; how many ended."""
        done = 0
        for run in self.runs.waiting(self.clock.now()):
            if not may_go_on():
                break
            done += self._work(run, request_id, remaining_ms)
        return done

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

    def _queue(
        self, actor: str, day: date, key: str | None, request_id: str, remaining_ms: int
    ) -> StoredAnswer:
        claim = self.idempotency.claim(
            principal_id=actor,
            key=key,
            request_fingerprint=fingerprint("reconciliations.start", {"day": day.isoformat()}),
            resource_id=self.ids.new("rec"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        run: dict[str, Any] = {
            "reconciliation_id": claim.resource_id,
            "day": day.isoformat(),
            "is_current": day == business_date(self.clock.now()),
            "state": RunState.QUEUED.value,
            "started_by": actor,
            "requested_at": iso(self.clock.now()),
            "completed_at": None,
            "failure": None,
            "exceptions": 0,
            "lines_booked": 0,
            "broken_rows": [],
            "legs": [],
        }
        answer = StoredAnswer(202, _view(run).model_dump(mode="json"))
        transaction = Transaction(self.client)
        self.runs.queue_in(transaction, run)
        self.audit.append_in(
            transaction, _line(actor, "reconciliations.start", run, request_id, day=day.isoformat())
        )
        self.idempotency.answer_in(transaction, claim, answer)
        try:
            transaction.commit()
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(CONCURRENT_CHANGE, "Another call queued the same run.", retry_after_s=1) from None
        return answer

    def _work(self, waiting: Item, request_id: str, remaining_ms: Callable[[], int]) -> bool:
        """Work at a run; whether it ended by this."""
        now = self.clock.now()
        lease_until = now + timedelta(seconds=remaining_ms() // 1000 + LEASE_MARGIN_S)
        run = self.runs.take(waiting, now=now, lease_until=lease_until)
        if run is None:
            return False
        run_id, day = run["reconciliation_id"], date.fromisoformat(run["day"])
        # What was today when it was asked for may be yesterday: it must not undo what newer facts have shown.
        is_current = day == business_date(now)
        try:
            done = self.match.carry_out(
                day,
                is_current=is_current,
                request_id=request_id,
                note=lambda found: self.runs.note(run_id, found.exception_id, found.model_dump(mode="json")),
            )
        except (GatewayError, Problem) as error:
            code = GATEWAY_UNAVAILABLE.code if isinstance(error, GatewayError) else error.kind.code
            self.logger.warning("a run could not be carried out", reconciliation_id=run_id, code=code)
            given_up = now - from_iso(run["requested_at"]) > GIVEN_UP_AFTER
            state = RunState.FAILED if given_up else RunState.QUEUED
            later = {**run, "state": state.value, "failure": code if given_up else None}
            return self._end(later, None, request_id, lease_until)
        return self._end(
            {**run, "is_current": is_current, "state": RunState.DONE.value, **done.told()},
            done,
            request_id,
            lease_until,
        )

    def _end(self, run: Item, done: MatchDone | None, request_id: str, lease_until: datetime) -> bool:
        """Write how a run ended, or that it waits again; whether it ended."""
        ended = bool(run["state"] != RunState.QUEUED)
        transaction = Transaction(self.client)
        if ended:
            run = {**run, "completed_at": iso(self.clock.now())}
            self.audit.append_in(
                transaction,
                _line(
                    run["started_by"],
                    "reconciliations.end",
                    run,
                    request_id,
                    state=run["state"],
                    exceptions=run["exceptions"],
                ),
            )
        if done is not None:
            self.outbox.add_in(transaction, done.event(run["reconciliation_id"], run["day"]))
        self.runs.end_in(transaction, run, lease_until=lease_until)
        try:
            transaction.commit()
        except ConditionFailed:  # it took so long that another process holds it now
            self.logger.warning("a run went on elsewhere", reconciliation_id=run["reconciliation_id"])
            return False
        if done is not None and run["is_current"]:
            self.metrics.count(MATCH_RAN)
        return ended


def _line(actor: str, action: str, run: Item, request_id: str, **details: Any) -> AuditLine:
    return AuditLine(
        actor_id=actor,
        action=action,
        subject=run["reconciliation_id"],
        outcome=AuditOutcome.DONE,
        request_id=request_id,
        details=details,
    )


def _view(run: Item) -> ReconciliationView:
    return ReconciliationView.model_validate(run, strict=False)
