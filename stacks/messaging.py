"""How things are told: queues with their dead letters, the event bus, the topic of what people must hear."""

from collections.abc import Sequence

from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

from stacks.constructs.alarm_topics import AlarmTopics
from stacks.constructs.customer_key import CustomerKey, removal_policy
from stacks.constructs.queue_with_dlq import DeadLetterQueue, QueueWithDlq
from stacks.constructs.service_role import ServiceRole
from stacks.environment import Environment
from stacks.house_stack import HouseStack

WEBHOOK_CONSUMER_TIMEOUT_S = 25
NOTIFICATION_CONSUMER_TIMEOUT_S = 25
RETRY_CONSUMER_TIMEOUT_S = 25
ANALYTICS_CONSUMER_TIMEOUT_S = 25
SPLITS_CONSUMER_TIMEOUT_S = 15
"""Each queue's visibility follows from the timeout of the function that reads it; both take it from here."""

ARCHIVED_DAYS = 90
"""How far back events can be told again: a quarter's books are closed within it."""

PAYMENTS_SOURCE = "hasivu.payments"
HEARD_BY_PEOPLE = (
    *("PaymentCaptured", "PaymentFailed", "PaymentConflicted"),
    *("RefundProcessed", "RefundFailed"),
    "LinkReminderDue",
)
SPLIT_BETWEEN_ACCOUNTS = ("PaymentCaptured", "PaymentConflicted", "PaymentSplitDue")
"""What may call for a split of a payment, and what says that one is to be worked on."""


class MessagingStack(HouseStack):
    """Queues, topic and bus, with the key that encrypts them, and the topics on which alarms are heard."""

    def __init__(self, scope: Construct, construct_id: str, *, environment: Environment) -> None:
        super().__init__(
            scope,
            construct_id,
            environment=environment,
            description="HASIVU payments: queues, notification topic and event bus",
            stateful=True,
        )
        env = environment.name
        self.key = CustomerKey(
            self,
            "MessagingKey",
            environment=environment,
            purpose="messaging",
            description="Messages of HASIVU payments",
        )
        self.webhooks = self._queue(
            "Webhooks",
            name=f"hasivu-{env}-webhooks",
            dead_letter_name=f"hasivu-{env}-webhooks-dlq",
            consumer_timeout_s=WEBHOOK_CONSUMER_TIMEOUT_S,
        )
        self.notifications = self._queue(
            "Notifications",
            name=f"hasivu-{env}-notifications",
            dead_letter_name=f"hasivu-{env}-notifications-dlq",
            consumer_timeout_s=NOTIFICATION_CONSUMER_TIMEOUT_S,
        )
        self.payment_retries = self._queue(
            "PaymentRetries",
            name=f"payment-retry-queue-{env}",
            dead_letter_name=f"payment-dlq-{env}",
            consumer_timeout_s=RETRY_CONSUMER_TIMEOUT_S,
        )
        self.payment_analytics = self._queue(
            "PaymentAnalytics",
            name=f"hasivu-{env}-payment-analytics",
            dead_letter_name=f"hasivu-{env}-payment-analytics-dlq",
            consumer_timeout_s=ANALYTICS_CONSUMER_TIMEOUT_S,
        )
        self.payment_splits = self._queue(
            "PaymentSplits",
            name=f"hasivu-{env}-payment-splits",
            dead_letter_name=f"hasivu-{env}-payment-splits-dlq",
            consumer_timeout_s=SPLITS_CONSUMER_TIMEOUT_S,
        )
        self.outbox_dead_letters = DeadLetterQueue(
            self, "OutboxDeadLetters", environment=environment, name=f"hasivu-{env}-outbox-dlq", key=self.key
        )
        self.undelivered = DeadLetterQueue(
            self, "Undelivered", environment=environment, name=f"hasivu-{env}-undelivered-dlq", key=self.key
        )
        self.topic = sns.Topic(
            self,
            "PaymentNotifications",
            topic_name=f"payment-notifications-{env}",
            master_key=self.key,
            enforce_ssl=True,
        )
        self.bus = events.EventBus(self, "Events", event_bus_name=f"hasivu-{env}-events", kms_key=self.key)
        self._keep_every_event()
        self.alarm_topics = AlarmTopics(self, "Alarms", environment=environment)
        self._tell_people_of_payments()
        self._deliver_to_the_dispatcher()
        # Every event of payments; what is not counted is passed over there.
        self._deliver(
            "PaymentEventsForAnalytics",
            self.payment_analytics,
            name="payment-analytics",
            description="Payment events to be counted",
        )
        self._deliver(
            "PaymentEventsForSplits",
            self.payment_splits,
            name="payment-splits",
            description="Captures that may be split, and splits to be worked on",
            only=SPLIT_BETWEEN_ACCOUNTS,
        )

    def _queue(
        self, construct_id: str, *, name: str, dead_letter_name: str, consumer_timeout_s: int
    ) -> QueueWithDlq:
        return QueueWithDlq(
            self,
            construct_id,
            environment=self.environment_settings,
            name=name,
            dead_letter_name=dead_letter_name,
            key=self.key,
            consumer_timeout_s=consumer_timeout_s,
        )

    def _keep_every_event(self) -> None:
        """The archive from which events are told again: everything on the bus, replays aside."""
        account = {"aws:SourceAccount": self.account}
        self.key.allow_service(
            "events.amazonaws.com", actions=("kms:DescribeKey",), conditions={"StringEquals": account}
        )
        self.key.allow_service(
            # https://docs.aws.amazon.com/eventbridge/latest/userguide/encryption-archives.html
            "events.amazonaws.com",
            actions=("kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"),
            conditions={
                "StringEquals": account
                # By name: the bus is encrypted with the key whose policy this becomes.
                | {"kms:EncryptionContext:aws:events:event-bus:arn": self._bus_arn()}
            },
        )
        archive = events.CfnArchive(
            self,
            "EventArchive",
            archive_name=f"hasivu-{self.environment_settings.name}-events",
            description="Every event of the bus, to be told again",
            source_arn=self.bus.event_bus_arn,
            retention_days=ARCHIVED_DAYS,
            kms_key_identifier=self.key.key_arn,
        )
        archive.apply_removal_policy(removal_policy(self.environment_settings))

    def _bus_arn(self) -> str:
        name = f"hasivu-{self.environment_settings.name}-events"
        return self.format_arn(service="events", resource="event-bus", resource_name=name)

    def _tell_people_of_payments(self) -> None:
        """Payment events that people must hear go to the topic, whole, under a role made for that alone."""
        publisher = ServiceRole(
            self,
            "PaymentEventsPublisher",
            environment=self.environment_settings,
            service="events.amazonaws.com",
            description="Publishes payment events of the bus to the notification topic",
        )
        publisher.add_to_policy(
            iam.PolicyStatement(actions=["sns:Publish"], resources=[self.topic.topic_arn])
        )
        self.key.allow_writing(publisher, through="sns")
        name = f"hasivu-{self.environment_settings.name}-payment-events"
        rule = events.CfnRule(
            self,
            "PaymentEventsForPeople",
            name=name,  # by which its metrics are found, and its dead letters let in
            description="Payment events that people must hear",
            event_bus_name=self.bus.event_bus_name,
            event_pattern={"source": [PAYMENTS_SOURCE], "detail-type": list(HEARD_BY_PEOPLE)},
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="topic",
                    arn=self.topic.topic_arn,
                    role_arn=publisher.role_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=self.undelivered.queue_arn
                    ),
                )
            ],
        )
        rule.node.add_dependency(publisher)
        self.set_aside_what_is_undelivered(f"hasivu-{self.environment_settings.name}-events/{name}")

    def set_aside_what_is_undelivered(self, rule: str) -> None:
        """The event rule ``rule`` may put what its target refuses among the undelivered.

        ``{bus}/`` stands before the rule's name unless it is on the default bus.
        """
        from_this_rule = self._from_rule(rule)
        self.key.allow_service(
            "events.amazonaws.com", actions=("kms:Decrypt", "kms:GenerateDataKey"), conditions=from_this_rule
        )
        self.undelivered.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[self.undelivered.queue_arn],
                conditions=from_this_rule,
            )
        )

    def _deliver_to_the_dispatcher(self) -> None:
        """The topic delivers raw messages to the dispatcher's queue, and may encrypt for it."""
        queue = self.notifications.queue
        from_this_topic = {
            # By name: the topic is encrypted with the key whose policy this becomes.
            "ArnEquals": {
                "aws:SourceArn": Stack.of(self).format_arn(service="sns", resource=self._topic_name())
            }
        }
        self.key.allow_service(
            "sns.amazonaws.com", actions=("kms:Decrypt", "kms:GenerateDataKey"), conditions=from_this_topic
        )
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("sns.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions=from_this_topic,
            )
        )
        subscription = sns.Subscription(
            self,
            "NotificationsToDispatcher",
            topic=self.topic,
            endpoint=queue.queue_arn,
            protocol=sns.SubscriptionProtocol.SQS,
            raw_message_delivery=True,
            dead_letter_queue=self.undelivered,
        )
        subscription.node.add_dependency(queue)

    def _deliver(
        self, construct_id: str, to: QueueWithDlq, *, name: str, description: str, only: Sequence[str] = ()
    ) -> None:
        """Events of payments, ``only`` some of them or all, go to a queue."""
        name = f"hasivu-{self.environment_settings.name}-{name}"
        rule = f"hasivu-{self.environment_settings.name}-events/{name}"
        queue = to.queue
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions=self._from_rule(rule),
            )
        )
        events.CfnRule(
            self,
            construct_id,
            name=name,  # by which its metrics are found, and its events let in
            description=description,
            event_bus_name=self.bus.event_bus_name,
            event_pattern={"source": [PAYMENTS_SOURCE]} | ({"detail-type": list(only)} if only else {}),
            state="ENABLED",
            targets=[
                events.CfnRule.TargetProperty(
                    id="queue",
                    arn=queue.queue_arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=self.undelivered.queue_arn
                    ),
                )
            ],
        )
        self.set_aside_what_is_undelivered(rule)  # which lets the rule encrypt for both queues

    def _from_rule(self, rule: str) -> dict[str, dict[str, str]]:
        """The condition that it is the event rule ``rule`` who asks."""
        return {
            # By name: the bus is encrypted with the key whose policy this becomes.
            "ArnEquals": {
                "aws:SourceArn": self.format_arn(service="events", resource="rule", resource_name=rule)
            }
        }

    def _topic_name(self) -> str:
        return f"payment-notifications-{self.environment_settings.name}"
