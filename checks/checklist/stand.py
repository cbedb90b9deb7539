"""How something stands: what was asked for, held against what was proved.

A lower level never stands for a higher one. What fails counts although nobody asked for it; what was not
looked at counts where it was asked for. All of it is a function of what went in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from checks.checklist.model import (
    SATISFIED,
    SHOWN_CHARACTERS_MAX,
    ControlResult,
    ItemResult,
    Level,
    ProofResult,
    Status,
    Waiver,
    worst,
)
from checks.checklist.wording import counted, listed

ALWAYS_COUNTS: Final = frozenset({Status.FAILED, Status.ERROR})
"""What is wrong is wrong at any level, asked for or not."""

LEVEL_NAMES: Final = {
    Level.TEMPLATE: "in the template",
    Level.LIVE: "in the running environment",
    Level.RUN: "in runs",
    Level.PERSON: "by people",
}


@dataclass(frozen=True, slots=True)
class Stand:
    """How something stands: its status, the levels that are proven, and why."""

    status: Status
    proven: tuple[Level, ...]
    reason: str
    remedy: str


def stand(required: Sequence[Level], proofs: Mapping[Level, Sequence[ProofResult]]) -> Stand:
    """The verdict on ``required`` levels given the ``proofs`` of each level."""
    by_level = {level: worst(each.status for each in found) for level, found in proofs.items()}
    considered = {
        level: by_level.get(level, Status.NOT_EVALUATED)
        for level in Level
        if level in required or by_level.get(level) in ALWAYS_COUNTS
    }
    status = worst(considered.values())
    proven = tuple(level for level in Level if by_level.get(level) in SATISFIED)
    if status in SATISFIED:
        return Stand(status, proven, _proved(proofs, proven), "")
    decisive = [level for level in considered if considered[level] is status]
    named = [each for level in decisive for each in proofs.get(level, ()) if each.status is status]
    if not named:
        missing = ", ".join(LEVEL_NAMES[level] for level in decisive)
        return Stand(status, proven, f"Nothing proves it {missing}.", "Name a proof in the checklist's data.")
    total = sum(len(proofs.get(level, ())) for level in decisive)
    first = named[0]
    more = f" ({len(named)} of {counted(total, 'proof')}, first {first.proof_id})" if total > 1 else ""
    return Stand(status, proven, f"{first.title}: {first.observed}{more}.", first.remedy)


def _proved(proofs: Mapping[Level, Sequence[ProofResult]], proven: Sequence[Level]) -> str:
    parts = [
        f"{counted(sum(each.status in SATISFIED for each in proofs[level]), 'proof')} {LEVEL_NAMES[level]}"
        for level in proven
    ]
    return f"{listed(parts)}."


def judged(subject: ItemResult | ControlResult, proofs: Mapping[str, ProofResult]) -> Stand:
    """The verdict on ``subject`` by those of its proofs that are among ``proofs``, by their ids."""
    found: dict[Level, list[ProofResult]] = {}
    for name in subject.proofs:
        if name in proofs:
            found.setdefault(proofs[name].level, []).append(proofs[name])
    return stand(subject.required, found)


def waived(item: ItemResult, waiver: Waiver) -> ItemResult:
    """The item as it stands while ``waiver`` is in force."""
    reason = f"Waived until {waiver.expires}: {item.reason}"[:SHOWN_CHARACTERS_MAX]
    return item.model_copy(update={"status": Status.WAIVED, "waiver_id": waiver.waiver_id, "reason": reason})
