"""Tables: what AWS says of their protection, beside what the templates say."""

from __future__ import annotations

from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Line, Probe, Read
from checks.probes.normal import policy
from checks.probes.read import answer, lines_of, physical_id, then
from checks.probes.running import Live

TABLE = "AWS::DynamoDB::Table"

RECOVERY = Probe(
    name="table-recovery",
    title="Every table can be brought back to any second",
    remedy="Switch point-in-time recovery on at once; the seconds without it cannot be brought back.",
    controls=("PCI DSS 10.5.1", "GDPR 32(1)(c)", "SOX OP-2"),
)
WINDOW = Probe(
    name="table-recovery-window",
    title="Tables can be brought back for as many days as the templates say",
    remedy="Deploy again; the window grows anew from today.",
    controls=("SOX OP-2",),
)
TTL = Probe(
    name="table-expiry",
    title="Tables forget what is over, as the templates say, and nothing else",
    remedy="Set TimeToLive as the template says; where it was on by mistake, restore what was deleted.",
    controls=("PCI DSS 3.2.1", "GDPR 5(1)(e)"),
)
ENCRYPTION = Probe(
    name="table-encryption",
    title="Tables are encrypted with the keys of the templates",
    remedy="Deploy again, and find in the trail who changed the key.",
    controls=("PCI DSS 3.5.1", "GDPR 32(1)(a)"),
)
PROTECTION = Probe(
    name="table-protection",
    title="Tables refuse to be deleted where the templates say so",
    remedy="Switch deletion protection on at once, and find in the trail who switched it off.",
    controls=("PCI DSS 10.3.2", "SOX AT-3"),
)
CAPACITY = Probe(
    name="table-capacity",
    title="Tables have keys, indexes, streams and ceilings as the templates say",
    remedy="Deploy again; a missing index or stream stops what reads it.",
    controls=("SOX CM-4",),
)
POLICY = Probe(
    name="table-policy",
    title="The books refuse changes by the policies of the templates",
    remedy="Deploy the tables' policies again at once; look in the trail for changes meanwhile.",
    controls=("PCI DSS 10.3.2", "SOX AT-2"),
)

ID = physical_id


def _described(path: str) -> Read:
    return answer("dynamodb", "describe_table", f"Table.{path}", TableName=ID)


def _backups(path: str) -> Read:
    place = f"ContinuousBackupsDescription.PointInTimeRecoveryDescription.{path}"
    return answer("dynamodb", "describe_continuous_backups", place, TableName=ID)


def _sse(found: Any) -> Any:
    return {
        "SSEEnabled": found.get("Status") in ("ENABLED", "UPDATING"),
        "SSEType": found.get("SSEType"),
        "KMSMasterKeyId": found.get("KMSMasterKeyArn"),
    }


def _ttl(found: Any) -> Any:
    return {
        "Enabled": found.get("TimeToLiveStatus") in ("ENABLED", "ENABLING"),
        "AttributeName": found.get("AttributeName"),
    }


def _indexes(found: Any) -> Any:
    kept = ("IndexName", "KeySchema", "Projection", "OnDemandThroughput")
    return [{name: index[name] for name in kept if name in index} for index in found or ()]


def _arn(live: Live) -> str:
    return f"arn:aws:dynamodb:{live.region}:{live.running.account}:table/{live.physical_id}"


def _is_active(account: Account, live: Live) -> str | None:
    status = _described("TableStatus")(account, live)
    return None if status in ("ACTIVE", "UPDATING") else f"is {status}"


def _copies_nothing(account: Account, live: Live) -> str | None:
    """No template has a table's changes copied into a stream of Kinesis."""
    found = account.ask(
        "dynamodb", "describe_kinesis_streaming_destination", region=live.region, TableName=live.physical_id
    )
    active = [
        item["StreamArn"]
        for item in found.get("KinesisDataStreamDestinations") or ()
        if item.get("DestinationStatus") not in ("DISABLED", "ENABLE_FAILED")
    ]
    return f"copies what changes to {active[0]}" if active else None


LINES = (
    Line(
        kind=TABLE,
        path="PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled",
        probe=RECOVERY,
        read=then(_backups("PointInTimeRecoveryStatus"), lambda status: status == "ENABLED"),
        unsaid=False,
    ),
    Line(
        kind=TABLE,
        path="PointInTimeRecoverySpecification.RecoveryPeriodInDays",
        probe=WINDOW,
        read=_backups("RecoveryPeriodInDays"),
    ),
    Line(
        kind=TABLE,
        path="TimeToLiveSpecification",
        probe=TTL,
        read=then(answer("dynamodb", "describe_time_to_live", "TimeToLiveDescription", TableName=ID), _ttl),
        unsaid={"Enabled": False},
    ),
    Line(
        kind=TABLE, path="SSESpecification", probe=ENCRYPTION, read=then(_described("SSEDescription"), _sse)
    ),
    Line(
        kind=TABLE,
        path="DeletionProtectionEnabled",
        probe=PROTECTION,
        read=_described("DeletionProtectionEnabled"),
        unsaid=False,
    ),
    Line(
        kind=TABLE,
        path="BillingMode",
        probe=CAPACITY,
        read=_described("BillingModeSummary.BillingMode"),
        unsaid="PROVISIONED",
        normal=lambda value: value or "PROVISIONED",
    ),
    *lines_of(
        TABLE,
        CAPACITY,
        _described,
        "TableName",
        "KeySchema",
        "AttributeDefinitions",
        "OnDemandThroughput",
    ),
    Line(
        kind=TABLE,
        path="StreamSpecification.StreamViewType",
        probe=CAPACITY,
        read=_described("StreamSpecification.StreamViewType"),
        unsaid=None,
    ),
    Line(
        kind=TABLE,
        path="GlobalSecondaryIndexes",
        probe=CAPACITY,
        read=then(_described("GlobalSecondaryIndexes"), _indexes),
        normal=lambda value: value or [],
        unsaid=[],
    ),
    Line(
        kind=TABLE,
        path="ResourcePolicy.PolicyDocument",
        probe=POLICY,
        read=answer(
            "dynamodb", "get_resource_policy", "Policy", absent=("PolicyNotFoundException",), ResourceArn=_arn
        ),
        unsaid=None,
        normal=policy,
        exact=True,
    ),
)
FACTS = (
    Fact(kind=TABLE, name="state", probe=CAPACITY, wrong=_is_active),
    Fact(kind=TABLE, name="copies", probe=CAPACITY, wrong=_copies_nothing),
)
