"""A queue whose messages are tried a few times and then kept where someone can look at them."""

from aws_cdk import Duration, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from stacks.constructs.acknowledge import acknowledge
from stacks.constructs.customer_key import CustomerKey, removal_policy
from stacks.environment import Environment

RECEIVES_MAX = 5
VISIBILITY_PER_TIMEOUT = 6
"""Lambda's own advice: a batch may be throttled and retried within one visibility window."""
RETENTION_DAYS = 4
DEAD_LETTER_RETENTION_DAYS = 14
"""SQS's longest. The clock of a message starts when it is first sent, so it must exceed the queue's."""
LONG_POLL_S = 20


class DeadLetterQueue(sqs.Queue):
    """Where messages end that could not be handled; ``redriven_to`` names the queues that may fill it."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        name: str,
        key: CustomerKey,
        source_queue_name: str | None = None,
    ) -> None:
        source_arn = (
            None
            if source_queue_name is None
            # By name: the source refers to this queue, and a reference back would be a circle.
            else Stack.of(scope).format_arn(service="sqs", resource=source_queue_name)
        )
        super().__init__(
            scope,
            construct_id,
            queue_name=name,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            retention_period=Duration.days(DEAD_LETTER_RETENTION_DAYS),
            receive_message_wait_time=Duration.seconds(LONG_POLL_S),
            removal_policy=removal_policy(environment),
            redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL)
            if source_arn is None
            else sqs.RedriveAllowPolicy(
                redrive_permission=sqs.RedrivePermission.BY_QUEUE,
                source_queues=[sqs.Queue.from_queue_arn(scope, f"{construct_id}Source", source_arn)],
            ),
        )
        acknowledge(self, "Serverless-SQSRedrivePolicy", why="dead letters end here", owner="platform")
        if source_arn is None:
            acknowledge(
                self,
                "AwsSolutions-SQS3",
                why="it is a dead-letter queue, which the pack sees only of queues",
                owner="platform",
            )


class QueueWithDlq(Construct):
    """A queue for one consumer, and its dead-letter queue.

    ``consumer_timeout_s`` is the timeout of the function that reads it; a message stays invisible six
    times as long. After five receives it goes to the dead-letter queue.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        name: str,
        dead_letter_name: str,
        key: CustomerKey,
        consumer_timeout_s: int,
    ) -> None:
        super().__init__(scope, construct_id)
        self._key = key
        self.dead_letters = DeadLetterQueue(
            self,
            "DeadLetters",
            environment=environment,
            name=dead_letter_name,
            key=key,
            source_queue_name=name,
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=name,
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=key,
            enforce_ssl=True,
            visibility_timeout=Duration.seconds(VISIBILITY_PER_TIMEOUT * consumer_timeout_s),
            retention_period=Duration.days(RETENTION_DAYS),
            receive_message_wait_time=Duration.seconds(LONG_POLL_S),
            removal_policy=removal_policy(environment),
            dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=RECEIVES_MAX, queue=self.dead_letters),
            redrive_allow_policy=sqs.RedriveAllowPolicy(redrive_permission=sqs.RedrivePermission.DENY_ALL),
        )

    def allow_sending(self, role: iam.IRole) -> None:
        """Let ``role`` put messages into the queue."""
        allow_sending(role, self.queue, self._key)

    def allow_consuming(self, role: iam.IRole) -> None:
        """Let ``role``, through its event source mapping, receive and delete messages."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=[
                    "sqs:ReceiveMessage",
                    "sqs:DeleteMessage",
                    "sqs:ChangeMessageVisibility",
                    "sqs:GetQueueAttributes",
                ],
                resources=[self.queue.queue_arn],
            )
        )
        self._key.allow_reading(role, through="sqs")

    def allow_looking(self, role: iam.IRole) -> None:
        """Let ``role`` read how many messages wait in the queue and among its dead letters."""
        role.add_to_principal_policy(
            iam.PolicyStatement(
                actions=["sqs:GetQueueAttributes"],
                resources=[self.queue.queue_arn, self.dead_letters.queue_arn],
            )
        )


def allow_sending(role: iam.IRole, queue: sqs.IQueue, key: CustomerKey) -> None:
    """Let ``role`` put messages into ``queue``, which ``key`` encrypts."""
    role.add_to_principal_policy(
        iam.PolicyStatement(actions=["sqs:SendMessage"], resources=[queue.queue_arn])
    )
    key.allow_writing(role, through="sqs")
