"""Small assemblies to compare: one stack with a table, a role, an alarm and what else a release touches."""

from __future__ import annotations

import copy
from typing import Any

from checks.diff.assembly import Assembly, Stack
from checks.diff.model import EnvironmentDiff, Finding
from checks.diff.resource_spec import read_spec
from checks.diff.run import compare

Resources = dict[str, dict[str, Any]]


def stack(stack_id: str, resources: Resources, **changes: Any) -> Stack:
    """A stack of prod; `changes` to its fields, or `outputs`."""
    outputs = changes.pop("outputs", {})
    values: dict[str, Any] = {
        "id": stack_id,
        "name": f"hasivu-prod-{stack_id.lower()}",
        "account": None,
        "region": "ap-south-1",
        "termination_protection": True,
        "template": {"Resources": resources, "Outputs": outputs},
    }
    return Stack(**(values | changes))


def assembly(*stacks: Stack) -> Assembly:
    return {item.id: item for item in stacks}


TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Metadata": {"aws:cdk:path": "Data/Payments/Resource"},
    "Properties": {
        "TableName": "hasivu-prod-payments",
        "KeySchema": [
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        "AttributeDefinitions": [
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
            {"AttributeName": "school_id", "AttributeType": "S"},
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by_school",
                "KeySchema": [{"AttributeName": "school_id", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "DeletionProtectionEnabled": True,
        "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": True,
            "RecoveryPeriodInDays": 35,
        },
        "SSESpecification": {
            "SSEEnabled": True,
            "KMSMasterKeyId": {"Fn::GetAtt": ["DataKey", "Arn"]},
            "SSEType": "KMS",
        },
        "StreamSpecification": {"StreamViewType": "NEW_IMAGE"},
    },
}
KEY: dict[str, Any] = {
    "Type": "AWS::KMS::Key",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {"EnableKeyRotation": True, "KeyPolicy": {"Statement": []}},
}
FUNCTION: dict[str, Any] = {
    "Type": "AWS::Lambda::Function",
    "Properties": {
        "FunctionName": "hasivu-prod-payments-advanced",
        "MemorySize": 512,
        "Code": {"S3Bucket": "assets", "S3Key": f"{'a' * 64}.zip"},
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "TracingConfig": {"Mode": "Active"},
    },
}
VERSION: dict[str, Any] = {
    "Type": "AWS::Lambda::Version",
    "DeletionPolicy": "Retain",
    "Properties": {"FunctionName": {"Ref": "Function"}},
}
ALIAS: dict[str, Any] = {
    "Type": "AWS::Lambda::Alias",
    "Properties": {
        "Name": "live",
        "FunctionName": {"Ref": "Function"},
        "FunctionVersion": {"Fn::GetAtt": ["FunctionCurrentVersion1", "Version"]},
    },
}
ROLE: dict[str, Any] = {
    "Type": "AWS::IAM::Role",
    "Properties": {
        "AssumeRolePolicyDocument": {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "sts:AssumeRole",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                }
            ]
        }
    },
}
POLICY: dict[str, Any] = {
    "Type": "AWS::IAM::Policy",
    "Properties": {
        "PolicyName": "p",
        "Roles": [{"Ref": "Role"}],
        "PolicyDocument": {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
                    "Resource": {"Fn::GetAtt": ["Payments", "Arn"]},
                    "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
                },
                {
                    "Effect": "Deny",
                    "Action": ["dynamodb:DeleteItem", "dynamodb:UpdateItem"],
                    "Resource": {"Fn::GetAtt": ["Payments", "Arn"]},
                },
            ]
        },
    },
}
ALARM: dict[str, Any] = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "Threshold": 5,
        "ComparisonOperator": "GreaterThanThreshold",
        "EvaluationPeriods": 3,
        "ActionsEnabled": True,
        "AlarmActions": [{"Ref": "Topic"}],
    },
}
WEB_ACL: dict[str, Any] = {
    "Type": "AWS::WAFv2::WebACL",
    "Properties": {
        "DefaultAction": {"Allow": {}},
        "Scope": "REGIONAL",
        "Rules": [
            {
                "Name": "common",
                "OverrideAction": {"None": {}},
                "Statement": {"ManagedRuleGroupStatement": {"Name": "AWSManagedRulesCommonRuleSet"}},
            },
            {
                "Name": "rate",
                "Action": {"Block": {}},
                "Statement": {"RateBasedStatement": {"Limit": 1000, "AggregateKeyType": "IP"}},
            },
        ],
    },
}
LOGS: dict[str, Any] = {
    "Type": "AWS::Logs::LogGroup",
    "DeletionPolicy": "Retain",
    "UpdateReplacePolicy": "Retain",
    "Properties": {"RetentionInDays": 731, "KmsKeyId": {"Fn::GetAtt": ["DataKey", "Arn"]}},
}
WORLD: Resources = {
    "DataKey": KEY,
    "Payments": TABLE,
    "Function": FUNCTION,
    "FunctionCurrentVersion1": VERSION,
    "Live": ALIAS,
    "Role": ROLE,
    "RolePolicy": POLICY,
    "Alarm": ALARM,
    "Firewall": WEB_ACL,
    "Logs": LOGS,
}


def world() -> Resources:
    """A copy of it all, to change."""
    return copy.deepcopy(WORLD)


def between(before: Resources, after: Resources) -> EnvironmentDiff:
    """The diff of two versions of the stack Data in prod."""
    return compare("prod", assembly(stack("Data", before)), assembly(stack("Data", after)), spec=read_spec())


def kinds(diff: EnvironmentDiff) -> set[str]:
    return {finding.kind for finding in diff.findings}


def one(diff: EnvironmentDiff, kind: str) -> Finding:
    """The only finding of a kind."""
    found = [finding for finding in diff.findings if finding.kind == kind]
    assert len(found) == 1, f"{kind}: {[item.what for item in found]} of {kinds(diff)}"
    return found[0]
