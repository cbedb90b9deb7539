"""A log group that is encrypted, and kept as long as the environment says."""

from aws_cdk import aws_logs as logs
from constructs import Construct

from stacks.constructs.customer_key import CustomerKey, removal_policy
from stacks.environment import Environment

RETENTION = {
    7: logs.RetentionDays.ONE_WEEK,
    14: logs.RetentionDays.TWO_WEEKS,
    30: logs.RetentionDays.ONE_MONTH,
    90: logs.RetentionDays.THREE_MONTHS,
    180: logs.RetentionDays.SIX_MONTHS,
    365: logs.RetentionDays.ONE_YEAR,
    400: logs.RetentionDays.THIRTEEN_MONTHS,
    545: logs.RetentionDays.EIGHTEEN_MONTHS,
    731: logs.RetentionDays.TWO_YEARS,
}


class EncryptedLogGroup(logs.LogGroup):
    """A log group; ``name`` only where AWS dictates it, otherwise a generated one."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        key: CustomerKey,
        name: str | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            log_group_name=name,
            encryption_key=key,
            retention=RETENTION[environment.logs.retention_days],
            removal_policy=removal_policy(environment),
        )
