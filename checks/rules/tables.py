"""Tables: encrypted, recoverable, protected, kept as long as the law asks and no longer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from checks.rules.estate import Estate, Resource
from checks.rules.permissions import granted, roles_of
from checks.rules.policies import Statement, statements, statements_of
from checks.rules.rule import DEPLOYED, PROD, Breach, at, rule

TABLE = "AWS::DynamoDB::Table"

EXPIRING = {
    "hasivu-{env}-outbox": "expires_at",
    "hasivu-{env}-idempotency": "expires_at",
    "payment-webhook-idempotency-{env}": "expires_at",
    "hasivu-{env}-notifications": "expires_at",
    "hasivu-{env}-payment-methods": "expires_at",  # only tokens that turn out to be nobody's have it
    "hasivu-{env}-payment-rollups": "expires_at",
}
"""Tables of what loses its use: the attribute that says when."""

LASTING = frozenset(
    {
        "hasivu-{env}-payments",
        "hasivu-{env}-ledger",
        "hasivu-{env}-audit",
        "hasivu-{env}-schools",
        "hasivu-{env}-api-keys",
        "hasivu-{env}-reconciliation",
    }
)
"""Tables of books and of master data: nothing in them ends by itself."""

APPEND_ONLY = frozenset({"hasivu-{env}-ledger", "hasivu-{env}-audit", "hasivu-{env}-outbox"})

CHANGING = tuple(
    f"dynamodb:{action}"
    for action in (
        "UpdateItem",
        "DeleteItem",
        "BatchWriteItem",
        "PartiQLInsert",
        "PartiQLUpdate",
        "PartiQLDelete",
    )
)

STREAMS = {"hasivu-{env}-outbox": "NEW_IMAGE"}
RECOVERY_DAYS = 35


def tables(estate: Estate) -> Iterator[tuple[Resource, str]]:
    """Each table with its name, the environment written ``{env}``."""
    for table in estate.of(TABLE):
        yield table, general_name(estate, table.get("TableName"))


def general_name(estate: Estate, name: object) -> str:
    """``hasivu-prod-ledger`` as ``hasivu-{env}-ledger``."""
    words = str(name).split("-")
    return "-".join("{env}" if word == estate.environment else word for word in words)


@rule(
    "HASIVU-DDB-1",
    "PCI DSS 3.5.1.2",
    "GDPR 32(1)(a)",
    remedy="Encrypt the table with a customer-managed key of the estate (SSEType KMS, KMSMasterKeyId).",
)
def tables_are_encrypted_with_our_key(estate: Estate) -> Iterator[Breach]:
    """A table is encrypted with a key of the estate."""
    for table in estate.of(TABLE):
        if table.get("SSESpecification.SSEEnabled") is not True:
            yield at(table, "SSESpecification.SSEEnabled")
        elif table.get("SSESpecification.SSEType") != "KMS" or not estate.ours(
            table, "SSESpecification.KMSMasterKeyId", "AWS::KMS::Key"
        ):
            yield at(table, "SSESpecification.KMSMasterKeyId")


@rule(
    "HASIVU-DDB-2",
    "GDPR 32(1)(c)",
    "SOX OP-2",
    environments=DEPLOYED,
    remedy=f"Switch point-in-time recovery on, for {RECOVERY_DAYS} days.",
)
def tables_can_be_taken_back_in_time(estate: Estate) -> Iterator[Breach]:
    """A table can be restored to any second of the last 35 days."""
    for table in estate.of(TABLE):
        if table.get("PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled") is not True:
            yield at(table, "PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled")
        elif table.get("PointInTimeRecoverySpecification.RecoveryPeriodInDays") != RECOVERY_DAYS:
            yield at(table, "PointInTimeRecoverySpecification.RecoveryPeriodInDays")


@rule(
    "HASIVU-DDB-3",
    "SOX OP-2",
    "SOX AT-3",
    environments=DEPLOYED,
    remedy="Set DeletionProtectionEnabled to true.",
)
def tables_refuse_to_be_deleted(estate: Estate) -> Iterator[Breach]:
    """A table refuses to be deleted."""
    for table in estate.of(TABLE):
        if table.get("DeletionProtectionEnabled") is not True:
            yield at(table, "DeletionProtectionEnabled")


@rule(
    "HASIVU-DDB-4",
    "PCI DSS 3.2.1",
    "GDPR 5(1)(e)",
    remedy="Switch TTL on for the attribute that the runtime writes (expires_at).",
)
def what_loses_its_use_expires(estate: Estate) -> Iterator[Breach]:
    """A table of what loses its use expires it by TTL, on the attribute that the runtime writes."""
    for table, name in tables(estate):
        if name not in EXPIRING:
            continue
        if table.get("TimeToLiveSpecification.Enabled") is not True:
            yield at(table, "TimeToLiveSpecification.Enabled")
        elif table.get("TimeToLiveSpecification.AttributeName") != EXPIRING[name]:
            yield at(table, "TimeToLiveSpecification.AttributeName")


@rule(
    "HASIVU-DDB-5",
    "SOX AT-3",
    "PCI DSS 10.5.1",
    remedy="Take the TTL away: books and master data end by decision, not by clock.",
)
def books_do_not_expire(estate: Estate) -> Iterator[Breach]:
    """A table of books or master data has no TTL."""
    for table, name in tables(estate):
        if name not in EXPIRING and table.get("TimeToLiveSpecification.Enabled"):
            yield at(table, "TimeToLiveSpecification")


@rule(
    "HASIVU-DDB-6",
    "GDPR 5(1)(e)",
    "GDPR 30",
    remedy="Add the table to EXPIRING or LASTING in checks/rules/tables.py, and so decide how long it keeps.",
)
def every_tables_retention_is_decided(estate: Estate) -> Iterator[Breach]:
    """Every table is known by name, with the decision whether its items expire."""
    for table, name in tables(estate):
        if name not in EXPIRING and name not in LASTING:
            yield at(table, "TableName")


@rule(
    "HASIVU-DDB-7",
    "PCI DSS 10.3.2",
    "SOX AT-2",
    remedy="Deny every principal every changing action on the table, in its own policy, without a condition.",
)
def books_can_only_be_added_to(estate: Estate) -> Iterator[Breach]:
    """The ledger, the audit trail and the outbox deny everyone to change or remove what they hold."""
    for table, name in tables(estate):
        if name not in APPEND_ONLY:
            continue
        denials = [
            statement
            for statement in statements_of(estate, table)
            if statement.denies
            and "AWS:*" in statement.principals
            and not statement.conditions
            and any(_is_the_table(estate, table, text) for text in statement.resources)
        ]
        for action in CHANGING:
            if not any(statement.covers(action) for statement in denials):
                yield at(table, "ResourcePolicy", shown=f"{action} is not denied")


def _is_the_table(estate: Estate, table: Resource, text: str) -> bool:
    return text == "*" or text.endswith(f"/{table.get('TableName')}") or estate.target(text, "") == table


@rule(
    "HASIVU-DDB-8",
    "PCI DSS 10.3.2",
    "SOX AT-2",
    remedy="Take the action away; what was wrong is corrected by a new entry.",
)
def no_role_may_change_the_books(estate: Estate) -> Iterator[Breach]:
    """No role is allowed to change or remove an item of an append-only table."""
    books = {table for table, name in tables(estate) if name in APPEND_ONLY}
    for statement in granted(estate):
        touched = {
            target for text in statement.resources for target in estate.targets(text, statement.carrier.stack)
        }
        for action in CHANGING:
            if books & touched and statement.covers(action):
                yield statement.breach(f"allows {action}")


@rule(
    "HASIVU-DDB-14",
    "PCI DSS 10.3.2",
    "SOX AT-2",
    remedy="Deny the role every changing action on the table beside what it may, without a condition.",
)
def roles_are_denied_to_change_the_books(estate: Estate) -> Iterator[Breach]:
    """Whoever may do anything on an append-only table is denied to change it by its own policy as well."""
    books = {table for table, name in tables(estate) if name in APPEND_ONLY}
    denied: dict[tuple[Resource, Resource], list[Statement]] = {}
    for statement in statements(estate, "identity"):
        if statement.denies and not statement.conditions:
            for role, table in _on(estate, statement, books, whole=True):
                denied.setdefault((role, table), []).append(statement)
    for statement in granted(estate):
        for role, table in sorted(_on(estate, statement, books), key=lambda pair: pair[1].name):
            denials = denied.get((role, table), [])
            if not all(any(denial.covers(action) for denial in denials) for action in CHANGING):
                yield statement.breach(f"may change {table.name} once its own policy is gone")


def _on(
    estate: Estate, statement: Statement, books: set[Resource], *, whole: bool = False
) -> set[tuple[Resource, Resource]]:
    """Each role of ``statement`` with each of ``books`` that it is on; ``whole``: not on its index alone."""
    return {
        (role, table)
        for text in statement.resources
        for table in estate.targets(text, statement.carrier.stack)
        if table in books and not text.endswith(".StreamArn>")  # who reads the stream reaches no item
        if (not whole or text == f"<{table.stack}.{table.logical_id}.Arn>")
        if any(action.startswith("dynamodb:") for action in statement.actions)
        for role in roles_of(estate, statement)
    }


@rule(
    "HASIVU-DDB-9",
    "RBI 2018-04-06",
    "GDPR 44-49",
    remedy="Use AWS::DynamoDB::Table; the scanners do not see global tables, and replicas leave the country.",
)
def tables_are_not_global(estate: Estate) -> Iterator[Breach]:
    """No table is a global table."""
    for table in estate.of("AWS::DynamoDB::GlobalTable"):
        yield at(table, "", shown=table.kind)


@rule(
    "HASIVU-DDB-11",
    "PCI DSS 10.3.3",
    remedy="Give the outbox a stream of new images: without it no event leaves the platform.",
)
def the_outbox_has_its_stream(estate: Estate) -> Iterator[Breach]:
    """The outbox streams new images; no other table copies its items anywhere."""
    for table, name in tables(estate):
        if table.get("StreamSpecification.StreamViewType") != STREAMS.get(name):
            yield at(table, "StreamSpecification.StreamViewType")
        if table.get("KinesisStreamSpecification") is not None:
            yield at(table, "KinesisStreamSpecification")


@rule(
    "HASIVU-DDB-12",
    "GDPR 32(1)(c)",
    "SOX OP-2",
    environments=PROD,
    remedy="Project every attribute, so that a list shows what an item holds.",
)
def indexes_carry_what_their_queries_show(estate: Estate) -> Iterator[Breach]:
    """An index projects every attribute."""
    for table in estate.of(TABLE):
        for index, item in enumerate(table.items("GlobalSecondaryIndexes")):
            if item.get("Projection", {}).get("ProjectionType") != "ALL":
                yield at(table, f"GlobalSecondaryIndexes.{index}.Projection")


@rule(
    "HASIVU-DDB-13",
    "SOX CM-3",
    "GDPR 32(1)(c)",
    remedy="Give the table and each index a partition key, at most one sort key, and define just these.",
)
def keys_are_whole(estate: Estate) -> Iterator[Breach]:
    """A table and its indexes are keyed by attributes that are defined, and no others are."""
    for table in estate.of(TABLE):
        defined = {item.get("AttributeName") for item in table.items("AttributeDefinitions")}
        used = set()
        indexes = [
            f"GlobalSecondaryIndexes.{n}." for n, _ in enumerate(table.items("GlobalSecondaryIndexes"))
        ]
        for base in ("", *indexes):
            schema = table.items(f"{base}KeySchema")
            names = {item.get("AttributeName") for item in schema}
            if [item.get("KeyType") for item in schema] not in KEY_SHAPES or len(names) != len(schema):
                yield at(table, f"{base}KeySchema")
            if base and not re.fullmatch(r"by_[a-z_]+", str(table.get(f"{base}IndexName"))):
                yield at(table, f"{base}IndexName")
            used |= names
        if used != defined:
            yield at(table, "AttributeDefinitions", shown=f"{defined ^ used}")
        for index, item in enumerate(table.items("AttributeDefinitions")):
            if item.get("AttributeType") not in {"S", "N", "B"}:
                yield at(table, f"AttributeDefinitions.{index}.AttributeType")


KEY_SHAPES = (["HASH"], ["HASH", "RANGE"])


KEYS: Final[Mapping[str, tuple[tuple[str, ...], Mapping[str, tuple[str, ...]]]]] = {
    "hasivu-{env}-payments": (
        ("pk", "sk"),
        {
            "by_school": ("school_id", "created_key"),
            "by_payer": ("payer_id", "created_key"),
            "by_open_status": ("open_status", "updated_at"),
            "by_due": ("retry_due", "due_at"),
        },
    ),
    "hasivu-{env}-ledger": (("entry_id",), {"by_business_date": ("business_date", "entry_id")}),
    "hasivu-{env}-audit": (("day", "audit_id"), {"by_subject": ("subject", "audit_id")}),
    "hasivu-{env}-outbox": (("event_id",), {}),
    "hasivu-{env}-idempotency": (("idempotency_key",), {}),
    "payment-webhook-idempotency-{env}": (("event_id",), {}),
    "hasivu-{env}-schools": (("school_id",), {}),
    "hasivu-{env}-api-keys": (("key_id",), {}),
    "hasivu-{env}-payment-methods": (("pk", "sk"), {}),
    "hasivu-{env}-payment-rollups": (("pk", "sk"), {}),
    "hasivu-{env}-notifications": (
        ("notification_id",),
        {"by_provider_message": ("provider_message_id",)},
    ),
    "hasivu-{env}-reconciliation": (("pk", "sk"), {"by_open_exception": ("open_exception", "opened_key")}),
}
"""By what items are found: the table's keys, and those of the indexes that the runtime asks."""


@rule(
    "HASIVU-DDB-15",
    "SOX CM-3",
    "SOX OP-2",
    remedy="Key it as KEYS of checks/rules/tables.py says: another key replaces the table with all it holds.",
)
def tables_are_keyed_as_decided(estate: Estate) -> Iterator[Breach]:
    """A table and the indexes that the runtime asks have the keys that were decided, in their order."""
    for table, name in tables(estate):
        if name not in KEYS:
            continue  # HASIVU-DDB-6 names tables that nobody knows
        keys, indexes = KEYS[name]
        if _keys_of(table.items("KeySchema")) != keys:
            yield at(table, "KeySchema")
        found = {
            str(item.get("IndexName")): _keys_of(item.get("KeySchema") or [])
            for item in table.items("GlobalSecondaryIndexes")
        }
        for index, decided in indexes.items():
            if found.get(index) != decided:
                yield at(table, "GlobalSecondaryIndexes", shown=f"{index} is not by {', '.join(decided)}")


def _keys_of(schema: list[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(item.get("AttributeName")) for item in schema)
