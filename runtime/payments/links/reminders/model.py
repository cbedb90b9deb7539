"""The reminders of a payment link: the days on which its payer is to be reminded, and what was made of
them."""

from enum import StrEnum

from runtime.payments.model import Frozen

REMINDER_DUE = "LinkReminderDue"
"""The event that the payer is to be reminded of a link. Who tells it asks first whether it still stands."""


class Occasion(StrEnum):
    """Why a reminder was made."""

    PLANNED = "planned"
    BY_HAND = "by_hand"


class Reminder(Frozen):
    """A reminder that was decided on, which is not yet one that was sent: number 1 is the link's first.

    ``on`` is the day in India, ``decided_at`` RFC 3339, ``due_paise`` what was still due then.
    """

    number: int
    occasion: Occasion
    on: str
    decided_at: str
    due_paise: int


class Reminders(Frozen):
    """``days`` are those of the schedule, in India and in order. ``made`` has at most one reminder of a day,
    in order; a day up to the last of them is done with. ``is_over``: the link ended before its next day was
    looked at."""

    days: tuple[str, ...] = ()
    made: tuple[Reminder, ...] = ()
    is_over: bool = False

    @property
    def made_through(self) -> str:
        """The day of the last reminder; empty while there is none, and so before every day."""
        return self.made[-1].on if self.made else ""


class Outcome(Frozen):
    """What became of a reminder, in the words of whoever sends messages; ``code`` says why it was not sent,
    ``at`` is RFC 3339."""

    state: str
    channel: str | None = None
    code: str | None = None
    at: str | None = None
