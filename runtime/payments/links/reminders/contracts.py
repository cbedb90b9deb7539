"""What callers of the payment link API send and get about reminders."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from runtime.payments.links.reminders.model import Occasion
from runtime.platform.api import Contract

DAYS_NAMED_MAX = 10
"""Days that one list may name; how many different ones a link may have, the policy says."""

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
AfterDays = Annotated[int, Field(ge=1, le=179)]
BeforeEndDays = Annotated[int, Field(ge=0, le=179)]


class ReminderSchedule(Contract):
    """The days in India on which the payer is reminded while something is due: all that are named in either
    way. Without any, nobody is reminded by itself. At most five days; on each day once."""

    after_days: list[AfterDays] = Field(
        default=[], max_length=DAYS_NAMED_MAX, description="So many days after the link was made."
    )
    before_end_days: list[BeforeEndDays] = Field(
        default=[],
        max_length=DAYS_NAMED_MAX,
        description="So many days before the last on which it can be paid; 0 is the last itself.",
    )
    on: list[Day] = Field(default=[], max_length=DAYS_NAMED_MAX, description="On these days.")


class ReminderOutcome(StrEnum):
    """How far a reminder has come. ``withheld``: the link was paid or had ended by then, or it was night."""

    WAITING = "waiting"
    WITHHELD = "withheld"
    UNDELIVERABLE = "undeliverable"
    UNKNOWN = "unknown"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


class ReminderView(Contract):
    """A reminder. `outcome`, with the channel and the reason why it was not sent, is told where one link is
    asked for, and for thirteen months."""

    number: int
    occasion: Occasion
    decided_at: str
    due_paise: int
    outcome: ReminderOutcome | None
    channel: str | None
    reason: str | None
    outcome_at: str | None


class RemindersView(Contract):
    """The days of the schedule, when the next reminder is due, and those that were made."""

    days: list[str]
    next_at: str | None
    made: list[ReminderView]
