"""Webhook events from Razorpay: kept once, acknowledged, then applied in any order.

Receiving and applying are two steps with a queue between them. Razorpay waits five seconds for an answer,
retries for a day, and then switches the webhook off; so receiving does only what must be done to lose
nothing. An event that was kept but not yet applied is queued again by every repetition, so a crash between
keeping and queueing heals itself with Razorpay's next retry. Applying is idempotent, so a repetition does no
harm.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from runtime.gateways.razorpay.models import Payment as GatewayPayment
from runtime.gateways.razorpay.signatures import webhook_signature_is_valid
from runtime.gateways.razorpay.webhooks import MalformedWebhook, WebhookEvent, parse_event
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.metrics import WEBHOOK_APPLIED, WEBHOOK_DELAY, WEBHOOK_RECEIVED, WEBHOOK_REFUSED
from runtime.payments.recorder import PaymentChanged, PaymentRecorder
from runtime.payments.repository import PaymentRepository
from runtime.payments.rules import hear
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.card_data import without_card_numbers
from runtime.platform.clock import Clock, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction, get_item, put_item_if, update_item_if
from runtime.platform.errors import (
    BODY_MALFORMED,
    BODY_TOO_LARGE,
    CONCURRENT_CHANGE,
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

ACTOR = "razorpay"
EVENT_ID_MAX = 100
CHANGE_ATTEMPTS_MAX = 5

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

APPLIED_EVENTS = frozenset({"payment.authorized", "payment.captured", "payment.failed", "order.paid"})
"""The events that say something about a payment's own state."""


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


@dataclass(frozen=True, slots=True)
class EventApplier:
    """Applies kept events to payments."""

    client: "DynamoDBClient"
    table: str
    repository: PaymentRepository
    recorder: PaymentRecorder
    clock: Clock
    metrics: Metrics = UNHEARD

    def apply(self, event_id: str, *, request_id: str) -> EventState:
        """Apply a kept event once and give what became of it. Raises LookupError for one that was never
        kept."""
        record = get_item(self.client, self.table, {"event_id": event_id})
        if record is None:
            raise LookupError("the event is not in the inbox")
        if record["state"] != EventState.RECEIVED:
            return EventState(record["state"])
        state = self._apply(event_id, record, request_id)
        waited = self.clock.now() - from_iso(record["received_at"])
        self.metrics.count(WEBHOOK_APPLIED, state.value)
        self.metrics.duration(WEBHOOK_DELAY, int(waited.total_seconds() * 1000))
        return state

    def _apply(self, event_id: str, record: Mapping[str, Any], request_id: str) -> EventState:
        event = parse_event(record["body"].encode())
        if event.event not in APPLIED_EVENTS or event.payment is None:
            return self._finish(
                event_id, EventState.NOT_HANDLED if self._concerns_us(event) else EventState.NOT_OURS
            )
        return self._apply_payment(event_id, event, event.payment, record, request_id)

    def _apply_payment(
        self,
        event_id: str,
        event: WebhookEvent,
        heard: GatewayPayment,
        record: Mapping[str, Any],
        request_id: str,
    ) -> EventState:
        for _ in range(CHANGE_ATTEMPTS_MAX):
            before = self.repository.get_by_order(heard.order_id) if heard.order_id else None
            if before is None:
                return self._finish(event_id, EventState.NOT_OURS)
            try:
                attempt = attempt_from(heard, observed_at=event.created_at or heard.created_at or 0)
            except StatusNotKnown:
                return self._finish(event_id, EventState.NOT_HANDLED)
            after = hear(before, attempt)
            if after is before:
                return self._finish(event_id, EventState.NO_CHANGE)
            line = AuditLine(
                actor_id=ACTOR,
                action=event.event,
                subject=before.payment_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                school_id=before.school_id,
                details={
                    "event_id": event_id,
                    "gateway_payment_id": heard.id,
                    "body_sha256": record["body_sha256"],
                },
            )
            try:
                self.recorder.record(
                    before,
                    after,
                    line,
                    attempt=attempt,
                    also=[lambda transaction: self._finish_in(transaction, event_id, EventState.APPLIED)],
                )
            except PaymentChanged:
                continue
            return EventState.APPLIED
        raise Problem(CONCURRENT_CHANGE, "The payment kept changing while an event was applied.")

    def _concerns_us(self, event: WebhookEvent) -> bool:
        """Whether an event that no rule acts on yet speaks of an order of ours; then it waits for the
        rule."""
        order_ids = {
            event.payment.order_id if event.payment else None,
            event.order.id if event.order else None,
            event.payment_link.order_id if event.payment_link else None,
        }
        return any(self.repository.get_by_order(order_id) is not None for order_id in order_ids if order_id)

    def _finish(self, event_id: str, state: EventState) -> EventState:
        try:
            update_item_if(self.client, self.table, {"event_id": event_id}, **self._finishing(state))
        except ConditionFailed as done:
            return EventState((done.existing or {}).get("state", state))
        return state

    def _finish_in(self, transaction: Transaction, event_id: str, state: EventState) -> None:
        transaction.update("event", self.table, {"event_id": event_id}, **self._finishing(state))

    def _finishing(self, state: EventState) -> dict[str, Any]:
        return {
            "expression": "SET #state = :state, finished_at = :now",
            "condition": "#state = :received",
            "values": {
                ":state": state.value,
                ":received": EventState.RECEIVED.value,
                ":now": iso(self.clock.now()),
            },
            "names": {"#state": "state"},
        }


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
