"""What the rest of the platform hears of payments: the events and their details, as contracts."""

from pydantic import BaseModel, ConfigDict

from runtime.payments.model import Attempt, Payment, PaymentStatus
from runtime.platform.outbox import DomainEvent

SOURCE = "hasivu.payments"

DETAIL_TYPES = {
    PaymentStatus.CREATED: "PaymentCreated",
    PaymentStatus.UNKNOWN: "PaymentOutcomeUnknown",
    PaymentStatus.PENDING: "PaymentPending",
    PaymentStatus.AUTHORIZED: "PaymentAuthorized",
    PaymentStatus.CAPTURED: "PaymentCaptured",
    PaymentStatus.FAILED: "PaymentFailed",
    PaymentStatus.CONFLICTED: "PaymentConflicted",
}


class PaymentEventDetail(BaseModel):
    """The detail of every payment event. ``message_key`` is the same however often the same news is told.

    No personal data: consumers that must reach a person look ``payer_id`` up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment_id: str
    school_id: str
    payer_id: str
    amount_paise: int
    currency: str
    description: str
    status: PaymentStatus
    version: int
    message_key: str
    gateway_payment_id: str | None = None
    method: str | None = None
    error_reason: str | None = None


def status_event(payment: Payment, attempt: Attempt | None = None) -> DomainEvent:
    """The event that tells of the payment's present status; ``attempt`` is the one that brought it there."""
    detail_type = DETAIL_TYPES[payment.status]
    parts = [detail_type, payment.payment_id] + ([attempt.gateway_payment_id] if attempt else [])
    detail = PaymentEventDetail(
        payment_id=payment.payment_id,
        school_id=payment.school_id,
        payer_id=payment.payer_id,
        amount_paise=payment.amount_paise,
        currency=payment.currency,
        description=payment.description,
        status=payment.status,
        version=payment.version,
        message_key=":".join(parts),
        gateway_payment_id=attempt.gateway_payment_id if attempt else None,
        method=attempt.method if attempt else None,
        error_reason=attempt.error_reason if attempt and payment.status is PaymentStatus.FAILED else None,
    )
    return DomainEvent(SOURCE, detail_type, payment.payment_id, detail.model_dump(mode="json"))
