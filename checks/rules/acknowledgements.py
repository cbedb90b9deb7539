"""Whether an acknowledgement still counts: well-formed, qualified, on one construct, in time, and needed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from checks.rules.validation_report import Acknowledged, PackReport
from stacks.constructs.acknowledge import EVIDENCE, OWNERS

_GRAMMAR = re.compile(
    r"(?P<why>[^|\n]+?) \| evidence=(?P<evidence>[^|\n]+?) \| owner=(?P<owner>[\w-]+)"
    r" \| until=(?P<until>\d{4}-\d{2}-\d{2})"
)


LONGEST = timedelta(days=731)
"""Two years: what is accepted for longer is accepted for good, and nobody looks at it again."""

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Reason:
    """What an acknowledgement says. It counts up to and including the day ``until``."""

    why: str
    evidence: str
    owner: str
    until: date

    def counts_on(self, today: date) -> bool:
        """Whether the acknowledgement still counts on the day ``today``."""
        return today <= self.until


def parse(reason: str) -> Reason | None:
    """The reason in the form ``why | evidence=… | owner=… | until=YYYY-MM-DD``; None if it is malformed."""
    found = _GRAMMAR.fullmatch(reason)
    if found is None or not EVIDENCE.fullmatch(found["evidence"]) or found["owner"] not in OWNERS:
        return None
    try:
        return Reason(found["why"], found["evidence"], found["owner"], date.fromisoformat(found["until"]))
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Unsound:
    """An acknowledgement that must not stand, with the reason why."""

    construct: str
    rule_id: str
    problem: str


def unsound(
    acknowledged: Sequence[Acknowledged], packs: Sequence[PackReport], *, today: date, stacks: frozenset[str]
) -> Iterator[Unsound]:
    """Every acknowledgement that must not stand. ``stacks`` are the paths of the app's stacks.

    A malformed one counts as expired. One that covers no finding is stale: what it excused is gone, and it
    would excuse what comes next.
    """
    covering = {
        (item.acknowledged_id, item.acknowledged_at.strip("/")) for pack in packs for item in pack.suppressed
    }
    for item in acknowledged:
        if "::" not in item.rule_id:
            yield Unsound(item.construct, item.rule_id, "unqualified: it leaves no trace in the report")
        if not item.construct or item.construct in stacks:
            yield Unsound(item.construct or "the app", item.rule_id, "for a whole stack or app")
        reason = parse(item.reason)
        if reason is None:
            yield Unsound(item.construct, item.rule_id, "malformed, which counts as expired")
        elif not reason.counts_on(today):
            yield Unsound(item.construct, item.rule_id, f"expired after {reason.until.isoformat()}")
        elif reason.until - today > LONGEST:
            yield Unsound(
                item.construct, item.rule_id, f"until {reason.until.isoformat()}, as good as for ever"
            )
        if reason is not None and not exists(reason.evidence):
            yield Unsound(item.construct, item.rule_id, f"its evidence {reason.evidence} does not exist")
        if "::" in item.rule_id and (item.rule_id, item.construct) not in covering:
            yield Unsound(item.construct, item.rule_id, "stale: it covers no finding")
    known = {(item.rule_id, item.construct) for item in acknowledged}
    for rule_id, construct in sorted(covering - known):
        if not construct or construct in stacks:
            yield Unsound(construct or "the app", rule_id, "for a whole stack or app")
        else:
            yield Unsound(construct, rule_id, "in the report alone: this assembly does not acknowledge it")


def exists(evidence: str) -> bool:
    """Whether the ADR, the document or the test that ``evidence`` names is there."""
    if evidence.startswith("ADR "):
        return any((ROOT / "docs" / "adr").glob(f"{evidence.removeprefix('ADR ')}-*.md"))
    place, _, test = evidence.partition("::")
    path = ROOT / place
    return path.exists() and (not test or f"def {test}(" in path.read_text(encoding="utf-8"))
