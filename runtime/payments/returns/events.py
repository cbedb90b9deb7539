"""What the rest of the platform hears of refunds and disputes: the events and their details, as contracts."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from runtime.payments.disputes.model import UNDECIDED, Dispute, DisputeStatus
from runtime.payments.events import SOURCE
from runtime.payments.metrics import DISPUTE_OPENED, REFUND_FAILED
from runtime.payments.model import Payment
from runtime.payments.refunds.model import Refund, RefundBook, RefundRequest, RefundStatus
from runtime.payments.refunds.rules import balance
from runtime.payments.refunds.worth import rest_paise, share_paise
from runtime.payments.returns.model import Returns, ReturnsChange
from runtime.payments.returns.rules import lost_minor
from runtime.platform.currencies import BOOKS_CURRENCY
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
    """The detail of every event about a refund; ``amount_paise`` is the refund's, in minor units of
    ``currency``. No personal data.

    ``refund_id`` is ours, or the gateway's for a refund made in its dashboard. ``method`` is the payment's.
    ``base_amount_paise`` is, in another currency than INR, the share of the capture in the books that goes
    back: all processed refunds of a payment add up to its own, to the paisa.
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
    base_amount_paise: int | None = None


class DisputeEventDetail(BaseModel):
    """The detail of every event about a dispute. ``respond_by`` (unix seconds) is the last moment for
    evidence; ``first_heard`` tells that nothing was known of the dispute before; ``method`` is the
    payment's. ``amount_paise`` is in minor units of ``currency``; ``base_amount_paise`` is, in another one
    than INR, the share of the capture in the books that is contested."""

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
    base_amount_paise: int | None = None


def return_events(payment: Payment, change: ReturnsChange) -> Iterator[DomainEvent]:
    """The events that tell of a change: a refund asked for, refused, processed or failed; a dispute's new
    status. That one in another currency than INR was processed is told once it is known what it is worth."""
    yield from _of_requests(payment, change)
    after = change.after.book
    told = [refund for refund in after.refunds.values() if _is_news(change, refund)]
    processed = [refund for refund in told if refund.status is RefundStatus.PROCESSED]
    for refund in told:
        refund_id = refund.gateway_refund_id
        if refund.request_id is not None and refund.request_id in after.requests:
            refund_id = refund.request_id
        base_paise = _base_paise(after, refund.amount_paise)
        if base_paise is not None and processed and refund is processed[-1]:
            base_paise += _rest_paise(change.after) - _rest_paise(change.before)
        yield _refund_event(
            payment,
            change,
            REFUND_DETAIL_TYPES[refund.status],
            refund_id,
            refund.gateway_refund_id,
            refund.amount_paise,
            base_paise,
        )
    for dispute in change.after.disputes.values():
        earlier = change.before.disputes.get(dispute.dispute_id)
        if earlier is None or earlier.status is not dispute.status:
            base_paise = _base_paise(after, dispute.amount_paise)
            yield _dispute_event(payment, dispute, base_paise, first_heard=earlier is None)


def _is_news(change: ReturnsChange, refund: Refund) -> bool:
    """Whether a refund is to be told of: it came to its end, and what it is worth is known."""
    if refund.status not in REFUND_DETAIL_TYPES:
        return False
    known = change.before.book.refunds.get(refund.gateway_refund_id)
    is_new = known is None or known.status is not refund.status
    if refund.status is RefundStatus.FAILED or refund.currency == BOOKS_CURRENCY:
        return is_new
    was_worth, is_worth = (each.book.captured_base_paise > 0 for each in (change.before, change.after))
    return is_worth and (is_new or not was_worth)


def _base_paise(book: RefundBook, amount_minor: int) -> int | None:
    """The share of the capture in the books, where that is in another currency; None of rupees, and while it
    is not known."""
    if book.currency == BOOKS_CURRENCY or not book.captured_base_paise:
        return None
    return share_paise(book, amount_minor)


def _rest_paise(returns: Returns) -> int:
    """What rounding has left of a payment that has gone back whole."""
    book = returns.book
    paid_out = (each.amount_paise for each in book.refunds.values() if each.status is RefundStatus.PROCESSED)
    gone = (*paid_out, balance(book).external_paise, *lost_minor(returns))
    return rest_paise(book, gone) if book.captured_base_paise else 0


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
            detail_type = REFUND_REQUESTED
        elif request.refused and not known.refused:
            detail_type = REFUND_REFUSED
        else:
            continue
        base_paise = _base_paise(change.after.book, request.amount_paise)
        yield _refund_event(
            payment, change, detail_type, request.request_id, None, request.amount_paise, base_paise
        )


def _refund_event(
    payment: Payment,
    change: ReturnsChange,
    detail_type: str,
    refund_id: str,
    gateway_refund_id: str | None,
    amount_paise: int,
    base_paise: int | None,
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
        base_amount_paise=base_paise,
    )
    return DomainEvent(SOURCE, detail_type, refund_id, detail.model_dump(mode="json"))


def _dispute_event(
    payment: Payment, dispute: Dispute, base_paise: int | None, *, first_heard: bool
) -> DomainEvent:
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
        base_amount_paise=base_paise,
    )
    return DomainEvent(SOURCE, detail_type, dispute.dispute_id, detail.model_dump(mode="json"))


def _method(payment: Payment, gateway_payment_id: str) -> str | None:
    attempt = payment.attempts.get(gateway_payment_id)
    return attempt.method if attempt else None
