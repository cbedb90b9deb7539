"""Who may come in and what must stay secret: the user pool, the secrets, and the parameters beside them."""

import json

from aws_cdk import CfnOutput, Duration
from aws_cdk import aws_cognito as cognito
from aws_cdk import aws_iam as iam
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.customer_key import CustomerKey, removal_policy
from stacks.environment import Environment
from stacks.house_stack import HouseStack

ROLES = {
    "parent": "Pays for meals; sees what is theirs",
    "school_admin": "Runs a school; sees its payments",
    "finance": "Reconciles and refunds for a school",
    "operator": "Keeps the platform running for every school",
    "auditor": "Reads everything, changes nothing",
    "admin": "Grants roles and registers schools",
    "service": "A back-office system",
}
"""The Cognito groups; the authoriser reads them from the token."""

SCHOOL_IDS = "school_ids"
"""The custom attribute with a person's schools, space separated. Only the platform writes it."""

SIGN_IN_S = Duration.hours(1)


class IdentityStack(HouseStack):
    """The user pool with its groups and client, the secrets with their key, and the parameters."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: user pool, secrets and parameters",
            stateful=True,
        )
        self.secret_key = CustomerKey(
            self,
            "SecretKey",
            environment=environment,
            purpose="secrets",
            description="Secrets of HASIVU payments",
        )
        self.user_pool = self._user_pool()
        self._accept_what_is_optional()
        for group, description in ROLES.items():
            cognito.CfnUserPoolGroup(
                self,
                f"Group{group.title().replace('_', '')}",
                user_pool_id=self.user_pool.user_pool_id,
                group_name=group,
                description=description,
            )
        self.user_pool_client = self._user_pool_client()
        CfnOutput(self, "UserPoolId", value=self.user_pool.user_pool_id)
        CfnOutput(self, "UserPoolClientId", value=self.user_pool_client.user_pool_client_id)

        # Razorpay's and Meta's values come from their dashboards, put in by an operator. Until then a
        # generated value stands there that opens nothing. stacks/rotation.py says how they are renewed.
        self.razorpay = self._secret("Razorpay", "razorpay", generated="key_secret", rest={"key_id": "unset"})
        self.razorpay_webhook = self._secret(
            "RazorpayWebhook", "razorpay-webhook", generated="unset", rest={"secrets": []}
        )
        self.whatsapp = self._secret(
            "WhatsApp",
            "whatsapp",
            generated="verify_token",
            rest={"access_token": "unset", "app_secrets": []},
        )
        self.api_key_pepper = self._secret("ApiKeyPepper", "api-key-pepper", generated="pepper", rest={})

        self.razorpay_base_url = self._parameter(
            "RazorpayBaseUrl", "razorpay/base-url", environment.razorpay.base_url
        )
        self.whatsapp_base_url = self._parameter(
            "WhatsAppBaseUrl", "whatsapp/base-url", environment.whatsapp.base_url
        )
        self.whatsapp_phone_number_id = self._parameter(
            "WhatsAppPhoneNumberId", "whatsapp/phone-number-id", environment.whatsapp.phone_number_id
        )
        self.mail_sender = self._parameter("MailSender", "mail/sender", environment.mail.sender)

    def allow_secret(self, role: iam.IRole, secret: secretsmanager.CfnSecret) -> None:
        """Let ``role`` read the value of ``secret``."""
        role.add_to_principal_policy(
            iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[secret.attr_id])
        )
        self.secret_key.allow_reading(role, through="secretsmanager")

    def allow_rotating(self, role: iam.IRole, secret: secretsmanager.CfnSecret) -> None:
        """Let ``role`` give ``secret`` its next version and make it the current one."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[
                    "secretsmanager:DescribeSecret",
                    "secretsmanager:GetSecretValue",
                    "secretsmanager:PutSecretValue",
                    "secretsmanager:UpdateSecretVersionStage",
                ],
                resources=[secret.attr_id],
            )
        )
        self.secret_key.allow_writing(role, through="secretsmanager")

    def _user_pool(self) -> cognito.UserPool:
        environment = self.environment_settings
        plus = environment.identity.threat_protection
        return cognito.UserPool(
            self,
            "UserPool",
            user_pool_name=f"hasivu-{environment.name}",
            self_sign_up_enabled=False,
            sign_in_aliases=cognito.SignInAliases(email=True),
            sign_in_case_sensitive=False,
            auto_verify=cognito.AutoVerifiedAttrs(email=True),
            standard_attributes=cognito.StandardAttributes(
                email=cognito.StandardAttribute(required=True, mutable=True),
                phone_number=cognito.StandardAttribute(required=False, mutable=True),
            ),
            custom_attributes={SCHOOL_IDS: cognito.StringAttribute(min_len=0, max_len=2048, mutable=True)},
            password_policy=cognito.PasswordPolicy(
                min_length=12,  # PCI DSS 8.3.6
                require_digits=True,
                require_lowercase=True,
                require_uppercase=True,
                require_symbols=True,
                temp_password_validity=Duration.days(3),
                password_history_size=4,  # PCI DSS 8.3.7
            ),
            mfa=cognito.Mfa.REQUIRED if environment.identity.mfa == "required" else cognito.Mfa.OPTIONAL,
            mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
            account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
            feature_plan=cognito.FeaturePlan.PLUS if plus else cognito.FeaturePlan.ESSENTIALS,
            standard_threat_protection_mode=cognito.StandardThreatProtectionMode.FULL_FUNCTION
            if plus
            else None,
            deletion_protection=environment.protection.deletion_protection,
            removal_policy=removal_policy(environment),
        )

    def _accept_what_is_optional(self) -> None:
        """Say why a pool of made-up people asks for less; production is refused without either."""
        if self.environment_settings.identity.mfa == "optional":
            acknowledge(
                self.user_pool,
                "AwsSolutions-COG2",
                why="the people of this environment are made up, and tests sign them in",
                owner="security",
            )
        if not self.environment_settings.identity.threat_protection:
            acknowledge(
                self.user_pool,
                "AwsSolutions-COG8",
                why="the people of this environment are made up; nobody attacks them",
                owner="security",
            )

    def _user_pool_client(self) -> cognito.UserPoolClient:
        """The apps' client: no secret, as a browser keeps none; people change only their own contacts."""
        return self.user_pool.add_client(
            "Apps",
            auth_flows=cognito.AuthFlow(
                user_srp=True, user_password=self.environment_settings.identity.password_sign_in
            ),
            generate_secret=False,
            prevent_user_existence_errors=True,
            enable_token_revocation=True,
            disable_o_auth=True,
            access_token_validity=SIGN_IN_S,
            id_token_validity=SIGN_IN_S,
            refresh_token_validity=Duration.days(1),
            read_attributes=cognito.ClientAttributes()
            .with_standard_attributes(
                email=True, email_verified=True, phone_number=True, phone_number_verified=True
            )
            .with_custom_attributes(SCHOOL_IDS),
            write_attributes=cognito.ClientAttributes().with_standard_attributes(
                email=True, phone_number=True
            ),
        )

    def _secret(
        self, construct_id: str, name: str, *, generated: str, rest: dict[str, str | list[str]]
    ) -> secretsmanager.CfnSecret:
        """A secret whose field ``generated`` is random from the start; ``rest`` holds nothing secret.

        Its ARN is ``attr_id``; the name that follows ``Ref`` in the emulator would not do in a policy.
        """
        secret = secretsmanager.CfnSecret(
            self,
            f"{construct_id}Secret",
            name=f"hasivu/{self.environment_settings.name}/{name}",
            kms_key_id=self.secret_key.key_arn,
            generate_secret_string=secretsmanager.CfnSecret.GenerateSecretStringProperty(
                secret_string_template=json.dumps(rest),
                generate_string_key=generated,
                password_length=64,
                exclude_punctuation=True,
            ),
        )
        secret.apply_removal_policy(removal_policy(self.environment_settings))
        acknowledge(
            secret,
            "AwsSolutions-SMG4",
            "NIST.800.53.R5-SecretsManagerRotationEnabled",
            why="its schedule is in the platform stack, beside the function; the packs look in this one only",
            evidence="tests/infra/test_rotation.py::test_every_secret_is_renewed_within_ninety_days",
            owner="security",
        )
        return secret

    def _parameter(self, construct_id: str, name: str, value: str) -> ssm.StringParameter:
        return ssm.StringParameter(
            self,
            f"{construct_id}Parameter",
            parameter_name=f"/hasivu/{self.environment_settings.name}/{name}",
            string_value=value,
        )
