"""A bucket and a catalogue in memory, in place of S3 and Glue."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from checks.sandbox.athena_simulator.catalogue import TableUnreadable
from checks.sandbox.athena_simulator.dialect import read
from checks.sandbox.athena_simulator.engine import Answer, Engine

DATABASE = "hasivu_test"
BUCKET = "hasivu-test-analytics"
NOW = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)


@dataclass
class Memory:
    """Objects by key of one bucket, tables and partitions by name."""

    objects: dict[str, bytes] = field(default_factory=dict)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: dict[str, dict[str, str]] = field(default_factory=dict)

    def keys(self, bucket: str, prefix: str) -> Sequence[str]:
        assert bucket == BUCKET
        return sorted(key for key in self.objects if key.startswith(prefix))

    def read(self, bucket: str, key: str) -> bytes:
        assert bucket == BUCKET
        return self.objects[key]

    def write(self, bucket: str, key: str, body: bytes) -> None:
        assert bucket == BUCKET
        self.objects[key] = body

    def table(self, database: str, name: str) -> Mapping[str, Any]:
        assert database == DATABASE
        if name not in self.tables:
            raise TableUnreadable(f"TABLE_NOT_FOUND: {name}")
        return self.tables[name]

    def partitions(self, database: str, name: str) -> Sequence[Mapping[str, Any]]:
        assert database == DATABASE
        return [
            {"Values": [value], "StorageDescriptor": {"Location": place}}
            for value, place in self.parts.get(name, {}).items()
        ]

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: str) -> None:
        self.write(Bucket, Key, Body)

    def asked(
        self,
        sql: str,
        *parameters: str,
        name: str = "query-1",
        bytes_max: int | None = None,
        now: datetime = NOW,
    ) -> Answer:
        """What the simulator's engine answers."""
        statement = read(sql, parameters, database=DATABASE)
        return Engine(self, self).execute(
            statement, database=DATABASE, now=now, name=name, bytes_max=bytes_max
        )
