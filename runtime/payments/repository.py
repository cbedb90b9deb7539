"""Payments in DynamoDB: one item for a payment, one that points from the gateway's order to it."""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.payments.model import OPEN_STATUSES, Payment
from runtime.platform.dynamodb import Item, Transaction, from_item, get_item, to_item
from runtime.platform.errors import CURSOR_INVALID, Problem

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_SCHOOL = "by_school"
BY_PAYER = "by_payer"
LABEL_PAYMENT = "payment"
LABEL_ORDER = "order"
_INDEX_ONLY = frozenset({"pk", "sk", "created_key", "open_status"})


@dataclass(frozen=True, slots=True)
class Page:
    """Payments, newest first, and where the next page begins."""

    payments: tuple[Payment, ...]
    next_cursor: str | None


class PaymentRepository:
    """Reads payments, and writes them within a transaction."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, payment_id: str) -> Payment | None:
        """The payment, or None."""
        item = get_item(self._client, self._table, _key("PAYMENT", payment_id))
        return None if item is None else read_payment(item)

    def get_by_order(self, order_id: str) -> Payment | None:
        """The payment that the gateway's order belongs to, or None when the order is not ours."""
        pointer = get_item(self._client, self._table, _key("ORDER", order_id))
        return None if pointer is None else self.get(pointer["payment_id"])

    def put_in(self, transaction: Transaction, payment: Payment) -> None:
        """Write ``payment`` if nobody changed it since: the stored version must be one less (absent for
        1)."""
        document = payment.model_dump(mode="json")
        item: dict[str, object] = {
            **_key("PAYMENT", payment.payment_id),
            **document,
            "created_key": f"{payment.created_at}#{payment.payment_id}",
            "open_status": payment.status.value if payment.status in OPEN_STATUSES else None,
        }
        if payment.version == 1:
            transaction.put(LABEL_PAYMENT, self._table, item, condition="attribute_not_exists(pk)")
        else:
            transaction.put(
                LABEL_PAYMENT,
                self._table,
                item,
                condition="version = :previous",
                values={":previous": payment.version - 1},
            )

    def point_in(self, transaction: Transaction, order_id: str, payment_id: str) -> None:
        """Write the pointer from an order to its payment; an order never moves to another."""
        transaction.put(
            LABEL_ORDER,
            self._table,
            {**_key("ORDER", order_id), "payment_id": payment_id},
            condition="attribute_not_exists(pk) OR payment_id = :payment_id",
            values={":payment_id": payment_id},
        )

    def list_by_school(self, school_id: str, *, limit: int, cursor: str | None) -> Page:
        """Payments of a school, newest first. Raises Problem ``cursor-invalid``."""
        return self._list(BY_SCHOOL, "school_id", school_id, limit, cursor)

    def list_by_payer(self, payer_id: str, *, limit: int, cursor: str | None) -> Page:
        """Payments of a payer, newest first. Raises Problem ``cursor-invalid``."""
        return self._list(BY_PAYER, "payer_id", payer_id, limit, cursor)

    def _list(self, index: str, attribute: str, value: str, limit: int, cursor: str | None) -> Page:
        call: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": index,
            "KeyConditionExpression": f"{attribute} = :value",
            "ExpressionAttributeValues": to_item({":value": value}),
            "ScanIndexForward": False,
            "Limit": limit,
        }
        if cursor is not None:
            call["ExclusiveStartKey"] = to_item(_read_cursor(cursor, attribute, value))
        response = self._client.query(**call)
        last = response.get("LastEvaluatedKey")
        return Page(
            payments=tuple(read_payment(from_item(item)) for item in response["Items"]),
            next_cursor=_write_cursor(from_item(last)) if last else None,
        )


def _key(kind: str, identifier: str) -> dict[str, str]:
    return {"pk": f"{kind}#{identifier}", "sk": kind}


def read_payment(item: Item) -> Payment:
    """The payment that an item of the table holds."""
    return Payment.model_validate({name: value for name, value in item.items() if name not in _INDEX_ONLY})


def _write_cursor(key: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":"), sort_keys=True).encode()).decode()


def _read_cursor(cursor: str, attribute: str, value: str) -> dict[str, str]:
    """The position that a cursor names. A cursor of another list, or a forged one, is refused: what a caller
    may see is decided by the list, never by the cursor."""
    refusal = Problem(CURSOR_INVALID, "The cursor does not belong to this list.")
    try:
        key = json.loads(base64.b64decode(cursor.encode("ascii"), altchars=b"-_", validate=True))
        json.dumps(key, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (UnicodeError, binascii.Error, ValueError, RecursionError):
        raise refusal from None
    names = {"pk", "sk", "created_key", attribute}
    if not isinstance(key, dict) or set(key) != names or key[attribute] != value:
        raise refusal
    if not all(isinstance(part, str) and part for part in key.values()):
        raise refusal
    return key
