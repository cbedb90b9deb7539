"""What is asked of payment analytics, and what is answered."""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints

from runtime.platform.api import Contract

GroupBy = Literal["day", "hour", "method", "network", "issuer", "reason"]


FIRST_DAY = date(2020, 1, 1)
LAST_DAY = date(2099, 12, 31)


def _day(value: object) -> object:
    """A day as it is written in the contract; a moment or a number of seconds is none."""
    written = isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII)
    if not written and type(value) is not date:
        raise ValueError("a day is written 2026-04-01")
    return value


def _of_our_time(day: date) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(f"a day is between {FIRST_DAY} and {LAST_DAY}")
    return day


Day = Annotated[date, BeforeValidator(_day), AfterValidator(_of_our_time)]


class Range(Contract):
    """The days that are asked about, in India, both included."""

    school_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = Field(
        default=None, description="One school. Left out by who sees every school, it is all of them."
    )
    first_day: Annotated[Day, Field(alias="from", description="The first day, in India.")]
    last_day: Annotated[
        Day, Field(alias="to", description="The last day, in India; at most 92 days with the first.")
    ]


class FiguresQuery(Range):
    """The query of `GET /v1/analytics/payments`."""

    group_by: GroupBy = Field(
        default="day",
        description=(
            "By what the figures are grouped. `hour` is the hour of the day in India; `network` is of cards, "
            "`issuer` the payer's bank, `reason` why attempts failed."
        ),
    )


class SettlementsQuery(Range):
    """The query of `GET /v1/analytics/payments/settlements`; the days are those of the payouts."""

    group_by: Literal["day", "method"] = Field(default="day", description="By what they are grouped.")


class ThroughputQuery(Contract):
    """The query of `GET /v1/analytics/payments/throughput`."""

    day: Annotated[Day, Field(description="The day, in India.")]


class FunnelQuery(Range):
    """The query of `GET /v1/analytics/payments/funnel`."""


class Figures(Contract):
    """What happened on the days asked for, whenever the payments were created. Sums are of payments in INR.

    `attempts` have ended: `captured`, `failed` or `conflicted`. `success_rate_bps` is `captured` of them in
    hundredths of a percent: payers who never tried are not in it, and an attempt that failed and was
    `recovered` by the bank's late word is in it twice, once as each. `fee_paise` includes `tax_paise` and is
    of the `fee_known` payments whose fee was told with their capture. `time_to_capture_ms` is the mean,
    mostly the payer's own time. Refunds count when the gateway has made them, disputes when they became known
    and when they were decided, whenever the payment was. Sums are of paise of the books: of payments in
    another currency (`other_currency`) by their worth in rupees. `attempts_per_minute_max` is of the busiest
    minute.
    """

    created: int
    attempts: int
    authorized: int
    captured: int
    failed: int
    conflicted: int
    unknown: int
    recovered: int
    other_currency: int
    captured_paise: int
    refunded: int
    refunded_paise: int
    refund_failed: int
    disputed: int
    disputed_paise: int
    dispute_won: int
    dispute_lost: int
    dispute_lost_paise: int
    dispute_closed: int
    fee_paise: int
    tax_paise: int
    fee_known: int
    success_rate_bps: int | None
    time_to_capture_ms: int | None
    attempts_per_minute_max: int | None


class FiguresGroup(Contract):
    """The figures of one `value` of what they are grouped by. Grouped by `method`, `network`, `issuer` or
    `reason` only attempts that have ended are counted (and by `method` what went back), and minutes are not
    told."""

    value: str
    figures: Figures


class PaymentFigures(Contract):
    """The figures of payments. Days without any are in it; other values are those that occurred."""

    school_id: str | None
    first_day: date
    last_day: date
    group_by: str
    total: Figures
    groups: list[FiguresGroup]


class FunnelStage(Contract):
    """How many payments came at least so far, and how many of those created, in hundredths of a percent."""

    stage: str
    payments: int
    of_created_bps: int | None


class PaymentFunnel(Contract):
    """How far the payments came, up to now, that were created on the days asked for: `created`, `pending`
    (can be paid), `authorized`, `captured`, `settled`. A payment counts once in each stage that it reached
    or passed."""

    school_id: str | None
    first_day: date
    last_day: date
    stages: list[FunnelStage]


class SettlementFigures(Contract):
    """What was paid out of captured payments, and how long it took. Sums are of payments in INR:
    `settled_paise` less `fee_paise`, which includes `tax_paise` (GST), is `net_paise`.

    The lag is of days of the calendar in India, from the capture as booked to the gateway's payout.
    `lag_days_median` and `lag_days_p90` are exact: the least number of days within which half, or nine
    tenths, were paid out. `lag_days_mean_hundredths` is the mean in hundredths of a day.
    """

    settled: int
    settled_paise: int
    fee_paise: int
    tax_paise: int
    net_paise: int
    other_currency: int
    lag_days_min: int | None
    lag_days_median: int | None
    lag_days_p90: int | None
    lag_days_max: int | None
    lag_days_mean_hundredths: int | None
    lag_histogram: dict[str, int] = Field(
        description='How many were paid out after so many days: `{"2": 410, "3": 12}`.'
    )


class SettlementGroup(Contract):
    """The figures of one day of payouts, or of one method."""

    value: str
    figures: SettlementFigures


class PaymentSettlements(Contract):
    """What was paid out on the days asked for. Days without payouts are not in it."""

    school_id: str | None
    first_day: date
    last_day: date
    group_by: str
    total: SettlementFigures
    groups: list[SettlementGroup]


class Busiest(Contract):
    """The busiest minute (`12:30`) or second (`12:30:41`) of a day in India, the first of equals."""

    at: str
    attempts: int


class PaymentThroughput(Contract):
    """How many attempts ended on a day, on the whole platform, and when most of them did. The second is
    what the platform took at its peak; each attempt counts when its end became known."""

    day: date
    attempts: int
    busiest_minute: Busiest | None
    busiest_second: Busiest | None


class CompactionRequest(Contract):
    """The body of `POST /v1/analytics/payments/compactions`: days in India, both included."""

    first_day: Annotated[Day, Field(strict=False, description="In India.")]
    last_day: Annotated[
        Day, Field(strict=False, description="In India, not in the future; at most 92 days with the first.")
    ]


class CompactionRun(Contract):
    """A run on the way: how many of its days wait or are being written, are done, or could not be. A
    `nightly` run is of all days of which events arrived since the last; others were asked for."""

    run_id: str
    nightly: bool
    days_open: int
    days_done: int
    days_failed: int


class Compaction(Contract):
    """How far the history is in Parquet: all events that arrived until the end of `compacted_until` are, days
    in India, and null before the first run. What arrived later is read from its lines; no figure depends on
    it."""

    compacted_until: date | None
    run: CompactionRun | None
