"""The history of payments as Parquet: made of the lines by Athena itself, a day at a time.

A day's Parquet is always made of all of its lines, never of the Parquet before, and always in a place of its
own; only when it is whole does the catalogue's partition of the day lead there. So a reader sees the old or
the new, and whatever dies, comes twice or is late on the way has written where nobody reads.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from runtime.payments.analytics.history import PREFIX
from runtime.payments.analytics.news import PaymentFact

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import TagTypeDef

COMPACTED_PREFIX = "compacted"
"""Where in the analytics bucket the Parquet is; its parts are ``dt=2026-04-01/{run}-{attempt}/``."""

LINES, RECENT, COMPACTED = "payment_events", "payment_events_recent", "payment_events_compacted"
"""The tables of the catalogue: all lines, the lines that came since, and the Parquet."""

ARRIVED_RANGE = "projection.arrived.range"
UP_TO_NOW = "NOW+1DAYS"
"""NOW is in UTC, and India is a day ahead from half past six in the evening."""

SUPERSEDED: "TagTypeDef" = {"Key": "superseded", "Value": "true"}
"""The tag by which the bucket's lifecycle knows what the catalogue leads to no longer."""

EARLY_DAYS = 1
"""A day's events arrive on it or later; clocks that differ around midnight may make it the day before."""

_TABLE_INPUT = (
    *("Name", "Description", "StorageDescriptor", "PartitionKeys"),
    *("TableType", "Parameters"),
)


class QueryState(StrEnum):
    """How far a query is."""

    OPEN = "open"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ParquetHistory:
    """The lines, the Parquet and the catalogue of one environment; ``workgroup`` bounds what is read."""

    athena: "AthenaClient"
    glue: "GlueClient"
    s3: "S3Client"
    bucket: str
    database: str
    workgroup: str

    def arrivals(self) -> list[date]:
        """The days in India on which lines arrived."""
        return sorted(self._days_below(f"{PREFIX}/", "arrived="))

    def days_of(self, arrival: date) -> list[date]:
        """The days of the events that arrived on ``arrival``."""
        return sorted(self._days_below(f"{PREFIX}/arrived={arrival.isoformat()}/", "dt="))

    def location(self, day: date, name: str) -> str:
        """Where the Parquet of ``day`` called ``name`` is or will be."""
        return f"s3://{self.bucket}/{COMPACTED_PREFIX}/dt={day.isoformat()}/{name}/"

    def start(self, day: date, *, arrived_until: date, location: str, token: str) -> str:
        """Have the day's lines that arrived until ``arrived_until`` written to ``location``; the query's id.
        The same ``token`` (32 to 128 characters) gives the same query again."""
        answer = self.athena.start_query_execution(
            QueryString=compaction(day, arrived_until, location),
            ClientRequestToken=token,
            QueryExecutionContext={"Database": self.database},
            WorkGroup=self.workgroup,
        )
        return answer["QueryExecutionId"]

    def state(self, query_id: str) -> tuple[QueryState, str]:
        """How far a query is, and why where it failed. One that Athena does not know has failed."""
        try:
            found = self.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]["Status"]
        except self.athena.exceptions.InvalidRequestException:
            return QueryState.FAILED, "Athena does not know the query"
        match found["State"]:
            case "SUCCEEDED":
                return QueryState.SUCCEEDED, ""
            case "FAILED" | "CANCELLED":
                return QueryState.FAILED, found.get("StateChangeReason", "")
            case _:
                return QueryState.OPEN, ""

    def stop(self, query_id: str) -> None:
        """Stop a query that has taken too long."""
        self.athena.stop_query_execution(QueryExecutionId=query_id)

    def publish(self, day: date, location: str) -> None:
        """Let the catalogue's partition of ``day`` lead to ``location``, from one moment to the next."""
        table = self.glue.get_table(DatabaseName=self.database, Name=COMPACTED)["Table"]
        storage: Any = {**table["StorageDescriptor"], "Location": location}
        partition: Any = {"Values": [day.isoformat()], "StorageDescriptor": storage}
        try:
            self.glue.create_partition(
                DatabaseName=self.database, TableName=COMPACTED, PartitionInput=partition
            )
        except self.glue.exceptions.AlreadyExistsException:
            self.glue.update_partition(
                DatabaseName=self.database,
                TableName=COMPACTED,
                PartitionValueList=[day.isoformat()],
                PartitionInput=partition,
            )

    def retire(self, day: date, location: str) -> None:
        """Mark what is there of ``day`` beside ``location``; the bucket's lifecycle takes it away later, when
        no reader that began before is on the way any more."""
        live = location.removeprefix(f"s3://{self.bucket}/")
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{COMPACTED_PREFIX}/dt={day.isoformat()}/"
        )
        for page in pages:
            for found in page.get("Contents", ()):
                if not found["Key"].startswith(live):
                    self.s3.put_object_tagging(
                        Bucket=self.bucket, Key=found["Key"], Tagging={"TagSet": [SUPERSEDED]}
                    )

    def read_lines_since(self, arrival: date) -> None:
        """Let readers take the lines that arrived on ``arrival`` or later, beside the Parquet."""
        table: dict[str, Any] = {**self.glue.get_table(DatabaseName=self.database, Name=RECENT)["Table"]}
        wanted = f"{arrival.isoformat()},{UP_TO_NOW}"
        if table["Parameters"].get(ARRIVED_RANGE) == wanted:
            return
        table["Parameters"] = {**table["Parameters"], ARRIVED_RANGE: wanted}
        changed: Any = {name: table[name] for name in _TABLE_INPUT if name in table}
        self.glue.update_table(DatabaseName=self.database, TableInput=changed)

    def _days_below(self, prefix: str, name: str) -> Iterator[date]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=prefix + name, Delimiter="/"
        )
        for page in pages:
            for found in page.get("CommonPrefixes", ()):
                yield date.fromisoformat(found["Prefix"].removeprefix(prefix + name).rstrip("/"))


def compaction(day: date, arrived_until: date, location: str) -> str:
    """The statement that writes the Parquet of ``day``: each event once, as it arrived first.

    https://docs.aws.amazon.com/athena/latest/ug/unload.html: ``location`` must be empty.
    """
    columns = ", ".join(PaymentFact.model_fields)
    first = (day - timedelta(days=EARLY_DAYS)).isoformat()
    return (
        f"UNLOAD (SELECT {columns} FROM (SELECT {columns},"  # noqa: S608  (nothing in it comes from outside)
        " row_number() OVER (PARTITION BY event_id ORDER BY arrived) AS nth"
        f" FROM {LINES} WHERE dt = '{day.isoformat()}'"
        f" AND arrived BETWEEN '{first}' AND '{arrived_until.isoformat()}') WHERE nth = 1"
        " ORDER BY occurred_at, event_id)"
        f" TO '{location}' WITH (format = 'PARQUET', compression = 'ZSTD')"
    )
