"""The rollups in DynamoDB: rows of counters by month, and per payment a mark of what was counted.

A partition is a scope, a month and a shard, so that a report of ninety days is a handful of queries. Every
event touches the platform's rows: these are spread over shards by payment, because two transactions that
touch one item at one time cancel each other, and one item takes no more than some hundred writes a second.
"""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from runtime.payments.analytics.model import PLATFORM, Addition, Dimension, Mark, RowKey, Stage
from runtime.platform.clock import Clock
from runtime.platform.dynamodb import Transaction, from_item, get_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PLATFORM_SHARDS = 8
"""More can be added at any time: readers ask for all, and old rows stay where they are."""

SCHOOL_SHARDS = 1

MARKS_KEPT_FOR = timedelta(days=400)
"""An event can be told again from the bus's archive for ninety days; a payment is paid within a year."""

MARK_LABEL = "mark"


@dataclass(frozen=True, slots=True)
class RollupTable:
    """Reads and adds to rows."""

    client: "DynamoDBClient"
    table: str
    clock: Clock

    def mark(self, payment_id: str) -> Mark:
        """What was counted of a payment."""
        item = get_item(self.client, self.table, _mark_key(payment_id))
        if item is None:
            return Mark(payment_id)
        reached = item.get("reached")
        return Mark(payment_id, tuple(item["applied"]), Stage(reached) if reached else None, item["revision"])

    def add(self, mark: Mark, event_id: str, added: Addition) -> None:
        """Add to the rows and mark the event as counted, in one transaction.

        Raises ConditionFailed where the mark was changed after it was read, and Problem ``concurrent-change``
        where other transactions kept touching the same rows; nothing is added then.
        """
        transaction = Transaction(self.client)
        transaction.put(
            MARK_LABEL,
            self.table,
            {
                **_mark_key(mark.payment_id),
                "applied": [*mark.applied, event_id],
                "reached": added.reached.value if added.reached else None,
                "revision": mark.revision + 1,
                "expires_at": int((self.clock.now() + MARKS_KEPT_FOR).timestamp()),
            },
            condition="attribute_not_exists(pk) OR revision = :read",
            values={":read": mark.revision},
        )
        for key, counters in added.rows.items():
            columns = list(counters.items())
            transaction.update(
                f"row:{key.dimension}",
                self.table,
                {
                    "pk": _partition(key.scope, key.day[:7], _shard(key.scope, mark.payment_id)),
                    "sk": _sort(key),
                },
                expression="ADD " + ", ".join(f"#c{n} :c{n}" for n in range(len(columns))),
                condition=None,
                values={f":c{n}": amount for n, (_, amount) in enumerate(columns)},
                names={f"#c{n}": name for n, (name, _) in enumerate(columns)},
            )
        transaction.commit()

    def rows(
        self, scope: str, dimension: Dimension, first_day: date, last_day: date
    ) -> dict[RowKey, dict[str, int]]:
        """The rows of a dimension from ``first_day`` to ``last_day``, both included, shards added up."""
        found: dict[RowKey, Counter[str]] = {}
        for month in _months(first_day, last_day):
            for shard in range(_shards(scope)):
                for item in self._query(_partition(scope, month, shard), dimension, first_day, last_day):
                    _, day, value = item.pop("sk").split("#", 2)
                    del item["pk"]
                    found.setdefault(RowKey(scope, dimension, day, value), Counter()).update(item)
        return {key: dict(counters) for key, counters in found.items()}

    def _query(
        self, partition: str, dimension: Dimension, first_day: date, last_day: date
    ) -> Iterator[dict[str, Any]]:
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            KeyConditionExpression="pk = :pk AND sk BETWEEN :first AND :last",
            ExpressionAttributeValues=to_item(
                {
                    ":pk": partition,
                    ":first": f"{dimension}#{first_day.isoformat()}#",
                    ":last": f"{dimension}#{last_day.isoformat()}$",  # "$" comes right after "#"
                }
            ),
        )
        for page in pages:
            for item in page["Items"]:
                yield from_item(item)


def _mark_key(payment_id: str) -> dict[str, str]:
    return {"pk": f"payment#{payment_id}", "sk": "counted"}


def _partition(scope: str, month: str, shard: int) -> str:
    return f"{scope}#{month}#{shard}"


def _sort(key: RowKey) -> str:
    return f"{key.dimension}#{key.day}#{key.value}"


def _shards(scope: str) -> int:
    return PLATFORM_SHARDS if scope == PLATFORM else SCHOOL_SHARDS


def _shard(scope: str, payment_id: str) -> int:
    return zlib.crc32(payment_id.encode()) % _shards(scope)


def _months(first_day: date, last_day: date) -> Iterator[str]:
    day = first_day.replace(day=1)
    while day <= last_day:
        yield day.isoformat()[:7]
        day = (day + timedelta(days=32)).replace(day=1)
