"""Alarms, dashboards, log groups and metric filters beside what the templates say."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Line, Probe, Read
from checks.probes.normal import parsed
from checks.probes.read import answer, lines_of, member, physical_id, prop, then, upper
from checks.probes.running import Live

ALARM, COMPOSITE = "AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"
LOG_GROUP, FILTER = "AWS::Logs::LogGroup", "AWS::Logs::MetricFilter"

BLIND_AT_MOST = timedelta(days=3)
"""A weekend may pass without a payment; an alarm that sees nothing for longer sees nothing at all."""

ALARMS = Probe(
    name="alarms",
    title="Every alarm on one metric is there, on, and as sharp as its template",
    remedy="Deploy again, enable the alarm's actions; look in the trail for who changed or deleted it.",
    controls=("PCI DSS 10.4.1.1", "PCI DSS 10.7.2", "SOX OP-3"),
)
COMPUTED = Probe(
    name="computed-alarms",
    title="Every alarm on computed metrics or on other alarms is there, on, and as its template",
    remedy="Deploy again, enable the alarm's actions; look in the trail for who changed or deleted it.",
    controls=("PCI DSS 10.4.1.1", "PCI DSS 10.7.2", "SOX OP-3"),
)
SEEING = Probe(
    name="alarm-data",
    title=f"No alarm has been without data for more than {BLIND_AT_MOST.days} days",
    remedy="Find out why the metric is not sent any more; until then the alarm cannot ring.",
    controls=("PCI DSS 10.7.2",),
)
DASHBOARDS = Probe(
    name="dashboards",
    title="Dashboards show what the templates say",
    remedy="Deploy again; keep what somebody added by hand by adding it to the template.",
    controls=("SOX OP-3",),
)
LOGS = Probe(
    name="log-retention",
    title="Logs are kept for as long as the templates say",
    remedy="Put the retention back at once; what was shortened is deleted within hours.",
    controls=("PCI DSS 10.5.1", "GDPR 5(1)(e)"),
)
LOG_ENCRYPTION = Probe(
    name="log-encryption",
    title="Logs are encrypted with the keys of the templates, and sent on to nobody",
    remedy="Associate the key again, remove what sends lines on; look in the trail for who changed it.",
    controls=("PCI DSS 10.3.2", "GDPR 32(1)(a)"),
)
FILTERS = Probe(
    name="metric-filters",
    title="Logs are counted by the filters of the templates",
    remedy="Deploy again; what was logged meanwhile was not counted.",
    controls=("PCI DSS 10.4.1.1",),
)


def _has_one_metric(live: Live) -> bool:
    return live.resource.get("Metrics") is None


def _computes(live: Live) -> bool:
    return not _has_one_metric(live)


def _alarm(path: str) -> Read:
    return member(
        "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName", path, AlarmTypes=["MetricAlarm"]
    )


def _composite(path: str) -> Read:
    return member(
        "cloudwatch", "describe_alarms", "CompositeAlarms", "AlarmName", path, AlarmTypes=["CompositeAlarm"]
    )


COMMON = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmDescription",
    "ComparisonOperator",
    "DatapointsToAlarm",
    "EvaluationPeriods",
    "OKActions",
    "Threshold",
    "TreatMissingData",
)
OF_ONE_METRIC = ("Dimensions", "ExtendedStatistic", "MetricName", "Namespace", "Period", "Statistic")


def _is_blind(account: Account, live: Live) -> str | None:
    found = _alarm("")(account, live)
    since = found.get("StateUpdatedTimestamp")
    if found.get("StateValue") != "INSUFFICIENT_DATA" or since is None:
        return None
    if live.running.now - since <= BLIND_AT_MOST:
        return None
    return f"has had no data since {since:%Y-%m-%d}"


def _transformations(found: Any) -> Any:
    """Dimensions are a mapping here and a list in templates."""
    transformed = []
    for item in found:
        renamed = upper({key: inner for key, inner in item.items() if key != "dimensions"})
        if dimensions := item.get("dimensions"):
            renamed["Dimensions"] = [{"Key": key, "Value": inner} for key, inner in dimensions.items()]
        transformed.append(renamed)
    return transformed


def _is_sent_nowhere(account: Account, live: Live) -> str | None:
    """No template has log lines sent on as they come."""
    found = account.all(
        "logs",
        "describe_subscription_filters",
        "subscriptionFilters",
        region=live.region,
        logGroupName=live.physical_id,
    )
    return f"is sent to {found[0].get('destinationArn')}, which no template does" if found else None


def _filter(path: str) -> Read:
    return member(
        "logs",
        "describe_metric_filters",
        "metricFilters",
        "filterName",
        path,
        logGroupName=prop("LogGroupName"),
    )


def _group(path: str) -> Read:
    return member(
        "logs",
        "describe_log_groups",
        "logGroups",
        "logGroupName",
        path,
        logGroupNamePrefix=physical_id,
    )


LINES = (
    *lines_of(ALARM, ALARMS, _alarm, *COMMON, *OF_ONE_METRIC, where=_has_one_metric),
    *lines_of(ALARM, COMPUTED, _alarm, *COMMON, "Metrics", where=_computes),
    *lines_of(
        COMPOSITE,
        COMPUTED,
        _composite,
        "ActionsEnabled",
        "AlarmActions",
        "AlarmDescription",
        "AlarmRule",
        "OKActions",
    ),
    Line(
        kind="AWS::CloudWatch::Dashboard",
        path="DashboardBody",
        probe=DASHBOARDS,
        read=answer("cloudwatch", "get_dashboard", "DashboardBody", DashboardName=physical_id),
        normal=parsed,
        exact=True,
    ),
    Line(kind=LOG_GROUP, path="RetentionInDays", probe=LOGS, read=_group("retentionInDays"), unsaid=None),
    Line(kind=LOG_GROUP, path="LogGroupName", probe=LOGS, read=_group("logGroupName")),
    Line(kind=LOG_GROUP, path="KmsKeyId", probe=LOG_ENCRYPTION, read=_group("kmsKeyId")),
    Line(kind=FILTER, path="FilterPattern", probe=FILTERS, read=_filter("filterPattern")),
    Line(kind=FILTER, path="LogGroupName", probe=FILTERS, read=_filter("logGroupName")),
    Line(
        kind=FILTER,
        path="MetricTransformations",
        probe=FILTERS,
        read=then(_filter("metricTransformations"), _transformations),
    ),
)
FACTS = (
    Fact(kind=ALARM, name="data", probe=SEEING, wrong=_is_blind, where=_has_one_metric),
    Fact(kind=LOG_GROUP, name="subscriptions", probe=LOG_ENCRYPTION, wrong=_is_sent_nowhere),
)
