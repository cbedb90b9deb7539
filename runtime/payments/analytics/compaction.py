"""When the history becomes Parquet, and what is known of it meanwhile.

Every night each day that got lines since is written anew; an operator may have any days written anew. One run
at a time: its state is one item of the rollups' table, and one worker at a time holds it for as long as it
can live. A worker starts queries and leaves; the next one finds them ended. Nothing here is in the way of a
reader: what is not compacted yet is read from the lines (``ParquetHistory.read_lines_since``), and what is
in both counts once.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from runtime.payments.analytics.parquet import ParquetHistory, QueryState
from runtime.platform.clock import IST, Clock, business_date, from_iso, iso
from runtime.platform.dynamodb import from_item, get_item, to_item
from runtime.platform.errors import BODY_INVALID, CONCURRENT_CHANGE, FieldError, Problem
from runtime.platform.ids import Ids
from runtime.platform.metrics import Metric, Metrics

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

HISTORY_COMPACTED = Metric("HistoryCompacted")
"""All lines that arrived until yesterday are Parquet. One is due every night."""
HISTORY_COMPACTION_FAILED = Metric("HistoryCompactionFailed")
"""A day could not be written in as many attempts as it had."""
METRICS = (HISTORY_COMPACTED, HISTORY_COMPACTION_FAILED)

NIGHT_HOUR = 2
"""From this hour in India on, what arrived until yesterday is compacted: long after the last worker that took
the clock's word for yesterday has ended."""

AT_ONCE_MAX = 5
"""So many queries of a run at a time: far below an account's quota, and a quarter takes two hours."""

ATTEMPTS_MAX = 3
QUERY_TIME_MAX = timedelta(minutes=30)
"""What Athena gives a query at most, unless the account asked for more."""

REST_AFTER_FAILURE = timedelta(hours=6)
ASKED_DAYS_MAX = 92
LINES_KEPT_DAYS = 1_000
"""Lines end after three years: a day that is older could no longer be made of all of its lines."""

HELD_FOR = timedelta(minutes=5)
"""Longer than any worker lives, with a margin for its last call on the way."""

_KEY = {"pk": "history", "sk": "compaction"}


@dataclass(frozen=True, slots=True)
class DayWork:
    """The work at one day: the attempt at it, its query once started, and whether it is done."""

    attempt: int = 1
    query_id: str | None = None
    started_at: str | None = None
    done: bool = False
    failure: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is still something to do."""
        return not self.done and self.failure is None


@dataclass(frozen=True, slots=True)
class Run:
    """A run over days: of the lines that arrived until ``arrived_until``. ``nightly`` moves on what counts as
    compacted; a run that was asked for does not."""

    run_id: str
    arrived_until: date
    nightly: bool
    days: dict[date, DayWork]


@dataclass(frozen=True, slots=True)
class Progress:
    """What is known: the last day of arrival that is all in Parquet, the run on the way if any, and until
    when a new one waits after one that failed."""

    compacted_until: date | None = None
    run: Run | None = None
    rests_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProgressTable:
    """Keeps the progress in the rollups' table, and lets one worker at a time have it."""

    client: "DynamoDBClient"
    table: str
    clock: Clock
    ids: Ids

    def read(self) -> Progress:
        """What is known now."""
        return _progress(get_item(self.client, self.table, _KEY) or {})

    @contextmanager
    def held(self) -> Iterator["Held"]:
        """The progress for one worker alone, written back at the end and given free.

        Raises Problem ``concurrent-change`` where another worker has it. A worker that dies leaves it held
        until ``HELD_FOR`` is over, and what it did is done again: every step of it may be.
        """
        holder, now = self.ids.new("hld"), self.clock.now()
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key=to_item(_KEY),
                UpdateExpression="SET holder = :holder, held_until = :until",
                ConditionExpression="attribute_not_exists(held_until) OR held_until < :now",
                ExpressionAttributeValues=to_item(
                    {
                        ":holder": holder,
                        ":until": int((now + HELD_FOR).timestamp()),
                        ":now": int(now.timestamp()),
                    }
                ),
                ReturnValues="ALL_NEW",
            )
        except self.client.exceptions.ConditionalCheckFailedException:
            raise Problem(
                CONCURRENT_CHANGE,
                "The history is being compacted.",
                retry_after_s=int(HELD_FOR.total_seconds()),
            ) from None
        held = Held(_progress(from_item(answer["Attributes"])))
        try:
            yield held
        finally:
            # What was done before a failure is done: it is written down as well.
            self.client.put_item(
                TableName=self.table,
                Item=to_item({**_KEY, **_item(held.progress), "held_until": 0}),
                ConditionExpression="holder = :holder",
                ExpressionAttributeValues=to_item({":holder": holder}),
            )


@dataclass(slots=True)
class Held:
    """The progress as its holder changes it."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class HistoryCompactor:
    """Has the history compacted: ``work`` is called every few minutes, ``ask`` by an operator."""

    table: ProgressTable
    parquet: Callable[[], ParquetHistory]
    clock: Clock
    ids: Ids
    logger: Logger
    metrics: Metrics

    def ask(self, first_day: date, last_day: date) -> Progress:
        """Have the days from ``first_day`` to ``last_day``, both included, written anew of all lines that
        arrived up to now. The next ``work`` begins with it.

        Raises Problem ``body-invalid`` for days that cannot be, ``concurrent-change`` while a run is on.
        """
        today = business_date(self.clock.now())
        days = (last_day - first_day).days + 1
        if not 1 <= days <= ASKED_DAYS_MAX or last_day > today:
            what = f"from the first to the last, {ASKED_DAYS_MAX} at most, none in the future"
            raise Problem(BODY_INVALID, "Those days cannot be.", errors=[FieldError("/last_day", what)])
        if first_day < today - timedelta(days=LINES_KEPT_DAYS):
            why = f"not older than {LINES_KEPT_DAYS} days: its lines end"
            raise Problem(BODY_INVALID, "That day is too old.", errors=[FieldError("/first_day", why)])
        with self.table.held() as held:
            if held.progress.run is not None:
                raise Problem(CONCURRENT_CHANGE, "A run is on the way.", retry_after_s=600)
            asked = {first_day + timedelta(days=n): DayWork() for n in range(days)}
            run = Run(self.ids.new("cmp"), today, nightly=False, days=asked)
            held.progress = replace(held.progress, run=run)
        return held.progress

    def work(self) -> None:
        """Begin the night's run where it is due, start what waits, finish what has ended."""
        progress = self.table.read()
        if progress.run is None and not self._is_due(progress):
            return
        try:
            with self.table.held() as held:
                self._work(held)
        except Problem as problem:
            if problem.kind is not CONCURRENT_CHANGE:
                raise
            self.logger.info("another worker has the history")

    def _is_due(self, progress: Progress) -> bool:
        now = self.clock.now()
        if progress.rests_until is not None and now < progress.rests_until:
            return False
        yesterday = business_date(now) - timedelta(days=1)
        is_behind = progress.compacted_until is None or progress.compacted_until < yesterday
        return is_behind and now.astimezone(IST).hour >= NIGHT_HOUR

    def _work(self, held: Held) -> None:
        if held.progress.run is None:
            if not self._is_due(held.progress):
                return
            held.progress = replace(held.progress, run=self._tonight(held.progress), rests_until=None)
        run = held.progress.run
        assert run is not None  # noqa: S101  (for mypy: it was begun above)
        for day, work in run.days.items():
            if work.is_open and work.query_id is not None:
                run.days[day] = self._finish(run, day, work)
        room = AT_ONCE_MAX - sum(work.is_open and work.query_id is not None for work in run.days.values())
        waiting = [day for day, work in run.days.items() if work.is_open and work.query_id is None]
        for day in waiting[:room]:
            run.days[day] = self._start(run, day, run.days[day])
        if not any(work.is_open for work in run.days.values()):
            held.progress = self._end(held.progress, run)

    def _tonight(self, progress: Progress) -> Run:
        """The run over all days of which lines arrived since, until yesterday."""
        until = business_date(self.clock.now()) - timedelta(days=1)
        since = progress.compacted_until
        arrivals = [
            day for day in self.parquet().arrivals() if day <= until and (since is None or day > since)
        ]
        days = sorted({day for arrival in arrivals for day in self.parquet().days_of(arrival)})
        oldest = until - timedelta(days=LINES_KEPT_DAYS)
        works = {day: DayWork(failure="its lines end" if day < oldest else None) for day in days}
        return Run(self.ids.new("cmp"), until, nightly=True, days=works)

    def _start(self, run: Run, day: date, work: DayWork) -> DayWork:
        name = f"{run.run_id}-{work.attempt}"
        query_id = self.parquet().start(
            day,
            arrived_until=run.arrived_until,
            location=self.parquet().location(day, name),
            token=hashlib.sha256(f"{name} {day.isoformat()}".encode()).hexdigest(),
        )
        return replace(work, query_id=query_id, started_at=iso(self.clock.now()))

    def _finish(self, run: Run, day: date, work: DayWork) -> DayWork:
        query_id = str(work.query_id)
        state, reason = self.parquet().state(query_id)
        if state is QueryState.SUCCEEDED:
            location = self.parquet().location(day, f"{run.run_id}-{work.attempt}")
            self.parquet().publish(day, location)
            self.parquet().retire(day, location)
            self.logger.info("a day of the history is Parquet", day=day.isoformat(), run_id=run.run_id)
            return replace(work, done=True)
        if state is QueryState.OPEN:
            if self.clock.now() - from_iso(str(work.started_at)) < QUERY_TIME_MAX:
                return work
            self.parquet().stop(query_id)
            reason = "it took too long"
        self.logger.error("a day could not be compacted", day=day.isoformat(), query_id=query_id, why=reason)
        if work.attempt >= ATTEMPTS_MAX:
            return replace(work, failure=reason or "failed")
        return DayWork(attempt=work.attempt + 1)

    def _end(self, progress: Progress, run: Run) -> Progress:
        """The run is over: readers need no more of the lines than what arrived after it."""
        failed = sorted(day.isoformat() for day, work in run.days.items() if work.failure is not None)
        if failed:
            self.logger.error("days of the history are not Parquet", run_id=run.run_id, days=failed)
            self.metrics.count(HISTORY_COMPACTION_FAILED)
            rests = self.clock.now() + REST_AFTER_FAILURE if run.nightly else progress.rests_until
            return replace(progress, run=None, rests_until=rests)
        if not run.nightly:
            return replace(progress, run=None)
        self.parquet().read_lines_since(run.arrived_until + timedelta(days=1))
        self.logger.info("the history is Parquet", until=run.arrived_until.isoformat(), days=len(run.days))
        self.metrics.count(HISTORY_COMPACTED)
        return Progress(compacted_until=run.arrived_until)


def _progress(item: dict[str, Any]) -> Progress:
    until, rests, run = item.get("compacted_until"), item.get("rests_until"), item.get("run")
    return Progress(
        compacted_until=date.fromisoformat(until) if until else None,
        rests_until=from_iso(rests) if rests else None,
        run=None
        if run is None
        else Run(
            run_id=run["run_id"],
            arrived_until=date.fromisoformat(run["arrived_until"]),
            nightly=run["nightly"],
            days={date.fromisoformat(day): DayWork(**work) for day, work in sorted(run["days"].items())},
        ),
    )


def _item(progress: Progress) -> dict[str, Any]:
    run = progress.run
    return {
        "compacted_until": progress.compacted_until and progress.compacted_until.isoformat(),
        "rests_until": progress.rests_until and iso(progress.rests_until),
        "run": run
        and {
            "run_id": run.run_id,
            "arrived_until": run.arrived_until.isoformat(),
            "nightly": run.nightly,
            "days": {day.isoformat(): asdict(work) for day, work in run.days.items()},
        },
    }
