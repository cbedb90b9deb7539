"""What callers of the methods and mandates API send and get."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from runtime.payments.contracts import Line, PrincipalId, SchoolId
from runtime.payments.methods.model import (
    LABEL_MAX,
    Frequency,
    InstrumentKind,
    Mandate,
    MandateMethod,
    MandateStatus,
    Method,
    TokenRecord,
    Wallet,
)
from runtime.payments.methods.rules import card_has_expired, current_token, mandate_status
from runtime.platform.api import Contract

MANDATE_MAX_PAISE = 9_999_900
"""₹99,999.00: what a mandate may allow for one debit (Razorpay, ``token.max_amount``, for school meals'
merchant category)."""

MANDATE_YEARS_MAX = 30
"""A mandate ends within thirty years (Razorpay, ``token.expire_at``)."""

Label = Annotated[str, StringConstraints(min_length=1, max_length=LABEL_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")]
Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class SaveMethod(Contract):
    """Save the instrument with which a payment was made, if its payer agreed to that at the checkout."""

    payment_id: Annotated[str, StringConstraints(pattern=r"^pmt_[0-9A-HJKMNP-TV-Z]{26}$")]
    label: Label | None = Field(default=None, description="The payer's own name for it: 'Amma's card'.")


class RenameMethod(Contract):
    """Another label; null takes it away."""

    label: Label | None


class CheckoutCustomer(Contract):
    """Whom a checkout is opened for, so that the payer may save the instrument there: the gateway's
    `customer_id`, given to the checkout together with `remember_customer`."""

    key_id: str
    customer_id: str


class WhoseMethods(Contract):
    """Whose methods or mandates. A parent's are its own; who works for every school says whose."""

    payer_id: PrincipalId | None = Field(default=None, description="Parents leave it out.")


class RegisterMandate(Contract):
    """Ask a payer to authorise debits without being present, up to a maximum, until a day."""

    school_id: SchoolId = Field(description="The school whose meals the debits will pay for.")
    method: Annotated[MandateMethod, Field(strict=False)]
    max_amount_paise: int = Field(
        description="The most that one debit may take: at least 100 and at most 9999900 paise.",
        json_schema_extra={"minimum": 100, "maximum": MANDATE_MAX_PAISE},
    )
    frequency: Annotated[Frequency, Field(strict=False)]
    expires_on: Day = Field(description="The last day of the mandate, in India; within thirty years.")
    first_payment_paise: int = Field(
        default=0,
        description="Paid together with the authorisation; nothing, or at least 100 (a card needs it).",
        json_schema_extra={"minimum": 0},
    )
    description: Line = Field(description="What the payer reads. No personal data.")
    payer_id: PrincipalId | None = Field(
        default=None, description="Who is to authorise. A parent always does so itself and leaves it out."
    )


class InstrumentView(Contract):
    """As much of an instrument as its owner needs to recognise it."""

    kind: InstrumentKind
    last4: str | None
    network: str | None
    issuer: str | None
    expires_on: str | None
    vpa_masked: str | None
    bank: str | None
    wallet: str | None


class MethodView(Contract):
    """A saved method. `is_default`: it is debited where a subscription names no other."""

    method_id: str
    payer_id: str
    instrument: InstrumentView
    label: str | None
    is_default: bool
    has_expired: bool
    created_at: str


class MethodList(Contract):
    """The saved methods of a payer, oldest first."""

    items: list[MethodView]


class MandateCheckout(Contract):
    """What a browser or app opens the gateway's checkout with, so that the payer can authorise."""

    key_id: str
    order_id: str
    customer_id: str
    recurring: bool
    amount_paise: int
    currency: str


class MandateView(Contract):
    """A mandate. `checkout` is there until it is authorised."""

    mandate_id: str
    payer_id: str
    school_id: str
    method: MandateMethod
    status: MandateStatus
    failure_reason: str | None
    max_amount_paise: int
    currency: str
    frequency: Frequency
    ends_at: str
    first_payment_paise: int
    payment_id: str
    instrument: InstrumentView | None
    checkout: MandateCheckout | None
    created_at: str


class MandateList(Contract):
    """The mandates of a payer, oldest first."""

    items: list[MandateView]


def method_view(method: Method, wallet: Wallet, now: datetime) -> MethodView:
    """A method as callers see it."""
    return MethodView(
        method_id=method.method_id,
        payer_id=method.payer_id,
        instrument=InstrumentView(**method.instrument.model_dump()),
        label=method.label,
        is_default=wallet.profile.default_method_id == method.method_id,
        has_expired=card_has_expired(method, now),
        created_at=method.created_at,
    )


def mandate_view(mandate: Mandate, tokens: Sequence[TokenRecord], key_id: str, now: datetime) -> MandateView:
    """A mandate as callers see it, given the tokens that came of it."""
    status = mandate_status(mandate, tokens, now)
    token = current_token(tokens)
    state = token.state if token is not None else None
    instrument = state.instrument if state is not None else None
    checkout = None
    if status is MandateStatus.CREATED:
        checkout = MandateCheckout(
            key_id=key_id,
            order_id=mandate.order_id,
            customer_id=mandate.customer_id,
            recurring=True,
            amount_paise=mandate.first_payment_paise,
            currency=mandate.currency,
        )
    return MandateView(
        mandate_id=mandate.mandate_id,
        payer_id=mandate.payer_id,
        school_id=mandate.school_id,
        method=mandate.method,
        status=status,
        failure_reason=state.failure_reason if state is not None else None,
        max_amount_paise=mandate.max_amount_paise,
        currency=mandate.currency,
        frequency=mandate.frequency,
        ends_at=mandate.ends_at,
        first_payment_paise=mandate.first_payment_paise,
        payment_id=mandate.payment_id,
        instrument=InstrumentView(**instrument.model_dump()) if instrument is not None else None,
        checkout=checkout,
        created_at=mandate.created_at,
    )
