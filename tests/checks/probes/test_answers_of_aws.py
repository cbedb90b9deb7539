"""Answers of AWS as it documents them, with all that it adds: no false alarm, and no blindness."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name
from botocore.stub import Stubber

from checks.probes import survey
from checks.probes.account import Account
from checks.probes.model import Look, Seen
from checks.probes.running import Live, Stack
from checks.rules.estate import Resource
from checks.sandbox.deployed import DeployedStack
from tests.checks.probes.test_account import NOW, made

KEY = "arn:aws:kms:ap-south-1:777788889999:key/1234abcd-12ab-34cd-56ef-1234567890ab"
GROUP = "arn:aws:logs:ap-south-1:777788889999:log-group:aws-waf-logs-hasivu"
STREAM = "arn:aws:kinesis:ap-south-1:210987654321:stream/strangers"
STRANGER = "arn:aws:iam::210987654321:root"
Answers = Mapping[tuple[str, str], Any]


class Answering:
    """A session whose answers are those of ``answers``, each held against the SDK's model of the API."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers

    def client(self, service: str, **_: object) -> Any:
        return _Client(service, self.answers)


class _Client:
    def __init__(self, service: str, answers: Answers) -> None:
        self._service = service
        self._answers = answers
        self._real = made(service)
        self.meta = self._real.meta

    def can_paginate(self, operation: str) -> bool:
        return False

    def __getattr__(self, operation: str) -> Any:
        def call(**arguments: Any) -> Any:
            answer = self._answers[self._service, operation]
            with Stubber(self._real) as stub:
                if isinstance(answer, str):
                    stub.add_client_error(operation, answer)
                else:
                    stub.add_response(operation, answer, arguments)
                return getattr(self._real, operation)(**arguments)

        return call


def seen(kind: str, properties: Mapping[str, Any], answers: Answers, physical_id: str = "it") -> list[Seen]:
    """Everything that is looked at of one resource of production."""
    template = {"Resources": {"It": {"Type": kind, "Properties": properties}}}
    deployed = DeployedStack(name="s", template=template, physical_ids={"It": physical_id}, outputs={})
    stack = Stack(
        construct_id="S",
        name="s",
        region="ap-south-1",
        template=template,
        protected=True,
        status="UPDATE_COMPLETE",
        running_protected=True,
        deployed=deployed,
    )
    estate = SimpleNamespace(environment="prod")
    running: Any = SimpleNamespace(
        on_emulator=False, by_name={"s": deployed}, account="777788889999", now=NOW, estate=estate
    )
    running.of = lambda *kinds: ()
    running.assembly = Path("nowhere")
    live = Live(Resource("S", "It", kind, template["Resources"]["It"]), stack, running)
    account = Account(Answering(answers), region="ap-south-1")  # type: ignore[arg-type]
    return list(survey._of_resource(account, live))


BUCKET: dict[str, Any] = {
    "BucketName": "hasivu-prod-invoices",
    "BucketEncryption": {
        "ServerSideEncryptionConfiguration": [
            {
                "BucketKeyEnabled": True,
                "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
            }
        ]
    },
    "PublicAccessBlockConfiguration": {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    },
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
    "VersioningConfiguration": {"Status": "Enabled"},
    "LifecycleConfiguration": {
        "Rules": [{"Status": "Enabled", "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}]
    },
}
BUCKET_ANSWERS: dict[tuple[str, str], Any] = {
    ("s3", "get_bucket_encryption"): {
        "ServerSideEncryptionConfiguration": {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": KEY},
                    "BucketKeyEnabled": True,
                }
            ]
        }
    },
    ("s3", "get_public_access_block"): {
        "PublicAccessBlockConfiguration": BUCKET["PublicAccessBlockConfiguration"]
    },
    ("s3", "get_bucket_ownership_controls"): {"OwnershipControls": BUCKET["OwnershipControls"]},
    ("s3", "get_bucket_versioning"): {"Status": "Enabled", "MFADelete": "Disabled"},
    ("s3", "get_object_lock_configuration"): "ObjectLockConfigurationNotFoundError",
    ("s3", "get_bucket_lifecycle_configuration"): {
        "Rules": [
            {
                "ID": "MDQ0ZDYyYjctZGU0Ni00",
                "Filter": {"Prefix": ""},
                "Status": "Enabled",
                "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
            }
        ],
        "TransitionDefaultMinimumObjectSize": "all_storage_classes_128K",
    },
    ("s3", "get_bucket_cors"): "NoSuchCORSConfiguration",
    ("s3", "get_bucket_logging"): {},
    ("s3", "get_bucket_policy_status"): {"PolicyStatus": {"IsPublic": False}},
    ("s3", "get_bucket_replication"): "ReplicationConfigurationNotFoundError",
    ("s3", "get_bucket_website"): "NoSuchWebsiteConfiguration",
    ("s3", "get_bucket_notification_configuration"): {},
    ("s3", "list_bucket_inventory_configurations"): {"IsTruncated": False},
}

QUEUE: dict[str, Any] = {
    "QueueName": "hasivu-prod-webhooks",
    "KmsMasterKeyId": KEY,
    "VisibilityTimeout": 150,
    "RedrivePolicy": {"deadLetterTargetArn": "arn:aws:sqs:ap-south-1:777788889999:dlq", "maxReceiveCount": 5},
}
QUEUE_ANSWERS: dict[tuple[str, str], Any] = {
    ("sqs", "get_queue_attributes"): {
        "Attributes": {
            "QueueArn": "arn:aws:sqs:ap-south-1:777788889999:hasivu-prod-webhooks",
            "ApproximateNumberOfMessages": "3",
            "ApproximateNumberOfMessagesNotVisible": "0",
            "ApproximateNumberOfMessagesDelayed": "0",
            "CreatedTimestamp": "1764150000",
            "LastModifiedTimestamp": "1764150000",
            "VisibilityTimeout": "150",
            "MaximumMessageSize": "1048576",
            "MessageRetentionPeriod": "345600",
            "DelaySeconds": "0",
            "ReceiveMessageWaitTimeSeconds": "0",
            "KmsMasterKeyId": KEY,
            "KmsDataKeyReusePeriodSeconds": "300",
            "SqsManagedSseEnabled": "false",
            "RedrivePolicy": '{"deadLetterTargetArn":"arn:aws:sqs:ap-south-1:777788889999:dlq",'
            '"maxReceiveCount":"5"}',
        }
    },
    ("lambda", "list_event_source_mappings"): {"EventSourceMappings": []},
}

FUNCTION: dict[str, Any] = {
    "FunctionName": "hasivu-prod-pdf-generator",
    "Architectures": ["arm64"],
    "Description": "Makes invoices",
    "Environment": {"Variables": {"LOG_LEVEL": "INFO"}},
    "Handler": "runtime.functions.pdf_generator.handler",
    "Layers": ["arn:aws:lambda:ap-south-1:777788889999:layer:core:7"],
    "LoggingConfig": {"LogFormat": "JSON", "LogGroup": "/hasivu/prod/pdf-generator"},
    "MemorySize": 512,
    "Role": "arn:aws:iam::777788889999:role/hasivu-prod-pdf",
    "Runtime": "python3.13",
    "Timeout": 30,
    "TracingConfig": {"Mode": "Active"},
}
FUNCTION_ANSWERS: dict[tuple[str, str], Any] = {
    ("lambda", "get_function"): {
        "Configuration": {
            **FUNCTION,
            "FunctionArn": "arn:aws:lambda:ap-south-1:777788889999:function:hasivu-prod-pdf-generator",
            "Layers": [{"Arn": FUNCTION["Layers"][0], "CodeSize": 9_000_000}],
            "LoggingConfig": {**FUNCTION["LoggingConfig"], "ApplicationLogLevel": "INFO"},
            "EphemeralStorage": {"Size": 512},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "RuntimeVersionConfig": {"RuntimeVersionArn": "arn:aws:lambda:ap-south-1::runtime:07a4"},
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "Version": "$LATEST",
            "CodeSize": 12_345,
        },
        "Code": {"RepositoryType": "S3", "Location": "https://awslambda-ap-s-1-tasks.example/code"},
        "Tags": {
            "aws:cloudformation:stack-name": "hasivu-prod-invoicing",
            "aws:cloudformation:logical-id": "PdfGenerator",
        },
    },
    ("lambda", "list_function_url_configs"): {"FunctionUrlConfigs": []},
    ("lambda", "list_function_event_invoke_configs"): {"FunctionEventInvokeConfigs": []},
    ("lambda", "list_event_source_mappings"): {"EventSourceMappings": []},
    ("lambda", "list_aliases"): {"Aliases": []},
    ("lambda", "get_policy"): "ResourceNotFoundException",
}

TABLE: dict[str, Any] = {
    "TableName": "hasivu-prod-payments",
    "AttributeDefinitions": [{"AttributeName": "payment_id", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
    "DeletionProtectionEnabled": True,
    "KeySchema": [{"AttributeName": "payment_id", "KeyType": "HASH"}],
    "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True, "RecoveryPeriodInDays": 35},
    "SSESpecification": {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": KEY},
    "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires_at"},
}
TABLE_ANSWERS: dict[tuple[str, str], Any] = {
    ("dynamodb", "describe_table"): {
        "Table": {
            **{key: TABLE[key] for key in ("TableName", "AttributeDefinitions", "KeySchema")},
            "TableStatus": "ACTIVE",
            "ItemCount": 7,
            "TableSizeBytes": 700,
            "BillingModeSummary": {
                "BillingMode": "PAY_PER_REQUEST",
                "LastUpdateToPayPerRequestDateTime": NOW,
            },
            "ProvisionedThroughput": {
                "ReadCapacityUnits": 0,
                "WriteCapacityUnits": 0,
            },
            "SSEDescription": {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": KEY},
            "DeletionProtectionEnabled": True,
            "WarmThroughput": {
                "ReadUnitsPerSecond": 12_000,
                "WriteUnitsPerSecond": 4_000,
                "Status": "ACTIVE",
            },
        }
    },
    ("dynamodb", "describe_continuous_backups"): {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": {
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": 35,
                "EarliestRestorableDateTime": NOW,
                "LatestRestorableDateTime": NOW,
            },
        }
    },
    ("dynamodb", "describe_time_to_live"): {
        "TimeToLiveDescription": {"TimeToLiveStatus": "ENABLING", "AttributeName": "expires_at"}
    },
    ("dynamodb", "get_resource_policy"): "PolicyNotFoundException",
    ("dynamodb", "describe_kinesis_streaming_destination"): {
        "TableName": "hasivu-prod-payments",
        "KinesisDataStreamDestinations": [{"StreamArn": STREAM, "DestinationStatus": "DISABLED"}],
    },
}

TOPIC: dict[str, Any] = {"TopicName": "hasivu-prod-alarms-page", "KmsMasterKeyId": KEY}
TOPIC_ARN = "arn:aws:sns:ap-south-1:777788889999:hasivu-prod-alarms-page"
TOPIC_ANSWERS: dict[tuple[str, str], Any] = {
    ("sns", "get_topic_attributes"): {"Attributes": {"TopicArn": TOPIC_ARN, "KmsMasterKeyId": KEY}},
    ("sns", "list_subscriptions_by_topic"): {"Subscriptions": []},
}

KEY_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "kms:*",
            "Resource": "*",
            "Principal": {"AWS": "arn:aws:iam::777788889999:root"},
        }
    ],
}
OWN_KEY: dict[str, Any] = {"Description": "Tables", "EnableKeyRotation": True, "KeyPolicy": KEY_POLICY}
OWN_KEY_ANSWERS: dict[tuple[str, str], Any] = {
    ("kms", "describe_key"): {
        "KeyMetadata": {"KeyId": KEY.rpartition("/")[2], "Description": "Tables", "KeyState": "Enabled"}
    },
    ("kms", "get_key_policy"): {"Policy": json.dumps(KEY_POLICY)},
    ("kms", "get_key_rotation_status"): {"KeyRotationEnabled": True},
    ("kms", "list_grants"): {
        "Grants": [
            {"GranteePrincipal": "dynamodb.ap-south-1.amazonaws.com", "Operations": ["Decrypt"]},
            {"GranteePrincipal": "arn:aws:iam::777788889999:role/backups", "Operations": ["CreateGrant"]},
        ]
    },
}

BUS: dict[str, Any] = {"Name": "hasivu-prod-events"}
BUS_ANSWERS: dict[tuple[str, str], Any] = {
    ("events", "describe_event_bus"): {"Name": "hasivu-prod-events"},
    ("events", "list_rules"): {
        "Rules": [{"Name": "Events-Archive-hasivu-prod", "ManagedBy": "prod.vhs.events.aws.internal"}]
    },
}

ADDRESSES: dict[str, Any] = {"Addresses": ["2001:db8::/32", "192.0.2.0/24"], "IPAddressVersion": "IPV6"}
ADDRESS_ANSWERS: dict[tuple[str, str], Any] = {
    ("wafv2", "get_ip_set"): {
        "IPSet": {
            "Name": "n",
            "Id": "i",
            "ARN": "arn:aws:wafv2:ap-south-1:777788889999:regional/ipset/n/i",
            "IPAddressVersion": "IPV6",
            "Addresses": ["192.0.2.0/24", "2001:0db8:0000:0000:0000:0000:0000:0000/32"],
        },
        "LockToken": "5f5f5f5f-0000-0000-0000-000000000000",
    }
}

ACL: dict[str, Any] = {
    "DefaultAction": {"Allow": {}},
    "Rules": [
        {
            "Name": "text",
            "Priority": 1,
            "Action": {"Block": {}},
            "Statement": {
                "ByteMatchStatement": {
                    "SearchString": "/admin",
                    "FieldToMatch": {"Body": {}},
                    "PositionalConstraint": "STARTS_WITH",
                    "TextTransformations": [{"Priority": 0, "Type": "NONE"}],
                }
            },
            "VisibilityConfig": {
                "SampledRequestsEnabled": True,
                "CloudWatchMetricsEnabled": True,
                "MetricName": "text",
            },
        },
        {
            "Name": "rate",
            "Priority": 2,
            "Action": {"Block": {}},
            "Statement": {"RateBasedStatement": {"Limit": 2000, "AggregateKeyType": "IP"}},
            "VisibilityConfig": {
                "SampledRequestsEnabled": True,
                "CloudWatchMetricsEnabled": True,
                "MetricName": "rate",
            },
        },
    ],
}


def acl(limit: int) -> dict[tuple[str, str], Any]:
    text, rate = (dict(rule) for rule in ACL["Rules"])
    match = {**text["Statement"]["ByteMatchStatement"], "SearchString": b"/admin"}
    match["FieldToMatch"] = {"Body": {"OversizeHandling": "CONTINUE"}}
    text["Statement"] = {"ByteMatchStatement": match}
    rate["Statement"] = {
        "RateBasedStatement": {"Limit": limit, "EvaluationWindowSec": 300, "AggregateKeyType": "IP"}
    }
    found = {
        "Name": "n",
        "Id": "i",
        "ARN": "arn:aws:wafv2:ap-south-1:777788889999:regional/webacl/n/i",
        "DefaultAction": {"Allow": {}},
        "Rules": [rate, text],
        "VisibilityConfig": text["VisibilityConfig"],
        "Capacity": 12,
        "ManagedByFirewallManager": False,
        "LabelNamespace": "awswaf:777788889999:webacl:n:",
        "RetrofittedByFirewallManager": False,
    }
    return {("wafv2", "get_web_acl"): {"WebACL": found, "LockToken": "5f5f5f5f"}}


FIREWALL_LOG: dict[str, Any] = {
    "ResourceArn": "arn:aws:wafv2:ap-south-1:777788889999:regional/webacl/n/i",
    "LogDestinationConfigs": [f"{GROUP}:*"],
}
FIREWALL_LOG_ANSWERS: dict[tuple[str, str], Any] = {
    ("wafv2", "get_logging_configuration"): {
        "LoggingConfiguration": {
            "ResourceArn": FIREWALL_LOG["ResourceArn"],
            "LogDestinationConfigs": [GROUP],
            "ManagedByFirewallManager": False,
            "LogType": "WAF_LOGS",
            "LogScope": "CUSTOMER",
        }
    }
}

ALARM: dict[str, Any] = {
    "ActionsEnabled": True,
    "AlarmActions": ["arn:aws:sns:ap-south-1:777788889999:page"],
    "ComparisonOperator": "GreaterThanThreshold",
    "DatapointsToAlarm": 2,
    "EvaluationPeriods": 3,
    "Threshold": 5,
    "TreatMissingData": "notBreaching",
    "Metrics": [{"Id": "percent", "Expression": "100 * failures / total", "ReturnData": True}],
}
ALARM_ANSWERS: dict[tuple[str, str], Any] = {
    ("cloudwatch", "describe_alarms"): {
        "MetricAlarms": [
            {
                **ALARM,
                "AlarmName": "it",
                "AlarmArn": "arn:aws:cloudwatch:ap-south-1:777788889999:alarm:it",
                "Threshold": 5.0,
                "Metrics": [{**ALARM["Metrics"][0], "Label": "percent"}],
                "InsufficientDataActions": [],
                "StateValue": "OK",
                "StateReason": "Unchecked: Initial alarm creation",
                "StateUpdatedTimestamp": NOW,
                "StateTransitionedTimestamp": NOW,
                "AlarmConfigurationUpdatedTimestamp": NOW,
            }
        ],
        "CompositeAlarms": [],
    }
}

CASES: dict[str, tuple[str, Mapping[str, Any], Answers, str]] = {
    "a bucket": ("AWS::S3::Bucket", BUCKET, BUCKET_ANSWERS, "hasivu-prod-invoices"),
    "a queue": ("AWS::SQS::Queue", QUEUE, QUEUE_ANSWERS, "https://sqs.example/q"),
    "a function": ("AWS::Lambda::Function", FUNCTION, FUNCTION_ANSWERS, "hasivu-prod-pdf-generator"),
    "a table": ("AWS::DynamoDB::Table", TABLE, TABLE_ANSWERS, "hasivu-prod-payments"),
    "addresses": ("AWS::WAFv2::IPSet", ADDRESSES, ADDRESS_ANSWERS, "n|i|REGIONAL"),
    "a firewall": ("AWS::WAFv2::WebACL", ACL, acl(2000), "n|i|REGIONAL"),
    "a firewall's log": ("AWS::WAFv2::LoggingConfiguration", FIREWALL_LOG, FIREWALL_LOG_ANSWERS, "x"),
    "a topic": ("AWS::SNS::Topic", TOPIC, TOPIC_ANSWERS, TOPIC_ARN),
    "a key": ("AWS::KMS::Key", OWN_KEY, OWN_KEY_ANSWERS, KEY.rpartition("/")[2]),
    "a bus": ("AWS::Events::EventBus", BUS, BUS_ANSWERS, "hasivu-prod-events"),
    "an alarm": ("AWS::CloudWatch::Alarm", ALARM, ALARM_ANSWERS, "it"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_aws_adds_is_no_difference(case: tuple[str, Mapping[str, Any], Answers, str]) -> None:
    found = seen(*case)
    assert found
    wrong = [(item.fact, item.look, item.said) for item in found if item.look is not Look.AGREES]
    assert wrong == []


def changed(answers: Answers, operation: tuple[str, str], answer: Any) -> dict[tuple[str, str], Any]:
    return {**answers, operation: answer}


@pytest.mark.parametrize(
    ("case", "answers", "fact"),
    [
        (
            "a bucket",
            changed(
                BUCKET_ANSWERS,
                ("s3", "get_bucket_encryption"),
                {
                    "ServerSideEncryptionConfiguration": {
                        "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
                    }
                },
            ),
            "BucketEncryption",
        ),
        (
            "a bucket",
            changed(
                BUCKET_ANSWERS,
                ("s3", "get_bucket_lifecycle_configuration"),
                {
                    "Rules": [
                        {
                            "ID": "MDQ0",
                            "Filter": {"Prefix": "kept/"},
                            "Status": "Enabled",
                            "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
                        }
                    ]
                },
            ),
            "LifecycleConfiguration",
        ),
        (
            "a bucket",
            changed(
                BUCKET_ANSWERS,
                ("s3", "get_bucket_notification_configuration"),
                {
                    "EventBridgeConfiguration": {},
                    "QueueConfigurations": [{"QueueArn": "q", "Events": ["s3:*"]}],
                },
            ),
            "NotificationConfiguration",
        ),
        (
            "a bucket",
            changed(
                BUCKET_ANSWERS,
                ("s3", "get_bucket_website"),
                {"IndexDocument": {"Suffix": "index.html"}},
            ),
            "WebsiteConfiguration",
        ),
        (
            "a table",
            changed(
                TABLE_ANSWERS,
                ("dynamodb", "describe_kinesis_streaming_destination"),
                {"KinesisDataStreamDestinations": [{"StreamArn": STREAM, "DestinationStatus": "ACTIVE"}]},
            ),
            "copies",
        ),
        (
            "a queue",
            changed(
                QUEUE_ANSWERS,
                ("lambda", "list_event_source_mappings"),
                {
                    "EventSourceMappings": [
                        {
                            "UUID": "17194f20-28d5-42fc-bf83-6634259360d0",
                            "EventSourceArn": "arn:aws:sqs:ap-south-1:777788889999:hasivu-prod-webhooks",
                            "FunctionArn": "arn:aws:lambda:ap-south-1:777788889999:function:strangers",
                        }
                    ]
                },
            ),
            "other readers",
        ),
        (
            "a function",
            changed(
                FUNCTION_ANSWERS,
                ("lambda", "list_aliases"),
                {"Aliases": [{"Name": "debug", "FunctionVersion": "1"}]},
            ),
            "other aliases",
        ),
        (
            "a function",
            changed(
                FUNCTION_ANSWERS,
                ("lambda", "list_function_event_invoke_configs"),
                {"FunctionEventInvokeConfigs": [{"MaximumRetryAttempts": 0}]},
            ),
            "destinations",
        ),
        (
            "a function",
            changed(
                FUNCTION_ANSWERS,
                ("lambda", "get_policy"),
                {
                    "Policy": json.dumps(
                        {
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": "lambda:InvokeFunction",
                                    "Principal": {"AWS": STRANGER},
                                    "Resource": "arn:aws:lambda:ap-south-1:777788889999:function:"
                                    "hasivu-prod-pdf-generator",
                                }
                            ]
                        }
                    )
                },
            ),
            "other callers",
        ),
        (
            "a topic",
            changed(
                TOPIC_ANSWERS,
                ("sns", "list_subscriptions_by_topic"),
                {"Subscriptions": [{"Protocol": "https", "Endpoint": "https://strangers.example"}]},
            ),
            "other listeners",
        ),
        (
            "a key",
            changed(
                OWN_KEY_ANSWERS,
                ("kms", "list_grants"),
                {"Grants": [{"GranteePrincipal": STRANGER, "Operations": ["Decrypt"]}]},
            ),
            "grants",
        ),
        (
            "a bus",
            changed(BUS_ANSWERS, ("events", "list_rules"), {"Rules": [{"Name": "leak"}]}),
            "other rules",
        ),
        ("a firewall", acl(20_000), "Rules"),
        (
            "addresses",
            changed(
                ADDRESS_ANSWERS,
                ("wafv2", "get_ip_set"),
                {"IPSet": {**ADDRESS_ANSWERS["wafv2", "get_ip_set"]["IPSet"], "Addresses": ["::/0"]}},
            ),
            "Addresses",
        ),
    ],
)
def test_what_somebody_changed_still_is(case: str, answers: Answers, fact: str) -> None:
    kind, properties, _, physical_id = CASES[case]
    found = seen(kind, properties, answers, physical_id)
    assert [item.fact for item in found if item.look is Look.DIFFERS] == [fact]


def test_operations_are_named_as_the_sdk_names_them() -> None:
    """What the cases rest on: an answer that nobody asks for proves nothing."""
    for _, _, answers, _ in CASES.values():
        for service, operation in answers:
            names = made(service).meta.service_model.operation_names
            assert operation in {xform_name(name) for name in names}
