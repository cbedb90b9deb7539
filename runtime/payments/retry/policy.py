"""What the house chooses within the law: how patient, how often, at which times of the day."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Annotated

from pydantic import ConfigDict, Field

from runtime.payments.model import Frozen

_Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
_Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 31)]
_Score = Annotated[int, Field(ge=-(10**6), le=10**6)]


class LadderPolicy(Frozen):
    """What the static ladder likes. Scores are points; only their differences mean something."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    per_day_later: _Score
    morning_until: _Clock
    morning: _Score
    late_from: _Clock
    late: _Score
    payday: tuple[_Score, ...] = Field(max_length=28)


class Policy(Frozen):
    """`policy.toml` as it is written. Spans are minutes, times of the day are of Asia/Kolkata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tries_max: int = Field(ge=1, le=50)
    bounded_tries_max: int = Field(ge=1, le=50)
    horizon_days: int = Field(ge=1, le=62)
    jitter_minutes: int = Field(ge=0, le=30)
    notice_given_up_minutes: _Minutes
    open_downtime_minutes: _Minutes
    soon_backoff_minutes: tuple[_Minutes, ...] = Field(min_length=1, max_length=10)
    scheduled_backoff_minutes: tuple[_Minutes, ...] = Field(min_length=1, max_length=10)
    poll_after_minutes: tuple[_Minutes, ...] = Field(min_length=1, max_length=10)
    mandate_check_minutes: _Minutes
    slots: tuple[_Clock, ...] = Field(min_length=1, max_length=48)
    ladder: LadderPolicy


@cache
def house_policy() -> Policy:
    """The policy of this release, read once."""
    text = files(__package__).joinpath("policy.toml").read_text(encoding="utf-8")
    return Policy.model_validate(tomllib.loads(text))
