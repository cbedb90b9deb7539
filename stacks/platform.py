"""The platform: who may come in, whether all is well, messages to people, and secrets that are renewed."""

from constructs import Construct

from stacks.audit_seal import AuditSeal
from stacks.bundles import Bundles
from stacks.canaries import Canaries
from stacks.constructs.canary import IgnoredAlarms
from stacks.constructs.dependency_layers import DependencyLayers
from stacks.constructs.function_schedule import FunctionSchedule
from stacks.constructs.service_function import ServiceFunction
from stacks.data import DataStack
from stacks.environment import Environment
from stacks.house_stack import HouseStack
from stacks.identity import IdentityStack
from stacks.messaging import NOTIFICATION_CONSUMER_TIMEOUT_S, MessagingStack
from stacks.rotation import SecretRotation
from stacks.storage import StorageStack

AUTHORIZER_TIMEOUT_S = 10
"""API Gateway waits ten seconds for an authoriser; there is nobody to answer after that."""

HEALTH_TIMEOUT_S = 15


class PlatformStack(HouseStack):
    """api-authorizer, health-check, notification-dispatcher; for the platform itself secret-rotation and
    audit-sealer."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bundles: Bundles,
        data: DataStack,
        messaging: MessagingStack,
        identity: IdentityStack,
        storage: StorageStack,
        canary_alarms_ignored: IgnoredAlarms | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: authoriser, health, notifications, secrets, the audit trail's seal",
            stateful=False,
        )
        self._bundles = bundles
        self._data = data
        self._messaging = messaging
        self._identity = identity
        self._layers = DependencyLayers(
            self, "Layers", environment=environment, bundles=bundles, names=("core", "jwt")
        )
        self.api_authorizer = self._api_authorizer()
        self.health_check = self._health_check()
        self.notification_dispatcher = self._notification_dispatcher()
        Canaries(
            self,
            "Canaries",
            environment=environment,
            topics=messaging.alarm_topics,
            ignored=canary_alarms_ignored,
        ).deploy(self.api_authorizer)
        self.secret_rotation = SecretRotation(
            self,
            "SecretRotation",
            environment=environment,
            bundles=bundles,
            data=data,
            identity=identity,
            layers=[self._layers["core"]],
        )
        self.audit_seal = AuditSeal(
            self,
            "AuditSeal",
            environment=environment,
            bundles=bundles,
            data=data,
            storage=storage,
            layers=[self._layers["core"]],
        )

    def _api_authorizer(self) -> ServiceFunction:
        data, identity = self._data, self._identity
        function = ServiceFunction(
            self,
            "ApiAuthorizer",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="api-authorizer",
            description="Establishes who is asking, from a Cognito token or an API key",
            layers=[self._layers["core"], self._layers["jwt"]],
            settings={
                "API_KEYS_TABLE": data.api_keys.table_name,
                "API_KEY_PEPPER_SECRET_ARN": identity.api_key_pepper.attr_id,
                "USER_POOL_ID": identity.user_pool.user_pool_id,
                "USER_POOL_CLIENT_ID": identity.user_pool_client.user_pool_client_id,
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=1024,
            timeout_s=AUTHORIZER_TIMEOUT_S,
            concurrency=100,
        )
        data.api_keys.allow(function.role, "GetItem")
        data.audit.allow(function.role, "PutItem")
        identity.allow_secret(function.role, identity.api_key_pepper)
        return function

    def _health_check(self) -> ServiceFunction:
        data, identity, messaging = self._data, self._identity, self._messaging
        function = ServiceFunction(
            self,
            "HealthCheck",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="health-check",
            description="Answers whether the platform is well, in short or in depth",
            layers=[self._layers["core"]],
            settings={
                "PAYMENTS_TABLE": data.payments.table_name,
                "LEDGER_TABLE": data.ledger.table_name,
                "WEBHOOK_QUEUE_URL": messaging.webhooks.queue.queue_url,
                "NOTIFICATIONS_QUEUE_URL": messaging.notifications.queue.queue_url,
                "WEBHOOK_DLQ_URL": messaging.webhooks.dead_letters.queue_url,
                "NOTIFICATIONS_DLQ_URL": messaging.notifications.dead_letters.queue_url,
                "RAZORPAY_BASE_URL_PARAMETER": identity.razorpay_base_url.parameter_name,
                "ALLOWED_ORIGINS": ",".join(self.environment_settings.web.origins),
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=512,
            timeout_s=HEALTH_TIMEOUT_S,
            concurrency=10,
        )
        data.payments.allow(function.role, "GetItem")
        data.ledger.allow(function.role, "GetItem")
        data.audit.allow(function.role, "PutItem")
        messaging.webhooks.allow_looking(function.role)
        messaging.notifications.allow_looking(function.role)
        function.allow("ssm:GetParameter", on=[identity.razorpay_base_url.parameter_arn])
        # Even when nobody asks, so that what breaks at night is known at night.
        FunctionSchedule(
            self,
            "HealthSchedule",
            environment=self.environment_settings,
            function=function,
            description="Looks at the platform's health in depth",
            expression="rate(5 minutes)",
            retry_age_max_s=120,  # a late look is worth nothing
        )
        return function

    def _notification_dispatcher(self) -> ServiceFunction:
        data, identity, messaging = self._data, self._identity, self._messaging
        sender = self.environment_settings.mail.sender
        function = ServiceFunction(
            self,
            "NotificationDispatcher",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="notification-dispatcher",
            description="Tells people of their payments, once each, by WhatsApp or e-mail",
            layers=[self._layers["core"]],
            settings={
                "NOTIFICATIONS_TABLE": data.notifications.table_name,
                "PAYMENTS_TABLE": data.payments.table_name,
                "SCHOOLS_TABLE": data.schools.table_name,
                "USER_POOL_ID": identity.user_pool.user_pool_id,
                "WHATSAPP_SECRET_ARN": identity.whatsapp.attr_id,
                "WHATSAPP_BASE_URL_PARAMETER": identity.whatsapp_base_url.parameter_name,
                "WHATSAPP_PHONE_NUMBER_ID_PARAMETER": identity.whatsapp_phone_number_id.parameter_name,
                "MAIL_SENDER_PARAMETER": identity.mail_sender.parameter_name,
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=512,
            timeout_s=NOTIFICATION_CONSUMER_TIMEOUT_S,
            concurrency=20,
        )
        data.notifications.allow(function.role, "PutItem", "UpdateItem")
        data.notifications.allow_query(function.role, "by_provider_message")
        data.payments.allow(function.role, "GetItem")  # whether a reminder still stands
        data.schools.allow(function.role, "GetItem")
        data.audit.allow(function.role, "PutItem")
        messaging.notifications.allow_consuming(function.role)
        function.consume(messaging.notifications.queue, concurrency_max=10)
        identity.allow_secret(function.role, identity.whatsapp)
        function.allow("cognito-idp:AdminGetUser", on=[identity.user_pool.user_pool_arn])
        function.allow(
            "ssm:GetParameter",
            on=[
                identity.whatsapp_base_url.parameter_arn,
                identity.whatsapp_phone_number_id.parameter_arn,
                identity.mail_sender.parameter_arn,
            ],
        )
        function.allow(
            "ses:SendEmail", on=[self._identity_arn(sender), self._identity_arn(sender.partition("@")[2])]
        )
        return function

    def _identity_arn(self, address_or_domain: str) -> str:
        """SES checks the address as an identity of its own, and the domain when only that is verified."""
        return self.format_arn(service="ses", resource="identity", resource_name=address_or_domain)
