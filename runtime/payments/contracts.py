"""What callers of the payment API send and get."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from runtime.payments.model import Attempt, AttemptStatus, Payment, PaymentStatus
from runtime.payments.returns.rules import payment_totals, refundable_paise
from runtime.platform.api import Contract
from runtime.platform.currencies import BOOKS_CURRENCY

AMOUNT_MIN_PAISE = 100
"""Razorpay takes no order below ₹1.00 (Orders API, ``amount``), nor below 100 minor units of another
currency."""

AMOUNT_MAX_PAISE = 50_000_000
"""₹5,00,000.00: Razorpay's default ceiling for one payment. In another currency it is in that one's minor
units, and what is more than the same in rupees the gateway refuses."""

PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX = 20, 100

SchoolId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,63}$")]
PrincipalId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,127}$")]
Line = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")]
PlanId = Annotated[str, StringConstraints(pattern=r"^pln_[0-9A-HJKMNP-TV-Z]{26}$")]
MetadataName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{1,40}$")]
MetadataValue = Annotated[str, StringConstraints(max_length=256)]


class CreatePayment(Contract):
    """Ask for a payment. The amount is in paise: ₹450.00 is 45000; in another currency it is in that one's
    minor units: USD 5.40 is 540, JPY 800 is 800, KWD 1.650 is 1650."""

    school_id: SchoolId = Field(description="The school whose meals are paid for.")
    amount_paise: int = Field(
        description=(
            "A whole number of paise, or of the currency's minor units; at least 100 and at most 50000000. "
            "Of a currency with three decimal places the last digit is 0."
        ),
        json_schema_extra={"minimum": AMOUNT_MIN_PAISE, "maximum": AMOUNT_MAX_PAISE},
    )
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")] = Field(
        default=BOOKS_CURRENCY,
        description=(
            "In which the payer is asked: ISO 4217; INR unless another is enabled. The books, settlements, "
            "instalment plans and splits are in INR alone."
        ),
    )
    description: Line = Field(description="What the payer reads: 'Lunches in April'. No personal data.")
    capture: Literal["automatic", "manual"] = Field(
        default="automatic",
        description="manual: the bank authorises only, and the money is taken by a call, within five days.",
    )
    payer_id: PrincipalId | None = Field(
        default=None, description="Who is to pay. A parent always pays for itself and leaves it out."
    )
    reference: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9/_\-.]{1,64}$")] | None = Field(
        default=None, description="The caller's own reference, an invoice number for example."
    )
    metadata: Annotated[dict[MetadataName, MetadataValue], Field(max_length=10)] = Field(
        default_factory=dict, description="Up to ten texts of the caller's own. No personal data."
    )
    plan_id: PlanId | None = Field(
        default=None, description="The instalment plan of this payer that receives the payment."
    )
    prepayment: Literal["reduce_tenure", "reduce_instalment"] | None = Field(
        default=None,
        description="With plan_id: what exceeds the due brings principal forward, and this becomes less.",
    )


class VerifyPayment(Contract):
    """What the checkout gave to the payer's browser, exactly as it gave it."""

    razorpay_order_id: Annotated[str, StringConstraints(pattern=r"^order_[A-Za-z0-9]{8,32}$")]
    razorpay_payment_id: Annotated[str, StringConstraints(pattern=r"^pay_[A-Za-z0-9]{8,32}$")]
    razorpay_signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class ListPayments(Contract):
    """Which payments to list, newest first."""

    school_id: SchoolId | None = Field(
        default=None, description="Payments of this school. Parents leave it out."
    )
    limit: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT
    cursor: Annotated[str, StringConstraints(max_length=1024)] | None = Field(
        default=None, description="`next_cursor` of the page before."
    )


class AttemptView(Contract):
    """One attempt to pay, as far as it may be shown. `amount_paise` and `amount_refunded_paise` are in minor
    units of `currency`; `base_amount_paise` is what the gateway says that a capture in another currency than
    INR is worth. The fee is in paise."""

    gateway_payment_id: str
    status: AttemptStatus
    amount_paise: int
    currency: str
    base_amount_paise: int | None
    method: str | None
    card_network: str | None
    card_last4: str | None
    bank: str | None
    wallet: str | None
    vpa_masked: str | None
    fee_paise: int | None
    tax_paise: int | None
    amount_refunded_paise: int
    error_reason: str | None
    error_description: str | None


class Checkout(Contract):
    """What a browser or app opens the gateway's checkout with."""

    gateway: Literal["razorpay"] = "razorpay"
    key_id: str
    order_id: str
    amount_paise: int
    currency: str


class PaymentView(Contract):
    """A payment as callers see it. `checkout` is there while it can still be paid. All amounts but
    `base_amount_paise` are in minor units of `currency` (paise of INR).

    `base_amount_paise` is what of a payment in another currency is in the books, once the gateway has told
    it; until then the status of a captured one is `unknown`. `refunded_paise` went back,
    `refund_pending_paise` is on its way or promised, `disputed_paise` is contested by the payer's bank or
    lost to it, and `refundable_paise` is what can still be refunded.
    """

    payment_id: str
    school_id: str
    payer_id: str
    amount_paise: int
    currency: str
    base_amount_paise: int | None
    description: str
    reference: str | None
    metadata: dict[str, str]
    link_id: str | None
    plan_id: str | None
    capture: Literal["automatic", "manual"]
    status: PaymentStatus
    refunded_paise: int
    refund_pending_paise: int
    refundable_paise: int
    disputed_paise: int
    checkout: Checkout | None
    attempts: list[AttemptView]
    created_at: str
    updated_at: str


class PaymentPage(Contract):
    """A page of payments; `next_cursor` is null on the last one."""

    items: list[PaymentView]
    next_cursor: str | None


_PAYABLE = frozenset({PaymentStatus.PENDING, PaymentStatus.FAILED})


def view(payment: Payment, key_id: str) -> PaymentView:
    """A payment as callers see it."""
    checkout = None
    # A mandate is authorised by a checkout of its own, which the mandate shows.
    if payment.order_id is not None and payment.mandate_id is None and payment.status in _PAYABLE:
        checkout = Checkout(
            key_id=key_id,
            order_id=payment.order_id,
            amount_paise=payment.amount_paise,
            currency=payment.currency,
        )
    returned = payment_totals(payment)
    return PaymentView(
        payment_id=payment.payment_id,
        school_id=payment.school_id,
        payer_id=payment.payer_id,
        amount_paise=payment.amount_paise,
        currency=payment.currency,
        base_amount_paise=_base_paise(payment),
        description=payment.description,
        reference=payment.reference,
        metadata=payment.metadata,
        link_id=payment.link_id,
        plan_id=payment.plan_id,
        capture=payment.capture,
        status=payment.status,
        refunded_paise=returned.refunded_paise,
        refund_pending_paise=returned.pending_paise,
        refundable_paise=refundable_paise(payment),
        disputed_paise=returned.disputed_paise,
        checkout=checkout,
        attempts=[_attempt_view(attempt) for attempt in payment.attempts.values()],
        created_at=payment.created_at,
        updated_at=payment.updated_at,
    )


def _attempt_view(attempt: Attempt) -> AttemptView:
    return AttemptView(**{name: getattr(attempt, name) for name in AttemptView.model_fields})


def _base_paise(payment: Payment) -> int | None:
    """What the captures in another currency than INR are worth together; None where there are none."""
    known = [
        attempt.base_amount_paise
        for attempt in payment.attempts.values()
        if attempt.base_amount_paise is not None
    ]
    return sum(known) if known else None
