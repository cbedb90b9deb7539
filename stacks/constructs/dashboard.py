"""A dashboard of graphs in rows, with a generated name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.metric import Formula, Measure, Signal

GRID_WIDTH = 24
ROW_HEIGHT = 6
PERIOD_S = 60


@dataclass(frozen=True, slots=True)
class Graph:
    """One graph: ``lines`` by their label, a ``unit`` for the axis, and a ``limit`` drawn where an alarm
    rings."""

    title: str
    lines: Mapping[str, Signal]
    unit: str
    limit: float | None = None
    period_s: int = PERIOD_S


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and its graphs, side by side."""

    heading: str
    graphs: Sequence[Graph] = field(default_factory=tuple)


class Dashboard(Construct):
    """``rows`` as a CloudWatch dashboard. Its name is generated: it can be replaced at any time."""

    def __init__(self, scope: Construct, construct_id: str, *, rows: Sequence[Row]) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self.resource = cloudwatch.CfnDashboard(
            self,
            "Dashboard",
            dashboard_body=stack.to_json_string(body(rows, region=stack.region)),
        )


def body(rows: Sequence[Row], *, region: str) -> dict[str, Any]:
    """The dashboard's body, as CloudWatch's "dashboard body structure and syntax" has it."""
    widgets: list[dict[str, Any]] = []
    top = 0
    for row in rows:
        heading = {"type": "text", "x": 0, "y": top, "width": GRID_WIDTH, "height": 1}
        widgets.append({**heading, "properties": {"markdown": f"## {row.heading}"}})
        top += 1
        width = GRID_WIDTH // max(1, len(row.graphs))
        for number, graph in enumerate(row.graphs):
            place = {"x": number * width, "y": top, "width": width, "height": ROW_HEIGHT}
            widgets.append({"type": "metric", **place, "properties": _properties(graph, region)})
        top += ROW_HEIGHT if row.graphs else 0
    return {"periodOverride": "inherit", "widgets": widgets}


def _properties(graph: Graph, region: str) -> dict[str, Any]:
    lines: list[list[Any]] = []
    for number, (label, signal) in enumerate(graph.lines.items()):
        lines += (
            _of_measure(label, signal) if isinstance(signal, Measure) else _of_formula(label, signal, number)
        )
    properties: dict[str, Any] = {
        "title": graph.title,
        "view": "timeSeries",
        "region": region,
        "period": graph.period_s,
        "metrics": lines,
        "yAxis": {"left": {"label": graph.unit, "showUnits": False, "min": 0}},
    }
    if graph.limit is not None:
        properties["annotations"] = {"horizontal": [{"label": "alarm", "value": graph.limit}]}
    return properties


def _of_measure(label: str, measure: Measure, **options: Any) -> list[list[Any]]:
    names = [part for pair in measure.dimensions.items() for part in pair]
    options = {"stat": measure.statistic, **({"label": label} if label else {}), **options}
    return [[measure.namespace, measure.name, *names, options]]


def _of_formula(label: str, formula: Formula, number: int) -> list[list[Any]]:
    """The formula with ids that are unique in the graph; only its result is visible."""
    ids = {step_id: f"{step_id}_{number}" for step_id in formula.steps}
    lines: list[list[Any]] = []
    for step_id, step in formula.steps.items():
        if isinstance(step, Measure):
            lines += _of_measure("", step, id=ids[step_id], visible=False)
        else:
            shown: dict[str, Any] = {"expression": _renamed(step, ids), "id": ids[step_id]}
            shown |= {"label": label} if step_id == formula.result else {"visible": False}
            lines.append([shown])
    return lines


def _renamed(expression: str, ids: Mapping[str, str]) -> str:
    return re.sub(r"[a-z][a-z0-9_]*", lambda found: ids.get(found.group(), found.group()), expression)


def percentiles(measure: Measure) -> dict[str, Signal]:
    """The lines p50, p95 and p99 of a duration."""
    return {name: measure.under(name) for name in ("p50", "p95", "p99")}
