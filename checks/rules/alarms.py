"""Alarms: each can ring, is heard, and says what to do; and nothing that must be watched is unwatched."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from checks.rules.alarm_metrics import MUST_SPEAK
from checks.rules.estate import Estate
from checks.rules.messaging import is_dead_letter_queue
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.signals import ALARM, looks

COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
TOPIC = "AWS::SNS::Topic"
DAY_S = 86_400
SLOW_S = 3_600
"""How long an alarm may look back, unless it watches a budget over days or a certificate."""

SHORT_PERIODS_S = frozenset({10, 20, 30})
ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = re.compile(r"Runbook: (docs/runbooks/[\w-]+\.md)#([\w-]+)")


@rule(
    "HASIVU-ALM-1",
    "PCI DSS 10.4.1",
    "PCI DSS 10.7.2",
    "SOX OP-3",
    remedy="Switch its actions on, and let it speak to the topic of its severity.",
)
def alarms_are_heard(estate: Estate) -> Iterator[Breach]:
    """An alarm's actions are on and reach topics of the estate; one that has none is part of another."""
    parts = {
        part
        for composite in estate.of(COMPOSITE)
        for part in estate.named_in(composite.get("AlarmRule"), composite.stack)
    }
    for alarm in estate.of(ALARM, COMPOSITE):
        if alarm.get("ActionsEnabled") not in {None, True}:
            yield at(alarm, "ActionsEnabled")
        actions = alarm.items("AlarmActions")
        if not actions and alarm not in parts:
            yield at(alarm, "AlarmActions")
        for path in ("AlarmActions", "OKActions", "InsufficientDataActions"):
            for index, action in enumerate(alarm.items(path)):
                target = estate.target(action, alarm.stack)
                if target is None or target.kind != TOPIC or "alarms" not in str(target.get("TopicName")):
                    yield at(alarm, f"{path}.{index}")


@rule(
    "HASIVU-ALM-2",
    "PCI DSS 10.4.1",
    remedy="Use periods of 10, 20, 30 or a multiple of 60 seconds, and look back an hour at most.",
)
def alarms_can_be_evaluated_in_time(estate: Estate) -> Iterator[Breach]:
    """An alarm's periods are ones that CloudWatch knows, and ring while it still matters."""
    for alarm in estate.of(ALARM):
        of, datapoints = alarm.get("EvaluationPeriods"), alarm.get("DatapointsToAlarm")
        if not (isinstance(of, int) and 1 <= of <= 10):
            yield at(alarm, "EvaluationPeriods")
            continue
        if datapoints is not None and not (isinstance(datapoints, int) and 1 <= datapoints <= of):
            yield at(alarm, "DatapointsToAlarm")
        for look in looks(estate, alarm):
            period_s = look.period_s
            if period_s not in SHORT_PERIODS_S and (period_s <= 0 or period_s % 60):
                yield at(alarm, f"{look.path}.Period", shown=str(period_s))
            long_s = 3 * DAY_S if look.name in {"5XXError", "Count", "DaysToExpiry"} else SLOW_S
            limit_s = MUST_SPEAK.get(look.name, long_s)
            if period_s > DAY_S or period_s * of > limit_s:
                yield at(alarm, f"{look.path}.Period", shown=f"{period_s} s, {of} times")


@rule(
    "HASIVU-ALM-8",
    "PCI DSS 10.4.1",
    "PCI DSS 10.7.2",
    remedy="Say what silence means: notBreaching for what is counted, breaching for what must speak.",
)
def silence_means_something(estate: Estate) -> Iterator[Breach]:
    """An alarm says what silence means: nothing happened, or who must speak does not."""
    for alarm in estate.of(ALARM):
        must_speak = any(
            look.statistic == "SampleCount" or look.name in MUST_SPEAK for look in looks(estate, alarm)
        )
        days = any(look.name == "DaysToExpiry" for look in looks(estate, alarm))
        accepted = {"breaching"} if must_speak else {"notBreaching", "breaching"}
        if alarm.get("TreatMissingData") not in accepted | ({"missing"} if days else set()):
            yield at(alarm, "TreatMissingData")
        if alarm.get("EvaluateLowSampleCountPercentile") not in {None, "evaluate", "ignore"}:
            yield at(alarm, "EvaluateLowSampleCountPercentile")


@rule(
    "HASIVU-ALM-9",
    "SOX OP-3",
    "PCI DSS 12.10.1/.5/.7",
    remedy="Name the severity, and the runbook with its heading, in the description.",
)
def alarms_say_what_to_do(estate: Estate) -> Iterator[Breach]:
    """An alarm that is heard says how severe it is, is heard there, and names a runbook that exists."""
    for alarm in estate.of(ALARM, COMPOSITE):
        if not alarm.items("AlarmActions"):
            continue
        text = str(alarm.get("AlarmDescription") or "")
        found = RUNBOOK.search(text)
        if found is None or not _has_heading(ROOT / found.group(1), found.group(2)):
            yield at(alarm, "AlarmDescription", shown="names no runbook that exists")
        severity = re.search(r"Severity: (page|ticket)", text)
        if severity is None:
            yield at(alarm, "AlarmDescription", shown="names no severity")
            continue
        for index, action in enumerate(alarm.items("AlarmActions")):
            topic = estate.target(action, alarm.stack)
            if topic is not None and not str(topic.get("TopicName")).endswith(f"-{severity.group(1)}"):
                yield at(alarm, f"AlarmActions.{index}", shown=f"not where a {severity.group(1)} goes")


def _has_heading(path: Path, anchor: str) -> bool:
    if not path.is_file():
        return False
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return anchor in {
        re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


@rule(
    "HASIVU-ALM-10",
    "PCI DSS 10.4.1",
    remedy="Join alarms of the estate by AND or OR, without a suppressor.",
)
def composite_alarms_join_our_alarms(estate: Estate) -> Iterator[Breach]:
    """A composite alarm rings when alarms of the estate ring, and nothing keeps it quiet."""
    for alarm in estate.of(COMPOSITE):
        text = estate.text(alarm.get("AlarmRule"), alarm.stack)
        named = re.findall(r'ALARM\("?([^")]+)"?\)', text)
        parts = [estate.target(name, alarm.stack) for name in named]
        ours = all(part is not None and part.kind == ALARM for part in parts)
        shape = re.sub(r'ALARM\("?[^")]+"?\)', "A", text)
        if not (parts and ours) or not re.fullmatch(r"A( (AND|OR) A)*", shape):
            yield at(alarm, "AlarmRule", shown=shape)
        if alarm.get("ActionsSuppressor") is not None:
            yield at(alarm, "ActionsSuppressor")


@rule(
    "HASIVU-ALM-11",
    "PCI DSS 10.7.2",
    "SOX OP-3",
    environments=DEPLOYED,
    remedy="Add the alarm in stacks/observability_alarms.py.",
)
def what_must_be_watched_is_watched(estate: Estate) -> Iterator[Breach]:
    """Every function, queue, table, pipe, rule and the API has the alarms that it must have."""
    watched: set[tuple[str, str]] = set()
    for alarm in estate.of(ALARM):
        for look in looks(estate, alarm):
            if look.namespace == "AWS/Lambda" and "Resource" in look.dimensions:
                continue  # it is for the deployments of the function
            watched |= {(look.name, value) for value in look.dimensions.values()}
            watched.add((look.name, look.namespace))
    for kind, path, metrics in WATCHED:
        for resource in estate.of(kind):
            names = (
                {estate.text(resource.get(path), resource.stack), resource.name} if path else {resource.name}
            )
            for metric in metrics:
                if (
                    kind == "AWS::SQS::Queue"
                    and metric.startswith("ApproximateAge")
                    and is_dead_letter_queue(resource)
                ):
                    continue
                if not any((metric, name) in watched for name in names):
                    yield at(resource, "", shown=f"no alarm on {metric}")
    first = next(estate.of(ALARM), None)
    for metric in PROMISED:
        if first is not None and (metric, f"HASIVU/{estate.environment}") not in watched:
            yield Breach(first.stack, first.stack, "", f"no alarm on {metric}")


WATCHED: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("AWS::Lambda::Function", "FunctionName", ("Errors", "Throttles", "ConcurrentExecutions")),
    ("AWS::SQS::Queue", "QueueName", ("ApproximateNumberOfMessagesVisible", "ApproximateAgeOfOldestMessage")),
    ("AWS::DynamoDB::Table", "TableName", ("SystemErrors", "ReadThrottleEvents")),
    ("AWS::ApiGateway::RestApi", "Name", ("5XXError", "Latency")),
    ("AWS::Pipes::Pipe", "Name", ("ExecutionFailed", "Invocations")),
    ("AWS::Events::Rule", "Name", ("FailedInvocations",)),
    ("AWS::CertificateManager::Certificate", "", ("DaysToExpiry",)),
)
"""Which metrics of a resource an alarm must look at."""

PROMISED = (
    "PaymentFailed",
    "PaymentCaptured",
    "PaymentConflicted",
    "WebhookReceived",
    "AuditSealed",
    "HealthChecked",
    "SweepRan",
    "MatchRan",
    "HistoryCompacted",
    "HistoryCompactionFailed",
    "AwsConnectionFailures",
)
"""Which of the platform's own metrics an alarm must look at."""


@rule(
    "HASIVU-ALM-12",
    "SOX OP-3",
    environments=DEPLOYED,
    remedy="Subscribe the address that environments/{env}.toml names.",
)
def alarms_have_listeners(estate: Estate) -> Iterator[Breach]:
    """Somebody listens to every topic of alarms, and CloudWatch may publish on it."""
    from_topics = {
        estate.target(item.get("TopicArn"), item.stack) for item in estate.of("AWS::SNS::Subscription")
    }
    for topic in estate.of(TOPIC):
        if (
            "alarms" in str(topic.get("TopicName"))
            and topic not in from_topics
            and not topic.items("Subscription")
        ):
            yield at(topic, "Subscription")
