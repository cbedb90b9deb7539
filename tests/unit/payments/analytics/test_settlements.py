"""Payouts: the lag's median and nine tenths are days that occurred; of equal moments the first is busiest."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.analytics.contracts import SettlementsQuery
from runtime.payments.analytics.model import PLATFORM, Dimension, RowKey
from runtime.payments.analytics.settlements import (
    grouped_settlements,
    quantile,
    settlements_of,
    throughput_of,
)

DAY = date(2026, 4, 7)


def row(day: str, value: str, dimension: Dimension = Dimension.SETTLEMENT) -> RowKey:
    return RowKey(PLATFORM, dimension, day, value)


ROWS: dict[RowKey, dict[str, int]] = {
    row("2026-04-07", "upi"): {"settled": 3, "lag_2": 2, "lag_6": 1, "lag_days": 10, "settled_paise": 300},
    row("2026-04-08", "upi"): {"settled": 1, "lag_2": 1, "lag_days": 2, "net_paise": 90, "fee_paise": 10},
    row("2026-04-08", "card"): {"settled": 1, "lag_10": 1, "lag_days": 10, "tax_paise": 2},
}


def test_the_lag_is_given_by_days_that_occurred() -> None:
    total = settlements_of(ROWS)
    assert (total.settled, total.settled_paise, total.fee_paise, total.tax_paise, total.net_paise) == (
        *(5, 300, 10, 2, 90),
    )
    assert (total.lag_days_min, total.lag_days_median, total.lag_days_p90, total.lag_days_max) == (
        2,
        2,
        10,
        10,
    )
    assert (total.lag_days_mean_hundredths, total.lag_histogram) == (440, {"2": 3, "6": 1, "10": 1})


def test_of_nothing_there_is_no_lag() -> None:
    nothing = settlements_of({})
    assert (nothing.settled, nothing.lag_days_median, nothing.lag_days_mean_hundredths) == (0, None, None)
    assert nothing.lag_histogram == {}


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [("day", [("2026-04-07", 3), ("2026-04-08", 2)]), ("method", [("card", 1), ("upi", 4)])],
)
def test_payouts_are_grouped(group_by: str, expected: list[tuple[str, int]]) -> None:
    asked = {"from": "2026-04-07", "to": "2026-04-08", "group_by": group_by}
    groups = grouped_settlements(ROWS, SettlementsQuery.model_validate(asked, strict=False))
    assert [(group.value, group.figures.settled) for group in groups] == expected


@given(st.lists(st.integers(0, 30), min_size=1), st.integers(1, 100))
def test_a_quantile_is_the_nearest_rank(values: list[int], percent: int) -> None:
    histogram = {value: values.count(value) for value in sorted(set(values))}
    rank = -(-percent * len(values) // 100)
    assert quantile(histogram, percent) == sorted(values)[rank - 1]


def test_the_busiest_second_need_not_be_in_the_busiest_minute() -> None:
    minutes = {
        row("2026-04-07", "12:30", Dimension.SECOND): {"s00": 2, "s41": 2, "s42": 1},
        row("2026-04-07", "12:31", Dimension.SECOND): {"s05": 3},
    }
    found = throughput_of(DAY, minutes)
    assert found.attempts == 8
    assert found.busiest_minute
    assert (found.busiest_minute.at, found.busiest_minute.attempts) == ("12:30", 5)
    assert found.busiest_second
    assert (found.busiest_second.at, found.busiest_second.attempts) == (
        "12:31:05",
        3,
    )
    quiet = throughput_of(DAY, {})
    assert (quiet.attempts, quiet.busiest_minute, quiet.busiest_second) == (0, None, None)
