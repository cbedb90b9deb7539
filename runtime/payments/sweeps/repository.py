"""Open payments and returns in the order of their last change, and how far the sweeps have come."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.payments.model import Payment
from runtime.payments.repository import read_payment
from runtime.payments.returns.model import Returns
from runtime.payments.returns.repository import OPEN_RETURNS
from runtime.payments.sweeps.rules import Lane, Open
from runtime.platform.dynamodb import Item, from_item, get_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_OPEN_STATUS = "by_open_status"
_ONLY_KEYS = ("pk", "sk", "open_status", "updated_at")

Position = dict[str, str]
"""The keys of the last payment that was looked at, as the index has them."""


@dataclass(frozen=True, slots=True)
class OpenPage:
    """Open payments or returns with their positions; ``is_last`` where the lane holds no more."""

    found: tuple[tuple[Position, Open], ...]
    is_last: bool


@dataclass(frozen=True, slots=True)
class OpenPayments:
    """Reads open payments from ``payments``, and keeps positions in ``positions`` (the tables' names)."""

    client: "DynamoDBClient"
    payments: str
    positions: str

    def page(self, lane: Lane, bounds: tuple[str, str], after: Position | None, limit: int) -> OpenPage:
        """The next ``limit`` items of a lane within ``bounds`` that come ``after`` a position."""
        call: dict[str, Any] = {
            "TableName": self.payments,
            "IndexName": BY_OPEN_STATUS,
            "KeyConditionExpression": "open_status = :status AND updated_at BETWEEN :from AND :until",
            "ExpressionAttributeValues": to_item(
                {":status": str(lane.status), ":from": bounds[0], ":until": bounds[1]}
            ),
            "Limit": limit,
        }
        if after is not None and bounds[0] <= after["updated_at"] <= bounds[1]:
            call["ExclusiveStartKey"] = to_item(after)
        response = self.client.query(**call)
        items = [from_item(item) for item in response["Items"]]
        return OpenPage(
            tuple(({name: item[name] for name in _ONLY_KEYS}, _read(lane, item)) for item in items),
            is_last="LastEvaluatedKey" not in response,
        )

    def position(self, lane: Lane) -> Position | None:
        """Where the last sweep of a lane stopped; None where it came to the end."""
        item = get_item(self.client, self.positions, _key(lane))
        return None if item is None else item["position"] or None

    def keep(self, lane: Lane, position: Position | None) -> None:
        """Let the next sweep of the lane go on after ``position``, or begin again.

        Of two sweeps at once the later keeps its own; the other's payments are only looked at twice.
        """
        self.client.put_item(
            TableName=self.positions, Item=to_item({**_key(lane), "position": position or {}})
        )


def _read(lane: Lane, item: Item) -> Payment | Returns:
    return Returns.model_validate(item) if lane.status == OPEN_RETURNS else read_payment(item)


def _key(lane: Lane) -> dict[str, str]:
    return {"pk": f"SWEEP#{lane.name}", "sk": "SWEEP"}
