"""How the history of payments is asked: a table of the Glue catalogue over its lines, answered by Athena."""

from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.environment import Environment

PAYMENT_HISTORY_PREFIX = "payments"
"""Where in the analytics bucket payments-analytics writes the history."""

ANSWERS_PREFIX = "athena"
"""Where in the same bucket Athena puts its answers."""

SCANNED_BYTES_MAX = 10 * 1024**3
"""What one question may read: years of history, and some five rupees."""

PROJECTION = {
    "classification": "json",
    "projection.enabled": "true",
    "projection.dt.type": "date",
    "projection.dt.format": "yyyy-MM-dd",
    "projection.dt.range": "2026-01-01,NOW+1DAYS",
    "projection.dt.interval": "1",
    "projection.dt.interval.unit": "DAYS",
}
"""https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html

NOW is in UTC, and India is a day ahead from half past six in the evening. Without a template of its own a day
is where Hive has it: ``dt=2026-04-01/`` below the table's location.
"""

TEXTS = (
    *("event_id", "occurred_at", "news", "payment_id", "school_id", "currency", "gateway_payment_id"),
    *("method", "network", "issuer", "bank", "error_reason", "created_at", "captured_at"),
    *("refund_id", "dispute_id", "settlement_id", "captured_on", "settled_on"),
)
NUMBERS = ("version", "amount_paise", "base_amount_paise", "fee_paise", "tax_paise", "net_paise")
FLAGS = ("failed_before", "first_heard")


class PaymentHistory(Construct):
    """The database ``hasivu_{env}`` with the table ``payment_events``, and the workgroup
    ``hasivu-{env}-analytics``.

    Days are projected, not crawled: a day's lines can be asked for as soon as they are written.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        environment: Environment,
        bucket: s3.Bucket,
        key: kms.IKey,
        account: str,
    ) -> None:
        super().__init__(scope, construct_id)
        name = f"hasivu_{environment.name}"
        database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=name, description="What happened, for Athena"
            ),
        )
        table = glue.CfnTable(
            self,
            "PaymentEvents",
            catalog_id=account,
            database_name=name,
            table_input=glue.CfnTable.TableInputProperty(
                name="payment_events",
                description="Events of payments as counted; take each event_id once",
                table_type="EXTERNAL_TABLE",
                parameters=PROJECTION,
                partition_keys=[glue.CfnTable.ColumnProperty(name="dt", type="string")],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=_columns(),
                    location=f"s3://{bucket.bucket_name}/{PAYMENT_HISTORY_PREFIX}/",
                    input_format="org.apache.hadoop.mapred.TextInputFormat",
                    output_format="org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
                    serde_info=glue.CfnTable.SerdeInfoProperty(
                        serialization_library="org.openx.data.jsonserde.JsonSerDe"
                    ),
                ),
            ),
        )
        table.node.add_dependency(database)
        athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=f"hasivu-{environment.name}-analytics",
            description="Questions about the history",
            state="ENABLED",
            work_group_configuration=athena.CfnWorkGroup.WorkGroupConfigurationProperty(
                enforce_work_group_configuration=True,
                publish_cloud_watch_metrics_enabled=True,
                bytes_scanned_cutoff_per_query=SCANNED_BYTES_MAX,
                result_configuration=athena.CfnWorkGroup.ResultConfigurationProperty(
                    output_location=f"s3://{bucket.bucket_name}/{ANSWERS_PREFIX}/",
                    encryption_configuration=athena.CfnWorkGroup.EncryptionConfigurationProperty(
                        encryption_option="SSE_KMS", kms_key=key.key_arn
                    ),
                ),
            ),
        )


def _columns() -> list[glue.CfnTable.ColumnProperty]:
    kinds = {"string": TEXTS, "bigint": NUMBERS, "boolean": FLAGS}
    return [
        glue.CfnTable.ColumnProperty(name=name, type=kind) for kind, names in kinds.items() for name in names
    ]
