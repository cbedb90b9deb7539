"""Payment links in the table of payments: an item for a link, one that points from the gateway's order to it.

In the indexes a school's links stand under ``LINKS#`` and its id, so that the lists of payments and of links
stay apart. Those that are open stand in ``by_open_status`` under ``link:`` and their status. Those whose
payers are to be reminded are found by the sparse index of what is due, in partitions of their own.
"""

import zlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from runtime.payments.links.model import OPEN_STATUSES, PaymentLink
from runtime.payments.links.reminders.rules import next_due
from runtime.payments.links.rules import link_status
from runtime.payments.pages import IndexPage, query_page
from runtime.platform.clock import iso
from runtime.platform.dynamodb import Item, Transaction, from_item, get_item, to_item

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

LABEL_LINK = "link"
LABEL_LINK_ORDER = "link-order"
LABELS = frozenset({LABEL_LINK, LABEL_LINK_ORDER})
"""The writes of links; one whose condition fails means that somebody was faster: read again."""

BY_DUE = "by_due"
BUCKETS = 2
DUE_PAGE_MAX = 100

_OWNER = "LINKS#"
_OPEN = "link:"


class LinkRepository:
    """Reads links, and writes them within a transaction."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, link_id: str) -> PaymentLink | None:
        """The link, or None."""
        item = get_item(self._client, self._table, _key("LINK", link_id))
        return None if item is None else _link(item)

    def get_by_order(self, order_id: str) -> PaymentLink | None:
        """The link that the gateway's order is behind, or None when there is none of ours."""
        pointer = get_item(self._client, self._table, _key("ORDER", order_id))
        return None if pointer is None or "link_id" not in pointer else self.get(pointer["link_id"])

    def put_in(
        self, transaction: Transaction, before: PaymentLink | None, after: PaymentLink, now: "datetime"
    ) -> PaymentLink:
        """Write ``after`` in place of ``before`` if nobody changed it since, with the pointer from its order
        once that is known; gives it as stored."""
        version = before.version if before is not None else 0
        stored = after.model_copy(update={"version": version + 1, "updated_at": iso(now)})
        status, due = link_status(stored), next_due(stored)
        item = {
            **_key("LINK", stored.link_id),
            "school_id": _OWNER + stored.school_id,
            "payer_id": _OWNER + stored.payer_id,
            "created_key": f"{stored.created_at}#{stored.link_id}",
            "open_status": f"{_OPEN}{status.value}" if status in OPEN_STATUSES else None,
            "updated_at": stored.updated_at,
            "retry_due": None if due is None else _bucket(stored.link_id),
            "due_at": None if due is None else iso(due),
            "version": stored.version,
            "link": stored.model_dump(mode="json"),
        }
        if version == 0:
            transaction.put(LABEL_LINK, self._table, item, condition="attribute_not_exists(pk)")
        else:
            transaction.put(
                LABEL_LINK,
                self._table,
                item,
                condition="version = :previous",
                values={":previous": version},
            )
        if stored.order_id is not None and (before is None or before.order_id is None):
            transaction.put(
                LABEL_LINK_ORDER,
                self._table,
                {**_key("ORDER", stored.order_id), "link_id": stored.link_id},
                condition="attribute_not_exists(pk) OR link_id = :link_id",
                values={":link_id": stored.link_id},
            )
        return stored

    def list_by_school(
        self, school_id: str, *, limit: int, cursor: str | None
    ) -> tuple[tuple[PaymentLink, ...], str | None]:
        """Links of a school, newest first, and where the next page begins. Raises ``cursor-invalid``."""
        return self._page("by_school", "school_id", school_id, limit, cursor)

    def list_by_payer(
        self, payer_id: str, *, limit: int, cursor: str | None
    ) -> tuple[tuple[PaymentLink, ...], str | None]:
        """Links of a payer, newest first, and where the next page begins. Raises ``cursor-invalid``."""
        return self._page("by_payer", "payer_id", payer_id, limit, cursor)

    def due(self, now: "datetime") -> Iterator[str]:
        """The links whose payers are to be reminded, the longest due first, read as they are asked for. The
        index lags behind a little: who works on one looks again."""
        for found in zip_longest(*(self._due_in(f"link-{number}", now) for number in range(BUCKETS))):
            yield from filter(None, found)

    def _due_in(self, bucket: str, now: "datetime") -> Iterator[str]:
        call: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": BY_DUE,
            "KeyConditionExpression": "retry_due = :bucket AND due_at <= :now",
            "ExpressionAttributeValues": to_item({":bucket": bucket, ":now": iso(now)}),
            "Limit": DUE_PAGE_MAX,
        }
        while True:
            answer = self._client.query(**call)
            for item in answer["Items"]:
                yield _link(from_item(item)).link_id
            if "LastEvaluatedKey" not in answer:
                return
            call["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _page(
        self, index: str, attribute: str, owner: str, limit: int, cursor: str | None
    ) -> tuple[tuple[PaymentLink, ...], str | None]:
        page: IndexPage = query_page(
            self._client,
            self._table,
            index=index,
            attribute=attribute,
            value=_OWNER + owner,
            limit=limit,
            cursor=cursor,
        )
        return tuple(_link(item) for item in page.items), page.next_cursor


def _key(kind: str, identifier: str) -> dict[str, str]:
    return {"pk": f"{kind}#{identifier}", "sk": kind}


def _bucket(link_id: str) -> str:
    return f"link-{zlib.crc32(link_id.encode()) % BUCKETS}"


def _link(item: Item) -> PaymentLink:
    return PaymentLink.model_validate(item["link"])
