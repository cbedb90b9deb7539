"""How long exceptions have been open, in working days of Indian banks."""

from datetime import date
from enum import StrEnum
from typing import Final

from runtime.payments.reconciliation.exception_model import ReconciliationException
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.platform.clock import business_date, from_iso


class AgeBucket(StrEnum):
    """How long an exception has been open, in working days."""

    UP_TO_1 = "0-1"
    UP_TO_3 = "2-3"
    UP_TO_7 = "4-7"
    UP_TO_30 = "8-30"
    OLDER = ">30"


_BUCKETS: Final = (
    (1, AgeBucket.UP_TO_1),
    (3, AgeBucket.UP_TO_3),
    (7, AgeBucket.UP_TO_7),
    (30, AgeBucket.UP_TO_30),
)


def age_days(exception: ReconciliationException, today: date, days: WorkingDays) -> int:
    """Working days from the day it was opened (in India) to the day it was resolved, or ``today``."""
    opened_on = business_date(from_iso(exception.opened_at))
    if exception.resolved_at is not None:
        today = min(today, business_date(from_iso(exception.resolved_at)))
    return days.between(opened_on, today)


def age_bucket(exception: ReconciliationException, today: date, days: WorkingDays) -> AgeBucket:
    """The bucket of its age."""
    age = age_days(exception, today, days)
    return next((bucket for most, bucket in _BUCKETS if age <= most), AgeBucket.OLDER)
