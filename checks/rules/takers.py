"""Who takes which events: each rule on the platform's bus, by its name, with the kinds that it must take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.rules.estate import Estate
from checks.rules.eventing import HEARD_BY_PEOPLE, PAYMENTS_SOURCE, RULE
from checks.rules.rule import Breach, at, rule

BUS = "AWS::Events::EventBus"

TAKES: Mapping[str, frozenset[str] | None] = {
    "payment-analytics": None,
    "payment-events": HEARD_BY_PEOPLE,
    "payment-splits": frozenset({"PaymentCaptured", "PaymentConflicted", "PaymentSplitDue"}),
}
"""The kinds of events that each rule takes, by the rest of its name; None: all, those of tomorrow too."""


@rule(
    "HASIVU-EVT-13",
    "SOX OP-4",
    "GDPR 5(1)(d)",
    remedy="Take what TAKES in checks/rules/takers.py says; another kind is decided there.",
)
def whoever_needs_events_takes_them(estate: Estate) -> Iterator[Breach]:
    """Each rule on the bus takes the kinds of events that were decided for it, and no rule is missing."""
    buses = list(estate.of(BUS))
    there: set[str] = set()
    for item in estate.of(RULE):
        pattern = item.get("EventPattern")
        if not isinstance(pattern, Mapping) or PAYMENTS_SOURCE not in (pattern.get("source") or ()):
            continue
        name = str(item.get("Name")).removeprefix(f"hasivu-{estate.environment}-")
        if name not in TAKES:
            yield at(item, "Name")
            continue
        there.add(name)
        kinds = pattern.get("detail-type")
        taken = None if kinds is None else frozenset(map(str, kinds))
        if taken != TAKES[name]:
            yield at(item, "EventPattern")
    for bus in buses:
        for name in sorted(TAKES.keys() - there):
            yield at(bus, "", shown=f"no rule {name}")
