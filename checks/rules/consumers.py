"""Who hears which events: each queue that a rule fills is told of everything that its reader works on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.rules.estate import Estate
from checks.rules.eventing import PAYMENTS_SOURCE, QUEUE, RULE
from checks.rules.rule import Breach, at, rule

EVERYTHING: frozenset[str] = frozenset()
WORKED_ON: Mapping[str, frozenset[str]] = {
    "hasivu-{env}-payment-analytics": EVERYTHING,
    "hasivu-{env}-payment-splits": frozenset({"PaymentCaptured", "PaymentConflicted", "PaymentSplitDue"}),
}
"""Kinds of events by the queue whose reader works on them; none stands for all of the payments' events."""


@rule(
    "HASIVU-EVT-14",
    "SOX OP-4",
    "PCI DSS 10.7.2",
    remedy="Let the queue's rule take what WORKED_ON (consumers.py) says, neither less nor more.",
)
def queues_are_told_what_their_readers_work_on(estate: Estate) -> Iterator[Breach]:
    """Every queue of a reader of events is told of the kinds on which that reader works, and of no other."""
    heard = _heard(estate)
    for name, kinds in WORKED_ON.items():
        queue = estate.named(QUEUE, "QueueName", name)
        if queue is None:
            continue
        told = heard.get(queue.logical_id, set())
        expected: set[str | None] = set(kinds) or {None}
        if told != expected:
            yield at(queue, "", shown=f"{_words(told)} is told to it, not {_words(expected)}")


def _words(kinds: set[str | None]) -> str:
    return ", ".join(sorted(kind or "everything" for kind in kinds)) or "nothing"


def _heard(estate: Estate) -> dict[str, set[str | None]]:
    """The kinds of events by the logical id of the queue that they are put into; None for all of them."""
    heard: dict[str, set[str | None]] = {}
    for item in estate.of(RULE):
        pattern = item.get("EventPattern")
        if not isinstance(pattern, Mapping) or pattern.get("source") != [PAYMENTS_SOURCE]:
            continue
        if not set(pattern) <= {"source", "detail-type"} or item.get("State") not in {None, "ENABLED"}:
            continue
        for target in item.items("Targets"):
            queue = estate.target(target.get("Arn"), item.stack)
            if queue is not None:
                heard.setdefault(queue.logical_id, set()).update(pattern.get("detail-type", [None]))
    return heard
