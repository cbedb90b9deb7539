"""What a report is made from: the results, and what may be told beside them. Nothing here reads a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta, timezone
from enum import StrEnum
from typing import Final, Literal

from pydantic import AwareDatetime, ConfigDict, Field

from checks.checklist.model import Frozen, Line, Results, Sha256, Status

INDIA: Final = timezone(timedelta(hours=5, minutes=30), "IST")
"""India has one time and does not change its clocks."""

RELEASE_SCHEMA: Final = "hasivu.release/1"
RUN_SCHEMA: Final = "hasivu.run/1"


class SignatureState(StrEnum):
    """What is left of a signature when it is looked at."""

    VALID = "valid"
    INVALID = "invalid"
    """It is not of this document, or not by a key that may sign for the role."""
    EXPIRED = "expired"
    """It was made too long ago, or its key no longer counts."""
    VOID = "void"
    """It was made over another assembly, other waivers, another catalogue or another report."""
    UNCHECKED = "unchecked"
    """Nobody verified it."""
    MISSING = "missing"
    """The role has not signed."""


class Decision(StrEnum):
    """What a role says."""

    APPROVE = "approve"
    APPROVE_WITH_CONDITIONS = "approve_with_conditions"
    REJECT = "reject"
    PENDING = "pending"


class SignOff(Frozen):
    """One role's sign-off as the report shows it."""

    role: str
    name: str = ""
    """How the person is called there; never an e-mail address."""
    decision: Decision
    conditions: tuple[Line, ...] = ()
    signed_at: AwareDatetime | None = None
    state: SignatureState
    reason: Line = ""
    """Why the signature does not count."""


class RollbackState(StrEnum):
    """Where the rollback window stands."""

    OPEN = "open"
    CLOSED = "closed"
    """The success criteria were met and signed."""
    ROLLED_BACK = "rolled-back"
    OVERDUE = "overdue"
    """Its deadline went by with neither."""


class Rollback(Frozen):
    """The window in which the last deployment can be taken back."""

    deployment_id: str
    deployed_at: AwareDatetime
    deadline: AwareDatetime
    """The last moment that still counts."""
    state: RollbackState
    command: str
    """What takes it back."""
    previous_assembly_sha256: Sha256 | None = None
    owner: str = ""


class Release(Frozen):
    """What the release process adds to a report."""

    schema_: Literal["hasivu.release/1"] = Field(default=RELEASE_SCHEMA, alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    sign_offs: tuple[SignOff, ...] = ()
    rollback: Rollback | None = None


class Run(Frozen):
    """One line of the history: how one run of the checks ended."""

    schema_: Literal["hasivu.run/1"] = Field(default=RUN_SCHEMA, alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    at: AwareDatetime
    commit: str
    environment: str
    results_sha256: Sha256
    catalogue_sha256: Sha256
    go: bool
    counts: dict[Status, int]
    """Of items, by status; only those that occur."""

    @classmethod
    def of(cls, results: Results) -> Run:
        """The line that ``results`` leave in the history."""
        statuses = [item.status for item in results.items]
        return cls(
            at=results.generated_at,
            commit=results.commit,
            environment=results.environment,
            results_sha256=results.sha256,
            catalogue_sha256=results.catalogue_sha256,
            go=results.go,
            counts={status: statuses.count(status) for status in Status if status in statuses},
        )


@dataclass(frozen=True, slots=True)
class Report:
    """All that the writers know."""

    results: Results
    previous: Results | None = None
    release: Release | None = None
    history: tuple[Run, ...] = ()
    """Runs of this environment up to this one, oldest first, this one included."""
    history_unread: int = 0
    """Lines of the history that could not be read."""
