"""Pages of an index, newest first, and the cursors between them."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.platform.dynamodb import Item, from_item, to_item
from runtime.platform.errors import CURSOR_INVALID, Problem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


_SORT_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class IndexPage:
    """Items, newest first, and where the next page begins."""

    items: tuple[Item, ...]
    next_cursor: str | None


def query_page(
    client: "DynamoDBClient",
    table: str,
    *,
    index: str,
    attribute: str,
    value: str,
    limit: int,
    cursor: str | None,
) -> IndexPage:
    """At most ``limit`` items of an index whose ``attribute`` is ``value``, sorted by ``created_key``.

    Raises Problem ``cursor-invalid``.
    """
    call: dict[str, Any] = {
        "TableName": table,
        "IndexName": index,
        "KeyConditionExpression": f"{attribute} = :value",
        "ExpressionAttributeValues": to_item({":value": value}),
        "ScanIndexForward": False,
        "Limit": limit,
    }
    if cursor is not None:
        call["ExclusiveStartKey"] = to_item(_read_cursor(cursor, attribute, value))
    response = client.query(**call)
    last = response.get("LastEvaluatedKey")
    return IndexPage(
        items=tuple(from_item(item) for item in response["Items"]),
        next_cursor=_write_cursor(from_item(last)) if last else None,
    )


def write_sort(sort: str) -> str:
    """The cursor behind an item of a partition that is the caller's own: its sort key."""
    return base64.urlsafe_b64encode(sort.encode()).decode()


def read_sort(cursor: str, prefix: str) -> str:
    """The sort key after which a page begins; the list is the caller's own, so the cursor opens nothing.

    Raises Problem ``cursor-invalid`` for one that does not begin with ``prefix``.
    """
    try:
        sort = _decoded(cursor).decode("ascii")
    except ValueError:
        raise _refusal() from None
    if not sort.startswith(prefix) or len(sort) > _SORT_LENGTH_MAX:
        raise _refusal()
    return sort


def _decoded(cursor: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True)


def _refusal() -> Problem:
    return Problem(CURSOR_INVALID, "The cursor does not belong to this list.")


def _write_cursor(key: Mapping[str, Any]) -> str:
    return write_sort(json.dumps(key, separators=(",", ":"), sort_keys=True))


def _read_cursor(cursor: str, attribute: str, value: str) -> dict[str, str]:
    """The position that a cursor names. A cursor of another list, or a forged one, is refused: what a caller
    may see is decided by the list, never by the cursor."""
    try:
        key = json.loads(_decoded(cursor))
        json.dumps(key, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError):
        raise _refusal() from None
    names = {"pk", "sk", "created_key", attribute}
    if not isinstance(key, dict) or set(key) != names or key[attribute] != value:
        raise _refusal()
    if not all(isinstance(part, str) and part for part in key.values()):
        raise _refusal()
    return key
