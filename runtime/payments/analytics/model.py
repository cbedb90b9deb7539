"""What is counted of payments: rows of counters, by school or for the whole platform, by day in India."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Counters = Mapping[str, int]
"""Counters and sums of paise by their column; all of them only ever grow."""


class Dimension(StrEnum):
    """By what a day is broken down. ``hour`` holds everything that is counted; ``funnel`` is by the day on
    which the payments were created, ``settlement`` by the day of the payout and the method. ``second`` is of
    the platform only: a row for each minute, a column for each second of it."""

    HOUR = "hour"
    METHOD = "method"
    NETWORK = "network"
    ISSUER = "issuer"
    REASON = "reason"
    SETTLEMENT = "settlement"
    SECOND = "second"
    FUNNEL = "funnel"


class Stage(StrEnum):
    """How far a payment has come, in this order. ``settled`` is told by reconciliation."""

    CREATED = "created"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    SETTLED = "settled"


STAGES = tuple(Stage)

PLATFORM = "platform"
"""The scope of every school together."""


def school_scope(school_id: str) -> str:
    """The scope of one school."""
    return f"school#{school_id}"


@dataclass(frozen=True, slots=True, order=True)
class RowKey:
    """Which row: its ``scope``, ``dimension``, ``day`` (``2026-04-01``, in India) and the dimension's
    ``value``."""

    scope: str
    dimension: Dimension
    day: str
    value: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What has been counted of a payment: the events, and how far it had come. ``revision`` is 0 before the
    first."""

    payment_id: str
    applied: tuple[str, ...] = ()
    reached: Stage | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True)
class Addition:
    """What an event adds: counters to rows, and how far the payment has come now."""

    rows: Mapping[RowKey, Counters]
    reached: Stage | None = field(default=None)
