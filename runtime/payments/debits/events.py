"""What the rest of the platform hears of debits and their retries, as contracts."""

from pydantic import BaseModel, ConfigDict

from runtime.payments.debits.model import PlanKind, RetryRecord, RetryState
from runtime.payments.events import SOURCE
from runtime.payments.model import Payment
from runtime.platform.outbox import DomainEvent

DETAIL_TYPES = {
    RetryState.PLANNED: "RetryPlanned",
    RetryState.POLLING: "RetryPolling",
    RetryState.WAITING: "RetryNeedsCustomer",
    RetryState.STOPPED: "RetryStopped",
    RetryState.PAID: "RetryPaid",
    RetryState.CANCELLED: "RetryCancelled",
}


class RetryEventDetail(BaseModel):
    """The detail of every event about a retry: what happens next, and the codes of what decided. ``tries``
    counts the debits that were asked for so far. No personal data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    payment_id: str
    school_id: str
    payer_id: str
    mandate_id: str
    amount_paise: int
    currency: str
    state: RetryState
    plan: PlanKind
    at: str | None
    reason: str | None
    remedy: str | None
    because: tuple[str, ...]
    tries: int
    message_key: str


def retry_event(payment: Payment, record: RetryRecord) -> DomainEvent:
    """The event that tells how a debit stands."""
    plan = record.plan
    detail_type = DETAIL_TYPES[record.state]
    detail = RetryEventDetail(
        payment_id=payment.payment_id,
        school_id=payment.school_id,
        payer_id=payment.payer_id,
        mandate_id=record.mandate_id,
        amount_paise=payment.amount_paise,
        currency=payment.currency,
        state=record.state,
        plan=plan.kind,
        at=plan.at,
        reason=plan.reason,
        remedy=plan.remedy,
        because=tuple(why.code for why in plan.because),
        tries=len(record.made),
        message_key=f"{detail_type}:{payment.payment_id}:{record.version + 1}",
    )
    return DomainEvent(SOURCE, detail_type, payment.payment_id, detail.model_dump(mode="json"))
