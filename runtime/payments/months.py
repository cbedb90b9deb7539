"""The calendar of months: the same day of another month, or its last day where it has no such day."""

from calendar import monthrange
from datetime import date


def months_after(day: date, months: int, anchor_day: int) -> date:
    """The anchor day (1..31) of the month that lies ``months`` after that of ``day``.

    31 is 28 or 29 February; because the anchor is asked for every time, it is the 31st again in March.
    """
    year, month_index = divmod(day.year * 12 + day.month - 1 + months, 12)
    month = month_index + 1
    return date(year, month, min(anchor_day, monthrange(year, month)[1]))
