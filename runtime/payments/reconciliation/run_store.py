"""Runs in DynamoDB, and what each found."""

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from runtime.payments.reconciliation.leases import LeasedWork, page_of
from runtime.platform.dynamodb import Item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class RunState(StrEnum):
    """How far a run has come."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs as the work that they are, and what each found."""

    client: "DynamoDBClient"
    table: str

    @property
    def work(self) -> LeasedWork:
        """The runs: those that wait, and the one that works at each."""
        return LeasedWork(
            client=self.client,
            table=self.table,
            partition="RUNS",
            id_name="reconciliation_id",
            waits=RunState.QUEUED,
            works=RunState.RUNNING,
        )

    def note(self, run_id: str, exception_id: str, found: Item) -> None:
        """Keep what a run found of a matter; a repetition of the run writes the same place."""
        key = {"pk": f"RUN#{run_id}", "sk": exception_id}
        self.client.put_item(TableName=self.table, Item=to_item({**key, "found": found}))

    def found(self, run_id: str, *, limit: int, after: str | None) -> tuple[list[Item], bool]:
        """What a run found, by exception id, and whether there is more."""
        items, more = page_of(self.client, self.table, f"RUN#{run_id}", limit, after)
        return [item["found"] for item in items], more
