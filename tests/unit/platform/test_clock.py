"""Time is injected, stored in UTC, and counted in Indian days."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.clock import IST, FixedClock, SystemClock, business_date, from_iso, iso

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.integers(0, 4 * 10**9 * 1000).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
NAIVE = datetime(2026, 4, 1, tzinfo=UTC).replace(tzinfo=None)


@pytest.mark.parametrize(
    ("utc", "day"),
    [
        ("2026-03-31T18:29:59.999Z", date(2026, 3, 31)),
        ("2026-03-31T18:30:00.000Z", date(2026, 4, 1)),
        ("2026-04-01T18:29:59.000Z", date(2026, 4, 1)),
        ("2028-02-28T18:30:00.000Z", date(2028, 2, 29)),
    ],
)
def test_a_business_day_begins_at_midnight_in_india(utc: str, day: date) -> None:
    assert business_date(from_iso(utc)) == day


@given(moments, offsets)
def test_where_a_moment_was_observed_does_not_change_its_day(moment: datetime, offset: timezone) -> None:
    assert business_date(moment.astimezone(offset)) == business_date(moment) == moment.astimezone(IST).date()


@given(moments, offsets)
def test_a_stored_moment_comes_back(moment: datetime, offset: timezone) -> None:
    assert from_iso(iso(moment.astimezone(offset))) == moment


@given(moments, moments)
def test_stored_moments_sort_as_time_does(one: datetime, other: datetime) -> None:
    assert (iso(one) < iso(other)) == (one < other)


def test_stored_moments_have_one_form() -> None:
    assert iso(datetime(2026, 4, 1, 12, 0, tzinfo=IST)) == "2026-04-01T06:30:00.000Z"


def test_a_moment_without_an_offset_is_refused_everywhere() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        business_date(NAIVE)
    with pytest.raises(ValueError, match="timezone-aware"):
        iso(NAIVE)
    with pytest.raises(ValueError, match="timezone-aware"):
        FixedClock(NAIVE)
    with pytest.raises(ValueError, match="offset"):
        from_iso("2026-04-01T06:30:00.000")


def test_a_fixed_clock_moves_only_when_told() -> None:
    clock = FixedClock(datetime(2026, 4, 1, 12, 0, tzinfo=IST))
    assert clock.now() == clock.now() == datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
    assert clock.now().tzinfo is UTC
    clock.advance(seconds=1.5)
    assert clock.now() == datetime(2026, 4, 1, 6, 30, 1, 500_000, tzinfo=UTC)
    assert clock.monotonic_s() == 1.5
    with pytest.raises(ValueError, match="backwards"):
        clock.advance(seconds=-1)


def test_the_systems_clock_is_aware_and_does_not_run_backwards() -> None:
    clock = SystemClock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.now().utcoffset() == timedelta(0)
    assert clock.monotonic_s() <= clock.monotonic_s()
