"""Notifications in DynamoDB: one item for a message to a person, claimed before anything is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from runtime.platform.clock import Clock, iso
from runtime.platform.dynamodb import (
    ConditionFailed,
    Item,
    from_item,
    get_items,
    put_item_if,
    to_item,
    update_item_if,
)
from runtime.platform.ids import Ids

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEPT_FOR = timedelta(days=400)
"""A year and a month: long enough to answer "did you tell me?"."""

BY_PROVIDER_MESSAGE = "by_provider_message"


def notification_id(message_key: str, person_id: str) -> str:
    """The name of a message: the same however often the same news comes for the same person."""
    return f"{message_key}|{person_id}"


class State(StrEnum):
    """How far a message has come. ``released`` may be claimed again: it is certain that nothing was sent."""

    CLAIMED = "claimed"
    RELEASED = "released"
    WITHHELD = "withheld"
    """It was no longer to be told when it could have been sent."""
    UNDELIVERABLE = "undeliverable"
    UNKNOWN = "unknown"
    SENT = "sent"
    FAILED = "failed"
    DELIVERED = "delivered"
    READ = "read"


_PROGRESS = {State.UNKNOWN: 1, State.SENT: 2, State.FAILED: 3, State.DELIVERED: 4, State.READ: 5}
"""Statuses come in any order and twice; only the one that is further along is kept."""


@dataclass(frozen=True, slots=True)
class NotificationRepository:
    """Claims and outcomes."""

    client: "DynamoDBClient"
    table: str
    clock: Clock
    ids: Ids

    def claim(self, notification_id: str, *, template: str, subject: str, school_id: str) -> bool:
        """Claim a message; False when it was claimed before. At most one claim ever leads to a sending."""
        now = self.clock.now()
        claim_id = self.ids.new("clm")
        item = {
            "notification_id": notification_id,
            "claim_id": claim_id,
            "state": State.CLAIMED.value,
            "template": template,
            "subject": subject,
            "school_id": school_id,
            "progress": 0,
            "claimed_at": iso(now),
            "expires_at": int((now + KEPT_FOR).timestamp()),
        }
        try:
            put_item_if(
                self.client,
                self.table,
                item,
                condition="attribute_not_exists(notification_id) OR #state = :released",
                values={":released": State.RELEASED.value},
                names={"#state": "state"},
            )
        except ConditionFailed as refused:
            # Our own claim: it arrived, its answer did not, and the SDK repeated the call.
            return (refused.existing or {}).get("claim_id") == claim_id
        return True

    def read(self, notification_ids: Sequence[str]) -> Mapping[str, Item]:
        """The messages that there are under these names, as they are stored, at most a hundred."""
        keys = [{"notification_id": each} for each in notification_ids]
        return {item["notification_id"]: item for item in get_items(self.client, self.table, keys)}

    def release(self, notification_id: str) -> None:
        """Give a claim back: nothing was sent, and the message may be tried again."""
        self._set(notification_id, {"state": State.RELEASED.value})

    def finish(
        self,
        notification_id: str,
        state: State,
        *,
        channel: str,
        provider_message_id: str | None,
        code: str | None,
    ) -> None:
        """Keep how the sending of a claimed message ended."""
        outcome: dict[str, object] = {
            "state": state.value,
            "channel": channel,
            "progress": _PROGRESS.get(state, 0),
            "finished_at": iso(self.clock.now()),
        }
        if provider_message_id is not None:
            outcome["provider_message_id"] = provider_message_id
        if code is not None:
            outcome["code"] = code
        self._set(notification_id, outcome)

    def progress(
        self, notification_id: str, state: State, *, provider_message_id: str, code: str | None
    ) -> bool:
        """Keep a status if it is further along than what is known; False when it is not, or no such
        message."""
        values: dict[str, object] = {
            ":state": state.value,
            ":progress": _PROGRESS[state],
            ":now": iso(self.clock.now()),
            ":provider": provider_message_id,
        }
        expression = (
            "SET #state = :state, progress = :progress, progressed_at = :now, provider_message_id = :provider"
        )
        if code is not None:
            values[":code"] = code
            expression += ", code = :code"
        try:
            update_item_if(
                self.client,
                self.table,
                {"notification_id": notification_id},
                expression=expression,
                condition="attribute_exists(notification_id) AND progress < :progress",
                values=values,
                names={"#state": "state"},
            )
        except ConditionFailed:
            return False
        return True

    def find_by_provider_message(self, provider_message_id: str) -> str | None:
        """The notification that a provider's message id belongs to, or None."""
        response = self.client.query(
            TableName=self.table,
            IndexName=BY_PROVIDER_MESSAGE,
            KeyConditionExpression="provider_message_id = :id",
            ExpressionAttributeValues=to_item({":id": provider_message_id}),
            Limit=1,
        )
        items = response["Items"]
        return str(from_item(items[0])["notification_id"]) if items else None

    def _set(self, notification_id: str, attributes: Mapping[str, object]) -> None:
        """Set attributes of a claimed message. A message that is not claimed is left alone: a status may have
        overtaken the answer to the sending itself."""
        names = {f"#{name}": name for name in attributes}
        try:
            update_item_if(
                self.client,
                self.table,
                {"notification_id": notification_id},
                expression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
                condition="#state = :claimed",
                values={f":{name}": value for name, value in attributes.items()}
                | {":claimed": State.CLAIMED.value},
                names=names,
            )
        except ConditionFailed:
            return
