"""The journal in DynamoDB: entries are put once, read, and never changed (IAM denies update and delete)."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from runtime.ledger.accounts import Account, AccountKind
from runtime.ledger.model import JournalEntry, JournalLine
from runtime.platform.clock import Clock, iso
from runtime.platform.dynamodb import Item, Transaction, from_item, get_item, to_item

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BY_BUSINESS_DATE = "by_business_date"
LABEL_PREFIX = "journal:"


class Journal:
    """Appends and reads journal entries."""

    def __init__(self, client: "DynamoDBClient", table: str, clock: Clock) -> None:
        self._client = client
        self._table = table
        self._clock = clock

    def post_in(self, transaction: Transaction, entry: JournalEntry) -> None:
        """Append ``entry`` together with the change that it books; the transaction fails if it is there
        already."""
        transaction.put(
            LABEL_PREFIX + entry.entry_id,
            self._table,
            {
                "entry_id": entry.entry_id,
                "business_date": entry.business_date.isoformat(),
                "posted_at": iso(self._clock.now()),
                "description": entry.description,
                "currency": entry.currency,
                "lines": [_line_item(line) for line in entry.lines],
                "reference": entry.reference or None,
            },
            condition="attribute_not_exists(entry_id)",
        )

    def get(self, entry_id: str) -> JournalEntry | None:
        """The entry, or None."""
        item = get_item(self._client, self._table, {"entry_id": entry_id})
        return None if item is None else read_entry(item)

    def entries_of(self, day: date) -> Iterator[JournalEntry]:
        """The entries booked on a business day, a page at a time."""
        call: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": BY_BUSINESS_DATE,
            "KeyConditionExpression": "business_date = :day",
            "ExpressionAttributeValues": to_item({":day": day.isoformat()}),
        }
        for page in self._client.get_paginator("query").paginate(**call):
            for item in page["Items"]:
                yield read_entry(from_item(item))


def _line_item(line: JournalLine) -> dict[str, object]:
    return {
        "account": line.account.name,
        "kind": line.account.kind.value,
        "debit_paise": line.debit_paise,
        "credit_paise": line.credit_paise,
    }


def read_entry(item: Item) -> JournalEntry:
    """The entry that an item of the journal holds."""
    return JournalEntry(
        entry_id=item["entry_id"],
        business_date=date.fromisoformat(item["business_date"]),
        description=item["description"],
        currency=item["currency"],
        lines=tuple(
            JournalLine(
                Account(line["account"], AccountKind(line["kind"])), line["debit_paise"], line["credit_paise"]
            )
            for line in item["lines"]
        ),
        reference=item.get("reference", ""),
    )
