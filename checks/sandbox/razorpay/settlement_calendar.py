"""When money captured today reaches the bank: T+2 working days of Asia/Kolkata, T being the capture."""

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta, timezone

INDIA = timezone(timedelta(hours=5, minutes=30), "Asia/Kolkata")
"""India has one time zone and no daylight saving, so a fixed offset is exact."""

SATURDAY = 5


def india_date(unix: int) -> date:
    return datetime.fromtimestamp(unix, tz=UTC).astimezone(INDIA).date()


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    return day.weekday() < SATURDAY and day not in holidays


def settlement_due(
    captured_at: int, *, working_days: int, holidays: Collection[date], settlement_time: time
) -> int:
    """Unix time of the settlement run that pays out what was captured at `captured_at`."""
    day = india_date(captured_at)
    remaining = working_days
    while remaining > 0:
        day += timedelta(days=1)
        if is_working_day(day, holidays):
            remaining -= 1
    while not is_working_day(day, holidays):
        day += timedelta(days=1)
    return int(datetime.combine(day, settlement_time, tzinfo=INDIA).timestamp())
