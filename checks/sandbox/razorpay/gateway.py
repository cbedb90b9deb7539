"""The simulated gateway: its books, its clock, its ids, its agenda. Everything is guarded by one lock."""

import heapq
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from checks.sandbox.razorpay.clock import SimulatorClock
from checks.sandbox.razorpay.config import QUIRKS, SimulatorConfig
from checks.sandbox.razorpay.errors import SERVER, ApiError, ControlError, unknown_id
from checks.sandbox.razorpay.identity import IdSource
from checks.sandbox.razorpay.records import Record

KINDS = (
    "orders",
    "payments",
    "refunds",
    "cards",
    "customers",
    "tokens",
    "notifications",
    "payment_links",
    "transfers",
    "reversals",
    "settlements",
    "disputes",
    "downtimes",
    "postings",
    "events",
)


@dataclass(order=True)
class Job:
    """Something the gateway will do by itself once the clock passes `at`."""

    at: int
    number: int
    kind: str = field(compare=False)
    args: Record = field(compare=False, default_factory=dict)


@dataclass
class WebhookEndpoint:
    """The merchant's webhook. `events` is None for all. The secret stays in memory."""

    url: str | None = None
    secret: str = ""
    events: frozenset[str] | None = None
    mode: str = "deliver"
    enabled: bool = True


class Gateway:
    """State and means shared by all resources. Callers hold `lock` while they read or write."""

    def __init__(
        self, config: SimulatorConfig, clock: SimulatorClock, ids: IdSource, *, key_id: str, key_secret: str
    ) -> None:
        self.config = config
        self.clock = clock
        self.ids = ids
        self.key_id = key_id
        self.key_secret = key_secret
        self.lock = threading.RLock()
        self.wake = threading.Event()
        self.stopping = threading.Event()
        self.webhook = WebhookEndpoint()
        self.quirks: set[str] = set(config.quirks)
        self.books: dict[str, dict[str, Record]] = {kind: {} for kind in KINDS}
        self.agenda: list[Job] = []
        self._once: set[tuple[int, str]] = set()
        self.jobs_made = 0
        self.failed_jobs = 0
        self.idempotency: dict[str, Record] = {}
        self.requests: deque[Record] = deque(maxlen=config.limits.requests)

    def now(self) -> int:
        return self.clock.now()

    def keep(self, kind: str, record: Record) -> Record:
        """Adds an entity under its `id`; refuses beyond the limit rather than forget money.

        Postings have no limit of their own: each belongs to an entity that has, and must not be missing.
        """
        book = self.books[kind]
        if kind != "postings" and len(book) >= self.config.limits.entities_per_kind:
            raise ApiError(
                f"The sandbox keeps at most {len(book)} {kind}. Reset it.",
                status=500,
                code=SERVER,
                source="internal",
                reason="server_error",
            )
        book[str(record["id"])] = record
        return record

    def find(self, kind: str, entity_id: str) -> Record:
        """The entity, or the API's error for an unknown id."""
        record = self.books[kind].get(entity_id)
        if record is None:
            raise unknown_id()
        return record

    def each(self, kind: str) -> Iterator[Record]:
        """All entities of a kind, oldest first."""
        return iter(list(self.books[kind].values()))

    def later(self, seconds: int, kind: str, **args: Any) -> None:
        """Puts a job on the agenda `seconds` from now."""
        self.at(self.now() + seconds, kind, **args)

    def at(self, unix: int, kind: str, **args: Any) -> None:
        self.jobs_made += 1
        heapq.heappush(self.agenda, Job(unix, self.jobs_made, kind, args))
        self.wake.set()

    def once_at(self, unix: int, kind: str) -> None:
        """Like `at`, for a job without arguments that need not run twice at the same moment."""
        if (unix, kind) not in self._once:
            self._once.add((unix, kind))
            self.at(unix, kind)

    def next_due(self, until: float) -> Job | None:
        """Takes the earliest job that is due by `until` off the agenda."""
        if self.agenda and self.agenda[0].at <= until:
            job = heapq.heappop(self.agenda)
            self._once.discard((job.at, job.kind))
            return job
        return None

    def take_agenda(self, jobs: list[Job]) -> None:
        """Replaces the agenda with a saved one."""
        self.agenda = list(jobs)
        heapq.heapify(self.agenda)
        self._once = {(job.at, job.kind) for job in jobs if not job.args}

    def set_quirks(self, names: list[str]) -> None:
        unknown = sorted(set(names) - QUIRKS.keys())
        if unknown:
            raise ControlError(f"Unknown quirks: {', '.join(unknown)}. Known: {', '.join(sorted(QUIRKS))}.")
        self.quirks = set(names)

    def forget_everything(self) -> None:
        """Back to an empty account; webhook settings, quirks and the clock stay."""
        for book in self.books.values():
            book.clear()
        self.take_agenda([])
        self.idempotency.clear()
        self.requests.clear()
