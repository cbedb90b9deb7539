"""How runs went, one line of JSON each, appended and never changed.

A crash in the middle of a line leaves a torn one: it is skipped, counted and told, and the next line starts
anew. Results that are in it already are not appended again, so that a report may be made twice.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from checks.errors import ExitCode, HasivuError
from checks.report.model import Run


@dataclass(frozen=True, slots=True)
class History:
    """The runs, oldest first, and how many lines could not be read."""

    runs: tuple[Run, ...] = ()
    unread: int = 0

    def until(self, run: Run) -> History:
        """The runs of its environment before ``run``, and ``run``: later ones change nothing about it."""
        others = {
            each.results_sha256: each
            for each in self.runs
            if each.environment == run.environment and each.at <= run.at
        }
        others[run.results_sha256] = run
        ordered = sorted(others.values(), key=lambda each: (each.at, each.results_sha256))
        return History(tuple(ordered), self.unread)


def read(path: Path) -> History:
    """The history in ``path``; none where there is no such file. Error: HasivuError HISTORY_UNFIT."""
    with _told(path):
        if not path.exists():
            return History()
        if not path.is_file():
            raise _unfit(path, "it is not a file")
        content = path.read_bytes()
    runs, unread = [], 0
    for line in content.split(b"\n"):
        if not line.strip():
            continue
        try:
            runs.append(Run.model_validate_json(line))
        except ValidationError:
            unread += 1
    return History(tuple(runs), unread)


def append(path: Path, run: Run) -> bool:
    """Append ``run`` unless its results are there; whether it was appended. Error: HasivuError HISTORY_UNFIT.

    One writer at a time; the line is on the disk when this returns.
    """
    with _told(path):
        return _append(path, run)


def _append(path: Path, run: Run) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if any(each.results_sha256 == run.results_sha256 for each in read(path).runs):
            return False
        file.seek(0, os.SEEK_END)
        torn = file.tell() > 0 and not path.read_bytes().endswith(b"\n")
        line = json.dumps(run.model_dump(mode="json", by_alias=True), sort_keys=True, separators=(",", ":"))
        file.write((b"\n" if torn else b"") + line.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    return True


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _unfit(path, error.strerror or type(error).__name__) from None


def _unfit(path: Path, why: str) -> HasivuError:
    return HasivuError(
        "HISTORY_UNFIT",
        f"The history of runs cannot be kept in {path}: {why}.",
        next_step="name a file that can be written to with --history; a report that was written is whole",
        exit_code=ExitCode.USAGE,
    )
