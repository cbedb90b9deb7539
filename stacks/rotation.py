"""Rotation of the secrets: one function for all, a schedule for each, and who may start it for which."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from stacks.bundles import Bundles
from stacks.constructs.service_function import ServiceFunction
from stacks.data import DataStack
from stacks.environment import Environment
from stacks.identity import IdentityStack

ROTATED_EVERY_DAYS = 90
"""PCI DSS 8.6.3 leaves the period to a risk analysis; docs/adr/0016 takes that of 8.3.9, ninety days."""

ROTATION_TIMEOUT_S = 30
"""A step asks one provider at most, and a client gives up after ten seconds."""


class SecretRotation(Construct):
    """secret-rotation, which is none of the product's functions, and the schedule of every secret."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bundles: Bundles,
        data: DataStack,
        identity: IdentityStack,
        layers: Sequence[lambda_.ILayerVersion],
    ) -> None:
        super().__init__(scope, construct_id)
        parameters = (
            identity.razorpay_base_url,
            identity.whatsapp_base_url,
            identity.whatsapp_phone_number_id,
        )
        self.function = ServiceFunction(
            self,
            "Rotator",
            environment=environment,
            bundles=bundles,
            name="secret-rotation",
            description="Renews secrets for Secrets Manager, a provider's once the provider takes it",
            layers=layers,
            settings={
                "RAZORPAY_SECRET_ARN": identity.razorpay.attr_id,
                "RAZORPAY_WEBHOOK_SECRET_ARN": identity.razorpay_webhook.attr_id,
                "WHATSAPP_SECRET_ARN": identity.whatsapp.attr_id,
                "API_KEY_PEPPER_SECRET_ARN": identity.api_key_pepper.attr_id,
                "RAZORPAY_BASE_URL_PARAMETER": identity.razorpay_base_url.parameter_name,
                "WHATSAPP_BASE_URL_PARAMETER": identity.whatsapp_base_url.parameter_name,
                "WHATSAPP_PHONE_NUMBER_ID_PARAMETER": identity.whatsapp_phone_number_id.parameter_name,
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=512,
            timeout_s=ROTATION_TIMEOUT_S,
            concurrency=5,
        )
        data.audit.allow(self.function.role, "PutItem")
        self.function.allow("ssm:GetParameter", on=[parameter.parameter_arn for parameter in parameters])
        for name, secret in (
            ("Razorpay", identity.razorpay),
            ("RazorpayWebhook", identity.razorpay_webhook),
            ("WhatsApp", identity.whatsapp),
            ("ApiKeyPepper", identity.api_key_pepper),
        ):
            identity.allow_rotating(self.function.role, secret)
            self._schedule(name, secret)

    def _schedule(self, name: str, secret: secretsmanager.CfnSecret) -> None:
        permission = lambda_.CfnPermission(
            self,
            f"{name}Permission",
            action="lambda:InvokeFunction",
            function_name=self.function.alias.function_arn,
            principal="secretsmanager.amazonaws.com",
            source_account=Stack.of(self).account,
            source_arn=secret.attr_id,
        )
        schedule = secretsmanager.CfnRotationSchedule(
            self,
            f"{name}Schedule",
            secret_id=secret.attr_id,
            rotation_lambda_arn=self.function.alias.function_arn,
            # A deployment must not renew anything: an operator's value would be missing, and it would fail.
            rotate_immediately_on_update=False,
            rotation_rules=secretsmanager.CfnRotationSchedule.RotationRulesProperty(
                automatically_after_days=ROTATED_EVERY_DAYS
            ),
        )
        # Secrets Manager tries the function when the schedule is made.
        schedule.node.add_dependency(permission)
        schedule.node.add_dependency(self.function.role)
