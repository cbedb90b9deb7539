"""Payments in DynamoDB: one item for a payment, one that points from the gateway's order to it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.payments.links.repository import LinkRepository
from runtime.payments.links.rules import part_id
from runtime.payments.model import Payment
from runtime.payments.pages import query_page
from runtime.payments.plans.repository import PlanRepository
from runtime.payments.returns.repository import ReturnsRepository
from runtime.payments.rules import swept_as
from runtime.payments.splits.repository import SplitRepository
from runtime.platform.dynamodb import Item, Transaction, get_item, get_items

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_SCHOOL = "by_school"
BY_PAYER = "by_payer"
LABEL_PAYMENT = "payment"
LABEL_ORDER = "order"
LABEL_RETRY = "retry"
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
        self.returns = ReturnsRepository(client, table)
        self.links = LinkRepository(client, table)
        self.plans = PlanRepository(client, table)
        self.splits = SplitRepository(client, table)
        """What shares the table, because it changes with its payments."""

    @property
    def table(self) -> str:
        """The table's name, for what is kept beside a payment."""
        return self._table

    def get(self, payment_id: str) -> Payment | None:
        """The payment, or None."""
        item = get_item(self._client, self._table, _key("PAYMENT", payment_id))
        return None if item is None else read_payment(item)

    def get_with(self, payment_id: str, beside: str) -> tuple[Payment, Item] | None:
        """The payment and what is kept beside it at the sort key ``beside``, read in one call; None where one
        of them is missing."""
        whole = _key("PAYMENT", payment_id)
        found = {
            item["sk"]: item for item in get_items(self._client, self._table, [whole, whole | {"sk": beside}])
        }
        if len(found) < 2:
            return None
        return read_payment(found[whole["sk"]]), found[beside]

    def get_by_order(self, order_id: str, gateway_payment_id: str | None = None) -> Payment | None:
        """The payment that the gateway's order belongs to, or None when the order is not ours.

        The order behind a payment link belongs to the link, and each gateway payment of it is a payment by
        itself: of those, the one that ``gateway_payment_id`` names.
        """
        pointer = get_item(self._client, self._table, _key("ORDER", order_id)) or {}
        if "payment_id" in pointer:
            return self.get(pointer["payment_id"])
        if "link_id" in pointer and gateway_payment_id is not None:
            return self.get(part_id(pointer["link_id"], gateway_payment_id))
        return None

    def get_all_by_order(self, orders: Collection[tuple[str, str]]) -> dict[str, Payment]:
        """As ``get_by_order`` for many pairs of an order and a gateway payment: our payments by the gateway's
        identifiers; what is not ours is left out."""
        keys = [_key("ORDER", order_id) for order_id in {order_id for order_id, _ in orders}]
        pointers = {item["pk"]: item for item in get_items(self._client, self._table, keys)}
        ours: dict[str, str] = {}
        for order_id, gateway_payment_id in orders:
            pointer = pointers.get(_key("ORDER", order_id)["pk"], {})
            if "payment_id" in pointer:
                ours[gateway_payment_id] = pointer["payment_id"]
            elif "link_id" in pointer:
                ours[gateway_payment_id] = part_id(pointer["link_id"], gateway_payment_id)
        keys = [_key("PAYMENT", payment_id) for payment_id in set(ours.values())]
        found = map(read_payment, get_items(self._client, self._table, keys))
        by_id = {payment.payment_id: payment for payment in found}
        return {name: by_id[payment_id] for name, payment_id in ours.items() if payment_id in by_id}

    def put_in(self, transaction: Transaction, payment: Payment) -> None:
        """Write ``payment`` if nobody changed it since: the stored version must be one less (absent for
        1)."""
        document = payment.model_dump(mode="json")
        item: dict[str, object] = {
            **_key("PAYMENT", payment.payment_id),
            **document,
            "created_key": f"{payment.created_at}#{payment.payment_id}",
            "open_status": swept_as(payment),
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
        page = query_page(
            self._client,
            self._table,
            index=index,
            attribute=attribute,
            value=value,
            limit=limit,
            cursor=cursor,
        )
        return Page(tuple(read_payment(item) for item in page.items), page.next_cursor)


def _key(kind: str, identifier: str) -> dict[str, str]:
    return {"pk": f"{kind}#{identifier}", "sk": kind}


def read_payment(item: Item) -> Payment:
    """The payment that an item of the table holds."""
    return Payment.model_validate({name: value for name, value in item.items() if name not in _INDEX_ONLY})
