"""Queues, topics and subscriptions: nothing is lost, nothing is read by others, nothing waits for nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.invocations import invoked_function
from checks.rules.policies import Statement, statements, statements_on
from checks.rules.rule import DEPLOYED, Breach, at, rule

QUEUE = "AWS::SQS::Queue"
TOPIC = "AWS::SNS::Topic"
DEAD_LETTER_RETENTION_S = 14 * 86_400
RETENTION_MIN_S = 86_400
RECEIVES = range(3, 11)
VISIBILITY_PER_TIMEOUT = 6
PROTOCOLS = frozenset({"sqs", "lambda", "email"})


def is_dead_letter_queue(queue: Resource) -> bool:
    """Whether the queue is one that messages end in; told by its name."""
    words = str(queue.get("QueueName")).split("-")
    return "dlq" in words


@rule(
    "HASIVU-SQS-1",
    "PCI DSS 3.5.1.2",
    "GDPR 32(1)(a)",
    remedy="Set KmsMasterKeyId to a key of the estate.",
)
def queues_are_encrypted_with_our_key(estate: Estate) -> Iterator[Breach]:
    """A queue is encrypted with a key of the estate."""
    for queue in estate.of(QUEUE):
        if not estate.ours(queue, "KmsMasterKeyId", "AWS::KMS::Key"):
            yield at(queue, "KmsMasterKeyId")
        reuse = queue.get("KmsDataKeyReusePeriodSeconds")
        if reuse is not None and not 60 <= int(reuse) <= 3600:
            yield at(queue, "KmsDataKeyReusePeriodSeconds")


@rule(
    "HASIVU-SQS-2",
    "PCI DSS 2.2.5/2.2.7",
    "PCI DSS 4.2.1",
    remedy="Deny every principal what comes without TLS.",
)
def queues_speak_tls_only(estate: Estate) -> Iterator[Breach]:
    """A queue refuses everything that comes without TLS."""
    for queue in estate.of(QUEUE):
        said = statements_on(estate, queue, "AWS::SQS::QueuePolicy")
        if not _denies_plain_http(estate, queue, said, "sqs:SendMessage"):
            yield at(queue, "policy", shown="plain HTTP is not denied")


@rule(
    "HASIVU-SQS-3",
    "SOX OP-4",
    remedy="Give the queue a dead-letter queue of its own, after three to ten receives.",
)
def queues_set_aside_what_fails(estate: Estate) -> Iterator[Breach]:
    """A queue sets aside, in a dead-letter queue of its own, what failed a few times."""
    taken: dict[Resource, Resource] = {}
    for queue in estate.of(QUEUE):
        if is_dead_letter_queue(queue):
            continue
        target = estate.target(queue.get("RedrivePolicy.deadLetterTargetArn"), queue.stack)
        if target is None or target.kind != QUEUE or not is_dead_letter_queue(target):
            yield at(queue, "RedrivePolicy.deadLetterTargetArn")
            continue
        if taken.setdefault(target, queue) != queue:
            yield at(
                queue, "RedrivePolicy.deadLetterTargetArn", shown=f"shared with {taken[target].logical_id}"
            )
        if not _lets_in(estate, target, queue):
            yield at(queue, "RedrivePolicy.deadLetterTargetArn", shown="refused by the dead-letter queue")
        receives = queue.get("RedrivePolicy.maxReceiveCount")
        if not (isinstance(receives, int) and receives in RECEIVES):
            yield at(queue, "RedrivePolicy.maxReceiveCount")


def _lets_in(estate: Estate, dead_letters: Resource, queue: Resource) -> bool:
    if dead_letters.get("RedriveAllowPolicy.redrivePermission") != "byQueue":
        return False
    sources = estate.texts(dead_letters.get("RedriveAllowPolicy.sourceQueueArns"), dead_letters.stack)
    return any(
        source.endswith(f":{queue.get('QueueName')}") or estate.target(source, queue.stack) == queue
        for source in sources
    )


@rule(
    "HASIVU-SQS-4",
    "PCI DSS 1.3.1",
    remedy="Say by queue which may fill it (byQueue), or that none may (denyAll).",
)
def dead_letter_queues_are_filled_by_their_queue_only(estate: Estate) -> Iterator[Breach]:
    """A queue says which other queues may fill it."""
    for queue in estate.of(QUEUE):
        permission = queue.get("RedriveAllowPolicy.redrivePermission")
        if permission not in {"byQueue", "denyAll"}:
            yield at(queue, "RedriveAllowPolicy.redrivePermission")
        if permission == "byQueue" and len(queue.items("RedriveAllowPolicy.sourceQueueArns")) != 1:
            yield at(queue, "RedriveAllowPolicy.sourceQueueArns")


@rule(
    "HASIVU-SQS-5",
    "SOX OP-4",
    remedy="Keep dead letters for fourteen days, messages for at least one and less than that.",
)
def messages_are_kept_long_enough(estate: Estate) -> Iterator[Breach]:
    """Dead letters are kept for fourteen days, messages for at least one day and for less."""
    for queue in estate.of(QUEUE):
        kept_s = queue.get("MessageRetentionPeriod")
        if is_dead_letter_queue(queue):
            if kept_s != DEAD_LETTER_RETENTION_S:
                yield at(queue, "MessageRetentionPeriod")
        elif kept_s is not None and not RETENTION_MIN_S <= int(kept_s) < DEAD_LETTER_RETENTION_S:
            yield at(queue, "MessageRetentionPeriod")


@rule(
    "HASIVU-SQS-6",
    "SOX OP-4",
    remedy="Make the visibility at least six times the timeout of the function that reads the queue.",
)
def messages_stay_hidden_while_they_are_handled(estate: Estate) -> Iterator[Breach]:
    """A message stays hidden for six times the timeout of the function that reads its queue."""
    for mapping in estate.of("AWS::Lambda::EventSourceMapping"):
        queue = estate.target(mapping.get("EventSourceArn"), mapping.stack)
        function = invoked_function(estate, mapping.get("FunctionName"), mapping.stack)
        if queue is None or queue.kind != QUEUE or function is None:
            continue
        visible_after_s = int(queue.get("VisibilityTimeout") or 30)
        timeout_s = int(function.get("Timeout") or 3)
        window_s = int(mapping.get("MaximumBatchingWindowInSeconds") or 0)
        if not VISIBILITY_PER_TIMEOUT * timeout_s + window_s <= visible_after_s <= 3600:
            yield at(queue, "VisibilityTimeout")


@rule(
    "HASIVU-SQS-7",
    "SOX OP-4",
    remedy="Poll for twenty seconds, deliver at once, take messages up to SQS's own size.",
)
def queues_deliver_what_they_are_given(estate: Estate) -> Iterator[Breach]:
    """A queue delivers what it is given: at once, whole, by long polling."""
    for queue in estate.of(QUEUE):
        if queue.get("ReceiveMessageWaitTimeSeconds") not in range(1, 21):
            yield at(queue, "ReceiveMessageWaitTimeSeconds")
        if int(queue.get("DelaySeconds") or 0) > 60:
            yield at(queue, "DelaySeconds")
        if int(queue.get("MaximumMessageSize") or 262_144) < 262_144:
            yield at(queue, "MaximumMessageSize")
        visible_after_s = queue.get("VisibilityTimeout")
        if not is_dead_letter_queue(queue) and not 30 <= int(visible_after_s or 0) <= 3600:
            yield at(queue, "VisibilityTimeout")


@rule(
    "HASIVU-SQS-8",
    "SOX OP-4",
    remedy="Let a function read the queue, or take the right to fill it away.",
)
def what_is_put_into_a_queue_is_read(estate: Estate) -> Iterator[Breach]:
    """A queue that somebody may fill is read by a function."""
    read = {
        estate.target(mapping.get("EventSourceArn"), mapping.stack)
        for mapping in estate.of("AWS::Lambda::EventSourceMapping")
    }
    filled = {
        queue
        for statement in statements(estate, "identity", "resource")
        if statement.allows and statement.covers("sqs:SendMessage")
        for text in statement.resources
        for queue in estate.targets(text, statement.carrier.stack)
    }
    for queue in estate.of(QUEUE):
        if queue in filled and queue not in read and not is_dead_letter_queue(queue):
            yield at(queue, "", shown="nobody reads it")


@rule(
    "HASIVU-SNS-1",
    "PCI DSS 3.5.1.2",
    "GDPR 32(1)(a)",
    remedy="Set KmsMasterKeyId to a key of the estate.",
)
def topics_are_encrypted_with_our_key(estate: Estate) -> Iterator[Breach]:
    """A topic is encrypted with a key of the estate."""
    for topic in estate.of(TOPIC):
        if not estate.ours(topic, "KmsMasterKeyId", "AWS::KMS::Key"):
            yield at(topic, "KmsMasterKeyId")


@rule(
    "HASIVU-SNS-2",
    "PCI DSS 2.2.5/2.2.7",
    "PCI DSS 4.2.1",
    remedy="Deny every principal to publish without TLS.",
)
def topics_speak_tls_only(estate: Estate) -> Iterator[Breach]:
    """A topic refuses everything that comes without TLS."""
    for topic in estate.of(TOPIC):
        said = statements_on(estate, topic, "AWS::SNS::TopicPolicy")
        if not _denies_plain_http(estate, topic, said, "sns:Publish"):
            yield at(topic, "policy", shown="plain HTTP is not denied")


def _denies_plain_http(estate: Estate, place: Resource, said: list[Statement], action: str) -> bool:
    return any(
        item.denies
        and "AWS:*" in item.principals
        and item.covers(action)
        and any(place in estate.targets(text, place.stack) for text in item.resources)
        and set(item.conditions) == {"Bool"}
        and item.condition("aws:SecureTransport") == [("Bool", ["false"])]
        for item in said
    )


@rule(
    "HASIVU-SNS-3",
    "PCI DSS 2.2.5/2.2.7",
    "PCI DSS 1.3.2",
    remedy="Subscribe a queue or an alias of the estate; e-mail only to topics of alarms.",
)
def subscriptions_stay_inside(estate: Estate) -> Iterator[Breach]:
    """What is published stays inside: no HTTP, no SMS, no endpoint of others; e-mail for alarms alone."""
    inline: list[tuple[Resource, str, dict[str, Any], Any]] = [
        (topic, f"Subscription.{index}", item, topic.get("TopicName"))
        for topic in estate.of(TOPIC)
        for index, item in enumerate(topic.items("Subscription"))
    ]
    apart: list[tuple[Resource, str, dict[str, Any], Any]] = []
    for item in estate.of("AWS::SNS::Subscription"):
        topic = estate.target(item.get("TopicArn"), item.stack)
        apart.append((item, "", dict(item.properties), topic.get("TopicName") if topic else None))
        if topic is None:
            yield at(item, "TopicArn")
    for carrier, path, subscription, topic_name in inline + apart:
        protocol = subscription.get("Protocol")
        if protocol not in PROTOCOLS or (protocol == "email" and "alarms" not in str(topic_name)):
            yield at(carrier, f"{path}.Protocol".strip("."), shown=str(protocol))
        elif protocol != "email" and estate.target(subscription.get("Endpoint"), carrier.stack) is None:
            yield at(carrier, f"{path}.Endpoint".strip("."), shown="an endpoint that is not the estate's")


@rule(
    "HASIVU-SNS-4",
    "SOX OP-4",
    remedy="Give the subscription a dead-letter queue, deliver raw, and let SNS send to the queue.",
)
def subscriptions_deliver(estate: Estate) -> Iterator[Breach]:
    """What is published arrives: the queue lets the topic in, and what it refuses is set aside."""
    for subscription in estate.of("AWS::SNS::Subscription"):
        if subscription.get("Protocol") != "sqs":
            continue
        queue = estate.target(subscription.get("Endpoint"), subscription.stack)
        allowed = queue is not None and any(
            item.allows and "Service:sns.amazonaws.com" in item.principals and item.covers("sqs:SendMessage")
            for item in statements_on(estate, queue, "AWS::SQS::QueuePolicy")
        )
        if not allowed:
            yield at(subscription, "Endpoint", shown="the queue does not let the topic in")
        if subscription.get("RawMessageDelivery") is not True:
            yield at(subscription, "RawMessageDelivery")
        if subscription.get("FilterPolicy") is not None:
            yield at(subscription, "FilterPolicy")
        letters = estate.target(subscription.get("RedrivePolicy.deadLetterTargetArn"), subscription.stack)
        if letters is None or letters.kind != QUEUE or not is_dead_letter_queue(letters):
            yield at(subscription, "RedrivePolicy.deadLetterTargetArn")


@rule(
    "HASIVU-SNS-5",
    "SOX OP-4",
    environments=DEPLOYED,
    remedy="Subscribe who must hear of it.",
)
def topics_have_listeners(estate: Estate) -> Iterator[Breach]:
    """The topic of payment notifications has somebody who listens."""
    heard = {estate.target(item.get("TopicArn"), item.stack) for item in estate.of("AWS::SNS::Subscription")}
    for topic in estate.of(TOPIC):
        if "notifications" in str(topic.get("TopicName")) and topic not in heard:
            yield at(topic, "Subscription")
