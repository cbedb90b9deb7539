"""Runs in DynamoDB: those that wait, the one that works at each, and what each found."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
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

LABEL_RUN = "run"
LOOKED_BACK: Final = timedelta(days=2)
"""What waited for longer was given up long before."""
_PAGE: Final = 50


class RunState(StrEnum):
    """How far a run has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs, newest first by their ids, and what each found.

    Who works at a run holds it until ``lease_until``; a run whose worker died is free again then.
    """

    client: "DynamoDBClient"
    table: str

    def queue_in(self, transaction: Transaction, run: Item) -> None:
        """Add a run (a plain document with ``reconciliation_id``, ``state`` and ``requested_at``), once."""
        transaction.put(LABEL_RUN, self.table, _item(run), condition="attribute_not_exists(pk)")

    def take(self, run: Item, *, now: datetime, lease_until: datetime) -> Item | None:
        """The run as it is worked at; None where somebody else holds it or it is finished."""
        taken = {**run, "state": RunState.RUNNING.value}
        try:
            put_item_if(
                self.client,
                self.table,
                _item(taken, lease_until),
                condition="run_state = :queued OR (run_state = :running AND lease_until < :now)",
                values={
                    ":queued": RunState.QUEUED.value,
                    ":running": RunState.RUNNING.value,
                    ":now": iso(now),
                },
            )
        except ConditionFailed:
            return None
        return taken

    def end_in(self, transaction: Transaction, run: Item, *, lease_until: datetime) -> None:
        """Write a run as it ended or waits again; the transaction fails when the lease went to another."""
        transaction.put(
            LABEL_RUN,
            self.table,
            _item(run),
            condition="run_state = :running AND lease_until = :mine",
            values={":running": RunState.RUNNING.value, ":mine": iso(lease_until)},
        )

    def waiting(self, now: datetime) -> Iterator[Item]:
        """The runs that nobody works at, the oldest first."""
        found: list[Item] = []
        before: str | None = None
        while True:
            items, more = _page(self.client, self.table, "RUNS", _PAGE, before, newest_first=True)
            recent = [item for item in items if now - from_iso(item["run"]["requested_at"]) <= LOOKED_BACK]
            found.extend(item["run"] for item in recent if _is_free(item, now))
            if not more or len(recent) < len(items):
                return iter(found[::-1])
            before = items[-1]["sk"]

    def get(self, run_id: str) -> Item | None:
        """The run, or None."""
        item = get_item(self.client, self.table, {"pk": "RUNS", "sk": run_id})
        return None if item is None else item["run"]

    def page(self, *, limit: int, before: str | None) -> tuple[list[Item], bool]:
        """Runs older than ``before``, and whether there are more."""
        items, more = _page(self.client, self.table, "RUNS", limit, before, newest_first=True)
        return [item["run"] for item in items], more

    def note(self, run_id: str, exception_id: str, found: Item) -> None:
        """Keep what a run found of a matter; a repetition of the run writes the same place."""
        key = {"pk": f"RUN#{run_id}", "sk": exception_id}
        self.client.put_item(TableName=self.table, Item=to_item({**key, "found": found}))

    def found(self, run_id: str, *, limit: int, after: str | None) -> tuple[list[Item], bool]:
        """What a run found, by exception id, and whether there is more."""
        items, more = _page(self.client, self.table, f"RUN#{run_id}", limit, after)
        return [item["found"] for item in items], more


def _item(run: Item, lease_until: datetime | None = None) -> dict[str, object]:
    return {
        "pk": "RUNS",
        "sk": run["reconciliation_id"],
        "run": run,
        "run_state": run["state"],
        "lease_until": None if lease_until is None else iso(lease_until),
    }


def _is_free(item: Item, now: datetime) -> bool:
    if item["run_state"] == RunState.QUEUED:
        return True
    return item["run_state"] == RunState.RUNNING and from_iso(item["lease_until"]) < now


def _page(
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
