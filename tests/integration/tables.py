"""The tables of the contract in the emulator, each test with its own."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING, Any

from runtime.platform.dynamodb import Item, from_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOON_IN_INDIA = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
"""Wednesday 1 April 2026, 12:00 in India: the moment at which tests begin unless they say otherwise."""


@dataclass(frozen=True, slots=True)
class TableShape:
    """The keys of a table: partition, sort, and indexes by name."""

    partition: str
    sort: str | None = None
    indexes: tuple[tuple[str, str, str | None], ...] = ()


TABLE_SHAPES = {
    "payments": TableShape(
        "pk",
        "sk",
        (
            ("by_school", "school_id", "created_key"),
            ("by_payer", "payer_id", "created_key"),
            ("by_open_status", "open_status", "updated_at"),
            ("by_due", "retry_due", "due_at"),
        ),
    ),
    "ledger": TableShape("entry_id", None, (("by_business_date", "business_date", "entry_id"),)),
    "audit": TableShape("day", "audit_id", (("by_subject", "subject", "audit_id"),)),
    "outbox": TableShape("event_id"),
    "idempotency": TableShape("idempotency_key"),
    "webhook_events": TableShape("event_id"),
    "schools": TableShape("school_id"),
    "api_keys": TableShape("key_id"),
    "payment_methods": TableShape("pk", "sk"),
    "payment_rollups": TableShape("pk", "sk"),
    "notifications": TableShape(
        "notification_id", None, (("by_provider_message", "provider_message_id", None),)
    ),
    "reconciliation": TableShape("pk", "sk", (("by_open_exception", "open_exception", "opened_key"),)),
}
"""The tables as stacks/data.py deploys them; test_table_shapes.py holds the two together."""


@dataclass(slots=True)
class Tables:
    """The tables of one test, by the names that the settings give them (``payments``, ``audit``, …)."""

    client: "DynamoDBClient"
    prefix: str
    _made: dict[str, str] = field(default_factory=dict)
    _making: Lock = field(default_factory=Lock)

    def __getitem__(self, name: str) -> str:
        """The physical name of a table, which exists from now on."""
        with self._making:
            if name not in self._made:
                physical = f"{self.prefix}-{name.replace('_', '-')}"
                _create(self.client, physical, TABLE_SHAPES[name])
                self._made[name] = physical
            return self._made[name]

    def make_all(self) -> "Tables":
        """Make every table; gives itself."""
        for name in TABLE_SHAPES:
            _ = self[name]
        return self

    def put(self, name: str, item: Item) -> None:
        """Put a plain item, no questions asked."""
        self.client.put_item(TableName=self[name], Item=to_item(item))

    def items(self, name: str) -> list[Item]:
        """Every item of a table, ordered by its key."""
        shape = TABLE_SHAPES[name]
        found: list[Item] = []
        for page in self.client.get_paginator("scan").paginate(TableName=self[name], ConsistentRead=True):
            found += [from_item(item) for item in page["Items"]]
        return sorted(found, key=lambda item: (item[shape.partition], item.get(shape.sort or "", "")))

    def snapshot(self) -> dict[str, list[Item]]:
        """Everything that is in any table made so far; for comparing before and after."""
        return {name: self.items(name) for name in sorted(self._made)}

    def drop(self) -> None:
        """Delete the tables made so far."""
        for physical in self._made.values():
            self.client.delete_table(TableName=physical)
        self._made.clear()


def _create(client: "DynamoDBClient", physical: str, shape: TableShape) -> None:
    keys = [(shape.partition, shape.sort), *((partition, sort) for _, partition, sort in shape.indexes)]
    names = sorted({name for pair in keys for name in pair if name is not None})
    call: dict[str, Any] = {
        "TableName": physical,
        "KeySchema": _key_schema(shape.partition, shape.sort),
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in names],
        "BillingMode": "PAY_PER_REQUEST",
    }
    if shape.indexes:
        call["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index,
                "KeySchema": _key_schema(partition, sort),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, partition, sort in shape.indexes
        ]
    client.create_table(**call)


def _key_schema(partition: str, sort: str | None) -> list[dict[str, str]]:
    schema = [{"AttributeName": partition, "KeyType": "HASH"}]
    return schema if sort is None else [*schema, {"AttributeName": sort, "KeyType": "RANGE"}]
