"""Time as whole minutes since the epoch, for the planner: integers compare and add without a time zone.

A first allowed moment is rounded up and a last one down, so that rounding never allows what the moment
itself does not.
"""

from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
DAY = 24 * 60
IST_OFFSET = 5 * 60 + 30
"""India is five and a half hours ahead of UTC, all year."""


def minute_up(moment: datetime) -> int:
    """The first whole minute that is not before ``moment`` (timezone-aware)."""
    since = moment - EPOCH
    minute = since.days * DAY + since.seconds // 60
    return minute + 1 if since.seconds % 60 or since.microseconds else minute


def minute_down(moment: datetime) -> int:
    """The last whole minute that is not after ``moment`` (timezone-aware)."""
    since = moment - EPOCH
    return since.days * DAY + since.seconds // 60


def moment_of(minute: int) -> datetime:
    """The moment of a minute, in UTC."""
    return EPOCH + timedelta(minutes=minute)


def ist_day(minute: int) -> int:
    """The ordinal of the day in India on which a minute falls."""
    return EPOCH_ORDINAL + (minute + IST_OFFSET) // DAY


def start_of_day(ordinal: int) -> int:
    """The minute at which the day with that ordinal begins in India."""
    return (ordinal - EPOCH_ORDINAL) * DAY - IST_OFFSET
