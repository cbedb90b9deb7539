"""Executes a statement: the tables' objects into DuckDB, the rows out of it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

import duckdb

from checks.sandbox.athena_simulator.catalogue import Catalogue, Table, read_table
from checks.sandbox.athena_simulator.dialect import Statement, Unload

ATHENA_TYPES = {"VARCHAR": "varchar", "BIGINT": "bigint", "BOOLEAN": "boolean", "DATE": "date"} | {
    "HUGEINT": "bigint",  # DuckDB's sum of bigint; Athena's is bigint
    "INTEGER": "integer",
}


class QueryFailed(ValueError):
    """The query fails as Athena's would, for this reason."""


class BytesExceeded(ValueError):
    """The query reads more than its workgroup lets it."""


class Store(Protocol):
    """S3 as the caller may use it; whatever the caller may not do raises."""

    def keys(self, bucket: str, prefix: str) -> Sequence[str]:
        """The keys that begin with ``prefix``."""

    def read(self, bucket: str, key: str) -> bytes:
        """An object."""

    def write(self, bucket: str, key: str, body: bytes) -> None:
        """Put an object."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows of a SELECT, or the keys that an UNLOAD wrote; and how many bytes were read."""

    columns: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    scanned_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Engine:
    """Executes over ``catalogue`` and ``store``."""

    catalogue: Catalogue
    store: Store

    def execute(
        self, statement: Statement, *, database: str, now: datetime, name: str, bytes_max: int | None
    ) -> Answer:
        """What the statement gives. ``name`` names what an UNLOAD writes.

        Raises QueryFailed, BytesExceeded, and what catalogue and store raise.
        """
        with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
            connection.execute("SET threads = 1")
            scanned = 0
            try:
                for table_name in sorted(statement.tables):
                    table = read_table(self.catalogue, self.store.keys, database, table_name, now)
                    scanned += self._load(connection, table, Path(folder))
                    if bytes_max is not None and scanned > bytes_max:
                        raise BytesExceeded("Bytes scanned limit was exceeded")
                if statement.unload is None:
                    return _rows(connection, statement, scanned)
                return self._unload(connection, statement, statement.unload, Path(folder), name, scanned)
            except duckdb.Error as error:
                raise QueryFailed(str(error)[:500]) from None

    def _load(self, connection: duckdb.DuckDBPyConnection, table: Table, folder: Path) -> int:
        """Make the table in DuckDB, its columns as the catalogue has them; the bytes that were read."""
        columns = ", ".join(f'"{name}"' for name in (*table.columns, *table.partition_keys))
        types = {**table.columns, **dict.fromkeys(table.partition_keys, "VARCHAR")}
        shape = ", ".join(f'"{name}" {kind}' for name, kind in types.items())
        connection.execute(f'CREATE TABLE "{table.name}" ({shape})')
        if not table.parts:
            return 0
        scanned, places = 0, []
        for number, part in enumerate(table.parts):
            body = self.store.read(part.bucket, part.key)
            scanned += len(body)
            # Athena knows how text is compressed by the end of its name.
            path = folder / f"{table.name}-{number}{''.join(Path(part.key).suffixes[-1:])}"
            path.write_bytes(body)
            places.append((str(path), *part.values))
        files = [place[0] for place in places]
        if table.is_parquet:
            relation = connection.read_parquet(files, filename=True, union_by_name=True)
            found = dict(zip(relation.columns, map(str, relation.types), strict=True))
            for column, kind in table.columns.items():
                if found.get(column, kind) != kind:
                    raise QueryFailed(f"HIVE_BAD_DATA: {column} is {found[column]}, not {kind}")
        else:
            several: Any = files  # which the stubs do not know
            relation = connection.read_json(
                several, columns=dict(table.columns), format="newline_delimited", filename=True
            )
        relation.create_view("objects")
        keys = ", ".join(f'"{key}" VARCHAR' for key in table.partition_keys)
        connection.execute(f"CREATE TABLE places (filename VARCHAR, {keys})")
        marks = ", ".join("?" for _ in places[0])
        connection.executemany(f"INSERT INTO places VALUES ({marks})", places)  # noqa: S608
        connection.execute(
            f'INSERT INTO "{table.name}" SELECT {columns} FROM objects JOIN places USING (filename)'  # noqa: S608
        )
        connection.execute("DROP VIEW objects; DROP TABLE places")
        return scanned

    def _unload(
        self,
        connection: duckdb.DuckDBPyConnection,
        statement: Statement,
        unload: Unload,
        folder: Path,
        name: str,
        scanned: int,
    ) -> Answer:
        place = urlsplit(unload.location)
        bucket, prefix = place.netloc, place.path.lstrip("/")
        if self.store.keys(bucket, prefix):
            raise QueryFailed(f"HIVE_PATH_ALREADY_EXISTS: {unload.location} is not empty")
        connection.execute(f"CREATE TABLE unloaded AS {statement.duckdb}")
        counted = connection.execute("SELECT count(*) FROM unloaded").fetchone()
        if counted is None or counted[0] == 0:
            return Answer(scanned_bytes=scanned)
        path = folder / "unloaded.parquet"
        how = f"FORMAT parquet, COMPRESSION {unload.compression.replace('NONE', 'UNCOMPRESSED')}"
        connection.execute(f"COPY unloaded TO '{path}' ({how})")
        key = f"{prefix}{name}_0"
        self.store.write(bucket, key, path.read_bytes())
        return Answer(written=[f"s3://{bucket}/{key}"], scanned_bytes=scanned)


def _rows(connection: duckdb.DuckDBPyConnection, statement: Statement, scanned: int) -> Answer:
    cursor = connection.execute(statement.duckdb)
    described = cursor.description or []
    types = []
    for column in described:
        kind = ATHENA_TYPES.get(str(column[1]))
        if kind is None:
            raise QueryFailed(f"{column[0]}: the type {column[1]} is not known here")
        types.append(kind)
    return Answer([column[0] for column in described], types, cursor.fetchall(), scanned_bytes=scanned)


def text_of(value: object) -> str | None:
    """A value as Athena writes it; None is no value."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def as_csv(answer: Answer) -> bytes:
    """The answer's file: every value in quotes, what is no value is empty without."""
    lines: list[Sequence[str | None]] = [
        answer.columns,
        *([text_of(value) for value in row] for row in answer.rows),
    ]
    return "".join(",".join(map(_quoted, line)) + "\n" for line in lines).encode()


def _quoted(text: str | None) -> str:
    return "" if text is None else '"' + text.replace('"', '""') + '"'
