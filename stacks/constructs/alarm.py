"""The house's alarm: it says how soon, on how much evidence, to whom, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from aws_cdk import Tags
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.constructs.alarm_topics import AlarmTopics, Severity
from stacks.constructs.metric import Formula, Measure, Samples, Signal, alarm_queries

DESCRIPTION_MAX = 1024
RUNBOOKS = "docs/runbooks"

_DAY_S = 86_400
_SHORT_PERIODS_S = frozenset({10, 20, 30})


class Missing(StrEnum):
    """What it means when the metric says nothing."""

    FINE = "notBreaching"
    """Nothing happened."""
    BAD = "breaching"
    """It should have said something."""
    UNKNOWN = "missing"
    """Nothing can be concluded; the alarm says INSUFFICIENT_DATA."""


class Comparison(StrEnum):
    """When a value is bad, in relation to the threshold."""

    ABOVE = "GreaterThanThreshold"
    AT_LEAST = "GreaterThanOrEqualToThreshold"
    BELOW = "LessThanThreshold"


@dataclass(frozen=True, slots=True)
class Sustained:
    """A low-sample guard without a count: it must be bad in ``datapoints`` of the last ``of`` periods."""

    datapoints: int
    of: int


@dataclass(frozen=True, slots=True)
class OneIsEnough:
    """No guard on purpose: the first sample is already worth a person's time, because …"""

    because: str


Guard = Samples | Sustained | OneIsEnough


class Alarm(Construct):
    """An alarm with a generated name, heard on its severity's topic when it begins and when it ends.

    ``meaning`` is one sentence for whoever is woken. ``runbook`` is ``{file}#{anchor}`` under docs/runbooks,
    without ``.md``. ``guard`` keeps a single bad sample from waking anybody: Samples for a formula that
    counts (see ``metric.share``), Sustained for any other signal, OneIsEnough where one sample suffices.
    The value must be bad in ``datapoints`` of ``of`` periods of ``period_s`` seconds.
    ValueError for what CloudWatch would refuse or what could never ring.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topics: AlarmTopics,
        severity: Severity,
        meaning: str,
        runbook: str,
        signal: Signal,
        guard: Guard,
        threshold: float,
        comparison: Comparison,
        missing: Missing,
        period_s: int,
        datapoints: int = 1,
        of: int = 1,
    ) -> None:
        super().__init__(scope, construct_id)
        if isinstance(guard, Sustained):
            datapoints, of = guard.datapoints, guard.of
        _hold(signal, guard, period_s, datapoints, of)
        formula = signal if isinstance(signal, Formula) else None
        measure = signal if isinstance(signal, Measure) else None
        percentile = measure is not None and measure.statistic.startswith("p")
        action = topics[severity].topic_arn
        self.resource = cloudwatch.CfnAlarm(
            self,
            "Alarm",
            alarm_description=describe(
                meaning, severity, _in_words(guard, datapoints, of, period_s), runbook
            ),
            actions_enabled=True,
            alarm_actions=[action],
            ok_actions=[action],
            comparison_operator=comparison.value,
            threshold=threshold,
            datapoints_to_alarm=datapoints,
            evaluation_periods=of,
            treat_missing_data=missing.value,
            metrics=None
            if formula is None
            else [
                cloudwatch.CfnAlarm.MetricDataQueryProperty(
                    id=query["id"],
                    return_data=query["returnData"],
                    expression=query.get("expression"),
                    metric_stat=query.get("metricStat"),
                )
                for query in alarm_queries(formula, period_s=period_s)
            ],
            namespace=measure.namespace if measure else None,
            metric_name=measure.name if measure else None,
            statistic=measure.statistic if measure and not percentile else None,
            extended_statistic=measure.statistic if measure and percentile else None,
            period=period_s if measure else None,
            dimensions=[
                cloudwatch.CfnAlarm.DimensionProperty(name=name, value=value)
                for name, value in measure.dimensions.items()
            ]
            if measure
            else None,
        )
        Tags.of(self).add("severity", severity.value)


class BothAlarms(Construct):
    """Rings while all of ``alarms`` ring: a long window that says it matters, a short one that says it still
    does."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topics: AlarmTopics,
        severity: Severity,
        meaning: str,
        runbook: str,
        guard: str,
        alarms: Sequence[Alarm],
    ) -> None:
        super().__init__(scope, construct_id)
        action = topics[severity].topic_arn
        self.resource = cloudwatch.CfnCompositeAlarm(
            self,
            "Alarm",
            alarm_rule=" AND ".join(f'ALARM("{alarm.resource.ref}")' for alarm in alarms),
            alarm_description=describe(meaning, severity, guard, runbook),
            actions_enabled=True,
            alarm_actions=[action],
            ok_actions=[action],
        )
        Tags.of(self).add("severity", severity.value)


def describe(meaning: str, severity: Severity, guard: str, runbook: str) -> str:
    """What the message of an alarm says: a sentence, then the vocabulary in a fixed form."""
    file, _, anchor = runbook.partition("#")
    text = f"{meaning} Severity: {severity}. Guard: {guard}. Runbook: {RUNBOOKS}/{file}.md#{anchor}"
    if len(text) > DESCRIPTION_MAX or not (file and anchor):
        raise ValueError(f"an alarm's description is at most {DESCRIPTION_MAX} long, its runbook file#anchor")
    return text


def _in_words(guard: Guard, datapoints: int, of: int, period_s: int) -> str:
    sustained = f"bad in {datapoints} of {of} periods of {period_s} s"
    match guard:
        case Samples():
            return f"{guard}; {sustained}"
        case OneIsEnough():
            return f"one is enough, {guard.because}"
        case Sustained():
            return sustained


def _hold(signal: Signal, guard: Guard, period_s: int, datapoints: int, of: int) -> None:
    """Refuse what CloudWatch refuses or what lacks its guard."""
    if period_s not in _SHORT_PERIODS_S and (period_s <= 0 or period_s % 60):
        raise ValueError(f"a period is 10, 20, 30 or a multiple of 60 seconds, not {period_s}")
    if not 0 < datapoints <= of:
        raise ValueError(f"{datapoints} of {of} datapoints can never be bad")
    if period_s > _DAY_S or period_s * of > (7 * _DAY_S if period_s >= 3600 else _DAY_S):
        raise ValueError("CloudWatch looks back at most a day, or seven with periods of an hour or more")
    if isinstance(guard, Samples) and not isinstance(signal, Formula):
        raise ValueError("only a formula counts its samples; use Sustained for a single metric")
    if isinstance(guard, Sustained) and guard.datapoints < 2:
        raise ValueError("one bad period is no guard; say OneIsEnough and why")
