"""Time, injected. Storage is UTC; business days are Asia/Kolkata."""

import time
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Protocol

IST = timezone(timedelta(hours=5, minutes=30), "IST")
"""India has one offset and no daylight saving time, so a fixed offset is exact."""


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> datetime:
        """The present moment, timezone-aware, in UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds from an arbitrary origin that never run backwards; for deadlines."""
        ...


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()


@dataclass(slots=True)
class FixedClock:
    """A clock that moves only when told to; for tests and simulations."""

    at: datetime
    _elapsed_s: float = field(default=0.0)

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a clock needs a timezone-aware moment")

    def now(self) -> datetime:
        return self.at.astimezone(UTC)

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def advance(self, *, seconds: float) -> None:
        """Move forward by ``seconds`` (>= 0)."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self.at += timedelta(seconds=seconds)
        self._elapsed_s += seconds


def business_date(moment: datetime) -> date:
    """The calendar day in India on which ``moment`` falls."""
    if moment.tzinfo is None:
        raise ValueError("a business date needs a timezone-aware moment")
    return moment.astimezone(IST).date()


def iso(moment: datetime) -> str:
    """``moment`` as RFC 3339 in UTC with milliseconds, e.g. ``2026-04-01T06:30:00.000Z``; sorts as time
    does."""
    if moment.tzinfo is None:
        raise ValueError("only a timezone-aware moment can be stored")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_iso(text: str) -> datetime:
    """The moment that :func:`iso` wrote. Raises ValueError for anything without an offset."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a stored moment must carry its offset")
    return moment.astimezone(UTC)
