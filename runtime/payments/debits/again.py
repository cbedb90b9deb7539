"""A payment without a mandate: its customer tries again by paying again, on the same order. Pure rules."""

from datetime import datetime

from runtime.payments.contracts import Checkout, view
from runtime.payments.debits.circumstances import because_of
from runtime.payments.debits.model import PlanKind, PlanRecord
from runtime.payments.model import Attempt, AttemptStatus, Payment
from runtime.payments.retry.declines import Category, Remedy, declines
from runtime.payments.retry.law import Constraint
from runtime.payments.retry.plan import Reason
from runtime.platform.clock import iso


def plan_again(payment: Payment, now: datetime) -> PlanRecord | None:
    """What the customer is asked for after the last failure; None where nothing has failed, or is owed."""
    last = _last_failure(payment)
    if last is None:
        return None
    decline = declines().classify(
        last.error_reason,
        code=last.error_code,
        source=last.error_source,
        step=last.error_step,
        method=last.method,
    )
    said = because_of(Constraint(f"decline_{decline.category.value}", decline.why, decline.source))
    hard = decline.category is Category.NEVER
    remedy = Remedy.CUSTOMER_ACTION if decline.remedy is Remedy.NONE else decline.remedy
    return PlanRecord(
        kind=PlanKind.ASK_CUSTOMER,
        reason=(Reason.HARD_DECLINE if hard else Reason.CUSTOMER_DECLINE).value,
        remedy=remedy.value,
        because=(said,),
        planned_at=iso(now),
    )


def checkout_again(payment: Payment, key_id: str) -> Checkout | None:
    """What the customer pays again with; None where nothing can be paid any more."""
    return view(payment, key_id).checkout


def _last_failure(payment: Payment) -> Attempt | None:
    """The newest attempt, if all of them have failed."""
    attempts = payment.attempts.values()
    if any(attempt.status is not AttemptStatus.FAILED for attempt in attempts):
        return None
    return max(attempts, key=lambda attempt: (attempt.observed_at, attempt.gateway_payment_id), default=None)
