"""Properties that the emulator's CloudFormation drops but its API keeps, set from the synthesised template.

The template is the only source: what it does not say is not applied, and what it no longer says is undone.
Shapes are CloudFormation's on one side (the resource type's reference) and the service's API on the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import boto3
from botocore.exceptions import ClientError

from checks.sandbox.deployed import DeployedStack, Resolver
from checks.sandbox.state import AppliedSetting

Properties = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a service's API: `boto3.client(service).<operation>(**arguments)`."""

    service: Literal["s3", "dynamodb", "sns"]
    operation: str
    arguments: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A property as the template has it, on a deployed resource."""

    resource_type: str
    physical_id: str
    property_name: str
    call: Call

    @property
    def key(self) -> AppliedSetting:
        return AppliedSetting(
            resource_type=self.resource_type, physical_id=self.physical_id, property_name=self.property_name
        )


@dataclass(frozen=True)
class _Dropped:
    """How one dropped property is set, and how it is undone when the template no longer has it."""

    resource_type: str
    property_name: str
    apply: Callable[[str, Any], Call]
    undo: Callable[[str], Call]


def plan(stacks: Mapping[str, DeployedStack], *, region: str, account: str) -> list[Setting]:
    """What the templates of the deployed stacks say about the dropped properties, intrinsics resolved."""
    settings: list[Setting] = []
    for stack in stacks.values():
        resolver = Resolver(stack, stacks, region, account)
        for logical_id, resource in stack.template.get("Resources", {}).items():
            if logical_id in stack.physical_ids:
                settings += _settings_of(resource, stack.physical_ids[logical_id], resolver)
    return settings


def apply(
    settings: Iterable[Setting], before: Iterable[AppliedSetting], session: boto3.Session
) -> tuple[AppliedSetting, ...]:
    """Apply the settings, undo those of `before` that are gone, and return what is applied now."""
    wanted = {setting.key: setting for setting in settings}
    for gone in set(before) - wanted.keys():
        _undo(gone, session)
    for setting in wanted.values():
        _make(setting.call, session)
    return tuple(wanted)


def _settings_of(resource: Mapping[str, Any], physical_id: str, resolver: Resolver) -> Iterator[Setting]:
    properties = resource.get("Properties", {})
    for dropped in _DROPPED:
        if resource.get("Type") != dropped.resource_type or dropped.property_name not in properties:
            continue
        value = resolver.resolve(properties[dropped.property_name])
        yield Setting(
            resource_type=dropped.resource_type,
            physical_id=physical_id,
            property_name=dropped.property_name,
            call=dropped.apply(physical_id, value),
        )


def _undo(gone: AppliedSetting, session: boto3.Session) -> None:
    for dropped in _DROPPED:
        if (dropped.resource_type, dropped.property_name) == (gone.resource_type, gone.property_name):
            # The resource may be gone together with its property.
            with suppress(ClientError):
                _make(dropped.undo(gone.physical_id), session)


def _make(call: Call, session: boto3.Session) -> None:
    client: Any
    match call.service:
        case "s3":
            client = session.client("s3")
        case "dynamodb":
            client = session.client("dynamodb")
        case "sns":
            client = session.client("sns")
    if call.operation == "update_time_to_live" and _has_time_to_live(client, call.arguments):
        return  # DynamoDB refuses to enable what is enabled
    getattr(client, call.operation)(**call.arguments)


def _has_time_to_live(client: Any, arguments: Mapping[str, Any]) -> bool:
    described = client.describe_time_to_live(TableName=arguments["TableName"])["TimeToLiveDescription"]
    enabled = described.get("TimeToLiveStatus") in ("ENABLED", "ENABLING")
    wanted = arguments["TimeToLiveSpecification"]
    return bool(enabled == wanted["Enabled"])


# --- S3 (AWS::S3::Bucket) ---


def _bucket_encryption(bucket: str, value: Properties) -> Call:
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        renamed = {key: item for key, item in rule.items() if key != "ServerSideEncryptionByDefault"}
        rules.append(renamed | {"ApplyServerSideEncryptionByDefault": rule["ServerSideEncryptionByDefault"]})
    configuration = {"Rules": rules}
    return _s3("put_bucket_encryption", bucket, ServerSideEncryptionConfiguration=configuration)


def _bucket_lifecycle(bucket: str, value: Properties) -> Call:
    rules = [lifecycle_rule(rule) for rule in value["Rules"]]
    return _s3("put_bucket_lifecycle_configuration", bucket, LifecycleConfiguration={"Rules": rules})


def lifecycle_rule(rule: Properties) -> dict[str, Any]:
    result: dict[str, Any] = {"Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    expiration = {
        name: rule[cloudformation]
        for name, cloudformation in (
            ("Days", "ExpirationInDays"),
            ("Date", "ExpirationDate"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if cloudformation in rule
    }
    if expiration:
        result["Expiration"] = expiration
    if "Id" in rule:
        result["ID"] = rule["Id"]
    if "Transitions" in rule:
        result["Transitions"] = [_transition(item) for item in rule["Transitions"]]
    if "NoncurrentVersionTransitions" in rule:
        result["NoncurrentVersionTransitions"] = [
            {"StorageClass": item["StorageClass"], "NoncurrentDays": item["TransitionInDays"]}
            for item in rule["NoncurrentVersionTransitions"]
        ]
    if "NoncurrentVersionExpirationInDays" in rule:
        result["NoncurrentVersionExpiration"] = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    for name in ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"):
        if name in rule:
            result[name] = dict(rule[name])
    return result


def _lifecycle_filter(rule: Properties) -> dict[str, Any]:
    parts: dict[str, Any] = {"Prefix": rule["Prefix"]} if "Prefix" in rule else {}
    for name, cloudformation in (
        ("ObjectSizeGreaterThan", "ObjectSizeGreaterThan"),
        ("ObjectSizeLessThan", "ObjectSizeLessThan"),
    ):
        if cloudformation in rule:
            parts[name] = int(rule[cloudformation])
    tags = list(rule.get("TagFilters", []))
    if len(parts) + len(tags) <= 1:
        return {"Tag": tags[0]} if tags else parts or {"Prefix": ""}
    return {"And": parts | ({"Tags": tags} if tags else {})}


def _transition(item: Properties) -> dict[str, Any]:
    renamed = {"TransitionInDays": "Days", "TransitionDate": "Date", "StorageClass": "StorageClass"}
    return {renamed[key]: value for key, value in item.items()}


def _object_lock(bucket: str, value: Properties) -> Call:
    return _s3("put_object_lock_configuration", bucket, ObjectLockConfiguration=dict(value))


def _s3(operation: str, bucket: str, **arguments: Any) -> Call:
    return Call(service="s3", operation=operation, arguments={"Bucket": bucket, **arguments})


# --- DynamoDB (AWS::DynamoDB::Table) ---


def _time_to_live(table: str, value: Properties) -> Call:
    return _dynamodb("update_time_to_live", table, TimeToLiveSpecification=dict(value))


def _point_in_time_recovery(table: str, value: Properties) -> Call:
    return _dynamodb("update_continuous_backups", table, PointInTimeRecoverySpecification=dict(value))


def _table_encryption(table: str, value: Properties) -> Call:
    names = {"SSEEnabled": "Enabled", "SSEType": "SSEType", "KMSMasterKeyId": "KMSMasterKeyId"}
    specification = {names[key]: item for key, item in value.items()}
    return _dynamodb("update_table", table, SSESpecification=specification)


def _ceiling(table: str, value: Properties) -> Call:
    return _dynamodb("update_table", table, OnDemandThroughput=dict(value))


def _dynamodb(operation: str, table: str, **arguments: Any) -> Call:
    return Call(service="dynamodb", operation=operation, arguments={"TableName": table, **arguments})


# --- SNS (AWS::SNS::Topic) ---


def _topic_encryption(topic: str, value: str) -> Call:
    arguments = {"TopicArn": topic, "AttributeName": "KmsMasterKeyId", "AttributeValue": value}
    return Call(service="sns", operation="set_topic_attributes", arguments=arguments)


_DROPPED = (
    _Dropped(
        "AWS::S3::Bucket",
        "BucketEncryption",
        _bucket_encryption,
        lambda bucket: _s3("delete_bucket_encryption", bucket),
    ),
    _Dropped(
        "AWS::S3::Bucket",
        "LifecycleConfiguration",
        _bucket_lifecycle,
        lambda bucket: _s3("delete_bucket_lifecycle", bucket),
    ),
    _Dropped(
        "AWS::S3::Bucket",
        "ObjectLockConfiguration",
        _object_lock,
        lambda bucket: _object_lock(bucket, {"ObjectLockEnabled": "Enabled"}),  # a lock cannot be taken off
    ),
    _Dropped(
        "AWS::DynamoDB::Table",
        "TimeToLiveSpecification",
        _time_to_live,
        lambda table: _time_to_live(table, {"Enabled": False, "AttributeName": "expires_at"}),
    ),
    _Dropped(
        "AWS::DynamoDB::Table",
        "PointInTimeRecoverySpecification",
        _point_in_time_recovery,
        lambda table: _point_in_time_recovery(table, {"PointInTimeRecoveryEnabled": False}),
    ),
    _Dropped(
        "AWS::DynamoDB::Table",
        "SSESpecification",
        _table_encryption,
        lambda table: _table_encryption(table, {"SSEEnabled": False}),
    ),
    _Dropped(
        "AWS::DynamoDB::Table",
        "OnDemandThroughput",
        _ceiling,
        lambda table: _ceiling(table, {"MaxReadRequestUnits": -1, "MaxWriteRequestUnits": -1}),
    ),
    _Dropped(
        "AWS::SNS::Topic",
        "KmsMasterKeyId",
        _topic_encryption,
        lambda topic: _topic_encryption(topic, ""),
    ),
)
