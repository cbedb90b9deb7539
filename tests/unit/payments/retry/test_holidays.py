"""Which days the banks clear on, and which nobody knows yet."""

import tomllib
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.payments.retry.holidays import (
    BankCalendar,
    HolidayFile,
    HolidaysUnknown,
    bank_calendar,
    is_closed_weekday,
)
from tests.unit.payments.retry import lawful

HOLIDAYS = tomllib.loads((lawful.DATA / "holidays.toml").read_text(encoding="utf-8"))
KNOWN = st.dates(date(2025, 1, 1), date(2027, 12, 31))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 1, 26), False),  # Republic Day
        (date(2026, 4, 1), False),  # annual closing
        (date(2026, 8, 15), False),  # Independence Day, on the third Saturday
        (date(2026, 11, 8), False),  # a Sunday
        (date(2026, 11, 9), True),  # the Monday between
        (date(2026, 11, 10), False),  # Balipratipada
        (date(2026, 11, 7), True),  # the first Saturday
        (date(2026, 11, 14), False),  # the second
        (date(2026, 11, 21), True),  # the third
        (date(2026, 11, 28), False),  # the fourth
        (date(2026, 1, 31), True),  # the fifth
        (date(2025, 9, 5), True),  # Id-e-Milad was moved in Mumbai
        (date(2025, 9, 8), False),  # to this day
    ],
)
def test_the_banks_clear_on_working_days(day: date, works: bool) -> None:
    assert bank_calendar().is_working_day(day) is works


@given(KNOWN)
def test_a_second_reader_of_the_file_finds_the_same_days(day: date) -> None:
    assert bank_calendar().is_working_day(day) is lawful.is_working_day(day)


@pytest.mark.parametrize("day", [date(2024, 12, 31), date(2028, 1, 1)])
def test_a_day_of_a_year_that_is_not_on_record_is_an_error(day: date) -> None:
    assert not bank_calendar().is_known(day)
    with pytest.raises(HolidaysUnknown, match="not on record"):
        bank_calendar().is_working_day(day)


def test_a_year_that_is_not_published_yet_says_so() -> None:
    calendar = bank_calendar()
    assert (calendar.known_from, calendar.known_until) == (date(2025, 1, 1), date(2027, 12, 31))
    assert not calendar.is_provisional(date(2026, 12, 31))
    assert calendar.is_provisional(date(2027, 1, 1))


@given(KNOWN.filter(lambda day: day < date(2027, 12, 20)))
def test_the_next_working_day_is_the_first_one(day: date) -> None:
    found = bank_calendar().next_working_day(day)
    between = [day + timedelta(days=n) for n in range((found - day).days)]
    assert bank_calendar().is_working_day(found)
    assert not any(bank_calendar().is_working_day(each) for each in between)


def test_a_debit_due_on_a_holiday_can_be_made_the_working_day_before() -> None:
    assert bank_calendar().previous_working_day(date(2026, 11, 8)) == date(2026, 11, 7)
    assert bank_calendar().previous_working_day(date(2026, 11, 9)) == date(2026, 11, 9)


def test_a_search_that_leaves_the_known_years_is_an_error() -> None:
    closed = [date(2027, 12, 1) + timedelta(days=n) for n in range(31)]
    days = [{"on": day, "name": "Strike"} for day in closed if not is_closed_weekday(day)]
    years = [{"year": 2027, "status": "published", "source": "a test", "days": days}]
    calendar = BankCalendar(HolidayFile.model_validate(HOLIDAYS | {"year": years}))
    with pytest.raises(HolidaysUnknown):
        calendar.next_working_day(date(2027, 12, 20))
    with pytest.raises(HolidaysUnknown, match="within a month"):
        calendar.previous_working_day(date(2027, 12, 31))


@pytest.mark.parametrize(
    ("year", "complaint"),
    [
        ({"days": [{"on": date(2027, 1, 4), "name": "x"}]}, "days of it"),
        ({"days": [{"on": date(2028, 1, 4), "name": "x"}] * 2}, "each once"),
        ({"days": [{"on": date(2028, 1, 8), "name": "second Saturday"}]}, "second or a fourth Saturday"),
        ({"year": 2030}, "without a gap"),
        ({"status": "guessed"}, "status"),
    ],
)
def test_a_year_that_cannot_be_is_refused(year: dict[str, Any], complaint: str) -> None:
    next_year: dict[str, Any] = {"year": 2028, "status": "published", "source": "a test", "days": []}
    with pytest.raises(ValidationError, match=complaint):
        HolidayFile.model_validate(HOLIDAYS | {"year": [*HOLIDAYS["year"], next_year | year]})
