"""A small estate that keeps every rule: the ground on which each weakness is planted."""

import copy
import json
from functools import cache
from hashlib import sha256
from typing import Any

from checks.bundles.layers import LAYERS, layers_of
from checks.rules.canaries import MONEY_PATHS, NO_PAYMENTS
from checks.rules.dashboards import METRICS_SHOWN
from checks.rules.estate import Estate
from checks.rules.identity import GROUPS
from checks.rules.logs import CONNECTION_ERRORS
from checks.rules.permissions import GATEWAY_LOGGING
from checks.rules.tables import CHANGING, KEYS
from checks.rules.takers import TAKES
from runtime.platform.settings import SETTINGS_BY_FUNCTION
from stacks.api_contract import importable
from stacks.gateway_responses import as_extension
from stacks.preflights import preflights
from tests.checks.rules import sound_firewall
from tests.checks.rules.building import (
    ASSETS,
    ENVIRONMENT,
    KEPT,
    ROOT,
    TAGS,
    Body,
    alarm,
    allow,
    arn,
    describe,
    guarded_as_it_is,
    named,
    never_changing,
    of_our_account,
    policy,
    ref,
    resource,
    role,
    through,
    tls_only,
)
from tests.checks.rules.sound_deliveries import (
    KEY_FOR_DELIVERIES,
    LETTERS,
    access_logs_of,
    alarms_into,
    logged,
    may_call,
)
from tests.checks.rules.sound_governance import (
    CONFIG_WRITES,
    KEY_USES,
    TRAIL_WRITES,
    auditor,
    configuration,
    recovery,
    trail,
)
from tests.checks.rules.sound_history import history
from tests.checks.rules.sound_schedules import schedules
from tests.checks.rules.sound_severities import severities

CONTRACT: Body = {
    "openapi": "3.0.3",
    "info": {"title": "hasivu-prod", "version": "1.0.0"},
    "paths": {
        "/health": {"get": {"security": [], "x-hasivu-function": "health-check"}},
        "/v1/payments": {
            "post": {
                "security": [{"hasivu": []}],
                "x-hasivu-function": "payments-advanced",
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/CreatePayment"}}
                    },
                },
                "responses": {"201": {"description": "Done."}},
            }
        },
        "/v1/webhooks/razorpay": {"post": {"security": [], "x-hasivu-function": "payments-webhook-handler"}},
    },
    "components": {"schemas": {"CreatePayment": {"type": "object", "additionalProperties": False}}},
}
ORIGINS = ("https://app.hasivu.example",)
"""Those of the environment's file."""


NEW_TLS = {"SecurityPolicy": "SecurityPolicy_TLS13_1_2_PFS_PQ_2025_09", "EndpointAccessMode": "STRICT"}


# The parts


def keys() -> dict[str, Body]:
    administer = allow("kms:*", "*", Principal={"AWS": ROOT})
    use = allow(
        ["kms:Decrypt", "kms:GenerateDataKey"],
        "*",
        Principal={"Service": "sns.amazonaws.com"},
        Condition={"ArnEquals": {"aws:SourceArn": of_our_account("sns", "payment-notifications-prod")}},
    )
    return {
        "Key": resource(
            "AWS::KMS::Key",
            {
                "EnableKeyRotation": True,
                "PendingWindowInDays": 30,
                "KeyPolicy": policy(administer, use, *KEY_USES, *KEY_FOR_DELIVERIES),
            },
            **KEPT,
        ),
        "SealKey": resource(
            "AWS::KMS::Key",
            {
                "KeySpec": "ECC_NIST_P256",
                "KeyUsage": "SIGN_VERIFY",
                "PendingWindowInDays": 30,
                "KeyPolicy": policy(administer),
            },
            **KEPT,
        ),
        "KeyAlias": resource(
            "AWS::KMS::Alias", {"AliasName": "alias/hasivu/prod/data", "TargetKeyId": arn("Key")}, tags=False
        ),
    }


CEILING = {"OnDemandThroughput": {"MaxReadRequestUnits": 8000, "MaxWriteRequestUnits": 4000}}
ON_DEMAND = {"BillingMode": "PAY_PER_REQUEST", **CEILING}


def keyed(*names: str, indexes: tuple[Body, ...] = ()) -> Body:
    """Keys of ``names`` (partition, sort), with the definitions that they and ``indexes`` need."""
    used = {*names, *(item["AttributeName"] for index in indexes for item in index["KeySchema"])}
    return {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in sorted(used)],
        "KeySchema": key_schema(*names),
    }


def key_schema(*names: str) -> list[Body]:
    kinds = ("HASH", "RANGE")
    return [{"AttributeName": name, "KeyType": kind} for name, kind in zip(names, kinds, strict=False)]


def table(name: str, **properties: Any) -> Body:
    return resource(
        "AWS::DynamoDB::Table",
        {
            "TableName": name,
            **keyed("pk"),
            "DeletionProtectionEnabled": True,
            "PointInTimeRecoverySpecification": {
                "PointInTimeRecoveryEnabled": True,
                "RecoveryPeriodInDays": 35,
            },
            "SSESpecification": {"KMSMasterKeyId": arn("Key"), "SSEEnabled": True, "SSEType": "KMS"},
            **properties,
        },
        **KEPT,
    )


def _on_books(*actions: str, books: list[Body]) -> tuple[Body, Body]:
    """What a role may do with append-only tables, and that it may not change what they hold."""
    allowed = allow([f"dynamodb:{action}" for action in actions], books)
    return allowed, never_changing(*copy.deepcopy(books))


def append_only(name: str) -> Body:
    denial = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": list(CHANGING),
        "Resource": of_our_account("dynamodb", f"table/{name}"),
    }
    return {"ResourcePolicy": {"PolicyDocument": policy(denial)}}


EXPIRES = {"TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True}}


def tables() -> dict[str, Body]:
    return {
        "Payments": _decided("hasivu-prod-payments", **ON_DEMAND),
        "Ledger": _decided("hasivu-prod-ledger", **ON_DEMAND, **append_only("hasivu-prod-ledger")),
        "Schools": table(
            "hasivu-prod-schools",
            BillingMode="PROVISIONED",
            GlobalSecondaryIndexes=[_index("by_school", "school_id")],
            **keyed("school_id"),
        ),
        **scaling("Schools", "by_school"),
        "Outbox": _decided(
            "hasivu-prod-outbox",
            **ON_DEMAND,
            StreamSpecification={"StreamViewType": "NEW_IMAGE"},
            **EXPIRES,
            **append_only("hasivu-prod-outbox"),
        ),
    }


def _decided(name: str, **properties: Any) -> Body:
    """A table with the keys that were decided for it, on demand."""
    keys, indexes = KEYS[name.replace("-prod-", "-{env}-")]
    made = [_index(index, *names) | CEILING for index, names in indexes.items()]
    indexed = {"GlobalSecondaryIndexes": made} if made else {}
    return table(name, **keyed(*keys, indexes=tuple(made)), **indexed, **properties)


def _index(name: str, *keys: str) -> Body:
    return {"IndexName": name, "KeySchema": key_schema(*keys), "Projection": {"ProjectionType": "ALL"}}


def scaling(table: str, index: str) -> dict[str, Body]:
    """Auto-scaling of a provisioned table and its index."""
    found: dict[str, Body] = {}
    for kind, below in (("table", ""), ("index", f"/index/{index}")):
        for units, most in (("Read", 8000), ("Write", 4000)):
            logical_id = f"{table}{kind.title()}{units}"
            found[logical_id] = resource(
                "AWS::ApplicationAutoScaling::ScalableTarget",
                {
                    "ResourceId": {"Fn::Join": ["", ["table/", ref(table), below]]},
                    "ScalableDimension": f"dynamodb:{kind}:{units}CapacityUnits",
                    "MinCapacity": 100,
                    "MaxCapacity": most,
                },
                tags=False,
            )
            metric = {"PredefinedMetricType": f"DynamoDB{units}CapacityUtilization"}
            found[f"{logical_id}Tracking"] = resource(
                "AWS::ApplicationAutoScaling::ScalingPolicy",
                {
                    "PolicyType": "TargetTrackingScaling",
                    "ScalingTargetId": ref(logical_id),
                    "TargetTrackingScalingPolicyConfiguration": {
                        "PredefinedMetricSpecification": metric,
                        "TargetValue": 70,
                    },
                },
                tags=False,
            )
    return found


def bucket(name: str, *, days: int, **properties: Any) -> Body:
    return resource(
        "AWS::S3::Bucket",
        {
            "BucketName": f"hasivu-prod-{name}",
            "BucketEncryption": {
                "ServerSideEncryptionConfiguration": [
                    {
                        "BucketKeyEnabled": True,
                        "ServerSideEncryptionByDefault": {
                            "SSEAlgorithm": "aws:kms",
                            "KMSMasterKeyID": arn("Key"),
                        },
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
                "Rules": [
                    {
                        "Status": "Enabled",
                        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
                        "ExpirationInDays": days,
                        "NoncurrentVersionExpiration": {"NoncurrentDays": 3000},
                    }
                ]
            },
            **properties,
        },
        **KEPT,
    )


def guarded(name: str, *statements: Body, **bodies: Body) -> dict[str, Body]:
    """The bucket ``name`` with the policy that lets TLS in alone, and ``statements``."""
    objects = {"Fn::Join": ["", [arn(name), "/*"]]}
    old = tls_only("s3:*", [arn(name), objects]) | {
        "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}}
    }
    return {
        **bodies,
        f"{name}Policy": resource(
            "AWS::S3::BucketPolicy",
            {
                "Bucket": ref(name),
                "PolicyDocument": policy(tls_only("s3:*", [arn(name), objects]), old, *statements),
            },
            tags=False,
        ),
    }


def buckets() -> dict[str, Body]:
    locked = {
        "ObjectLockEnabled": True,
        "ObjectLockConfiguration": {
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 8}},
        },
    }
    cors = {
        "CorsConfiguration": {
            "CorsRules": [
                {
                    "AllowedOrigins": ["https://app.hasivu.example"],
                    "AllowedMethods": ["PUT"],
                    "AllowedHeaders": [],
                }
            ]
        }
    }
    audit = bucket("audit", days=3000, **locked, **logged("AuditArchive"))
    config = bucket("config", days=731, **logged("ConfigHistory"))
    uploads = bucket("uploads", days=90, **cors, **logged("Uploads"))
    rules = uploads["Properties"]["LifecycleConfiguration"]["Rules"]
    rules.append({**rules[0], "Prefix": "statements/", "ExpirationInDays": 30})
    writing = access_logs_of("AuditArchive", "ConfigHistory", "Uploads", "Analytics")
    return {
        **guarded("AccessLogs", *writing, AccessLogs=bucket("access-logs", days=400)),
        **guarded("AuditArchive", *TRAIL_WRITES, AuditArchive=audit),
        **guarded("ConfigHistory", *CONFIG_WRITES, ConfigHistory=config),
        **guarded("Uploads", Uploads=uploads),
        **guarded("Analytics", Analytics=bucket("analytics", days=1095, **logged("Analytics"))),
    }


def queue(name: str, **properties: Any) -> Body:
    return resource(
        "AWS::SQS::Queue",
        {
            "QueueName": name,
            "KmsMasterKeyId": arn("Key"),
            "ReceiveMessageWaitTimeSeconds": 20,
            **properties,
        },
        **KEPT,
    )


def queue_policy(name: str, *statements: Body) -> Body:
    return resource(
        "AWS::SQS::QueuePolicy",
        {"Queues": [ref(name)], "PolicyDocument": policy(tls_only("sqs:*", arn(name)), *statements)},
        tags=False,
    )


def messaging() -> dict[str, Body]:
    from_topic = {"ArnEquals": {"aws:SourceArn": ref("Topic")}}
    deny_all = {"redrivePermission": "denyAll"}
    return {
        "Queue": queue(
            "hasivu-prod-notifications",
            VisibilityTimeout=150,
            MessageRetentionPeriod=345_600,
            RedrivePolicy={"deadLetterTargetArn": arn("DeadLetters"), "maxReceiveCount": 5},
            RedriveAllowPolicy=deny_all,
        ),
        "QueuePolicy": queue_policy(
            "Queue",
            allow(
                "sqs:SendMessage",
                arn("Queue"),
                Principal={"Service": "sns.amazonaws.com"},
                Condition=from_topic,
            ),
        ),
        "DeadLetters": queue(
            "hasivu-prod-notifications-dlq",
            MessageRetentionPeriod=1_209_600,
            RedriveAllowPolicy={
                "redrivePermission": "byQueue",
                "sourceQueueArns": [of_our_account("sqs", "hasivu-prod-notifications")],
            },
        ),
        "DeadLettersPolicy": queue_policy("DeadLetters", *LETTERS),
        **topic("Topic", "payment-notifications-prod"),
        **topic("AlarmTopic", "hasivu-prod-alarms-page", alarms_into("AlarmTopic")),
        **topic("TicketTopic", "hasivu-prod-alarms-ticket", alarms_into("TicketTopic")),
        "Subscription": resource(
            "AWS::SNS::Subscription",
            {
                "TopicArn": ref("Topic"),
                "Protocol": "sqs",
                "Endpoint": arn("Queue"),
                "RawMessageDelivery": True,
                "RedrivePolicy": {"deadLetterTargetArn": arn("DeadLetters")},
            },
            tags=False,
        ),
        "AlarmReader": resource(
            "AWS::SNS::Subscription",
            {"TopicArn": ref("AlarmTopic"), "Protocol": "email", "Endpoint": "on-call@hasivu.example"},
            tags=False,
        ),
    }


def deadline() -> dict[str, Body]:
    """The role under which the end of a rollback window pages."""
    parts = role("scheduler.amazonaws.com", allow("sns:Publish", ref("AlarmTopic")), through("sns"))
    parts[""]["Properties"]["RoleName"] = "hasivu-prod-rollback-deadline"
    return named("Deadline", parts)


def topic(logical_id: str, name: str, *statements: Body) -> dict[str, Body]:
    return {
        logical_id: resource("AWS::SNS::Topic", {"TopicName": name, "KmsMasterKeyId": arn("Key")}),
        f"{logical_id}Policy": resource(
            "AWS::SNS::TopicPolicy",
            {
                "Topics": [ref(logical_id)],
                "PolicyDocument": policy(tls_only("sns:Publish", ref(logical_id)), *statements),
            },
            tags=False,
        ),
    }


def _taking(name: str) -> Body:
    """A rule that takes the kinds of events that were decided for ``name`` to the topic of notifications."""
    kinds = TAKES[name]
    return resource(
        "AWS::Events::Rule",
        {
            "Name": f"hasivu-prod-{name}",
            "EventBusName": ref("Bus"),
            "EventPattern": {
                "source": ["hasivu.payments"],
                **({} if kinds is None else {"detail-type": sorted(kinds)}),
            },
            "State": "ENABLED",
            "Targets": [
                {
                    "Id": "topic",
                    "Arn": ref("Topic"),
                    "DeadLetterConfig": {"Arn": arn("DeadLetters")},
                    "RoleArn": arn("PublisherRole"),
                }
            ],
        },
    )


def eventing() -> dict[str, Body]:
    return {
        "Bus": resource(
            "AWS::Events::EventBus", {"Name": "hasivu-prod-events", "KmsKeyIdentifier": arn("Key")}
        ),
        "Archive": resource(
            "AWS::Events::Archive",
            {
                "ArchiveName": "hasivu-prod-events",
                "SourceArn": arn("Bus"),
                "RetentionDays": 90,
                "KmsKeyIdentifier": arn("Key"),
            },
            tags=False,
            **KEPT,
        ),
        "Rule": _taking("payment-events"),
        "RuleForSplits": _taking("payment-splits"),
        "RuleForAnalytics": _taking("payment-analytics"),
        "Pipe": resource(
            "AWS::Pipes::Pipe",
            {
                "Name": "hasivu-prod-outbox",
                "DesiredState": "RUNNING",
                "RoleArn": arn("PipeRole"),
                "Source": {"Fn::GetAtt": ["Outbox", "StreamArn"]},
                "SourceParameters": {
                    "DynamoDBStreamParameters": {
                        "StartingPosition": "TRIM_HORIZON",
                        "MaximumRetryAttempts": 100,
                        "MaximumRecordAgeInSeconds": 43_200,
                        "OnPartialBatchItemFailure": "AUTOMATIC_BISECT",
                        "DeadLetterConfig": {"Arn": arn("DeadLetters")},
                    },
                    "FilterCriteria": {"Filters": [{"Pattern": '{"eventName":["INSERT"]}'}]},
                },
                "Target": arn("Bus"),
                "TargetParameters": {
                    "EventBridgeEventBusParameters": {
                        "Source": "$.dynamodb.NewImage.source.S",
                        "DetailType": "$.dynamodb.NewImage.detail_type.S",
                    },
                    "InputTemplate": "{"
                    + ", ".join(
                        f'"{name}": <$.dynamodb.NewImage.{name}.S>'
                        for name in ("event_id", "occurred_at", "subject", "detail")
                    )
                    + "}",
                },
            },
        ),
        **named(
            "PublisherRole",
            role(
                "events.amazonaws.com",
                allow("sns:Publish", [ref("Topic"), ref("AlarmTopic")]),
                through("sns"),
            ),
        ),
        **named(
            "PipeRole",
            role(
                "pipes.amazonaws.com",
                allow("dynamodb:GetRecords", {"Fn::GetAtt": ["Outbox", "StreamArn"]}),
                allow("events:PutEvents", arn("Bus")),
                allow("sqs:SendMessage", arn("DeadLetters")),
                through("sqs"),
            ),
        ),
    }


BROWSED = ("payments-advanced",)
BOOKS = {"Ledger": "LEDGER_TABLE", "Outbox": "OUTBOX_TABLE"}
_SETTINGS: dict[str, Any] = {
    "LEDGER_TABLE": ref("Ledger"),
    "OUTBOX_TABLE": ref("Outbox"),
    "SCHOOLS_TABLE": ref("Schools"),
    "HISTORY_DATABASE": "hasivu_prod",
    "HISTORY_WORKGROUP": "hasivu-prod-analytics",
    "AUDIT_BUCKET": ref("AuditArchive"),
    "ANALYTICS_BUCKET": ref("Analytics"),
    "_KEY_ARN": arn("SealKey"),
    "_TABLE": ref("Payments"),
    "_SECRET_ARN": {"Fn::GetAtt": ["Secret", "Id"]},
    "_QUEUE_URL": ref("Queue"),
    "_DLQ_URL": ref("DeadLetters"),
    "_PARAMETER": ref("BaseUrl"),
    "USER_POOL_ID": ref("Pool"),
    "USER_POOL_CLIENT_ID": ref("Client"),
    "_BUCKET": ref("Uploads"),
}
_RIGHTS = {
    "_SECRET_ARN": allow("secretsmanager:GetSecretValue", {"Fn::GetAtt": ["Secret", "Id"]}),
    "_QUEUE_URL": allow("sqs:SendMessage", arn("Queue")),
    "_DLQ_URL": allow("sqs:GetQueueAttributes", arn("DeadLetters")),
    "_PARAMETER": allow("ssm:GetParameter", {"Fn::GetAtt": ["BaseUrl", "Arn"]}),
}
READS_SCHOOLS = allow("dynamodb:GetItem", arn("Schools"))
SIGNS = allow("kms:Sign", arn("SealKey"))
READS = allow(["sqs:ReceiveMessage", "sqs:DeleteMessage"], arn("Queue"))


THROUGH = tuple(f"{name}.ap-south-1.amazonaws.com" for name in ("dynamodb", "s3", "secretsmanager", "sqs"))
WRITES_HISTORY = allow(
    "s3:PutObject",
    [f"arn:aws:s3:::hasivu-prod-analytics/{prefix}/*" for prefix in ("payments", "compacted", "athena")],
)


def pascal(name: str) -> str:
    return name.title().replace("-", "")


def functions() -> dict[str, Body]:
    found: dict[str, Body] = {
        **{layer_named(name): layer(name) for name in LAYERS},
        "Deployments": resource("AWS::CodeDeploy::Application", {"ComputePlatform": "Lambda"}),
    }
    for name in SETTINGS_BY_FUNCTION:
        found |= function(name)
    for name in sorted(MONEY_PATHS):
        found |= canary(name)
    found["Mapping"] = resource(
        "AWS::Lambda::EventSourceMapping",
        {
            "BatchSize": 10,
            "EventSourceArn": arn("Queue"),
            "FunctionName": ref("NotificationDispatcherLive"),
            "FunctionResponseTypes": ["ReportBatchItemFailures"],
            "ScalingConfig": {"MaximumConcurrency": 10},
        },
    )
    return found


def layer_named(name: str) -> str:
    return f"Layer{name.title()}"


def layer(name: str) -> Body:
    code = {"S3Bucket": ASSETS, "S3Key": f"{sha256(name.encode()).hexdigest()}.zip"}
    words = f"Third-party packages of the lock file's group layer-{name}"
    return resource("AWS::Lambda::LayerVersion", {"Content": code, "Description": words}, tags=False, **KEPT)


def function(name: str) -> dict[str, Body]:
    base = pascal(name)
    variables = {"HASIVU_ENV": "prod", "POWERTOOLS_SERVICE_NAME": name, "POWERTOOLS_LOG_LEVEL": "INFO"}
    for field, info in SETTINGS_BY_FUNCTION[name].model_fields.items():
        variable = field.upper()
        if (info.is_required() or variable == "PRESENTMENT_CURRENCIES") and variable not in variables:
            suffix = next((known for known in _SETTINGS if variable.endswith(known)), None)
            variables[variable] = "INR" if suffix is None else copy.deepcopy(_SETTINGS[suffix])
    if name in BROWSED:
        variables["ALLOWED_ORIGINS"] = ",".join(ORIGINS)
    adding = ("PutItem",) if name in MONEY_PATHS else ()
    reached = [arn(table) for table, variable in BOOKS.items() if variable in variables]
    deployment = {"ApplicationName": ref("Deployments"), "DeploymentGroupName": ref(f"{base}Group")}
    update = {"UpdatePolicy": {"CodeDeployLambdaAliasUpdate": deployment}}
    return {
        base: resource(
            "AWS::Lambda::Function",
            {
                "FunctionName": f"hasivu-prod-{name}",
                "Architectures": ["arm64"],
                "Code": {"S3Bucket": ASSETS, "S3Key": f"{sha256(name.encode()).hexdigest()}.zip"},
                "Environment": {"Variables": variables},
                "Handler": f"runtime.functions.{name.replace('-', '_')}.handler",
                "Layers": [ref(layer_named(needed)) for needed in layers_of(name)],
                "LoggingConfig": {"LogFormat": "JSON", "LogGroup": ref(f"{base}Logs")},
                "MemorySize": 512,
                "ReservedConcurrentExecutions": 20,
                "Role": arn(f"{base}Role"),
                "Runtime": "python3.14",
                "Timeout": 25,
                "TracingConfig": {"Mode": "Active"},
            },
        ),
        f"{base}Logs": log_group(),
        f"{base}Version": resource("AWS::Lambda::Version", {"FunctionName": ref(base)}, tags=False, **KEPT),
        f"{base}Live": resource(
            "AWS::Lambda::Alias",
            {
                "Name": "live",
                "FunctionName": ref(base),
                "FunctionVersion": {"Fn::GetAtt": [f"{base}Version", "Version"]},
            },
            tags=False,
            **(update if name in MONEY_PATHS else {}),
        ),
        **named(
            f"{base}Role",
            role(
                "lambda.amazonaws.com",
                allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn(f"{base}Logs")),
                allow(["xray:PutTelemetryRecords", "xray:PutTraceSegments"], "*"),
                allow(["dynamodb:GetItem", "dynamodb:PutItem"], arn("Payments")),
                allow(
                    ["kms:Decrypt", "kms:GenerateDataKey"],
                    arn("Key"),
                    Condition={"StringEquals": {"kms:ViaService": list(THROUGH)}},
                ),
                *(_on_books("GetItem", *adding, books=reached) if reached else ()),
                *((READS_SCHOOLS,) if "SCHOOLS_TABLE" in variables else ()),
                *(ROTATE if name == "secret-rotation" else ()),
                *((SIGNS,) if name == "audit-sealer" else ()),
                *((READS,) if name == "notification-dispatcher" else ()),
                *((WRITES_HISTORY,) if name == "payments-analytics" else ()),
                *(
                    copy.deepcopy(right)
                    for end, right in _RIGHTS.items()
                    if any(variable.endswith(end) for variable in variables)
                ),
            ),
        ),
    }


def canary(name: str) -> dict[str, Body]:
    """The deployment group of a function, with its role and its alarms."""
    base = pascal(name)
    live = {"FunctionName": f"hasivu-prod-{name}", "Resource": f"hasivu-prod-{name}:live"}
    version = {"ExecutedVersion": {"Fn::GetAtt": [f"{base}Version", "Version"]}}
    duration = alarm("AWS/Lambda", "Duration", "p99", 20_000, **live, **version)
    duration["Properties"]["ExtendedStatistic"] = duration["Properties"].pop("Statistic")
    calls = [("AWS/Lambda", metric, live) for metric in ("Errors", "Invocations")]
    caught = ("HASIVU/prod", "LoggedFailures", {"service": name})
    watching = {
        f"{base}LiveFailures": formula([caught, *calls], SHARE, 1),
        f"{base}LiveErrors": alarm("AWS/Lambda", "Errors", "Sum", 1, **live, **version),
        f"{base}LiveThrottles": alarm("AWS/Lambda", "Throttles", "Sum", 1, **live),
        f"{base}LiveDuration": duration,
    }
    paid = () if name in NO_PAYMENTS else ("PaymentFailures",)
    group = resource(
        "AWS::CodeDeploy::DeploymentGroup",
        {
            "ApplicationName": ref("Deployments"),
            "DeploymentConfigName": "CodeDeployDefault.LambdaCanary10Percent5Minutes",
            "ServiceRoleArn": arn(f"{base}GroupRole"),
            "DeploymentStyle": {
                "DeploymentOption": "WITH_TRAFFIC_CONTROL",
                "DeploymentType": "BLUE_GREEN",
            },
            "AutoRollbackConfiguration": {
                "Enabled": True,
                "Events": ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_REQUEST", "DEPLOYMENT_STOP_ON_ALARM"],
            },
            "AlarmConfiguration": {
                "Enabled": True,
                "Alarms": [{"Name": ref(logical_id)} for logical_id in (*watching, *paid)],
            },
        },
    )
    rights = (
        allow(["lambda:GetAlias", "lambda:UpdateAlias"], arn(base)),
        allow("cloudwatch:DescribeAlarms", "*"),
    )
    return {
        f"{base}Group": group,
        **watching,
        **named(f"{base}GroupRole", role("codedeploy.amazonaws.com", *rights)),
    }


ROTATE = (
    allow(
        [
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecretVersionStage",
        ],
        {"Fn::GetAtt": ["Secret", "Id"]},
    ),
)


def log_group(*name: Any) -> Body:
    properties: Body = {"LogGroupName": {"Fn::Join": ["", list(name)]}} if name else {}
    properties |= {"KmsKeyId": arn("Key"), "RetentionInDays": 731}
    return resource("AWS::Logs::LogGroup", properties, **KEPT)


def member_of(plan: str, key: str) -> Body:
    """That ``key`` is counted by ``plan``."""
    return {
        "KeyId": {"Fn::GetAtt": [key, "APIKeyId"]},
        "KeyType": "API_KEY",
        "UsagePlanId": {"Fn::GetAtt": [plan, "Id"]},
    }


def invocation(alias: str) -> Body:
    prefix = "arn:aws:apigateway:ap-south-1:lambda:path/2015-03-31/functions/"
    return {"Fn::Join": ["", [prefix, ref(alias), "/invocations"]]}


def api() -> dict[str, Body]:
    body = importable(CONTRACT)
    for path, item in body["paths"].items():
        for method, operation in item.items():
            alias = f"{pascal(CONTRACT['paths'][path][method]['x-hasivu-function'])}Live"
            operation["x-amazon-apigateway-integration"] = {
                "type": "aws_proxy",
                "httpMethod": "POST",
                "uri": invocation(alias),
            }
            if operation["security"]:
                operation["security"][0]["api_key"] = []
            if path.startswith("/v1/webhooks/"):
                operation["x-amazon-apigateway-request-validator"] = "nothing"
    for path, preflight in preflights(body["paths"], ORIGINS).items():
        body["paths"][path]["options"] = preflight
    body["components"]["securitySchemes"] = {
        "hasivu": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {
                "type": "token",
                "authorizerUri": invocation("ApiAuthorizerLive"),
                "identityValidationExpression": r"^(Bearer|ApiKey) [\x21-\x7E]+$",
                "authorizerResultTtlInSeconds": 60,
            },
        },
        "api_key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
    }
    body["x-amazon-apigateway-api-key-source"] = "AUTHORIZER"
    body["x-amazon-apigateway-gateway-responses"] = as_extension(ORIGINS)
    body["x-amazon-apigateway-request-validators"] = {
        "all": {"validateRequestBody": True, "validateRequestParameters": True},
        "parameters": {"validateRequestBody": False, "validateRequestParameters": True},
        "nothing": {"validateRequestBody": False, "validateRequestParameters": False},
    }
    body["x-amazon-apigateway-request-validator"] = "all"
    return {
        "Api": resource(
            "AWS::ApiGateway::RestApi",
            {
                "Name": "hasivu-prod",
                "Body": body,
                "EndpointConfiguration": {"Types": ["REGIONAL"]},
                "DisableExecuteApiEndpoint": True,
                **NEW_TLS,
            },
        ),
        "Domain": resource(
            "AWS::ApiGateway::DomainName",
            {
                "DomainName": "api.hasivu.example",
                "EndpointConfiguration": {"Types": ["REGIONAL"]},
                "RegionalCertificateArn": ref("Certificate"),
                **NEW_TLS,
            },
        ),
        "Certificate": resource(
            "AWS::CertificateManager::Certificate",
            {"DomainName": "api.hasivu.example", "ValidationMethod": "DNS"},
        ),
        "DomainMapping": resource(
            "AWS::ApiGateway::BasePathMapping",
            {"DomainName": ref("Domain"), "RestApiId": ref("Api"), "Stage": ref("Stage")},
            tags=False,
        ),
        "ApiKey": resource(
            "AWS::ApiGateway::ApiKey",
            {"Enabled": True, "Value": {"Fn::Join": ["", ["back-offices-", ref("Client")]]}},
        ),
        "Plan": resource(
            "AWS::ApiGateway::UsagePlan",
            {
                "ApiStages": [{"ApiId": ref("Api"), "Stage": ref("Stage")}],
                "Throttle": {"RateLimit": 800, "BurstLimit": 400},
                "UsagePlanName": "hasivu-prod-apps",
            },
        ),
        "BackOffices": resource(
            "AWS::ApiGateway::UsagePlan",
            {
                "ApiStages": [{"ApiId": ref("Api"), "Stage": ref("Stage")}],
                "Quota": {"Limit": 1_000_000, "Period": "DAY"},
                "Throttle": {"RateLimit": 200, "BurstLimit": 100},
                "UsagePlanName": "hasivu-prod-back-offices",
            },
        ),
        "AppsKey": resource("AWS::ApiGateway::ApiKey", {"Enabled": True, "Value": ref("Client")}),
        "PlanKey": resource(
            "AWS::ApiGateway::UsagePlanKey",
            member_of("Plan", "AppsKey"),
            tags=False,
        ),
        "BackOfficesKey": resource(
            "AWS::ApiGateway::UsagePlanKey", member_of("BackOffices", "ApiKey"), tags=False
        ),
        "ExecutionLog": log_group("API-Gateway-Execution-Logs_", ref("Api"), "/live"),
        "AccessLog": log_group(),
        "Account": resource("AWS::ApiGateway::Account", {"CloudWatchRoleArn": arn("LogWriter")}, tags=False),
        **named("LogWriter", role("apigateway.amazonaws.com", allow(sorted(GATEWAY_LOGGING), "*"))),
        "Deployment": resource("AWS::ApiGateway::Deployment", {"RestApiId": ref("Api")}, tags=False),
        "Stage": resource(
            "AWS::ApiGateway::Stage",
            {
                "RestApiId": ref("Api"),
                "DeploymentId": ref("Deployment"),
                "StageName": "live",
                "TracingEnabled": True,
                "AccessLogSetting": {
                    "DestinationArn": arn("AccessLog"),
                    "Format": json.dumps(
                        {
                            "id": "$context.requestId",
                            "time": "$context.requestTimeEpoch",
                            "method": "$context.httpMethod",
                            "status": "$context.status",
                        }
                    ),
                },
                "MethodSettings": [
                    {
                        "DataTraceEnabled": False,
                        "HttpMethod": "*",
                        "LoggingLevel": "ERROR",
                        "MetricsEnabled": True,
                        "ResourcePath": "/*",
                        "ThrottlingBurstLimit": 500,
                        "ThrottlingRateLimit": 1000,
                    }
                ],
            },
        ),
        "Permission": may_call("PaymentsAdvancedLive", "live/POST/v1/payments"),
        "HealthPermission": may_call("HealthCheckLive", "live/GET/health"),
        "WebhookPermission": may_call("PaymentsWebhookHandlerLive", "live/POST/v1/webhooks/razorpay"),
        "AuthorizerPermission": may_call("ApiAuthorizerLive", "authorizers/*"),
    }


def identity() -> dict[str, Body]:
    generated = {
        "SecretStringTemplate": '{"key_id": "unset"}',
        "GenerateStringKey": "key_secret",
        "PasswordLength": 64,
    }
    return {
        "Pool": resource(
            "AWS::Cognito::UserPool",
            {
                "UserPoolName": "hasivu-prod",
                "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
                "AdminCreateUserConfig": {"AllowAdminCreateUserOnly": True},
                "AutoVerifiedAttributes": ["email"],
                "DeletionProtection": "ACTIVE",
                "EnabledMfas": ["SOFTWARE_TOKEN_MFA"],
                "MfaConfiguration": "ON",
                "Policies": {
                    "PasswordPolicy": {
                        "MinimumLength": 12,
                        "PasswordHistorySize": 4,
                        "RequireLowercase": True,
                        "RequireNumbers": True,
                        "RequireSymbols": True,
                        "RequireUppercase": True,
                        "TemporaryPasswordValidityDays": 3,
                    }
                },
                "Schema": [
                    {"Name": "email", "Mutable": True, "Required": True},
                    {"Name": "phone_number", "Mutable": True, "Required": False},
                    {"Name": "school_ids", "Mutable": True, "AttributeDataType": "String"},
                ],
                "UserPoolAddOns": {"AdvancedSecurityMode": "ENFORCED"},
                "UserPoolTags": {tag["Key"]: tag["Value"] for tag in TAGS},
                "UserPoolTier": "PLUS",
                "UsernameAttributes": ["email"],
                "UsernameConfiguration": {"CaseSensitive": False},
                "VerificationMessageTemplate": {
                    "DefaultEmailOption": "CONFIRM_WITH_CODE",
                    "EmailMessage": "The code is {####}",
                },
            },
            tags=False,
            **KEPT,
        ),
        "Client": resource(
            "AWS::Cognito::UserPoolClient",
            {
                "UserPoolId": ref("Pool"),
                "AccessTokenValidity": 60,
                "IdTokenValidity": 60,
                "RefreshTokenValidity": 1440,
                "TokenValidityUnits": dict.fromkeys(("AccessToken", "IdToken", "RefreshToken"), "minutes"),
                "EnableTokenRevocation": True,
                "ExplicitAuthFlows": ["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
                "PreventUserExistenceErrors": "ENABLED",
                "SupportedIdentityProviders": ["COGNITO"],
                "ReadAttributes": ["email", "custom:school_ids"],
                "WriteAttributes": ["email", "phone_number"],
            },
            tags=False,
        ),
        **{
            f"Group{pascal(name.replace('_', '-'))}": resource(
                "AWS::Cognito::UserPoolGroup", {"GroupName": name, "UserPoolId": ref("Pool")}, tags=False
            )
            for name in sorted(GROUPS)
        },
        "Secret": resource(
            "AWS::SecretsManager::Secret",
            {"Name": "hasivu/prod/razorpay", "KmsKeyId": arn("Key"), "GenerateSecretString": generated},
            **KEPT,
        ),
        "Rotation": resource(
            "AWS::SecretsManager::RotationSchedule",
            {
                "SecretId": ref("Secret"),
                "RotationLambdaARN": ref("SecretRotationLive"),
                "RotationRules": {"AutomaticallyAfterDays": 90},
                "RotateImmediatelyOnUpdate": False,
            },
            tags=False,
        ),
        "RotationPermission": resource(
            "AWS::Lambda::Permission",
            {
                "Action": "lambda:InvokeFunction",
                "FunctionName": ref("SecretRotationLive"),
                "Principal": "secretsmanager.amazonaws.com",
                "SourceAccount": {"Ref": "AWS::AccountId"},
                "SourceArn": {"Fn::GetAtt": ["Secret", "Id"]},
            },
            tags=False,
        ),
        "BaseUrl": resource(
            "AWS::SSM::Parameter",
            {
                "Name": "/hasivu/prod/razorpay/base-url",
                "Type": "String",
                "Value": "https://api.razorpay.com",
                "Tags": {tag["Key"]: tag["Value"] for tag in TAGS},
            },
            tags=False,
        ),
    }


def formula(metrics: list[tuple[str, str, dict[str, Any]]], expression: str, threshold: float) -> Body:
    """An alarm on ``expression`` over metrics ``m0``, ``m1`` …, through ``failures`` and ``total``."""
    body = alarm("", "", "Sum", threshold)
    for name in ("Namespace", "MetricName", "Statistic", "Dimensions", "Period"):
        del body["Properties"][name]
    queries: list[Body] = [
        {
            "Id": f"m{number}",
            "ReturnData": False,
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
                },
                "Period": 300,
                "Stat": "Sum",
            },
        }
        for number, (namespace, metric, dimensions) in enumerate(metrics)
    ]
    last = len(metrics) - 1
    bad = " + ".join(f"FILL(m{number}, 0)" for number in range(max(1, last)))
    queries += [
        {"Id": "failures", "ReturnData": False, "Expression": bad},
        {"Id": "total", "ReturnData": False, "Expression": f"FILL(m{last}, 0)"},
        {"Id": "percent", "ReturnData": True, "Expression": expression},
    ]
    body["Properties"] |= {"Metrics": queries, "ComparisonOperator": "GreaterThanThreshold"}
    return body


_FAILED = [f'$.{field} = "{name}"' for field in ("error", "exception_name") for name in CONNECTION_ERRORS]
FAILED_CONNECTION = f"{{ {' || '.join(_FAILED)} }}"


def burn(threshold: float, period_s: int) -> Body:
    """An alarm on how fast the error budget burns."""
    api: dict[str, Any] = {"ApiName": "hasivu-prod", "Stage": "live"}
    counted = [("AWS/ApiGateway", "5XXError", api), ("AWS/ApiGateway", "Count", api)]
    body = formula(counted, SHARE.replace("100 *", "1000 *"), threshold)
    body["Properties"] |= {"EvaluationPeriods": 1, "DatapointsToAlarm": 1}
    for query in body["Properties"]["Metrics"]:
        if "MetricStat" in query:
            query["MetricStat"]["Period"] = period_s
    return body


SHARE = "IF(total >= 20 OR failures >= 10, 100 * failures / total, 0)"


def sums(*metrics: tuple[str, str, dict[str, Any]]) -> Body:
    """An alarm on the plain sum of metrics."""
    body = formula([*metrics], SHARE, 1)
    queries = [query for query in body["Properties"]["Metrics"] if "MetricStat" in query]
    expression = " + ".join(f"FILL({query['Id']}, 0)" for query in queries)
    body["Properties"]["Metrics"] = [*queries, {"Id": "all", "ReturnData": True, "Expression": expression}]
    return body


def fill(table: dict[str, Any]) -> Body:
    """An alarm on how much of its ceilings a table uses."""
    body = formula(
        [
            ("AWS/DynamoDB", "ConsumedReadCapacityUnits", table),
            ("AWS/DynamoDB", "ConsumedWriteCapacityUnits", table),
        ],
        "100 * MAX([FILL(m0, 0) / 2400000, FILL(m1, 0) / 1200000])",
        80,
    )
    queries = body["Properties"]["Metrics"]
    body["Properties"]["Metrics"] = [item for item in queries if item["Id"] not in {"failures", "total"}]
    return body


def alarms() -> dict[str, Body]:
    own = "HASIVU/prod"
    api_stage = {"ApiName": "hasivu-prod", "Stage": "live"}
    stage: dict[str, Any] = dict(api_stage)
    found: dict[str, Body] = {
        "PaymentFailures": formula([(own, "PaymentFailed", {}), (own, "PaymentCaptured", {})], SHARE, 5),
        "ApiFaults": formula(
            [("AWS/ApiGateway", "5XXError", stage), ("AWS/ApiGateway", "Count", stage)], SHARE, 0.5
        ),
        "ApiLatency": alarm("AWS/ApiGateway", "Latency", "p95", 2000, **stage),
        "Conflicted": alarm(own, "PaymentConflicted", "Sum", 1),
        "Webhooks": alarm(own, "WebhookReceived", "Sum", 100),
        "Connections": alarm(own, "AwsConnectionFailures", "Sum", 3),
        "Expiry": alarm(
            "AWS/CertificateManager", "DaysToExpiry", "Minimum", 45, CertificateArn=ref("Certificate")
        ),
        **{
            f"Undelivered{pascal(name)}": alarm(
                "AWS/Events", "FailedInvocations", "Sum", 1, RuleName=f"hasivu-prod-{name}"
            )
            for name in TAKES
        },
        "PipeFailures": sums(
            *(
                ("AWS/EventBridge/Pipes", name, {"PipeName": "hasivu-prod-outbox"})
                for name in (
                    "ExecutionFailed",
                    "ExecutionPartiallyFailed",
                    "ExecutionTimeout",
                    "ExecutionThrottled",
                )
            )
        ),
        "PipeUse": alarm("AWS/EventBridge/Pipes", "Invocations", "Sum", 1, PipeName="hasivu-prod-outbox"),
        "HealthSilent": alarm(own, "HealthChecked", "SampleCount", 1),
        "AuditSeal": alarm(own, "AuditSealed", "SampleCount", 1),
        "SweepSilent": alarm(own, "SweepRan", "Sum", 1),
        "MatchSilent": alarm(own, "MatchRan", "Sum", 1),
        "HistorySilent": alarm(own, "HistoryCompacted", "Sum", 1),
        "HistoryFailed": alarm(own, "HistoryCompactionFailed", "Sum", 1),
        "BurnLong": burn(14.4, 3600),
        "BurnShort": burn(14.4, 300),
        "Burning": resource(
            "AWS::CloudWatch::CompositeAlarm",
            {
                "ActionsEnabled": True,
                "AlarmActions": [ref("AlarmTopic")],
                "AlarmDescription": describe(),
                "AlarmRule": {
                    "Fn::Join": ["", ['ALARM("', ref("BurnLong"), '") AND ALARM("', ref("BurnShort"), '")']]
                },
            },
        ),
        "Both": resource(
            "AWS::CloudWatch::CompositeAlarm",
            {
                "ActionsEnabled": True,
                "AlarmActions": [ref("AlarmTopic")],
                "AlarmDescription": describe(),
                "AlarmRule": {
                    "Fn::Join": ["", ['ALARM("', ref("ApiFaults"), '") AND ALARM("', ref("ApiLatency"), '")']]
                },
            },
        ),
    }
    found["Expiry"]["Properties"] |= {
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "missing",
    }
    for silent in ("AuditSeal", "HealthSilent", "HistorySilent", "MatchSilent", "SweepSilent"):
        found[silent]["Properties"] |= {
            "ComparisonOperator": "LessThanThreshold",
            "TreatMissingData": "breaching",
        }
    latency = found["ApiLatency"]["Properties"]
    latency["ExtendedStatistic"] = latency.pop("Statistic")
    for name in ("hasivu-prod-notifications", "hasivu-prod-notifications-dlq"):
        depth = "ApproximateNumberOfMessagesVisible"
        threshold = 1 if name.endswith("dlq") else 1000
        found[f"Depth{pascal(name)}"] = alarm("AWS/SQS", depth, "Maximum", threshold, QueueName=name)
    found["Age"] = alarm(
        "AWS/SQS", "ApproximateAgeOfOldestMessage", "Maximum", 900, QueueName="hasivu-prod-notifications"
    )
    for name in ("payments", "ledger", "outbox", "schools"):
        dimension = {"TableName": f"hasivu-prod-{name}"}
        found[f"Fill{pascal(name)}"] = fill(dimension)
        found[f"Faults{pascal(name)}"] = sums(
            ("AWS/DynamoDB", "SystemErrors", dimension | {"Operation": "PutItem"})
        )
        found[f"Throttles{pascal(name)}"] = alarm("AWS/DynamoDB", "ReadThrottleEvents", "Sum", 1, **dimension)
    for name in SETTINGS_BY_FUNCTION:
        dimension = {"FunctionName": f"hasivu-prod-{name}"}
        found[f"{pascal(name)}Errors"] = formula(
            [("AWS/Lambda", "Errors", dimension), ("AWS/Lambda", "Invocations", dimension)], SHARE, 1
        )
        found[f"{pascal(name)}Connections"] = resource(
            "AWS::Logs::MetricFilter",
            {
                "LogGroupName": ref(f"{pascal(name)}Logs"),
                "FilterPattern": FAILED_CONNECTION,
                "MetricTransformations": [
                    {"MetricName": "AwsConnectionFailures", "MetricNamespace": own, "MetricValue": "1"}
                ],
            },
            tags=False,
        )
        found[f"{pascal(name)}Throttles"] = alarm("AWS/Lambda", "Throttles", "Sum", 1, **dimension)
        found[f"{pascal(name)}Concurrency"] = alarm(
            "AWS/Lambda", "ConcurrentExecutions", "Maximum", 16, **dimension
        )
    return found


def caught() -> dict[str, Body]:
    """What counts the failures that functions catch and log."""
    counts = {
        "MetricName": "LoggedFailures",
        "MetricNamespace": "HASIVU/prod",
        "MetricValue": "1",
        "Dimensions": [{"Key": "service", "Value": "$.service"}],
    }
    return {
        f"{pascal(name)}Caught": resource(
            "AWS::Logs::MetricFilter",
            {
                "LogGroupName": ref(f"{pascal(name)}Logs"),
                "FilterPattern": '{ $.exception_name = "*" }',
                "MetricTransformations": [copy.deepcopy(counts)],
            },
            tags=False,
        )
        for name in SETTINGS_BY_FUNCTION
    }


def dashboards() -> dict[str, Body]:
    widget = {
        "type": "metric",
        "properties": {
            "title": "TPS",
            "metrics": [
                *(["AWS/Lambda", "Duration", {"stat": stat}] for stat in ("p50", "p95", "p99")),
                *(["AWS/Any", name] for name in METRICS_SHOWN),
            ],
        },
    }
    body = json.dumps({"widgets": [widget]})
    return {
        f"Dashboard{number}": resource("AWS::CloudWatch::Dashboard", {"DashboardBody": body})
        for number in range(4)
    }


PARTS = (
    keys,
    tables,
    buckets,
    messaging,
    eventing,
    functions,
    api,
    sound_firewall.resources,
    identity,
    recovery,
    alarms,
    deadline,
    dashboards,
)


@cache
def known() -> Estate:
    """The sound estate, made once: whoever plants something in its templates shares what is not changed."""
    return estate(templates())


def templates() -> dict[str, Body]:
    """The templates of the sound estate, new each time: in the end somebody plants something in them."""
    found: dict[str, Body] = {}
    for part in PARTS:
        found |= part()
    output = {"Value": ref("Api"), "Description": "The API"}
    stacks = {
        "Sound": {"Resources": copy.deepcopy(found), "Outputs": {"ApiId": output}},
        "Watched": {"Resources": auditor()},
        "Clock": {"Resources": _from_outside(schedules(), found)},
        "History": {"Resources": _from_outside(history(), found)},
        "Runbooks": {"Resources": _from_outside({**severities(), **caught()}, found)},
        "Recorder": {"Resources": _from_outside(configuration(), found)},
        "Trail": {"Resources": _from_outside(copy.deepcopy(trail()), found)},
    }
    for stack in stacks.values():
        for body in stack["Resources"].values():
            if body["Type"] == "AWS::CloudWatch::Alarm":
                guarded_as_it_is(body)
    return stacks


def _from_outside(value: Any, found: dict[str, Body]) -> Any:
    """``value`` in a stack of its own: what it refers to in ``found``, as read across stacks."""
    match value:
        case {"Ref": str(name)} if name in found:
            return f"<Sound.{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]} if name in found:
            return f"<Sound.{name}.{attribute}>"
        case dict():
            return {key: _from_outside(inner, found) for key, inner in value.items()}
        case list():
            return [_from_outside(inner, found) for inner in value]
    return value


def estate(planted: dict[str, Body] | None = None) -> Estate:
    """The sound estate, or the one with ``planted`` templates."""
    found = templates() if planted is None else planted
    return Estate(
        found,
        environment=ENVIRONMENT,
        contract=CONTRACT,
        termination_protection=dict.fromkeys(found, True),
    )
