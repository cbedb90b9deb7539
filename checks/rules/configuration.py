"""AWS Config and Access Analyzer: the running account is recorded, held against rules, and heard."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.logs import RETENTION_DAYS_MIN
from checks.rules.policies import statements_of, statements_on
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.storage import BUCKET, purpose

RECORDER = "AWS::Config::ConfigurationRecorder"
CHANNEL = "AWS::Config::DeliveryChannel"
LIVE_RULE = "AWS::Config::ConfigRule"
ANALYZER = "AWS::AccessAnalyzer::Analyzer"
EVENT_RULE = "AWS::Events::Rule"
CONFIG = "Service:config.amazonaws.com"
SERVICE_ROLE = ":role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"

LIVE_RULES = frozenset(
    {
        "API_GW_ASSOCIATED_WITH_WAF",
        "BACKUP_RECOVERY_POINT_ENCRYPTED",
        "BACKUP_RECOVERY_POINT_MANUAL_DELETION_DISABLED",
        "BACKUP_RECOVERY_POINT_MINIMUM_RETENTION_CHECK",
        "CLOUD_TRAIL_ENCRYPTION_ENABLED",
        "CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED",
        "CMK_BACKING_KEY_ROTATION_ENABLED",
        "CW_LOGGROUP_RETENTION_PERIOD_CHECK",
        "DYNAMODB_IN_BACKUP_PLAN",
        "DYNAMODB_PITR_ENABLED",
        "DYNAMODB_TABLE_DELETION_PROTECTION_ENABLED",
        "DYNAMODB_TABLE_ENCRYPTED_KMS",
        "IAM_ROOT_ACCESS_KEY_CHECK",
        "KMS_CMK_NOT_SCHEDULED_FOR_DELETION",
        "MFA_ENABLED_FOR_IAM_CONSOLE_ACCESS",
        "S3_BUCKET_PUBLIC_WRITE_PROHIBITED",
        "S3_BUCKET_VERSIONING_ENABLED",
        "SNS_ENCRYPTED_KMS",
        "LAMBDA_FUNCTION_PUBLIC_ACCESS_PROHIBITED",
        "MULTI_REGION_CLOUD_TRAIL_ENABLED",
        "ROOT_ACCOUNT_MFA_ENABLED",
        "S3_BUCKET_LEVEL_PUBLIC_ACCESS_PROHIBITED",
        "S3_BUCKET_PUBLIC_READ_PROHIBITED",
        "S3_BUCKET_SSL_REQUESTS_ONLY",
        "SECRETSMANAGER_USING_CMK",
        "WAFV2_LOGGING_ENABLED",
    }
)
"""Managed rules that no account goes without: each asks of it what a house rule asks of templates."""

HEARD: tuple[tuple[str, Mapping[str, Any]], ...] = (
    (
        "a resource that does not hold a live rule",
        {
            "source": ["aws.config"],
            "detail-type": ["Config Rules Compliance Change"],
            "detail": {"newEvaluationResult": {"complianceType": ["NON_COMPLIANT"]}},
        },
    ),
    (
        "a resource that is open to others",
        {
            "source": ["aws.access-analyzer"],
            "detail-type": ["Access Analyzer Finding"],
            "detail": {"status": ["ACTIVE"]},
        },
    ),
    (
        "a backup that could not be copied",
        {
            "source": ["aws.backup"],
            "detail-type": ["Copy Job State Change"],
            "detail": {"state": ["FAILED", "ABORTED", "EXPIRED", "PARTIAL"]},
        },
    ),
)
"""What AWS finds while the account runs, and the events by which it says so."""


@rule(
    "HASIVU-CFG-1",
    "PCI DSS 11.5.2",
    "PCI DSS 1.2.8",
    environments=DEPLOYED,
    remedy="Record every kind of resource, global ones too, continuously, under Config's own role.",
)
def configuration_is_recorded(estate: Estate) -> Iterator[Breach]:
    """AWS Config records every kind of resource, continuously, and changes none."""
    recorders = list(estate.of(RECORDER))
    if not recorders:
        yield from _at_the_history(estate, "no recorder")
    for recorder in recorders:
        group = recorder.get("RecordingGroup")
        if group != {"AllSupported": True, "IncludeGlobalResourceTypes": True}:
            yield at(recorder, "RecordingGroup")
        mode = recorder.get("RecordingMode")
        if mode is not None and mode != {"RecordingFrequency": "CONTINUOUS"}:
            yield at(recorder, "RecordingMode")
        if not estate.text(recorder.get("RoleARN"), recorder.stack).endswith(SERVICE_ROLE):
            yield at(recorder, "RoleARN")
    for item in estate.of("AWS::Config::RemediationConfiguration", "AWS::Config::OrganizationConfigRule"):
        yield at(item, "", shown=item.kind)


def _at_the_history(estate: Estate, shown: str) -> Iterator[Breach]:
    """A breach where the history should be written; at the first stack where even that is missing."""
    buckets = [bucket for bucket in estate.of(BUCKET) if purpose(estate, bucket) == "config"]
    for bucket in buckets:
        yield at(bucket, "", shown=shown)
    if not buckets:
        stack = next(iter(estate.templates))
        yield Breach(stack, stack, "", shown)


@rule(
    "HASIVU-CFG-2",
    "PCI DSS 11.5.2",
    environments=DEPLOYED,
    remedy="Deliver to the unlocked bucket for configuration (Config refuses a lock), under a key of ours.",
)
def configuration_is_delivered(estate: Estate) -> Iterator[Breach]:
    """What AWS Config records is delivered, encrypted, into the estate's bucket for it."""
    channels = list(estate.of(CHANNEL))
    if not channels:
        yield from _at_the_history(estate, "no delivery channel")
    for channel in channels:
        bucket = estate.target(channel.get("S3BucketName"), channel.stack)
        if bucket is None or purpose(estate, bucket) != "config" or bucket.get("ObjectLockEnabled"):
            yield at(channel, "S3BucketName")
            continue
        said = statements_on(estate, bucket, "AWS::S3::BucketPolicy")
        for action in ("s3:PutObject", "s3:GetBucketAcl"):
            if not any(item.allows and CONFIG in item.principals and item.covers(action) for item in said):
                yield at(channel, "S3BucketName", shown=f"Config may not {action}")
        key = estate.target(channel.get("S3KmsKeyArn"), channel.stack)
        if key is None or not any(
            item.allows and CONFIG in item.principals and item.covers("kms:GenerateDataKey")
            for item in statements_of(estate, key)
        ):
            yield at(channel, "S3KmsKeyArn")


@rule(
    "HASIVU-CFG-3",
    "PCI DSS 11.5.2",
    "PCI DSS 2.2.1",
    environments=DEPLOYED,
    remedy="Add the managed rule in stacks/governance_config.py, whole, and as strict as the house's.",
)
def live_rules_hold_the_account(estate: Estate) -> Iterator[Breach]:
    """AWS Config holds every resource of the account against what the house rules ask of the templates."""
    present = {str(item.get("Source.SourceIdentifier")) for item in estate.of(LIVE_RULE) if _is_whole(item)}
    for recorder in estate.of(RECORDER):
        for identifier in sorted(LIVE_RULES - present):
            yield at(recorder, "", shown=f"{identifier} is not held")
    for item in estate.of(LIVE_RULE):
        if not _is_whole(item):
            yield at(item, "Scope" if item.get("Scope") else "Source")
        for name, least in (
            ("MinRetentionTime", RETENTION_DAYS_MIN[estate.environment]),
            ("requiredRetentionDays", 35),
        ):
            asked = _parameters(item).get(name)
            if asked is not None and int(asked) < least:
                yield at(item, "InputParameters")
        if set(_parameters(item)) - {"MinRetentionTime", "requiredRetentionDays"}:
            yield at(item, "InputParameters")


def _is_whole(item: Resource) -> bool:
    """Whether the rule is AWS's own, for every resource."""
    return (
        item.get("Source.Owner") == "AWS"
        and item.get("Scope") is None
        and item.get("EvaluationModes") is None
    )


def _parameters(item: Resource) -> Mapping[str, Any]:
    given = item.get("InputParameters") or {}
    parsed = json.loads(given) if isinstance(given, str) else given
    return parsed if isinstance(parsed, Mapping) else {}


@rule(
    "HASIVU-CFG-4",
    "PCI DSS 1.4.4",
    "PCI DSS 11.5.2",
    environments=DEPLOYED,
    remedy="Analyse the whole account, without archive rules.",
)
def access_from_outside_is_analysed(estate: Estate) -> Iterator[Breach]:
    """IAM Access Analyzer looks at the whole account, and forgets nothing that it finds."""
    analyzers = list(estate.of(ANALYZER))
    if not analyzers:
        yield from _at_the_history(estate, "no access analyzer")
    for analyzer in analyzers:
        if analyzer.get("Type") not in {"ACCOUNT", "ORGANIZATION"}:
            yield at(analyzer, "Type")
        if analyzer.items("ArchiveRules"):
            yield at(analyzer, "ArchiveRules")


@rule(
    "HASIVU-CFG-5",
    "PCI DSS 10.4.1",
    "PCI DSS 11.5.2",
    environments=DEPLOYED,
    remedy="Take the event from the account's own bus to a topic of alarms (stacks/governance_findings.py).",
)
def what_aws_finds_is_heard(estate: Estate) -> Iterator[Breach]:
    """What AWS finds wrong while the account runs reaches a topic of alarms."""
    heard = [
        item.get("EventPattern")
        for item in estate.of(EVENT_RULE)
        if item.get("EventBusName") is None
        and item.get("State") in {None, "ENABLED"}
        and any(_is_read(estate, item, target) for target in item.items("Targets"))
    ]
    for recorder in estate.of(RECORDER):
        for name, pattern in HEARD:
            if pattern not in heard:
                yield at(recorder, "", shown=f"{name} is told to nobody")


def _is_read(estate: Estate, item: Resource, target: Mapping[str, Any]) -> bool:
    topic = estate.target(target.get("Arn"), item.stack)
    said = (target.get("InputTransformer") or {}).get("InputTemplate")
    asked = re.findall(r"<(\w+)>", str(said))
    given = ((target.get("InputTransformer") or {}).get("InputPathsMap") or {}).items()
    whole = said is None or (
        {name for name, path in given if str(path).startswith("$.")} == set(asked)
        and re.search(r"docs/runbooks/[\w-]+\.md#", said) is not None
    )
    return topic is not None and "-alarms-" in str(topic.get("TopicName")) and whole
