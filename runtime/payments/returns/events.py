"""What the rest of the platform hears of refunds and disputes: the events and their details, as contracts."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from runtime.payments.disputes.model import UNDECIDED, Dispute, DisputeStatus
from runtime.payments.events import SOURCE
from runtime.payments.metrics import DISPUTE_OPENED, REFUND_FAILED
from runtime.payments.model import Payment
from runtime.payments.refunds.model import RefundRequest, RefundStatus
from runtime.payments.returns.model import ReturnsChange
from runtime.platform.metrics import Metric
from runtime.platform.outbox import DomainEvent

REFUND_REQUESTED, REFUND_REFUSED = "RefundRequested", "RefundRefused"
REFUND_DETAIL_TYPES = {RefundStatus.PROCESSED: "RefundProcessed", RefundStatus.FAILED: "RefundFailed"}

DISPUTE_DETAIL_TYPES = {
    DisputeStatus.OPEN: "DisputeOpened",
    DisputeStatus.UNDER_REVIEW: "DisputeUnderReview",
    DisputeStatus.CLOSED: "DisputeClosed",
    DisputeStatus.WON: "DisputeWon",
    DisputeStatus.LOST: "DisputeLost",
}


class RefundEventDetail(BaseModel):
    """The detail of every event about a refund; ``amount_paise`` is the refund's. No personal data.

    ``refund_id`` is ours, or the gateway's for a refund made in its dashboard. ``method`` is the payment's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    refund_id: str
    gateway_refund_id: str | None
    payment_id: str
    gateway_payment_id: str
    school_id: str
    payer_id: str
    amount_paise: int
    currency: str
    description: str
    message_key: str
    method: str | None = None


class DisputeEventDetail(BaseModel):
    """The detail of every event about a dispute. ``respond_by`` (unix seconds) is the last moment for
    evidence; ``first_heard`` tells that nothing was known of the dispute before; ``method`` is the
    payment's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    dispute_id: str
    payment_id: str
    gateway_payment_id: str
    school_id: str
    amount_paise: int
    currency: str
    status: DisputeStatus
    phase: str | None
    reason_code: str | None
    respond_by: int | None
    message_key: str
    first_heard: bool = False
    method: str | None = None


def return_events(payment: Payment, change: ReturnsChange) -> Iterator[DomainEvent]:
    """The events that tell of a change: a refund asked for, refused, processed or failed; a dispute's new
    status."""
    yield from _of_requests(payment, change)
    before, after = change.before.book, change.after.book
    for refund in after.refunds.values():
        known = before.refunds.get(refund.gateway_refund_id)
        detail_type = REFUND_DETAIL_TYPES.get(refund.status)
        if detail_type is None or (known is not None and known.status is refund.status):
            continue
        refund_id = refund.gateway_refund_id
        if refund.request_id is not None and refund.request_id in after.requests:
            refund_id = refund.request_id
        yield _refund_event(
            payment, change, detail_type, refund_id, refund.gateway_refund_id, refund.amount_paise
        )
    for dispute in change.after.disputes.values():
        earlier = change.before.disputes.get(dispute.dispute_id)
        if earlier is None or earlier.status is not dispute.status:
            yield _dispute_event(payment, dispute, first_heard=earlier is None)


def counted_as(change: ReturnsChange) -> Iterator[Metric]:
    """What a change is counted as, once for each new dispute that is not decided and each new failure."""
    for dispute in change.after.disputes.values():
        if dispute.dispute_id not in change.before.disputes and dispute.status in UNDECIDED:
            yield DISPUTE_OPENED
    for refund in change.after.book.refunds.values():
        known = change.before.book.refunds.get(refund.gateway_refund_id)
        if refund.status is RefundStatus.FAILED and (known is None or known.status is not refund.status):
            yield REFUND_FAILED


def _of_requests(payment: Payment, change: ReturnsChange) -> Iterator[DomainEvent]:
    for request in change.after.book.requests.values():
        known: RefundRequest | None = change.before.book.requests.get(request.request_id)
        if known is None:
            yield _refund_event(
                payment, change, REFUND_REQUESTED, request.request_id, None, request.amount_paise
            )
        elif request.refused and not known.refused:
            yield _refund_event(
                payment, change, REFUND_REFUSED, request.request_id, None, request.amount_paise
            )


def _refund_event(
    payment: Payment,
    change: ReturnsChange,
    detail_type: str,
    refund_id: str,
    gateway_refund_id: str | None,
    amount_paise: int,
) -> DomainEvent:
    detail = RefundEventDetail(
        refund_id=refund_id,
        gateway_refund_id=gateway_refund_id,
        payment_id=payment.payment_id,
        gateway_payment_id=change.after.book.gateway_payment_id,
        school_id=payment.school_id,
        payer_id=payment.payer_id,
        amount_paise=amount_paise,
        currency=change.after.book.currency,
        description=payment.description,
        message_key=f"{detail_type}:{gateway_refund_id or refund_id}",
        method=_method(payment, change.after.book.gateway_payment_id),
    )
    return DomainEvent(SOURCE, detail_type, refund_id, detail.model_dump(mode="json"))


def _dispute_event(payment: Payment, dispute: Dispute, *, first_heard: bool) -> DomainEvent:
    detail_type = DISPUTE_DETAIL_TYPES[dispute.status]
    detail = DisputeEventDetail(
        dispute_id=dispute.dispute_id,
        payment_id=payment.payment_id,
        gateway_payment_id=dispute.gateway_payment_id,
        school_id=payment.school_id,
        amount_paise=dispute.amount_paise,
        currency=dispute.currency,
        status=dispute.status,
        phase=dispute.phase,
        reason_code=dispute.reason_code,
        respond_by=dispute.respond_by,
        message_key=f"{detail_type}:{dispute.dispute_id}",
        first_heard=first_heard,
        method=_method(payment, dispute.gateway_payment_id),
    )
    return DomainEvent(SOURCE, detail_type, dispute.dispute_id, detail.model_dump(mode="json"))


def _method(payment: Payment, gateway_payment_id: str) -> str | None:
    attempt = payment.attempts.get(gateway_payment_id)
    return attempt.method if attempt else None
