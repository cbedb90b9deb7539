"""A world for each test: empty tables, one school, one parent."""

from typing import TYPE_CHECKING

import pytest

from tests.integration.notifications.world import World
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> World:
    """The dispatcher, with nothing sent yet."""
    return World(tables, dynamodb)
