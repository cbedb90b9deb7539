"""Webhook events from Razorpay as they come in: kept once, acknowledged, queued.

Receiving and applying (runtime/payments/applier.py) are two steps with a queue between them. Razorpay waits
five seconds for an answer, retries for a day, and then switches the webhook off; so receiving does only what
must be done to lose nothing. An event that was kept but not yet applied is queued again by every repetition,
so a crash between keeping and queueing heals itself with Razorpay's next retry.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from runtime.gateways.razorpay.signatures import webhook_signature_is_valid
from runtime.gateways.razorpay.webhooks import MalformedWebhook, WebhookEvent, parse_event
from runtime.payments.metrics import WEBHOOK_RECEIVED, WEBHOOK_REFUSED
from runtime.platform.card_data import without_card_numbers
from runtime.platform.clock import Clock, iso
from runtime.platform.dynamodb import ConditionFailed, put_item_if
from runtime.platform.errors import (
    BODY_MALFORMED,
    BODY_TOO_LARGE,
    SIGNATURE_INVALID,
    SIGNATURE_MISSING,
    WEBHOOK_EVENT_ALTERED,
    WEBHOOK_EVENT_UNKNOWN,
    Problem,
)
from runtime.platform.metrics import UNHEARD, Metrics

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_sqs import SQSClient

KEPT_FOR = timedelta(days=35)
"""Razorpay replays an event for at most 15 days on request (webhooks, "replay"); twice that and some."""

BODY_BYTES_MAX = 256 * 1024
"""The largest documented event has some eight kilobytes; an item of DynamoDB holds 400."""

EVENT_ID_MAX = 100

_DOCUMENTED_BY_ENTITY = {
    "payment": "authorized captured failed pending",
    "payment.downtime": "started updated resolved",
    "payment.dispute": "created won lost closed under_review action_required",
    "order": "paid notification.delivered notification.failed",
    "refund": "created processed failed speed_changed",
    "invoice": "paid partially_paid expired",
    "payment_link": "paid partially_paid cancelled expired",
    "settlement": "processed",
    "transfer": "processed failed",
    "subscription": (
        "authenticated activated charged completed updated pending halted cancelled paused resumed"
    ),
    "token": "confirmed rejected cancelled paused",
    "qr_code": "created credited closed",
    "virtual_account": "created credited closed",
    "product.route": "under_review needs_clarification activated rejected",
    "account": "app.authorization_revoked",
    "fund_account": "validation.completed validation.failed",
    "payout": (
        "queued initiated processed reversed failed updated rejected pending "
        "downtime.started downtime.resolved"
    ),
}
DOCUMENTED = frozenset(
    f"{entity}.{event}" for entity, events in _DOCUMENTED_BY_ENTITY.items() for event in events.split()
)
"""Every event that Razorpay documents (webhooks, all categories), ours or not."""


class EventState(StrEnum):
    """How far an event has come."""

    RECEIVED = "received"
    APPLIED = "applied"
    NO_CHANGE = "no_change"
    NOT_OURS = "not_ours"
    NOT_HANDLED = "not_handled"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a delivery: the ``event_id`` under which it is kept, and whether it was seen before."""

    event_id: str
    duplicate: bool


@dataclass(frozen=True, slots=True)
class WebhookInbox:
    """Receives events and puts them in a queue. ``secrets`` are all that are live, newest first."""

    client: "DynamoDBClient"
    table: str
    queue: "SQSClient"
    queue_url: str
    secrets: Sequence[str]
    clock: Clock
    metrics: Metrics = UNHEARD

    def receive(self, raw_body: bytes, headers: Mapping[str, str]) -> Receipt:
        """Verify, keep once, queue.

        ``headers`` have lower-case names. Raises Problem ``body-too-large``, ``signature-missing``,
        ``signature-invalid``, ``body-malformed``, ``webhook-event-unknown`` or ``webhook-event-altered``;
        nothing is kept then.
        """
        try:
            receipt = self._receive(raw_body, headers)
        except Problem as refusal:
            self.metrics.count(WEBHOOK_REFUSED, refusal.kind.code)
            raise
        self.metrics.count(WEBHOOK_RECEIVED, "repeated" if receipt.duplicate else "first")
        return receipt

    def _receive(self, raw_body: bytes, headers: Mapping[str, str]) -> Receipt:
        if len(raw_body) > BODY_BYTES_MAX:
            raise Problem(BODY_TOO_LARGE, f"An event has at most {BODY_BYTES_MAX} bytes.")
        signature = headers.get("x-razorpay-signature")
        if not signature:
            raise Problem(SIGNATURE_MISSING, "The header X-Razorpay-Signature is missing.")
        if not webhook_signature_is_valid(raw_body, signature, self.secrets):
            raise Problem(SIGNATURE_INVALID, "The body was not signed with a live webhook secret.")
        event = _parsed(raw_body)
        if event.event not in DOCUMENTED:
            raise Problem(WEBHOOK_EVENT_UNKNOWN, "The gateway's documentation does not name this event.")
        digest = hashlib.sha256(raw_body).hexdigest()
        event_id = _event_id(headers.get("x-razorpay-event-id"), digest)
        duplicate, waiting = self._keep(event_id, event, digest, raw_body)
        if waiting:
            self.queue.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps({"event_id": event_id}))
        return Receipt(event_id, duplicate)

    def _keep(self, event_id: str, event: WebhookEvent, digest: str, raw_body: bytes) -> tuple[bool, bool]:
        """Keep the event; gives whether it was there already and whether it still waits to be applied."""
        now = self.clock.now()
        record: dict[str, object] = {
            "event_id": event_id,
            "event": event.event,
            "state": EventState.RECEIVED.value,
            "received_at": iso(now),
            "event_created_at": event.created_at,
            "body_sha256": digest,
            "body": _kept_body(raw_body),
            "expires_at": int((now + KEPT_FOR).timestamp()),
        }
        try:
            put_item_if(self.client, self.table, record, condition="attribute_not_exists(event_id)")
        except ConditionFailed as refused:
            existing = refused.existing or {}
            if existing.get("body_sha256") != digest:
                raise Problem(WEBHOOK_EVENT_ALTERED, "The event was kept before with another body.") from None
            return True, existing.get("state") == EventState.RECEIVED
        return False, True


def _parsed(raw_body: bytes) -> WebhookEvent:
    try:
        raw_body.decode("utf-8")
        return parse_event(raw_body)
    except UnicodeDecodeError:
        raise Problem(BODY_MALFORMED, "The body is not UTF-8.") from None
    except MalformedWebhook as malformed:
        raise Problem(BODY_MALFORMED, f"Not an event: {malformed}.") from None


def _kept_body(raw_body: bytes) -> str:
    """The body as it is kept for replay, encrypted at rest. The signature was verified over the original;
    card data, which Razorpay never sends, would not be kept even if it did.

    Raises Problem ``body-malformed`` for what could be kept but not read again: half a surrogate pair, a
    number beyond every float.
    """
    try:
        document = without_card_numbers(json.loads(raw_body))
        body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        body.encode()
    except ValueError:
        raise Problem(BODY_MALFORMED, "The body holds a text or a number that cannot be kept.") from None
    return body


def _event_id(header: str | None, digest: str) -> str:
    """The event's id. Without the header (seen in test mode) the body stands for itself."""
    if header and len(header) <= EVENT_ID_MAX and header.isascii() and header.isprintable():
        return header
    return f"sha256:{digest}"
