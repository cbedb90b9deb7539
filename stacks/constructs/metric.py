"""What a graph or an alarm looks at: one CloudWatch metric, or a formula over a few.

Plain values: alarms and dashboards write them down in their own way, and a test reads them back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

METRICS_MAX = 10
"""CloudWatch's limit of metrics in the formula of one alarm."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One metric under one ``statistic`` (``Sum``, ``Maximum``, ``SampleCount``, ``p95``, …)."""

    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str] = field(default_factory=dict)

    def under(self, statistic: str) -> "Measure":
        """The same metric under another statistic."""
        return Measure(self.namespace, self.name, statistic, self.dimensions)


@dataclass(frozen=True, slots=True)
class Formula:
    """A series that is computed from others.

    ``steps`` maps ids (lower case, as CloudWatch asks) to a Measure or to an expression over earlier ids;
    the last one is the result.
    """

    steps: Mapping[str, Measure | str]

    def __post_init__(self) -> None:
        measured = sum(isinstance(step, Measure) for step in self.steps.values())
        if not 0 < measured <= METRICS_MAX:
            raise ValueError(f"a formula is over 1 to {METRICS_MAX} metrics, not {measured}")
        if isinstance(list(self.steps.values())[-1], Measure):
            raise ValueError("the last step of a formula is an expression")

    @property
    def result(self) -> str:
        """The id of the last step."""
        return list(self.steps)[-1]


Signal = Measure | Formula


@dataclass(frozen=True, slots=True)
class Samples:
    """When a share is worth looking at: of ``minimum`` or more, or as soon as ``or_bad`` went wrong.

    The second half is for quiet hours, when the minimum is never reached and everything may fail.
    """

    minimum: int
    or_bad: int

    def __str__(self) -> str:
        return f"at least {self.minimum} in a period, or {self.or_bad} gone wrong"


def share(
    bad: Mapping[str, Measure], good: Mapping[str, Measure], samples: Samples, *, of_good: bool = False
) -> Formula:
    """The percentage of bad ones among all (good ones, with ``of_good``), where there are enough samples.

    Where there are too few, it is the harmless value: 0, or 100 with ``of_good``.
    """
    result = "100 * (total - failures) / total" if of_good else "100 * failures / total"
    return Formula(
        {
            **bad,
            **good,
            "failures": " + ".join(f"FILL({name}, 0)" for name in bad),
            "total": " + ".join(["failures", *(f"FILL({name}, 0)" for name in good)]),
            "percent": _guarded(result, samples, 100 if of_good else 0),
        }
    )


def share_of(
    bad: Mapping[str, Measure],
    among: Measure,
    samples: Samples,
    *,
    not_bad: Mapping[str, Measure] | None = None,
    factor: str = "100",
) -> Formula:
    """``factor`` times the share of bad ones in ``among``, which counts the bad ones as well.

    ``not_bad`` are those that ``bad`` counts although nothing is wrong with them.
    """
    not_bad = not_bad or {}
    return Formula(
        {
            **bad,
            **not_bad,
            "among": among,
            "failures": " + ".join(f"FILL({name}, 0)" for name in bad)
            + "".join(f" - FILL({name}, 0)" for name in not_bad),
            "total": "FILL(among, 0)",
            "percent": _guarded(f"{factor} * failures / total", samples, 0),
        }
    )


def total(*measures: Measure) -> Formula:
    """The sum of some metrics, each 0 where it says nothing."""
    named: dict[str, Measure | str] = {f"m{number}": measure for number, measure in enumerate(measures)}
    return Formula({**named, "all": " + ".join(f"FILL({name}, 0)" for name in named)})


def per_second(measure: Measure) -> Formula:
    """How many a second: transactions per second from a count."""
    return Formula({"counted": measure, "tps": "counted / PERIOD(counted)"})


def _guarded(result: str, samples: Samples, otherwise: int) -> str:
    return f"IF(total >= {samples.minimum} OR failures >= {samples.or_bad}, {result}, {otherwise})"


def alarm_queries(formula: Formula, *, period_s: int) -> list[dict[str, Any]]:
    """``formula`` as the metric data queries of an alarm; only its last step is the alarm's."""
    queries: list[dict[str, Any]] = []
    for step_id, step in formula.steps.items():
        if isinstance(step, Measure):
            queries.append(
                {
                    "id": step_id,
                    "returnData": False,
                    "metricStat": {
                        "metric": {
                            "namespace": step.namespace,
                            "metricName": step.name,
                            "dimensions": [
                                {"name": name, "value": value} for name, value in step.dimensions.items()
                            ],
                        },
                        "period": period_s,
                        "stat": step.statistic,
                    },
                }
            )
        else:
            queries.append({"id": step_id, "expression": step, "returnData": step_id == formula.result})
    return queries
