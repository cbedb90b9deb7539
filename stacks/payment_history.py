"""How the history of payments is asked: tables of the Glue catalogue over its lines and its Parquet, and
Athena."""

from collections.abc import Mapping

from aws_cdk import aws_athena as athena
from aws_cdk import aws_glue as glue
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from stacks.environment import Environment
from stacks.payment_questions import COLUMNS, questions

LINES_PREFIX = "payments"
"""Where in the analytics bucket payments-analytics writes the lines."""

COMPACTED_PREFIX = "compacted"
"""Where in the same bucket Athena writes the Parquet."""

ANSWERS_PREFIX = "athena"
"""Where in the same bucket Athena puts its answers."""

LINES, RECENT, COMPACTED = "payment_events", "payment_events_recent", "payment_events_compacted"

SCANNED_BYTES_MAX = 10 * 1024**3
"""What one question may read: years of history, and some five rupees."""


def _projected_days(name: str) -> dict[str, str]:
    return {
        f"projection.{name}.type": "date",
        f"projection.{name}.format": "yyyy-MM-dd",
        f"projection.{name}.range": "2026-01-01,NOW+1DAYS",
        f"projection.{name}.interval": "1",
        f"projection.{name}.interval.unit": "DAYS",
    }


PROJECTION = {
    "classification": "json",
    "projection.enabled": "true",
    **_projected_days("arrived"),
    **_projected_days("dt"),
}
"""https://docs.aws.amazon.com/athena/latest/ug/partition-projection-supported-types.html

NOW is in UTC, and India is a day ahead from half past six in the evening. Without a template of its own a
part is where Hive has it: ``arrived=2026-04-02/dt=2026-04-01/`` below the table's location. Of the table of
recent lines payments-analytics moves the first day of arrival on, every night; a deployment that changes the
table moves it back, which costs reading until the next night and changes no figure.
"""

_HIVE = "org.apache.hadoop.hive.ql.io"
JSON_LINES = (
    "org.apache.hadoop.mapred.TextInputFormat",
    f"{_HIVE}.HiveIgnoreKeyTextOutputFormat",
    "org.openx.data.jsonserde.JsonSerDe",
)
PARQUET = (
    f"{_HIVE}.parquet.MapredParquetInputFormat",
    f"{_HIVE}.parquet.MapredParquetOutputFormat",
    f"{_HIVE}.parquet.serde.ParquetHiveSerDe",
)
"""A format: its reader, its writer, and what understands its rows."""


class PaymentHistory(Construct):
    """The database ``hasivu_{env}`` with its three tables, the workgroup ``hasivu-{env}-analytics``, and in
    it the standard questions.

    ``payment_events`` are all lines, ``payment_events_recent`` those that arrived since the last night:
    their days are projected, not crawled, so that a line can be asked for as soon as it is written.
    ``payment_events_compacted`` is the Parquet: its partitions are facts of the catalogue, for a day is
    replaced by leading its partition elsewhere.
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
        self._bucket, self._account = bucket, account
        self.database_name = f"hasivu_{environment.name}"
        self.workgroup_name = f"hasivu-{environment.name}-analytics"
        self._database = glue.CfnDatabase(
            self,
            "Database",
            catalog_id=account,
            database_input=glue.CfnDatabase.DatabaseInputProperty(
                name=self.database_name, description="What happened, for Athena"
            ),
        )
        for construct, name, description in (
            ("PaymentEvents", LINES, "Events of payments as they arrived; take each event_id once"),
            ("RecentEvents", RECENT, "The same that arrived since the last night; take each event_id once"),
        ):
            self._table(
                construct,
                name,
                description,
                prefix=LINES_PREFIX,
                written_as=JSON_LINES,
                parts=("arrived", "dt"),
                parameters=PROJECTION,
            )
        self._table(
            "CompactedEvents",
            COMPACTED,
            "Events of payments in Parquet, each event_id once; read recent lines beside it",
            prefix=COMPACTED_PREFIX,
            written_as=PARQUET,
            parts=("dt",),
            parameters={"classification": "parquet"},
        )
        workgroup = athena.CfnWorkGroup(
            self,
            "WorkGroup",
            name=self.workgroup_name,
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
        for question in questions():
            asked = athena.CfnNamedQuery(
                self,
                "".join(word.capitalize() for word in question.name.split("-")),
                database=self.database_name,
                name=question.name,
                description=question.description,
                query_string=question.sql,
                work_group=self.workgroup_name,
            )
            asked.node.add_dependency(workgroup)

    def _table(
        self,
        construct_id: str,
        name: str,
        description: str,
        *,
        prefix: str,
        written_as: tuple[str, str, str],
        parts: tuple[str, ...],
        parameters: Mapping[str, str],
    ) -> None:
        reader, writer, rows = written_as
        table = glue.CfnTable(
            self,
            construct_id,
            catalog_id=self._account,
            database_name=self.database_name,
            table_input=glue.CfnTable.TableInputProperty(
                name=name,
                description=description,
                table_type="EXTERNAL_TABLE",
                parameters=parameters,
                partition_keys=[glue.CfnTable.ColumnProperty(name=part, type="string") for part in parts],
                storage_descriptor=glue.CfnTable.StorageDescriptorProperty(
                    columns=[
                        glue.CfnTable.ColumnProperty(name=column, type=kind)
                        for column, kind in COLUMNS.items()
                    ],
                    location=f"s3://{self._bucket.bucket_name}/{prefix}/",
                    input_format=reader,
                    output_format=writer,
                    serde_info=glue.CfnTable.SerdeInfoProperty(serialization_library=rows),
                ),
            ),
        )
        table.node.add_dependency(self._database)
