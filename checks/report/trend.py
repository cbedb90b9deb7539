"""How the runs of an environment went, as a picture (SVG) and as words. Whole numbers only."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from checks.checklist.model import Status
from checks.report.model import Run

SHOWN_MAX = 30
"""Runs in the picture: the latest."""

WIDTH, HEIGHT = 720, 180
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 8, 8, 34
_BAR_MAX = 34

_PILE = (
    Status.PASSED,
    Status.ATTESTED,
    Status.WAIVED,
    Status.MANUAL_PENDING,
    Status.NOT_EVALUATED,
    Status.ERROR,
    Status.FAILED,
)
"""From the ground up: what is satisfied carries the rest. What does not apply is left out."""


@dataclass(frozen=True, slots=True)
class Block:
    """A rectangle of the picture, in its own units."""

    x: int
    y: int
    width: int
    height: int
    status: Status
    count: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One run."""

    run: Run
    x: int
    width: int
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """The picture's parts, the same as words, and how many runs are not shown."""

    bars: tuple[Bar, ...]
    ticks: tuple[tuple[int, int], ...]
    """Heights with what they stand for."""
    words: str
    earlier: int


def trend(runs: tuple[Run, ...]) -> Trend:
    """The last runs, oldest first."""
    shown = runs[-SHOWN_MAX:]
    top = max((_applying(run) for run in shown), default=0)
    scale = max(top, 1)
    room = WIDTH - _LEFT - _RIGHT
    step = min(room // max(len(shown), 1), _BAR_MAX + 12)
    width = max(min(step * 3 // 4, _BAR_MAX), 2)
    bars = tuple(
        Bar(run, _LEFT + index * step, width, _blocks(run, _LEFT + index * step, width, scale))
        for index, run in enumerate(shown)
    )
    ticks = tuple(dict.fromkeys((_y(value, scale), value) for value in (0, top // 2, top)))
    return Trend(bars, ticks, words(shown), len(runs) - len(shown))


def _blocks(run: Run, x: int, width: int, scale: int) -> tuple[Block, ...]:
    blocks, below = [], 0
    for status in _PILE:
        count = run.counts.get(status, 0)
        if count:
            top, bottom = _y(below + count, scale), _y(below, scale)
            blocks.append(Block(x, top, width, bottom - top, status, count))
            below += count
    return tuple(blocks)


def _y(value: int, scale: int) -> int:
    room = HEIGHT - _TOP - _BOTTOM
    return HEIGHT - _BOTTOM - value * room // scale


def _applying(run: Run) -> int:
    return sum(count for status, count in run.counts.items() if status is not Status.NOT_APPLICABLE)


def satisfied(run: Run) -> int:
    """How many items of a run were satisfied."""
    return run.counts.get(Status.PASSED, 0) + run.counts.get(Status.ATTESTED, 0)


def words(runs: tuple[Run, ...]) -> str:
    """What the picture shows, for who cannot see it."""
    if not runs:
        return "There is no history."
    first, last = runs[0], runs[-1]
    now = f"{satisfied(last)} of {_applying(last)} items are satisfied"
    if len(runs) == 1:
        return f"One run: {now}."
    then = f"{satisfied(first)} of {_applying(first)} on {first.at.date().isoformat()}"
    changes = sum(one.catalogue_sha256 != next_.catalogue_sha256 for one, next_ in pairwise(runs))
    often = "once" if changes == 1 else f"{changes} times"
    asked = f" What is asked changed {often} in between." if changes > 0 else ""
    return f"{len(runs)} runs: {now}, after {then}; {last.counts.get(Status.FAILED, 0)} fail.{asked}"
