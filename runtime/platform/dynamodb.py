"""DynamoDB as this project uses it: integers only, conditional writes, one transaction per change.

The boto3 serialiser would turn every number into a Decimal and accept floats by way of it; this one knows
text, integers, booleans, null, lists and maps, so that a float cannot reach storage at all.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from runtime.platform.errors import CONCURRENT_CHANGE, Problem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Item = dict[str, Any]
"""An item with plain Python values."""

TRANSACTION_ITEMS_MAX = 100
BATCH_KEYS_MAX = 100
BATCH_CALLS_MAX = 8
_CONFLICT_ATTEMPTS_MAX = 5
_CONFLICT_PAUSE_S = 0.02


class ItemsNotRead(Exception):
    """A table kept leaving out some of the items that were asked for; the SDK's own pauses did not help."""


class ConditionFailed(Exception):
    """A conditional write met another state than it demands.

    ``labels`` name the writes whose condition failed; ``existing`` holds the item found, where asked for.
    """

    def __init__(self, labels: tuple[str, ...], existing: Item | None = None) -> None:
        super().__init__(f"condition failed: {', '.join(labels)}")
        self.labels = labels
        self.existing = existing


def to_attribute(value: object) -> dict[str, Any]:
    """``value`` as a DynamoDB attribute. Raises TypeError for anything that is not stored here, floats above
    all."""
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, int):
        return {"N": str(value)}
    if isinstance(value, Mapping):
        return {"M": {str(name): to_attribute(member) for name, member in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [to_attribute(member) for member in value]}
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The value that :func:`to_attribute` wrote."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "NULL":
            return None
        case "M":
            return {name: from_attribute(member) for name, member in value.items()}
        case "L":
            return [from_attribute(member) for member in value]
        case _:
            raise TypeError(f"an attribute of type {kind} is not one of ours")


def to_item(values: Mapping[str, object]) -> dict[str, Any]:
    """Plain values as a DynamoDB item; a value of None at the top is left out, so that sparse indexes stay
    sparse."""
    return {name: to_attribute(value) for name, value in values.items() if value is not None}


def from_item(item: Mapping[str, Any]) -> Item:
    """A DynamoDB item as plain values."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


@dataclass(slots=True)
class Transaction:
    """Writes that happen together or not at all.

    Money moves only so: the new state, its journal lines, the audit line and the event of a change are
    the writes of one transaction.
    """

    client: "DynamoDBClient"
    sleep: Callable[[float], None] = time.sleep
    _writes: list[Any] = field(default_factory=list)
    _labels: list[str] = field(default_factory=list)

    def put(
        self,
        label: str,
        table: str,
        item: Mapping[str, object],
        *,
        condition: str | None,
        values: Mapping[str, object] | None = None,
    ) -> None:
        """Put ``item`` if ``condition`` holds; None asks nothing of what is there. ``values`` are its
        placeholders (``:name``)."""
        put: dict[str, Any] = {"TableName": table, "Item": to_item(item)}
        if condition is not None:
            put["ConditionExpression"] = condition
        if values:
            put["ExpressionAttributeValues"] = to_item(values)
        self._add(label, {"Put": put})

    def update(
        self,
        label: str,
        table: str,
        key: Mapping[str, object],
        *,
        expression: str,
        condition: str | None,
        values: Mapping[str, object],
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Update the item at ``key`` by ``expression`` if ``condition`` holds; None asks nothing of it."""
        update: dict[str, Any] = {
            "TableName": table,
            "Key": to_item(key),
            "UpdateExpression": expression,
            "ExpressionAttributeValues": to_item(values),
        }
        if condition is not None:
            update["ConditionExpression"] = condition
        if names:
            update["ExpressionAttributeNames"] = dict(names)
        self._add(label, {"Update": update})

    def commit(self) -> None:
        """Write all of it.

        Raises ConditionFailed naming the writes whose condition did not hold, and Problem
        ``concurrent-change`` when other transactions kept touching the same items. boto3 sends one
        client request token for all attempts of a call, so its own retries cannot write twice.
        """
        for attempt in range(1, _CONFLICT_ATTEMPTS_MAX + 1):
            try:
                self.client.transact_write_items(TransactItems=self._writes)
                return
            except self.client.exceptions.TransactionCanceledException as error:
                reasons = [
                    reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])
                ]
                failed = tuple(
                    label
                    for label, code in zip(self._labels, reasons, strict=False)
                    if code == "ConditionalCheckFailed"
                )
                if failed:
                    raise ConditionFailed(failed) from None
                if "TransactionConflict" not in reasons:
                    raise
                if attempt < _CONFLICT_ATTEMPTS_MAX:
                    self.sleep(_CONFLICT_PAUSE_S * 2**attempt)
        raise Problem(CONCURRENT_CHANGE, "Other changes to the same payment did not pause.", retry_after_s=1)

    def _add(self, label: str, write: dict[str, Any]) -> None:
        if len(self._writes) >= TRANSACTION_ITEMS_MAX:
            raise ValueError(f"a transaction holds at most {TRANSACTION_ITEMS_MAX} writes")
        self._writes.append(write)
        self._labels.append(label)


def get_item(
    client: "DynamoDBClient", table: str, key: Mapping[str, object], *, consistent: bool = True
) -> Item | None:
    """The item at ``key``, or None; read consistently unless told otherwise."""
    response = client.get_item(TableName=table, Key=to_item(key), ConsistentRead=consistent)
    found = response.get("Item")
    return None if found is None else from_item(found)


def get_items(client: "DynamoDBClient", table: str, keys: Sequence[Mapping[str, object]]) -> tuple[Item, ...]:
    """The items that are there at ``keys`` (different ones), in any order; read consistently, a hundred at a
    time. What a throttled table leaves out is asked for again; raises ItemsNotRead if it keeps doing so."""
    found: list[Item] = []
    for first in range(0, len(keys), BATCH_KEYS_MAX):
        left: list[dict[str, Any]] = [to_item(key) for key in keys[first : first + BATCH_KEYS_MAX]]
        for _ in range(BATCH_CALLS_MAX):
            response = client.batch_get_item(RequestItems={table: {"Keys": left, "ConsistentRead": True}})
            found.extend(from_item(item) for item in response["Responses"].get(table, []))
            unprocessed: Mapping[str, Any] = response.get("UnprocessedKeys") or {}
            left = list(unprocessed.get(table, {}).get("Keys", ()))
            if not left:
                break
        else:
            raise ItemsNotRead(f"the table left {len(left)} items out")
    return tuple(found)


def put_item_if(
    client: "DynamoDBClient",
    table: str,
    item: Mapping[str, object],
    *,
    condition: str,
    values: Mapping[str, object] | None = None,
    names: Mapping[str, str] | None = None,
) -> None:
    """Put ``item`` if ``condition`` holds. Raises ConditionFailed with the existing item otherwise."""
    call: dict[str, Any] = {
        "TableName": table,
        "Item": to_item(item),
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if values:
        call["ExpressionAttributeValues"] = to_item(values)
    if names:
        call["ExpressionAttributeNames"] = dict(names)
    try:
        client.put_item(**call)
    except ClientError as error:
        raise _as_condition_failed(error) from None


def update_item_if(
    client: "DynamoDBClient",
    table: str,
    key: Mapping[str, object],
    *,
    expression: str,
    condition: str,
    values: Mapping[str, object],
    names: Mapping[str, str] | None = None,
) -> None:
    """Update the item at ``key`` if ``condition`` holds. Raises ConditionFailed with the existing item
    otherwise."""
    call: dict[str, Any] = {
        "TableName": table,
        "Key": to_item(key),
        "UpdateExpression": expression,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": to_item(values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if names:
        call["ExpressionAttributeNames"] = dict(names)
    try:
        client.update_item(**call)
    except ClientError as error:
        raise _as_condition_failed(error) from None


def _as_condition_failed(error: ClientError) -> Exception:
    if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
        return error
    found: Mapping[str, Any] | None = error.response.get("Item")  # type: ignore[assignment]  # absent from the stubs
    return ConditionFailed(("item",), from_item(found) if found else None)
