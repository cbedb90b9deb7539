"""Due days keep their anchor through short months, and move to banking days only as told."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.instalments.due_dates import DueDays, Roll, first_due_after, periods, rolled
from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.refusal import Refused


def due(days: DueDays, count: int) -> list[date]:
    return [period.due_on for period in periods(days, count)]


def weekday(day: date) -> bool:
    return day.weekday() < 5


def test_the_thirty_first_comes_back_after_february() -> None:
    assert due(DueDays(date(2026, 1, 31)), 4) == [
        date(2026, 1, 31),
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]


def test_the_thirty_first_falls_on_the_leap_day() -> None:
    assert due(DueDays(date(2028, 1, 31)), 3)[1] == date(2028, 2, 29)
    assert due(DueDays(date(2099, 12, 31)), 3) == [date(2099, 12, 31), date(2100, 1, 31), date(2100, 2, 28)]


def test_a_plan_that_begins_in_february_keeps_its_anchor() -> None:
    days = DueDays(date(2026, 2, 28), anchor_day=31)
    assert due(days, 2) == [date(2026, 2, 28), date(2026, 3, 31)]
    assert due(DueDays(date(2026, 2, 28)), 2) == [date(2026, 2, 28), date(2026, 3, 28)]


def test_the_first_period_is_the_month_before_the_first_due_day() -> None:
    first, second = periods(DueDays(date(2026, 3, 31)), 2)
    assert (first.starts_on, first.ends_on) == (date(2026, 2, 28), date(2026, 3, 31))
    assert (second.starts_on, second.ends_on) == (date(2026, 3, 31), date(2026, 4, 30))


@given(st.dates(date(2000, 1, 1), date(2060, 12, 31)), st.integers(1, 360))
def test_periods_tile_the_time_without_gap_or_overlap(first: date, count: int) -> None:
    spans = periods(DueDays(first), count)
    assert len(spans) == count
    assert all(earlier.ends_on == later.starts_on for earlier, later in pairwise(spans))
    months = [span.ends_on.year * 12 + span.ends_on.month for span in spans]
    assert months == list(range(months[0], months[0] + count))
    for span in spans:
        last_of_month = (span.ends_on + timedelta(days=1)).day == 1
        assert span.ends_on.day == first.day or (span.ends_on.day < first.day and last_of_month)


@pytest.mark.parametrize(
    ("roll", "expected"),
    [
        (Roll.NONE, date(2026, 5, 31)),
        (Roll.FOLLOWING, date(2026, 6, 1)),
        (Roll.MODIFIED_FOLLOWING, date(2026, 5, 29)),
        (Roll.PRECEDING, date(2026, 5, 29)),
    ],
)
def test_a_sunday_at_the_end_of_a_month_moves_by_the_convention(roll: Roll, expected: date) -> None:
    assert date(2026, 5, 31).weekday() == 6
    days = DueDays(date(2026, 5, 31), roll=roll, is_banking_day=weekday)
    (period,) = periods(days, 1)
    assert (period.due_on, period.ends_on) == (expected, date(2026, 5, 31))


def test_a_moved_day_does_not_move_the_next() -> None:
    days = DueDays(date(2026, 5, 31), roll=Roll.FOLLOWING, is_banking_day=weekday)
    assert due(days, 2) == [date(2026, 6, 1), date(2026, 6, 30)]


def test_modified_following_moves_on_within_the_month() -> None:
    assert rolled(date(2026, 5, 30), Roll.MODIFIED_FOLLOWING, weekday) == date(2026, 5, 29)
    assert rolled(date(2026, 5, 16), Roll.MODIFIED_FOLLOWING, weekday) == date(2026, 5, 18)


@pytest.mark.parametrize(
    ("day", "anchor_day", "expected"),
    [
        (date(2026, 1, 30), 31, date(2026, 1, 31)),
        (date(2026, 1, 31), 31, date(2026, 2, 28)),
        (date(2026, 2, 28), 31, date(2026, 3, 31)),
        (date(2026, 12, 15), 10, date(2027, 1, 10)),
    ],
)
def test_the_first_due_day_is_the_next_anchor(day: date, anchor_day: int, expected: date) -> None:
    assert first_due_after(day, anchor_day) == expected


@pytest.mark.parametrize(
    ("days", "count", "code"),
    [
        (DueDays(date(2026, 3, 30), anchor_day=31), 1, InstalmentCode.DUE_DATE_INVALID),
        (DueDays(date(2026, 3, 30), anchor_day=0), 1, InstalmentCode.DUE_DATE_INVALID),
        (DueDays(date(2026, 3, 30), anchor_day=32), 1, InstalmentCode.DUE_DATE_INVALID),
        (DueDays(date(2100, 12, 31)), 2, InstalmentCode.DUE_DATE_INVALID),
        (DueDays(date(1, 1, 1)), 1, InstalmentCode.DUE_DATE_INVALID),
        (DueDays(date(9999, 12, 31)), 360, InstalmentCode.DUE_DATE_INVALID),
        (DueDays(date(2026, 3, 30), roll=Roll.FOLLOWING), 1, InstalmentCode.DUE_DATE_INVALID),
        (
            DueDays(date(2026, 3, 30), roll=Roll.PRECEDING, is_banking_day=lambda day: False),
            1,
            InstalmentCode.DUE_DATE_INVALID,
        ),
        (DueDays(date(2026, 3, 30)), 0, InstalmentCode.COUNT_INVALID),
        (DueDays(date(2026, 3, 30)), 361, InstalmentCode.COUNT_INVALID),
        (DueDays(date(2026, 3, 30)), True, InstalmentCode.COUNT_INVALID),
    ],
)
def test_days_that_cannot_be_are_refused(days: DueDays, count: int, code: InstalmentCode) -> None:
    with pytest.raises(Refused) as refused:
        periods(days, count)
    assert refused.value.code == code


def test_a_day_before_the_calendar_has_no_next_anchor() -> None:
    with pytest.raises(Refused):
        first_due_after(date(9999, 12, 31), 1)
