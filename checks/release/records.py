"""What is written down about a deployment: before it, when it is live, and how its rollback window ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

from pydantic import Field, model_validator

from checks.checklist.model import Frozen, Line, Moment, Sha256, Status
from checks.release.documents import Record

ROLLBACK_WINDOW: Final = timedelta(hours=24)
"""The checklist's «Rollback Deadline: 24 hours post-deployment». The deadline itself is still in time."""


class AliasVersion(Frozen):
    """Which version of a function its alias ``live`` leads to."""

    version: str = Field(pattern=r"^[0-9]+$")
    code_sha256: str
    """As Lambda says it: Base64."""


class FunctionVersions(Frozen):
    """One function before and after. ``previous`` is None where the deployment brought the function."""

    function: str
    previous: AliasVersion | None
    next: AliasVersion


class Drill(Record):
    """A rehearsal of the rollback: every function's alias moved on, and moved back by the command."""

    schema_: Literal["hasivu.rollback-drill/1"] = Field(default="hasivu.rollback-drill/1", alias="schema")

    environment: str
    emulator: bool
    at: Moment
    by: str
    commit: str
    functions: tuple[str, ...] = Field(min_length=1)
    seconds: int = Field(ge=0)
    """From the first call to the last alias seen back, rounded up."""
    interrupted: bool
    """Whether it was cut off half-way and resumed on purpose."""


class DrillEvidence(Frozen):
    """The rehearsal that a go-live rests on."""

    sha256: Sha256
    environment: str
    at: Moment
    seconds: int = Field(ge=0)
    functions: int = Field(ge=1)


class Prepared(Record):
    """What was running before a deployment that may go ahead. Written by the gate, not signed."""

    schema_: Literal["hasivu.release-prepared/1"] = Field(default="hasivu.release-prepared/1", alias="schema")

    environment: str
    deployment_id: str
    sequence: int = Field(ge=1)
    prepared_at: Moment
    commit: str
    results_sha256: Sha256
    assembly_sha256: Sha256
    waivers_sha256: Sha256
    catalogue_sha256: Sha256
    signoffs: dict[str, Sha256]
    """The decision of each role that the gate counted."""
    deployer: str
    previous_assembly_sha256: Sha256 | None
    previous: dict[str, AliasVersion]
    """By function, as they were before the first attempt of this deployment."""
    drill: DrillEvidence | None


class GoLive(Record):
    """A deployment is live, and its rollback window is open."""

    schema_: Literal["hasivu.go-live/1"] = Field(default="hasivu.go-live/1", alias="schema")

    environment: str
    deployment_id: str
    sequence: int = Field(ge=1)
    previous_record_sha256: Sha256 | None
    """Of the go-live before this one: the records are a chain."""
    previous_outcome_sha256: Sha256 | None
    """Of the record that ended the window before this one: closed, or rolled back."""
    prepared_sha256: Sha256
    commit: str
    results_sha256: Sha256
    assembly_sha256: Sha256
    previous_assembly_sha256: Sha256 | None
    waivers_sha256: Sha256
    catalogue_sha256: Sha256
    signoffs: dict[str, Sha256]
    deployed_at: Moment
    rollback_deadline: Moment
    functions: tuple[FunctionVersions, ...] = Field(min_length=1)
    removed: tuple[str, ...]
    """Functions that the deployment took away: moving aliases does not bring them back."""
    rollback_command: Line
    owner: str
    """Who watches the window, and signs this."""
    deployer: str
    ticket: Line
    drill: DrillEvidence | None

    @model_validator(mode="after")
    def _is_whole(self) -> GoLive:
        if self.rollback_deadline != self.deployed_at + ROLLBACK_WINDOW:
            raise ValueError("the rollback deadline is 24 hours after the deployment")
        first = self.sequence == 1
        if first != (self.previous_record_sha256 is None) or first != (self.previous_outcome_sha256 is None):
            raise ValueError("the first record names none before it, every other one does")
        return self


class RollbackBegun(Record):
    """Somebody began to roll back. Written before the first alias is moved, so that a crash is seen."""

    schema_: Literal["hasivu.rollback-begun/1"] = Field(default="hasivu.rollback-begun/1", alias="schema")

    deployment_id: str
    go_live_sha256: Sha256
    at: Moment
    by: str
    reason: Line


class RolledBack(Record):
    """Every alias leads to the version before."""

    schema_: Literal["hasivu.rolled-back/1"] = Field(default="hasivu.rolled-back/1", alias="schema")

    deployment_id: str
    go_live_sha256: Sha256
    begun_sha256: Sha256
    """Of the record that it began."""
    begun_at: Moment
    at: Moment
    seconds: int = Field(ge=0)
    by: str
    reason: Line
    moved: tuple[str, ...]
    """Functions whose alias this run moved; a run before it may have moved others."""
    already_back: tuple[str, ...]
    without_previous: tuple[str, ...]
    """Functions that the deployment brought: there is nothing to go back to, and nobody calls them."""


class Criterion(Frozen):
    """One success criterion of the checklist, as the report says it stands."""

    item_id: str
    status: Status


class Closed(Record):
    """The deployment is a success: its criteria are met, and the way back is closed."""

    schema_: Literal["hasivu.rollback-window-closed/1"] = Field(
        default="hasivu.rollback-window-closed/1", alias="schema"
    )

    deployment_id: str
    go_live_sha256: Sha256
    at: Moment
    by: str
    results_sha256: Sha256
    criteria: tuple[Criterion, ...] = Field(min_length=1)
    late_reason: Line = ""
    """Why it was closed after the deadline; empty where it was not."""
