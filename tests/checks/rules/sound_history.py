"""The sound estate's history: tables of the catalogue, the standard questions and a workgroup."""

from checks.rules.history import DAYS, LINES, PARQUET, READER, SERDE, WRITER, written_columns
from stacks.payment_questions import questions
from tests.checks.rules.building import Body, arn, ref, resource


def history() -> dict[str, Body]:
    """The tables and the workgroup over the bucket ``Analytics``; ``Key`` encrypts the answers."""
    answers = {"Fn::Join": ["", ["s3://", ref("Analytics"), "/athena/"]]}
    encryption = {"EncryptionOption": "SSE_KMS", "KmsKey": arn("Key")}
    projected = {
        f"projection.{part}.{name}": value
        for part in ("arrived", "dt")
        for name, value in {**DAYS, "range": "2026-01-01,NOW+1DAYS"}.items()
    }
    lines = {"classification": "json", "projection.enabled": "true", **projected}
    return {
        "History": resource(
            "AWS::Glue::Database",
            {"CatalogId": ref("AWS::AccountId"), "DatabaseInput": {"Name": "hasivu_prod"}},
            tags=False,
        ),
        "PaymentEvents": _table("payment_events", "payments", LINES, lines, "arrived", "dt"),
        "CompactedEvents": _table(
            "payment_events_compacted", "compacted", PARQUET, {"classification": "parquet"}, "dt"
        ),
        **_questions(),
        "WorkGroup": resource(
            "AWS::Athena::WorkGroup",
            {
                "Name": "hasivu-prod-analytics",
                "State": "ENABLED",
                "WorkGroupConfiguration": {
                    "EnforceWorkGroupConfiguration": True,
                    "BytesScannedCutoffPerQuery": 10 * 1024**3,
                    "PublishCloudWatchMetricsEnabled": True,
                    "ResultConfiguration": {
                        "OutputLocation": answers,
                        "EncryptionConfiguration": encryption,
                    },
                },
            },
        ),
    }


def _questions() -> dict[str, Body]:
    return {
        f"Question{number}": resource(
            "AWS::Athena::NamedQuery",
            {
                "Database": "hasivu_prod",
                "Name": question.name,
                "QueryString": question.sql,
                "WorkGroup": "hasivu-prod-analytics",
            },
            tags=False,
        )
        for number, question in enumerate(questions())
    }


def _table(
    name: str, prefix: str, written_as: dict[str, str], parameters: dict[str, str], *parts: str
) -> Body:
    return resource(
        "AWS::Glue::Table",
        {
            "CatalogId": ref("AWS::AccountId"),
            "DatabaseName": "hasivu_prod",
            "TableInput": {
                "Name": name,
                "Parameters": parameters,
                "PartitionKeys": [{"Name": part, "Type": "string"} for part in parts],
                "TableType": "EXTERNAL_TABLE",
                "StorageDescriptor": {
                    "Columns": [{"Name": column, "Type": kind} for column, kind in written_columns().items()],
                    "InputFormat": written_as[READER],
                    "Location": {"Fn::Join": ["", ["s3://", ref("Analytics"), f"/{prefix}/"]]},
                    "OutputFormat": written_as[WRITER],
                    "SerdeInfo": {"SerializationLibrary": written_as[SERDE]},
                },
            },
        },
        tags=False,
    )
