"""Returns in DynamoDB: an item for each gateway payment, in its payment's partition, and pointers to refunds.

``PAYMENT#…`` / ``RETURNS#pay_…`` holds the refunds and disputes of a gateway payment; ``REFUND#rfd_…`` points
to it; ``DISPUTES#sch_…`` / ``disp_…`` shows a dispute to its school.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.payments.disputes.model import Dispute
from runtime.payments.pages import read_sort, write_sort
from runtime.payments.refunds.rules import to_be_asked
from runtime.payments.returns.model import Returns
from runtime.platform.dynamodb import Item, Transaction, from_item, get_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LABEL_RETURNS = "returns"
OPEN_RETURNS = "returns"
"""Under what returns stand in the index of what is swept, while the gateway has to be asked about them."""


@dataclass(frozen=True, slots=True)
class DisputeAtSchool:
    """A dispute with the payment that it is about."""

    payment_id: str
    dispute: Dispute


@dataclass(frozen=True, slots=True)
class DisputesPage:
    """Disputes, the newest first (the gateway's identifiers begin with the time), and where the next page
    begins."""

    disputes: tuple[DisputeAtSchool, ...]
    next_cursor: str | None


class ReturnsRepository:
    """Reads returns, and writes them within a transaction."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, payment_id: str, gateway_payment_id: str) -> Returns | None:
        """The returns of a gateway payment, or None while there were none."""
        item = get_item(self._client, self._table, _key(payment_id, gateway_payment_id))
        return None if item is None else Returns.model_validate(item)

    def find_refund(self, refund_id: str) -> Returns | None:
        """The returns that a refund is one of, or None when it is not ours."""
        pointer = get_item(self._client, self._table, _pointer_key(refund_id))
        if pointer is None:
            return None
        return self.get(pointer["payment_id"], pointer["gateway_payment_id"])

    def put_in(self, transaction: Transaction, before: Returns, after: Returns, *, updated_at: str) -> None:
        """Write ``after`` in place of ``before`` if nobody changed it since, with the pointers to what is new
        in it. Its version is raised by one here. ``updated_at`` is the moment (UTC) of the change."""
        gateway_payment_id = after.book.gateway_payment_id
        item = {
            **_key(after.payment_id, gateway_payment_id),
            **after.model_dump(mode="json"),
            "version": before.version + 1,
            "open_status": OPEN_RETURNS if to_be_asked(after.book) else None,
            "updated_at": updated_at,
        }
        if before.version == 0:
            transaction.put(LABEL_RETURNS, self._table, item, condition="attribute_not_exists(pk)")
        else:
            transaction.put(
                LABEL_RETURNS,
                self._table,
                item,
                condition="version = :previous",
                values={":previous": before.version},
            )
        for refund_id in _refund_ids(after) - _refund_ids(before):
            transaction.put(
                f"refund:{refund_id}",
                self._table,
                {
                    **_pointer_key(refund_id),
                    "payment_id": after.payment_id,
                    "gateway_payment_id": gateway_payment_id,
                },
                condition="attribute_not_exists(pk)",
            )
        for dispute_id, dispute in after.disputes.items():
            if dispute != before.disputes.get(dispute_id):
                self._show_in(transaction, after, dispute)

    def disputes_of(self, school_id: str, *, limit: int, cursor: str | None) -> DisputesPage:
        """Disputes about payments of a school, the newest first. Raises Problem ``cursor-invalid``."""
        call: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :school",
            "ExpressionAttributeValues": to_item({":school": _school(school_id)}),
            "ScanIndexForward": False,
            "Limit": limit,
            "ConsistentRead": True,
        }
        if cursor is not None:
            call["ExclusiveStartKey"] = to_item({"pk": _school(school_id), "sk": read_sort(cursor, "disp_")})
        response = self._client.query(**call)
        last = response.get("LastEvaluatedKey")
        return DisputesPage(
            disputes=tuple(_shown(from_item(item)) for item in response["Items"]),
            next_cursor=write_sort(from_item(last)["sk"]) if last else None,
        )

    def _show_in(self, transaction: Transaction, returns: Returns, dispute: Dispute) -> None:
        """The dispute as its school lists it. What stands in the returns decides; both change together."""
        transaction.put(
            f"dispute:{dispute.dispute_id}",
            self._table,
            {
                "pk": _school(returns.school_id),
                "sk": dispute.dispute_id,
                "payment_id": returns.payment_id,
                "dispute": dispute.model_dump(mode="json"),
            },
            condition="attribute_not_exists(pk) OR payment_id = :payment_id",
            values={":payment_id": returns.payment_id},
        )


def _refund_ids(returns: Returns) -> set[str]:
    """The identifiers of refunds by which callers may ask: ours, and the gateway's where we did not ask."""
    theirs = {
        refund.gateway_refund_id
        for refund in returns.book.refunds.values()
        if refund.request_id not in returns.book.requests
    }
    return set(returns.book.requests) | theirs


def _shown(item: Item) -> DisputeAtSchool:
    return DisputeAtSchool(item["payment_id"], Dispute.model_validate(item["dispute"]))


def _key(payment_id: str, gateway_payment_id: str) -> Item:
    return {"pk": f"PAYMENT#{payment_id}", "sk": f"RETURNS#{gateway_payment_id}"}


def _pointer_key(refund_id: str) -> Item:
    return {"pk": f"REFUND#{refund_id}", "sk": "REFUND"}


def _school(school_id: str) -> str:
    return f"DISPUTES#{school_id}"
