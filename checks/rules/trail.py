"""The trail: it exists, sees everything, is kept where nobody can change it, and is heard."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.log_patterns import Predicate, matcher
from checks.rules.policies import Statement, rights_of, statements_of, statements_on
from checks.rules.rule import DEPLOYED, SHIELDED, Breach, at, rule
from checks.rules.signals import ALARM, looks
from checks.rules.storage import BUCKET, purpose
from checks.rules.trail_calls import ORDINARY, WAKING

TRAIL = "AWS::CloudTrail::Trail"
GROUP = "AWS::Logs::LogGroup"
FILTER = "AWS::Logs::MetricFilter"
TABLE = "AWS::DynamoDB::Table"
RECORDED_BUCKETS = frozenset({"invoices", "audit"})
EVERY_MANAGEMENT_EVENT = [{"Field": "eventCategory", "Equals": ["Management"]}]
CLOUDTRAIL = "Service:cloudtrail.amazonaws.com"


@rule(
    "HASIVU-TRL-1",
    "PCI DSS 10.2.1",
    "PCI DSS 10.3.4",
    environments=DEPLOYED,
    remedy="Let one trail log, validate its files, see every region, and encrypt with a key of the estate.",
)
def the_trail_is_whole(estate: Estate) -> Iterator[Breach]:
    """There is one trail: on, in every region, with validated files under a key of the estate."""
    trails = list(estate.of(TRAIL))
    if len(trails) != 1:
        yield from _at_the_archive(estate, f"{len(trails)} trails are written")
    for trail in trails:
        for path in (
            "IsLogging",
            "EnableLogFileValidation",
            "IsMultiRegionTrail",
            "IncludeGlobalServiceEvents",
        ):
            if trail.get(path) is not True:
                yield at(trail, path)
        if not estate.ours(trail, "KMSKeyId", "AWS::KMS::Key"):
            yield at(trail, "KMSKeyId")


def _at_the_archive(estate: Estate, shown: str) -> Iterator[Breach]:
    """A breach where the trail should be written; at the first stack where even that is missing."""
    archives = [bucket for bucket in estate.of(BUCKET) if purpose(estate, bucket) == "audit"]
    for bucket in archives:
        yield at(bucket, "", shown=shown)
    if not archives:
        stack = next(iter(estate.templates))
        yield Breach(stack, stack, "", shown)


@rule(
    "HASIVU-TRL-2",
    "PCI DSS 10.2.1",
    environments=DEPLOYED,
    remedy="Record all management events; from staging on also the data of tables, invoices and audit.",
)
def the_trail_sees_everything(estate: Estate) -> Iterator[Breach]:
    """The trail records every call, and who reads and writes tables, invoices and audit records."""
    for trail in estate.of(TRAIL):
        if trail.get("EventSelectors") is not None:
            yield at(trail, "EventSelectors", shown="use advanced event selectors")
        selectors = trail.items("AdvancedEventSelectors")
        if not any(selector.get("FieldSelectors") == EVERY_MANAGEMENT_EVENT for selector in selectors):
            yield at(trail, "AdvancedEventSelectors", shown="management events are not all recorded")
        if estate.environment in SHIELDED:
            for resource in _recorded(estate):
                if not any(_records(estate, trail, selector, resource) for selector in selectors):
                    yield at(trail, "AdvancedEventSelectors", shown=f"nothing of {resource.name} is recorded")


def _recorded(estate: Estate) -> Iterator[Resource]:
    yield from estate.of(TABLE)
    for bucket in estate.of(BUCKET):
        if purpose(estate, bucket) in RECORDED_BUCKETS:
            yield bucket


def _records(estate: Estate, trail: Resource, selector: dict[str, Any], resource: Resource) -> bool:
    """Whether the selector records every call on the data of ``resource``."""
    kind = "AWS::DynamoDB::Table" if resource.kind == TABLE else "AWS::S3::Object"
    fields = {str(item.get("Field")): item for item in selector.get("FieldSelectors") or []}
    if fields.keys() != {"eventCategory", "resources.type", "resources.ARN"}:
        return False
    arns = fields["resources.ARN"]
    own = f"/{trail.get('S3KeyPrefix')}/"
    excluded = estate.texts(arns.get("NotStartsWith"), trail.stack)
    if set(arns) - {"Field", "Equals", "StartsWith", "NotStartsWith"} or not all(
        text.endswith(own) for text in excluded
    ):
        return False
    exact = [text for text in estate.texts(arns.get("Equals"), trail.stack) if kind.endswith("Table")]
    below = [text for text in estate.texts(arns.get("StartsWith"), trail.stack) if text.endswith(">/")]
    return (
        fields["eventCategory"].get("Equals") == ["Data"]
        and fields["resources.type"].get("Equals") == [kind]
        and any(resource in estate.targets(text, trail.stack) for text in exact + below)
    )


@rule(
    "HASIVU-TRL-3",
    "PCI DSS 10.3.2",
    "SOX AT-2",
    environments=DEPLOYED,
    remedy="Write the trail, below a prefix, to the locked bucket for audit, and let it and nobody else in.",
)
def the_trail_is_kept_locked(estate: Estate) -> Iterator[Breach]:
    """The trail may write, and writes to the estate's locked bucket for audit."""
    for trail in estate.of(TRAIL):
        bucket = estate.target(trail.get("S3BucketName"), trail.stack)
        if (
            bucket is None
            or purpose(estate, bucket) != "audit"
            or bucket.get("ObjectLockEnabled") is not True
        ):
            yield at(trail, "S3BucketName")
            continue
        lets_in = [
            item
            for item in statements_on(estate, bucket, "AWS::S3::BucketPolicy")
            if CLOUDTRAIL in item.principals
        ]
        objects = f"/{trail.get('S3KeyPrefix')}/AWSLogs/"
        if not any(
            item.allows
            and item.covers("s3:PutObject")
            and _is_of(item, trail)
            and any(objects in text and text.endswith("/*") for text in item.resources)
            for item in lets_in
        ) or not any(
            item.allows and item.covers("s3:GetBucketAcl") and _is_of(item, trail) for item in lets_in
        ):
            yield at(trail, "S3BucketName", shown="the bucket does not let the trail in")
        key = estate.target(trail.get("KMSKeyId"), trail.stack)
        if key is not None and not any(
            CLOUDTRAIL in item.principals
            and item.allows
            and item.covers("kms:GenerateDataKey")
            and item.covers("kms:DescribeKey")
            and _is_of(item, trail)
            for item in statements_of(estate, key)
        ):
            yield at(trail, "KMSKeyId", shown="the key does not let the trail in")


def _is_of(statement: Statement, trail: Resource) -> bool:
    """Whether the statement is for this trail alone, by its name."""
    named = re.compile(rf":trail/{re.escape(str(trail.get('TrailName')))}(?![\w-])")
    return any(
        "Equals" in operator and all(named.search(value) and "*" not in value for value in values)
        for operator, values in statement.condition("aws:SourceArn")
    )


@rule(
    "HASIVU-TRL-4",
    "PCI DSS 10.4.1",
    "PCI DSS 10.7.2",
    environments=DEPLOYED,
    remedy="Count the call in the trail's log (stacks/trail_patterns.py), and ring at the first.",
)
def what_must_wake_somebody_is_heard(estate: Estate) -> Iterator[Breach]:
    """What must wake somebody rings at its first line in the trail: each call of trail_calls.WAKING."""
    for trail in estate.of(TRAIL):
        if not _reaches_its_log(estate, trail):
            yield at(trail, "CloudWatchLogsLogGroupArn")
        heard = [matches for matches, rings in _filters(estate, trail) if rings]
        for name, call in WAKING.items():
            if not any(matches(call) for matches in heard):
                yield at(trail, "", shown=f"{name} wakes nobody")


def _reaches_its_log(estate: Estate, trail: Resource) -> bool:
    """Whether the trail writes to a log group of the estate under a role that may."""
    group = estate.target(trail.get("CloudWatchLogsLogGroupArn"), trail.stack)
    role = estate.target(trail.get("CloudWatchLogsRoleArn"), trail.stack)
    if group is None or group.kind != GROUP or role is None:
        return False
    rights = [item for item in rights_of(estate, role) if group in estate.targets(item.resources[0], "")]
    return all(
        any(item.covers(action) for item in rights)
        for action in ("logs:CreateLogStream", "logs:PutLogEvents")
    )


def _filters(estate: Estate, trail: Resource) -> Iterator[tuple[Predicate, bool]]:
    """Each metric filter of the trail's log, and whether an alarm rings at its first match."""
    group = estate.target(trail.get("CloudWatchLogsLogGroupArn"), trail.stack)
    rings = _rung_at_the_first(estate)
    for item in estate.of(FILTER):
        if group is None or estate.target(item.get("LogGroupName"), item.stack) != group:
            continue
        counted = {
            str(made.get("MetricName"))
            for made in item.items("MetricTransformations")
            if str(made.get("MetricValue")) == "1"
        }
        try:
            yield matcher(str(item.get("FilterPattern"))), bool(counted & rings)
        except ValueError:
            continue


def _rung_at_the_first(estate: Estate) -> set[str]:
    """Metrics of our own of which one is enough for some alarm that is heard."""
    return {
        look.name
        for alarm in estate.of(ALARM)
        for look in looks(estate, alarm)
        if look.path == "MetricName"
        and look.statistic == "Sum"
        and look.namespace == f"HASIVU/{estate.environment}"
        and not look.dimensions
        and (alarm.get("ComparisonOperator"), alarm.get("Threshold"))
        in {("GreaterThanOrEqualToThreshold", 1), ("GreaterThanThreshold", 0)}
        and int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods") or 0) == 1
        and alarm.get("ActionsEnabled") in {None, True}
        and alarm.items("AlarmActions")
    }


@rule(
    "HASIVU-TRL-5",
    "PCI DSS 10.4.1",
    environments=DEPLOYED,
    remedy="Narrow the filter: what rings every day is switched off one night.",
)
def nothing_ordinary_wakes_anybody(estate: Estate) -> Iterator[Breach]:
    """What happens every day, or with every deployment, wakes nobody."""
    for trail in estate.of(TRAIL):
        group = estate.target(trail.get("CloudWatchLogsLogGroupArn"), trail.stack)
        for item in estate.of(FILTER):
            if group is not None and estate.target(item.get("LogGroupName"), item.stack) == group:
                for name in _ordinary_matches(str(item.get("FilterPattern"))):
                    yield at(item, "FilterPattern", shown=f"matches {name}")


def _ordinary_matches(pattern: str) -> Iterator[str]:
    try:
        matches = matcher(pattern)
    except ValueError:
        return  # LOG-5 names it
    yield from (name for name, call in ORDINARY.items() if matches(call))


@rule(
    "HASIVU-TRL-6",
    "PCI DSS 10.7.2",
    environments=DEPLOYED,
    remedy="Ring when the trail's log gets no line for an hour; silence is bad there.",
)
def a_silent_trail_is_heard(estate: Estate) -> Iterator[Breach]:
    """When the trail says nothing for an hour, somebody is told."""
    watched = {
        target
        for alarm in estate.of(ALARM)
        for look in looks(estate, alarm)
        if (look.namespace, look.name) == ("AWS/Logs", "IncomingLogEvents")
        and alarm.get("TreatMissingData") == "breaching"
        for target in estate.targets(look.dimensions.get("LogGroupName", ""), alarm.stack)
    }
    for trail in estate.of(TRAIL):
        group = estate.target(trail.get("CloudWatchLogsLogGroupArn"), trail.stack)
        if group is None or group not in watched:
            yield at(trail, "CloudWatchLogsLogGroupArn", shown="nobody hears it fall silent")
