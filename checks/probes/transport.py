"""Plain HTTP is refused: the one statement that the emulator cannot take has a probe of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Probe
from checks.probes.normal import differences, policy
from checks.probes.running import Live

PLAIN_HTTP = Probe(
    name="plain-http",
    title="Buckets, queues and topics refuse what comes without encryption, as the templates say",
    remedy="Deploy the policy again, and find in the trail who changed it.",
    controls=("PCI DSS 4.2.1", "PCI DSS 2.2.7", "GDPR 32(1)(a)"),
)

BUCKET_POLICY, QUEUE_POLICY, TOPIC_POLICY = (
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::SNS::TopicPolicy",
)
CONDITION = {"Bool": {"aws:SecureTransport": "false"}}


def refuses_plain_http(statement: Mapping[str, Any]) -> bool:
    """Whether a statement of a template denies what comes without encryption."""
    return statement.get("Effect") == "Deny" and statement.get("Condition") == CONDITION


def statements(live: Live) -> list[Any]:
    """Those statements of the policy in the approved template."""
    found = live.resource.get("PolicyDocument.Statement") or []
    return [item for item in found if refuses_plain_http(item)]


def _running_policy(account: Account, live: Live) -> Any:
    if live.resource.kind == BUCKET_POLICY:
        answered = account.ask(
            "s3",
            "get_bucket_policy",
            region=live.region,
            absent=("NoSuchBucketPolicy",),
            Bucket=live.expected("Bucket"),
        )
        return None if answered is None else answered["Policy"]
    if live.resource.kind == QUEUE_POLICY:
        (url,) = live.expected("Queues")
        answered = account.ask(
            "sqs", "get_queue_attributes", region=live.region, QueueUrl=url, AttributeNames=["All"]
        )
    else:
        (topic,) = live.expected("Topics")
        answered = account.ask("sns", "get_topic_attributes", region=live.region, TopicArn=topic)
    return answered["Attributes"].get("Policy")


def _is_refused(account: Account, live: Live) -> str | None:
    running = policy(_running_policy(account, live)) or []
    for wanted in policy({"Statement": live.resolved(statements(live))}):
        if all(any(differences(wanted, item, exact=True)) for item in running):
            return "takes what comes without encryption"
    return None


FACTS = tuple(
    Fact(
        kind=kind,
        name="refusal of plain HTTP",
        probe=PLAIN_HTTP,
        wrong=_is_refused,
        where=lambda live: bool(statements(live)),
    )
    for kind in (BUCKET_POLICY, QUEUE_POLICY, TOPIC_POLICY)
)
