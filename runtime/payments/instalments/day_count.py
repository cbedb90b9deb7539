"""How much of a month's interest has accrued on a day within the month."""

from datetime import date
from fractions import Fraction

from runtime.payments.instalments.model import DayCount


def accrued_fraction(starts_on: date, ends_on: date, day: date, day_count: DayCount) -> Fraction:
    """The part of a month's interest that has accrued from ``starts_on`` to ``day``: from 0 to 1, exact.

    The first day counts, the last does not. Before the month it is nothing, at its end all of it.
    """
    if day <= starts_on or ends_on <= starts_on:
        return Fraction(0)
    if day >= ends_on:
        return Fraction(1)
    if day_count is DayCount.ACTUAL_365:
        fraction = Fraction((day - starts_on).days * 12, 365)
    elif day_count is DayCount.ACTUAL_ACTUAL:
        fraction = Fraction((day - starts_on).days, (ends_on - starts_on).days)
    else:
        fraction = Fraction(_days_30_360(starts_on, day), 30)
    return min(fraction, Fraction(1))


def _days_30_360(start: date, end: date) -> int:
    """The days between two dates when every month has thirty (ISDA 2006 definitions, 4.16(f))."""
    first = min(start.day, 30)
    last = 30 if end.day == 31 and first == 30 else end.day
    return (end.year - start.year) * 360 + (end.month - start.month) * 30 + last - first
