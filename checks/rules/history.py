"""What is asked of history: the catalogue's tables read our buckets; Athena answers into them, encrypted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from checks.rules.estate import Estate, Resource
from checks.rules.policies import statements
from checks.rules.rule import Breach, at, rule
from runtime.payments.analytics.news import PaymentFact
from stacks.payment_questions import questions

_HIVE = "org.apache.hadoop.hive.ql.io"
SERDE = "TableInput.StorageDescriptor.SerdeInfo.SerializationLibrary"
READER, WRITER = (f"TableInput.StorageDescriptor.{end}putFormat" for end in ("In", "Out"))
PARQUET_SERDE = f"{_HIVE}.parquet.serde.ParquetHiveSerDe"
LINES = {
    READER: "org.apache.hadoop.mapred.TextInputFormat",
    WRITER: f"{_HIVE}.HiveIgnoreKeyTextOutputFormat",
    SERDE: "org.openx.data.jsonserde.JsonSerDe",
}
PARQUET = {
    READER: f"{_HIVE}.parquet.MapredParquetInputFormat",
    WRITER: f"{_HIVE}.parquet.MapredParquetOutputFormat",
    SERDE: PARQUET_SERDE,
}
"""How the history's objects are to be read: as they come every line a document, then as Parquet."""

SCANNED_BYTES_MIN, SCANNED_BYTES_MAX = 1024**3, 1024**4
"""What one question may read: a year of history at least, and some five hundred rupees at most."""

BUCKET, KEY = "AWS::S3::Bucket", "AWS::KMS::Key"


@rule(
    "HASIVU-ATH-1",
    "PCI DSS 3.5.1.2",
    "GDPR 32(1)(a)",
    remedy="Let the table's location begin with s3:// and a reference to a bucket of the estate.",
)
def tables_of_the_catalogue_read_our_buckets(estate: Estate) -> Iterator[Breach]:
    """A table of the Glue catalogue reads a bucket of the estate, which is encrypted and in India."""
    for table in estate.of("AWS::Glue::Table"):
        path = "TableInput.StorageDescriptor.Location"
        if not _is_in_our_bucket(estate, table, path):
            yield at(table, path)
        if "storage.location.template" in (table.get("TableInput.Parameters") or {}):
            yield at(table, "TableInput.Parameters", shown="a location beside the table's own")


@rule(
    "HASIVU-ATH-2",
    "PCI DSS 3.5.1.2",
    "GDPR 32(1)(a)",
    "SOX CM-6",
    remedy="Enforce the workgroup's settings: answers in our bucket, SSE_KMS with our key, and a bound.",
)
def workgroups_decide_where_answers_go(estate: Estate) -> Iterator[Breach]:
    """A workgroup decides, and not who asks, where answers go: into our bucket, under our key; and it bounds
    what is read."""
    for group in estate.of("AWS::Athena::WorkGroup"):
        base = "WorkGroupConfiguration"
        if group.get("State") not in (None, "ENABLED"):
            yield at(group, "State")
        if group.get(f"{base}.RequesterPaysEnabled"):
            yield at(group, f"{base}.RequesterPaysEnabled")
        if group.get(f"{base}.EnforceWorkGroupConfiguration") is not True:
            yield at(group, f"{base}.EnforceWorkGroupConfiguration")
        result = f"{base}.ResultConfiguration"
        if not _is_in_our_bucket(estate, group, f"{result}.OutputLocation"):
            yield at(group, f"{result}.OutputLocation")
        encryption = f"{result}.EncryptionConfiguration"
        if group.get(f"{encryption}.EncryptionOption") != "SSE_KMS":
            yield at(group, f"{encryption}.EncryptionOption")
        if not estate.ours(group, f"{encryption}.KmsKey", KEY):
            yield at(group, f"{encryption}.KmsKey")
        read_at_most = group.get(f"{base}.BytesScannedCutoffPerQuery")
        if not isinstance(read_at_most, int) or not SCANNED_BYTES_MIN <= read_at_most <= SCANNED_BYTES_MAX:
            yield at(group, f"{base}.BytesScannedCutoffPerQuery")
        if group.get(f"{base}.PublishCloudWatchMetricsEnabled") is not True:
            yield at(group, f"{base}.PublishCloudWatchMetricsEnabled")


@rule(
    "HASIVU-ATH-3",
    "SOX OP-4",
    "GDPR 5(1)(d)",
    remedy="Describe it as stacks/payment_history.py does: lines or Parquet, by day, in our database.",
)
def history_is_read_as_it_is_written(estate: Estate) -> Iterator[Breach]:
    """A table of the catalogue reads lines of JSON by projected days, or Parquet by days to which partitions
    lead, in a database of the estate; a workgroup has the environment's name."""
    for table in estate.of("AWS::Glue::Table"):
        is_parquet = table.get(SERDE) == PARQUET_SERDE
        written_as = {"TableInput.TableType": "EXTERNAL_TABLE", **(PARQUET if is_parquet else LINES)}
        for path, value in written_as.items():
            if table.get(path) != value:
                yield at(table, path)
        projected = (table.get("TableInput.Parameters") or {}).get("projection.enabled") == "true"
        if projected == is_parquet:
            what = "a day of Parquet is replaced by its partition" if is_parquet else "days are not projected"
            yield at(table, "TableInput.Parameters", shown=what)
        yield from _in_our_catalogue(estate, table)
        if not _is_of_a_database(estate, table):
            yield at(table, "DatabaseName")
    for database in estate.of("AWS::Glue::Database"):
        yield from _in_our_catalogue(estate, database)
        if not estate.text(database.get("DatabaseInput.Name"), database.stack):
            yield at(database, "DatabaseInput")
    for group in estate.of("AWS::Athena::WorkGroup"):
        if not str(group.get("Name")).startswith(f"hasivu-{estate.environment}-"):
            yield at(group, "Name")


@rule(
    "HASIVU-ATH-4",
    "SOX OP-4",
    "GDPR 32(1)(b)",
    remedy="Ask in the estate's workgroup and database, what stacks/questions has, word for word.",
)
def questions_are_asked_in_our_workgroup(estate: Estate) -> Iterator[Breach]:
    """A standard question is the reviewed one, in a workgroup and a database of the estate."""
    reviewed = {question.name: question.sql for question in questions()}
    groups = {group.get("Name") for group in estate.of("AWS::Athena::WorkGroup")}
    databases = {item.get("DatabaseInput.Name") for item in estate.of("AWS::Glue::Database")}
    asked = {question.get("Name") for question in estate.of("AWS::Athena::NamedQuery")}
    for group in estate.of("AWS::Athena::WorkGroup"):
        for name in sorted(set(reviewed) - asked):
            yield at(group, "", shown=f"the question {name} is missing")
    for question in estate.of("AWS::Athena::NamedQuery"):
        if question.get("WorkGroup") not in groups:
            yield at(question, "WorkGroup")
        if question.get("Database") not in databases:
            yield at(question, "Database")
        if question.get("QueryString") != reviewed.get(str(question.get("Name"))):
            yield at(question, "QueryString", shown="it is none of stacks/questions")


def _in_our_catalogue(estate: Estate, resource: Resource) -> Iterator[Breach]:
    if estate.text(resource.get("CatalogId"), resource.stack) not in {estate.account, "<AWS::AccountId>"}:
        yield at(resource, "CatalogId")


TYPES = {int: "bigint", bool: "boolean"}
"""What the catalogue calls what a line of the history holds; everything else is a string."""

DAYS = {
    "type": "date",
    "format": "yyyy-MM-dd",
    "interval": "1",
    "interval.unit": "DAYS",
}
"""How the days of a table are projected; which they are stands in its range."""

RANGE = re.compile(r"20\d\d-\d\d-\d\d,NOW\+1DAYS")
"""India is a day ahead of NOW, which is in UTC, from half past six in the evening."""


def written_columns() -> dict[str, str]:
    """The columns of the history with their types, as the runtime writes its lines."""
    return {
        name: next((TYPES[kind] for kind in _kinds(field.annotation) if kind in TYPES), "string")
        for name, field in PaymentFact.model_fields.items()
    }


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types that are named in an annotation, however deep: the int of ``Annotated[int, …] | None``."""
    yield annotation
    for inner in get_args(annotation):
        if isinstance(inner, type) or get_args(inner):
            yield from _kinds(inner)


@rule(
    "HASIVU-ATH-5",
    "SOX OP-4",
    "GDPR 5(1)(d)",
    remedy="Let the columns be the fields of PaymentFact in runtime/payments/analytics/news.py, by day.",
)
def columns_are_what_the_runtime_writes(estate: Estate) -> Iterator[Breach]:
    """A table's columns are the fields that the runtime writes, its parts the days that it writes to."""
    written = written_columns()
    for table in estate.of("AWS::Glue::Table"):
        path = "TableInput.StorageDescriptor.Columns"
        columns = [(item.get("Name"), item.get("Type")) for item in table.items(path)]
        if sorted(map(str, columns)) != sorted(map(str, written.items())):
            odd = {str(column) for column in columns} ^ {str(column) for column in written.items()}
            yield at(table, path, shown=", ".join(sorted(odd)) or "twice")
        is_parquet = table.get(SERDE) == PARQUET_SERDE
        parts = ["dt"] if is_parquet else ["arrived", "dt"]
        named = [(item.get("Name"), item.get("Type")) for item in table.items("TableInput.PartitionKeys")]
        if named != [(part, "string") for part in parts]:
            yield at(table, "TableInput.PartitionKeys")
        yield from _parameters(table, [] if is_parquet else parts)


def _parameters(table: Resource, projected: list[str]) -> Iterator[Breach]:
    """What a table says of its format is so, and its days are projected as they are written."""
    said = table.get("TableInput.Parameters") or {}
    expected = {"classification": "json" if projected else "parquet"}
    for part in projected:
        expected |= {f"projection.{part}.{name}": value for name, value in DAYS.items()}
    for name, value in expected.items():
        if said.get(name) != value:
            yield at(table, f"TableInput.Parameters.{name}", shown=str(said.get(name)))
    for part in projected:
        if not RANGE.fullmatch(str(said.get(f"projection.{part}.range"))):
            yield at(table, f"TableInput.Parameters.projection.{part}.range", shown="not up to tomorrow")


def _is_of_a_database(estate: Estate, table: Resource) -> bool:
    if estate.ours(table, "DatabaseName", "AWS::Glue::Database"):
        return True
    name = estate.text(table.get("DatabaseName"), table.stack)
    return bool(name) and any(
        estate.text(database.get("DatabaseInput.Name"), database.stack) == name
        for database in estate.of("AWS::Glue::Database")
    )


def _is_in_our_bucket(estate: Estate, resource: Resource, path: str) -> bool:
    """Whether the property is an address of S3 that begins with a bucket of the estate."""
    value = resource.get(path)
    return estate.text(value, resource.stack).startswith("s3://<") and estate.ours(resource, path, BUCKET)


@rule(
    "HASIVU-ATH-6",
    "SOX OP-4",
    "PCI DSS 7.2.5",
    remedy="Read the prefix that a function writes, and let answers go below one that no table reads.",
)
def history_is_read_where_it_is_written(estate: Estate) -> Iterator[Breach]:
    """A table reads a prefix that a function of the estate writes; answers go beside the tables, where the
    function that asks may write."""
    written = _written_prefixes(estate)
    read: dict[str, Any] = {}
    for table in estate.of("AWS::Glue::Table"):
        where = _place(estate, table, "TableInput.StorageDescriptor.Location")
        if read.setdefault(where, table.get(SERDE)) != table.get(SERDE):
            yield at(table, SERDE, shown=f"{where} is read in another format as well")
        if where not in written:
            yield at(table, "TableInput.StorageDescriptor.Location", shown=f"nobody writes {where}")
    for group in estate.of("AWS::Athena::WorkGroup"):
        path = "WorkGroupConfiguration.ResultConfiguration.OutputLocation"
        where = _place(estate, group, path)
        if where not in written or any(where.startswith(one) or one.startswith(where) for one in read):
            yield at(group, path, shown=f"{where} is not for answers")


def _place(estate: Estate, resource: Resource, path: str) -> str:
    """``bucket/prefix/`` of an address of S3, by the bucket's own name."""
    bucket = estate.target(resource.get(path), resource.stack)
    name = "" if bucket is None else estate.text(bucket.get("BucketName"), bucket.stack)
    return f"{name}/{estate.text(resource.get(path), resource.stack).partition('>/')[2]}"


def _written_prefixes(estate: Estate) -> set[str]:
    """Below which prefixes of buckets a role of the estate may put objects: ``bucket/prefix/``."""
    return {
        text.rpartition(":::")[2].removesuffix("*")
        for statement in statements(estate, "identity")
        if statement.allows and statement.covers("s3:PutObject")
        for text in statement.resources
        if text.endswith("/*")
    }
