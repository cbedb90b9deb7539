"""Dashboards: four, readable, with what is asked for at three in the morning."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checks.rules.estate import Estate
from checks.rules.rule import DEPLOYED, Breach, at, rule

DASHBOARD = "AWS::CloudWatch::Dashboard"
SHOWN = ('"p50"', '"p95"', '"p99"', "TPS")
METRICS_SHOWN = (
    *("5XXError", "Latency", "Errors", "Throttles", "ApproximateNumberOfMessagesVisible"),
    *("SystemErrors", "PaymentCaptured", "PaymentFailed"),
)
"""What whoever is woken looks at first."""

DASHBOARDS_MIN = 4


@rule(
    "HASIVU-DSH-1",
    "SOX OP-3",
    environments=DEPLOYED,
    remedy="Draw p50, p95, p99 and TPS in stacks/observability_dashboards.py.",
)
def dashboards_show_what_is_asked_for(estate: Estate) -> Iterator[Breach]:
    """There are four dashboards of metrics, and together they show latency percentiles, TPS and
    the metrics that are looked at first."""
    found = list(estate.of(DASHBOARD))
    written = ""
    for dashboard in found:
        body = estate.text(dashboard.get("DashboardBody"), dashboard.stack)
        written += body
        if not _has_widgets(body):
            yield at(dashboard, "DashboardBody", shown="shows no metric")
    if not found:
        return
    for word in (*SHOWN, *(f'"{name}"' for name in METRICS_SHOWN)):
        if word not in written:
            yield at(found[0], "DashboardBody", shown=f"no {word}")
    if len(found) < DASHBOARDS_MIN:
        yield at(found[0], "", shown=f"{len(found)} dashboards")


def _has_widgets(body: str) -> bool:
    try:
        widgets = json.loads(body).get("widgets", [])
    except (AttributeError, ValueError):
        return False
    return any(widget.get("properties", {}).get("metrics") for widget in widgets)
