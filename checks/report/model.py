"""What a report is made from: the results, and what may be told beside them. Nothing here reads a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final, Literal

from pydantic import ConfigDict, Field

from checks.checklist.model import Frozen, Line, Moment, ProofResult, Results, Sha256, Status
from checks.report.settled import settle

RELEASE_SCHEMA: Final = "hasivu.release/1"
RUN_SCHEMA: Final = "hasivu.run/1"


class SignOffState(StrEnum):
    """How the decision of one role stands."""

    APPROVED = "approved"
    """It approves, and counts."""
    MISSING = "missing"
    """The role has not signed."""
    REJECTED = "rejected"
    CONDITIONS_OPEN = "conditions-open"
    """It approves when something is done that is not done yet."""
    VOID = "void"
    """It was made over something else, by the wrong person, too long ago, or its file was altered."""
    GONE = "gone"
    """The go-live names it, and it is not at hand."""


class SignOff(Frozen):
    """One role's decision, by whom, and why it does not count where it does not."""

    role: str
    """The checklist's words for it."""
    required: bool
    state: SignOffState
    decision: str = ""
    """``approve``, ``approve-with-conditions`` or ``reject``, as it was signed; empty where nobody signed."""
    name: str = ""
    """Who signed, as the committed list of signers names the person."""
    signed_at: Moment | None = None
    valid_until: Moment | None = None
    ticket: Line = ""
    conditions: tuple[Line, ...] = ()
    reasons: tuple[Line, ...] = ()


class RollbackState(StrEnum):
    """Where the rollback window stands."""

    OPEN = "open"
    CLOSED = "closed"
    """The success criteria were met and signed."""
    ROLLED_BACK = "rolled-back"
    ROLLING_BACK = "rolling-back"
    """A rollback began and has not ended."""
    OVERDUE = "overdue"
    """Its deadline went by with neither."""


NEEDS_SOMEBODY: Final = frozenset({RollbackState.OVERDUE, RollbackState.ROLLING_BACK})


class Moved(Frozen):
    """One function's versions; ``previous`` is None where the deployment brought the function."""

    function: str
    previous: str | None
    next: str


class Rollback(Frozen):
    """The window in which the last deployment can be taken back."""

    deployment_id: str
    assembly_sha256: Sha256
    previous_assembly_sha256: Sha256 | None = None
    deployed_at: Moment
    deadline: Moment
    """The last moment that still counts."""
    state: RollbackState
    command: str
    """What takes it back."""
    functions: tuple[Moved, ...] = ()
    removed: tuple[str, ...] = ()
    """Functions that the deployment took away, which the command does not bring back."""
    owner: str = ""
    """Who watches it."""
    deployer: str = ""
    """Who deployed, where the committed list of signers knows them."""
    ticket: Line = ""
    ended_at: Moment | None = None
    ended_by: str = ""
    ended_how: Line = ""
    """By which criteria it was closed, or why it was closed late or rolled back."""


class Release(Frozen):
    """What is known of the release that the results are about: decisions, window, and what speaks against it.

    Made from verified records only, and judged at one moment.
    """

    schema_: Literal["hasivu.release/1"] = Field(default=RELEASE_SCHEMA, alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    judged_at: Moment
    deployment_id: str = ""
    """The deployment that the decisions are about; empty where the gate has let none through yet."""
    sign_offs: tuple[SignOff, ...] = ()
    rollback: Rollback | None = None
    """Of the deployment that is live."""
    against: tuple[Line, ...] = ()
    """Why it may not go live, or not stay, beside what the checks say."""
    proofs: tuple[ProofResult, ...] = ()
    """The same as the checklist's proofs ``record:signoff-ROLE`` and ``run:rollback-window``."""
    people: tuple[str, ...] = ()
    """Who is named in it: signers, as the committed list names them, and nobody else."""

    @property
    def left(self) -> timedelta | None:
        """What is left of the window at ``judged_at``; negative after the deadline, None once it ended."""
        if self.rollback is None or self.rollback.ended_at is not None:
            return None
        return self.rollback.deadline - self.judged_at


class Run(Frozen):
    """One line of the history: how one run of the checks ended."""

    schema_: Literal["hasivu.run/1"] = Field(default=RUN_SCHEMA, alias="schema")
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    at: Moment
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


@dataclass(frozen=True)
class Report:
    """All that the writers know. They show :attr:`settled`; ``results`` are what was signed."""

    results: Results
    previous: Results | None = None
    release: Release | None = None
    history: tuple[Run, ...] = ()
    """Runs of this environment up to this one, oldest first, this one included."""
    history_unread: int = 0
    """Lines of the history that could not be read."""

    @cached_property
    def settled(self) -> Results:
        """The results with the release's proofs in them; the results themselves where no release is told."""
        return self.results if self.release is None else settle(self.results, self.release)
