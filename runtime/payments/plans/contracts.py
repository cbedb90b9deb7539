"""What callers of the instalment plan API send and get."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from runtime.payments.contracts import (
    PAGE_SIZE_DEFAULT,
    PAGE_SIZE_MAX,
    Line,
    PrincipalId,
    SchoolId,
)
from runtime.payments.instalments.effect import Effect
from runtime.payments.instalments.model import INSTALMENTS_MAX, LineKind, Plan, PlanKind
from runtime.payments.instalments.prepayment import foreclosure
from runtime.payments.instalments.rules import preview
from runtime.payments.instalments.standing import LineStanding, LineStatus, standing
from runtime.payments.plans.model import AgreedPlan
from runtime.platform.api import Contract
from runtime.platform.clock import iso

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_\-.]{1,64}$")]


class Spread(StrEnum):
    """How the amount is spread: in equal parts, by a reducing balance, or as the caller says."""

    EQUAL = "equal"
    EMI = "emi"
    CUSTOM = "custom"


SPREAD_OF = {
    PlanKind.EQUAL_PRINCIPAL: Spread.EQUAL,
    PlanKind.REDUCING_BALANCE: Spread.EMI,
    PlanKind.CUSTOM: Spread.CUSTOM,
}


class InstalmentPart(Contract):
    """One part of a custom plan."""

    due_on: Day = Field(description="The day in India by which it is to be paid.")
    amount_paise: int = Field(description="A whole number of paise, at least 100.")


class InstalmentPlanTerms(Contract):
    """The terms of a plan. `equal` and `emi` need count and first_due_on, `emi` its yearly rate besides;
    `custom` needs its parts, which sum to the principal."""

    kind: Annotated[Spread, Field(strict=False)]
    principal_paise: int = Field(
        description="What the plan is over: a whole number of paise.", json_schema_extra={"minimum": 100}
    )
    count: int | None = Field(default=None, description="How many monthly instalments: 1 to 360.")
    annual_rate_bps: int | None = Field(
        default=None, description="The yearly rate in hundredths of a per cent: 2400 is 24 %."
    )
    first_due_on: Day | None = Field(default=None, description="The day of the first instalment, in India.")
    anchor_day: int | None = Field(
        default=None, description="The day of the month of all others, 1 to 31; that of the first by default."
    )
    parts: Annotated[list[InstalmentPart], Field(max_length=INSTALMENTS_MAX)] = Field(
        default_factory=list, description="The parts of a custom plan, by ascending days."
    )


class CreateInstalmentPlan(InstalmentPlanTerms):
    """Agree on a plan with a payer. Nothing is paid yet: payments that name the plan are received into it."""

    school_id: SchoolId = Field(description="The school to which the amount is owed.")
    payer_id: PrincipalId = Field(description="Who pays by instalments.")
    description: Line = Field(description="What the payer reads: 'Meals 2026/27'. No personal data.")
    reference: Reference | None = Field(
        default=None, description="The caller's own reference, an invoice number for example."
    )


class ListInstalmentPlans(Contract):
    """Which plans to list, newest first."""

    school_id: SchoolId | None = Field(
        default=None, description="Plans of this school. Parents leave it out."
    )
    limit: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT
    cursor: Annotated[str, StringConstraints(max_length=1024)] | None = Field(
        default=None, description="`next_cursor` of the page before."
    )


class AskPrepayment(Contract):
    """A payment that is thought of: its amount, and what is to become less by what exceeds the due."""

    amount_paise: Annotated[int, Field(ge=1)]
    effect: Literal["reduce_tenure", "reduce_instalment"] = Field(
        description="Whether the plan becomes shorter, or its coming instalments smaller."
    )


class InstalmentLineView(Contract):
    """A line of a plan: what it asks for, what of it is paid, and where it stands today."""

    number: int
    kind: LineKind
    due_on: str
    principal_paise: int
    interest_paise: int
    amount_paise: int
    paid_paise: int
    status: LineStatus


class InstalmentPlanPreview(Contract):
    """What a plan would ask for, line by line. Nothing is agreed by looking."""

    kind: Spread
    principal_paise: int
    interest_paise: int
    payable_paise: int
    annual_rate_bps: int
    count: int
    instalment_paise: int
    last_instalment_paise: int
    first_due_on: str
    last_due_on: str
    lines: list[InstalmentLineView]


class InstalmentPaymentView(Contract):
    """A payment that the plan received, and what of it was given back."""

    payment_id: str
    amount_paise: int
    refunded_paise: int
    received_at: str


class ForeclosureView(Contract):
    """What would close the plan today: what is due, the rest of the principal, the interest accrued on it."""

    on: str
    due_paise: int
    principal_paise: int
    interest_paise: int
    amount_paise: int


class InstalmentPlanSummary(Contract):
    """Where a plan stands today. `due_paise` is to be paid by the end of today, the overdue included."""

    plan_id: str
    school_id: str
    payer_id: str
    kind: Spread
    currency: str
    description: str
    reference: str | None
    is_paid: bool
    principal_paise: int
    interest_paise: int
    payable_paise: int
    paid_paise: int
    overdue_paise: int
    due_paise: int
    outstanding_paise: int
    excess_paise: int
    next_due_on: str | None
    next_due_paise: int
    created_at: str
    updated_at: str


class InstalmentPlanView(InstalmentPlanSummary):
    """A plan with its lines, its payments, and what would close it."""

    annual_rate_bps: int
    lines: list[InstalmentLineView]
    payments: list[InstalmentPaymentView]
    foreclosure: ForeclosureView


class InstalmentPlanPage(Contract):
    """A page of plans; `next_cursor` is null on the last one."""

    items: list[InstalmentPlanSummary]
    next_cursor: str | None


class PrepaymentQuote(Contract):
    """What a payment of today would leave of the plan. Nothing changes by asking."""

    plan_id: str
    amount_paise: int
    effect: Effect
    prepaid_paise: int
    interest_saved_paise: int
    outstanding_paise: int
    excess_paise: int
    lines: list[InstalmentLineView]


def preview_view(plan: Plan, at: datetime) -> InstalmentPlanPreview:
    """A plan before it is agreed."""
    seen = preview(plan)
    return InstalmentPlanPreview(
        kind=SPREAD_OF[plan.kind],
        principal_paise=seen.principal_paise,
        interest_paise=seen.interest_paise,
        payable_paise=seen.payable_paise,
        annual_rate_bps=plan.annual_rate_bps,
        count=seen.count,
        instalment_paise=seen.instalment_paise,
        last_instalment_paise=seen.last_instalment_paise,
        first_due_on=seen.first_due_on.isoformat(),
        last_due_on=seen.last_due_on.isoformat(),
        lines=line_views(plan, at),
    )


def plan_summary(agreed: AgreedPlan, at: datetime) -> InstalmentPlanSummary:
    """A plan at a glance, as it stands at a moment."""
    plan, now = agreed.plan, standing(agreed.plan, at)
    line = now.next_line
    return InstalmentPlanSummary(
        plan_id=agreed.plan_id,
        school_id=agreed.school_id,
        payer_id=agreed.payer_id,
        kind=SPREAD_OF[plan.kind],
        currency=agreed.currency,
        description=agreed.description,
        reference=agreed.reference,
        is_paid=now.is_paid,
        principal_paise=plan.principal_paise,
        interest_paise=plan.interest_paise,
        payable_paise=plan.payable_paise,
        paid_paise=plan.payable_paise - now.outstanding_paise,
        overdue_paise=now.overdue_paise,
        due_paise=now.due_paise,
        outstanding_paise=now.outstanding_paise,
        excess_paise=now.excess_paise,
        next_due_on=line.line.due_on.isoformat() if line is not None else None,
        next_due_paise=line.amount_paise if line is not None else 0,
        created_at=agreed.created_at,
        updated_at=agreed.updated_at,
    )


def plan_view(agreed: AgreedPlan, at: datetime) -> InstalmentPlanView:
    """A plan whole, as it stands at a moment."""
    plan, closing = agreed.plan, foreclosure(agreed.plan, at)
    return InstalmentPlanView(
        **plan_summary(agreed, at).model_dump(),
        annual_rate_bps=plan.annual_rate_bps,
        lines=line_views(plan, at),
        payments=[
            InstalmentPaymentView(
                payment_id=receipt.payment_id,
                amount_paise=receipt.amount_paise,
                refunded_paise=sum(
                    refund.amount_paise for refund in plan.refunds if refund.payment_id == receipt.payment_id
                ),
                received_at=iso(receipt.received_at),
            )
            for receipt in plan.receipts
        ],
        foreclosure=ForeclosureView(
            on=closing.on.isoformat(),
            due_paise=closing.due_paise,
            principal_paise=closing.principal_paise,
            interest_paise=closing.interest_paise,
            amount_paise=closing.amount_paise,
        ),
    )


def line_views(plan: Plan, at: datetime) -> list[InstalmentLineView]:
    """The lines of a plan in the order in which they are paid."""
    return [_line_view(each) for each in standing(plan, at).lines]


def _line_view(each: LineStanding) -> InstalmentLineView:
    return InstalmentLineView(
        number=each.line.number,
        kind=each.line.kind,
        due_on=each.line.due_on.isoformat(),
        principal_paise=each.line.principal_paise,
        interest_paise=each.line.interest_paise,
        amount_paise=each.line.amount_paise,
        paid_paise=each.paid.amount_paise,
        status=each.status,
    )
