"""The gateway's events about refunds and disputes, applied in any order, any number of times.

Each carries the payment as it was then, which is heard as well: so a refund that is heard of before its
capture finds its payment all the same.
"""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.gateways.razorpay.models import Dispute as GatewayDispute
from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.gateways.razorpay.webhooks import WebhookEvent
from runtime.payments.disputes.gateway_view import dispute_from
from runtime.payments.disputes.rules import merge_dispute
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.inbox import EventState
from runtime.payments.links.applier import LinkEvents
from runtime.payments.model import Attempt, Payment
from runtime.payments.recorder import AlsoIn, PaymentChanged, PaymentRecorder
from runtime.payments.refunds.gateway_view import refund_from
from runtime.payments.refunds.rules import hear as hear_refund
from runtime.payments.refusal import Refused
from runtime.payments.returns.model import Returns, ReturnsChange
from runtime.payments.returns.rules import followed, no_returns
from runtime.payments.rules import hear
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.errors import CONCURRENT_CHANGE, Problem

ACTOR = "razorpay"
DISPUTE_CURRENCY_DIFFERS = "dispute-currency-differs"
CHANGE_ATTEMPTS_MAX = 10

REFUND_EVENTS = frozenset({"refund.created", "refund.processed", "refund.failed", "refund.speed_changed"})
DISPUTE_EVENTS = frozenset(
    f"payment.dispute.{news}"
    for news in ("created", "won", "lost", "closed", "under_review", "action_required")
)


def is_about_returns(event: WebhookEvent) -> bool:
    """Whether an event tells of a refund or a dispute."""
    if event.event in REFUND_EVENTS:
        return event.refund is not None
    return event.event in DISPUTE_EVENTS and event.dispute is not None


@dataclass(frozen=True, slots=True)
class ReturnsApplier:
    """Merges what an event says of a refund or a dispute."""

    recorder: PaymentRecorder

    def apply(
        self,
        event: WebhookEvent,
        *,
        observed_at: int,
        event_id: str,
        body_sha256: str,
        request_id: str,
        finisher: Callable[[EventState], AlsoIn],
    ) -> EventState:
        """Apply an event and give what became of it. Only ``applied`` is written already, by ``finisher``
        in the same transaction."""
        about = _about(event)
        gateway_payment_id = about.payment_id
        for _ in range(CHANGE_ATTEMPTS_MAX):
            payment = self._payment(event)
            link = self._links.link_of(event) if payment is None else None
            if payment is None and link is None:
                return EventState.NOT_OURS
            try:
                attempt = _attempt(event, gateway_payment_id, observed_at)
                after = hear(payment, attempt) if payment and attempt else payment
                if link is not None and attempt is not None:
                    payment, after = self._links.payment_of(link, attempt)
                if after is None or gateway_payment_id not in after.attempts:
                    return EventState.NOT_HANDLED
                change = self._change(about, after, observed_at)
            except (StatusNotKnown, Refused):
                return EventState.NOT_HANDLED  # it contradicts what is known; a person looks
            if after is payment and change.after == change.before:
                return EventState.NO_CHANGE
            line = AuditLine(
                actor_id=ACTOR,
                action=event.event,
                subject=after.payment_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                school_id=after.school_id,
                details={
                    "event_id": event_id,
                    "gateway_payment_id": gateway_payment_id,
                    "about": about.id,
                    "body_sha256": body_sha256,
                },
            )
            try:
                self.recorder.record(
                    payment,
                    after,
                    line,
                    attempt=None if after is payment else attempt,
                    returns=change,
                    also=[finisher(EventState.APPLIED)],
                )
            except PaymentChanged:
                continue
            return EventState.APPLIED
        raise Problem(CONCURRENT_CHANGE, "The payment kept changing while an event was applied.")

    @property
    def _links(self) -> LinkEvents:
        """What events say of payment links: of one of their payments it may be the first word."""
        return LinkEvents(self.recorder.repository, self.recorder.links, self.recorder.clock)

    def _payment(self, event: WebhookEvent) -> Payment | None:
        """The payment by the order of the attempt that comes with the event; without one, by the refund's
        receipt, which is ours."""
        repository = self.recorder.repository
        if event.payment is not None:
            order_id = event.payment.order_id
            return repository.get_by_order(order_id, event.payment.id) if order_id else None
        receipt = event.refund.receipt if event.refund else None
        returns = repository.returns.find_refund(receipt) if receipt else None
        return repository.get(returns.payment_id) if returns else None

    def _change(
        self, about: GatewayRefund | GatewayDispute, payment: Payment, observed_at: int
    ) -> ReturnsChange:
        attempt = payment.attempts[about.payment_id]
        found = self.recorder.repository.returns.get(payment.payment_id, about.payment_id)
        before = found or no_returns(payment, attempt)
        return ReturnsChange(before, _heard(followed(before, attempt), about, observed_at))


def _heard(returns: Returns, about: GatewayRefund | GatewayDispute, observed_at: int) -> Returns:
    """``returns`` with a refund or dispute merged. Raises StatusNotKnown and Refused."""
    if isinstance(about, GatewayRefund):
        refund = refund_from(about, observed_at=observed_at)
        return returns.model_copy(update={"book": hear_refund(returns.book, refund)})
    heard = dispute_from(about, observed_at=observed_at)
    if heard.currency != returns.book.currency:
        raise Refused(DISPUTE_CURRENCY_DIFFERS, "The dispute is in another currency than the payment.")
    merged = merge_dispute(returns.disputes.get(heard.dispute_id), heard)
    disputes = returns.disputes | {heard.dispute_id: merged}
    return returns.model_copy(update={"disputes": dict(sorted(disputes.items()))})


def _about(event: WebhookEvent) -> GatewayRefund | GatewayDispute:
    """What an event tells of (``is_about_returns``)."""
    about = event.refund if event.event in REFUND_EVENTS else event.dispute
    if about is None:
        raise LookupError("the event tells of neither refund nor dispute")
    return about


def _attempt(event: WebhookEvent, gateway_payment_id: str, observed_at: int) -> Attempt | None:
    """The attempt as the event shows it, if it is the one that the refund or dispute is about."""
    if event.payment is None or event.payment.id != gateway_payment_id:
        return None
    return attempt_from(event.payment, observed_at=observed_at)
