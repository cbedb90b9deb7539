"""What the rest of the platform hears of instalment plans: the events and their details, as contracts."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from runtime.payments.events import SOURCE
from runtime.payments.instalments.standing import standing
from runtime.payments.plans.model import AgreedPlan
from runtime.platform.outbox import DomainEvent

AGREED = "PlanAgreed"
PAYMENT_RECEIVED = "PlanPaymentReceived"
PAID = "PlanPaid"
PAYMENT_REFUSED = "PlanPaymentRefused"
"""The money is there and booked, but the plan cannot take it in: a person decides."""
REFUNDS_CHANGED = "PlanRefundsChanged"
"""A payment of the plan was refunded, in whole or part, or such a refund failed after all."""


class PlanEventDetail(BaseModel):
    """The detail of every event about an instalment plan. ``message_key`` is the same however often the same
    news is told. ``subject_id`` is the payment that brought it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    plan_id: str
    school_id: str
    payer_id: str
    subject_id: str
    outstanding_paise: int
    overdue_paise: int
    next_due_on: str | None
    next_due_paise: int
    excess_paise: int
    currency: str
    description: str
    code: str | None
    message_key: str


def plan_event(
    detail_type: str, agreed: AgreedPlan, subject_id: str, at: datetime, code: str | None = None
) -> DomainEvent:
    """The event that tells where the plan stands at a moment, after what ``subject_id`` names. ``code`` says
    why a payment was refused."""
    now = standing(agreed.plan, at)
    line = now.next_line
    detail = PlanEventDetail(
        plan_id=agreed.plan_id,
        school_id=agreed.school_id,
        payer_id=agreed.payer_id,
        subject_id=subject_id,
        outstanding_paise=now.outstanding_paise,
        overdue_paise=now.overdue_paise,
        next_due_on=line.line.due_on.isoformat() if line is not None else None,
        next_due_paise=line.amount_paise if line is not None else 0,
        excess_paise=now.excess_paise,
        currency=agreed.currency,
        description=agreed.description,
        code=code,
        message_key=f"{detail_type}:{agreed.plan_id}:{subject_id}:{agreed.version}",
    )
    return DomainEvent(SOURCE, detail_type, agreed.plan_id, detail.model_dump(mode="json"))
