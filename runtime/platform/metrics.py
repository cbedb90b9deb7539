"""Business metrics: lines in CloudWatch's embedded metric format, from which CloudWatch makes the metrics.

A metric is declared once, with every value that its label may take. So the number of metrics (each one is
paid for) is known beforehand, and nothing that leads to a person can become part of one.
Powertools' own Metrics would add 20 ms to every cold start for a format of one line.
"""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from runtime.platform.clock import Clock, SystemClock

OTHER = "other"
"""What a label shows that is none of the declared values."""


class Unit(StrEnum):
    """CloudWatch's names of the units."""

    COUNT = "Count"
    MILLISECONDS = "Milliseconds"


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric: its ``name``, its ``unit``, and the ``label`` by which it is also counted, with the
    ``values`` that the label takes."""

    name: str
    unit: Unit = Unit.COUNT
    label: str | None = None
    values: frozenset[str] = frozenset()

    @property
    def dimension_sets(self) -> list[list[str]]:
        """Under which dimensions it is published: under none, and under its label where it has one."""
        return [[], [self.label]] if self.label else [[]]


def namespace(environment: str) -> str:
    """The CloudWatch namespace of an environment's own metrics."""
    return f"HASIVU/{environment}"


def _to_stdout(line: str) -> object:
    return sys.stdout.write(line)  # looked up at each call: Lambda puts its own stream there


@dataclass(frozen=True, slots=True)
class Metrics:
    """Writes the metrics of ``environment`` to ``write``, a line each."""

    environment: str
    clock: Clock
    write: Callable[[str], object] = _to_stdout

    def count(self, metric: Metric, label: str | None = None) -> None:
        """One more of ``metric``; ``label`` is required exactly where the metric has one."""
        self._put(metric, 1, label)

    def duration(self, metric: Metric, milliseconds: int) -> None:
        """``metric`` took ``milliseconds`` (clocks of different machines may make it negative: then 0)."""
        self._put(metric, max(0, milliseconds), None)

    def _put(self, metric: Metric, value: int, label: str | None) -> None:
        line: dict[str, object] = {
            "_aws": {
                "Timestamp": int(self.clock.now().timestamp() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": namespace(self.environment),
                        "Dimensions": metric.dimension_sets,
                        "Metrics": [{"Name": metric.name, "Unit": metric.unit.value}],
                    }
                ],
            },
            metric.name: value,
        }
        if metric.label:
            line[metric.label] = label if label in metric.values else OTHER
        self.write(json.dumps(line, separators=(",", ":")) + "\n")


UNHEARD = Metrics("none", SystemClock(), write=lambda line: None)
"""For what runs outside a function, where nobody counts."""
