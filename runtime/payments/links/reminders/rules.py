"""When the payer of a link is reminded, and whether it still stands: pure rules.

A reminder is decided on once, in the transaction that writes it into its link; so it does not matter how
often, how late, or by how many at once it is asked whether one is due. Days that were missed are made up for
by one reminder. Whoever sends it asks again whether it still stands.
"""

import zlib
from datetime import date, datetime, timedelta

from runtime.payments.links.model import LinkStatus, PaymentLink
from runtime.payments.links.reminders.model import REMINDER_DUE, Occasion, Reminder
from runtime.payments.links.reminders.policy import policy_at, policy_on
from runtime.payments.links.rules import link_status, link_status_at
from runtime.platform.clock import business_date, iso

PAYABLE = frozenset({LinkStatus.CREATED, LinkStatus.PARTIALLY_PAID})
"""Only these can be paid, so only of these is anybody reminded."""

NO_SUCH_REMINDER = "no-such-reminder"
NO_PAGE = "no-page"
TOO_LATE = "too-late"
QUIET_HOURS = "quiet-hours"


def next_due(link: PaymentLink) -> datetime | None:
    """When the schedule asks for the next reminder; None where it asks for no more, as the link stands.

    The moment of a day is the link's own, so that those of a school are spread.
    """
    reminders = link.reminders
    if reminders.is_over or link_status(link) not in PAYABLE:
        return None
    named = next((day for day in reminders.days if day > reminders.made_through), None)
    if named is None:
        return None
    day = date.fromisoformat(named)
    policy = policy_on(day)
    if len(reminders.made) >= policy.reminders_max:
        return None
    minute = zlib.crc32(link.link_id.encode()) % policy.spread_minutes
    return policy.begins(day) + timedelta(minutes=minute)


def is_due(link: PaymentLink, now: datetime) -> bool:
    """Whether the schedule asks for a reminder now. One that was missed is asked for at the next hour at
    which anybody may be reminded, once, however many days it stands for."""
    due = next_due(link)
    return (
        due is not None
        and due <= now
        and link_status_at(link, now) in PAYABLE
        and policy_at(now).may_decide(now)
    )


def ended_unasked(link: PaymentLink, now: datetime) -> bool:
    """Whether the link has ended by its own date with a reminder due that nobody looked at in time."""
    due = next_due(link)
    return due is not None and due <= now and link_status_at(link, now) not in PAYABLE


def without_more(link: PaymentLink) -> PaymentLink:
    """The link with no more reminders due."""
    return link.model_copy(update={"reminders": link.reminders.model_copy(update={"is_over": True})})


def with_days(link: PaymentLink, days: tuple[str, ...]) -> PaymentLink:
    """The link with another schedule; the same object when it is the same."""
    if link.reminders.days == days:
        return link
    return link.model_copy(update={"reminders": link.reminders.model_copy(update={"days": days})})


def with_reminder(link: PaymentLink, occasion: Occasion, now: datetime) -> PaymentLink:
    """The link with one more reminder, of today."""
    reminders = link.reminders
    made = Reminder(
        number=len(reminders.made) + 1,
        occasion=occasion,
        on=business_date(now).isoformat(),
        decided_at=iso(now),
        due_paise=link.due_paise,
    )
    return link.model_copy(
        update={"reminders": reminders.model_copy(update={"made": (*reminders.made, made)})}
    )


def reminder_key(link_id: str, number: int) -> str:
    """What a reminder is known by, however often it is told."""
    return f"{REMINDER_DUE}:{link_id}:{number}"


def withheld_for(link: PaymentLink, message_key: str, now: datetime) -> str | None:
    """Why a reminder must not leave now although it was decided on; None where it still stands.

    It is for its day only: what comes later (a queue that stood still, a dead letter sent again) might follow
    the next one at once.
    """
    reminder = next(
        (made for made in link.reminders.made if reminder_key(link.link_id, made.number) == message_key), None
    )
    if reminder is None:
        return NO_SUCH_REMINDER
    status = link_status_at(link, now)
    if status not in PAYABLE:
        return f"link-{status.value}"
    if link.short_url is None:
        return NO_PAGE
    if reminder.on != business_date(now).isoformat():
        return TOO_LATE
    return None if policy_at(now).may_send(now) else QUIET_HOURS
