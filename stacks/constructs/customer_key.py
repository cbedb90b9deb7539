"""A customer-managed key: rotated, kept, and used only through the service it protects."""

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.environment import Environment

READING_NEEDS = {
    "dynamodb": ("kms:Decrypt", "kms:DescribeKey"),
    "s3": ("kms:Decrypt",),
    "secretsmanager": ("kms:Decrypt",),
    "sqs": ("kms:Decrypt",),
}
"""What the caller of a service must be allowed for it to decrypt on the caller's behalf."""

WRITING_NEEDS = {
    "dynamodb": (
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey",
        "kms:ReEncryptFrom",
        "kms:ReEncryptTo",
    ),
    "s3": ("kms:GenerateDataKey",),  # objects that are put whole; parts would have to be opened again
    "secretsmanager": ("kms:Decrypt", "kms:GenerateDataKey"),
    "sns": ("kms:Decrypt", "kms:GenerateDataKey"),
    "sqs": ("kms:Decrypt", "kms:GenerateDataKey"),
}
"""The same for encrypting, which may have to open the data key again."""


class CustomerKey(kms.Key):
    """A symmetric key under the alias ``hasivu/{env}/{purpose}``, rotated every year (PCI DSS 3.7.4)."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, purpose: str, description: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            alias=f"hasivu/{environment.name}/{purpose}",
            description=description,
            enable_key_rotation=True,
            pending_window=Duration.days(30 if environment.protection.retain_data else 7),
            removal_policy=removal_policy(environment),
        )

    def allow_reading(self, role: iam.IRole, *, through: str) -> None:
        """Let ``role`` decrypt through the service ``through`` (of READING_NEEDS) and in no other way."""
        self._allow(role, READING_NEEDS[through], through)

    def allow_writing(self, role: iam.IRole, *, through: str) -> None:
        """Let ``role`` encrypt through the service ``through`` (of WRITING_NEEDS) and in no other way."""
        self._allow(role, WRITING_NEEDS[through], through)

    def _allow(self, role: iam.IRole, actions: tuple[str, ...], through: str) -> None:
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=list(actions),
                resources=[self.key_arn],
                conditions={
                    "StringEquals": {"kms:ViaService": f"{through}.{Stack.of(self).region}.amazonaws.com"}
                },
            )
        )

    def allow_service(
        self, service: str, *, actions: tuple[str, ...], conditions: dict[str, dict[str, str]]
    ) -> None:
        """Let the AWS service ``service`` use the key itself, under ``conditions``, by the key's policy."""
        self.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)],
                actions=list(actions),
                resources=["*"],  # in a key policy: this key
                conditions=conditions,
            )
        )


def removal_policy(environment: Environment) -> RemovalPolicy:
    """What becomes of a stateful resource whose stack is deleted."""
    return RemovalPolicy.RETAIN if environment.protection.retain_data else RemovalPolicy.DESTROY
