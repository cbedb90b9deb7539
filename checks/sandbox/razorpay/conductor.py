"""Runs what is due: scheduled work and webhook deliveries, one at a time, in the order of the clock.

A background thread does it as real time passes. When the clock is moved, the same work runs step by step
with the clock standing at each job's own moment, so that a week passes in an instant and still in order.
"""

import logging
import threading
from collections.abc import Callable, Mapping

import urllib3

from checks.sandbox.razorpay import webhooks
from checks.sandbox.razorpay.gateway import Gateway, Job
from checks.sandbox.razorpay.records import Record

LOG = logging.getLogger(__name__)
TICK_SECONDS = 0.25
JOBS_PER_MOVE = 200_000

JobHandler = Callable[[Gateway, Record], None]


class Conductor:
    """`handlers` maps a job's kind to what it does; webhook attempts are handled here, without the lock."""

    def __init__(self, gw: Gateway, handlers: Mapping[str, JobHandler]) -> None:
        self._gw = gw
        self._handlers = handlers
        self._turn = threading.RLock()
        self._pool = urllib3.PoolManager(num_pools=4)
        self._thread = threading.Thread(target=self._tick, name="razorpay-conductor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout_seconds: float) -> None:
        """Lets the work in hand finish, for at most `timeout_seconds`."""
        self._gw.stopping.set()
        self._gw.wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
        self._pool.clear()

    def run_due(self) -> int:
        """Does everything that is due now; returns how many jobs that were."""
        done = 0
        with self._turn:
            while not self._gw.stopping.is_set() and done < JOBS_PER_MOVE:
                with self._gw.lock:
                    job = self._gw.next_due(self._gw.clock.exact())
                if job is None:
                    break
                self._run(job)
                done += 1
        return done

    def move_clock(self, target: float) -> int:
        """Moves the clock to `target` through every job due until then; returns how many ran."""
        done = 0
        with self._turn:
            try:
                while not self._gw.stopping.is_set() and done < JOBS_PER_MOVE:
                    with self._gw.lock:
                        now = self._gw.clock.exact()
                        job = self._gw.next_due(target)
                        if job is not None:
                            self._gw.clock.hold_at(max(now, job.at))
                    if job is None:
                        break
                    self._run(job)
                    done += 1
            finally:
                self._gw.clock.set(target)
        return done

    def attempt(self, event_id: str) -> webhooks.Receipt | None:
        """One delivery attempt of a recorded event, now, whatever its state."""
        with self._turn:
            with self._gw.lock:
                delivery = webhooks.prepare(self._gw, event_id, by_hand=True)
            return None if delivery is None else self._deliver(delivery)

    def send(self, delivery: webhooks.Delivery) -> webhooks.Receipt:
        """Delivers something that is no event of ours."""
        return webhooks.deliver(self._pool, delivery, self._gw.config.webhooks.timeout_seconds)

    def _deliver(self, delivery: webhooks.Delivery) -> webhooks.Receipt:
        receipt = self.send(delivery)
        with self._gw.lock:
            webhooks.conclude(self._gw, delivery.event_id, receipt)
        return receipt

    def _run(self, job: Job) -> None:
        if job.kind == webhooks.ATTEMPT_JOB:
            with self._gw.lock:
                delivery = webhooks.prepare(self._gw, str(job.args["event_id"]))
            if delivery is not None:
                self._deliver(delivery)
            return
        try:
            with self._gw.lock:
                self._handlers[job.kind](self._gw, job.args)
        except Exception:
            # One job that cannot be done must not stop the gateway's clockwork; health shows the count.
            self._gw.failed_jobs += 1
            LOG.exception("The job %s could not be done.", job.kind)

    def _tick(self) -> None:
        while not self._gw.stopping.is_set():
            self.run_due()
            self._gw.wake.wait(TICK_SECONDS)
            self._gw.wake.clear()
