"""Planted: what published lists look for in trails, backups and the account."""

from tests.checks.rules.planting import Weakness, add, drop, put
from tests.checks.rules.published import STRANGER, beside, lets

TRAIL, RECORDER, CHANNEL = (
    "AWS::CloudTrail::Trail",
    "AWS::Config::ConfigurationRecorder",
    "AWS::Config::DeliveryChannel",
)
CONFIG_RULE, ANALYZER = "AWS::Config::ConfigRule", "AWS::AccessAnalyzer::Analyzer"
PLAN, VAULT = "AWS::Backup::BackupPlan", "AWS::Backup::BackupVault"
BUDGET, BUS, ARCHIVE = "AWS::Budgets::Budget", "AWS::Events::EventBus", "AWS::Events::Archive"
FIRST = "BackupPlan.BackupPlanRule.0"

ACCOUNT = (
    Weakness("CKV_AWS_67", "one region", TRAIL, put("IsMultiRegionTrail", False)),
    Weakness("CKV_AWS_36", "not validated", TRAIL, put("EnableLogFileValidation", False)),
    Weakness("CKV_AWS_35", "S3's key", TRAIL, drop("KMSKeyId")),
    Weakness("CKV_AWS_251", "off", TRAIL, put("IsLogging", False)),
    Weakness("CIS 3.4", "without a log group", TRAIL, drop("CloudWatchLogsLogGroupArn")),
    Weakness("CIS 3.3", "elsewhere", TRAIL, put("S3BucketName", "somebody-elses")),
    Weakness(
        "CIS 3.10",
        "no data",
        TRAIL,
        put(
            "AdvancedEventSelectors",
            [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}],
        ),
    ),
    Weakness(
        "CIS 3.1",
        "reads are not seen",
        TRAIL,
        add("AdvancedEventSelectors.0.FieldSelectors", {"Field": "readOnly", "Equals": ["false"]}),
    ),
    Weakness(
        "CIS 3.1", "by the old selectors", TRAIL, put("EventSelectors", [{"ReadWriteType": "WriteOnly"}])
    ),
    Weakness("KICS", "told to a stranger", TRAIL, put("SnsTopicName", STRANGER)),
    Weakness("CIS 3.5", "not recorded", RECORDER, put("RecordingGroup.AllSupported", False)),
    Weakness("CIS 3.5", "without IAM", RECORDER, put("RecordingGroup.IncludeGlobalResourceTypes", False)),
    Weakness("CIS 3.5", "once a day", RECORDER, put("RecordingMode.RecordingFrequency", "DAILY")),
    Weakness(
        "CIS 3.5",
        "some are left out",
        RECORDER,
        put("RecordingGroup.ExclusionByResourceTypes", {"ResourceTypes": ["AWS::IAM::Role"]}),
    ),
    Weakness("KICS", "delivered elsewhere", CHANNEL, put("S3BucketName", "somebody-elses")),
    Weakness("KICS", "told to a stranger", CHANNEL, put("SnsTopicARN", STRANGER)),
    Weakness(
        "KICS",
        "of some resources",
        CONFIG_RULE,
        put("Scope", {"ComplianceResourceTypes": ["AWS::EC2::Instance"]}),
    ),
    Weakness(
        "KICS",
        "by code of others",
        CONFIG_RULE,
        put("Source", {"Owner": "CUSTOM_LAMBDA", "SourceIdentifier": STRANGER}),
    ),
    Weakness("KICS", "one less", CONFIG_RULE, gone=True, witness=RECORDER),
    Weakness("Prowler", "forgotten", ANALYZER, put("ArchiveRules", [{"RuleName": "all", "Filter": []}])),
    Weakness("Prowler", "of unused access", ANALYZER, put("Type", "ACCOUNT_UNUSED_ACCESS")),
    beside("KICS", "AWS::Config::RemediationConfiguration", Automatic=True),
    beside("KICS", "AWS::CloudFormation::Stack", TemplateURL="https://somewhere.example/t.json"),
    beside("KICS", "AWS::CloudFormation::CustomResource", ServiceToken=STRANGER),
    beside("KICS", "AWS::EC2::SecurityGroup", GroupDescription="x"),
    beside("KICS", "AWS::GuardDuty::Filter", Action="ARCHIVE"),
    Weakness("FSBP Backup", "once a month", PLAN, put(f"{FIRST}.ScheduleExpression", "cron(0 1 1 * ? *)")),
    Weakness("FSBP Backup", "for a week", PLAN, put(f"{FIRST}.Lifecycle.DeleteAfterDays", 7)),
    Weakness("FSBP Backup", "for ever", PLAN, drop(f"{FIRST}.Lifecycle")),
    Weakness("FSBP Backup", "not copied", PLAN, drop(f"{FIRST}.CopyActions")),
    Weakness(
        "RBI",
        "copied abroad",
        PLAN,
        put(
            f"{FIRST}.CopyActions.0.DestinationBackupVaultArn",
            "arn:aws:backup:eu-west-1:777788889999:backup-vault:hasivu-prod-copy",
        ),
    ),
    Weakness("SOX", "no books of the eighth year", PLAN, drop("BackupPlan.BackupPlanRule.1")),
    Weakness("SOX", "continuous for a day", PLAN, put(f"{FIRST}.EnableContinuousBackup", True)),
    Weakness("CKV_AWS_166", "AWS's key", VAULT, drop("EncryptionKeyArn")),
    Weakness("SOX", "not locked", VAULT, drop("LockConfiguration")),
    Weakness("SOX", "unlocked at will", VAULT, drop("LockConfiguration.ChangeableForDays")),
    Weakness("SOX", "anybody takes out", VAULT, put("AccessPolicy.Statement.0.Effect", "Allow")),
    Weakness(
        "SOX",
        "a stranger copies",
        VAULT,
        add("AccessPolicy.Statement", lets({"AWS": STRANGER}, "backup:CopyFromBackupVault")),
    ),
    Weakness("SOX", "told to a stranger", VAULT, put("Notifications", {"SNSTopicArn": STRANGER})),
    Weakness("SOX", "a budget of millions", BUDGET, put("Budget.BudgetLimit.Amount", 3_000_000)),
    Weakness(
        "SOX",
        "a stranger is told",
        BUDGET,
        put("NotificationsWithSubscribers.0.Subscribers.0.Address", "me@elsewhere.example"),
    ),
    Weakness("SOX", "of a year", BUDGET, put("Budget.TimeUnit", "ANNUALLY")),
)

WEAKNESSES = ACCOUNT
