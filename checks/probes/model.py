"""What a probe is, and what one look at one fact of one resource gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from checks.checklist.model import Subject
from checks.probes.account import Account
from checks.probes.running import Live

UNSAID: Final = object()
"""Where the template is silent there is nothing to compare."""

ABSENT: Final = None
"""What a reader gives where AWS says that there is no such configuration."""


@dataclass(frozen=True, kw_only=True)
class Probe:
    """A question about the running environment. ``name`` is the id without ``probe:``."""

    name: str
    title: str
    remedy: str
    controls: tuple[str, ...] = ()

    @property
    def proof_id(self) -> str:
        return f"probe:{self.name}"


class NotTold(Exception):
    """It could not be judged, and that is no fault of the account's: too little data, or somebody else has to
    look. Its text says why."""


class NothingThere(Exception):
    """The resource has nothing to look at, which speaks neither for nor against it. Its text says what."""


Read = Callable[[Account, Live], Any]
"""One fact of a running resource, in CloudFormation's shape; ABSENT where there is none."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A property of a template and how the running one is read back: the comparison's table is made of these.

    ``path`` is dotted. ``unsaid`` is what AWS makes of a template that is silent: UNSAID leaves it out.
    ``exact``: what runs may not say more than the template. ``shown``: whether values may be printed.
    """

    kind: str
    path: str
    probe: Probe
    read: Read
    unsaid: Any = UNSAID
    shape: Callable[[Any], Any] = lambda value: value
    """From the template's value to the API's, where the API says it in other words."""
    normal: Callable[[Any], Any] = lambda value: value
    """What makes both sides comparable."""
    exact: bool = False
    shown: bool = True
    where: Callable[[Live], bool] = lambda live: True


@dataclass(frozen=True, kw_only=True)
class Fact:
    """Something that must hold of a running resource beyond its template: an expiry date, a confirmation.

    ``wrong`` gives what is wrong, in a line without secrets; None where all is well.
    """

    kind: str
    name: str
    probe: Probe
    wrong: Callable[[Account, Live], str | None]
    where: Callable[[Live], bool] = lambda live: True


class Look(StrEnum):
    """How one look ended."""

    AGREES = "agrees"
    DIFFERS = "differs"
    GAP = "gap"
    """The emulator does not have it; its name and reason are known."""
    UNKNOWN = "unknown"
    """It could not be told: what the template refers to is not known, or somebody else has to look."""
    NOTHING = "nothing"
    """There is nothing to look at, which speaks neither for nor against."""
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """One look at one fact of one resource."""

    probe: Probe
    look: Look
    subject: Subject
    fact: str
    said: str = ""
    """What differs, is missing or went wrong."""
