"""A vault for backups: encrypted, and locked, so that nothing leaves it before its time."""

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.customer_key import CustomerKey, removal_policy
from stacks.environment import Environment

KEPT_DAYS_MIN = 35
"""As long as the tables' own way back in time. The vault refuses backups that would be kept for less."""

KEPT_DAYS_MAX = 3_650
"""The longest that the environment model accepts; a lock that is final must still take what may come."""

LOCK_GRACE_DAYS = 30
"""How long a lock can still be taken back, where records are locked. Afterwards nobody can: neither root nor
AWS shorten or delete a backup, and nobody changes the two limits above. A month sees every part of the plan
at work, the monthly backup included, before that happens."""

TAKING_OUT = (
    "backup:DeleteRecoveryPoint",
    "backup:DisassociateRecoveryPoint",
    "backup:UpdateRecoveryPointLifecycle",
)
"""What could end a backup early. The end of its own lifecycle is not among it: that is AWS Backup's own."""


class BackupVault(Construct):
    """The vault ``name`` under ``key``, out of which nobody takes a backup.

    Where the environment locks its records the lock becomes final LOCK_GRACE_DAYS after the first deployment;
    elsewhere it can be removed by whoever may, which shows in the trail.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, name: str, key: CustomerKey
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = key
        self.resource = backup.CfnBackupVault(
            self,
            "Vault",
            backup_vault_name=name,
            encryption_key_arn=key.key_arn,
            lock_configuration=backup.CfnBackupVault.LockConfigurationTypeProperty(
                min_retention_days=KEPT_DAYS_MIN,
                max_retention_days=KEPT_DAYS_MAX,
                changeable_for_days=LOCK_GRACE_DAYS if environment.protection.lock_records else None,
            ),
            access_policy=iam.PolicyDocument(
                statements=[
                    iam.PolicyStatement(
                        sid="NobodyTakesBackupsOut",
                        effect=iam.Effect.DENY,
                        principals=[iam.AnyPrincipal()],
                        actions=list(TAKING_OUT),
                        resources=["*"],  # in a vault's policy: what is in it
                    )
                ]
            ),
        )
        self.resource.apply_removal_policy(removal_policy(environment))

        self.arn = Stack.of(self).format_arn(
            service="backup",
            resource="backup-vault",
            resource_name=name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        """By name, so that a stack of another region can write it down."""
