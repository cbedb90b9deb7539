"""The record of a run: what ran, over which sources, when, how it ended, and the files that it left.

A run writes its own record when it is over. What it was a run of is its sources' digest, not its word for it:
a record of other sources proves nothing about these, and a file that is not as it was written is an error.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from checks import git
from checks.checklist.model import Evidence, Line, Moment, Sha256, Status, utc
from checks.errors import ExitCode, HasivuError
from checks.toolchain import REPOSITORY

SCHEMA: Final = "hasivu.run/1"
FOLDER: Final = Path("build") / "evidence"
AGE_MAX: Final = timedelta(days=30)
"""After so long a run is stale, even of the same sources: what it ran against has moved on."""

AHEAD_MAX: Final = timedelta(minutes=5)


class RunFile(BaseModel):
    """A file that the run left, by its path in the repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: Sha256
    size: int


class RunRecord(BaseModel):
    """What a run says of itself. ``whole`` is whether it ran all of its kind, and not a selection."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    schema_: Literal["hasivu.run/1"] = Field(default=SCHEMA, alias="schema")
    kind: str = Field(pattern=r"^[a-z]+(-[a-z]+)*$")
    environment: str
    """Where it ran; ``local`` for what needs none."""
    commit: str
    source_sha256: Sha256
    began_at: Moment
    ended_at: Moment
    tool: str
    tool_version: str
    outcome: Literal["passed", "failed"]
    whole: bool
    files: tuple[RunFile, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """A record as it was found: ``record`` where it counts; else why not, and what to do about it."""

    record: RunRecord | None
    status: Status
    reason: Line
    evidence: tuple[Evidence, ...] = ()


def record(
    kind: str,
    *,
    environment: str = "local",
    source_sha256: str,
    began_at: datetime,
    ended_at: datetime,
    tool: str,
    tool_version: str,
    passed: bool,
    files: Sequence[Path],
    whole: bool = True,
    repository: Path = REPOSITORY,
) -> Path:
    """Write down a run that is over; ``files`` are what it left, below ``repository``.

    Error: ``EVIDENCE_MISSING`` where one of them is not there.
    """
    kept = []
    for path in files:
        if not path.is_file():
            raise HasivuError(
                "EVIDENCE_MISSING",
                f"The run of {kind} left no {path.name}.",
                next_step="see why it ended early, and run it again",
                exit_code=ExitCode.CHECK_FAILED,
            )
        content = path.read_bytes()
        kept.append(
            RunFile(
                path=path.resolve().relative_to(repository.resolve()).as_posix(),
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
            )
        )
    written = RunRecord(
        kind=kind,
        environment=environment,
        commit=commit_of(repository),
        source_sha256=source_sha256,
        began_at=began_at,
        ended_at=ended_at,
        tool=tool,
        tool_version=tool_version,
        outcome="passed" if passed else "failed",
        whole=whole,
        files=tuple(kept),
    )
    place = place_of(kind, environment, repository=repository)
    place.parent.mkdir(parents=True, exist_ok=True)
    staged = place.with_suffix(".partial")
    staged.write_text(written.model_dump_json(indent=2, by_alias=True) + "\n", encoding="utf-8")
    staged.replace(place)
    return place


def place_of(kind: str, environment: str, *, repository: Path = REPOSITORY) -> Path:
    """Where the last record of that kind and environment is."""
    name = kind if environment == "local" else f"{kind}-{environment}"
    return repository / FOLDER / f"{name}.json"


def look(
    kind: str,
    *,
    environment: str = "local",
    source_sha256: str,
    now: datetime,
    repository: Path = REPOSITORY,
) -> Seen:
    """The last record of that kind, if it counts for these sources at ``now``."""
    place = place_of(kind, environment, repository=repository)
    where = "" if environment == "local" else f" in {environment}"
    if not place.is_file():
        return Seen(None, Status.NOT_EVALUATED, f"no run of {kind}{where} is recorded")
    try:
        found = RunRecord.model_validate_json(place.read_bytes())
    except (OSError, ValidationError):
        return Seen(None, Status.ERROR, f"the record of {kind}{where} cannot be read")
    if (found.kind, found.environment) != (kind, environment):
        return Seen(None, Status.ERROR, f"the record of {kind}{where} is one of {found.kind}")
    altered = _altered(found, repository)
    if altered is not None:
        return Seen(None, Status.ERROR, altered)
    return _counting(found, source_sha256, now, repository)


def _altered(found: RunRecord, repository: Path) -> str | None:
    """Which file is not as the run left it."""
    for file in found.files:
        path = repository / file.path
        if not path.resolve().is_relative_to(repository.resolve()):
            return f"the record of {found.kind} names a file outside the repository"
        if not path.is_file():
            return f"{file.path} of the run of {utc(found.ended_at)} is missing"
        if hashlib.sha256(path.read_bytes()).hexdigest() != file.sha256:
            return f"{file.path} was altered after the run of {utc(found.ended_at)}"
    return None


def _counting(found: RunRecord, source_sha256: str, now: datetime, repository: Path) -> Seen:
    when = utc(found.ended_at)
    if found.ended_at > now + AHEAD_MAX or found.began_at > found.ended_at:
        return Seen(None, Status.ERROR, f"the run of {when} ends before it begins, or in the future")
    if found.source_sha256 != source_sha256:
        return Seen(
            None,
            Status.NOT_EVALUATED,
            f"the run of {when} was of other sources: {found.source_sha256[:12]} at {found.commit[:12]}, "
            f"and these are {source_sha256[:12]}",
        )
    if now - found.ended_at > AGE_MAX:
        return Seen(None, Status.NOT_EVALUATED, f"the run of {when} is older than {AGE_MAX.days} days")
    return Seen(found, Status.PASSED, f"run of {when}", _evidence(found, repository))


def _evidence(found: RunRecord, repository: Path) -> tuple[Evidence, ...]:
    place = place_of(found.kind, found.environment, repository=repository)
    own = place.read_bytes()
    files = (
        RunFile(
            path=place.relative_to(repository).as_posix(),
            sha256=hashlib.sha256(own).hexdigest(),
            size=len(own),
        ),
        *found.files,
    )
    return tuple(
        Evidence(
            path=file.path,
            sha256=file.sha256,
            size=file.size,
            kind=found.kind,
            collected_at=found.ended_at,
            tool=found.tool,
            tool_version=found.tool_version,
            proves=f"run of {found.kind}, {found.outcome}",
            valid_until=(found.ended_at + AGE_MAX).date(),
        )
        for file in files
    )


def commit_of(repository: Path = REPOSITORY) -> str:
    """The commit, with ``+changes`` where the working tree differs from it; ``unknown`` without git."""
    head = git.said("rev-parse", "HEAD", repository=repository)
    if head is None:
        return "unknown"
    changed = git.said("status", "--porcelain", repository=repository)
    return head if changed == "" else f"{head}+changes"
