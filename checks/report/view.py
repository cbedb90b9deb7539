"""What every form of the report shows, counted and ordered once: matrix, waivers, who must act, relations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from checks.checklist.model import (
    WORST_FIRST,
    ControlResult,
    Evidence,
    ItemResult,
    Level,
    ProofResult,
    Results,
    Status,
    Waiver,
    WaiverState,
)
from runtime.platform.clock import business_date

CHECKLIST = "Deployment checklist"
"""The first row of the matrix: the items themselves."""

_BROKEN = frozenset({Status.FAILED, Status.ERROR})
_IN_THE_WAY = frozenset({Status.FAILED, Status.ERROR, Status.NOT_EVALUATED, Status.MANUAL_PENDING})
ORDER = (*WORST_FIRST, Status.NOT_APPLICABLE)


@dataclass(frozen=True, slots=True)
class Cell:
    """Of what asks for one level of proof: how many have it, are broken, or were not looked at."""

    asked: int = 0
    proven: int = 0
    broken: int = 0

    @property
    def unseen(self) -> int:
        """Asked for, neither proven nor seen to be wrong."""
        return self.asked - self.proven - self.broken


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A framework with its cells by level, and how many of its controls are satisfied, of all that apply."""

    framework: str
    cells: Mapping[Level, Cell]
    satisfied: int
    applying: int


@dataclass(frozen=True, slots=True)
class WaiverLine:
    """A waiver and its days left; None where it has no day."""

    waiver: Waiver
    days_left: int | None

    @property
    def counts(self) -> bool:
        """Whether it still waives something."""
        return self.waiver.state in (WaiverState.IN_FORCE, WaiverState.UNUSED)


@dataclass(frozen=True, slots=True)
class EvidenceLine:
    """A file with its age in whole days, and whether its last day has gone by."""

    evidence: Evidence
    age_days: int
    stale: bool


def counts(statuses: Iterable[Status]) -> dict[Status, int]:
    """How often each status occurs, worst first; only those that do."""
    found = list(statuses)
    return {status: found.count(status) for status in ORDER if status in found}


def matrix(results: Results) -> tuple[MatrixRow, ...]:
    """Framework by level of proof, the checklist first. What does not apply is left out."""
    groups: dict[str, list[ItemResult | ControlResult]] = {CHECKLIST: list(results.items)}
    for control in results.controls:
        groups.setdefault(control.framework, []).append(control)
    return tuple(_row(name, members) for name, members in groups.items())


def _row(name: str, members: list[ItemResult | ControlResult]) -> MatrixRow:
    applying = [each for each in members if each.status is not Status.NOT_APPLICABLE]
    cells = {level: _cell(level, applying) for level in Level}
    satisfied = sum(each.status in (Status.PASSED, Status.ATTESTED) for each in applying)
    return MatrixRow(name, cells, satisfied, len(applying))


def _cell(level: Level, members: Iterable[ItemResult | ControlResult]) -> Cell:
    asking = [each for each in members if level in each.required]
    proven = sum(level in each.proven for each in asking)
    broken = sum(level not in each.proven and each.status in _BROKEN for each in asking)
    return Cell(len(asking), proven, broken)


def waivers(results: Results) -> tuple[WaiverLine, ...]:
    """Every waiver, the one that ends first (or ended, or never had a day) first."""
    today = business_date(results.generated_at)
    lines = [WaiverLine(each, _days_left(each.expires, today)) for each in results.waivers]
    return tuple(
        sorted(
            lines, key=lambda line: (line.days_left is not None, line.days_left or 0, line.waiver.waiver_id)
        )
    )


def _days_left(expires: date | None, today: date) -> int | None:
    return None if expires is None else (expires - today).days


def to_do(results: Results) -> dict[str, tuple[ItemResult, ...]]:
    """What waits for a person, by the role that has to act; who has most to do, first."""
    by_owner: dict[str, list[ItemResult]] = defaultdict(list)
    for item in results.items:
        if item.status is Status.MANUAL_PENDING:
            by_owner[item.owner].append(item)
    ordered = sorted(by_owner.items(), key=lambda entry: (-len(entry[1]), entry[0]))
    return {
        owner: tuple(sorted(items, key=lambda item: (not item.blocking, item.number)))
        for owner, items in ordered
    }


def by_section(results: Results) -> dict[tuple[str, ...], tuple[ItemResult, ...]]:
    """The items below the checklist's own headings, in its order."""
    sections: dict[tuple[str, ...], list[ItemResult]] = {}
    for item in sorted(results.items, key=lambda item: item.number):
        sections.setdefault(item.section, []).append(item)
    return {section: tuple(items) for section, items in sections.items()}


def by_framework(results: Results) -> dict[str, tuple[ControlResult, ...]]:
    """The controls of each framework, in the order of the results."""
    frameworks: dict[str, list[ControlResult]] = {}
    for control in results.controls:
        frameworks.setdefault(control.framework, []).append(control)
    return {name: tuple(controls) for name, controls in frameworks.items()}


def evidence(results: Results) -> tuple[EvidenceLine, ...]:
    """Every file that a proof rests on, stale ones first."""
    today = business_date(results.generated_at)
    lines = [
        EvidenceLine(
            each,
            max((results.generated_at - each.collected_at).days, 0),
            each.valid_until is not None and each.valid_until < today,
        )
        for each in results.evidence
    ]
    return tuple(sorted(lines, key=lambda line: (not line.stale, line.evidence.path)))


def in_the_way(results: Results) -> tuple[ProofResult, ...]:
    """The proofs that are not satisfied, worst first."""
    found = [each for each in results.proofs if each.status in _IN_THE_WAY | {Status.WAIVED}]
    return tuple(sorted(found, key=lambda each: (ORDER.index(each.status), each.proof_id)))


def on_emulator(results: Results) -> int:
    """How many proofs looked at the emulator instead of AWS."""
    return sum(proof.on_emulator for proof in results.proofs)
