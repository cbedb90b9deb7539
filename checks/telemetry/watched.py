"""What alarms and dashboards look at, read back from a template, and what nobody would ever say there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.telemetry.documented import DOCUMENTED
from checks.telemetry.own import Emitted

Text = Callable[[Any], str]
"""Writes a value of the template as text, references followed."""


@dataclass(frozen=True, slots=True)
class Watched:
    """One metric that something looks at."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str

    def __str__(self) -> str:
        named = ", ".join(f"{name}={value}" for name, value in sorted(self.dimensions.items()))
        return f"{self.namespace} {self.name} ({named or 'no dimensions'})"


def by_alarm(properties: Mapping[str, Any], text: Text) -> Iterator[Watched]:
    """The metrics of an ``AWS::CloudWatch::Alarm``."""
    if "MetricName" in properties:
        yield Watched(
            properties["Namespace"],
            properties["MetricName"],
            _dimensions(properties.get("Dimensions", []), text),
            properties.get("Statistic") or properties["ExtendedStatistic"],
        )
    for query in properties.get("Metrics", []):
        if "MetricStat" in query:
            metric = query["MetricStat"]["Metric"]
            yield Watched(
                metric["Namespace"],
                metric["MetricName"],
                _dimensions(metric.get("Dimensions", []), text),
                query["MetricStat"]["Stat"],
            )


def by_dashboard(properties: Mapping[str, Any], text: Text) -> Iterator[Watched]:
    """The metrics of an ``AWS::CloudWatch::Dashboard``, without its expressions."""
    for widget in json.loads(text(properties["DashboardBody"]))["widgets"]:
        for line in widget["properties"].get("metrics", []):
            if isinstance(line[0], str):
                *names, options = line
                pairs = names[2:]
                yield Watched(
                    names[0], names[1], dict(zip(pairs[::2], pairs[1::2], strict=True)), options["stat"]
                )


def nobody_says(
    watched: Watched, own: Iterable[Emitted], existing: Mapping[str, frozenset[str]]
) -> str | None:
    """Why ``watched`` will never have a value; None if it may.

    ``existing`` holds, by dimension, the names of what is deployed; dimensions that it lacks are not held
    against anything.
    """
    for name, value in watched.dimensions.items():
        if name in existing and value not in existing[name]:
            return f"{watched}: there is no {name} {value}"
    if not watched.namespace.startswith("AWS/"):
        if any(item.answers(watched.namespace, watched.name, watched.dimensions) for item in own):
            return None
        return f"{watched}: neither the runtime nor a metric filter emits it"
    sets = DOCUMENTED.get(watched.namespace, {}).get(watched.name)
    if sets is None:
        return f"{watched}: AWS documents no such metric (or checks/telemetry/documented.py lacks it)"
    if frozenset(watched.dimensions) not in sets:
        return f"{watched}: AWS has it under {' or '.join(str(sorted(names)) for names in sets)}"
    return None


def _dimensions(listed: list[dict[str, Any]], text: Text) -> dict[str, str]:
    return {item["Name"]: text(item["Value"]) for item in listed}
