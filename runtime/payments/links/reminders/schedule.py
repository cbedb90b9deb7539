"""The days on which a payer can be reminded: pure rules."""

from collections.abc import Iterator
from datetime import date, timedelta

from runtime.payments.links.reminders.contracts import ReminderSchedule
from runtime.payments.links.reminders.policy import ReminderPolicy
from runtime.platform.errors import LINK_TERMS_INVALID, FieldError, Problem


def days_of(
    asked: ReminderSchedule | None, policy: ReminderPolicy, *, made_on: date, today: date, last: date
) -> tuple[str, ...]:
    """The days of a schedule, each once and in order, for a link that was made on a day and ends with the day
    ``last``. None asks for the policy's own, of which those that are past or too late are left out.

    Raises Problem ``payment-link-terms-invalid`` for a day that is not one after today and up to the last,
    and for too many.
    """
    if asked is None:
        wanted = ReminderSchedule(
            after_days=list(policy.default_after_days), before_end_days=list(policy.default_before_end_days)
        )
        return _in_order(day for _, day in _named(wanted, made_on, last) if day and today < day <= last)
    named = list(_named(asked, made_on, last))
    errors = [
        FieldError(f"/reminders/{pointer}", "a day after today, up to the last on which it can be paid")
        for pointer, day in named
        if day is None or not today < day <= last
    ]
    days = _in_order(day for _, day in named if day is not None)
    if len(days) > policy.planned_days_max:
        errors.append(FieldError("/reminders", f"at most {policy.planned_days_max} days"))
    if errors:
        raise Problem(LINK_TERMS_INVALID, "Nobody is reminded on such days.", errors=errors)
    return days


def _named(asked: ReminderSchedule, made_on: date, last: date) -> Iterator[tuple[str, date | None]]:
    """Each day with the pointer to where it is named; None for what is no day."""
    for index, count in enumerate(asked.after_days):
        yield f"after_days/{index}", made_on + timedelta(days=count)
    for index, count in enumerate(asked.before_end_days):
        yield f"before_end_days/{index}", last - timedelta(days=count)
    for index, text in enumerate(asked.on):
        yield f"on/{index}", _day(text)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _in_order(days: Iterator[date]) -> tuple[str, ...]:
    return tuple(sorted({day.isoformat() for day in days}))
