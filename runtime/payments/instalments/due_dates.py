"""When instalments fall due: the same day of every month, and the banking day that it is moved to.

All days are days in India (Asia/Kolkata). The anchor day is remembered, not the last date: an anchor of 31
is 28 February and then 31 March again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise

from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import INSTALMENTS_MAX
from runtime.payments.months import months_after
from runtime.payments.refusal import Refused, require_whole

YEAR_MIN, YEAR_MAX = 2000, 2100
_SEARCH_DAYS_MAX = 31

IsBankingDay = Callable[[date], bool]


class Roll(StrEnum):
    """Where a due day goes that is no banking day (ISDA business day conventions)."""

    NONE = "none"
    FOLLOWING = "following"
    MODIFIED_FOLLOWING = "modified_following"
    PRECEDING = "preceding"


@dataclass(frozen=True, slots=True)
class DueDays:
    """How the due days of a plan are found.

    ``first_due_on`` is the first of them; ``anchor_day`` (1..31) is the day of the month for all others, that
    of the first unless given. ``is_banking_day`` is asked only if ``roll`` moves days.
    """

    first_due_on: date
    anchor_day: int | None = None
    roll: Roll = Roll.NONE
    is_banking_day: IsBankingDay | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """One month of a plan: it begins on ``starts_on``, ends on ``ends_on`` and is paid by ``due_on``."""

    starts_on: date
    ends_on: date
    due_on: date


def periods(days: DueDays, count: int) -> tuple[Period, ...]:
    """The ``count`` (1..360) periods of a plan.

    The first is the month that ends on the first due day. Raises Refused ``instalment-count-invalid``, and
    ``instalment-due-date-invalid`` for a first day that is not on the anchor, a year outside 2000 to 2100, or
    a day with no banking day near.
    """
    require_whole(count, 1, INSTALMENTS_MAX, code=InstalmentCode.COUNT_INVALID, name="number of instalments")
    first = days.first_due_on
    require_year(first)
    anchor_day = first.day if days.anchor_day is None else days.anchor_day
    require_whole(anchor_day, 1, 31, code=InstalmentCode.DUE_DATE_INVALID, name="anchor day")
    if first != months_after(first, 0, anchor_day):
        raise Refused(
            InstalmentCode.DUE_DATE_INVALID, "The first due day must be the anchor day of its month."
        )
    require_year(months_after(first, count - 1, anchor_day))
    ends = [months_after(first, offset, anchor_day) for offset in range(-1, count)]
    return tuple(
        Period(starts_on, ends_on, rolled(ends_on, days.roll, days.is_banking_day))
        for starts_on, ends_on in pairwise(ends)
    )


def first_due_after(day: date, anchor_day: int) -> date:
    """The first anchor day later than ``day``. Raises Refused ``instalment-due-date-invalid``."""
    require_whole(anchor_day, 1, 31, code=InstalmentCode.DUE_DATE_INVALID, name="anchor day")
    require_year(day)
    this_month = months_after(day, 0, anchor_day)
    return this_month if this_month > day else months_after(day, 1, anchor_day)


def require_year(day: date) -> None:
    """Raise Refused ``instalment-due-date-invalid`` for a day outside the years 2000 to 2100."""
    if not YEAR_MIN <= day.year <= YEAR_MAX:
        raise Refused(
            InstalmentCode.DUE_DATE_INVALID, f"Due days lie between the years {YEAR_MIN} and {YEAR_MAX}."
        )


def rolled(day: date, roll: Roll, is_banking_day: IsBankingDay | None) -> date:
    """The banking day that ``day`` is moved to.

    ``modified_following`` stays within the month: it goes back where the next banking day is in another.
    """
    if roll is Roll.NONE:
        return day
    if is_banking_day is None:
        raise Refused(InstalmentCode.DUE_DATE_INVALID, "Due days move only by a calendar of banking days.")
    if roll is Roll.PRECEDING:
        return _nearest(day, -1, is_banking_day)
    following = _nearest(day, 1, is_banking_day)
    if roll is Roll.MODIFIED_FOLLOWING and following.month != day.month:
        return _nearest(day, -1, is_banking_day)
    return following


def _nearest(day: date, step: int, is_banking_day: IsBankingDay) -> date:
    for distance in range(_SEARCH_DAYS_MAX + 1):
        candidate = day + timedelta(days=step * distance)
        if is_banking_day(candidate):
            return candidate
    raise Refused(
        InstalmentCode.DUE_DATE_INVALID, f"No banking day lies within {_SEARCH_DAYS_MAX} days of a due day."
    )
