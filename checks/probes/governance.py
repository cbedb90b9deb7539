"""Backups, trail, configuration history, analysis and deployments beside what the templates say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Line, Probe, Read
from checks.probes.normal import parsed, policy
from checks.probes.read import Missing, answer, lines_of, member, physical_id, prop, then, upper
from checks.probes.running import Live
from runtime.payments.analytics.parquet import ARRIVED_RANGE, RECENT

VAULT, PLAN, SELECTION = (
    "AWS::Backup::BackupVault",
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
)
TRAIL, RECORDER = "AWS::CloudTrail::Trail", "AWS::Config::ConfigurationRecorder"

VAULTS = Probe(
    name="backup-vaults",
    title="Backups are kept where nobody can take them out, as the templates say",
    remedy="Deploy again at once, and find in the trail who changed the vault.",
    controls=("PCI DSS 10.3.2", "SOX OP-2"),
)
PLANS = Probe(
    name="backup-plans",
    title="Backups are taken, copied and kept as the templates say",
    remedy="Deploy again; take a backup by hand for the days without one (docs/runbooks/backups.md).",
    controls=("GDPR 32(1)(c)", "SOX OP-2"),
)
SELECTIONS = Probe(
    name="backup-selections",
    title="Every table that the templates name is backed up",
    remedy="Deploy again; take a backup by hand for the days without one (docs/runbooks/backups.md).",
    controls=("GDPR 32(1)(c)", "SOX OP-2"),
)
TRAILS = Probe(
    name="trail",
    title="Everything that is done to the account is recorded, and is being recorded now",
    remedy="Start the trail at once; what was done meanwhile is only in CloudTrail's event history.",
    controls=("PCI DSS 10.2.1", "PCI DSS 10.3.4", "SOX AT-1"),
)
CONFIGURATION = Probe(
    name="configuration-history",
    title="The account's configuration is being recorded, delivered, and held against the live rules",
    remedy="Start the recorder; deploy again what is missing.",
    controls=("PCI DSS 11.5.2", "PCI DSS 1.2.8"),
)
ANALYSIS = Probe(
    name="access-analysis",
    title="Access from outside the account is analysed",
    remedy="Deploy again; the analyser then looks at everything anew.",
    controls=("PCI DSS 1.4.4",),
)
BUDGET = Probe(
    name="budget",
    title="Somebody is told what the account costs, as the template says",
    remedy="Deploy again.",
    controls=("SOX OP-3",),
)
CANARIES = Probe(
    name="deployment-groups",
    title="Deployments move callers step by step and go back when an alarm rings",
    remedy="Deploy again before the next release of a function.",
    controls=("SOX CM-7", "PCI DSS 6.5.1"),
)
HISTORY = Probe(
    name="analytics",
    title="The history for questions is described, encrypted and bounded as the templates say",
    remedy="Deploy again, and find in the trail who changed it.",
    controls=("PCI DSS 3.5.1",),
)


def _vault(path: str) -> Read:
    return answer("backup", "describe_backup_vault", path, BackupVaultName=prop("BackupVaultName"))


def _locked(account: Account, live: Live) -> Any:
    found = _vault("")(account, live)
    if not found.get("Locked"):
        return None
    names = ("MinRetentionDays", "MaxRetentionDays")
    return {name: found[name] for name in names if name in found}


def _plan(value: Any) -> Any:
    """A plan in the API's words."""
    names = {
        "StartWindowMinutes": "StartWindowMinutes",
        "CompletionWindowMinutes": "CompletionWindowMinutes",
        "TargetBackupVault": "TargetBackupVaultName",
    }
    return {
        "BackupPlanName": value["BackupPlanName"],
        "Rules": [
            {names.get(key, key): inner for key, inner in rule.items()} for rule in value["BackupPlanRule"]
        ],
    }


def _selection(account: Account, live: Live) -> Any:
    plan, name = live.expected("BackupPlanId"), live.expected("BackupSelection.SelectionName")
    found = account.all(
        "backup", "list_backup_selections", "BackupSelectionsList", region=live.region, BackupPlanId=plan
    )
    chosen = next((item["SelectionId"] for item in found if item.get("SelectionName") == name), None)
    if chosen is None:
        raise Missing(f"{name} is not among the plan's selections")
    answered = account.ask(
        "backup", "get_backup_selection", region=live.region, BackupPlanId=plan, SelectionId=chosen
    )
    return answered["BackupSelection"]


def _trail(path: str) -> Read:
    return answer("cloudtrail", "get_trail", f"Trail.{path}", Name=prop("TrailName"))


def _without_what_moves(table: Any) -> Any:
    """A table without what payments-analytics moves on every night: from when on lines are recent."""
    if table.get("Name") != RECENT:
        return table
    moving = {name: value for name, value in table["Parameters"].items() if name != ARRIVED_RANGE}
    return {**table, "Parameters": moving}


def _is_logging(account: Account, live: Live) -> str | None:
    status: Mapping[str, Any] = account.ask(
        "cloudtrail", "get_trail_status", region=live.region, Name=live.expected("TrailName")
    )
    if not status.get("IsLogging"):
        return "records nothing"
    failed = status.get("LatestDeliveryError") or status.get("LatestCloudWatchLogsDeliveryError")
    return f"could not deliver: {failed}" if failed else None


def _recorder(path: str) -> Read:
    return member(
        "config", "describe_configuration_recorders", "ConfigurationRecorders", "name", path, of=prop("Name")
    )


def _is_recording(account: Account, live: Live) -> str | None:
    found = account.all(
        "config",
        "describe_configuration_recorder_status",
        "ConfigurationRecordersStatus",
        region=live.region,
    )
    status = next((item for item in found if item.get("name") == live.expected("Name")), None)
    if status is None or not status.get("recording"):
        return "records nothing"
    return "could not deliver" if status.get("lastStatus") == "Failure" else None


def _channel(path: str) -> Read:
    return member("config", "describe_delivery_channels", "DeliveryChannels", "name", path, of=prop("Name"))


def _config_rule(path: str) -> Read:
    return member("config", "describe_config_rules", "ConfigRules", "ConfigRuleName", path)


def _account(live: Live) -> str:
    return live.running.account


def _group(path: str) -> Read:
    place = f"deploymentGroupInfo.{path[:1].lower()}{path[1:]}"
    return then(
        answer(
            "codedeploy",
            "get_deployment_group",
            place,
            applicationName=prop("ApplicationName"),
            deploymentGroupName=physical_id,
        ),
        upper,
    )


LINES = (
    Line(kind=VAULT, path="EncryptionKeyArn", probe=VAULTS, read=_vault("EncryptionKeyArn")),
    Line(
        kind=VAULT,
        path="LockConfiguration",
        probe=VAULTS,
        read=_locked,
        shape=lambda value: {key: inner for key, inner in value.items() if key != "ChangeableForDays"},
        unsaid=None,
    ),
    Line(
        kind=VAULT,
        path="AccessPolicy",
        probe=VAULTS,
        read=answer(
            "backup", "get_backup_vault_access_policy", "Policy", BackupVaultName=prop("BackupVaultName")
        ),
        normal=policy,
        exact=True,
    ),
    Line(
        kind=PLAN,
        path="BackupPlan",
        probe=PLANS,
        read=answer("backup", "get_backup_plan", "BackupPlan", BackupPlanId=physical_id),
        shape=_plan,
    ),
    Line(kind=SELECTION, path="BackupSelection", probe=SELECTIONS, read=_selection),
    Line(
        kind=TRAIL, path="IsMultiRegionTrail", probe=TRAILS, read=_trail("IsMultiRegionTrail"), unsaid=False
    ),
    Line(
        kind=TRAIL,
        path="IncludeGlobalServiceEvents",
        probe=TRAILS,
        read=_trail("IncludeGlobalServiceEvents"),
        unsaid=False,
    ),
    Line(
        kind=TRAIL,
        path="EnableLogFileValidation",
        probe=TRAILS,
        read=_trail("LogFileValidationEnabled"),
        unsaid=False,
    ),
    *lines_of(TRAIL, TRAILS, _trail, "S3BucketName", "S3KeyPrefix", "CloudWatchLogsLogGroupArn"),
    Line(kind=TRAIL, path="CloudWatchLogsRoleArn", probe=TRAILS, read=_trail("CloudWatchLogsRoleArn")),
    Line(kind=TRAIL, path="KMSKeyId", probe=TRAILS, read=_trail("KmsKeyId")),
    Line(
        kind=TRAIL,
        path="AdvancedEventSelectors",
        probe=TRAILS,
        read=answer(
            "cloudtrail", "get_event_selectors", "AdvancedEventSelectors", TrailName=prop("TrailName")
        ),
    ),
    Line(
        kind=RECORDER,
        path="RecordingGroup",
        probe=CONFIGURATION,
        read=then(_recorder("recordingGroup"), upper),
    ),
    Line(
        kind=RECORDER,
        path="RoleARN",
        probe=CONFIGURATION,
        read=_recorder("roleARN"),
    ),
    Line(
        kind="AWS::Config::DeliveryChannel",
        path="S3BucketName",
        probe=CONFIGURATION,
        read=_channel("s3BucketName"),
    ),
    Line(
        kind="AWS::Config::DeliveryChannel",
        path="S3KmsKeyArn",
        probe=CONFIGURATION,
        read=_channel("s3KmsKeyArn"),
    ),
    Line(
        kind="AWS::Config::ConfigRule",
        path="Source",
        probe=CONFIGURATION,
        read=_config_rule("Source"),
    ),
    Line(
        kind="AWS::Config::ConfigRule",
        path="InputParameters",
        probe=CONFIGURATION,
        read=_config_rule("InputParameters"),
        normal=parsed,
    ),
    Line(
        kind="AWS::AccessAnalyzer::Analyzer",
        path="Type",
        probe=ANALYSIS,
        read=answer("accessanalyzer", "get_analyzer", "analyzer.type", analyzerName=prop("AnalyzerName")),
    ),
    Line(
        kind="AWS::Budgets::Budget",
        path="Budget.BudgetLimit",
        probe=BUDGET,
        read=answer(
            "budgets",
            "describe_budget",
            "Budget.BudgetLimit",
            AccountId=_account,
            BudgetName=prop("Budget.BudgetName"),
        ),
    ),
    *lines_of(
        "AWS::CodeDeploy::DeploymentGroup",
        CANARIES,
        _group,
        "AlarmConfiguration",
        "AutoRollbackConfiguration",
        "DeploymentConfigName",
        "DeploymentStyle",
        "ServiceRoleArn",
    ),
    Line(
        kind="AWS::CodeDeploy::Application",
        path="ComputePlatform",
        probe=CANARIES,
        read=answer(
            "codedeploy", "get_application", "application.computePlatform", applicationName=physical_id
        ),
    ),
    Line(
        kind="AWS::Athena::WorkGroup",
        path="WorkGroupConfiguration",
        probe=HISTORY,
        read=answer("athena", "get_work_group", "WorkGroup.Configuration", WorkGroup=prop("Name")),
    ),
    Line(
        kind="AWS::Athena::WorkGroup",
        path="State",
        probe=HISTORY,
        read=answer("athena", "get_work_group", "WorkGroup.State", WorkGroup=prop("Name")),
    ),
    *(
        Line(
            kind="AWS::Athena::NamedQuery",
            path=path,
            probe=HISTORY,
            read=answer("athena", "get_named_query", f"NamedQuery.{path}", NamedQueryId=physical_id),
        )
        for path in ("Database", "Name", "QueryString", "WorkGroup")
    ),
    Line(
        kind="AWS::Glue::Table",
        path="TableInput",
        probe=HISTORY,
        read=answer(
            "glue", "get_table", "Table", DatabaseName=prop("DatabaseName"), Name=prop("TableInput.Name")
        ),
        normal=_without_what_moves,
    ),
    Line(
        kind="AWS::Glue::Database",
        path="DatabaseInput",
        probe=HISTORY,
        read=answer("glue", "get_database", "Database", Name=prop("DatabaseInput.Name")),
    ),
)
FACTS = (
    Fact(kind=TRAIL, name="state", probe=TRAILS, wrong=_is_logging),
    Fact(kind=RECORDER, name="state", probe=CONFIGURATION, wrong=_is_recording),
)
