"""When, how often and how late payers are reminded: dated data (``policy.toml``)."""

import tomllib
from collections.abc import Sequence
from datetime import date, datetime, time
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from runtime.payments.model import Frozen
from runtime.platform.clock import IST, business_date

_Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_Days = Annotated[int, Field(ge=0, le=179)]


class ReminderPolicy(Frozen):
    """A policy from its first day to its last, both included; ``source`` is where it comes from.

    Reminders are decided on from ``sent_from`` to ``decided_until`` and may leave until ``sent_until``, both
    excluded, on every day of the week.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str = Field(min_length=10)
    valid_from: date
    valid_until: date | None = None
    sent_from: _Clock
    decided_until: _Clock
    sent_until: _Clock
    spread_minutes: int = Field(ge=1, le=600)
    planned_days_max: int = Field(ge=1, le=10)
    reminders_max: int = Field(ge=1, le=20)
    default_after_days: tuple[_Days, ...] = Field(max_length=5)
    default_before_end_days: tuple[_Days, ...] = Field(max_length=5)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.sent_from < self.decided_until <= self.sent_until:
            raise ValueError("a day begins before the last decision, and that comes before the day's end")
        if self.spread_minutes > _minutes(self.decided_until) - _minutes(self.sent_from):
            raise ValueError("reminders are spread within the hours in which they are decided on")
        return self

    def begins(self, day: date) -> datetime:
        """From when on reminders leave on ``day``."""
        return datetime.combine(day, time.fromisoformat(self.sent_from), IST)

    def may_decide(self, at: datetime) -> bool:
        """Whether a reminder may be decided on at a moment."""
        return self.sent_from <= _time_in_india(at) < self.decided_until

    def may_send(self, at: datetime) -> bool:
        """Whether a reminder may leave at a moment."""
        return self.sent_from <= _time_in_india(at) < self.sent_until


def policy_on(day: date) -> ReminderPolicy:
    """The policy of a day in India; before the first one, the first one."""
    return holding_on(_policies(), day)


def policy_at(moment: datetime) -> ReminderPolicy:
    """The policy of the day in India on which a moment falls."""
    return policy_on(business_date(moment))


def holding_on(policies: Sequence[ReminderPolicy], day: date) -> ReminderPolicy:
    """Of ``policies``, in the order of their first days, the one that holds on ``day``."""
    return next((each for each in reversed(policies) if each.valid_from <= day), policies[0])


def read_policies(text: str) -> tuple[ReminderPolicy, ...]:
    """The policies of a file, in the order of their first days. Raises ValueError for one that is malformed,
    for two that hold on the same day, and for days between two on which none does."""
    policies = tuple(
        sorted(
            (ReminderPolicy.model_validate(each) for each in tomllib.loads(text)["policies"]),
            key=lambda policy: policy.valid_from,
        )
    )
    for earlier, later in pairwise(policies):
        if earlier.valid_until is None or (later.valid_from - earlier.valid_until).days != 1:
            raise ValueError("each policy begins on the day after the one before has ended")
    if not policies or policies[-1].valid_until is not None:
        raise ValueError("one policy holds until further notice")
    return policies


@cache
def _policies() -> tuple[ReminderPolicy, ...]:
    return read_policies(files(__package__).joinpath("policy.toml").read_text(encoding="utf-8"))


def _time_in_india(at: datetime) -> str:
    return at.astimezone(IST).strftime("%H:%M")


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)
