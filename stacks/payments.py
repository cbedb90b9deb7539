"""Payments: the API of payments, the gateway's webhooks, and the pipe that carries their events away."""

from aws_cdk import aws_iam as iam
from aws_cdk import aws_pipes as pipes
from constructs import Construct

from stacks.bundles import Bundles
from stacks.canaries import Canaries
from stacks.constructs.canary import IgnoredAlarms
from stacks.constructs.dependency_layers import DependencyLayers
from stacks.constructs.function_schedule import FunctionSchedule
from stacks.constructs.queue_with_dlq import allow_sending
from stacks.constructs.service_function import ServiceFunction
from stacks.constructs.service_role import ServiceRole
from stacks.data import DataStack
from stacks.environment import Environment
from stacks.house_stack import HouseStack
from stacks.identity import IdentityStack
from stacks.messaging import (
    ANALYTICS_CONSUMER_TIMEOUT_S,
    RETRY_CONSUMER_TIMEOUT_S,
    SPLITS_CONSUMER_TIMEOUT_S,
    WEBHOOK_CONSUMER_TIMEOUT_S,
    MessagingStack,
)
from stacks.storage import StorageStack

API_TIMEOUT_S = 15
"""Below the 29 seconds after which API Gateway gives up, so that the function answers for itself, and not
much more than the gateway's deadline: so long a caller waits before it takes over from a call that died."""

RUN_TIMEOUT_S = 900
"""What Lambda gives at most. A run of a million rows takes minutes of it, and an import of 200,000 lines; a
sweep ends after its share, for the next one goes on."""

OUTBOX_BATCH_MAX = 10
OUTBOX_RETRIES_MAX = 20
OUTBOX_RECORD_AGE_MAX_S = 12 * 3600
"""Half of what the stream keeps: a record that ages out here is still in the outbox table to be redriven."""


class PaymentsStack(HouseStack):
    """The six functions of payments, the worker of one of them, and the outbox pipe."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bundles: Bundles,
        data: DataStack,
        messaging: MessagingStack,
        storage: StorageStack,
        identity: IdentityStack,
        canary_alarms_ignored: IgnoredAlarms | None = None,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: payment API, gateway webhooks, outbox",
            stateful=False,
        )
        self._bundles = bundles
        self._data = data
        self._messaging = messaging
        self._storage = storage
        self._identity = identity
        self._layers = DependencyLayers(
            self, "Layers", environment=environment, bundles=bundles, names=("core",)
        )
        self.payments_advanced = self._payments_advanced()
        self.payments_webhook_handler = self._payments_webhook_handler()
        self.payments_manage_methods = self._payments_manage_methods()
        self.payments_analytics = self._payments_analytics()
        self.payments_retry = self._payments_retry()
        self.payments_reconciliation = self._payments_reconciliation()
        self.payments_reconciliation_worker = self._payments_reconciliation_worker()
        self._outbox_pipe()
        self.functions: tuple[ServiceFunction, ...] = (
            self.payments_advanced,
            self.payments_webhook_handler,
            self.payments_manage_methods,
            self.payments_retry,
            self.payments_reconciliation,
            self.payments_reconciliation_worker,
            self.payments_analytics,
        )
        self._deploy_by_canary(canary_alarms_ignored)

    def _deploy_by_canary(self, ignored: IgnoredAlarms | None) -> None:
        """All but the analytics move money."""
        canaries = Canaries(
            self,
            "Canaries",
            environment=self.environment_settings,
            topics=self._messaging.alarm_topics,
            ignored=ignored,
        )
        payments_failing = canaries.payments_failing()
        for function in self.functions:
            if function.name != "payments-analytics":
                canaries.deploy(function, payments_failing)

    def _payments_advanced(self) -> ServiceFunction:
        data, identity, splits = self._data, self._identity, self._messaging.payment_splits
        function = ServiceFunction(
            self,
            "PaymentsAdvanced",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="payments-advanced",
            description="Creates, verifies, lists, captures, refunds and splits payments",
            layers=[self._layers["core"]],
            settings={
                **self._payment_store(),
                "IDEMPOTENCY_TABLE": data.idempotency.table_name,
                "NOTIFICATIONS_TABLE": data.notifications.table_name,
                "SCHOOLS_TABLE": data.schools.table_name,
                "USER_POOL_ID": identity.user_pool.user_pool_id,
                **self._gateway(),
                "PRESENTMENT_CURRENCIES": ",".join(self.environment_settings.razorpay.presentment_currencies),
                "ALLOWED_ORIGINS": ",".join(self.environment_settings.web.origins),
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=1024,
            timeout_s=SPLITS_CONSUMER_TIMEOUT_S,
            concurrency=100,
        )
        splits.allow_consuming(function.role)
        function.consume(splits.queue, concurrency_max=10)
        self._allow_the_payment_transaction(function.role)
        data.payments.allow(function.role, "Query")  # the disputes of a school are a partition
        data.payments.allow_query(function.role, "by_school", "by_payer")
        data.idempotency.allow(function.role, "GetItem", "PutItem", "UpdateItem")
        data.schools.allow(function.role, "GetItem")
        data.notifications.allow(function.role, "BatchGetItem")  # what became of a link's reminders
        self._allow_the_gateway(function)
        function.allow("cognito-idp:AdminGetUser", on=[identity.user_pool.user_pool_arn])
        return function

    def _payments_webhook_handler(self) -> ServiceFunction:
        data, identity, webhooks = self._data, self._identity, self._messaging.webhooks
        function = ServiceFunction(
            self,
            "PaymentsWebhookHandler",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="payments-webhook-handler",
            description="Keeps and applies the gateway's events",
            layers=[self._layers["core"]],
            settings={
                **self._payment_store(),
                "WEBHOOK_EVENTS_TABLE": data.webhook_events.table_name,
                "WEBHOOK_QUEUE_URL": webhooks.queue.queue_url,
                "RAZORPAY_WEBHOOK_SECRET_ARN": identity.razorpay_webhook.attr_id,
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=1024,
            timeout_s=WEBHOOK_CONSUMER_TIMEOUT_S,
            concurrency=100,
        )
        self._allow_the_payment_transaction(function.role)
        data.webhook_events.allow(function.role, "GetItem", "PutItem", "UpdateItem")
        webhooks.allow_sending(function.role)
        webhooks.allow_consuming(function.role)
        function.consume(webhooks.queue, concurrency_max=20)
        identity.allow_secret(function.role, identity.razorpay_webhook)
        return function

    def _payments_manage_methods(self) -> ServiceFunction:
        data, identity = self._data, self._identity
        function = ServiceFunction(
            self,
            "PaymentsManageMethods",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="payments-manage-methods",
            description="Saves, lists and revokes payment methods, registers mandates",
            layers=[self._layers["core"]],
            settings={
                **self._payment_store(),
                "IDEMPOTENCY_TABLE": data.idempotency.table_name,
                "SCHOOLS_TABLE": data.schools.table_name,
                "USER_POOL_ID": identity.user_pool.user_pool_id,
                **self._gateway(),
                "ALLOWED_ORIGINS": ",".join(self.environment_settings.web.origins),
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=1024,
            timeout_s=API_TIMEOUT_S,
            concurrency=40,
        )
        self._allow_the_payment_transaction(function.role)
        data.payment_methods.allow(function.role, "Query")
        data.idempotency.allow(function.role, "GetItem", "PutItem", "UpdateItem")
        data.schools.allow(function.role, "GetItem")
        self._allow_the_gateway(function)
        function.allow("cognito-idp:AdminGetUser", on=[identity.user_pool.user_pool_arn])
        return function

    def _payments_analytics(self) -> ServiceFunction:
        data, storage, events = self._data, self._storage, self._messaging.payment_analytics
        function = ServiceFunction(
            self,
            "PaymentsAnalytics",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="payments-analytics",
            description="Success, failure, throughput and revenue of payments",
            layers=[self._layers["core"]],
            settings={
                "PAYMENT_ROLLUPS_TABLE": data.payment_rollups.table_name,
                "ANALYTICS_BUCKET": storage.analytics.bucket_name,
                "HISTORY_DATABASE": storage.payment_history.database_name,
                "HISTORY_WORKGROUP": storage.payment_history.workgroup_name,
                "ALLOWED_ORIGINS": ",".join(self.environment_settings.web.origins),
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=1024,
            timeout_s=ANALYTICS_CONSUMER_TIMEOUT_S,
            concurrency=20,
        )
        data.audit.allow(function.role, "PutItem")
        data.payment_rollups.allow(function.role, "GetItem", "PutItem", "UpdateItem", "Query")
        storage.let_keep_the_payment_history(function.role)
        events.allow_consuming(function.role)
        # Few at a time: transactions that meet at a row cancel each other, and reports leave room for them.
        function.consume(events.queue, concurrency_max=5)
        FunctionSchedule(
            self,
            "CompactionSchedule",
            environment=self.environment_settings,
            function=function,
            description="Has the history of payments written as Parquet",
            expression="rate(5 minutes)",  # a start begins queries, the next one finds them ended
            task="compact",
            retry_age_max_s=60,  # the next start finds the same
        )
        return function

    def _payments_retry(self) -> ServiceFunction:
        data, identity, retries = self._data, self._identity, self._messaging.payment_retries
        function = ServiceFunction(
            self,
            "PaymentsRetry",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="payments-retry",
            description="Decides whether, when and how a debit is tried, and tries",
            layers=[self._layers["core"]],
            settings={
                **self._payment_store(),
                "IDEMPOTENCY_TABLE": data.idempotency.table_name,
                "SCHOOLS_TABLE": data.schools.table_name,
                "USER_POOL_ID": identity.user_pool.user_pool_id,
                **self._gateway(),
                "RETRY_QUEUE_URL": retries.queue.queue_url,
                "ALLOWED_ORIGINS": ",".join(self.environment_settings.web.origins),
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=1024,
            timeout_s=RETRY_CONSUMER_TIMEOUT_S,
            concurrency=20,
        )
        self._allow_the_payment_transaction(function.role)
        data.payments.allow(function.role, "BatchGetItem")  # a payment and its record are read in one call
        data.payments.allow_query(function.role, "by_due")
        data.payment_methods.allow(function.role, "Query")
        data.idempotency.allow(function.role, "GetItem", "PutItem", "UpdateItem")
        data.schools.allow(function.role, "GetItem")
        retries.allow_sending(function.role)
        retries.allow_consuming(function.role)
        function.consume(retries.queue, concurrency_max=5)
        self._allow_the_gateway(function)
        function.allow("cognito-idp:AdminGetUser", on=[identity.user_pool.user_pool_arn])
        FunctionSchedule(
            self,
            "RetrySchedule",
            environment=self.environment_settings,
            function=function,
            description="Queues the debits that are due",
            expression="rate(1 minute)",  # so that a planned debit stays inside its slot
            task="sweep",
            retry_age_max_s=60,  # the next sweep finds the same
        )
        return function

    def _payments_reconciliation(self) -> ServiceFunction:
        data, storage = self._data, self._storage
        function = ServiceFunction(
            self,
            "PaymentsReconciliation",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="payments-reconciliation",
            description="Shows what was reconciled, takes bank statements and what people decide",
            layers=[self._layers["core"]],
            settings={
                "LEDGER_TABLE": data.ledger.table_name,
                "OUTBOX_TABLE": data.outbox.table_name,
                "IDEMPOTENCY_TABLE": data.idempotency.table_name,
                "RECONCILIATION_TABLE": data.reconciliation.table_name,
                "UPLOADS_BUCKET": storage.uploads.bucket_name,
                "ALLOWED_ORIGINS": ",".join(self.environment_settings.web.origins),
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=1024,
            timeout_s=API_TIMEOUT_S,
            concurrency=10,
        )
        data.ledger.allow(function.role, "PutItem")  # what two people post by force
        data.audit.allow(function.role, "PutItem")
        data.outbox.allow(function.role, "PutItem")
        data.idempotency.allow(function.role, "GetItem", "PutItem", "UpdateItem")
        data.reconciliation.allow(function.role, "GetItem", "PutItem", "Query")
        data.reconciliation.allow_query(function.role, "by_open_exception")
        storage.let_sign_for_statements(function.role)
        return function

    def _payments_reconciliation_worker(self) -> ServiceFunction:
        data, storage = self._data, self._storage
        function = ServiceFunction(
            self,
            "PaymentsReconciliationWorker",
            environment=self.environment_settings,
            bundles=self._bundles,
            name="payments-reconciliation-worker",
            description="Sweeps open payments, reminds payers, matches gateway and bank, imports statements",
            layers=[self._layers["core"]],
            settings={
                **self._payment_store(),
                "IDEMPOTENCY_TABLE": data.idempotency.table_name,
                "RECONCILIATION_TABLE": data.reconciliation.table_name,
                "UPLOADS_BUCKET": storage.uploads.bucket_name,
                **self._gateway(),
            },
            audit_table_name=data.audit.table_name,
            log_key=data.log_key,
            memory_mib=2048,
            timeout_s=RUN_TIMEOUT_S,
            concurrency=10,
        )
        self._allow_the_payment_transaction(function.role)
        data.payments.allow(function.role, "BatchGetItem")
        data.payments.allow_query(function.role, "by_open_status", "by_due")
        data.ledger.allow(function.role, "GetItem")
        data.ledger.allow_query(function.role, "by_business_date")
        data.idempotency.allow(function.role, "GetItem", "PutItem", "UpdateItem")
        data.reconciliation.allow(function.role, "GetItem", "PutItem", "Query")
        data.reconciliation.allow_query(function.role, "by_open_exception")
        storage.let_read_statements(function.role)
        self._allow_the_gateway(function)
        FunctionSchedule(
            self,
            "SweepSchedule",
            environment=self.environment_settings,
            function=function,
            description="Asks the gateway about open payments, reminds payers of links",
            expression="rate(15 minutes)",
            task="sweep",
            retry_age_max_s=600,  # the next sweep goes on where this one would have begun
            retries_max=3,
            undelivered=self._messaging.undelivered,
            undelivered_key=self._messaging.key,
        )
        FunctionSchedule(
            self,
            "RunsSchedule",
            environment=self.environment_settings,
            function=function,
            description="Works at the reconciliations that wait",
            expression="rate(1 minute)",
            task="work",
            retry_age_max_s=60,  # the next start finds the same
        )
        FunctionSchedule(
            self,
            "ImportSchedule",
            environment=self.environment_settings,
            function=function,
            description="Imports the bank statements that were uploaded",
            expression="rate(1 minute)",
            task="import",
            retry_age_max_s=60,  # the next start finds the same
        )
        FunctionSchedule(
            self,
            "MatchingSchedule",
            environment=self.environment_settings,
            function=function,
            description="Matches gateway, ledger and bank",
            expression="cron(30 10,18 * * ? *)",  # banks credit a day's settlements in two halves
            task="daily",
            retry_age_max_s=3600,
            retries_max=3,
            undelivered=self._messaging.undelivered,
            undelivered_key=self._messaging.key,
        )
        return function

    def _payment_store(self) -> dict[str, str]:
        """The tables of one payment transaction, as settings."""
        data = self._data
        return {
            "PAYMENTS_TABLE": data.payments.table_name,
            "LEDGER_TABLE": data.ledger.table_name,
            "OUTBOX_TABLE": data.outbox.table_name,
            "PAYMENT_METHODS_TABLE": data.payment_methods.table_name,
        }

    def _gateway(self) -> dict[str, str]:
        """Where the gateway is and by which key it knows us, as settings."""
        identity = self._identity
        return {
            "RAZORPAY_SECRET_ARN": identity.razorpay.attr_id,
            "RAZORPAY_BASE_URL_PARAMETER": identity.razorpay_base_url.parameter_name,
        }

    def _allow_the_gateway(self, function: ServiceFunction) -> None:
        identity = self._identity
        identity.allow_secret(function.role, identity.razorpay)
        function.allow("ssm:GetParameter", on=[identity.razorpay_base_url.parameter_arn])

    def _allow_the_payment_transaction(self, role: iam.IRole) -> None:
        """What one payment transaction touches: the state, the journal, the audit line and the event."""
        data = self._data
        data.payments.allow(role, "GetItem", "PutItem")
        data.ledger.allow(role, "PutItem")
        data.audit.allow(role, "PutItem")
        data.outbox.allow(role, "PutItem")
        data.payment_methods.allow(role, "GetItem", "PutItem")

    def _outbox_pipe(self) -> None:
        """Each new outbox item becomes an event on the bus: retried for hours, then dead-lettered."""
        data, messaging = self._data, self._messaging
        stream_arn = data.outbox.table_stream_arn
        if stream_arn is None:
            raise ValueError("the outbox table has no stream")
        role = ServiceRole(
            self,
            "OutboxPipeRole",
            environment=self.environment_settings,
            service="pipes.amazonaws.com",
            description="Carries outbox items from the table's stream to the event bus",
        )
        role.may(
            "dynamodb:DescribeStream",
            "dynamodb:GetRecords",
            "dynamodb:GetShardIterator",
            "dynamodb:ListStreams",
            on=stream_arn,
        )
        data.data_key.allow_reading(role, through="dynamodb")
        role.may("events:PutEvents", on=messaging.bus.event_bus_arn)
        allow_sending(role, messaging.outbox_dead_letters, messaging.key)
        pipe = pipes.CfnPipe(
            self,
            "OutboxPipe",
            name=f"hasivu-{self.environment_settings.name}-outbox",  # by which its metrics are found
            description="Outbox items to the event bus",
            desired_state="RUNNING",
            role_arn=role.role_arn,
            source=stream_arn,
            source_parameters=pipes.CfnPipe.PipeSourceParametersProperty(
                dynamo_db_stream_parameters=pipes.CfnPipe.PipeSourceDynamoDBStreamParametersProperty(
                    starting_position="TRIM_HORIZON",
                    batch_size=OUTBOX_BATCH_MAX,
                    maximum_retry_attempts=OUTBOX_RETRIES_MAX,
                    maximum_record_age_in_seconds=OUTBOX_RECORD_AGE_MAX_S,
                    on_partial_batch_item_failure="AUTOMATIC_BISECT",
                    dead_letter_config=pipes.CfnPipe.DeadLetterConfigProperty(
                        arn=messaging.outbox_dead_letters.queue_arn
                    ),
                ),
                filter_criteria=pipes.CfnPipe.FilterCriteriaProperty(
                    # A removal is DynamoDB's TTL at work, not news.
                    filters=[pipes.CfnPipe.FilterProperty(pattern='{"eventName":["INSERT"]}')]
                ),
            ),
            target=messaging.bus.event_bus_arn,
            target_parameters=pipes.CfnPipe.PipeTargetParametersProperty(
                event_bridge_event_bus_parameters=pipes.CfnPipe.PipeTargetEventBridgeEventBusParametersProperty(
                    source="$.dynamodb.NewImage.source.S", detail_type="$.dynamodb.NewImage.detail_type.S"
                ),
                input_template=_event_template("event_id", "occurred_at", "subject", "detail"),
            ),
        )
        pipe.node.add_dependency(role)


def _event_template(*attributes: str) -> str:
    """The event's detail from string attributes of the item; Pipes quotes what it puts in for a ``<...>``."""
    return "{" + ", ".join(f'"{name}": <$.dynamodb.NewImage.{name}.S>' for name in attributes) + "}"
