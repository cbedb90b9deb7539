"""Into which cycle of a mandate a day falls. Calendar cycles of Asia/Kolkata, as the networks count them."""

from datetime import date, datetime, time, timedelta

from runtime.payments.methods.model import Frequency
from runtime.platform.clock import IST

_MONTHS = {
    Frequency.MONTHLY: 1,
    Frequency.BIMONTHLY: 2,
    Frequency.QUARTERLY: 3,
    Frequency.HALF_YEARLY: 6,
    Frequency.YEARLY: 12,
}
_FORTNIGHT_ENDS_BEFORE = 16


def cycle_of(frequency: Frequency, day: date) -> tuple[datetime, datetime] | None:
    """The cycle's first moment and the first one after it; None for debits ``as_presented``.

    Weeks begin on Monday, fortnights on the 1st and the 16th, cycles of several months in January.
    """
    if frequency is Frequency.AS_PRESENTED:
        return None
    first, after = _days(frequency, day)
    return _midnight(first), _midnight(after)


def _days(frequency: Frequency, day: date) -> tuple[date, date]:
    if frequency is Frequency.DAILY:
        return day, day + timedelta(days=1)
    if frequency is Frequency.WEEKLY:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    if frequency is Frequency.FORTNIGHTLY:
        if day.day < _FORTNIGHT_ENDS_BEFORE:
            return day.replace(day=1), day.replace(day=_FORTNIGHT_ENDS_BEFORE)
        return day.replace(day=_FORTNIGHT_ENDS_BEFORE), _first_of(day.year * 12 + day.month)
    length = _MONTHS[frequency]
    month = day.year * 12 + day.month - 1
    begins = month - month % length
    return _first_of(begins), _first_of(begins + length)


def _first_of(month: int) -> date:
    """The first day of a month that is counted from the year 0."""
    return date(month // 12, month % 12 + 1, 1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), IST)
