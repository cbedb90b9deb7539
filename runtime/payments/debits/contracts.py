"""What callers of the debits and retries API send and get."""

from typing import Annotated

from pydantic import Field, StringConstraints

from runtime.payments.contracts import (
    AMOUNT_MIN_PAISE,
    Checkout,
    Line,
    MetadataName,
    MetadataValue,
    PrincipalId,
)
from runtime.payments.debits.model import (
    NoticeState,
    PlanKind,
    PlanRecord,
    RetryRecord,
    RetryState,
    Try,
)
from runtime.payments.methods.contracts import MANDATE_MAX_PAISE, Day
from runtime.payments.model import Payment, PaymentStatus
from runtime.platform.api import Contract


class CreateDebit(Contract):
    """Ask for a debit of a mandate, without its payer being present. The amount is in paise."""

    payer_id: PrincipalId = Field(description="Whose mandate it is.")
    amount_paise: int = Field(
        description="A whole number of paise, at least 100 and at most what the mandate allows.",
        json_schema_extra={"minimum": AMOUNT_MIN_PAISE, "maximum": MANDATE_MAX_PAISE},
    )
    description: Line = Field(description="What the payer reads: 'Lunches in April'. No personal data.")
    cycle_on: Day | None = Field(
        default=None,
        description="A day in India of the cycle that the debit belongs to; today's cycle if left out.",
    )
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_\-.]{1,64}$")] | None = Field(
        default=None, description="The caller's own reference, an invoice number for example."
    )
    metadata: Annotated[dict[MetadataName, MetadataValue], Field(max_length=10)] = Field(
        default_factory=dict, description="Up to ten texts of the caller's own. No personal data."
    )


class BecauseView(Contract):
    """One thing that decided: a stable code, a sentence, its source, and the moment that it set."""

    code: str
    sentence: str
    source: str
    until: str | None


class PlanView(Contract):
    """What happens next, and everything that decided it.

    `retry`: a debit at `at`, announced at `notify_at` unless it is announced already. `poll`: the gateway is
    asked at `at`. `ask_customer`: nothing until the customer did what `remedy` says. `stop`: nothing more.
    """

    kind: PlanKind
    at: str | None
    notify_at: str | None
    attempt_no: int | None
    cycle_attempt_no: int | None
    reason: str | None
    remedy: str | None
    because: list[BecauseView]
    planned_at: str


class NoticeView(Contract):
    """A notice that told the payer of a debit beforehand."""

    order_id: str
    status: NoticeState
    raised_at: str
    delivered_at: str | None
    debit_at: str | None


class TryView(Contract):
    """One debit that was asked for, and what the gateway says of it: `unknown` until it says anything,
    `not_made` when it never got there."""

    number: int
    order_id: str
    initiated_at: str
    gateway_payment_id: str | None
    outcome: str
    error_reason: str | None


class RetriesView(Contract):
    """The tries of a payment and the next one. `checkout` is there where the payer can pay again itself."""

    payment_id: str
    status: PaymentStatus
    amount_paise: int
    currency: str
    mandate_id: str | None
    cycle_start: str | None
    cycle_end: str | None
    state: RetryState | None
    tries: list[TryView]
    notices: list[NoticeView]
    plan: PlanView | None
    checkout: Checkout | None


def retries_view(
    payment: Payment, record: RetryRecord | None, plan: PlanRecord | None, checkout: Checkout | None
) -> RetriesView:
    """The retries of a payment as callers see them."""
    terms = payment.debit
    return RetriesView(
        payment_id=payment.payment_id,
        status=payment.status,
        amount_paise=payment.amount_paise,
        currency=payment.currency,
        mandate_id=payment.mandate_id,
        cycle_start=terms.cycle_start if terms else None,
        cycle_end=terms.cycle_end if terms else None,
        state=record.state if record else None,
        tries=[_try_view(one, payment) for one in record.tries] if record else [],
        notices=[
            NoticeView(**{name: getattr(notice, name) for name in NoticeView.model_fields})
            for notice in (record.notices if record else ())
        ],
        plan=None if plan is None else _plan_view(plan),
        checkout=checkout,
    )


def _plan_view(plan: PlanRecord) -> PlanView:
    told = plan.model_dump(exclude={"because", "subject"})
    return PlanView(**told, because=[BecauseView(**why.model_dump()) for why in plan.because])


def _try_view(one: Try, payment: Payment) -> TryView:
    heard = payment.attempts.get(one.gateway_payment_id or "")
    outcome, reason = "unknown", None
    if one.not_made:
        outcome = "not_made"
    elif one.refused is not None:
        outcome, reason = "refused", one.refused.reason
    elif heard is not None:
        outcome, reason = heard.status.value, heard.error_reason
    return TryView(
        number=one.number,
        order_id=one.order_id,
        initiated_at=one.initiated_at,
        gateway_payment_id=one.gateway_payment_id,
        outcome=outcome,
        error_reason=reason,
    )
