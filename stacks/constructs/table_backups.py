"""That tables are backed up: the selection beside them, and a role that may do that and nothing else."""

from collections.abc import Sequence

from aws_cdk import aws_backup as backup
from aws_cdk import aws_iam as iam
from constructs import Construct

from stacks.constructs.acknowledge import accept_every_resource
from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.durable_table import DurableTable
from stacks.constructs.service_role import ServiceRole
from stacks.environment import Environment
from stacks.recovery import RecoveryStack


class TableBackups(Construct):
    """Puts ``tables``, encrypted with ``key``, under the plan of ``recovery``.

    It stands in the stack of the tables, so that no table is ever deployed without. The rights are those that
    DynamoDB with advanced features needs of AWS's AWSBackupServiceRolePolicyForBackup (v30), on these tables,
    keys and vaults alone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        recovery: RecoveryStack,
        tables: Sequence[DurableTable],
        key: CustomerKey,
    ) -> None:
        super().__init__(scope, construct_id)
        role = ServiceRole(
            self,
            "Role",
            environment=environment,
            service="backup.amazonaws.com",
            description="Backs the tables up and copies the backups",
        )
        for table in tables:
            table.allow(role, "DescribeTable", "ListTagsOfResource", "StartAwsBackupJob")
        _use_keys(role, key, recovery)
        _fill_vaults(role, recovery)
        selection = backup.CfnBackupSelection(
            self,
            "Selection",
            backup_plan_id=recovery.plan.ref,
            backup_selection=backup.CfnBackupSelection.BackupSelectionResourceTypeProperty(
                selection_name="tables",
                iam_role_arn=role.role_arn,
                resources=[table.table_arn for table in tables],
            ),
        )
        selection.node.add_dependency(role)


def _use_keys(role: ServiceRole, key: CustomerKey, recovery: RecoveryStack) -> None:
    """Read the tables under their key and write the backups under the vaults'; grants are AWS's own only."""
    keys = [key.key_arn, *(vault.key.key_arn for vault in recovery.vaults)]
    through = [
        f"{service}.{region}.amazonaws.com"
        for service in ("backup", "dynamodb")
        for region in recovery.regions
    ]
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=keys,
            conditions={"StringEquals": {"kms:ViaService": through}},
        )
    )
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["kms:CreateGrant"],
            resources=keys,
            conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
        )
    )
    role.add_to_policy(iam.PolicyStatement(actions=["kms:DescribeKey"], resources=keys))


def _fill_vaults(role: ServiceRole, recovery: RecoveryStack) -> None:
    """Put backups into the vaults; take copies out of the first for the second and for nowhere else."""
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"],
            resources=[vault.arn for vault in recovery.vaults],
        )
    )
    role.add_to_policy(iam.PolicyStatement(actions=["backup:TagResource"], resources=["*"]))
    accept_every_resource(role, why="a recovery point has no name before it is made")
    if recovery.copy is not None:
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["backup:CopyFromBackupVault"],
                resources=["*"],
                conditions={"ArnEquals": {"backup:CopyTargets": recovery.copy.vault.arn}},
            )
        )
