"""Records of people: who vouches for what, since when, until when, and on which files.

They are committed below ``compliance/records/ENV``, one TOML file each. A record that is late, malformed or
altered counts for nothing, and says so.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, StrictInt, ValidationError

from checks.checklist.catalogue import RecordKind
from checks.checklist.model import Evidence, Level, ProofResult, Sha256, Status
from checks.checklist.wording import counted, line
from checks.toolchain import REPOSITORY

FOLDER: Final = Path("compliance") / "records"


class AttestedFile(BaseModel):
    """A file that the record rests on, by its path in the repository."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    sha256: Sha256


class Attestation(BaseModel):
    """What a person writes down.

    ``every_days`` is how often it must be said again: the record goes stale by it before ``valid_until``.
    ``assembly_sha256`` binds it to one assembly. ``figures`` are whole numbers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    record: str
    role: str
    who: str = Field(min_length=3)
    on: date
    valid_until: date
    statement: str = Field(min_length=20, max_length=2_000)
    every_days: int | None = Field(default=None, ge=1)
    assembly_sha256: Sha256 | None = None
    file: tuple[AttestedFile, ...] = ()
    figures: dict[str, StrictInt] = Field(default={})


@dataclass(frozen=True, slots=True)
class Held:
    """A record's file as it was found: what it says, or what is wrong with it."""

    path: str
    attestation: Attestation | None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Records:
    """Every record of an environment."""

    held: tuple[Held, ...]
    repository: Path

    def strays(self, known: Mapping[str, RecordKind]) -> tuple[str, ...]:
        """Files that are records of nothing: unreadable, or of an unknown kind."""
        found = []
        for each in self.held:
            if each.attestation is None:
                found.append(f"{each.path}: {each.problem}")
            elif each.attestation.record not in known:
                found.append(f"{each.path}: there is no record {each.attestation.record!r}")
        return tuple(found)


def read(environment: str, *, repository: Path = REPOSITORY) -> Records:
    """The records of ``environment``, in the order of their files."""
    folder = repository / FOLDER / environment
    return Records(tuple(_held(path, repository) for path in sorted(folder.glob("*.toml"))), repository)


def _held(path: Path, repository: Path) -> Held:
    name = path.relative_to(repository).as_posix()
    try:
        return Held(name, Attestation.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))))
    except ValidationError as error:
        wrong = sorted({".".join(str(part) for part in each["loc"]) for each in error.errors()})
        return Held(name, None, f"malformed: {', '.join(wrong)}")
    except (OSError, RecursionError, UnicodeDecodeError, tomllib.TOMLDecodeError):
        return Held(name, None, "no TOML")


def prove(
    name: str, kind: RecordKind, records: Records, *, environment: str, assembly_sha256: str, today: date
) -> tuple[ProofResult, tuple[Evidence, ...]]:
    """The proof ``record:name``, with the files that it rests on."""
    own = [
        (each, each.attestation)
        for each in records.held
        if each.attestation is not None and each.attestation.record == name
    ]
    broken = [each for each in records.held if each.attestation is None and Path(each.path).stem == name]
    folder = (FOLDER / environment).as_posix()
    if kind.signed:
        remedy = f"When the report is ready, sign it: `hasivu signoff --env {environment}`."
    else:
        remedy = (
            f"Write {folder}/{name}.toml, by {' or '.join(kind.roles)}: {kind.asks} "
            f"`hasivu evidence template {name}` begins it."
        )
    if broken and not own:
        return _proof(name, kind, Status.ERROR, f"{broken[0].path} is {broken[0].problem}", remedy), ()
    if not own:
        return _proof(name, kind, Status.MANUAL_PENDING, "nobody has vouched for it yet", remedy), ()
    if kind.signed:
        return _proof(
            name, kind, Status.ERROR, f"{own[0][0].path} is no signature over the report", remedy
        ), ()
    held, attestation = max(own, key=lambda each: (each[1].on, each[1].valid_until, each[0].path))
    status, observed = _judged(kind, attestation, records.repository, assembly_sha256, today)
    evidence = _evidence(held, attestation, kind, records.repository)
    good = status is Status.ATTESTED
    proof = _proof(name, kind, status, observed, "" if good else remedy, looked_at=1, evidence=evidence)
    return proof, evidence


def _judged(
    kind: RecordKind, said: Attestation, repository: Path, assembly_sha256: str, today: date
) -> tuple[Status, str]:
    wrong = _wrong(kind, said, repository, today)
    if wrong is not None:
        return Status.ERROR, wrong
    if today > said.valid_until:
        return Status.MANUAL_PENDING, f"it expired after {said.valid_until.isoformat()}"
    if said.every_days is not None and (today - said.on).days > said.every_days:
        days = counted(said.every_days, "day")
        return Status.MANUAL_PENDING, f"it is stale: of {said.on.isoformat()}, and due every {days}"
    if said.assembly_sha256 is not None and said.assembly_sha256 != assembly_sha256:
        return Status.NOT_EVALUATED, (
            f"it is about the assembly {said.assembly_sha256[:12]}, and this is {assembly_sha256[:12]}"
        )
    short = [
        f"{key} is {said.figures[key]}, not {least}"
        for key, least in kind.least.items()
        if said.figures[key] < least
    ]
    if short:
        return Status.FAILED, "; ".join(short)
    return Status.ATTESTED, (
        f"{said.role} vouched for it on {said.on.isoformat()}, until {said.valid_until.isoformat()}"
    )


def _wrong(kind: RecordKind, said: Attestation, repository: Path, today: date) -> str | None:
    """Why the record is none, whatever the day; None where it is sound."""
    if said.role not in kind.roles:
        return f"the role {said.role!r} may not vouch for it"
    if said.on > today:
        return f"it is dated {said.on.isoformat()}, which is yet to come"
    if not timedelta() <= said.valid_until - said.on <= timedelta(days=kind.valid_days):
        return (
            f"it counts until {said.valid_until.isoformat()}, and may for {counted(kind.valid_days, 'day')}"
        )
    if len(said.file) < kind.files_min:
        return f"it rests on {counted(len(said.file), 'file')}, and needs {kind.files_min}"
    missing = sorted(set(kind.least) - set(said.figures))
    if missing:
        return f"it does not tell {', '.join(missing)}"
    for file in said.file:
        content = _content(file.path, repository)
        if content is None:
            return f"its file {Path(file.path).name} is missing"
        if hashlib.sha256(content).hexdigest() != file.sha256:
            return f"its file {file.path} was altered"
    return None


def _content(path: str, repository: Path) -> bytes | None:
    """What is in the file; None where there is none that can be read, or it is outside of the repository."""
    try:
        place = (repository / path).resolve()
        inside = place.is_relative_to(repository.resolve()) and place.is_file()
        return place.read_bytes() if inside else None
    except (OSError, RuntimeError, ValueError):
        return None


def _evidence(held: Held, said: Attestation, kind: RecordKind, repository: Path) -> tuple[Evidence, ...]:
    collected_at = datetime.combine(said.on, time(), UTC)
    found = []
    for path in (held.path, *(file.path for file in said.file)):
        content = _content(path, repository)
        if content is None:
            continue
        found.append(
            Evidence(
                path=path,
                sha256=hashlib.sha256(content).hexdigest(),
                size=len(content),
                kind="record",
                collected_at=collected_at,
                tool="person",
                proves=line(kind.title),
                valid_until=said.valid_until,
            )
        )
    return tuple(found)


def _proof(
    name: str,
    kind: RecordKind,
    status: Status,
    observed: str,
    remedy: str,
    *,
    looked_at: int = 0,
    evidence: Sequence[Evidence] = (),
) -> ProofResult:
    return ProofResult(
        proof_id=f"record:{name}",
        level=Level.PERSON,
        title=line(kind.title),
        status=status,
        expected=line(kind.asks),
        observed=line(observed),
        looked_at=looked_at,
        evidence=tuple(each.path for each in evidence),
        remedy=line(remedy),
    )


def template(name: str, kind: RecordKind, *, today: date) -> str:
    """The beginning of a record, to be filled in by whoever vouches for it."""
    until = today + timedelta(days=kind.valid_days)
    lines = [
        f"# {kind.title}. {kind.asks}",
        f'record = "{name}"',
        f'role = "{kind.roles[0]}"' + (f" # or {', '.join(kind.roles[1:])}" if kind.roles[1:] else ""),
        'who = ""',
        f"on = {today.isoformat()}",
        f"valid_until = {until.isoformat()} # at most {kind.valid_days} days",
        'statement = ""',
    ]
    if kind.least:
        lines.append("\n[figures]")
        lines += [f"{key} = 0 # at least {least}" for key, least in kind.least.items()]
    lines += ['\n[[file]]\npath = ""\nsha256 = ""'] * kind.files_min
    return "\n".join(lines) + "\n"
