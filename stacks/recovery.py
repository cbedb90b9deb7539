"""The way back: where backups of the tables are kept, when they are taken, and their second copy."""

from aws_cdk import aws_backup as backup
from constructs import Construct

from stacks.constructs.backup_vault import BackupVault
from stacks.constructs.customer_key import CustomerKey
from stacks.environment import Environment
from stacks.house_stack import HouseStack

BUSINESS_TIME = "Asia/Kolkata"
DAILY = "cron(30 1 * * ? *)"
MONTHLY = "cron(30 3 1 * ? *)"
"""At night in India, when few pay; the settlement of the day before is in the books by then."""

START_WITHIN_MIN = 60
COMPLETE_WITHIN_MIN = 480

COLD_AFTER_DAYS = 90
"""What is kept for years is hardly read after a quarter; AWS bills cold storage for 90 days at least."""


class RecoveryCopyStack(HouseStack):
    """The vault ``hasivu-{env}-copy`` in the region ``region``, for what the first one may not survive."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment, region: str) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: copies of the backups, in the second region",
            stateful=True,
            region=region,
        )
        key = CustomerKey(
            self,
            "CopyKey",
            environment=environment,
            purpose="backup-copies",
            description="Copies of the backups of HASIVU payments",
        )
        self.vault = BackupVault(
            self, "Copies", environment=environment, name=f"hasivu-{environment.name}-copy", key=key
        )


class RecoveryStack(HouseStack):
    """The vault ``hasivu-{env}`` and the plan that fills it and, where there is one, the vault of ``copy``.

    The tables say themselves that they are backed up: see TableBackups.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, copy: RecoveryCopyStack | None
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: the backup vault and plan",
            stateful=True,
        )
        self.copy = copy
        key = CustomerKey(
            self,
            "BackupKey",
            environment=environment,
            purpose="backups",
            description="Backups of HASIVU payments",
        )
        self.vault = BackupVault(
            self, "Backups", environment=environment, name=f"hasivu-{environment.name}", key=key
        )
        if copy is not None:
            self.add_stack_dependency(copy)  # named below, not referred to: the plan is refused without it
        kept = environment.backup
        rules = [self._rule("daily", DAILY, _kept(kept.retention_days))]
        if kept.monthly_retention_days is not None:
            rules.append(self._rule("monthly", MONTHLY, _kept(kept.monthly_retention_days, cold=True)))
        self.plan = backup.CfnBackupPlan(
            self,
            "Plan",
            backup_plan=backup.CfnBackupPlan.BackupPlanResourceTypeProperty(
                backup_plan_name=f"hasivu-{environment.name}", backup_plan_rule=rules
            ),
        )

    @property
    def vaults(self) -> tuple[BackupVault, ...]:
        """Every vault that the plan fills."""
        return (self.vault,) if self.copy is None else (self.vault, self.copy.vault)

    @property
    def regions(self) -> tuple[str, ...]:
        """Where they are."""
        return (self.region,) if self.copy is None else (self.region, self.copy.region)

    def _rule(
        self, name: str, schedule: str, kept: backup.CfnBackupPlan.LifecycleResourceTypeProperty
    ) -> backup.CfnBackupPlan.BackupRuleResourceTypeProperty:
        return backup.CfnBackupPlan.BackupRuleResourceTypeProperty(
            rule_name=name,
            target_backup_vault=self.vault.resource.ref,
            schedule_expression=schedule,
            schedule_expression_timezone=BUSINESS_TIME,
            start_window_minutes=START_WITHIN_MIN,
            completion_window_minutes=COMPLETE_WITHIN_MIN,
            lifecycle=kept,
            recovery_point_tags={"project": "hasivu", "environment": self.environment_settings.name},
            copy_actions=None
            if self.copy is None
            else [
                backup.CfnBackupPlan.CopyActionResourceTypeProperty(
                    destination_backup_vault_arn=self.copy.vault.arn, lifecycle=kept
                )
            ],
        )


def _kept(days: int, *, cold: bool = False) -> backup.CfnBackupPlan.LifecycleResourceTypeProperty:
    return backup.CfnBackupPlan.LifecycleResourceTypeProperty(
        delete_after_days=days, move_to_cold_storage_after_days=COLD_AFTER_DAYS if cold else None
    )
