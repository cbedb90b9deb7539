"""The tables of these tests have the keys of the tables that are deployed."""

import os

# Read once by the Node process that jsii starts on the first import of aws_cdk.
os.environ["CDK_VALIDATION"] = "false"

from datetime import date
from typing import Any

from aws_cdk.assertions import Template

from stacks.data import DataStack
from stacks.environment_file import load_environment
from stacks.house_app import ROOT, HouseApp
from stacks.recovery import RecoveryStack
from tests.integration.tables import TABLE_SHAPES, TableShape

PHYSICAL_NAMES = {"webhook_events": "payment-webhook-idempotency-sandbox"}


def keys(schema: list[dict[str, str]]) -> tuple[str, str | None]:
    by_kind = {key["KeyType"]: key["AttributeName"] for key in schema}
    return by_kind["HASH"], by_kind.get("RANGE")


def shape(properties: dict[str, Any]) -> TableShape:
    indexes = [
        (index["IndexName"], *keys(index["KeySchema"]))
        for index in properties.get("GlobalSecondaryIndexes", [])
    ]
    return TableShape(*keys(properties["KeySchema"]), tuple(indexes))


def test_the_tables_of_the_tests_are_those_that_are_deployed() -> None:
    environment = load_environment(
        "sandbox",
        directory=ROOT / "environments",
        today=date(2026, 11, 25),
    )
    app = HouseApp()
    recovery = RecoveryStack(app, "Recovery", environment=environment, copy=None)
    stack = DataStack(app, "Data", environment=environment, recovery=recovery)
    tables = Template.from_stack(stack).find_resources("AWS::DynamoDB::Table").values()
    deployed = {table["Properties"]["TableName"]: shape(table["Properties"]) for table in tables}
    tested = {
        PHYSICAL_NAMES.get(name, f"hasivu-sandbox-{name.replace('_', '-')}"): table_shape
        for name, table_shape in TABLE_SHAPES.items()
    }
    assert tested == deployed
