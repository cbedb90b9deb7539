"""Deliveries: a service that brings something is let in, by the policy and by the key of where it brings it.

Whoever is refused here loses alarms, events, dead letters or logs without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checks.rules.estate import Estate, Resource
from checks.rules.policies import Statement, statements_of, statements_on
from checks.rules.rule import DEPLOYED, Breach, at, rule
from checks.rules.storage import BUCKET, purpose

TOPIC, QUEUE, RULE = "AWS::SNS::Topic", "AWS::SQS::Queue", "AWS::Events::Rule"
CLOUDWATCH, EVENTS, SNS = "cloudwatch.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"
S3_LOGS = "logging.s3.amazonaws.com"
LOGS = frozenset(f"logs.{region}.amazonaws.com" for region in ("ap-south-1", "ap-south-2"))

CARRIERS = {
    TOPIC: ("AWS::SNS::TopicPolicy", "sns:Publish", "KmsMasterKeyId"),
    QUEUE: ("AWS::SQS::QueuePolicy", "sqs:SendMessage", "KmsMasterKeyId"),
}
"""Of each place: the policy that lets in, the action that is let in, and the property of its key."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """``service`` brings what ``source`` gives (anything of the account: None) to ``place``."""

    service: str
    source: Resource | None
    place: Resource


def deliveries(estate: Estate) -> Iterator[Delivery]:
    """Every delivery by a service of AWS that needs to be let in."""
    for topic in estate.of(TOPIC):
        if "-alarms-" in str(topic.get("TopicName")):
            yield Delivery(CLOUDWATCH, None, topic)
    for item in estate.of("AWS::SNS::Subscription"):
        source = estate.target(item.get("TopicArn"), item.stack)
        for path in ("Endpoint", "RedrivePolicy.deadLetterTargetArn"):
            place = estate.target(item.get(path), item.stack)
            if place is not None and place.kind == QUEUE:
                yield Delivery(SNS, source, place)
    for item in estate.of(RULE):
        for target in item.items("Targets"):
            place = estate.target((target.get("DeadLetterConfig") or {}).get("Arn"), item.stack)
            if place is not None and place.kind == QUEUE:
                yield Delivery(EVENTS, item, place)
            place = estate.target(target.get("Arn"), item.stack)
            if place is not None and place.kind == QUEUE and target.get("RoleArn") is None:
                yield Delivery(EVENTS, item, place)


@rule(
    "HASIVU-DLV-1",
    "SOX OP-4",
    "PCI DSS 10.7.2",
    environments=DEPLOYED,
    remedy="Allow the service the action in the place's policy, for this source.",
)
def whoever_delivers_is_let_in(estate: Estate) -> Iterator[Breach]:
    """What a service delivers to a topic or queue is let in by its policy."""
    for item in deliveries(estate):
        carrier, action, _ = CARRIERS[item.place.kind]
        said = statements_on(estate, item.place, carrier)
        if not any(_lets_in(estate, statement, item, action) for statement in said):
            yield at(item.place, "policy", shown=f"{item.service} is not let in for {_name(item.source)}")


@rule(
    "HASIVU-DLV-2",
    "SOX OP-4",
    "PCI DSS 3.6.1",
    environments=DEPLOYED,
    remedy="Allow the service kms:GenerateDataKey and kms:Decrypt in the key's policy, for this source.",
)
def whoever_delivers_may_encrypt(estate: Estate) -> Iterator[Breach]:
    """What a service delivers to an encrypted topic, queue, bus or log group it may encrypt."""
    for item in deliveries(estate):
        key = estate.target(item.place.get(CARRIERS[item.place.kind][2]), item.place.stack)
        if key is not None and not _may_encrypt(estate, key, item):
            yield at(item.place, "KmsMasterKeyId", shown=f"{item.service} may not use it")
    for bus in estate.of("AWS::Events::EventBus", "AWS::Events::Archive"):
        key = estate.target(bus.get("KmsKeyIdentifier"), bus.stack)
        if key is not None and not _may_encrypt(estate, key, Delivery(EVENTS, None, bus)):
            yield at(bus, "KmsKeyIdentifier", shown=f"{EVENTS} may not use it")
        if key is not None and not _may_look_at(estate, key):
            yield at(bus, "KmsKeyIdentifier", shown=f"{EVENTS} may not look at it")
    for group in estate.of("AWS::Logs::LogGroup"):
        key = estate.target(group.get("KmsKeyId"), group.stack)
        if key is not None and not any(
            _may_encrypt(estate, key, Delivery(service, None, group)) for service in LOGS
        ):
            yield at(group, "KmsKeyId", shown="CloudWatch Logs may not use it")


def _may_encrypt(estate: Estate, key: Resource, item: Delivery) -> bool:
    said = list(statements_of(estate, key))
    return all(
        any(_lets_in(estate, statement, item, action) for statement in said)
        for action in ("kms:GenerateDataKey", "kms:Decrypt")
    )


def _may_look_at(estate: Estate, key: Resource) -> bool:
    """Whether EventBridge may describe ``key``, as it does before there is anything to encrypt."""
    return any(
        statement.allows
        and f"Service:{EVENTS}" in statement.principals
        and statement.covers("kms:DescribeKey")
        and not _is_under_a_context(statement)
        for statement in statements_of(estate, key)
    )


def _is_under_a_context(statement: Statement) -> bool:
    """Whether a statement is about one encrypted thing: a bus, or a log group."""
    return any(
        name.lower().startswith("kms:encryptioncontext")
        for tests in statement.conditions.values()
        for name in tests
    )


def _lets_in(estate: Estate, statement: Statement, item: Delivery, action: str) -> bool:
    if not (
        statement.allows and f"Service:{item.service}" in statement.principals and statement.covers(action)
    ):
        return False
    if item.place.kind in CARRIERS and _is_under_a_context(statement):
        return False
    sources = [
        text
        for operator, tests in statement.conditions.items()
        for name, asked in tests.items()
        if name.lower() == "aws:sourcearn" and not operator.startswith("StringNot")
        for text in estate.texts(asked, statement.carrier.stack)
    ]
    return item.source is None or not sources or any(_is_of(estate, text, item.source) for text in sources)


def _is_of(estate: Estate, text: str, source: Resource) -> bool:
    """Whether an ARN is that of ``source``: by reference, or by its name."""
    name = str(source.get("Name") or source.get("TopicName") or source.get("BucketName"))
    return source in estate.targets(text, source.stack) or text.endswith((f"/{name}", f":{name}"))


def _name(source: Resource | None) -> str:
    return "this account" if source is None else source.name


@rule(
    "HASIVU-S3-14",
    "PCI DSS 10.2.1",
    "PCI DSS 10.7.2",
    environments=DEPLOYED,
    remedy="Let logging.s3.amazonaws.com put objects under the bucket's own prefix, for this bucket.",
)
def access_logs_arrive(estate: Estate) -> Iterator[Breach]:
    """The bucket of access logs takes what S3 writes about each bucket, under a prefix of its own."""
    taken: dict[str, Resource] = {}
    for bucket in estate.of(BUCKET):
        place = estate.target(bucket.get("LoggingConfiguration.DestinationBucketName"), bucket.stack)
        prefix = str(bucket.get("LoggingConfiguration.LogFilePrefix") or "")
        if place is None or purpose(estate, bucket) == "access-logs":
            continue  # S3-10 names it
        if not prefix.endswith("/") or taken.setdefault(prefix, bucket) != bucket:
            yield at(bucket, "LoggingConfiguration.LogFilePrefix")
        said = statements_on(estate, place, "AWS::S3::BucketPolicy")
        if not any(
            _lets_in(estate, statement, Delivery(S3_LOGS, bucket, place), "s3:PutObject")
            and any(text.endswith((f"/{prefix}*", f".Arn>/{prefix}*")) for text in statement.resources)
            for statement in said
        ):
            yield at(bucket, "LoggingConfiguration", shown="S3 may not write it there")
