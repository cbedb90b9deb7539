"""Bank holidays: which days the banks of India clear on.

The days are `holidays.toml`, a year at a time; Sundays, the second and the fourth Saturday (Government of
India and RBI, since 1 September 2015) and the national holidays are computed. A year that is not on record is
an error, never "no holiday".
"""

import tomllib
from datetime import date, timedelta
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from runtime.payments.model import Frozen

SATURDAY, SUNDAY = 5, 6
SEARCH_DAYS_MAX = 31
"""No run of bank holidays is longer; it bounds every search for a working day."""


class HolidaysUnknown(LookupError):
    """The bank holidays of that year are not on record; add the year to `holidays.toml`."""


_MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]


class _Holiday(Frozen):
    model_config = ConfigDict(frozen=True, extra="forbid")

    on: date
    name: str = Field(min_length=1)


class _Year(Frozen):
    model_config = ConfigDict(frozen=True, extra="forbid")

    year: int = Field(ge=2015, le=2100)
    status: Literal["published", "provisional"]
    source: str = Field(min_length=1)
    days: tuple[_Holiday, ...]

    @model_validator(mode="after")
    def _days_of_the_year(self) -> "_Year":
        listed = [holiday.on for holiday in self.days]
        if any(day.year != self.year for day in listed) or len(set(listed)) != len(listed):
            raise ValueError(f"the holidays of {self.year} are days of it, each once")
        if any(is_closed_weekday(day) for day in listed):
            raise ValueError(f"the holidays of {self.year} list a Sunday, a second or a fourth Saturday")
        return self


class HolidayFile(Frozen):
    """`holidays.toml` as it is written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    national: tuple[_MonthDay, ...]
    annual_closing: _MonthDay
    year: tuple[_Year, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _years_follow_each_other(self) -> "HolidayFile":
        years = [each.year for each in self.year]
        if years != list(range(years[0], years[0] + len(years))):
            raise ValueError("the years on record follow each other without a gap")
        return self


class BankCalendar:
    """The banks' working days, within the years on record."""

    def __init__(self, file: HolidayFile) -> None:
        fixed = [*file.national, file.annual_closing]
        self._holidays = {
            each.year: frozenset(holiday.on for holiday in each.days)
            | {date.fromisoformat(f"{each.year}-{month_day}") for month_day in fixed}
            for each in file.year
        }
        self._provisional = frozenset(each.year for each in file.year if each.status == "provisional")
        self.known_from = date(file.year[0].year, 1, 1)
        self.known_until = date(file.year[-1].year, 12, 31)

    def is_known(self, day: date) -> bool:
        """Whether that day's year is on record."""
        return day.year in self._holidays

    def is_provisional(self, day: date) -> bool:
        """Whether RBI has still to publish that year."""
        return day.year in self._provisional

    def is_working_day(self, day: date) -> bool:
        """Whether the banks clear on that day. Raises HolidaysUnknown for a year that is not on record."""
        holidays = self._holidays.get(day.year)
        if holidays is None:
            raise HolidaysUnknown(f"the bank holidays of {day.year} are not on record")
        return day not in holidays and not is_closed_weekday(day)

    def next_working_day(self, day: date) -> date:
        """``day`` if the banks clear on it, otherwise the first day after it on which they do."""
        return self._search(day, 1)

    def previous_working_day(self, day: date) -> date:
        """``day`` if the banks clear on it, otherwise the last day before it on which they did."""
        return self._search(day, -1)

    def _search(self, day: date, step: int) -> date:
        for distance in range(SEARCH_DAYS_MAX):
            candidate = day + timedelta(days=step * distance)
            if self.is_working_day(candidate):
                return candidate
        raise HolidaysUnknown(f"no working day is on record within a month of {day}")


@cache
def bank_calendar() -> BankCalendar:
    """The calendar of this release, read once."""
    text = files(__package__).joinpath("holidays.toml").read_text(encoding="utf-8")
    return BankCalendar(HolidayFile.model_validate(tomllib.loads(text)))


def is_closed_weekday(day: date) -> bool:
    """Whether ``day`` is a Sunday, or the second or fourth Saturday of its month."""
    weekday = day.weekday()
    return weekday == SUNDAY or (weekday == SATURDAY and (day.day - 1) // 7 in (1, 3))
