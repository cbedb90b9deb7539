"""Cycles tile the calendar of India: every day is in one, and none has a gap to the next."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.sandbox.razorpay import mandates
from runtime.payments.debits.cycles import cycle_of
from runtime.payments.methods.model import Frequency
from runtime.platform.clock import IST

WITH_CYCLES = [frequency for frequency in Frequency if frequency is not Frequency.AS_PRESENTED]


@pytest.mark.parametrize(
    ("frequency", "day", "first", "after"),
    [
        ("daily", "2026-04-08", "2026-04-08", "2026-04-09"),
        ("weekly", "2026-04-08", "2026-04-06", "2026-04-13"),
        ("fortnightly", "2026-04-15", "2026-04-01", "2026-04-16"),
        ("fortnightly", "2026-12-16", "2026-12-16", "2027-01-01"),
        ("monthly", "2026-02-28", "2026-02-01", "2026-03-01"),
        ("monthly", "2026-12-31", "2026-12-01", "2027-01-01"),
        ("bimonthly", "2026-04-08", "2026-03-01", "2026-05-01"),
        ("quarterly", "2026-04-08", "2026-04-01", "2026-07-01"),
        ("half_yearly", "2026-12-31", "2026-07-01", "2027-01-01"),
        ("yearly", "2026-04-08", "2026-01-01", "2027-01-01"),
    ],
)
def test_the_calendar(frequency: str, day: str, first: str, after: str) -> None:
    cycle = cycle_of(Frequency(frequency), date.fromisoformat(day))
    assert cycle is not None
    assert [moment.date().isoformat() for moment in cycle] == [first, after]
    assert all((moment.hour, moment.tzinfo) == (0, IST) for moment in cycle)


def test_debits_as_presented_have_no_cycles() -> None:
    assert cycle_of(Frequency.AS_PRESENTED, date(2026, 4, 8)) is None


@given(st.sampled_from(WITH_CYCLES), st.dates(date(2020, 1, 1), date(2060, 12, 31)))
def test_every_day_is_in_its_cycle_and_the_next_begins_where_it_ends(frequency: Frequency, day: date) -> None:
    cycle = cycle_of(frequency, day)
    assert cycle is not None
    first, after = cycle
    assert first.date() <= day < after.date()
    assert cycle_of(frequency, after.date() - timedelta(days=1)) == cycle
    following = cycle_of(frequency, after.date())
    assert following is not None
    assert following[0] == after


@given(st.sampled_from(WITH_CYCLES), st.dates(date(2020, 1, 1), date(2060, 12, 31)), st.integers(-40, 40))
def test_the_simulated_gateway_counts_the_same_cycles(frequency: Frequency, day: date, apart: int) -> None:
    cycle = cycle_of(frequency, day)
    assert cycle is not None
    first, after = cycle
    other = day + timedelta(days=apart)

    def theirs(of: date) -> str | None:
        noon = first.replace(year=of.year, month=of.month, day=of.day, hour=12)
        return mandates.cycle_of(frequency.value, int(noon.timestamp()))

    assert (theirs(day) == theirs(other)) is (first.date() <= other < after.date())
