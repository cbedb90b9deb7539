"""The house's constructs refuse what would break their promise."""

import json
from pathlib import Path

import pytest
from aws_cdk import aws_iam as iam

from stacks.constructs.customer_key import CustomerKey
from stacks.constructs.durable_table import DurableTable, Index
from stacks.environment_file import load_environment
from stacks.house_app import ROOT, HouseApp
from stacks.house_stack import HouseStack
from tests.assemblies import TODAY
from tests.infra.assembly import Assembly, read_assembly


class Toy:
    """A stack with one append-only table and a role."""

    def __init__(self, output: Path) -> None:
        self._output = output
        self._app = HouseApp(output=output)
        environment = load_environment("dev", directory=ROOT / "environments", today=TODAY)
        stack = HouseStack(self._app, "Toy", environment=environment, description="A toy", stateful=True)
        key = CustomerKey(stack, "Key", environment=environment, purpose="toy", description="A toy's key")
        self.role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        self.table = DurableTable(
            stack,
            "Table",
            environment=environment,
            name="toy",
            key=key,
            partition="id",
            indexes=(Index("by_day", "day"),),
            append_only=True,
        )

    def assembly(self) -> Assembly:
        self._app.synth()
        return read_assembly("dev", self._output)


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    return Toy(tmp_path)


@pytest.mark.parametrize("action", ["UpdateItem", "DeleteItem", "BatchWriteItem", "PartiQLUpdate"])
def test_an_append_only_table_cannot_allow_a_change(toy: Toy, action: str) -> None:
    with pytest.raises(ValueError, match=f"append only: it cannot allow dynamodb:{action}"):
        toy.table.allow(toy.role, "GetItem", action)


def test_an_index_that_the_table_has_not_cannot_be_queried(toy: Toy) -> None:
    with pytest.raises(ValueError, match="has no index by_moon"):
        toy.table.allow_query(toy.role, "by_day", "by_moon")


def test_who_may_only_query_an_append_only_table_is_denied_to_change_it_too(toy: Toy) -> None:
    toy.table.allow_query(toy.role, "by_day")

    ((_role, statements),) = toy.assembly().identity_policies()

    assert {(item.effect, "dynamodb:UpdateItem" in item.actions) for item in statements} >= {("Deny", True)}


def test_who_only_reads_cannot_encrypt(toy: Toy) -> None:
    toy.table.allow(toy.role, "GetItem")

    ((_role, statements),) = toy.assembly().identity_policies()

    allowed = json.dumps([sorted(item.actions) for item in statements if item.effect == "Allow"])
    assert "kms:Decrypt" in allowed
    assert "kms:Encrypt" not in allowed
    assert "kms:GenerateDataKey" not in allowed
