"""What the platform wrote down, read as its operators may read it: for proof, never for the story's sake."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import boto3

from checks.demo.narrative import Disproved
from runtime.ledger.journal import read_entry
from runtime.ledger.model import TrialBalance, trial_balance
from runtime.platform.dynamodb import from_item, to_item

ENVIRONMENT = "sandbox"
WAIT_S = 90.0
_PAUSE_S = 0.2

Found = TypeVar("Found")


def wait_for(what: str, look: Callable[[], Found | None], *, at_most_s: float = WAIT_S) -> Found:
    """Look until there is something. Raises Disproved when it does not come in time."""
    deadline = time.monotonic() + at_most_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(_PAUSE_S)
    raise Disproved(f"{what} did not come within {at_most_s:.0f} s")


@dataclass(frozen=True, slots=True)
class Records:
    """The tables and queues of the sandbox."""

    session: boto3.Session

    def scan(self, table: str) -> Iterator[dict[str, Any]]:
        """Every item of a table."""
        for page in self.session.client("dynamodb").get_paginator("scan").paginate(TableName=table):
            for item in page["Items"]:
                yield from_item(item)

    def webhook_event(self, event_id: str) -> dict[str, Any] | None:
        """A kept webhook event."""
        return self._get(f"payment-webhook-idempotency-{ENVIRONMENT}", {"event_id": event_id})

    def journal_entry(self, entry_id: str) -> dict[str, Any] | None:
        """A journal entry."""
        return self._get(f"hasivu-{ENVIRONMENT}-ledger", {"entry_id": entry_id})

    def notification(self, notification_id: str) -> dict[str, Any] | None:
        """What became of a message to a person."""
        return self._get(f"hasivu-{ENVIRONMENT}-notifications", {"notification_id": notification_id})

    def audit_lines(self, subject: str) -> list[dict[str, Any]]:
        """The audit trail of a subject, oldest first."""
        answer = self.session.client("dynamodb").query(
            TableName=f"hasivu-{ENVIRONMENT}-audit",
            IndexName="by_subject",
            KeyConditionExpression="subject = :subject",
            ExpressionAttributeValues=to_item({":subject": subject}),
        )
        return [from_item(item) for item in answer["Items"]]

    def books(self) -> TrialBalance:
        """The trial balance over the whole journal."""
        return trial_balance(read_entry(item) for item in self.scan(f"hasivu-{ENVIRONMENT}-ledger"))

    def messages_in(self, queue_name: str) -> int:
        """Messages that wait in a queue, visible or being worked on."""
        client = self.session.client("sqs")
        url = client.get_queue_url(QueueName=queue_name)["QueueUrl"]
        attributes = client.get_queue_attributes(
            QueueUrl=url,
            AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
        )["Attributes"]
        return sum(int(count) for count in attributes.values())

    def _get(self, table: str, key: dict[str, str]) -> dict[str, Any] | None:
        answer = self.session.client("dynamodb").get_item(TableName=table, Key=to_item(key))
        return from_item(answer["Item"]) if "Item" in answer else None
