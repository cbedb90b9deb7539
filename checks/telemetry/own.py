"""The metrics of our own: what the runtime's code declares and what the metric filters define."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runtime.functions import api_authorizer, audit_sealer, health_check, secret_rotation
from runtime.notifications import metrics as notifications
from runtime.payments import metrics as payments
from runtime.payments.analytics import compaction
from runtime.platform.metrics import Metric, namespace

RUNTIME_METRICS: tuple[Metric, ...] = (
    *api_authorizer.METRICS,
    *audit_sealer.METRICS,
    *compaction.METRICS,
    *health_check.METRICS,
    *notifications.METRICS,
    *payments.METRICS,
    *secret_rotation.METRICS,
)
"""Every metric that a function emits. A test looks for others in the sources."""


@dataclass(frozen=True, slots=True)
class Emitted:
    """A metric under one dimension set: the values that each dimension may take, None for any."""

    namespace: str
    name: str
    dimensions: Mapping[str, frozenset[str] | None]

    def answers(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> bool:
        """Whether this is the metric that is asked for."""
        return (
            (self.namespace, self.name) == (namespace, name)
            and self.dimensions.keys() == dimensions.keys()
            and all(
                (allowed := self.dimensions[label]) is None or value in allowed
                for label, value in dimensions.items()
            )
        )


def by_the_runtime(environment: str) -> Iterator[Emitted]:
    """What the functions of ``environment`` emit."""
    for metric in RUNTIME_METRICS:
        for dimension_set in metric.dimension_sets:
            yield Emitted(namespace(environment), metric.name, dict.fromkeys(dimension_set, metric.values))


def by_filter(properties: Mapping[str, Any]) -> Iterator[Emitted]:
    """What a metric filter (``AWS::Logs::MetricFilter``) emits; its labels take whatever the lines say."""
    for transformation in properties["MetricTransformations"]:
        labels = [dimension["Key"] for dimension in transformation.get("Dimensions", [])]
        yield Emitted(
            transformation["MetricNamespace"], transformation["MetricName"], dict.fromkeys(labels, None)
        )
