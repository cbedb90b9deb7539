"""What remains when something goes: deletion policies, backups, the trail, budgets."""

from __future__ import annotations

import re
from collections.abc import Iterator

from checks.rules.estate import Estate, Resource
from checks.rules.rule import DEPLOYED, PROD, SHIELDED, Breach, at, rule

STATEFUL = (
    "AWS::DynamoDB::Table",
    "AWS::S3::Bucket",
    "AWS::KMS::Key",
    "AWS::Cognito::UserPool",
    "AWS::SecretsManager::Secret",
    "AWS::SQS::Queue",
    "AWS::Backup::BackupVault",
)
BACKED_UP = ("AWS::DynamoDB::Table",)
TRAIL = "AWS::CloudTrail::Trail"
PLAN = "AWS::Backup::BackupPlan"
KEPT_DAYS_MIN = 35
CONTINUOUS_DAYS_MAX = 35
COPY_REGION = "ap-south-2"
BUDGET_MAX = 1_000_000


@rule(
    "HASIVU-DEL-1",
    "SOX AT-3",
    "PCI DSS 3.7.5/3.7.7",
    environments=DEPLOYED,
    remedy="Set DeletionPolicy and UpdateReplacePolicy to Retain.",
)
def what_holds_data_stays(estate: Estate) -> Iterator[Breach]:
    """What holds data stays when its stack, its name or its place in the template goes."""
    for resource in estate.of(*STATEFUL):
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            if resource.get(f"/{policy}") != "Retain":
                yield at(resource, f"/{policy}")


@rule(
    "HASIVU-DEL-2",
    "SOX CM-7",
    environments=DEPLOYED,
    remedy="Set DeletionPolicy to Retain, so that the alias can go back to it.",
)
def earlier_versions_stay(estate: Estate) -> Iterator[Breach]:
    """Earlier versions of functions and layers stay, so that a rollback has somewhere to go."""
    for resource in estate.of("AWS::Lambda::Version", "AWS::Lambda::LayerVersion"):
        if resource.get("/DeletionPolicy") != "Retain":
            yield at(resource, "/DeletionPolicy")


@rule(
    "HASIVU-DEL-3",
    "SOX OP-2",
    environments=SHIELDED,
    remedy="Set termination_protection in the environment's file.",
)
def stacks_with_data_refuse_to_be_deleted(estate: Estate) -> Iterator[Breach]:
    """A stack that holds data refuses to be deleted."""
    protected = estate.termination_protection
    if protected is None or (estate.environment == "staging" and not any(protected.values())):
        return
    for resource in estate.of("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool"):
        if not protected.get(resource.stack):
            yield at(resource, "", shown=f"the stack {resource.stack} has no termination protection")


@rule(
    "HASIVU-BAK-1",
    "SOX OP-2",
    "GDPR 32(1)(c)",
    environments=SHIELDED,
    remedy="Name the table in a backup selection, or select it by a tag that it has.",
)
def tables_are_backed_up(estate: Estate) -> Iterator[Breach]:
    """Every table is in a backup plan."""
    for table in estate.of(*BACKED_UP):
        if not any(
            _selects(estate, selection, table) for selection in estate.of("AWS::Backup::BackupSelection")
        ):
            yield at(table, "", shown="in no backup selection")


def _selects(estate: Estate, selection: Resource, resource: Resource) -> bool:
    if not estate.ours(selection, "BackupPlanId", PLAN):
        return False
    excluded = estate.texts(selection.get("BackupSelection.NotResources"), selection.stack)
    named = estate.texts(selection.get("BackupSelection.Resources"), selection.stack)
    if any(resource in estate.targets(text, selection.stack) for text in excluded) or "*" in excluded:
        return False
    if any(resource in estate.targets(text, selection.stack) for text in named):
        return True
    tags = {str(tag.get("Key")): tag.get("Value") for tag in resource.items("Tags")}
    asked = [
        (str(tag.get("ConditionKey")), tag.get("ConditionValue"))
        for tag in selection.items("BackupSelection.ListOfTags")
    ]
    return any(tags.get(key.removeprefix("aws:ResourceTag/")) == value for key, value in asked)


@rule(
    "HASIVU-BAK-2",
    "SOX OP-2",
    "GDPR 32(1)(c)",
    environments=DEPLOYED,
    remedy="Back up at least daily, keep for 35 days or more, in a vault of the estate.",
)
def backups_are_taken_and_kept(estate: Estate) -> Iterator[Breach]:
    """A backup is taken every day or oftener and kept for at least thirty-five days."""
    for plan in estate.of(PLAN):
        rules = plan.items("BackupPlan.BackupPlanRule")
        if not rules:
            yield at(plan, "BackupPlan.BackupPlanRule")
        for index, item in enumerate(rules):
            base = f"BackupPlan.BackupPlanRule.{index}"
            days = (item.get("Lifecycle") or {}).get("DeleteAfterDays")
            if not (isinstance(days, int) and days >= KEPT_DAYS_MIN):
                yield at(plan, f"{base}.Lifecycle.DeleteAfterDays")
            if not _comes_round(str(item.get("ScheduleExpression"))):
                yield at(plan, f"{base}.ScheduleExpression")
            if estate.target(item.get("TargetBackupVault"), plan.stack) is None:
                yield at(plan, f"{base}.TargetBackupVault")


def _comes_round(expression: str) -> bool:
    """Whether a backup's cron expression comes round every day, week or month, without an end."""
    fields = expression.removeprefix("cron(").removesuffix(")").split()
    return expression.startswith("cron(") and len(fields) == 6 and fields[5] == "*" and fields[3] == "*"


@rule(
    "HASIVU-BAK-3",
    "SOX OP-2",
    "RBI 2018-04-06",
    environments=PROD,
    remedy=f"Copy every backup to {COPY_REGION}, kept as long.",
)
def backups_are_copied_within_india(estate: Estate) -> Iterator[Breach]:
    """In production each plan copies its backups to the second Indian region."""
    for plan in estate.of(PLAN):
        copies = [
            (copy, estate.text(copy.get("DestinationBackupVaultArn"), plan.stack))
            for item in plan.items("BackupPlan.BackupPlanRule")
            for copy in item.get("CopyActions") or []
        ]
        if not any(f":{COPY_REGION}:" in arn for _, arn in copies):
            yield at(plan, "BackupPlan.BackupPlanRule", shown=f"no copy to {COPY_REGION}")
        for copy, arn in copies:
            days = (copy.get("Lifecycle") or {}).get("DeleteAfterDays", KEPT_DAYS_MIN)
            if days < KEPT_DAYS_MIN or f":{COPY_REGION}:" not in arn:
                yield at(plan, "BackupPlan.BackupPlanRule", shown=f"copied to {arn} for {days} days")


@rule(
    "HASIVU-BAK-4",
    "SOX OP-2",
    "PCI DSS 3.5.1.2",
    environments=DEPLOYED,
    remedy="Encrypt the vault with a key of the estate; lock it, in production, against early deletion.",
)
def vaults_are_locked(estate: Estate) -> Iterator[Breach]:
    """A backup vault is encrypted with a key of the estate and, in production, locked."""
    for vault in estate.of("AWS::Backup::BackupVault"):
        if not estate.ours(vault, "EncryptionKeyArn", "AWS::KMS::Key"):
            yield at(vault, "EncryptionKeyArn")
        least = vault.get("LockConfiguration.MinRetentionDays")
        if estate.environment in PROD and not (isinstance(least, int) and least >= 7):
            yield at(vault, "LockConfiguration.MinRetentionDays")


@rule(
    "HASIVU-TRL-1",
    "PCI DSS 10.2.1",
    "PCI DSS 10.3.4",
    environments=SHIELDED,
    remedy="Let the trail log, validate its files, see every region, and encrypt with a key of the estate.",
)
def the_trail_is_whole(estate: Estate) -> Iterator[Breach]:
    """The trail is on, in every region, with validated files under a key of the estate."""
    trails = list(estate.of(TRAIL))
    for trail in trails:
        for path in (
            "IsLogging",
            "EnableLogFileValidation",
            "IsMultiRegionTrail",
            "IncludeGlobalServiceEvents",
        ):
            if trail.get(path) is not True:
                yield at(trail, path)
        if not estate.ours(trail, "KMSKeyId", "AWS::KMS::Key"):
            yield at(trail, "KMSKeyId")
    for stack in estate.templates if not trails else ():
        if stack == "Governance":
            yield Breach(stack, stack, "", "no trail")


@rule(
    "HASIVU-TRL-2",
    "PCI DSS 10.2.1",
    environments=SHIELDED,
    remedy="Record reads and writes, management events and the data events of tables and buckets.",
)
def the_trail_sees_everything(estate: Estate) -> Iterator[Breach]:
    """The trail records reading and writing, of management and of data."""
    for trail in estate.of(TRAIL):
        selectors = trail.items("EventSelectors")
        advanced = trail.items("AdvancedEventSelectors")
        if not selectors and not advanced:
            yield at(trail, "EventSelectors")
        for index, item in enumerate(selectors):
            if item.get("ReadWriteType") not in {None, "All"}:
                yield at(trail, f"EventSelectors.{index}.ReadWriteType")
            if item.get("ExcludeManagementEventSources"):
                yield at(trail, f"EventSelectors.{index}.ExcludeManagementEventSources")
        managed = any(item.get("IncludeManagementEvents") is not False for item in selectors) or any(
            "Management" in str(item.get("FieldSelectors")) for item in advanced
        )
        data = any(item.get("DataResources") for item in selectors) or any(
            "Data" in str(item.get("FieldSelectors")) for item in advanced
        )
        if not managed or not data:
            yield at(trail, "EventSelectors", shown="management and data events are not both recorded")
        for index, item in enumerate(advanced):
            if re.search(r"'NotEquals|'readOnly'", str(item.get("FieldSelectors"))):
                yield at(trail, f"AdvancedEventSelectors.{index}")


@rule(
    "HASIVU-TRL-3",
    "PCI DSS 10.3.2",
    "SOX AT-2",
    environments=SHIELDED,
    remedy="Write the trail to the locked bucket for audit.",
)
def the_trail_is_kept_locked(estate: Estate) -> Iterator[Breach]:
    """The trail is written to the estate's locked bucket."""
    for trail in estate.of(TRAIL):
        bucket = estate.target(trail.get("S3BucketName"), trail.stack)
        if bucket is None or bucket.get("ObjectLockEnabled") is not True:
            yield at(trail, "S3BucketName")


@rule(
    "HASIVU-BGT-1",
    "GDPR 32(1)(b)",
    environments=DEPLOYED,
    remedy="Set a limit that means something, and tell somebody at 100 % at the latest.",
)
def budgets_tell_somebody(estate: Estate) -> Iterator[Breach]:
    """A budget has a limit that means something and tells somebody before it is spent."""
    for budget in estate.of("AWS::Budgets::Budget"):
        amount = budget.get("Budget.BudgetLimit.Amount")
        if not (isinstance(amount, int | float) and 0 < amount <= BUDGET_MAX):
            yield at(budget, "Budget.BudgetLimit.Amount")
        told = [
            item
            for item in budget.items("NotificationsWithSubscribers")
            if item.get("Subscribers")
            and item.get("Notification", {}).get("ComparisonOperator") == "GREATER_THAN"
            and 0 < float(item.get("Notification", {}).get("Threshold") or 0) <= 100
        ]
        if not told:
            yield at(budget, "NotificationsWithSubscribers")


@rule(
    "HASIVU-CFG-1",
    "PCI DSS 11.5.2",
    "PCI DSS 1.2.8",
    environments=DEPLOYED,
    remedy="Record every kind of resource, continuously.",
)
def configuration_is_recorded(estate: Estate) -> Iterator[Breach]:
    """Where AWS Config records, it records every kind of resource."""
    for recorder in estate.of("AWS::Config::ConfigurationRecorder"):
        everything = recorder.get("RecordingGroup.AllSupported") is True or recorder.get(
            "RecordingGroup.RecordingStrategy.UseOnly"
        ) in {"ALL_SUPPORTED_RESOURCE_TYPES", "EXCLUSION_BY_RESOURCE_TYPES"}
        if not everything and not recorder.items("RecordingGroup.ResourceTypes"):
            yield at(recorder, "RecordingGroup")
    for item in estate.of("AWS::Config::RemediationConfiguration", "AWS::Config::OrganizationConfigRule"):
        yield at(item, "", shown=item.kind)
