"""Properties that the emulator's CloudFormation drops: applied from the template, and from nothing else."""

from typing import Any
from unittest.mock import MagicMock

import boto3
import botocore.session
import pytest
from botocore.validate import validate_parameters

from checks.sandbox.deployed import DeployedStack
from checks.sandbox.dropped_properties import Call, Setting, apply, plan
from checks.sandbox.state import AppliedSetting

KEY = {"Fn::GetAtt": ["Key", "Arn"]}
KEY_ARN = "arn:aws:kms:ap-south-1:000000000000:key/k-1"
TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "t",
        "TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True},
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35},
        "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY},
        "OnDemandThroughput": {"MaxReadRequestUnits": 1000, "MaxWriteRequestUnits": 500},
    },
}
TOPIC: dict[str, Any] = {"Type": "AWS::SNS::Topic", "Properties": {"KmsMasterKeyId": {"Ref": "Key"}}}
BUCKET: dict[str, Any] = {
    "Type": "AWS::S3::Bucket",
    "Properties": {
        "BucketEncryption": {
            "ServerSideEncryptionConfiguration": [
                {
                    "BucketKeyEnabled": True,
                    "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
                }
            ]
        },
        "LifecycleConfiguration": {
            "Rules": [
                {
                    "Id": "old",
                    "Status": "Enabled",
                    "Prefix": "logs/",
                    "TagFilters": [{"Key": "a", "Value": "b"}],
                    "ExpirationInDays": 400,
                    "Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 90}],
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                },
                {"Status": "Enabled", "NoncurrentVersionExpirationInDays": 9},
            ]
        },
        "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 8}},
        },
    },
}
PHYSICAL = {"Table": "t", "Topic": "arn:topic", "Bucket": "b", "Key": "k-1"}
CASES = [
    ("Table", TABLE, "TimeToLiveSpecification"),
    ("Table", TABLE, "PointInTimeRecoverySpecification"),
    ("Table", TABLE, "SSESpecification"),
    ("Table", TABLE, "OnDemandThroughput"),
    ("Topic", TOPIC, "KmsMasterKeyId"),
    ("Bucket", BUCKET, "BucketEncryption"),
    ("Bucket", BUCKET, "LifecycleConfiguration"),
    ("Bucket", BUCKET, "ObjectLockConfiguration"),
]


def planned(resources: dict[str, Any]) -> list[Setting]:
    template = {"Resources": {**resources, "Key": {"Type": "AWS::KMS::Key"}}}
    stack = DeployedStack(name="s", template=template, physical_ids=PHYSICAL, outputs={})
    return plan({"s": stack}, region="ap-south-1", account="000000000000")


def without(resource: dict[str, Any], name: str) -> dict[str, Any]:
    kept = {key: value for key, value in resource["Properties"].items() if key != name}
    return {**resource, "Properties": kept}


@pytest.mark.parametrize(("logical_id", "resource", "name"), CASES)
def test_a_property_removed_from_the_template_is_not_applied(
    logical_id: str, resource: dict[str, Any], name: str
) -> None:
    with_it = {setting.property_name for setting in planned({logical_id: resource})}
    without_it = {setting.property_name for setting in planned({logical_id: without(resource, name)})}
    assert name in with_it
    assert without_it == with_it - {name}


@pytest.mark.parametrize(("logical_id", "resource", "name"), CASES)
def test_every_call_is_one_that_the_service_takes(
    logical_id: str, resource: dict[str, Any], name: str
) -> None:
    (setting,) = [item for item in planned({logical_id: resource}) if item.property_name == name]
    model = botocore.session.get_session().get_service_model(setting.call.service)
    operation = "".join(part.title() for part in setting.call.operation.split("_"))
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    validate_parameters(setting.call.arguments, shape)


def test_intrinsics_are_resolved_to_what_is_deployed() -> None:
    settings = {setting.property_name: setting.call for setting in planned({"Table": TABLE, "Topic": TOPIC})}
    specification = settings["SSESpecification"].arguments["SSESpecification"]
    assert specification == {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY_ARN}
    assert settings["KmsMasterKeyId"].arguments["AttributeValue"] == "k-1"


def test_a_lifecycle_rule_is_said_in_the_words_of_the_api() -> None:
    (call,) = [
        setting.call
        for setting in planned({"Bucket": BUCKET})
        if setting.property_name == "LifecycleConfiguration"
    ]
    first, second = call.arguments["LifecycleConfiguration"]["Rules"]
    assert first["Filter"] == {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}}
    assert first["Expiration"] == {"Days": 400}
    assert first["Transitions"] == [{"StorageClass": "GLACIER", "Days": 90}]
    assert second["Filter"] == {"Prefix": ""}
    assert second["NoncurrentVersionExpiration"] == {"NoncurrentDays": 9}


def test_what_the_emulator_never_deployed_is_not_touched() -> None:
    stack = DeployedStack(name="s", template={"Resources": {"Table": TABLE}}, physical_ids={}, outputs={})
    assert plan({"s": stack}, region="ap-south-1", account="0" * 12) == []


def _setting(name: str = "PointInTimeRecoverySpecification") -> Setting:
    call = Call(service="dynamodb", operation="update_continuous_backups", arguments={"TableName": "t"})
    return Setting(resource_type="AWS::DynamoDB::Table", physical_id="t", property_name=name, call=call)


@pytest.fixture
def session() -> MagicMock:
    return MagicMock(spec=boto3.Session)


def test_what_was_applied_is_remembered(session: MagicMock) -> None:
    assert apply([_setting()], [], session) == (_setting().key,)


def test_what_the_template_no_longer_says_is_undone(session: MagicMock) -> None:
    before = [
        AppliedSetting(
            resource_type="AWS::DynamoDB::Table",
            physical_id="t",
            property_name="PointInTimeRecoverySpecification",
        )
    ]
    assert apply([], before, session) == ()
    session.client.return_value.update_continuous_backups.assert_called_once_with(
        TableName="t", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )


def test_a_time_to_live_that_is_on_already_is_not_switched_on_again(session: MagicMock) -> None:
    (setting,) = [item for item in planned({"Table": TABLE}) if item.property_name.startswith("TimeToLive")]
    client = session.client.return_value
    client.describe_time_to_live.return_value = {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED"}}
    apply([setting], [], session)
    client.update_time_to_live.assert_not_called()
    client.describe_time_to_live.return_value = {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    apply([setting], [], session)
    client.update_time_to_live.assert_called_once_with(**setting.call.arguments)
