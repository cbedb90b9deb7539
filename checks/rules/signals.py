"""What alarms look at: metrics that exist, of our resources, compared with what the service promises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.rules.alarm_metrics import (
    FAILURES_MAX,
    FORMS,
    FORMULA_LIMITS,
    MUST_SPEAK,
    SAMPLES_MAX,
    SUM,
    Known,
    Limit,
    of_aws,
    of_the_runtime,
)
from checks.rules.estate import Estate, Resource
from checks.rules.messaging import is_dead_letter_queue
from checks.rules.rule import Breach, at, rule

ALARM = "AWS::CloudWatch::Alarm"
BAD_ABOVE = frozenset({"GreaterThanThreshold", "GreaterThanOrEqualToThreshold"})
BAD_BELOW = frozenset({"LessThanThreshold", "LessThanOrEqualToThreshold"})

DAYS_TO_EXPIRY_MIN = 14
"""A certificate that did not renew itself is somebody's work for days: mails, approvals, a change."""

PHYSICAL_NAMES = {
    "FunctionName": (("AWS::Lambda::Function", "FunctionName"),),
    "QueueName": (("AWS::SQS::Queue", "QueueName"),),
    "TableName": (("AWS::DynamoDB::Table", "TableName"),),
    "TopicName": (("AWS::SNS::Topic", "TopicName"),),
    "ApiName": (("AWS::ApiGateway::RestApi", "Name"),),
    "Stage": (("AWS::ApiGateway::Stage", "StageName"),),
    "PipeName": (("AWS::Pipes::Pipe", "Name"),),
    "RuleName": (("AWS::Events::Rule", "Name"),),
    "EventBusName": (("AWS::Events::EventBus", "Name"),),
    "BackupVaultName": (("AWS::Backup::BackupVault", "BackupVaultName"),),
    "LogGroupName": (("AWS::Logs::LogGroup", "LogGroupName"),),
    "WebACL": (("AWS::WAFv2::WebACL", "VisibilityConfig.MetricName"),),
    "CertificateArn": (("AWS::CertificateManager::Certificate", ""),),
}
"""Which resource a dimension names: its kinds, and the property that holds the name."""


@dataclass(frozen=True, slots=True)
class Look:
    """One metric that an alarm looks at."""

    alarm: Resource
    path: str
    namespace: str
    name: str
    statistic: str
    dimensions: Mapping[str, str]
    period_s: int


def looks(estate: Estate, alarm: Resource) -> Iterator[Look]:
    """Each metric that ``alarm`` looks at."""
    if alarm.get("MetricName") is not None:
        statistic = alarm.get("Statistic") or alarm.get("ExtendedStatistic")
        yield _look(estate, alarm, "MetricName", alarm.properties, str(statistic), alarm.get("Period"))
    for index, query in enumerate(alarm.items("Metrics")):
        stat = query.get("MetricStat")
        if isinstance(stat, Mapping):
            metric = stat.get("Metric", {})
            yield _look(estate, alarm, f"Metrics.{index}", metric, str(stat.get("Stat")), stat.get("Period"))


def _look(
    estate: Estate, alarm: Resource, path: str, metric: Mapping[str, Any], statistic: str, period_s: Any
) -> Look:
    dimensions = {
        str(item.get("Name")): estate.text(item.get("Value"), alarm.stack)
        for item in metric.get("Dimensions") or []
    }
    return Look(
        alarm,
        path,
        estate.text(metric.get("Namespace"), alarm.stack),
        str(metric.get("MetricName")),
        statistic,
        dimensions,
        period_s if isinstance(period_s, int) else 0,
    )


def known(estate: Estate, look: Look) -> Known | None:
    """What is known of the metric that is looked at; None if nobody emits it."""
    if look.namespace != f"HASIVU/{estate.environment}":
        return of_aws(look.namespace, look.name)
    for item in estate.of("AWS::Logs::MetricFilter"):
        for made in item.items("MetricTransformations"):
            if made.get("MetricName") == look.name and made.get("MetricNamespace") == look.namespace:
                keys = frozenset(str(part.get("Key")) for part in made.get("Dimensions") or [])
                return Known(frozenset({"Sum"}), (keys,), 1_000)
    return of_the_runtime(look.name)


@rule(
    "HASIVU-ALM-3",
    "PCI DSS 10.4.1",
    "PCI DSS 10.7.2",
    remedy="Name a metric that exists: AWS's (checks/telemetry/documented.py), the runtime's or a filter's.",
)
def alarms_look_at_metrics_that_exist(estate: Estate) -> Iterator[Breach]:
    """An alarm looks at metrics that somebody emits, under the dimensions that they have."""
    for alarm in estate.of(ALARM):
        seen = list(looks(estate, alarm))
        if not seen:
            yield at(alarm, "Metrics", shown="looks at no metric")
        for look in seen:
            found = known(estate, look)
            if found is None:
                yield at(alarm, look.path, shown=f"{look.namespace} {look.name}: nobody emits it")
            elif frozenset(look.dimensions) not in found.dimensions:
                yield at(alarm, f"{look.path}.Dimensions", shown=f"{look.name} by {sorted(look.dimensions)}")


@rule(
    "HASIVU-ALM-4",
    "PCI DSS 10.4.1",
    remedy="Sum what is counted, take the maximum of what stands, a high percentile of what lasts.",
)
def alarms_use_a_statistic_that_means_something(estate: Estate) -> Iterator[Breach]:
    """An alarm uses a statistic under which its metric can be bad."""
    for alarm in estate.of(ALARM):
        for look in looks(estate, alarm):
            found = known(estate, look)
            if found is not None and look.statistic not in found.statistics:
                yield at(alarm, f"{look.path}.Stat", shown=f"{look.statistic} of {look.name}")
            if look.statistic == "SampleCount" and alarm.get("ComparisonOperator") not in BAD_BELOW:
                yield at(alarm, f"{look.path}.Stat", shown=f"{look.statistic} of {look.name}")


@rule(
    "HASIVU-ALM-5",
    "PCI DSS 10.4.1",
    remedy="Name a function, queue, table … of the estate.",
)
def alarms_look_at_our_resources(estate: Estate) -> Iterator[Breach]:
    """An alarm's dimensions name resources of the estate."""
    for alarm in estate.of(ALARM):
        for look in looks(estate, alarm):
            for name, value in look.dimensions.items():
                kinds = PHYSICAL_NAMES.get(name)
                if value.startswith("<?") or not value:
                    yield at(alarm, f"{look.path}.Dimensions.{name}")
                elif kinds and not _is_ours(estate, alarm, value, kinds):
                    yield at(alarm, f"{look.path}.Dimensions.{name}", shown=value)


def _is_ours(estate: Estate, alarm: Resource, value: str, kinds: tuple[tuple[str, str], ...]) -> bool:
    for kind, path in kinds:
        if any(target.kind == kind for target in estate.targets(value, alarm.stack)):
            return True
        for item in estate.of(kind):
            if path and estate.text(item.get(path), item.stack) == value:
                return True
    return False


@rule(
    "HASIVU-ALM-6",
    "PCI DSS 10.4.1",
    "SOX OP-3",
    remedy="Set the threshold that the service promises; see FORMULA_LIMITS and AWS in alarm_metrics.py.",
)
def alarms_ring_before_promises_are_broken(estate: Estate) -> Iterator[Breach]:
    """An alarm's threshold can be reached, on the bad side, before a promise is broken."""
    for alarm in estate.of(ALARM):
        threshold, operator = alarm.get("Threshold"), alarm.get("ComparisonOperator")
        if not isinstance(threshold, int | float) or operator not in BAD_ABOVE | BAD_BELOW:
            yield at(alarm, "Threshold" if operator in BAD_ABOVE | BAD_BELOW else "ComparisonOperator")
        elif alarm.get("MetricName") is not None:
            yield from _of_one_metric(estate, alarm, float(threshold), str(operator))
        else:
            yield from _of_a_formula(estate, alarm, float(threshold), str(operator))


def _of_one_metric(estate: Estate, alarm: Resource, threshold: float, operator: str) -> Iterator[Breach]:
    look = next(looks(estate, alarm))
    below = look.name == "DaysToExpiry" or look.name in MUST_SPEAK or look.statistic == "SampleCount"
    if (operator in BAD_BELOW) is not below:
        yield at(alarm, "ComparisonOperator")
    found = known(estate, look)
    highest = found.threshold_max if found else 0.0
    queue = estate.named("AWS::SQS::Queue", "QueueName", look.dimensions.get("QueueName", ""))
    queue = queue or estate.target(look.dimensions.get("QueueName", ""), alarm.stack)
    if queue is not None and is_dead_letter_queue(queue):
        highest = 1 if operator == "GreaterThanOrEqualToThreshold" else 0
    lowest = DAYS_TO_EXPIRY_MIN if look.name == "DaysToExpiry" else 1 if below else 0
    if not lowest <= threshold <= highest:
        yield at(alarm, "Threshold")


def _of_a_formula(estate: Estate, alarm: Resource, threshold: float, operator: str) -> Iterator[Breach]:
    returned = [query for query in alarm.items("Metrics") if query.get("ReturnData") is not False]
    if len(returned) != 1 or "Expression" not in returned[0]:
        yield at(alarm, "Metrics", shown=f"{len(returned)} series are returned")
        return
    factor = re.search(r"\b(100|1000) \*", str(returned[0]["Expression"]))
    names = sorted({look.name for look in looks(estate, alarm)})
    limit = FORMULA_LIMITS.get((factor.group(1) if factor else "", *names)) or _of_a_sum(
        estate, alarm, str(returned[0]["Expression"])
    )
    if limit is None:
        yield at(alarm, "Metrics", shown=f"no promise is known of {', '.join(names)}")
        return
    if (operator in BAD_ABOVE) is not limit.above:
        yield at(alarm, "ComparisonOperator")
    if not limit.lowest <= threshold <= limit.highest:
        yield at(alarm, "Threshold")


def _of_a_sum(estate: Estate, alarm: Resource, expression: str) -> Limit | None:
    """A plain sum of failures is bad above the lowest limit of what it adds up."""
    found = [known(estate, look) for look in looks(estate, alarm)]
    if re.fullmatch(SUM, expression) is None or not all(found):
        return None
    return Limit(True, 0, min(item.threshold_max for item in found if item is not None))


@rule(
    "HASIVU-ALM-7",
    "PCI DSS 10.4.1",
    remedy="Use one of the forms in alarm_metrics.py, over series that the alarm has.",
)
def formulas_can_reach_their_threshold(estate: Estate) -> Iterator[Breach]:
    """A formula has a form that can reach its threshold, over all the series that the alarm has."""
    for alarm in estate.of(ALARM):
        queries = alarm.items("Metrics")
        ids = {str(query.get("Id")) for query in queries}
        used: set[str] = set()
        for index, query in enumerate(queries):
            expression = query.get("Expression")
            if (expression is None) is (query.get("MetricStat") is None):
                yield at(alarm, f"Metrics.{index}", shown="neither a metric nor a formula")
            if query.get("ReturnData") is not False:
                used.add(str(query.get("Id")))
            if expression is None:
                continue
            text = str(expression)
            words = set(re.findall(r"\b[a-z]\w*\b", text))
            used |= words & ids
            if (
                not any(re.fullmatch(form, text) for form in FORMS)
                or words - ids
                or any(int(number) > SAMPLES_MAX for number in re.findall(r">= (\d+)", text))
                or any(int(number) > FAILURES_MAX for number in re.findall(r"failures >= (\d+)", text))
            ):
                yield at(alarm, f"Metrics.{index}.Expression")
        if ids - used:
            yield at(alarm, "Metrics", shown=f"{', '.join(sorted(ids - used))} is never used")
