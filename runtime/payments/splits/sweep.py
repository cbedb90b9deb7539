"""What is due and was not heard of, or waits for its time: found by the index of what is due, worked on."""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from runtime.payments.splits.worker import SplitWorker, Worked
from runtime.platform.clock import Clock

PER_BUCKET_MAX = 50
LEASE_MS = 60_000
"""So long one split is worked on at most, however long the sweep may live; if it dies, another goes on."""

STEP_RESERVE_S = 12
"""A step that is begun before the end of the lease ends within it."""


@dataclass(slots=True)
class SplitSweepReport:
    """What a sweep of the splits did; ``finished`` when nothing that was due is left."""

    looked_at: int = 0
    done: int = 0
    waiting: int = 0
    failed: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class SplitSweep:
    """Works on splits that are due."""

    worker: SplitWorker
    clock: Clock
    logger: Logger

    def sweep(
        self, *, request_id: str, remaining_ms: Callable[[], int], may_go_on: Callable[[], bool]
    ) -> SplitSweepReport:
        """Work on what is due, the longest due first, as long as ``may_go_on`` says so. That one cannot be
        worked on must not hold up the others."""
        report = SplitSweepReport()
        due = self.worker.recorder.repository.splits.due(self.clock.now(), limit=PER_BUCKET_MAX)
        for payment_id, gateway_payment_id in due:
            if not may_go_on():
                return report
            report.looked_at += 1
            try:
                worked = self.worker.work(
                    payment_id,
                    gateway_payment_id,
                    request_id=request_id,
                    remaining_ms=min(remaining_ms(), LEASE_MS),
                    may_go_on=self._within_the_lease(may_go_on),
                )
            except Exception:
                report.failed += 1
                self.logger.exception("a split could not be worked on", payment_id=payment_id)
                continue
            report.done += worked is Worked.DONE
            report.waiting += worked is Worked.WAITING
        report.finished = len(due) < PER_BUCKET_MAX
        return report

    def _within_the_lease(self, may_go_on: Callable[[], bool]) -> Callable[[], bool]:
        until_s = self.clock.monotonic_s() + LEASE_MS / 1000 - STEP_RESERVE_S
        return lambda: may_go_on() and self.clock.monotonic_s() < until_s
