"""What a comparison finds: changes of resources, and the findings a reviewer must not miss."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Risk(StrEnum):
    """Why somebody should look twice."""

    DESTRUCTIVE = "destructive"
    """Something is deleted, orphaned or replaced, or can only be noticed too late."""
    BROADENING = "broadening"
    """Somebody may do more than before, or a protection becomes weaker."""


class Effect(StrEnum):
    """What CloudFormation would do to a resource."""

    REMOVED = "removed"
    REPLACED = "replaced"
    MAY_BE_REPLACED = "may be replaced"
    MOVED = "moved"
    ADDED = "added"
    UPDATED = "updated"
    PUBLISHED = "published anew"
    """A snapshot that is made anew by design: a function's version, a layer, an API deployment."""
    CODE = "code"


@dataclass(frozen=True, kw_only=True)
class PropertyChange:
    """One property's value on both sides as text; None where it is absent."""

    path: str
    before: str | None
    after: str | None
    replaces: bool = False


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """What happens to one resource; `name` is its construct path without the stack."""

    stack: str
    logical_id: str
    name: str
    resource_type: str
    effect: Effect
    stateful: bool
    properties: tuple[PropertyChange, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Something that a reviewer must see.

    `kind` is stable and lower-case (`key-type`); `what` says what changes, `consequence` what that does
    to data or access, `remedy` how to get there safely. `loses_data` marks what cannot be undone.
    """

    risk: Risk
    kind: str
    stack: str
    subject: str
    what: str
    consequence: str = ""
    remedy: str = ""
    loses_data: bool = False


@dataclass(frozen=True, kw_only=True)
class EnvironmentDiff:
    """Everything that differs in the environments named, which differ alike."""

    environments: tuple[str, ...]
    changes: tuple[ResourceChange, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()
    """Changes that are no resource's: outputs, stacks added, descriptions."""

    @property
    def is_empty(self) -> bool:
        return not (self.changes or self.findings or self.notes)

    def of(self, risk: Risk) -> tuple[Finding, ...]:
        """The findings of one risk, the irreversible ones first."""
        found = [finding for finding in self.findings if finding.risk is risk]
        return tuple(sorted(found, key=lambda f: (not f.loses_data, f.stack, f.subject, f.kind, f.what)))


@dataclass(frozen=True, kw_only=True)
class Report:
    """The whole comparison: `base` is the commit compared with, shortened; `head` says what with it."""

    base: str
    head: str
    diffs: tuple[EnvironmentDiff, ...]

    @property
    def has_changes(self) -> bool:
        return any(not diff.is_empty for diff in self.diffs)

    def has(self, risk: Risk) -> bool:
        return any(diff.of(risk) for diff in self.diffs)
