"""Queues, topics, buses, rules, schedules and pipes beside what the templates say."""

from __future__ import annotations

from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Line, Probe, Read
from checks.probes.normal import parsed, policy
from checks.probes.read import answer, lines_of, member, physical_id, prop, then
from checks.probes.running import Live

QUEUE, TOPIC, SUBSCRIPTION = "AWS::SQS::Queue", "AWS::SNS::Topic", "AWS::SNS::Subscription"
RULE, SCHEDULE, PIPE = "AWS::Events::Rule", "AWS::Scheduler::Schedule", "AWS::Pipes::Pipe"

REDRIVE = Probe(
    name="queue-redrive",
    title="What cannot be worked on goes to the dead letters that the templates name",
    remedy="Deploy again; without a redrive policy a bad message comes back until it is deleted for its age.",
    controls=("SOX OP-1", "GDPR 32(1)(b)"),
)
QUEUES = Probe(
    name="queue-settings",
    title="Queues keep and hide messages for as long as the templates say",
    remedy="Deploy again; a short visibility timeout has work done twice, short retention loses it.",
    controls=("SOX OP-1",),
)
QUEUE_ENCRYPTION = Probe(
    name="queue-encryption",
    title="Queues are encrypted with the keys of the templates",
    remedy="Deploy again, and find in the trail who called SetQueueAttributes.",
    controls=("PCI DSS 3.5.1", "GDPR 32(1)(a)"),
)
QUEUE_POLICY = Probe(
    name="queue-policy",
    title="Who may send to queues is what the templates say",
    remedy="Deploy the policy again, and find in the trail who called SetQueueAttributes or AddPermission.",
    controls=("PCI DSS 1.3.1", "PCI DSS 7.2.5"),
)
TOPICS = Probe(
    name="topic-encryption",
    title="Topics are encrypted with the keys of the templates",
    remedy="Deploy again, and find in the trail who called SetTopicAttributes.",
    controls=("PCI DSS 3.5.1", "GDPR 32(1)(a)"),
)
TOPIC_POLICY = Probe(
    name="topic-policy",
    title="Who may speak to topics and listen to them is what the templates say",
    remedy="Deploy the policy again, and find in the trail who called SetTopicAttributes or AddPermission.",
    controls=("PCI DSS 1.3.1", "PCI DSS 7.2.5"),
)
SUBSCRIPTIONS = Probe(
    name="topic-subscriptions",
    title="Whoever the templates subscribe is subscribed and has confirmed it",
    remedy="Confirm the mail that AWS sent; where the subscription is gone, remove and deploy it anew.",
    controls=("PCI DSS 10.7.2", "SOX OP-3"),
)
EVENTS = Probe(
    name="event-rules",
    title="Event rules are on, and lead where the templates say",
    remedy="Enable the rule; events that it missed are in the archive: replay them.",
    controls=("SOX OP-1",),
)
BUS = Probe(
    name="event-bus",
    title="The event bus and its archive keep events encrypted, and for as long as the templates say",
    remedy="Deploy again; what was not archived cannot be replayed.",
    controls=("SOX OP-1", "PCI DSS 3.5.1"),
)
SCHEDULES = Probe(
    name="schedules",
    title="Schedules are on and do what the templates say",
    remedy="Enable the schedule, then run what it missed by hand (docs/runbooks/functions.md).",
    controls=("SOX OP-1",),
)
PIPES = Probe(
    name="pipes",
    title="The pipe from the outbox runs and leads where the templates say",
    remedy="Start the pipe; the stream keeps events for a day (docs/runbooks/events.md).",
    controls=("SOX OP-1",),
)

ID = physical_id

MESSAGE_BYTES_MIN = 262_144
"""What AWS gave a queue for long; new ones take more."""


def _queue(attribute: str) -> Read:
    return answer(
        "sqs", "get_queue_attributes", f"Attributes.{attribute}", QueueUrl=ID, AttributeNames=["All"]
    )


def _first(path: str) -> Any:
    def first(live: Live) -> Any:
        found = live.expected(path)
        return found[0] if isinstance(found, list) else found

    return first


def _topic(attribute: str) -> Read:
    return answer("sns", "get_topic_attributes", f"Attributes.{attribute}", TopicArn=ID)


def _subscription(attribute: str) -> Read:
    return answer("sns", "get_subscription_attributes", f"Attributes.{attribute}", SubscriptionArn=ID)


def _listed(path: str) -> Read:
    return member(
        "sns",
        "list_subscriptions_by_topic",
        "Subscriptions",
        "SubscriptionArn",
        path,
        TopicArn=prop("TopicArn"),
    )


def _is_confirmed(account: Account, live: Live) -> str | None:
    if ":" not in live.physical_id:
        return "was never confirmed"
    pending = str(_subscription("PendingConfirmation")(account, live)).lower()
    return "waits for its confirmation" if pending == "true" else None


def _nobody_else_listens(account: Account, live: Live) -> str | None:
    """Nobody is subscribed to the topic but whom the templates subscribe. Addresses are not told."""
    wanted = {
        (item.expected("Protocol"), item.expected("Endpoint"))
        for item in live.running.of(SUBSCRIPTION)
        if item.expected("TopicArn") == live.physical_id
    }
    found = account.all(
        "sns",
        "list_subscriptions_by_topic",
        "Subscriptions",
        region=live.region,
        TopicArn=live.physical_id,
    )
    extra = sorted(item["Protocol"] for item in found if (item["Protocol"], item["Endpoint"]) not in wanted)
    return f"tells somebody by {extra[0]}, whom no template subscribes" if extra else None


def _takes_long_messages(account: Account, live: Live) -> str | None:
    """A queue that nobody shortened takes as much as an event may have."""
    size = _queue("MaximumMessageSize")(account, live)
    return None if size is None or int(size) >= MESSAGE_BYTES_MIN else f"takes {size} bytes at most"


def _no_other_rule(account: Account, live: Live) -> str | None:
    """No rule but those of the templates takes events from the bus; the archive's own is AWS's."""
    known = {item.expected("Name") for item in live.running.of(RULE)}
    found = account.all("events", "list_rules", "Rules", region=live.region, EventBusName=live.physical_id)
    extra = sorted({item["Name"] for item in found if not item.get("ManagedBy")} - known)
    return f"has the rule {extra[0]}, which no template gives it" if extra else None


def _bus_of(live: Live) -> Any:
    return live.expected("EventBusName") or "default"


def _rule(path: str) -> Read:
    return answer("events", "describe_rule", path, Name=prop("Name"), EventBusName=_bus_of)


def _schedule(path: str) -> Read:
    return answer("scheduler", "get_schedule", path, Name=ID)


def _pipe(path: str) -> Read:
    return answer("pipes", "describe_pipe", path, Name=ID)


def _targets(account: Account, live: Live) -> Any:
    return account.all(
        "events",
        "list_targets_by_rule",
        "Targets",
        region=live.region,
        Rule=live.expected("Name"),
        EventBusName=_bus_of(live),
    )


def _runs(account: Account, live: Live) -> str | None:
    state = _pipe("CurrentState")(account, live)
    return None if state == "RUNNING" else f"is {state}"


LINES = (
    Line(
        kind=QUEUE,
        path="RedrivePolicy",
        probe=REDRIVE,
        read=_queue("RedrivePolicy"),
        normal=parsed,
        unsaid=None,
    ),
    Line(
        kind=QUEUE,
        path="RedriveAllowPolicy",
        probe=REDRIVE,
        read=_queue("RedriveAllowPolicy"),
        normal=parsed,
    ),
    Line(kind=QUEUE, path="VisibilityTimeout", probe=QUEUES, read=_queue("VisibilityTimeout"), unsaid=30),
    Line(
        kind=QUEUE,
        path="MessageRetentionPeriod",
        probe=QUEUES,
        read=_queue("MessageRetentionPeriod"),
        unsaid=345_600,
    ),
    Line(
        kind=QUEUE,
        path="ReceiveMessageWaitTimeSeconds",
        probe=QUEUES,
        read=_queue("ReceiveMessageWaitTimeSeconds"),
        unsaid=0,
    ),
    Line(
        kind=QUEUE,
        path="QueueName",
        probe=QUEUES,
        read=then(_queue("QueueArn"), lambda arn: arn.rpartition(":")[2]),
    ),
    Line(kind=QUEUE, path="DelaySeconds", probe=QUEUES, read=_queue("DelaySeconds"), unsaid=0),
    Line(kind=QUEUE, path="KmsMasterKeyId", probe=QUEUE_ENCRYPTION, read=_queue("KmsMasterKeyId")),
    Line(
        kind="AWS::SQS::QueuePolicy",
        path="PolicyDocument",
        probe=QUEUE_POLICY,
        read=answer(
            "sqs",
            "get_queue_attributes",
            "Attributes.Policy",
            QueueUrl=_first("Queues"),
            AttributeNames=["All"],
        ),
        normal=policy,
        exact=True,
    ),
    Line(kind=TOPIC, path="KmsMasterKeyId", probe=TOPICS, read=_topic("KmsMasterKeyId")),
    Line(
        kind=TOPIC,
        path="TopicName",
        probe=TOPICS,
        read=then(_topic("TopicArn"), lambda arn: arn.rpartition(":")[2]),
    ),
    Line(
        kind="AWS::SNS::TopicPolicy",
        path="PolicyDocument",
        probe=TOPIC_POLICY,
        read=answer("sns", "get_topic_attributes", "Attributes.Policy", TopicArn=_first("Topics")),
        normal=policy,
        exact=True,
    ),
    *lines_of(SUBSCRIPTION, SUBSCRIPTIONS, _listed, "Protocol", "Endpoint", "TopicArn"),
    Line(
        kind=SUBSCRIPTION,
        path="RawMessageDelivery",
        probe=SUBSCRIPTIONS,
        read=_subscription("RawMessageDelivery"),
        unsaid=False,
    ),
    Line(
        kind=SUBSCRIPTION,
        path="RedrivePolicy",
        probe=SUBSCRIPTIONS,
        read=_subscription("RedrivePolicy"),
        normal=parsed,
    ),
    Line(
        kind=SUBSCRIPTION,
        path="FilterPolicy",
        probe=SUBSCRIPTIONS,
        read=_subscription("FilterPolicy"),
        normal=lambda value: parsed(value) or None,
        unsaid=None,
    ),
    Line(kind=RULE, path="State", probe=EVENTS, read=_rule("State"), unsaid="ENABLED"),
    Line(kind=RULE, path="EventPattern", probe=EVENTS, read=_rule("EventPattern"), normal=parsed, exact=True),
    Line(kind=RULE, path="Name", probe=EVENTS, read=_rule("Name")),
    Line(kind=RULE, path="Targets", probe=EVENTS, read=_targets, exact=True),
    *lines_of(
        "AWS::Events::EventBus",
        BUS,
        lambda path: answer("events", "describe_event_bus", path, Name=ID),
        "Name",
        "KmsKeyIdentifier",
    ),
    Line(
        kind="AWS::Events::EventBus",
        path="Policy",
        probe=BUS,
        read=answer("events", "describe_event_bus", "Policy", Name=ID),
        normal=policy,
        unsaid=None,
        exact=True,
    ),
    *lines_of(
        "AWS::Events::Archive",
        BUS,
        lambda path: answer("events", "describe_archive", path, ArchiveName=prop("ArchiveName")),
        "RetentionDays",
        "KmsKeyIdentifier",
    ),
    Line(
        kind="AWS::Events::Archive",
        path="SourceArn",
        probe=BUS,
        read=answer("events", "describe_archive", "EventSourceArn", ArchiveName=prop("ArchiveName")),
    ),
    *lines_of(
        SCHEDULE,
        SCHEDULES,
        _schedule,
        "State",
        "ScheduleExpression",
        "ScheduleExpressionTimezone",
        "FlexibleTimeWindow",
        "Target",
    ),
    *lines_of(SCHEDULE, SCHEDULES, _schedule, "StartDate", "EndDate", unsaid=None),
    *lines_of(
        PIPE,
        PIPES,
        _pipe,
        "DesiredState",
        "RoleArn",
        "Source",
        "SourceParameters",
        "Target",
        "TargetParameters",
    ),
)
FACTS = (
    Fact(kind="AWS::Events::EventBus", name="other rules", probe=EVENTS, wrong=_no_other_rule),
    Fact(kind=QUEUE, name="message size", probe=QUEUES, wrong=_takes_long_messages),
    Fact(kind=TOPIC, name="other listeners", probe=SUBSCRIPTIONS, wrong=_nobody_else_listens),
    Fact(kind=SUBSCRIPTION, name="confirmation", probe=SUBSCRIPTIONS, wrong=_is_confirmed),
    Fact(kind=PIPE, name="state", probe=PIPES, wrong=_runs),
)
