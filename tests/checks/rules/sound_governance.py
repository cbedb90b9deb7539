"""The sound estate's backups, trail, recorded configuration and budget."""

from typing import Any

from checks.rules.configuration import HEARD, LIVE_RULES
from stacks import trail_patterns
from tests.checks.rules.building import (
    ENVIRONMENT,
    KEPT,
    TAGS,
    Body,
    alarm,
    allow,
    arn,
    named,
    never_changing,
    of_our_account,
    policy,
    ref,
    resource,
    role,
)

COPY_VAULT = {
    "Fn::Join": [
        "",
        ["arn:aws:backup:ap-south-2:", {"Ref": "AWS::AccountId"}, ":backup-vault:hasivu-prod-copy"],
    ]
}
OUR_TRAIL = {"aws:SourceArn": of_our_account("cloudtrail", "trail/hasivu-prod")}
OUR_ACCOUNT = {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
CLOUDTRAIL = {"Service": "cloudtrail.amazonaws.com"}
CONFIG = {"Service": "config.amazonaws.com"}

KEY_USES = (
    allow(
        ["kms:DescribeKey", "kms:GenerateDataKey"],
        "*",
        Principal=CLOUDTRAIL,
        Condition={"StringEquals": OUR_TRAIL},
    ),
    allow(
        ["kms:Decrypt", "kms:GenerateDataKey"],
        "*",
        Principal=CONFIG,
        Condition={"StringEquals": OUR_ACCOUNT},
    ),
)
"""What the key's policy says for the trail and for Config."""

TABLES = ("Payments", "Ledger", "Outbox", "Schools")
"""The tables of the sound estate: backed up and recorded."""


def objects(bucket: str, below: str = "") -> Body:
    return {"Fn::Join": ["", [arn(bucket), f"/{below}"]]}


TRAIL_WRITES = (
    allow(
        "s3:GetBucketAcl",
        arn("AuditArchive"),
        Principal=CLOUDTRAIL,
        Condition={"StringEquals": OUR_TRAIL},
    ),
    allow(
        "s3:PutObject",
        objects("AuditArchive", "trail/AWSLogs/own/*"),
        Principal=CLOUDTRAIL,
        Condition={"StringEquals": OUR_TRAIL},
    ),
)
CONFIG_WRITES = (
    allow(
        "s3:GetBucketAcl",
        arn("ConfigHistory"),
        Principal=CONFIG,
        Condition={"StringEquals": OUR_ACCOUNT},
    ),
    allow(
        "s3:PutObject",
        objects("ConfigHistory", "AWSLogs/own/Config/*"),
        Principal=CONFIG,
        Condition={"StringEquals": OUR_ACCOUNT},
    ),
)


def vault(name: str) -> Body:
    denial = {
        "Effect": "Deny",
        "Principal": {"AWS": "*"},
        "Action": [
            "backup:DeleteRecoveryPoint",
            "backup:DisassociateRecoveryPoint",
            "backup:UpdateRecoveryPointLifecycle",
        ],
        "Resource": "*",
    }
    return resource(
        "AWS::Backup::BackupVault",
        {
            "BackupVaultName": name,
            "BackupVaultTags": {tag["Key"]: tag["Value"] for tag in TAGS},
            "EncryptionKeyArn": arn("Key"),
            "LockConfiguration": {"MinRetentionDays": 35, "MaxRetentionDays": 3650, "ChangeableForDays": 30},
            "AccessPolicy": policy(denial),
        },
        tags=False,
        **KEPT,
    )


def plan_rule(schedule: str, **lifecycle: int) -> Body:
    return {
        "RuleName": schedule,
        "ScheduleExpression": schedule,
        "ScheduleExpressionTimezone": "Asia/Kolkata",
        "StartWindowMinutes": 60,
        "CompletionWindowMinutes": 480,
        "TargetBackupVault": ref("Vault"),
        "Lifecycle": lifecycle,
        "CopyActions": [{"DestinationBackupVaultArn": COPY_VAULT, "Lifecycle": lifecycle}],
    }


def recovery() -> dict[str, Body]:
    tables = [arn(name) for name in TABLES]
    through = [
        f"{service}.{region}.amazonaws.com"
        for service in ("backup", "dynamodb")
        for region in ("ap-south-1", "ap-south-2")
    ]
    rights = (
        allow(["dynamodb:StartAwsBackupJob", "dynamodb:DescribeTable"], tables),
        allow(
            ["kms:Decrypt", "kms:GenerateDataKey"],
            arn("Key"),
            Condition={"StringEquals": {"kms:ViaService": through}},
        ),
        never_changing(*(arn(name) for name in ("Ledger", "Outbox"))),
        allow("kms:CreateGrant", arn("Key"), Condition={"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        allow(
            "backup:CopyIntoBackupVault", [of_our_account("backup", "backup-vault:hasivu-prod"), COPY_VAULT]
        ),
        allow(
            "backup:CopyFromBackupVault",
            "*",
            Condition={"ArnEquals": {"backup:CopyTargets": COPY_VAULT}},
        ),
    )
    missing = alarm("AWS/Backup", "NumberOfBackupJobsCompleted", "Sum", 1, BackupVaultName=ref("Vault"))
    missing["Properties"] |= {
        "ComparisonOperator": "LessThanThreshold",
        "TreatMissingData": "breaching",
        "Period": 46_800,
        "EvaluationPeriods": 2,
    }
    return {
        "Vault": vault("hasivu-prod"),
        "CopyVault": vault("hasivu-prod-copy"),
        "BackupPlan": resource(
            "AWS::Backup::BackupPlan",
            {
                "BackupPlan": {
                    "BackupPlanRule": [
                        plan_rule("cron(30 1 * * ? *)", DeleteAfterDays=365),
                        plan_rule("cron(30 3 1 * ? *)", DeleteAfterDays=2922, MoveToColdStorageAfterDays=90),
                    ]
                },
                "BackupPlanTags": {tag["Key"]: tag["Value"] for tag in TAGS},
            },
            tags=False,
        ),
        "Selection": resource(
            "AWS::Backup::BackupSelection",
            {
                "BackupPlanId": ref("BackupPlan"),
                "BackupSelection": {"IamRoleArn": arn("BackupRole"), "Resources": tables},
            },
            tags=False,
        ),
        **named("BackupRole", role("backup.amazonaws.com", *rights)),
        "BackupsFailed": alarm(
            "AWS/Backup", "NumberOfBackupJobsFailed", "Sum", 1, BackupVaultName=ref("Vault")
        ),
        "BackupsMissing": missing,
    }


def selector(*fields: Body) -> Body:
    return {"FieldSelectors": list(fields)}


def equals(field: str, *values: Any) -> Body:
    return {"Field": field, "Equals": list(values)}


def trail() -> dict[str, Body]:
    writing = allow(["logs:CreateLogStream", "logs:PutLogEvents"], arn("TrailLog"))
    writer = role("cloudtrail.amazonaws.com", writing)
    own = f"HASIVU/{ENVIRONMENT}"
    silent = alarm("AWS/Logs", "IncomingLogEvents", "Sum", 1, LogGroupName=ref("TrailLog"))
    silent["Properties"] |= {"ComparisonOperator": "LessThanThreshold", "TreatMissingData": "breaching"}
    found: dict[str, Body] = {
        "Trail": resource(
            "AWS::CloudTrail::Trail",
            {
                "TrailName": "hasivu-prod",
                "IsLogging": True,
                "EnableLogFileValidation": True,
                "IsMultiRegionTrail": True,
                "IncludeGlobalServiceEvents": True,
                "KMSKeyId": arn("Key"),
                "S3BucketName": ref("AuditArchive"),
                "S3KeyPrefix": "trail",
                "CloudWatchLogsLogGroupArn": arn("TrailLog"),
                "CloudWatchLogsRoleArn": arn("TrailWriter"),
                "AdvancedEventSelectors": [
                    selector(equals("eventCategory", "Management")),
                    selector(
                        equals("eventCategory", "Data"),
                        equals("resources.type", "AWS::DynamoDB::Table"),
                        equals("resources.ARN", *(arn(name) for name in TABLES)),
                    ),
                    selector(
                        equals("eventCategory", "Data"),
                        equals("resources.type", "AWS::S3::Object"),
                        {
                            "Field": "resources.ARN",
                            "StartsWith": [objects("AuditArchive")],
                            "NotStartsWith": [objects("AuditArchive", "trail/")],
                        },
                    ),
                ],
            },
            **KEPT,
        ),
        "TrailLog": resource("AWS::Logs::LogGroup", {"KmsKeyId": arn("Key"), "RetentionInDays": 731}, **KEPT),
        **named("TrailWriter", writer),
        "TrailSilent": silent,
    }
    for name, pattern in vars(trail_patterns).items():
        if isinstance(pattern, str) and pattern.startswith("{"):
            metric = name.title().replace("_", "")
            found[f"{metric}Counted"] = resource(
                "AWS::Logs::MetricFilter",
                {
                    "LogGroupName": ref("TrailLog"),
                    "FilterPattern": pattern,
                    "MetricTransformations": [
                        {"MetricName": metric, "MetricNamespace": own, "MetricValue": "1"}
                    ],
                },
                tags=False,
            )
            found[metric] = alarm(own, metric, "Sum", 1)
            found[metric]["Properties"] |= {"EvaluationPeriods": 1, "DatapointsToAlarm": 1}
    return found


def live_rule(identifier: str) -> Body:
    parameters = {
        "CW_LOGGROUP_RETENTION_PERIOD_CHECK": {"MinRetentionTime": "365"},
        "BACKUP_RECOVERY_POINT_MINIMUM_RETENTION_CHECK": {"requiredRetentionDays": "35"},
    }
    source = {"Owner": "AWS", "SourceIdentifier": identifier}
    given = {"InputParameters": parameters[identifier]} if identifier in parameters else {}
    return resource("AWS::Config::ConfigRule", {"Source": source} | given, tags=False)


def told(kind: str, percent: int) -> Body:
    return {
        "Notification": {
            "NotificationType": kind,
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": percent,
            "ThresholdType": "PERCENTAGE",
        },
        "Subscribers": [{"SubscriptionType": "EMAIL", "Address": "platform@hasivu.example"}],
    }


def configuration() -> dict[str, Body]:
    service_role = "role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"
    findings = {
        f"Finding{number}": resource(
            "AWS::Events::Rule",
            {
                "Name": f"hasivu-prod-finding-{number}",
                "EventPattern": pattern,
                "State": "ENABLED",
                "Targets": [
                    {
                        "Id": "tickets",
                        "Arn": ref("AlarmTopic"),
                        "DeadLetterConfig": {"Arn": arn("DeadLetters")},
                        "RoleArn": arn("PublisherRole"),
                    }
                ],
            },
        )
        for number, (_, pattern) in enumerate(HEARD)
    }
    undelivered = {
        f"Finding{number}Undelivered": alarm(
            "AWS/Events", "FailedInvocations", "Sum", 1, RuleName=f"hasivu-prod-finding-{number}"
        )
        for number in range(len(HEARD))
    }
    return {
        "Recorder": resource(
            "AWS::Config::ConfigurationRecorder",
            {
                "RecordingGroup": {"AllSupported": True, "IncludeGlobalResourceTypes": True},
                "RoleARN": {
                    "Fn::Join": ["", ["arn:aws:iam::", {"Ref": "AWS::AccountId"}, f":{service_role}"]]
                },
            },
            tags=False,
        ),
        "Channel": resource(
            "AWS::Config::DeliveryChannel",
            {"S3BucketName": ref("ConfigHistory"), "S3KmsKeyArn": arn("Key")},
            tags=False,
        ),
        **{f"Live{number}": live_rule(identifier) for number, identifier in enumerate(sorted(LIVE_RULES))},
        "Analyzer": resource("AWS::AccessAnalyzer::Analyzer", {"Type": "ACCOUNT"}),
        **findings,
        **undelivered,
        "Budget": resource(
            "AWS::Budgets::Budget",
            {
                "Budget": {
                    "BudgetType": "COST",
                    "TimeUnit": "MONTHLY",
                    "BudgetLimit": {"Amount": 3000, "Unit": "USD"},
                },
                "NotificationsWithSubscribers": [
                    told("ACTUAL", 50),
                    told("ACTUAL", 80),
                    told("ACTUAL", 100),
                    told("FORECASTED", 100),
                ],
            },
            tags=False,
        ),
    }


def own(pattern: str) -> Body:
    """An ARN of our account: ``{account}`` in ``pattern`` stands for it."""
    before, _, after = pattern.partition("{account}")
    return {"Fn::Join": ["", [before, {"Ref": "AWS::AccountId"}, after]]}


def auditor() -> dict[str, Body]:
    """Somebody who reads settings: people with a second factor, or the pipeline."""
    root = {"AWS": own("arn:aws:iam::{account}:root")}
    pipeline = own("arn:aws:iam::{account}:role/hasivu-prod-deploy")
    trusted = [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": root, "Condition": condition}
        for condition in (
            {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
            {"ArnEquals": {"aws:PrincipalArn": pipeline}},
        )
    ]
    rights = (
        allow(["kms:ListAliases", "logs:DescribeLogGroups"], "*"),
        allow("dynamodb:DescribeTable", own("arn:aws:dynamodb:*:{account}:table/hasivu-prod-*")),
        allow("s3:GetBucketPolicy", "arn:aws:s3:::hasivu-prod-*"),
        allow("apigateway:GET", "arn:aws:apigateway:*::/restapis/*"),
    )
    return {
        "Auditor": resource(
            "AWS::IAM::Role",
            {"RoleName": "hasivu-prod-auditor", "AssumeRolePolicyDocument": policy(*trusted)},
        ),
        "AuditorPolicy": {
            "Type": "AWS::IAM::Policy",
            "Properties": {
                "PolicyName": "AuditorPolicy",
                "Roles": [ref("Auditor")],
                "PolicyDocument": policy(*rights),
            },
        },
    }
