"""What the rest of the platform hears of payments: the events and their details, as contracts."""

from pydantic import BaseModel, ConfigDict

from runtime.payments.model import Attempt, AttemptStatus, Payment, PaymentStatus
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

ATTEMPT_FAILED = "PaymentAttemptFailed"
"""An attempt failed and the payment stands as before: another one failed first, is open, or was captured."""

DETAIL_VERSION = 3
"""Of the detail's shape. Version 1 had nothing below ``error_reason`` and did not say its version; version 2
had no ``base_amount_paise``."""


class PaymentEventDetail(BaseModel):
    """The detail of every payment event. ``message_key`` is the same however often the same news is told.

    No personal data: consumers that must reach a person look ``payer_id`` up. A consumer takes what it knows
    and ignores the rest; so a version only ever adds, and what is added may be missing.

    ``network`` and ``issuer`` are the card's, ``bank`` the payer's of a transfer; ``fee_paise`` includes
    ``tax_paise``, both where the gateway has told them by then. ``created_at`` is the payment's,
    ``captured_at`` that of the event ``PaymentCaptured``. ``failed_before`` tells that this very attempt had
    failed, and its failure been told, before the bank's late word. ``amount_paise`` is in minor units of
    ``currency``; in another one than INR, ``base_amount_paise`` is what the gateway says that the capture is
    worth.
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
    detail_version: int = 1
    network: str | None = None
    issuer: str | None = None
    bank: str | None = None
    fee_paise: int | None = None
    tax_paise: int | None = None
    created_at: str | None = None
    captured_at: str | None = None
    failed_before: bool = False
    base_amount_paise: int | None = None


def status_event(
    payment: Payment, attempt: Attempt | None = None, *, known: Attempt | None = None
) -> DomainEvent:
    """The event that tells of the payment's present status; ``attempt`` is the one that brought it there, and
    ``known`` the same attempt as it was before."""
    failed = payment.status is PaymentStatus.FAILED
    return _event(DETAIL_TYPES[payment.status], payment, attempt, known, failed=failed)


def attempt_event(before: Payment, after: Payment, attempt: Attempt) -> DomainEvent | None:
    """``PaymentAttemptFailed`` where ``attempt`` failed while the payment's status stayed; else None."""
    known = before.attempts.get(attempt.gateway_payment_id)
    merged = after.attempts.get(attempt.gateway_payment_id)
    if merged is None or merged.status is not AttemptStatus.FAILED:
        return None
    if known is not None and known.status is AttemptStatus.FAILED:
        return None
    return _event(ATTEMPT_FAILED, after, attempt, known, failed=True)


def _event(
    detail_type: str, payment: Payment, attempt: Attempt | None, known: Attempt | None, *, failed: bool
) -> DomainEvent:
    parts = [detail_type, payment.payment_id] + ([attempt.gateway_payment_id] if attempt else [])
    merged = payment.attempts.get(attempt.gateway_payment_id, attempt) if attempt else None
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
        error_reason=attempt.error_reason if attempt and failed else None,
        detail_version=DETAIL_VERSION,
        network=merged.card_network if merged else None,
        issuer=merged.card_issuer if merged else None,
        bank=merged.bank if merged else None,
        fee_paise=merged.fee_paise if merged else None,
        tax_paise=merged.tax_paise if merged else None,
        created_at=payment.created_at,
        captured_at=payment.updated_at if payment.status is PaymentStatus.CAPTURED and not failed else None,
        failed_before=not failed and known is not None and known.status is AttemptStatus.FAILED,
        base_amount_paise=merged.base_amount_paise if merged else None,
    )
    return DomainEvent(SOURCE, detail_type, payment.payment_id, detail.model_dump(mode="json"))
