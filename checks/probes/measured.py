"""What an alarm measures, asked again over a longer time: its metrics, hour by hour, and its formula."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from checks.probes.account import Account, CouldNotLook
from checks.probes.running import Live

HOUR_S: Final = 3600
"""CloudWatch keeps an hour's values for 455 days, shorter ones for 15 or 63."""

_SHARE = re.compile(
    r"IF\(total >= (?P<minimum>\d+) OR failures >= (?P<or_bad>\d+), "
    r"(?P<factor>\d+) \* (?:failures|(?P<of_good>\(total - failures\))) / total, \d+\)"
)
_GUARDED = re.compile(r"IF\(FILL\((?P<samples>\w+), 0\) >= (?P<minimum>\d+), (?P<value>\w+), 0\)")
_TERM = re.compile(r"([+-]?)\s*(?:FILL\((\w+), 0\)|(\w+))")

Hourly = Mapping[str, Mapping[datetime, float]]
"""Each metric's values by the hour's beginning. An hour without a value is not there."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of the alarm's formula. ``minimum`` and ``or_bad`` are its guard against few samples."""

    failures: float
    total: float
    minimum: int
    or_bad: int
    factor: int
    of_good: bool

    @property
    def value(self) -> float:
        """As the alarm computes it."""
        counted = self.total - self.failures if self.of_good else self.failures
        return self.factor * counted / self.total


def hourly(account: Account, live: Live, *, begin: datetime, end: datetime) -> Hourly:
    """The metrics of the alarm ``live`` from ``begin`` to ``end``, both on the hour.

    Raises CouldNotLook where CloudWatch does not answer for all of it.
    """
    metrics = _metrics(live)
    queries = [
        {"Id": name, "MetricStat": {**stat, "Period": HOUR_S}, "ReturnData": True}
        for name, stat in metrics.items()
    ]
    answered = account.all(
        "cloudwatch",
        "get_metric_data",
        "MetricDataResults",
        region=live.region,
        MetricDataQueries=queries,
        StartTime=begin,
        EndTime=end,
    )
    found: dict[str, dict[datetime, float]] = {name: {} for name in metrics}
    ended: dict[str, str] = {}
    for result in answered:  # a page may hold a part of a metric's values
        name = result.get("Id", "")
        ended[name] = result.get("StatusCode", "Complete")
        found.setdefault(name, {}).update(zip(result["Timestamps"], result["Values"], strict=True))
    incomplete = sorted({status for status in ended.values() if status != "Complete"})
    if incomplete:
        raise CouldNotLook(f"cloudwatch get_metric_data: {incomplete[0]}")
    return found


def share(live: Live, values: Hourly) -> Share:
    """The alarm's share over all of ``values``. ValueError where its formula is no share."""
    expressions = _expressions(live)
    form = _SHARE.fullmatch(_result(expressions))
    if form is None:
        raise ValueError("the alarm's formula is no share")
    sums = {name: sum(of_hours.values()) for name, of_hours in values.items()}
    failures = max(0.0, _linear(expressions["failures"], sums))
    total = _linear(expressions["total"], {**sums, "failures": failures})
    return Share(
        failures=failures,
        total=total,
        minimum=int(form["minimum"]),
        or_bad=int(form["or_bad"]),
        factor=int(form["factor"]),
        of_good=form["of_good"] is not None,
    )


def guarded(live: Live, values: Hourly) -> list[tuple[float, float]]:
    """Samples and value of each hour with enough samples by the alarm's own guard.

    ValueError where its formula is no guarded value.
    """
    form = _GUARDED.fullmatch(_result(_expressions(live)))
    if form is None:
        raise ValueError("the alarm's formula is no guarded value")
    samples, value = values[form["samples"]], values[form["value"]]
    return [
        (counted, value[hour])
        for hour, counted in sorted(samples.items())
        if counted >= int(form["minimum"]) and hour in value
    ]


def _metrics(live: Live) -> dict[str, Any]:
    """What the alarm looks at, by its id in the formula; ``metric`` where it is one metric."""
    queries = live.resource.get("Metrics")
    if queries is not None:
        return {
            query["Id"]: query["MetricStat"] for query in live.resolved(queries) if query.get("MetricStat")
        }
    names = ("Namespace", "MetricName", "Dimensions")
    metric = {name: live.resource.get(name) for name in names if live.resource.get(name) is not None}
    return {"metric": {"Metric": live.resolved(metric), "Stat": live.resource.get("Statistic")}}


def _expressions(live: Live) -> dict[str, str]:
    return {
        query["Id"]: query["Expression"]
        for query in live.resource.get("Metrics") or ()
        if query.get("Expression")
    }


def _result(expressions: Mapping[str, str]) -> str:
    """The last step of the formula."""
    return list(expressions.values())[-1] if expressions else ""


def _linear(expression: str, values: Mapping[str, float]) -> float:
    """The value of a sum of metrics, each with its sign; a metric without any value is 0."""
    return sum(
        (-1 if sign == "-" else 1) * values[filled or plain]
        for sign, filled, plain in _TERM.findall(expression)
    )
