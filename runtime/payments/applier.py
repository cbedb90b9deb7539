"""Kept webhook events, applied in any order, any number of times, with the same end.

Each event is applied with the mark that it was, in one transaction; so a crash in between repeats it and a
repetition finds the mark. What an event says is merged (ADR 0002), never taken as a transition.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from runtime.gateways.razorpay.models import OrderNotification
from runtime.gateways.razorpay.models import Payment as GatewayPayment
from runtime.gateways.razorpay.models import PaymentLink as GatewayLink
from runtime.gateways.razorpay.models import Token as GatewayToken
from runtime.gateways.razorpay.models import Transfer as GatewayTransfer
from runtime.gateways.razorpay.webhooks import WebhookEvent, parse_event
from runtime.payments.debits.hearing import DOWNTIME_EVENTS, NOTICE_EVENTS, DebitHearing
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.inbox import EventState
from runtime.payments.links.applier import LINK_EVENTS, LinkEvents, LinkMismatch
from runtime.payments.links.gateway_view import link_state_from
from runtime.payments.methods.token_view import token_state_from
from runtime.payments.methods.tokens import TokenChanged
from runtime.payments.metrics import WEBHOOK_APPLIED, WEBHOOK_DELAY
from runtime.payments.model import Payment
from runtime.payments.recorder import PaymentChanged, PaymentRecorder
from runtime.payments.repository import PaymentRepository
from runtime.payments.returns.applier import ReturnsApplier, is_about_returns
from runtime.payments.rules import hear
from runtime.payments.splits.hearing import TRANSFER_EVENTS, TransferHearing
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.clock import Clock, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction, get_item, update_item_if
from runtime.platform.errors import CONCURRENT_CHANGE, Problem
from runtime.platform.metrics import UNHEARD, Metrics

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ACTOR = "razorpay"
CHANGE_ATTEMPTS_MAX = 5

APPLIED_EVENTS = frozenset({"payment.authorized", "payment.captured", "payment.failed", "order.paid"})
"""The events that say something about a payment's own state."""

TOKEN_EVENTS = frozenset({"token.confirmed", "token.rejected", "token.paused", "token.cancelled"})
"""The events that say something about a mandate."""


@dataclass(frozen=True, slots=True)
class EventApplier:
    """Applies kept events to payments."""

    client: "DynamoDBClient"
    table: str
    repository: PaymentRepository
    recorder: PaymentRecorder
    clock: Clock
    metrics: Metrics = UNHEARD

    @property
    def links(self) -> LinkEvents:
        """What events say of payment links."""
        return LinkEvents(self.repository, self.recorder.links, self.clock)

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
        if event.event in TOKEN_EVENTS and event.token is not None:
            return self._apply_token(event_id, event, event.token, request_id)
        if event.event in LINK_EVENTS and event.payment_link is not None:
            return self._apply_link(event_id, event, event.payment_link, record, request_id)
        if event.event in NOTICE_EVENTS and event.notification is not None:
            return self._apply_notice(event_id, event.event, event.notification, request_id)
        if event.event in DOWNTIME_EVENTS and event.downtime is not None:
            news = self._debits.hear_downtime(event.downtime, self._finisher(event_id, EventState.APPLIED))
            return EventState.APPLIED if news else self._finish(event_id, EventState.NO_CHANGE)
        if is_about_returns(event):
            return self._apply_returns(event_id, event, record, request_id)
        if event.event in TRANSFER_EVENTS and event.transfer is not None:
            return self._apply_transfer(event_id, event, event.transfer, record, request_id)
        if event.event not in APPLIED_EVENTS or event.payment is None:
            return self._leave(event_id, event)
        return self._apply_payment(event_id, event, event.payment, record, request_id)

    def _apply_payment(
        self,
        event_id: str,
        event: WebhookEvent,
        heard: GatewayPayment,
        record: Mapping[str, Any],
        request_id: str,
        unchanged: EventState = EventState.NO_CHANGE,
    ) -> EventState:
        for _ in range(CHANGE_ATTEMPTS_MAX):
            before = self.repository.get_by_order(heard.order_id) if heard.order_id else None
            link = self.links.link_of(event) if before is None else None
            if before is None and link is None:
                return self._finish(event_id, EventState.NOT_OURS)
            try:
                attempt = attempt_from(heard, observed_at=event.created_at or heard.created_at or 0)
            except StatusNotKnown:
                return self._finish(event_id, EventState.NOT_HANDLED)
            after = hear(before, attempt) if before is not None else None
            if link is not None:
                before, after = self.links.payment_of(link, attempt)
            if after is None or after is before:
                return self._finish(event_id, unchanged)
            line = AuditLine(
                actor_id=ACTOR,
                action=event.event,
                subject=after.payment_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                school_id=after.school_id,
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
                    also=[
                        self._finisher(event_id, EventState.APPLIED),
                        self._waker(after),
                    ],
                )
            except PaymentChanged:
                continue
            return EventState.APPLIED
        raise Problem(CONCURRENT_CHANGE, "The payment kept changing while an event was applied.")

    def _apply_link(
        self,
        event_id: str,
        event: WebhookEvent,
        told: GatewayLink,
        record: Mapping[str, Any],
        request_id: str,
    ) -> EventState:
        """Keep what is said of a payment link, then of the payment that the event brings with it. A crash
        between the two repeats the event, and the repetition finds the first done."""
        link = self.links.link_of(event)
        if link is None:
            return self._leave(event_id, event)
        line = AuditLine(
            actor_id=ACTOR,
            action=event.event,
            subject=link.link_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=link.school_id,
            details={"event_id": event_id, "body_sha256": record["body_sha256"]},
        )
        alone = event.payment is None
        also = self._finisher(event_id, EventState.APPLIED) if alone else None
        try:
            news = self.links.hear(link, link_state_from(told), line, also=also) is not None
        except LinkMismatch:
            return self._finish(event_id, EventState.NOT_HANDLED)
        state = EventState.APPLIED if news else EventState.NO_CHANGE
        if event.payment is None:
            return state if news else self._finish(event_id, state)
        return self._apply_payment(event_id, event, event.payment, record, request_id, unchanged=state)

    def _apply_token(
        self, event_id: str, event: WebhookEvent, token: GatewayToken, request_id: str
    ) -> EventState:
        """Keep what is said of a token. Whose it is may not be known yet: then it counts as not ours, and is
        told once a payment brings the token."""
        book = self.recorder.tokens
        try:
            heard = token_state_from(token, observed_at=event.created_at or token.used_at or 0)
        except StatusNotKnown:
            return self._finish(event_id, EventState.NOT_HANDLED)
        for _ in range(CHANGE_ATTEMPTS_MAX):
            owned = book.tokens.get(token.id).payer_id is not None
            state = EventState.APPLIED if owned else EventState.NOT_OURS
            try:
                news = book.hear(
                    token.id,
                    heard,
                    event_id=event_id,
                    event=event.event,
                    request_id=request_id,
                    also=self._finisher(event_id, state),
                )
            except TokenChanged:
                continue
            return state if news else self._finish(event_id, EventState.NO_CHANGE if owned else state)
        raise Problem(CONCURRENT_CHANGE, "The token kept changing while an event was applied.")

    def _apply_notice(
        self, event_id: str, event: str, heard: OrderNotification, request_id: str
    ) -> EventState:
        """Keep what is said of the notice of a debit."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            payment = self.repository.get_by_order(heard.order_id) if heard.order_id else None
            if payment is None:
                return self._finish(event_id, EventState.NOT_OURS)
            line = AuditLine(
                actor_id=ACTOR,
                action=event,
                subject=payment.payment_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                school_id=payment.school_id,
                details={"event_id": event_id},
            )
            finished = self._finisher(event_id, EventState.APPLIED)
            try:
                news = self._debits.hear_notice(payment, event, heard, line, finished)
            except PaymentChanged:
                continue
            return EventState.APPLIED if news else self._finish(event_id, EventState.NO_CHANGE)
        raise Problem(CONCURRENT_CHANGE, "The debit kept changing while an event was applied.")

    def _waker(self, payment: Payment) -> Callable[[Transaction], None]:
        return lambda transaction: self._debits.wake_in(transaction, payment)

    @property
    def _debits(self) -> DebitHearing:
        return DebitHearing.over(self.recorder)

    def _apply_returns(
        self, event_id: str, event: WebhookEvent, record: Mapping[str, Any], request_id: str
    ) -> EventState:
        """Keep what is said of a refund or a dispute."""
        about = event.refund or event.dispute
        state = ReturnsApplier(self.recorder).apply(
            event,
            observed_at=event.created_at or (about.created_at if about else None) or 0,
            event_id=event_id,
            body_sha256=record["body_sha256"],
            request_id=request_id,
            finisher=lambda state: self._finisher(event_id, state),
        )
        return state if state is EventState.APPLIED else self._finish(event_id, state)

    def _apply_transfer(
        self,
        event_id: str,
        event: WebhookEvent,
        told: GatewayTransfer,
        record: Mapping[str, Any],
        request_id: str,
    ) -> EventState:
        """Keep what is said of a transfer to a linked account."""
        state = TransferHearing(self.recorder).hear(
            event.event,
            told,
            observed_at=event.created_at or told.created_at or 0,
            event_id=event_id,
            body_sha256=record["body_sha256"],
            request_id=request_id,
            finisher=lambda state: self._finisher(event_id, state),
        )
        return state if state is EventState.APPLIED else self._finish(event_id, state)

    def _finisher(self, event_id: str, state: EventState) -> Callable[[Transaction], None]:
        return lambda transaction: self._finish_in(transaction, event_id, state)

    def _leave(self, event_id: str, event: WebhookEvent) -> EventState:
        state = EventState.NOT_HANDLED if self._concerns_us(event) else EventState.NOT_OURS
        return self._finish(event_id, state)

    def _concerns_us(self, event: WebhookEvent) -> bool:
        """Whether an event that no rule acts on yet speaks of an order of ours; then it waits for the
        rule."""
        order_ids = {
            event.payment.order_id if event.payment else None,
            event.order.id if event.order else None,
            event.payment_link.order_id if event.payment_link else None,
        }
        known = any(self.repository.get_by_order(order_id) is not None for order_id in order_ids if order_id)
        return known or self.links.link_of(event) is not None

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
