"""Capacity of tables: it grows with the load, up to what an error may cost, and not in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.signals import ALARM, looks

TABLE = "AWS::DynamoDB::Table"
TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"

UNITS = {"Read": range(100, 10_001), "Write": range(100, 5_001)}
"""Units a second that a ceiling may have: below, a school's due date is turned away; above, it is none. The
API takes 1,000 requests a second; eight read units and four write units for each is twice what they need."""

ON_DEMAND = "PAY_PER_REQUEST"
UTILISATION_PERCENT = range(50, 86)
COOLDOWN_S = {"ScaleOutCooldown": range(301), "ScaleInCooldown": range(3601)}
"""Up within five minutes, down within the hour."""


def _places(table: Resource) -> Iterator[tuple[str, str]]:
    """The table and each of its indexes: the path of its properties, and how auto-scaling names it."""
    yield "", f"table/{table.name}"
    for index, item in enumerate(table.items("GlobalSecondaryIndexes")):
        name = item.get("IndexName") if isinstance(item, dict) else None
        yield f"GlobalSecondaryIndexes.{index}.", f"table/{table.name}/index/{name}"


def _scaled(estate: Estate) -> dict[tuple[str, str], Resource]:
    """Each scalable target by what it scales: ``table/<Data.Payments>`` and ``Read`` or ``Write``."""
    found: dict[tuple[str, str], Resource] = {}
    for target in estate.of(TARGET):
        where = estate.text(target.get("ResourceId"), target.stack)
        kind = "index" if "/index/" in where else "table"
        for units in UNITS:
            if target.get("ScalableDimension") == f"dynamodb:{kind}:{units}CapacityUnits":
                found[where, units] = target
    return found


@rule(
    "HASIVU-DDB-10",
    "GDPR 32(1)(b)",
    environments=DEPLOYED,
    remedy="Use on-demand capacity, or let reads and writes of the table and of each index scale.",
)
def tables_grow_with_their_load(estate: Estate) -> Iterator[Breach]:
    """A table is on demand, or it and each of its indexes scales its provisioned capacity by itself."""
    scaled = _scaled(estate)
    for table in estate.of(TABLE):
        if table.get("BillingMode") == ON_DEMAND:
            continue
        for path, where in _places(table):
            for units in UNITS:
                if (where, units) not in scaled:
                    yield at(table, f"{path}ProvisionedThroughput", shown=f"{units.lower()}s do not scale")


@rule(
    "HASIVU-CAP-1",
    "GDPR 32(1)(b)",
    "PCI DSS 6.4.2",
    remedy="Set the ceiling in [capacity] of the environment's file: reads 100 to 10,000, writes to 5,000.",
)
def on_demand_has_a_ceiling(estate: Estate) -> Iterator[Breach]:
    """On demand, a table and each of its indexes has a ceiling: an error costs no more than that."""
    for table in estate.of(TABLE):
        if table.get("BillingMode") != ON_DEMAND:
            continue
        for path, _ in _places(table):
            for units, allowed in UNITS.items():
                place = f"{path}OnDemandThroughput.Max{units}RequestUnits"
                if not _is_within(table.get(place), allowed):
                    yield at(table, place)


def _is_within(value: Any, allowed: range) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value in allowed


@rule(
    "HASIVU-CAP-2",
    "GDPR 32(1)(b)",
    environments=DEPLOYED,
    remedy="Track a utilisation of 50 to 85 per cent between a minimum and a maximum, up and down.",
)
def provisioned_capacity_follows_the_load(estate: Estate) -> Iterator[Breach]:
    """What scales by itself follows its own utilisation, up and down, between sound bounds."""
    policies: dict[Resource | None, list[Resource]] = {}
    for policy in estate.of(POLICY):
        policies.setdefault(estate.target(policy.get("ScalingTargetId"), policy.stack), []).append(policy)
    for (_, units), target in _scaled(estate).items():
        least, most = target.get("MinCapacity"), target.get("MaxCapacity")
        if not _is_within(most, UNITS[units]):
            yield at(target, "MaxCapacity")
        elif not _is_within(least, range(1, most + 1)):
            yield at(target, "MinCapacity")
        if target.get("SuspendedState") is not None:
            yield at(target, "SuspendedState")
        if not policies.get(target):
            yield at(target, "", shown="no policy")
        for policy in policies.get(target, ()):
            yield from _tracks(policy, units)
    for table in estate.of(TABLE):
        for path, _ in _places(table):
            for units, allowed in UNITS.items():
                place = f"{path}ProvisionedThroughput.{units}CapacityUnits"
                if not _is_within(table.get(place) or 1, range(1, allowed.stop)):
                    yield at(table, place)


def _tracks(policy: Resource, units: str) -> Iterator[Breach]:
    tracking = "TargetTrackingScalingPolicyConfiguration"
    if policy.get("PolicyType") != "TargetTrackingScaling":
        yield at(policy, "PolicyType")
    metric = f"{tracking}.PredefinedMetricSpecification.PredefinedMetricType"
    if policy.get(metric) != f"DynamoDB{units}CapacityUtilization":
        yield at(policy, metric)
    if not _is_within(policy.get(f"{tracking}.TargetValue"), UTILISATION_PERCENT):
        yield at(policy, f"{tracking}.TargetValue")
    if policy.get(f"{tracking}.DisableScaleIn"):
        yield at(policy, f"{tracking}.DisableScaleIn")
    for name, allowed in COOLDOWN_S.items():
        if not _is_within(policy.get(f"{tracking}.{name}") or 0, allowed):
            yield at(policy, f"{tracking}.{name}")


@rule(
    "HASIVU-CAP-3",
    "PCI DSS 10.7.2",
    "SOX OP-3",
    environments=DEPLOYED,
    remedy="Let an alarm compare the consumed units with what the table takes at most (Signals.table_fill).",
)
def ceilings_are_seen_before_they_are_reached(estate: Estate) -> Iterator[Breach]:
    """Somebody is told before a table reaches the most that it takes."""
    warned: dict[str, set[tuple[str, int]]] = {}
    for alarm in estate.of(ALARM):
        for look in looks(estate, alarm):
            if found := re.fullmatch(r"Consumed(Read|Write)CapacityUnits", look.name):
                limit = _divisor(alarm, look.path) // max(look.period_s, 1)
                warned.setdefault(look.dimensions.get("TableName", ""), set()).add((found.group(1), limit))
    scaled = _scaled(estate)
    for table in estate.of(TABLE):
        for units in UNITS:
            most = table.get(f"OnDemandThroughput.Max{units}RequestUnits")
            if table.get("BillingMode") != ON_DEMAND and (f"table/{table.name}", units) in scaled:
                most = scaled[f"table/{table.name}", units].get("MaxCapacity")
            if (units, most) not in warned.get(str(table.get("TableName")), set()):
                yield at(table, "", shown=f"no alarm on {units.lower()}s near {most} a second")


def _divisor(alarm: Resource, path: str) -> int:
    """By what the series at ``path`` (``Metrics.0``) is divided in the formula; 0 where it is not."""
    series = alarm.get(f"{path}.Id")
    for query in alarm.items("Metrics"):
        found = re.search(rf"FILL\({series}, 0\) / (\d+)", str(query.get("Expression")))
        if found:
            return int(found.group(1))
    return 0
