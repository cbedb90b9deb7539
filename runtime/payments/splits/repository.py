"""Splits and split terms in the table of payments.

``PAYMENT#…`` / ``SPLIT#pay_…`` is the split of a gateway payment; ``SPLIT#pay_…`` points to it, for the
gateway's word about a transfer names nothing else of ours. What is due is found by the sparse index of due
debits, in partitions of its own. ``SCHOOL#…`` / ``SPLIT_TERMS`` holds a school's terms.
"""

import zlib
from datetime import datetime
from typing import TYPE_CHECKING

from runtime.payments.splits.record import SplitRecord
from runtime.payments.splits.terms import SchoolTerms
from runtime.platform.clock import iso
from runtime.platform.dynamodb import Item, Transaction, from_item, get_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_DUE = "by_due"
BUCKETS = 2
LABEL_SPLIT, LABEL_TERMS = "split", "split_terms"
LABELS = frozenset({LABEL_SPLIT})
"""The writes of splits; one whose condition fails means that somebody was faster: read again."""

_NEW = "attribute_not_exists(pk)"


class SplitRepository:
    """Reads splits and terms, and writes them within a transaction."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, payment_id: str, gateway_payment_id: str) -> SplitRecord | None:
        """The split of a gateway payment, or None."""
        item = get_item(self._client, self._table, _key(payment_id, gateway_payment_id))
        return None if item is None else SplitRecord.model_validate(item)

    def find(self, gateway_payment_id: str) -> SplitRecord | None:
        """The split of a gateway payment of which nothing else is known, or None when it is not ours."""
        pointer = get_item(self._client, self._table, _pointer_key(gateway_payment_id))
        return None if pointer is None else self.get(pointer["payment_id"], gateway_payment_id)

    def put_in(self, transaction: Transaction, record: SplitRecord, now: datetime) -> SplitRecord:
        """Write ``record`` if nobody changed it since it was read, and give it as stored; with the pointer to
        it where it is new."""
        stored = record.model_copy(update={"version": record.version + 1, "updated_at": iso(now)})
        item: Item = {
            **_key(stored.payment_id, stored.gateway_payment_id),
            **stored.model_dump(mode="json"),
            "retry_due": None if stored.due_at is None else _bucket(stored.payment_id),
        }
        if record.version:
            transaction.put(
                LABEL_SPLIT,
                self._table,
                item,
                condition="version = :previous",
                values={":previous": record.version},
            )
            return stored
        transaction.put(LABEL_SPLIT, self._table, item, condition=_NEW)
        transaction.put(
            "split_pointer",
            self._table,
            {**_pointer_key(stored.gateway_payment_id), "payment_id": stored.payment_id},
            condition="attribute_not_exists(pk) OR payment_id = :payment_id",
            values={":payment_id": stored.payment_id},
        )
        return stored

    def due(self, now: datetime, *, limit: int) -> list[tuple[str, str]]:
        """The splits that are due, as payment and gateway payment, at most ``limit`` of each bucket, the
        longest due first. The index lags behind a little: who works on one looks again."""
        found: list[tuple[str, str]] = []
        for bucket in range(BUCKETS):
            answer = self._client.query(
                TableName=self._table,
                IndexName=BY_DUE,
                KeyConditionExpression="retry_due = :bucket AND due_at <= :now",
                ExpressionAttributeValues=to_item({":bucket": f"split-{bucket}", ":now": iso(now)}),
                Limit=limit,
            )
            items = [from_item(item) for item in answer["Items"]]
            found += [(item["payment_id"], item["gateway_payment_id"]) for item in items]
        return found

    def terms(self, school_id: str) -> SchoolTerms | None:
        """The terms of a school, or None while it never had any."""
        item = get_item(self._client, self._table, _terms_key(school_id))
        return None if item is None else SchoolTerms.model_validate(item["terms"])

    def put_terms_in(self, transaction: Transaction, agreed: SchoolTerms) -> None:
        """Write ``agreed`` if nobody changed it since it was read; its version is raised by one here."""
        stored = agreed.model_copy(update={"version": agreed.version + 1})
        item = {
            **_terms_key(agreed.school_id),
            "version": stored.version,
            "terms": stored.model_dump(mode="json"),
        }
        if agreed.version:
            transaction.put(
                LABEL_TERMS,
                self._table,
                item,
                condition="version = :previous",
                values={":previous": agreed.version},
            )
        else:
            transaction.put(LABEL_TERMS, self._table, item, condition=_NEW)


def _key(payment_id: str, gateway_payment_id: str) -> Item:
    return {"pk": f"PAYMENT#{payment_id}", "sk": f"SPLIT#{gateway_payment_id}"}


def _pointer_key(gateway_payment_id: str) -> Item:
    return {"pk": f"SPLIT#{gateway_payment_id}", "sk": "SPLIT"}


def _terms_key(school_id: str) -> Item:
    return {"pk": f"SCHOOL#{school_id}", "sk": "SPLIT_TERMS"}


def _bucket(payment_id: str) -> str:
    return f"split-{zlib.crc32(payment_id.encode()) % BUCKETS}"
