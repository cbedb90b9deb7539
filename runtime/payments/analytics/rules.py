"""What an event adds to the rows: pure rules. Sums are of paise of the books, whatever currency a payer saw.

Two kinds of additions, both independent of the order in which events come. Counters belong to the event
alone: each event adds its own, once. The funnel belongs to the payment: it has reached the furthest stage
that any of its events tells of, and every stage before it; a stage is counted once, on the day of the
payment's creation.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date

from runtime.payments.analytics.model import (
    PLATFORM,
    STAGES,
    Addition,
    Counters,
    Dimension,
    Mark,
    RowKey,
    Stage,
    school_scope,
)
from runtime.payments.analytics.news import OF_OTHER_THINGS, News, PaymentFact
from runtime.platform.clock import IST, business_date, from_iso
from runtime.platform.currencies import BOOKS_CURRENCY

NOT_STATED = "not_stated"
"""The value of a dimension that the gateway said nothing of."""

VALUE_LENGTH_MAX = 64

_STAGE = {
    News.CREATED: Stage.CREATED,
    News.UNKNOWN: Stage.CREATED,
    News.PENDING: Stage.PENDING,
    News.FAILED: Stage.PENDING,
    News.ATTEMPT_FAILED: Stage.PENDING,
    News.AUTHORIZED: Stage.AUTHORIZED,
    News.CONFLICTED: Stage.AUTHORIZED,
    News.CAPTURED: Stage.CAPTURED,
    News.SETTLED: Stage.SETTLED,
}
"""How far a payment has come at least when the event is told; a conflicted one had its bank's word."""

_COLUMN = {
    News.UNKNOWN: "unknown",
    News.AUTHORIZED: "authorized",
    News.CAPTURED: "captured",
    News.FAILED: "failed",
    News.ATTEMPT_FAILED: "failed",
    News.CONFLICTED: "conflicted",
}

_LATER = {
    News.REFUND_PROCESSED: "refunded",
    News.REFUND_FAILED: "refund_failed",
    News.DISPUTE_CLOSED: "dispute_closed",
    News.DISPUTE_WON: "dispute_won",
    News.DISPUTE_LOST: "dispute_lost",
}
"""What is counted of refunds and decided disputes, each with its sum; a refund that failed brings none."""

LAG_DAYS_MAX = 999
"""A payout that is later than this is counted with it."""

CONCLUDED = frozenset({News.CAPTURED, News.FAILED, News.ATTEMPT_FAILED, News.CONFLICTED})
"""The events that end an attempt."""


def minute_column(minute: int) -> str:
    """The column of the hour's row in which the attempts of a minute (0 to 59) are counted."""
    return f"m{minute:02}"


def second_column(second: int) -> str:
    """The column of the minute's row in which the attempts of a second (0 to 59) are counted."""
    return f"s{second:02}"


def lag_column(days: int) -> str:
    """The column in which payments are counted that were paid out ``days`` after their capture."""
    return f"lag_{min(max(days, 0), LAG_DAYS_MAX)}"


def addition(fact: PaymentFact, mark: Mark) -> Addition:
    """What ``fact`` adds, given what was counted of its payment; it must not have been counted yet."""
    if fact.event_id in mark.applied:
        raise ValueError("the event was counted before")
    rows: dict[tuple[Dimension, str, str], Counters] = {
        (dimension, business_date(fact.moment).isoformat(), value): counters
        for dimension, value, counters in _by_dimension(fact)
    }
    if fact.news is News.SETTLED:
        rows[Dimension.SETTLEMENT, str(fact.settled_on), _value(fact.method)] = _settlement(fact)
    reached = mark.reached
    # An event of the first version, and of a refund or dispute, does not say when the payment was created.
    if fact.created_at is not None and fact.news in _STAGE:
        reached = _further(mark.reached, _STAGE[fact.news])
        if newly := _between(mark.reached, reached):
            day = business_date(from_iso(fact.created_at)).isoformat()
            rows[Dimension.FUNNEL, day, "all"] = {stage.value: 1 for stage in newly}
    scopes = (school_scope(fact.school_id), PLATFORM)
    added = {RowKey(scope, *key): counters for scope in scopes for key, counters in rows.items()}
    if fact.news in CONCLUDED:
        local = fact.moment.astimezone(IST)
        minute = RowKey(PLATFORM, Dimension.SECOND, local.date().isoformat(), f"{local:%H:%M}")
        added[minute] = {second_column(local.second): 1}
    return Addition(added, reached)


def fold(facts: Iterable[PaymentFact]) -> dict[RowKey, dict[str, int]]:
    """The rows that ``facts`` make, in any order and with any repetition: what a rebuild from history
    gives."""
    rows: dict[RowKey, Counter[str]] = {}
    marks: dict[str, Mark] = {}
    for fact in facts:
        mark = marks.get(fact.payment_id, Mark(fact.payment_id))
        if fact.event_id in mark.applied:
            continue
        added = addition(fact, mark)
        marks[fact.payment_id] = Mark(fact.payment_id, (*mark.applied, fact.event_id), added.reached)
        for key, counters in added.rows.items():
            rows.setdefault(key, Counter()).update(counters)
    return {key: dict(counters) for key, counters in rows.items()}


def _by_dimension(fact: PaymentFact) -> Iterator[tuple[Dimension, str, Counters]]:
    if fact.news in OF_OTHER_THINGS:
        if later := _later(fact):
            yield Dimension.HOUR, f"{fact.moment.astimezone(IST).hour:02}", later
            yield Dimension.METHOD, _value(fact.method), later
        return
    counters = _counters(fact)
    local = fact.moment.astimezone(IST)
    hour = dict(counters)
    if fact.version == 1:
        hour["created"] = 1
    if fact.news in CONCLUDED:
        hour[minute_column(local.minute)] = 1
    if hour:
        yield Dimension.HOUR, f"{local.hour:02}", hour
    if fact.news not in CONCLUDED:
        return
    yield Dimension.METHOD, _value(fact.method), counters
    if fact.network:
        yield Dimension.NETWORK, _value(fact.network), counters
    if issuer := fact.issuer or fact.bank:
        yield Dimension.ISSUER, _value(issuer), counters
    if _COLUMN[fact.news] == "failed":
        yield Dimension.REASON, _value(fact.error_reason), counters


def _counters(fact: PaymentFact) -> dict[str, int]:
    """The event's own counters: one for what it is, and the money where it is money."""
    column = _COLUMN.get(fact.news)
    counters = {column: 1} if column else {}
    if fact.failed_before and column != "failed":
        counters["recovered"] = 1
    if fact.news is not News.CAPTURED:
        return counters
    if fact.created_at is not None and fact.captured_at is not None:
        waited = from_iso(fact.captured_at) - from_iso(fact.created_at)
        counters |= {"timed": 1, "time_to_capture_ms": max(0, round(waited.total_seconds() * 1000))}
    if fact.currency != BOOKS_CURRENCY:
        counters["other_currency"] = 1
    if fact.books_paise is None:
        return counters
    counters["captured_paise"] = fact.books_paise
    if fact.fee_paise is not None:
        counters |= {"fee_known": 1, "fee_paise": fact.fee_paise, "tax_paise": fact.tax_paise or 0}
    return counters


def _later(fact: PaymentFact) -> dict[str, int]:
    """What became of money that was captured: refunds and disputes, with their sums in rupees."""
    counters: dict[str, int] = {}
    columns = ("disputed" if fact.first_heard else None, _LATER.get(fact.news))
    for column in filter(None, columns):
        counters[column] = 1
        if fact.books_paise is not None:
            counters[f"{column}_paise"] = fact.books_paise
    return counters


def _settlement(fact: PaymentFact) -> dict[str, int]:
    """A payment that was paid out: its money, and after how many days of the calendar."""
    lag = (date.fromisoformat(str(fact.settled_on)) - date.fromisoformat(str(fact.captured_on))).days
    lag = min(max(lag, 0), LAG_DAYS_MAX)
    counters = {"settled": 1, lag_column(lag): 1, "lag_days": lag}
    if fact.currency != BOOKS_CURRENCY:
        counters["other_currency"] = 1
    if fact.books_paise is None:
        return counters
    return counters | {
        "settled_paise": fact.books_paise,
        "fee_paise": fact.fee_paise or 0,
        "tax_paise": fact.tax_paise or 0,
        "net_paise": fact.net_paise or 0,
    }


def _value(word: str | None) -> str:
    """A word of the gateway as a row's value. Razorpay says "NA", nothing, or null of what it does not
    know."""
    stated = (word or "").strip()[:VALUE_LENGTH_MAX]
    return NOT_STATED if stated.upper() in {"", "NA"} else stated


def _further(known: Stage | None, told: Stage) -> Stage:
    return told if known is None else max(known, told, key=STAGES.index)


def _between(before: Stage | None, after: Stage) -> tuple[Stage, ...]:
    """The stages after ``before`` up to ``after``."""
    first = 0 if before is None else STAGES.index(before) + 1
    return STAGES[first : STAGES.index(after) + 1]
