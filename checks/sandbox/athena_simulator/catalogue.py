"""What the Glue catalogue says of a table: its columns, and where its parts are in S3."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

JSON_SERDE = "org.openx.data.jsonserde.JsonSerDe"
PARQUET_SERDE = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
DUCKDB_TYPES = {"string": "VARCHAR", "bigint": "BIGINT", "boolean": "BOOLEAN"}
"""Types of columns that are known here, as DuckDB calls them."""

_BOUND = re.compile(r"NOW(?:([+-]\d+)DAYS?)?")


class TableUnreadable(ValueError):
    """The table is not there, or is described in a way that is not known here."""


class Catalogue(Protocol):
    """The Glue catalogue as the caller may see it."""

    def table(self, database: str, name: str) -> Mapping[str, Any]:
        """The table. Raises TableUnreadable, and what tells that the caller may not."""

    def partitions(self, database: str, name: str) -> Sequence[Mapping[str, Any]]:
        """Its partitions, where they are not projected."""


Keys = Callable[[str, str], Sequence[str]]
"""The keys of a bucket that begin with a prefix."""


@dataclass(frozen=True, slots=True)
class Part:
    """One object of a table, with the values of the table's partition keys there."""

    bucket: str
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its format, its columns and partition keys with DuckDB's types, and its objects."""

    name: str
    is_parquet: bool
    columns: Mapping[str, str]
    partition_keys: tuple[str, ...]
    parts: tuple[Part, ...]


def read_table(catalogue: Catalogue, keys: Keys, database: str, name: str, now: datetime) -> Table:
    """The table ``name`` as of ``now``. Raises TableUnreadable."""
    described = catalogue.table(database, name)
    storage = described["StorageDescriptor"]
    serde = storage["SerdeInfo"]["SerializationLibrary"]
    if serde not in {JSON_SERDE, PARQUET_SERDE}:
        raise TableUnreadable(f"{name}: the format {serde} is not known here")
    partition_keys = tuple(column["Name"] for column in described.get("PartitionKeys", ()))
    if described.get("Parameters", {}).get("projection.enabled") == "true":
        parts = _projected(described, partition_keys, keys, now)
    else:
        parts = _registered(catalogue.partitions(database, name), keys)
    return Table(
        name=name,
        is_parquet=serde == PARQUET_SERDE,
        columns={column["Name"]: _type(name, column) for column in storage["Columns"]},
        partition_keys=partition_keys,
        parts=tuple(parts),
    )


def _type(table: str, column: Mapping[str, str]) -> str:
    found = DUCKDB_TYPES.get(column["Type"])
    if found is None:
        raise TableUnreadable(f"{table}.{column['Name']}: the type {column['Type']} is not known here")
    return found


def _registered(partitions: Sequence[Mapping[str, Any]], keys: Keys) -> Iterator[Part]:
    """The objects below the places to which the catalogue's partitions lead, wherever those are."""
    for partition in partitions:
        bucket, prefix = _place(partition["StorageDescriptor"]["Location"])
        for key in _visible(keys(bucket, prefix), prefix):
            yield Part(bucket, key, tuple(partition["Values"]))


def _projected(
    described: Mapping[str, Any], names: Sequence[str], keys: Keys, now: datetime
) -> Iterator[Part]:
    """The objects where projection says that they may be: ``a=…/b=…/``, the values in their ranges."""
    parameters = described["Parameters"]
    ranges = {name: _range(parameters, name, now) for name in names}
    bucket, prefix = _place(described["StorageDescriptor"]["Location"])
    shape = re.compile("/".join(f"{name}=([^/]+)" for name in names) + "/.+")
    for key in _visible(keys(bucket, prefix), prefix):
        found = shape.fullmatch(key.removeprefix(prefix))
        values = found.groups() if found else ()
        if found and all(ranges[name][0] <= value <= ranges[name][1] for name, value in zip(names, values)):  # noqa: B905
            yield Part(bucket, key, values)


def _range(parameters: Mapping[str, str], name: str, now: datetime) -> tuple[str, str]:
    """The first and last value of a projected day."""
    known = {"type": "date", "format": "yyyy-MM-dd", "interval": "1", "interval.unit": "DAYS"}
    if any(parameters.get(f"projection.{name}.{end}") != value for end, value in known.items()):
        raise TableUnreadable(f"the projection of {name} is not known here")
    first, _, last = parameters.get(f"projection.{name}.range", "").partition(",")
    return _bound(first, now), _bound(last, now)


def _bound(text: str, now: datetime) -> str:
    if found := _BOUND.fullmatch(text.replace(" ", "")):
        return (now.date() + timedelta(days=int(found[1] or 0))).isoformat()
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise TableUnreadable(f"the bound {text[:20]} is not known here") from None


def _place(location: str) -> tuple[str, str]:
    parts = urlsplit(location)
    return parts.netloc, parts.path.strip("/") + "/"


def _visible(keys: Sequence[str], prefix: str) -> Iterator[str]:
    """What is data: names that begin with ``_`` or ``.`` are not read."""
    for key in keys:
        if not any(part.startswith(("_", ".")) for part in key.removeprefix(prefix).split("/")):
            yield key
