"""Planted: where the history is read from, and where answers about it go."""

from collections.abc import Mapping
from typing import Any

from checks.rules.history import PARQUET_SERDE
from tests.checks.rules.planting import Weakness, drop, put

LOCATION = "TableInput.StorageDescriptor.Location"
SETTINGS = "WorkGroupConfiguration"
RESULT = f"{SETTINGS}.ResultConfiguration"


def table(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-ATH-1", title, "AWS::Glue::Table", change)


def of_lines(properties: Mapping[str, Any]) -> bool:
    return not of_parquet(properties)


def of_parquet(properties: Mapping[str, Any]) -> bool:
    storage = properties["TableInput"]["StorageDescriptor"]
    return bool(storage["SerdeInfo"]["SerializationLibrary"] == PARQUET_SERDE)


def history(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-ATH-3", title, "AWS::Glue::Table", change, of_lines)


def parquet(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-ATH-3", title, "AWS::Glue::Table", change, of_parquet)


def question(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-ATH-4", title, "AWS::Athena::NamedQuery", change)


def workgroup(title: str, change: Any) -> Weakness:
    return Weakness("HASIVU-ATH-2", title, "AWS::Athena::WorkGroup", change)


WEAKNESSES = (
    table("another's bucket", put(LOCATION, "s3://somebodys-bucket/payments/")),
    table("no location", drop(LOCATION)),
    table(
        "our bucket's name somewhere in it",
        put(LOCATION, {"Fn::Join": ["", ["s3://somebodys-bucket/", {"Ref": "Analytics"}]]}),
    ),
    table(
        "days somewhere else",
        lambda body: body["Properties"]["TableInput"].__setitem__(
            "Parameters", {"storage.location.template": "s3://somebodys-bucket/${dt}/"}
        ),
    ),
    history("lines are read as something else", put("TableInput.StorageDescriptor.InputFormat", "parquet")),
    history("days are not projected", put("TableInput.Parameters", {"projection.enabled": "false"})),
    history("of no database of ours", put("DatabaseName", "default")),
    parquet("days of Parquet are projected", put("TableInput.Parameters", {"projection.enabled": "true"})),
    parquet("Parquet is read as lines", put("TableInput.StorageDescriptor.InputFormat", "text")),
    question("in no workgroup of ours", put("WorkGroup", "primary")),
    question("of another database", put("Database", "default")),
    question("that changes something", put("QueryString", "INSERT INTO payment_events SELECT 1")),
    workgroup("who asks decides", put(f"{SETTINGS}.EnforceWorkGroupConfiguration", False)),
    workgroup("answers go elsewhere", put(f"{RESULT}.OutputLocation", "s3://somebodys-bucket/")),
    workgroup("answers go anywhere", drop(RESULT)),
    workgroup("answers under S3's key", put(f"{RESULT}.EncryptionConfiguration.EncryptionOption", "SSE_S3")),
    workgroup("answers under another key", put(f"{RESULT}.EncryptionConfiguration.KmsKey", "alias/aws/s3")),
    workgroup("no bound", drop(f"{SETTINGS}.BytesScannedCutoffPerQuery")),
    workgroup("a bound beyond reason", put(f"{SETTINGS}.BytesScannedCutoffPerQuery", 1024**5)),
)
