"""Planted: backups that do not come, a trail that does not see, and an account that nobody watches."""

from collections.abc import Mapping
from typing import Any

from tests.checks.rules.planting import Change, Weakness, Where, add, drop, each, named, put

PLAN, SELECTION, VAULT = "AWS::Backup::BackupPlan", "AWS::Backup::BackupSelection", "AWS::Backup::BackupVault"
TABLE, TOPIC, BUCKET, KEY = "AWS::DynamoDB::Table", "AWS::SNS::Topic", "AWS::S3::Bucket", "AWS::KMS::Key"
TRAIL, FILTER, ALARM = "AWS::CloudTrail::Trail", "AWS::Logs::MetricFilter", "AWS::CloudWatch::Alarm"
RECORDER, CHANNEL = "AWS::Config::ConfigurationRecorder", "AWS::Config::DeliveryChannel"
LIVE_RULE, ANALYZER = "AWS::Config::ConfigRule", "AWS::AccessAnalyzer::Analyzer"
BUDGET, ARCHIVE, RULE = "AWS::Budgets::Budget", "AWS::Events::Archive", "AWS::Events::Rule"
POLICY, BUCKET_POLICY = "AWS::IAM::Policy", "AWS::S3::BucketPolicy"

DAY = "BackupPlan.BackupPlanRule.0"
MONTH = "BackupPlan.BackupPlanRule.1"
LOCK = "LockConfiguration"
FIRST_VAULT = named("BackupVaultName", "prod")
COPY_VAULT = named("BackupVaultName", "-copy")
ABROAD = "arn:aws:backup:ap-southeast-1:123456789012:backup-vault:hasivu-prod-copy"
UNKNOWN = "arn:aws:backup:ap-south-2:123456789012:backup-vault:somebody-elses"


def plan(rule_id: str, title: str, change: Change) -> Weakness:
    return Weakness(rule_id, title, PLAN, change)


def vault(title: str, change: Change, where: Where = FIRST_VAULT) -> Weakness:
    return Weakness("HASIVU-BAK-4", title, VAULT, change, where)


def saying(word: str) -> Where:
    """Whether ``word`` stands anywhere in the properties."""

    def where(properties: Mapping[str, Any]) -> bool:
        return word in str(properties)

    return where


def without_action(action: str) -> Change:
    """Take ``action`` out of every statement of a policy; a statement that has no other goes."""

    def change(body: dict[str, Any]) -> None:
        document = body["Properties"]["PolicyDocument"]
        kept = []
        for statement in document["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            if left := [name for name in actions if name != action]:
                kept.append(statement | {"Action": left})
        document["Statement"] = kept

    return change


def role_without(action: str) -> Weakness:
    return Weakness(
        "HASIVU-BAK-6",
        f"the role may not {action}",
        POLICY,
        without_action(action),
        saying("dynamodb:StartAwsBackupJob"),
        witness=SELECTION,
    )


BACKUPS = (
    Weakness("HASIVU-BAK-1", "tables without backup", SELECTION, gone=True, witness=TABLE),
    Weakness("HASIVU-BAK-1", "no plan at all", PLAN, gone=True, witness=TABLE),
    Weakness(
        "HASIVU-BAK-1",
        "a selection of nothing",
        SELECTION,
        put("BackupSelection.Resources", []),
        witness=TABLE,
    ),
    Weakness(
        "HASIVU-BAK-1", "one table left out", SELECTION, drop("BackupSelection.Resources.0"), witness=TABLE
    ),
    Weakness(
        "HASIVU-BAK-1",
        "another account's tables",
        SELECTION,
        put("BackupSelection.Resources", ["arn:aws:dynamodb:ap-south-1:999999999999:table/*"]),
        witness=TABLE,
    ),
    Weakness(
        "HASIVU-BAK-1",
        "a condition that matches nothing",
        SELECTION,
        put("BackupSelection.Conditions", {"StringEquals": [{"ConditionKey": "a", "ConditionValue": "b"}]}),
        witness=TABLE,
    ),
    Weakness(
        "HASIVU-BAK-1",
        "tables taken out again",
        SELECTION,
        put("BackupSelection.NotResources", ["*"]),
        witness=TABLE,
    ),
    plan("HASIVU-BAK-2", "backups for a day", put(f"{DAY}.Lifecycle.DeleteAfterDays", 1)),
    plan("HASIVU-BAK-2", "backups for ever", drop(f"{DAY}.Lifecycle")),
    plan("HASIVU-BAK-2", "one backup in 2020", put(f"{DAY}.ScheduleExpression", "cron(0 5 1 1 ? 2020)")),
    plan("HASIVU-BAK-2", "on 31 February", put(f"{DAY}.ScheduleExpression", "cron(0 5 31 2 ? *)")),
    plan("HASIVU-BAK-2", "at hour 25", put(f"{DAY}.ScheduleExpression", "cron(0 25 * * ? *)")),
    plan("HASIVU-BAK-2", "once a week", put(f"{DAY}.ScheduleExpression", "cron(0 5 ? * SUN *)")),
    plan("HASIVU-BAK-2", "another time zone", put(f"{DAY}.ScheduleExpressionTimezone", "America/New_York")),
    plan("HASIVU-BAK-2", "a quarter of an hour to begin", put(f"{DAY}.StartWindowMinutes", 15)),
    plan("HASIVU-BAK-2", "two weeks to end", put(f"{DAY}.CompletionWindowMinutes", 20_160)),
    plan("HASIVU-BAK-2", "a plan of nothing", put("BackupPlan.BackupPlanRule", [])),
    plan("HASIVU-BAK-2", "the daily rule is gone", drop(DAY)),
    plan("HASIVU-BAK-2", "into no vault", put(f"{DAY}.TargetBackupVault", "Default")),
    plan("HASIVU-BAK-2", "cold, then gone", put(f"{MONTH}.Lifecycle.MoveToColdStorageAfterDays", 2_900)),
    plan("HASIVU-BAK-2", "kept for longer than is taken", put(f"{MONTH}.Lifecycle.DeleteAfterDays", 9_000)),
    plan("HASIVU-BAK-3", "no second copy", drop(f"{DAY}.CopyActions")),
    plan("HASIVU-BAK-3", "no second copy of a month", put(f"{MONTH}.CopyActions", [])),
    plan("HASIVU-BAK-3", "a copy abroad", put(f"{DAY}.CopyActions.0.DestinationBackupVaultArn", ABROAD)),
    plan(
        "HASIVU-BAK-3", "a stranger's vault", put(f"{DAY}.CopyActions.0.DestinationBackupVaultArn", UNKNOWN)
    ),
    plan("HASIVU-BAK-3", "a short copy", put(f"{DAY}.CopyActions.0.Lifecycle", {"DeleteAfterDays": 36})),
    Weakness("HASIVU-BAK-3", "no vault for the copy", VAULT, gone=True, where=COPY_VAULT, witness=PLAN),
    vault("a vault under AWS's key", drop("EncryptionKeyArn")),
    vault("a vault under a stranger's key", put("EncryptionKeyArn", "alias/aws/backup")),
    vault("a vault without lock", drop(LOCK)),
    vault("a lock of a week", put(f"{LOCK}.MinRetentionDays", 7)),
    vault("a lock that can be opened", drop(f"{LOCK}.ChangeableForDays")),
    vault("a lock that waits for a century", put(f"{LOCK}.ChangeableForDays", 36_500)),
    vault("backups may be taken out", drop("AccessPolicy")),
    vault(
        "only from outside",
        put("AccessPolicy.Statement.0.Condition", {"Bool": {"aws:ViaAWSService": "true"}}),
    ),
    vault("the copy without lock", drop(LOCK), COPY_VAULT),
    Weakness(
        "HASIVU-BAK-5",
        "failures are not heard",
        ALARM,
        gone=True,
        where=saying("NumberOfBackupJobsFailed"),
        witness=VAULT,
    ),
    Weakness(
        "HASIVU-BAK-5",
        "silence is fine",
        ALARM,
        put("TreatMissingData", "notBreaching"),
        saying("NumberOfBackupJobsCompleted"),
        witness=VAULT,
    ),
    Weakness(
        "HASIVU-BAK-5",
        "another vault is watched",
        ALARM,
        put("Dimensions.0.Value", "Default"),
        saying("NumberOfBackupJobsCompleted"),
        witness=VAULT,
    ),
    Weakness(
        "HASIVU-BAK-6",
        "a role of others",
        SELECTION,
        put("BackupSelection.IamRoleArn", "arn:aws:iam::123456789012:role/admin"),
    ),
    role_without("dynamodb:StartAwsBackupJob"),
    role_without("kms:GenerateDataKey"),
    role_without("kms:CreateGrant"),
    role_without("backup:CopyIntoBackupVault"),
    role_without("backup:CopyFromBackupVault"),
)


def trail(rule_id: str, title: str, change: Change) -> Weakness:
    return Weakness(rule_id, title, TRAIL, change)


def deaf(title: str, pattern_word: str, change: Change) -> Weakness:
    """A metric filter of the trail that no longer matches what it is for."""
    return Weakness("HASIVU-TRL-4", title, FILTER, change, saying(pattern_word), witness=TRAIL)


def only(field: str, value: str) -> Any:
    return {"FieldSelectors": [{"Field": field, "Equals": [value]}]}


SELECTORS = "AdvancedEventSelectors"
TRAILS = (
    Weakness("HASIVU-TRL-1", "no trail", TRAIL, gone=True, witness=BUCKET),
    trail("HASIVU-TRL-1", "the trail is off", put("IsLogging", False)),
    trail("HASIVU-TRL-1", "files are not validated", put("EnableLogFileValidation", False)),
    trail("HASIVU-TRL-1", "one region only", put("IsMultiRegionTrail", False)),
    trail("HASIVU-TRL-1", "no global events", put("IncludeGlobalServiceEvents", False)),
    trail("HASIVU-TRL-1", "the trail under AWS's key", drop("KMSKeyId")),
    trail("HASIVU-TRL-2", "nothing selected", drop(SELECTORS)),
    trail("HASIVU-TRL-2", "no management events", drop(f"{SELECTORS}.0")),
    trail(
        "HASIVU-TRL-2",
        "management events that write",
        add(f"{SELECTORS}.0.FieldSelectors", {"Field": "readOnly", "Equals": ["false"]}),
    ),
    trail(
        "HASIVU-TRL-2",
        "all but KMS",
        add(f"{SELECTORS}.0.FieldSelectors", {"Field": "eventSource", "NotEquals": ["kms.amazonaws.com"]}),
    ),
    trail(
        "HASIVU-TRL-2",
        "the old selectors",
        put("EventSelectors", [{"ReadWriteType": "All", "IncludeManagementEvents": True}]),
    ),
    trail("HASIVU-TRL-2", "no data events of tables", drop(f"{SELECTORS}.1")),
    trail("HASIVU-TRL-2", "one table left out", drop(f"{SELECTORS}.1.FieldSelectors.2.Equals.0")),
    trail("HASIVU-TRL-2", "no data events of buckets", drop(f"{SELECTORS}.2")),
    trail(
        "HASIVU-TRL-2",
        "writes of tables only",
        add(f"{SELECTORS}.1.FieldSelectors", {"Field": "readOnly", "Equals": ["false"]}),
    ),
    trail(
        "HASIVU-TRL-2",
        "a part of the records left out",
        put(f"{SELECTORS}.2.FieldSelectors.2.NotStartsWith", ["arn:aws:s3:::hasivu-prod-audit/signed/"]),
    ),
    trail("HASIVU-TRL-3", "the trail elsewhere", put("S3BucketName", "somebody-elses")),
    trail("HASIVU-TRL-3", "another prefix", put("S3KeyPrefix", "elsewhere")),
    Weakness(
        "HASIVU-TRL-3",
        "the bucket shuts the trail out",
        BUCKET_POLICY,
        without_action("s3:GetBucketAcl"),
        saying("cloudtrail.amazonaws.com"),
        witness=TRAIL,
    ),
    Weakness(
        "HASIVU-TRL-3",
        "the bucket is not locked",
        BUCKET,
        drop("ObjectLockEnabled"),
        named("BucketName", "prod-audit"),
        witness=TRAIL,
    ),
    trail("HASIVU-TRL-4", "no log group", drop("CloudWatchLogsLogGroupArn")),
    trail("HASIVU-TRL-4", "a role of others", put("CloudWatchLogsRoleArn", "arn:aws:iam::1:role/x")),
    Weakness(
        "HASIVU-TRL-4",
        "the trail may not write its log",
        POLICY,
        without_action("logs:PutLogEvents"),
        saying("TrailLog"),
        witness=TRAIL,
    ),
    Weakness(
        "HASIVU-TRL-4", "a filter is gone", FILTER, gone=True, where=saying("StopLogging"), witness=TRAIL
    ),
    deaf("nobody is called Rooot", '"Root"', put("FilterPattern", '{ $.userIdentity.type = "Rooot" }')),
    deaf(
        "two names at once",
        "ScheduleKeyDeletion",
        put("FilterPattern", '{ ($.eventName = "DisableKey") && ($.eventName = "ScheduleKeyDeletion") }'),
    ),
    deaf("another name", "DeleteBackupVault", put("FilterPattern", '{ $.eventName = "DeleteVault" }')),
    deaf(
        "the field is elsewhere",
        "DisassociateWebACL",
        put("FilterPattern", '{ $.name = "DisassociateWebACL" }'),
    ),
    deaf("it counts nothing", "PutRolePolicy", put("MetricTransformations.0.MetricValue", "0")),
    deaf("another log", "StopConfigurationRecorder", put("LogGroupName", "somewhere")),
    Weakness(
        "HASIVU-TRL-4",
        "an alarm from the tenth on",
        ALARM,
        put("Threshold", 10),
        saying("KeyEndangered"),
        witness=TRAIL,
    ),
    Weakness(
        "HASIVU-TRL-4",
        "an alarm that says nothing",
        ALARM,
        put("ActionsEnabled", False),
        saying("RootUsed"),
        witness=TRAIL,
    ),
    Weakness(
        "HASIVU-TRL-5",
        "every call rings",
        FILTER,
        put("FilterPattern", '{ $.eventName = "*" }'),
        saying("StopLogging"),
    ),
    Weakness(
        "HASIVU-TRL-5",
        "every deployment rings",
        FILTER,
        put("FilterPattern", '{ $.eventName = "PutRolePolicy" }'),
        saying("PutRolePolicy"),
    ),
    Weakness(
        "HASIVU-TRL-6",
        "its silence is not heard",
        ALARM,
        gone=True,
        where=saying("IncomingLogEvents"),
        witness=TRAIL,
    ),
    Weakness(
        "HASIVU-TRL-6",
        "its silence is fine",
        ALARM,
        put("TreatMissingData", "notBreaching"),
        saying("IncomingLogEvents"),
        witness=TRAIL,
    ),
    Weakness(
        "HASIVU-LOG-5", "no pattern of CloudWatch's", FILTER, put("FilterPattern", "{ $.eventName == 'x' }")
    ),
)


def recorder(title: str, change: Change) -> Weakness:
    return Weakness("HASIVU-CFG-1", title, RECORDER, change)


def finding(title: str, source: str, change: Change) -> Weakness:
    return Weakness("HASIVU-CFG-5", title, RULE, change, saying(source), witness=RECORDER)


CONFIGURATION = (
    Weakness("HASIVU-CFG-1", "no recorder", RECORDER, gone=True, witness=BUCKET),
    recorder("a recorder of nothing", put("RecordingGroup", {"AllSupported": False})),
    recorder(
        "a recorder of buckets", put("RecordingGroup", {"AllSupported": False, "ResourceTypes": [BUCKET]})
    ),
    recorder("nothing global", put("RecordingGroup.IncludeGlobalResourceTypes", False)),
    recorder(
        "all but keys",
        put(
            "RecordingGroup",
            {
                "ExclusionByResourceTypes": {"ResourceTypes": [KEY]},
                "RecordingStrategy": {"UseOnly": "EXCLUSION_BY_RESOURCE_TYPES"},
            },
        ),
    ),
    recorder("once a day", put("RecordingMode", {"RecordingFrequency": "DAILY"})),
    recorder("a role of others", put("RoleARN", "arn:aws:iam::123456789012:role/admin")),
    Weakness("HASIVU-CFG-2", "no channel", CHANNEL, gone=True, witness=BUCKET),
    Weakness("HASIVU-CFG-2", "history elsewhere", CHANNEL, put("S3BucketName", "somebody-elses")),
    Weakness("HASIVU-CFG-2", "history under S3's key", CHANNEL, drop("S3KmsKeyArn")),
    Weakness(
        "HASIVU-CFG-2",
        "the bucket shuts Config out",
        BUCKET_POLICY,
        without_action("s3:PutObject"),
        saying("config.amazonaws.com"),
        witness=CHANNEL,
    ),
    Weakness(
        "HASIVU-CFG-3", "a rule is gone", LIVE_RULE, gone=True, where=saying("ROOT_ACC"), witness=RECORDER
    ),
    Weakness(
        "HASIVU-CFG-3",
        "a rule for one bucket",
        LIVE_RULE,
        put("Scope", {"ComplianceResourceId": "hasivu-prod-uploads", "ComplianceResourceTypes": [BUCKET]}),
    ),
    Weakness(
        "HASIVU-CFG-3",
        "logs for a week",
        LIVE_RULE,
        put("InputParameters", {"MinRetentionTime": "7"}),
        saying("CW_LOGGROUP"),
    ),
    Weakness(
        "HASIVU-CFG-3",
        "backups for a day",
        LIVE_RULE,
        put("InputParameters", {"requiredRetentionDays": "1"}),
        saying("MINIMUM_RETENTION"),
    ),
    Weakness(
        "HASIVU-CFG-3",
        "buckets that are excused",
        LIVE_RULE,
        put("InputParameters", {"excludedPublicBuckets": "hasivu-prod-uploads"}),
        saying("LEVEL_PUBLIC"),
    ),
    Weakness("HASIVU-CFG-4", "no analyzer", ANALYZER, gone=True, witness=BUCKET),
    Weakness(
        "HASIVU-CFG-4",
        "findings that are put away",
        ANALYZER,
        put("ArchiveRules", [{"RuleName": "all", "Filter": [{"Property": "status", "Exists": True}]}]),
    ),
    finding("findings are not heard", "aws.config", put("State", "DISABLED")),
    finding("only one resource's", "aws.access-analyzer", put("EventPattern.detail.resource", ["x"])),
    finding("they go to the wrong bus", "aws.config", put("EventBusName", "hasivu-prod-events")),
    finding("they go nowhere", "aws.backup", put("Targets", [])),
)


def budget(rule_id: str, title: str, change: Change) -> Weakness:
    return Weakness(rule_id, title, BUDGET, change)


TOLD = "NotificationsWithSubscribers"
BUDGETS = (
    Weakness("HASIVU-BGT-1", "no budget", BUDGET, gone=True, witness=TOPIC),
    budget("HASIVU-BGT-1", "a budget of a billion", put("Budget.BudgetLimit.Amount", 10**9)),
    budget("HASIVU-BGT-1", "a budget of nothing", put("Budget.BudgetLimit.Amount", 0)),
    budget("HASIVU-BGT-1", "in another unit", put("Budget.BudgetLimit.Unit", "PERCENTAGE")),
    budget("HASIVU-BGT-1", "a budget of years", put("Budget.TimeUnit", "ANNUALLY")),
    budget("HASIVU-BGT-1", "a budget of hours", put("Budget.BudgetType", "USAGE")),
    budget("HASIVU-BGT-1", "one service's costs", put("Budget.CostFilters", {"Service": ["Amazon SES"]})),
    budget(
        "HASIVU-BGT-1", "it follows the costs", put("Budget.AutoAdjustData", {"AutoAdjustType": "HISTORICAL"})
    ),
    budget("HASIVU-BGT-2", "nobody is told", put(TOLD, [])),
    budget("HASIVU-BGT-2", "nobody is told at the end", drop(f"{TOLD}.2")),
    budget("HASIVU-BGT-2", "nobody is told before", drop(f"{TOLD}.3")),
    budget(
        "HASIVU-BGT-2", "told when it is cheap", put(f"{TOLD}.1.Notification.ComparisonOperator", "LESS_THAN")
    ),
    budget(
        "HASIVU-BGT-2", "at eighty dollars", put(f"{TOLD}.1.Notification.ThresholdType", "ABSOLUTE_VALUE")
    ),
    budget("HASIVU-BGT-2", "told to nobody", each(TOLD, "Subscribers", [])),
)

REPLAYS = (
    Weakness("HASIVU-EVT-7", "an archive under AWS's key", ARCHIVE, drop("KmsKeyIdentifier")),
    Weakness("HASIVU-EVT-8", "events for ever", ARCHIVE, drop("RetentionDays")),
    Weakness(
        "HASIVU-EVT-8",
        "a part of the events",
        ARCHIVE,
        put("EventPattern", {"detail-type": ["PaymentFailed"]}),
    ),
    Weakness("HASIVU-DEL-1", "an archive goes with its stack", ARCHIVE, drop("/DeletionPolicy")),
    Weakness("HASIVU-DEL-1", "the trail goes with its stack", TRAIL, put("/DeletionPolicy", "Delete")),
    Weakness("HASIVU-GOV-8", "an archive of nobody", ARCHIVE, put("ArchiveName", "events")),
    Weakness("HASIVU-GOV-2", "a vault of nobody", VAULT, drop("BackupVaultTags")),
)

WEAKNESSES = BACKUPS + TRAILS + CONFIGURATION + BUDGETS + REPLAYS
