"""Backups: of every table, every day, in locked vaults, copied within India, and heard when they fail."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.policies import rights_of, statements_of
from checks.rules.rule import DEPLOYED, PROD, Breach, at, rule
from checks.rules.signals import ALARM, looks

TABLE = "AWS::DynamoDB::Table"
PLAN = "AWS::Backup::BackupPlan"
SELECTION = "AWS::Backup::BackupSelection"
VAULT = "AWS::Backup::BackupVault"

KEPT_DAYS_MIN = 35
"""As long as point-in-time recovery reaches."""

KEPT_DAYS_MAX = 3_653
"""Ten years: what a lock in compliance mode keeps for longer, nobody can ever end."""

KEPT_FROM_EVERYONE = (
    "backup:DeleteRecoveryPoint",
    "backup:DisassociateRecoveryPoint",
    "backup:UpdateRecoveryPointLifecycle",
)

COLD_DAYS_MIN = 90
"""AWS keeps what is in cold storage for 90 days at least, and refuses a lifecycle that says less."""

COPY_REGION = "ap-south-2"
START_WITHIN_MIN = range(60, 481)
COMPLETE_WITHIN_MIN = range(120, 1_441)
LOCK_GRACE_DAYS = range(3, 91)
"""AWS asks for three days; whoever has not noticed after ninety will not."""

DAILY = re.compile(r"cron\(([0-5]?\d) (1?\d|2[0-3]|\*) (\* \* \?|\? \* \*) \*\)")
MONTHLY = re.compile(r"cron\(([0-5]?\d) (1?\d|2[0-3]) ([1-9]|1\d|2[0-8]) \* \? \*\)")
TIME_ZONES = frozenset({None, "Asia/Kolkata", "UTC", "Etc/UTC"})


def plan_rules(plan: Resource) -> list[tuple[str, Mapping[str, Any]]]:
    """The rules of a plan, each with its path."""
    found = enumerate(plan.items("BackupPlan.BackupPlanRule"))
    return [
        (f"BackupPlan.BackupPlanRule.{index}", item) for index, item in found if isinstance(item, Mapping)
    ]


def _kept_days(lifecycle: Any) -> int:
    """How long something is kept; 0 where nobody said so."""
    days = lifecycle.get("DeleteAfterDays") if isinstance(lifecycle, Mapping) else None
    return days if isinstance(days, int) else 0


@rule(
    "HASIVU-BAK-1",
    "SOX OP-2",
    "GDPR 32(1)(c)",
    environments=DEPLOYED,
    remedy="Name the table in a backup selection without conditions (TableBackups does).",
)
def tables_are_backed_up(estate: Estate) -> Iterator[Breach]:
    """Every table is in a backup plan."""
    for table in estate.of(TABLE):
        if not any(_selects(estate, selection, table) for selection in estate.of(SELECTION)):
            yield at(table, "", shown="in no backup selection")


def _selects(estate: Estate, selection: Resource, table: Resource) -> bool:
    """Whether the table is selected by its ARN. A condition may match nothing: with one, nothing counts."""
    if not estate.ours(selection, "BackupPlanId", PLAN):
        return False
    chosen = selection.get("BackupSelection") or {}
    if any(chosen.get(name) for name in ("Conditions", "ListOfTags", "NotResources")):
        return False
    return f"<{table.stack}.{table.logical_id}.Arn>" in estate.texts(chosen.get("Resources"), selection.stack)


@rule(
    "HASIVU-BAK-2",
    "SOX OP-2",
    "GDPR 32(1)(c)",
    environments=DEPLOYED,
    remedy="Back up at least daily, keep for 35 days or more, in a vault of the estate that takes it.",
)
def backups_are_taken_and_kept(estate: Estate) -> Iterator[Breach]:
    """A backup is taken every day and kept for at least thirty-five days."""
    for plan in estate.of(PLAN):
        rules = plan_rules(plan)
        if not any(DAILY.fullmatch(str(item.get("ScheduleExpression"))) for _, item in rules):
            yield at(plan, "BackupPlan.BackupPlanRule", shown="nothing is backed up every day")
        for base, item in rules:
            schedule = str(item.get("ScheduleExpression"))
            if not (DAILY.fullmatch(schedule) or MONTHLY.fullmatch(schedule)):
                yield at(plan, f"{base}.ScheduleExpression")
            if item.get("ScheduleExpressionTimezone") not in TIME_ZONES:
                yield at(plan, f"{base}.ScheduleExpressionTimezone")
            if item.get("StartWindowMinutes", 480) not in START_WITHIN_MIN:
                yield at(plan, f"{base}.StartWindowMinutes")
            if item.get("CompletionWindowMinutes", 480) not in COMPLETE_WITHIN_MIN:
                yield at(plan, f"{base}.CompletionWindowMinutes")
            yield from _kept(plan, f"{base}.Lifecycle", item.get("Lifecycle"))
            vault = estate.target(item.get("TargetBackupVault"), plan.stack)
            if vault is None or vault.kind != VAULT:
                yield at(plan, f"{base}.TargetBackupVault")
            elif not _takes(vault, _kept_days(item.get("Lifecycle"))):
                yield at(plan, f"{base}.Lifecycle.DeleteAfterDays", shown="the vault refuses it")


def _kept(plan: Resource, path: str, lifecycle: Any) -> Iterator[Breach]:
    days = _kept_days(lifecycle)
    if days < KEPT_DAYS_MIN:
        yield at(plan, f"{path}.DeleteAfterDays")
    cold = lifecycle.get("MoveToColdStorageAfterDays") if isinstance(lifecycle, Mapping) else None
    if cold is not None and not 1 <= int(cold) <= days - COLD_DAYS_MIN:
        yield at(plan, f"{path}.MoveToColdStorageAfterDays")


def _takes(vault: Resource, days: int) -> bool:
    least, most = (vault.get(f"LockConfiguration.{end}RetentionDays") for end in ("Min", "Max"))
    return (least is None or days >= int(least)) and (most is None or days <= int(most))


@rule(
    "HASIVU-BAK-3",
    "SOX OP-2",
    "RBI 2018-04-06",
    environments=PROD,
    remedy=f"Copy every backup to the estate's vault in {COPY_REGION}, kept as long.",
)
def backups_are_copied_within_india(estate: Estate) -> Iterator[Breach]:
    """In production every backup is copied to a vault of the estate in the second Indian region."""
    for plan in estate.of(PLAN):
        for base, item in plan_rules(plan):
            copies = item.get("CopyActions") or []
            if not copies:
                yield at(plan, f"{base}.CopyActions")
            for index, copy in enumerate(copies):
                path = f"{base}.CopyActions.{index}"
                vault = copied_to(estate, plan, copy)
                if vault is None or not _takes(vault, _kept_days(copy.get("Lifecycle"))):
                    yield at(plan, f"{path}.DestinationBackupVaultArn")
                if _kept_days(copy.get("Lifecycle")) < max(KEPT_DAYS_MIN, _kept_days(item.get("Lifecycle"))):
                    yield at(plan, f"{path}.Lifecycle")


def copied_to(estate: Estate, plan: Resource, copy: Mapping[str, Any]) -> Resource | None:
    """The vault of the estate in the second region that a copy action names; None for any other."""
    arn = estate.text(copy.get("DestinationBackupVaultArn"), plan.stack)
    if f":backup:{COPY_REGION}:" not in arn:
        return None
    name = arn.partition(":backup-vault:")[2]
    own = {estate.target(item.get("TargetBackupVault"), plan.stack) for _, item in plan_rules(plan)}
    vault = estate.named(VAULT, "BackupVaultName", name) if name else None
    return None if vault in own else vault


@rule(
    "HASIVU-BAK-4",
    "SOX OP-2",
    "PCI DSS 3.5.1.2",
    environments=DEPLOYED,
    remedy="Encrypt the vault with a key of the estate, lock it for 35 days or more, let nobody take out.",
)
def vaults_are_locked(estate: Estate) -> Iterator[Breach]:
    """A backup vault is encrypted with a key of the estate and locked; in production for good."""
    for vault in estate.of(VAULT):
        if not estate.ours(vault, "EncryptionKeyArn", "AWS::KMS::Key"):
            yield at(vault, "EncryptionKeyArn")
        least = vault.get("LockConfiguration.MinRetentionDays")
        if not (isinstance(least, int) and least >= KEPT_DAYS_MIN):
            yield at(vault, "LockConfiguration.MinRetentionDays")
        most = vault.get("LockConfiguration.MaxRetentionDays")
        if most is not None and not (isinstance(most, int) and KEPT_DAYS_MIN <= most <= KEPT_DAYS_MAX):
            yield at(vault, "LockConfiguration.MaxRetentionDays")
        grace = vault.get("LockConfiguration.ChangeableForDays")
        if estate.environment in PROD and grace not in LOCK_GRACE_DAYS:
            yield at(vault, "LockConfiguration.ChangeableForDays")
        said = list(statements_of(estate, vault))
        for action in KEPT_FROM_EVERYONE:
            if not any(
                item.denies and item.covers(action) and "AWS:*" in item.principals and not item.conditions
                for item in said
            ):
                yield at(vault, "AccessPolicy", shown=f"{action} is not denied")


@rule(
    "HASIVU-BAK-5",
    "SOX OP-2",
    "PCI DSS 10.7.2",
    environments=DEPLOYED,
    remedy="Ring when a backup fails, and when none was completed for about a day (BackupAlarms does).",
)
def missing_backups_are_heard(estate: Estate) -> Iterator[Breach]:
    """Somebody hears when a backup fails, and when none is completed."""
    heard = {
        (look.name, vault)
        for alarm in estate.of(ALARM)
        for look in looks(estate, alarm)
        if look.namespace == "AWS/Backup"
        and (look.name != "NumberOfBackupJobsCompleted" or alarm.get("TreatMissingData") == "breaching")
        for vault in estate.targets(look.dimensions.get("BackupVaultName", ""), alarm.stack)
    }
    for plan in estate.of(PLAN):
        for _, item in plan_rules(plan):
            vault = estate.target(item.get("TargetBackupVault"), plan.stack)
            for metric in ("NumberOfBackupJobsFailed", "NumberOfBackupJobsCompleted"):
                if vault is not None and (metric, vault) not in heard:
                    yield at(vault, "", shown=f"no alarm on {metric}")


@rule(
    "HASIVU-BAK-6",
    "SOX OP-2",
    "PCI DSS 7.2.5",
    environments=DEPLOYED,
    remedy="Give the selection's role what TableBackups gives it, on tables, vaults and the keys of both.",
)
def backups_may_be_taken(estate: Estate) -> Iterator[Breach]:
    """The role of a backup selection may back up what is selected, and copy it where the plan copies."""
    for selection in estate.of(SELECTION):
        role = estate.target(selection.get("BackupSelection.IamRoleArn"), selection.stack)
        if role is None or role.kind != "AWS::IAM::Role":
            yield at(selection, "BackupSelection.IamRoleArn")
            continue
        may = {
            (action, target)
            for item in rights_of(estate, role)
            for action in item.actions
            for text in item.resources
            for target in (*estate.targets(text, item.carrier.stack), *_vaults_named(estate, text), text)
        }
        for action, target in _needed(estate, selection):
            if (action.lower(), target) not in may:
                shown = target if isinstance(target, str) else target.name
                yield at(selection, "BackupSelection.IamRoleArn", shown=f"may not {action} on {shown}")


def _vaults_named(estate: Estate, text: str) -> list[Resource]:
    vault = estate.named(VAULT, "BackupVaultName", text.partition(":backup-vault:")[2] or "?")
    return [] if vault is None else [vault]


def _needed(estate: Estate, selection: Resource) -> Iterator[tuple[str, Resource | str]]:
    keys: set[Resource] = set()
    for text in estate.texts(selection.get("BackupSelection.Resources"), selection.stack):
        for table in estate.targets(text, selection.stack):
            yield "dynamodb:StartAwsBackupJob", table
            keys |= set(estate.targets(table.get("SSESpecification.KMSMasterKeyId"), table.stack))
    plan = estate.target(selection.get("BackupPlanId"), selection.stack)
    vaults: set[Resource] = set()
    for _, item in plan_rules(plan) if plan is not None else ():
        vaults |= set(estate.targets(item.get("TargetBackupVault"), plan.stack if plan else ""))
        for copy in item.get("CopyActions") or []:
            copied = copied_to(estate, plan, copy) if plan is not None else None
            if copied is not None:
                vaults.add(copied)
                yield "backup:CopyFromBackupVault", "*"
    for vault in vaults:
        yield "backup:CopyIntoBackupVault", vault
        keys |= set(estate.targets(vault.get("EncryptionKeyArn"), vault.stack))
    for key in keys:
        yield from ((action, key) for action in ("kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"))
