"""The seal of the audit trail: one function, by the clock, that alone may sign it."""

from collections.abc import Sequence

from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from stacks.bundles import Bundles
from stacks.constructs.function_schedule import FunctionSchedule
from stacks.constructs.service_function import ServiceFunction
from stacks.data import DataStack
from stacks.environment import Environment
from stacks.storage import StorageStack

SEALED_EVERY_MIN = 5
"""PCI DSS 10.3.3 asks for prompt; what was never sealed is what somebody could still take away unseen."""

SEALING_TIMEOUT_S = 60


class AuditSeal(Construct):
    """audit-sealer, which is none of the product's functions, and its schedule."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bundles: Bundles,
        data: DataStack,
        storage: StorageStack,
        layers: Sequence[lambda_.ILayerVersion],
    ) -> None:
        super().__init__(scope, construct_id)
        self.function = ServiceFunction(
            self,
            "Sealer",
            environment=environment,
            bundles=bundles,
            name="audit-sealer",
            description="Seals what is new in the audit trail",
            layers=layers,
            settings={
                "AUDIT_BUCKET": storage.audit.bucket_name,
                "AUDIT_SEAL_KEY_ARN": storage.audit_seal_key.key_arn,
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=512,
            timeout_s=SEALING_TIMEOUT_S,
            concurrency=1,
        )
        data.audit.allow(self.function.role, "Query")
        storage.let_seal_the_audit_trail(self.function.role)
        FunctionSchedule(
            self,
            "Schedule",
            environment=environment,
            function=self.function,
            description="Seals what is new in the audit trail",
            expression=f"rate({SEALED_EVERY_MIN} minutes)",
            retry_age_max_s=120,  # the next run seals what this one did not
        )
