"""A payment and the attempts to make it, as they are stored and reasoned about."""

from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from runtime.payments.instalments.effect import Effect
from runtime.platform.currencies import BOOKS_CURRENCY

ATTEMPTS_MAX = 50
"""More attempts than a person makes at one order; beyond it the newest failed attempts are not kept."""


class PaymentStatus(StrEnum):
    """Where a payment stands. Only ``captured`` means money; ``failed`` is never final, for banks answer
    late."""

    CREATED = "created"
    UNKNOWN = "unknown"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    FAILED = "failed"
    CONFLICTED = "conflicted"


OPEN_STATUSES = frozenset(
    {PaymentStatus.CREATED, PaymentStatus.UNKNOWN, PaymentStatus.PENDING, PaymentStatus.AUTHORIZED}
)
"""The sweeper looks at these until they are resolved."""

SWEPT_STATUSES = OPEN_STATUSES | {PaymentStatus.FAILED}
"""Those, and what failed: it is not final, for a bank may answer late (Razorpay, "late authorisation")."""


class AttemptStatus(StrEnum):
    """What the gateway says of one attempt, in its own words; ``refunded`` follows a capture or an expiry."""

    CREATED = "created"
    FAILED = "failed"
    AUTHORIZED = "authorized"
    CAPTURED = "captured"
    REFUNDED = "refunded"


class Frozen(BaseModel):
    """A value that never changes."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Attempt(Frozen):
    """One payment at the gateway against our order: what is known of it, merged from all that was heard.

    ``observed_at`` (unix seconds) is the moment of the newest word. ``was_captured`` stays true once true.
    ``amount_paise`` and ``amount_refunded_paise`` are minor units of ``currency``; ``base_amount_paise`` is
    what the gateway says that a capture in another currency than INR is worth. The fee is always in paise.
    """

    gateway_payment_id: str
    status: AttemptStatus
    amount_paise: int
    currency: str
    observed_at: int
    was_captured: bool = False
    amount_refunded_paise: int = 0
    base_amount_paise: int | None = None
    fee_paise: int | None = None
    tax_paise: int | None = None
    method: str | None = None
    card_network: str | None = None
    card_issuer: str | None = None
    card_last4: str | None = None
    bank: str | None = None
    wallet: str | None = None
    vpa_masked: str | None = None
    error_code: str | None = None
    error_reason: str | None = None
    error_source: str | None = None
    error_step: str | None = None
    error_description: str | None = None
    rrn: str | None = None
    token_id: str | None = None
    customer_id: str | None = None

    @property
    def worth_paise(self) -> int | None:
        """What the books count it as, in paise; None while the gateway has not told it."""
        return self.amount_paise if self.currency == BOOKS_CURRENCY else self.base_amount_paise

    @property
    def awaits_base(self) -> bool:
        """Whether it brought money of which the gateway has not told what it is worth."""
        return self.was_captured and self.amount_paise > 0 and self.worth_paise is None


class DebitTerms(Frozen):
    """What makes a payment a debit: the mandate it is taken by, and the cycle of the mandate it belongs to.

    The bounds are RFC 3339, the end not included; None where the mandate has no cycles.
    """

    mandate_id: str
    cycle_start: str | None = None
    cycle_end: str | None = None


class ReturnTotals(Frozen):
    """What went back of one captured gateway payment, in minor units of its currency (paise of INR):
    refunded (by the gateway's word), on its way or promised, and contested or lost in disputes."""

    refunded_paise: int = 0
    pending_paise: int = 0
    disputed_paise: int = 0


class CaptureOrder(Frozen):
    """A capture that was decided on, kept from before the gateway is asked.

    ``kept_paise`` of the attempt is to stay; ``refund_id`` names the refund of the rest. Until
    ``lease_until`` (a moment in UTC) the call that decided may still be at work.
    """

    refund_id: str
    gateway_payment_id: str
    kept_paise: int
    lease_until: str


class Payment(Frozen):
    """A payment: what was asked for, the gateway's order for it, and the attempts to pay that order.

    ``amount_paise`` is in minor units of ``currency``, the one that the payer is asked in (paise of INR).
    ``version`` counts its changes, for optimistic locking; 0 is not stored yet. ``journal`` names the entries
    booked for it. ``order_outcome_unknown`` is set while the gateway may have an order that we do not know.
    ``mandate_id`` names the mandate that is authorised with this payment or, where there is a ``debit``, the
    one by which it is debited; a debit has one order after the other, and ``order_id`` is the newest.
    ``link_id`` names the payment link that it pays, in whole or part, ``plan_id`` the instalment plan that
    receives it; ``prepayment`` says what of the plan becomes less where the payment exceeds what is due.
    ``capture`` is who captures: the gateway by itself (``automatic``) or we (``manual``), as
    ``capture_order`` says. ``returns`` tells what went back, by gateway payment; it is written with the
    returns themselves. ``splits`` names the gateway payments that are split between linked accounts.
    """

    payment_id: str
    school_id: str
    payer_id: str
    amount_paise: int
    currency: str
    description: str
    reference: str | None = None
    metadata: dict[str, str] = Field(default_factory=dict)
    mandate_id: str | None = None
    link_id: str | None = None
    plan_id: str | None = None
    prepayment: Effect | None = None
    debit: DebitTerms | None = None
    capture: Literal["automatic", "manual"] = "automatic"
    capture_order: CaptureOrder | None = None
    status: PaymentStatus = PaymentStatus.CREATED
    order_id: str | None = None
    order_outcome_unknown: bool = False
    checkout_verified: bool = False
    attempts: dict[str, Attempt] = Field(default_factory=dict)
    journal: tuple[str, ...] = ()
    returns: dict[str, ReturnTotals] = Field(default_factory=dict)
    splits: tuple[str, ...] = ()
    created_at: str
    updated_at: str
    version: int = 0
