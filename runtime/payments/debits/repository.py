"""Retry records in DynamoDB: beside their payment, found when they are due by a sparse index.

``PAYMENT#…/RETRY``: the record. ``MANDATE#…/CYCLE#…``: the one debit of a cycle of a mandate.
"""

import zlib
from datetime import datetime
from typing import TYPE_CHECKING

from runtime.payments.debits.model import RetryRecord
from runtime.payments.repository import LABEL_RETRY
from runtime.platform.clock import iso
from runtime.platform.dynamodb import Transaction, from_item, get_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_DUE = "by_due"
LABEL_CYCLE = "cycle"
BUCKETS = 4
"""Partitions of the index; its writes and the sweep's reads spread over them."""

RETRY = "RETRY"
"""The sort key of a payment's record."""

_NEW = "attribute_not_exists(pk)"


class RetryRepository:
    """Reads retry records, and writes them within a transaction."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, payment_id: str) -> RetryRecord | None:
        """The record of a payment, or None."""
        found = get_item(self._client, self._table, _key(payment_id))
        return None if found is None else RetryRecord.model_validate(found)

    def put_in(self, transaction: Transaction, record: RetryRecord) -> None:
        """Write ``record`` if nobody changed it since; its version is raised by one here."""
        bucket = None if record.due_at is None else _bucket(record.payment_id)
        item: dict[str, object] = {
            **_key(record.payment_id),
            **record.model_dump(mode="json"),
            "version": record.version + 1,
            "retry_due": bucket,
        }
        if record.version == 0:
            transaction.put(LABEL_RETRY, self._table, item, condition=_NEW)
        else:
            transaction.put(
                LABEL_RETRY,
                self._table,
                item,
                condition="version = :previous",
                values={":previous": record.version},
            )

    def due(self, now: datetime, *, limit: int) -> list[str]:
        """The payments whose records are due, at most ``limit`` of each bucket, the longest due first.
        The index lags behind a little: who works on one looks again."""
        found: list[str] = []
        for bucket in range(BUCKETS):
            answer = self._client.query(
                TableName=self._table,
                IndexName=BY_DUE,
                KeyConditionExpression="retry_due = :bucket AND due_at <= :now",
                ExpressionAttributeValues=to_item({":bucket": f"{bucket}", ":now": iso(now)}),
                Limit=limit,
            )
            found += [str(from_item(item)["payment_id"]) for item in answer["Items"]]
        return found

    def cycle_holder(self, mandate_id: str, cycle_start: str) -> str | None:
        """The payment that has a cycle of a mandate, or None."""
        found = get_item(self._client, self._table, _cycle_key(mandate_id, cycle_start))
        return None if found is None else str(found["payment_id"])

    def take_cycle_in(
        self,
        transaction: Transaction,
        mandate_id: str,
        cycle_start: str,
        payment_id: str,
        held_by: str | None,
    ) -> None:
        """Give a cycle to a payment, if it is still ``held_by`` whom it was (None: by nobody)."""
        item = {**_cycle_key(mandate_id, cycle_start), "payment_id": payment_id}
        if held_by is None:
            transaction.put(LABEL_CYCLE, self._table, item, condition=_NEW)
        else:
            transaction.put(
                LABEL_CYCLE,
                self._table,
                item,
                condition="payment_id = :holder",
                values={":holder": held_by},
            )


def _key(payment_id: str) -> dict[str, str]:
    return {"pk": f"PAYMENT#{payment_id}", "sk": RETRY}


def _cycle_key(mandate_id: str, cycle_start: str) -> dict[str, str]:
    return {"pk": f"MANDATE#{mandate_id}", "sk": f"CYCLE#{cycle_start}"}


def _bucket(payment_id: str) -> str:
    return str(zlib.crc32(payment_id.encode()) % BUCKETS)
