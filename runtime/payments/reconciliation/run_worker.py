"""Runs as the clock works at them.

A schedule takes what waits, every minute; who works at a run holds it for as long as its process can live,
so a run whose process died is taken again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError
from runtime.payments.metrics import MATCH_RAN
from runtime.payments.reconciliation.leases import LEASE_MARGIN_S
from runtime.payments.reconciliation.match import Match, MatchDone
from runtime.payments.reconciliation.run_store import RunState
from runtime.payments.reconciliation.runs import ReconciliationService, run_line
from runtime.platform.clock import business_date, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed, Item, Transaction
from runtime.platform.errors import GATEWAY_UNAVAILABLE, Problem
from runtime.platform.metrics import UNHEARD, Metrics
from runtime.platform.outbox import Outbox

SCHEDULE = "schedule"
"""Who runs the daily match."""
GIVEN_UP_AFTER = timedelta(hours=6)
"""So long a run waits for a gateway that is away, or for exceptions that keep still."""


@dataclass(frozen=True, slots=True)
class RunWorker:
    """Works at runs: those that wait, and the daily one, which it queues itself by ``queued``."""

    queued: ReconciliationService
    match: Match
    outbox: Outbox
    logger: Logger
    metrics: Metrics = UNHEARD

    def daily(self, *, request_id: str, remaining_ms: Callable[[], int]) -> Item:
        """Match everything as of today; gives the run. Lambda repeats an invocation under its request id,
        which therefore is the key. A run that cannot be done now waits, as any other."""
        today = business_date(self.queued.clock.now())
        answer = self.queued.queue(SCHEDULE, today, request_id, request_id, remaining_ms())
        run_id = answer.body["reconciliation_id"]
        self._work(self.queued.known(run_id), request_id, remaining_ms)
        return self.queued.known(run_id)

    def work(self, *, request_id: str, remaining_ms: Callable[[], int], may_go_on: Callable[[], bool]) -> int:
        """Work at the runs that wait, the oldest first, as long as ``may_go_on`` says so; how many ended."""
        done = 0
        for run in self.queued.runs.work.waiting(self.queued.clock.now()):
            if not may_go_on():
                break
            done += self._work(run, request_id, remaining_ms)
        return done

    def _work(self, waiting: Item, request_id: str, remaining_ms: Callable[[], int]) -> bool:
        """Work at a run; whether it ended by this."""
        now = self.queued.clock.now()
        tell_until = now + timedelta(milliseconds=remaining_ms() // 2)
        lease_until = now + timedelta(seconds=remaining_ms() // 1000 + LEASE_MARGIN_S)
        run = self.queued.runs.work.take(waiting, now=now, lease_until=lease_until)
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
                note=lambda found: self.queued.runs.note(
                    run_id, found.exception_id, found.model_dump(mode="json")
                ),
                tell_until=tell_until,
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
        transaction = Transaction(self.queued.client)
        if ended:
            run = {**run, "completed_at": iso(self.queued.clock.now())}
            self.queued.audit.append_in(
                transaction,
                run_line(
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
        self.queued.runs.work.end_in(transaction, run, lease_until=lease_until)
        try:
            transaction.commit()
        except ConditionFailed:  # it took so long that another process holds it now
            self.logger.warning("a run went on elsewhere", reconciliation_id=run["reconciliation_id"])
            return False
        if done is not None and run["is_current"]:
            self.metrics.count(MATCH_RAN)
        return ended
