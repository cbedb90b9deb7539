"""Schools: the tenants. Whatever happens, happens for one registered school."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.platform.dynamodb import get_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class School:
    """A school: its ``name`` as people read it, and whether it takes payments at present."""

    school_id: str
    name: str
    active: bool


class SchoolRegister:
    """Reads schools."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, school_id: str) -> School | None:
        """The school, or None."""
        item = get_item(self._client, self._table, {"school_id": school_id}, consistent=False)
        return None if item is None else School(item["school_id"], item["name"], item["active"])
