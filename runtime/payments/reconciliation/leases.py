"""Work that waits in DynamoDB, and the one process that works at each piece of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from runtime.platform.clock import from_iso, iso
from runtime.platform.dynamodb import (
    ConditionFailed,
    Item,
    Transaction,
    from_item,
    get_item,
    put_item_if,
    to_item,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LEASE_MARGIN_S: Final = 1
LOOKED_BACK: Final = timedelta(days=2)
"""What waited for longer was given up long before."""
_PAGE: Final = 50


@dataclass(frozen=True, slots=True)
class LeasedWork:
    """Pieces of work of one ``partition``, newest first by their ids.

    A piece is a plain document with an id (``id_name``, a ULID), a ``state`` and ``requested_at``. In the
    state ``waits`` nobody works at it; in ``works`` somebody does, and holds it until ``lease_until``: if its
    worker died it is free again then. Every other state is an end.
    """

    client: "DynamoDBClient"
    table: str
    partition: str
    id_name: str
    waits: str
    works: str

    def add_in(self, transaction: Transaction, work: Item) -> None:
        """Add a piece, once."""
        transaction.put(self.partition, self.table, self._item(work), condition="attribute_not_exists(pk)")

    def take(self, work: Item, *, now: datetime, lease_until: datetime) -> Item | None:
        """The piece as it is worked at; None where somebody else holds it or it has ended."""
        taken = {**work, "state": self.works}
        try:
            put_item_if(
                self.client,
                self.table,
                self._item(taken, lease_until),
                condition="work_state = :waits OR (work_state = :works AND lease_until < :now)",
                values={":waits": self.waits, ":works": self.works, ":now": iso(now)},
            )
        except ConditionFailed:
            return None
        return taken

    def end_in(self, transaction: Transaction, work: Item, *, lease_until: datetime) -> None:
        """Write a piece as it ended or waits again; the transaction fails when the lease went to another."""
        transaction.put(
            self.partition,
            self.table,
            self._item(work),
            condition="work_state = :works AND lease_until = :mine",
            values={":works": self.works, ":mine": iso(lease_until)},
        )

    def waiting(self, now: datetime) -> Iterator[Item]:
        """The pieces that nobody works at, the oldest first."""
        return iter([item["work"] for item in self._recent(now) if self._is_free(item, now)])

    def unended(self, now: datetime) -> int:
        """How many wait or are worked at."""
        return sum(item["work_state"] in (self.waits, self.works) for item in self._recent(now))

    def get(self, work_id: str) -> Item | None:
        """The piece, or None."""
        item = get_item(self.client, self.table, {"pk": self.partition, "sk": work_id})
        return None if item is None else item["work"]

    def page(self, *, limit: int, before: str | None) -> tuple[list[Item], bool]:
        """Pieces older than ``before``, and whether there are more."""
        items, more = page_of(self.client, self.table, self.partition, limit, before, newest_first=True)
        return [item["work"] for item in items], more

    def _recent(self, now: datetime) -> list[Item]:
        found: list[Item] = []
        before: str | None = None
        while True:
            items, more = page_of(self.client, self.table, self.partition, _PAGE, before, newest_first=True)
            recent = [item for item in items if now - from_iso(item["work"]["requested_at"]) <= LOOKED_BACK]
            found.extend(recent)
            if not more or len(recent) < len(items):
                return found[::-1]
            before = items[-1]["sk"]

    def _is_free(self, item: Item, now: datetime) -> bool:
        if item["work_state"] == self.waits:
            return True
        return bool(item["work_state"] == self.works and from_iso(item["lease_until"]) < now)

    def _item(self, work: Item, lease_until: datetime | None = None) -> dict[str, object]:
        return {
            "pk": self.partition,
            "sk": work[self.id_name],
            "work": work,
            "work_state": work["state"],
            "lease_until": None if lease_until is None else iso(lease_until),
        }


def page_of(
    client: "DynamoDBClient",
    table: str,
    partition: str,
    limit: int,
    beyond: str | None,
    *,
    newest_first: bool = False,
) -> tuple[list[Item], bool]:
    """Items of a partition beyond a sort key, and whether there are more."""
    call: dict[str, Any] = {
        "TableName": table,
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": to_item({":pk": partition}),
        "ScanIndexForward": not newest_first,
        "Limit": limit,
    }
    if beyond is not None:
        call["KeyConditionExpression"] += f" AND sk {'<' if newest_first else '>'} :beyond"
        call["ExpressionAttributeValues"] |= to_item({":beyond": beyond})
    response = client.query(**call)
    return [from_item(item) for item in response["Items"]], "LastEvaluatedKey" in response
