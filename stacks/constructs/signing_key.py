"""A key that signs: ECDSA on P-256, kept for as long as anything that it signed may be doubted."""

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from stacks.constructs.customer_key import removal_policy
from stacks.environment import Environment


class SigningKey(kms.Key):
    """An asymmetric key under the alias ``hasivu/{env}/{purpose}``. KMS rotates none of this kind: a new one
    takes a new alias, and the public half of the old one stays where signatures are verified."""

    def __init__(
        self, scope: Construct, construct_id: str, *, environment: Environment, purpose: str, description: str
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            alias=f"hasivu/{environment.name}/{purpose}",
            description=description,
            key_spec=kms.KeySpec.ECC_NIST_P256,
            key_usage=kms.KeyUsage.SIGN_VERIFY,
            pending_window=Duration.days(30 if environment.protection.retain_data else 7),
            removal_policy=removal_policy(environment),
        )

    def allow_signing(self, role: iam.IRole) -> None:
        """Let ``role`` sign, and nothing else. A key of this kind knows one algorithm, ECDSA over SHA-256."""
        role.add_to_principal_policy(iam.PolicyStatement(actions=["kms:Sign"], resources=[self.key_arn]))
