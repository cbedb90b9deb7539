"""Figures: rates by whole hundredths of a percent, half up; peaks of minutes; every day asked for."""

from datetime import date
from typing import Any

import pytest

from runtime.payments.analytics.contracts import FiguresQuery
from runtime.payments.analytics.figures import figures_of, funnel_of, grouped, share
from runtime.payments.analytics.model import PLATFORM, Dimension, RowKey


def row(day: str, value: str, dimension: Dimension = Dimension.HOUR) -> RowKey:
    return RowKey(PLATFORM, dimension, day, value)


def query(**changes: str) -> FiguresQuery:
    return FiguresQuery.model_validate({"from": "2026-04-01", "to": "2026-04-03"} | changes, strict=False)


def test_of_nothing_there_is_no_rate() -> None:
    nothing = figures_of({})
    assert (nothing.attempts, nothing.captured_paise) == (0, 0)
    assert (nothing.success_rate_bps, nothing.time_to_capture_ms, nothing.attempts_per_minute_max) == (
        None,
    ) * 3


def test_success_is_of_the_attempts_that_ended() -> None:
    rows = {
        row("2026-04-01", "12"): {"created": 9, "captured": 2, "failed": 0, "unknown": 4, "authorized": 2}
    }
    assert figures_of(rows).success_rate_bps == 10_000, "payers who never tried are not in it"
    rows[row("2026-04-01", "13")] = {"conflicted": 1}
    assert (figures_of(rows).attempts, figures_of(rows).success_rate_bps) == (3, 6_667)


@pytest.mark.parametrize(
    ("amount", "of", "expected"), [(0, 0, None), (1, 2, 1), (1, 3, 0), (2, 3, 1), (5, 2, 3), (0, 7, 0)]
)
def test_shares_are_rounded_half_up(amount: int, of: int, expected: int | None) -> None:
    assert share(amount, of) == expected


def test_the_time_to_capture_is_the_mean_of_those_that_were_timed() -> None:
    rows = {
        row("2026-04-01", "12"): {"captured": 5, "timed": 2, "time_to_capture_ms": 30_001},
        row("2026-04-01", "13"): {"captured": 1, "timed": 1, "time_to_capture_ms": 60_000},
    }
    assert figures_of(rows).time_to_capture_ms == 30_000


def test_the_busiest_minute_is_one_of_one_hour_of_one_day() -> None:
    rows: dict[RowKey, dict[str, int]] = {
        row("2026-04-01", "12"): {"m00": 3, "m59": 5},
        row("2026-04-01", "13"): {"m00": 4},
        row("2026-04-02", "12"): {"m59": 2},
    }
    assert figures_of(rows).attempts_per_minute_max == 5


def test_by_day_every_day_is_there() -> None:
    rows = {row("2026-04-02", "12"): {"captured": 1}, row("2026-04-02", "13"): {"captured": 2}}
    groups = grouped(rows, query())
    assert [(group.value, group.figures.captured) for group in groups] == [
        ("2026-04-01", 0),
        ("2026-04-02", 3),
        ("2026-04-03", 0),
    ]


def test_by_hour_days_are_added_up() -> None:
    rows = {row("2026-04-01", "12"): {"failed": 1}, row("2026-04-02", "12"): {"failed": 2}}
    groups = grouped(rows, query(group_by="hour"))
    assert [(group.value, group.figures.failed) for group in groups] == [("12", 3)]


def test_a_funnel_shows_every_stage_and_its_share() -> None:
    rows = {
        row("2026-04-01", "all", Dimension.FUNNEL): {
            "created": 3,
            "pending": 3,
            "authorized": 2,
            "captured": 1,
        }
    }
    assert [(stage.stage, stage.payments, stage.of_created_bps) for stage in funnel_of(rows)] == [
        ("created", 3, 10_000),
        ("pending", 3, 10_000),
        ("authorized", 2, 6_667),
        ("captured", 1, 3_333),
        ("settled", 0, 0),
    ]


def test_an_empty_funnel_has_no_shares() -> None:
    assert {stage.of_created_bps for stage in funnel_of({})} == {None}


@pytest.mark.parametrize(
    "day",
    ["2026-4-1", "1775025000", "2026-04-01T00:00:00", "2026-02-30", "\u0662026-04-01", "", "1999-12-31"],
)
def test_a_day_is_a_day_and_nothing_else(day: str) -> None:
    with pytest.raises(ValueError, match="from"):
        query(**{"from": day})


def test_a_day_may_be_given_as_one() -> None:
    asked: dict[str, Any] = {"from": date(2026, 4, 1), "to": date(2026, 4, 1)}
    assert FiguresQuery.model_validate(asked).first_day == date(2026, 4, 1)
