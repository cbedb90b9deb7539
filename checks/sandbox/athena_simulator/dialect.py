"""Statements in Athena's SQL: SELECT, and UNLOAD of one. Everything else is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

KNOWN_FUNCTIONS = frozenset(
    {
        *("And", "Or", "Case", "If", "Cast", "Coalesce", "Greatest", "Least"),
        *("Count", "Max", "Min", "Sum", "RowNumber"),
        *("Substring", "Trim", "Upper", "Lower", "Length"),
        *("Date", "DateDiff", "FromISO8601Timestamp", "Hour"),
    }
)
"""What means the same in both engines, by sqlglot's names. More are added when a statement needs them and a
test has held the two meanings together."""

COMPRESSIONS = frozenset({"NONE", "SNAPPY", "GZIP", "ZSTD"})
"""Of Parquet: https://docs.aws.amazon.com/athena/latest/ug/compression-formats.html"""

_UNLOAD = re.compile(
    r"\s*UNLOAD\s*\((?P<select>.*)\)\s*TO\s*'(?P<location>s3://[^']+/)'\s*WITH\s*\((?P<properties>.*)\)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_PROPERTY = re.compile(r"\s*(\w+)\s*=\s*'([^']*)'\s*")


class StatementRefused(ValueError):
    """The statement is not one that is known here. Athena might take it."""


@dataclass(frozen=True, slots=True)
class Unload:
    """Where the rows go as Parquet, and how they are compressed."""

    location: str
    compression: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: the SELECT as DuckDB reads it, the tables that it names, and where its rows go."""

    duckdb: str
    tables: frozenset[str]
    unload: Unload | None = None


def read(text: str, parameters: Sequence[str] = (), *, database: str) -> Statement:
    """The statement with its ``?`` replaced by ``parameters``, each a literal (text with its quotes).

    Raises StatementRefused.
    """
    unload = None
    if text.lstrip()[:6].upper() == "UNLOAD":
        found = _UNLOAD.fullmatch(text)
        if found is None:
            raise StatementRefused("UNLOAD (SELECT …) TO 's3://…/' WITH (format = 'PARQUET', …)")
        unload = Unload(found["location"], _compression(found["properties"]))
        text = found["select"]
    try:
        trees = sqlglot.parse(text, read="athena")
        values = [sqlglot.parse_one(value, read="athena") for value in parameters]
    except SqlglotError as error:
        raise StatementRefused(f"mismatched input: {str(error)[:200]}") from None
    if len(trees) != 1 or not isinstance(trees[0], exp.Select | exp.SetOperation):
        raise StatementRefused("only one SELECT, or an UNLOAD of one, is known here")
    tree = _with_values(trees[0], values)
    _hold(tree)
    tables = _tables(tree, database)
    return Statement(tree.sql("duckdb"), tables, unload)


def _compression(properties: str) -> str:
    said: dict[str, str] = {}
    for part in properties.split(","):
        found = _PROPERTY.fullmatch(part)
        if found is None:
            raise StatementRefused(f"the property is not known here: {part.strip()[:100]}")
        said[found[1].lower()] = found[2].upper()
    compression = said.get("compression", "GZIP")
    if said.keys() - {"format", "compression"} or said.get("format") != "PARQUET":
        raise StatementRefused("only format = 'PARQUET' and compression are known here")
    if compression not in COMPRESSIONS:
        raise StatementRefused(f"Parquet is not compressed by {compression[:20]}")
    return compression


def _with_values(tree: exp.Expression, values: Sequence[exp.Expr]) -> exp.Expression:
    places = list(tree.find_all(exp.Placeholder, bfs=False))
    if len(places) != len(values):
        raise StatementRefused(
            f"Incorrect number of parameters: expected {len(places)} but found {len(values)}"
        )
    if any(not isinstance(value, exp.Literal) for value in values):
        raise StatementRefused("a parameter is a literal; text carries its quotes")
    for place, value in zip(places, values, strict=True):
        place.replace(value)
    return tree


def _hold(tree: exp.Expression) -> None:
    """Raise StatementRefused where the tree has what is not known to mean the same in both engines."""
    if any(not select.expressions for select in tree.find_all(exp.Select)):
        raise StatementRefused("SELECT of nothing")
    for node in tree.find_all(exp.Func, exp.Command, exp.Table, exp.Div):
        name = type(node).__name__
        if isinstance(node, exp.Table):
            if not isinstance(node.this, exp.Identifier) or not re.fullmatch(r"\w+", node.name):
                raise StatementRefused(f"no table: {node.sql('athena')[:100]}")
        elif name not in KNOWN_FUNCTIONS:
            raise StatementRefused(f"not known here: {node.sql('athena')[:100]}")


def _tables(tree: exp.Expression, database: str) -> frozenset[str]:
    """The tables of the catalogue that are named, all in ``database``, whose name they lose."""
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    found = set()
    for table in tree.find_all(exp.Table):
        if table.catalog or (table.db and table.db != database):
            raise StatementRefused(f"a table of another database: {table.sql('athena')[:100]}")
        if table.name not in own or table.db:
            found.add(table.name)
        table.set("db", None)
    return frozenset(found)
