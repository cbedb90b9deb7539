"""A world for each test: empty tables, one school, a gateway in good weather."""

from typing import TYPE_CHECKING

import pytest

from tests.integration.payments.debits import Desk
from tests.integration.payments.world import World
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> World:
    """The payment functions with nothing behind them yet."""
    return World(tables, dynamodb)


@pytest.fixture
def desk(world: World) -> Desk:
    """payments-retry in that world."""
    return Desk(world)
