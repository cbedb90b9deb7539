"""The sound estate's history: a table of the catalogue and a workgroup."""

from checks.rules.history import PARQUET_SERDE
from stacks.payment_questions import questions
from tests.checks.rules.building import Body, arn, ref, resource


def history() -> dict[str, Body]:
    """The table and the workgroup over the bucket ``Analytics``; ``Key`` encrypts the answers."""
    lines = {"Fn::Join": ["", ["s3://", ref("Analytics"), "/payments/"]]}
    answers = {"Fn::Join": ["", ["s3://", ref("Analytics"), "/athena/"]]}
    table = {
        "Name": "payment_events",
        "Parameters": {"projection.enabled": "true"},
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "InputFormat": "org.apache.hadoop.mapred.TextInputFormat",
            "Location": lines,
            "OutputFormat": "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
            "SerdeInfo": {"SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe"},
        },
    }
    parquet = {
        "Name": "payment_events_compacted",
        "Parameters": {"classification": "parquet"},
        "TableType": "EXTERNAL_TABLE",
        "StorageDescriptor": {
            "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
            "Location": {"Fn::Join": ["", ["s3://", ref("Analytics"), "/compacted/"]]},
            "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
            "SerdeInfo": {"SerializationLibrary": PARQUET_SERDE},
        },
    }
    encryption = {"EncryptionOption": "SSE_KMS", "KmsKey": arn("Key")}
    return {
        "History": resource(
            "AWS::Glue::Database",
            {"CatalogId": ref("AWS::AccountId"), "DatabaseInput": {"Name": "hasivu_prod"}},
            tags=False,
        ),
        "PaymentEvents": resource(
            "AWS::Glue::Table",
            {"CatalogId": ref("AWS::AccountId"), "DatabaseName": "hasivu_prod", "TableInput": table},
            tags=False,
        ),
        "CompactedEvents": resource(
            "AWS::Glue::Table",
            {"CatalogId": ref("AWS::AccountId"), "DatabaseName": "hasivu_prod", "TableInput": parquet},
            tags=False,
        ),
        **{
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
        },
        "WorkGroup": resource(
            "AWS::Athena::WorkGroup",
            {
                "Name": "hasivu-prod-analytics",
                "State": "ENABLED",
                "WorkGroupConfiguration": {
                    "EnforceWorkGroupConfiguration": True,
                    "BytesScannedCutoffPerQuery": 10 * 1024**3,
                    "ResultConfiguration": {
                        "OutputLocation": answers,
                        "EncryptionConfiguration": encryption,
                    },
                },
            },
        ),
    }
