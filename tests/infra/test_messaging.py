"""Messages are encrypted, tried a few times, and never lost without a trace."""

import json

import pytest

from runtime.notifications.repository import KEPT_FOR
from stacks.messaging import ARCHIVED_DAYS, HEARD_BY_PEOPLE, PAYMENTS_SOURCE
from tests.infra.assembly import Assembly

QUEUES = {
    "payment-retry-queue-{env}": "payment-dlq-{env}",
    "hasivu-{env}-webhooks": "hasivu-{env}-webhooks-dlq",
    "hasivu-{env}-notifications": "hasivu-{env}-notifications-dlq",
    "hasivu-{env}-payment-analytics": "hasivu-{env}-payment-analytics-dlq",
    "hasivu-{env}-payment-splits": "hasivu-{env}-payment-splits-dlq",
}
OUTBOX_DLQ = "hasivu-{env}-outbox-dlq"
UNDELIVERED_DLQ = "hasivu-{env}-undelivered-dlq"
CONSUMERS = {
    "hasivu-{env}-webhooks": "payments-webhook-handler",
    "hasivu-{env}-notifications": "notification-dispatcher",
    "hasivu-{env}-payment-analytics": "payments-analytics",
    "hasivu-{env}-payment-splits": "payments-advanced",
}


def test_the_queues_are_those_that_the_platform_names(assembly: Assembly) -> None:
    named = (*QUEUES, *QUEUES.values(), OUTBOX_DLQ, UNDELIVERED_DLQ)
    names = {name.format(env=assembly.environment) for name in named}

    assert {queue.properties["QueueName"] for queue in assembly.resources("AWS::SQS::Queue")} == names


def test_each_queue_redrives_to_its_own_dead_letters_after_five_receives(assembly: Assembly) -> None:
    for pattern, dead_pattern in QUEUES.items():
        queue = assembly.queue(pattern.format(env=assembly.environment))
        dead = assembly.queue(dead_pattern.format(env=assembly.environment))
        redrive = queue.properties["RedrivePolicy"]
        assert redrive["maxReceiveCount"] == 5
        assert assembly.text(redrive["deadLetterTargetArn"], queue.stack) == dead.arn


def test_dead_letters_come_from_their_queue_only(assembly: Assembly) -> None:
    for pattern, dead_pattern in QUEUES.items():
        dead = assembly.queue(dead_pattern.format(env=assembly.environment))
        policy = dead.properties["RedriveAllowPolicy"]
        assert policy["redrivePermission"] == "byQueue"
        (source,) = assembly.texts(policy["sourceQueueArns"], dead.stack)
        assert source.endswith(f":{pattern.format(env=assembly.environment)}")
    for name in (*QUEUES, OUTBOX_DLQ):
        queue = assembly.queue(name.format(env=assembly.environment))
        assert queue.properties["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}


def test_dead_letters_outlive_the_messages_of_their_queue(assembly: Assembly) -> None:
    for pattern, dead_pattern in QUEUES.items():
        queue = assembly.queue(pattern.format(env=assembly.environment))
        dead = assembly.queue(dead_pattern.format(env=assembly.environment))
        assert (
            queue.properties["MessageRetentionPeriod"]
            < dead.properties["MessageRetentionPeriod"]
            == 14 * 86_400
        )


def test_every_queue_is_encrypted_long_polled_and_reached_by_tls_only(assembly: Assembly) -> None:
    key = assembly.one("AWS::KMS::Alias", AliasName=f"alias/hasivu/{assembly.environment}/messaging")
    key_arn = assembly.text(key.properties["TargetKeyId"], key.stack)
    refusing: set[str] = set()
    for policy in assembly.resources("AWS::SQS::QueuePolicy"):
        for statement in assembly.statements(policy.properties["PolicyDocument"], policy.stack):
            if statement.effect == "Deny" and statement.conditions == {
                "Bool": {"aws:SecureTransport": "false"}
            }:
                refusing |= statement.resources

    for queue in assembly.resources("AWS::SQS::Queue"):
        assert assembly.text(queue.properties["KmsMasterKeyId"], queue.stack) == key_arn
        assert queue.properties["ReceiveMessageWaitTimeSeconds"] == 20
        assert queue.arn in refusing


def test_a_queue_hides_a_message_six_times_as_long_as_its_consumer_may_run(assembly: Assembly) -> None:
    for pattern, function in CONSUMERS.items():
        queue = assembly.queue(pattern.format(env=assembly.environment))
        timeout_s = assembly.function(function).properties["Timeout"]
        assert queue.properties["VisibilityTimeout"] == 6 * timeout_s


def test_retries_stay_hidden_six_times_as_long_as_the_function_that_tries_them(assembly: Assembly) -> None:
    queue = assembly.queue(f"payment-retry-queue-{assembly.environment}")
    timeout_s = assembly.function("payments-retry").properties["Timeout"]

    assert queue.properties["VisibilityTimeout"] == 6 * timeout_s
    dead = assembly.text(queue.properties["RedrivePolicy"]["deadLetterTargetArn"], queue.stack)
    assert dead == assembly.queue(f"payment-dlq-{assembly.environment}").arn


def test_the_topic_is_encrypted_and_refuses_plain_transport(assembly: Assembly) -> None:
    topic = assembly.one("AWS::SNS::Topic", TopicName=f"payment-notifications-{assembly.environment}")
    refused = [
        statement.effect
        for policy in assembly.resources("AWS::SNS::TopicPolicy")
        if topic.ref in assembly.texts(policy.properties["Topics"], policy.stack)
        for statement in assembly.statements(policy.properties["PolicyDocument"], policy.stack)
        if statement.conditions == {"Bool": {"aws:SecureTransport": "false"}}
    ]

    assert "KmsMasterKeyId" in topic.properties
    assert refused == ["Deny"]


def test_the_topic_delivers_raw_messages_to_the_notifications_queue(assembly: Assembly) -> None:
    queue = assembly.queue(f"hasivu-{assembly.environment}-notifications")
    subscription = assembly.one("AWS::SNS::Subscription", Protocol="sqs")

    assert subscription.properties["Protocol"] == "sqs"
    assert subscription.properties["RawMessageDelivery"] is True
    assert assembly.text(subscription.properties["Endpoint"], subscription.stack) == queue.arn


def test_only_the_topic_may_put_messages_into_the_notifications_queue(assembly: Assembly) -> None:
    queue = assembly.queue(f"hasivu-{assembly.environment}-notifications")
    senders = [
        (statement.principal, assembly.text(statement.conditions["ArnEquals"]["aws:SourceArn"], policy.stack))
        for policy in assembly.resources("AWS::SQS::QueuePolicy")
        for statement in assembly.statements(policy.properties["PolicyDocument"], policy.stack)
        if statement.effect == "Allow" and queue.arn in statement.resources
    ]

    ((principal, source),) = senders
    assert principal == {"Service": "sns.amazonaws.com"}
    assert source.endswith(f":payment-notifications-{assembly.environment}")


def test_payment_events_that_people_must_hear_go_to_the_topic_whole(assembly: Assembly) -> None:
    rule = assembly.one("AWS::Events::Rule", Name=f"hasivu-{assembly.environment}-payment-events")
    (target,) = rule.properties["Targets"]
    topic = assembly.one("AWS::SNS::Topic", TopicName=f"payment-notifications-{assembly.environment}")

    assert rule.properties["State"] == "ENABLED"
    assert rule.properties["EventPattern"] == {
        "source": [PAYMENTS_SOURCE],
        "detail-type": list(HEARD_BY_PEOPLE),
    }
    assert set(HEARD_BY_PEOPLE) == {
        *("PaymentCaptured", "PaymentFailed", "PaymentConflicted"),
        *("RefundProcessed", "RefundFailed", "LinkReminderDue"),
    }
    assert assembly.text(target["Arn"], rule.stack) == topic.ref
    assert not {"Input", "InputPath", "InputTransformer"} & target.keys()


@pytest.mark.parametrize(
    ("reader", "only"),
    [
        ("payment-analytics", {}),
        ("payment-splits", {"detail-type": ["PaymentCaptured", "PaymentConflicted", "PaymentSplitDue"]}),
    ],
)
def test_events_of_payments_go_to_the_queues_of_their_readers_and_from_their_rules_only(
    assembly: Assembly, reader: str, only: dict[str, list[str]]
) -> None:
    name = f"hasivu-{assembly.environment}-{reader}"
    rule = assembly.one("AWS::Events::Rule", Name=name)
    (target,) = rule.properties["Targets"]
    queue = assembly.queue(name)
    senders = [
        (statement.principal, assembly.text(statement.conditions["ArnEquals"]["aws:SourceArn"], policy.stack))
        for policy in assembly.resources("AWS::SQS::QueuePolicy")
        for statement in assembly.statements(policy.properties["PolicyDocument"], policy.stack)
        if statement.effect == "Allow" and queue.arn in statement.resources
    ]

    assert rule.properties["State"] == "ENABLED"
    assert rule.properties["EventPattern"] == {"source": [PAYMENTS_SOURCE], **only}
    assert assembly.text(target["Arn"], rule.stack) == queue.arn
    assert not {"Input", "InputPath", "InputTransformer"} & target.keys()
    ((principal, source),) = senders
    assert principal == {"Service": "events.amazonaws.com"}
    assert source.endswith(f":rule/hasivu-{assembly.environment}-events/{name}")


def test_the_pipe_turns_new_outbox_items_into_events_and_ignores_removals(assembly: Assembly) -> None:
    pipe = assembly.one("AWS::Pipes::Pipe").properties
    source = pipe["SourceParameters"]
    (pattern,) = (json.loads(item["Pattern"]) for item in source["FilterCriteria"]["Filters"])
    target = pipe["TargetParameters"]

    assert pattern == {"eventName": ["INSERT"]}
    assert target["EventBridgeEventBusParameters"] == {
        "Source": "$.dynamodb.NewImage.source.S",
        "DetailType": "$.dynamodb.NewImage.detail_type.S",
    }
    assert target["InputTemplate"] == (
        '{"event_id": <$.dynamodb.NewImage.event_id.S>, "occurred_at": <$.dynamodb.NewImage.occurred_at.S>, '
        '"subject": <$.dynamodb.NewImage.subject.S>, "detail": <$.dynamodb.NewImage.detail.S>}'
    )
    assert pipe["DesiredState"] == "RUNNING"


def test_what_the_pipe_cannot_deliver_is_kept_within_a_bound(assembly: Assembly) -> None:
    pipe = assembly.one("AWS::Pipes::Pipe")
    stream = pipe.properties["SourceParameters"]["DynamoDBStreamParameters"]
    dead = assembly.queue(OUTBOX_DLQ.format(env=assembly.environment))

    assert assembly.text(stream["DeadLetterConfig"]["Arn"], pipe.stack) == dead.arn
    assert 0 < stream["MaximumRetryAttempts"] <= 100
    assert 0 < stream["MaximumRecordAgeInSeconds"] < 24 * 3600, "the stream itself forgets after a day"
    assert stream["StartingPosition"] == "TRIM_HORIZON", "what was written before the pipe existed counts too"


def test_every_event_is_archived_encrypted_and_for_less_time_than_consumers_remember_it(
    assembly: Assembly,
) -> None:
    archive = assembly.one("AWS::Events::Archive")
    bus = assembly.one("AWS::Events::EventBus")

    assert assembly.text(archive.properties["SourceArn"], archive.stack) == bus.arn
    assert archive.properties["KmsKeyIdentifier"] == bus.properties["KmsKeyIdentifier"]
    assert "EventPattern" not in archive.properties
    assert archive.properties["RetentionDays"] == ARCHIVED_DAYS == 90
    assert KEPT_FOR.days > ARCHIVED_DAYS, "who was told must still be known when an event is told again"


def test_the_key_lets_the_archive_encrypt_what_is_on_the_bus(assembly: Assembly) -> None:
    alias = assembly.one("AWS::KMS::Alias", AliasName=f"alias/hasivu/{assembly.environment}/messaging")
    key_arn = assembly.text(alias.properties["TargetKeyId"], alias.stack)
    (key,) = [item for item in assembly.resources("AWS::KMS::Key") if item.arn == key_arn]
    (statement,) = [
        item
        for item in assembly.statements(key.properties["KeyPolicy"], key.stack)
        if "kms:ReEncryptFrom" in item.actions
    ]

    assert statement.principal == {"Service": "events.amazonaws.com"}
    assert statement.actions == {"kms:Decrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"}
    context = statement.conditions["StringEquals"]["kms:EncryptionContext:aws:events:event-bus:arn"]
    assert assembly.text(context, key.stack).endswith(f":event-bus/hasivu-{assembly.environment}-events")
