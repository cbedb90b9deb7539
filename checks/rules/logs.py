"""Logs: encrypted, kept for as long as the law asks, and in a class that alarms can read."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping

from checks.rules.estate import Estate, Resource
from checks.rules.log_patterns import matcher
from checks.rules.rule import DEPLOYED, SHIELDED, Breach, at, rule

GROUP = "AWS::Logs::LogGroup"
RETENTION_DAYS_MIN = {"sandbox": 1, "dev": 7, "staging": 30, "prod": 365}
"""PCI DSS 10.5.1 asks for a year in production; CERT-In's directions of 2022 for 180 days, in India."""

RETENTION_DAYS_MAX = 3653


@rule(
    "HASIVU-LOG-1",
    "PCI DSS 3.5.1.2",
    "PCI DSS 10.3.1",
    remedy="Set KmsKeyId to a key of the estate.",
)
def logs_are_encrypted_with_our_key(estate: Estate) -> Iterator[Breach]:
    """A log group is encrypted with a key of the estate."""
    for group in estate.of(GROUP):
        if not estate.ours(group, "KmsKeyId", "AWS::KMS::Key"):
            yield at(group, "KmsKeyId")


@rule(
    "HASIVU-LOG-2",
    "PCI DSS 10.5.1",
    "CERT-In 2022",
    "GDPR 5(1)(e)",
    remedy="Keep logs for a year in production, and never for ever.",
)
def logs_are_kept_long_enough_and_not_for_ever(estate: Estate) -> Iterator[Breach]:
    """A log group keeps its lines long enough for the law, and not for ever."""
    least = RETENTION_DAYS_MIN[estate.environment]
    for group in estate.of(GROUP):
        days = group.get("RetentionInDays")
        if not (isinstance(days, int) and least <= days <= RETENTION_DAYS_MAX):
            yield at(group, "RetentionInDays")


@rule(
    "HASIVU-LOG-3",
    "PCI DSS 10.4.1",
    remedy="Use the standard class: metric filters and live reading need it.",
)
def logs_can_raise_alarms(estate: Estate) -> Iterator[Breach]:
    """A log group is of the standard class, the only one that metric filters read."""
    for group in estate.of(GROUP):
        if group.get("LogGroupClass") not in {None, "STANDARD"}:
            yield at(group, "LogGroupClass")


@rule(
    "HASIVU-LOG-4",
    "PCI DSS 10.3.1",
    "GDPR 44-49",
    remedy="Send log lines only to resources of the estate.",
)
def log_lines_stay_inside(estate: Estate) -> Iterator[Breach]:
    """Log lines are passed on only inside the estate."""
    for item in estate.of(
        "AWS::Logs::SubscriptionFilter", "AWS::Logs::AccountPolicy", "AWS::Logs::Destination"
    ):
        if estate.target(item.get("DestinationArn"), item.stack) is None:
            yield at(item, "DestinationArn")


@rule(
    "HASIVU-LOG-5",
    "PCI DSS 10.4.1",
    remedy="Read a log group of the estate, match something, and count it.",
)
def metric_filters_count(estate: Estate) -> Iterator[Breach]:
    """A metric filter reads a log group of the estate, matches something and counts it."""
    for item in estate.of("AWS::Logs::MetricFilter"):
        if not estate.ours(item, "LogGroupName", GROUP):
            yield at(item, "LogGroupName")
        if not _can_match(str(item.get("FilterPattern") or "").strip()):
            yield at(item, "FilterPattern")
        for index, transformation in enumerate(item.items("MetricTransformations")):
            value = str(transformation.get("MetricValue", ""))
            if not (value.startswith("$.") or value == "1"):  # each line counts, and counts once
                yield at(item, f"MetricTransformations.{index}.MetricValue")
            if transformation.get("DefaultValue") not in {None, 0}:
                yield at(item, f"MetricTransformations.{index}.DefaultValue")
            for dimension in transformation.get("Dimensions") or []:
                named = re.fullmatch(r"[a-z_]+", str(dimension.get("Key") or ""))
                if named is None or not str(dimension.get("Value")).startswith("$."):
                    yield at(item, f"MetricTransformations.{index}.Dimensions")
            if transformation.get("MetricNamespace") != f"HASIVU/{estate.environment}":
                yield at(item, f"MetricTransformations.{index}.MetricNamespace")


def _can_match(pattern: str) -> bool:
    """Whether a filter pattern asks for something; one for JSON lines must be readable as such."""
    if not pattern.startswith("{"):
        return bool(pattern)
    try:
        matcher(pattern)
    except ValueError:
        return False
    return True


@rule(
    "HASIVU-LOG-8",
    "PCI DSS 10.4.1",
    remedy="Add the filter to the function's log group (stacks/observability_filters.py).",
)
def every_functions_lines_are_counted(estate: Estate) -> Iterator[Breach]:
    """What a metric filter counts in one function's lines is counted in every function's."""
    counted: dict[Resource, set[str]] = {}
    for function in estate.of("AWS::Lambda::Function"):
        group = estate.target(function.get("LoggingConfig.LogGroup"), function.stack)
        if group is not None:
            counted[group] = set()
    for item in estate.of("AWS::Logs::MetricFilter"):
        group = estate.target(item.get("LogGroupName"), item.stack)
        if group in counted:
            counted[group] |= {str(made.get("MetricName")) for made in item.items("MetricTransformations")}
    for name in set().union(*counted.values()):
        missing = [group for group, names in counted.items() if name not in names]
        if len(missing) < len(counted) / 2:  # what only one function says is that function's own
            for group in missing:
                yield at(group, "", shown=f"{name} is not counted here")


@rule(
    "HASIVU-LOG-9",
    "PCI DSS 10.4.1",
    "PCI DSS 10.7.2",
    remedy="Ask for one metric in the same words everywhere (stacks/observability_filters.py).",
)
def one_metric_is_asked_for_in_the_same_words(estate: Estate) -> Iterator[Breach]:
    """What is counted as one metric in several functions' lines is asked for in the same words, and counted
    in the same way."""
    asked: dict[str, list[tuple[Resource, str]]] = {}
    for item in estate.of("AWS::Logs::MetricFilter"):
        for made in item.items("MetricTransformations"):
            said = [item.get("FilterPattern"), made.get("MetricValue"), made.get("Dimensions")]
            words = json.dumps(said, sort_keys=True, default=str)
            asked.setdefault(str(made.get("MetricName")), []).append((item, words))
    for name, filters in asked.items():
        (usual, _), *_ = Counter(words for _, words in filters).most_common(1)
        for item, words in filters:
            if words != usual:
                yield at(item, "FilterPattern", shown=f"{name} is asked for in other words than elsewhere")


CONNECTION_ERRORS = (
    *("ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError"),
    *("EndpointConnectionError", "SSLError"),
)
COUNTED: Mapping[str, tuple[Mapping[str, str], ...]] = {
    "ApiThrottled": ({"status": "429"},),
    "LoggedFailures": ({"exception_name": "AnyError", "service": "any"},),
    "AuditWriteFailures": ({"message": "the audit line of a refusal could not be written"},),
    "AwsConnectionFailures": tuple(
        {field: name} for name in CONNECTION_ERRORS for field in ("exception_name", "error")
    ),
}
"""Lines as the platform writes them, by the metric that has to count each of them."""

ORDINARY: Mapping[str, str] = {"level": "INFO", "message": "done", "status": "200", "service": "any"}


@rule(
    "HASIVU-LOG-10",
    "PCI DSS 10.4.1",
    "PCI DSS 10.7.2",
    remedy="Ask for the words that the platform logs (COUNTED in checks/rules/logs.py), and for no others.",
)
def what_is_logged_is_counted(estate: Estate) -> Iterator[Breach]:
    """A metric counts each line that it is for, in the words in which it is logged, and no ordinary one."""
    for item in estate.of("AWS::Logs::MetricFilter"):
        lines = [
            line
            for made in item.items("MetricTransformations")
            for line in COUNTED.get(str(made.get("MetricName")), ())
        ]
        pattern = str(item.get("FilterPattern") or "").strip()
        if not (lines and pattern.startswith("{") and _can_match(pattern)):
            continue
        matches = matcher(pattern)
        missed = [line for line in lines if not matches(line)]
        if missed or matches(ORDINARY):
            shown = f"does not count {missed[0]}" if missed else "counts ordinary lines"
            yield at(item, "FilterPattern", shown=shown)


@rule(
    "HASIVU-LOG-6",
    "PCI DSS 10.3.2",
    environments=DEPLOYED,
    remedy="Take the data protection policy's change back, or mask more; never less.",
)
def logs_are_not_taken_apart(estate: Estate) -> Iterator[Breach]:
    """No transformer rewrites what was logged."""
    for item in estate.of("AWS::Logs::Transformer", "AWS::Logs::DeliveryDestination"):
        yield at(item, "", shown=item.kind)


@rule(
    "HASIVU-LOG-7",
    "PCI DSS 10.3.2",
    environments=SHIELDED,
    remedy="Keep the log group when its stack goes.",
)
def logs_outlive_their_stack(estate: Estate) -> Iterator[Breach]:
    """A log group stays when its stack or its name goes."""
    for group in estate.of(GROUP):
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if group.get(f"/{policy}") != "Retain":
                yield at(group, f"/{policy}")
