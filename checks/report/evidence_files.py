"""The files that a report rests on, kept beside it: moved elsewhere or read in years, it still has them.

What is committed stays in the repository, where its commit keeps it; what runs left behind nobody else keeps.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from checks.checklist.model import Evidence, Results
from checks.release.documents import DocumentRefused, read

LEFT_BY_RUNS: Final = "build"
"""Where runs leave files that nobody commits, in the repository and in the report's folder alike."""

BYTES_MAX: Final = 64 * 1024 * 1024
"""Of all of them together."""


@dataclass(frozen=True, slots=True)
class EvidenceFiles:
    """Contents by path, and the paths of those that are not at hand as they were when they were looked at."""

    contents: dict[str, bytes]
    absent: tuple[str, ...]


def gather(results: Results, places: Iterable[Path]) -> EvidenceFiles:
    """What runs left for ``results``, from the first of ``places`` that has it unaltered."""
    contents: dict[str, bytes] = {}
    absent = []
    rest = BYTES_MAX
    folders = tuple(places)
    for evidence in results.evidence:
        if not evidence.path.startswith(f"{LEFT_BY_RUNS}/"):
            continue
        found = next(
            (each for place in folders if (each := _unaltered(evidence, place, rest)) is not None), None
        )
        if found is None:
            absent.append(evidence.path)
        else:
            contents[evidence.path] = found
            rest -= len(found)
    return EvidenceFiles(contents, tuple(absent))


def _unaltered(evidence: Evidence, place: Path, bytes_max: int) -> bytes | None:
    try:
        content = read(place, evidence.path, bytes_max=bytes_max)
    except DocumentRefused:
        return None
    return content if hashlib.sha256(content).hexdigest() == evidence.sha256 else None
