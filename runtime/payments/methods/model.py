"""What a payer may be debited by: saved instruments and mandates. Tokens of the gateway, never a number."""

from enum import StrEnum

from pydantic import Field

from runtime.payments.model import Frozen

LABEL_MAX = 40
METHODS_MAX = 20
"""Instruments that one payer may have saved at a time."""

MANDATES_MAX = 50
"""Mandates that one payer may have registered in all; a registration that came to nothing counts."""


class InstrumentKind(StrEnum):
    """What an instrument is."""

    CARD = "card"
    UPI = "upi"
    EMANDATE = "emandate"
    NETBANKING = "netbanking"
    WALLET = "wallet"


class TokenStatus(StrEnum):
    """What the gateway says of the mandate behind a token, in its own words."""

    INITIATED = "initiated"
    CONFIRMED = "confirmed"
    PAUSED = "paused"
    REJECTED = "rejected"
    CANCELLED = "cancelled"


class MandateMethod(StrEnum):
    """The rails on which a mandate can be registered."""

    UPI = "upi"
    CARD = "card"
    EMANDATE = "emandate"


class Frequency(StrEnum):
    """How often a mandate may be debited at most (Razorpay, ``token.frequency``)."""

    DAILY = "daily"
    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    BIMONTHLY = "bimonthly"
    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEARLY = "yearly"
    AS_PRESENTED = "as_presented"


class MandateStatus(StrEnum):
    """Where a mandate stands. Only ``active`` may be debited."""

    CREATED = "created"
    """The payer has not authorised it yet."""
    INITIATED = "initiated"
    """Authorised; the bank has not confirmed it yet."""
    ACTIVE = "active"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    """We asked for its end and have not heard of it yet."""
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    EXPIRED = "expired"


class Instrument(Frozen):
    """What may be kept of an instrument (RBI, card-on-file tokenisation): enough to recognise it by.

    ``expires_on`` is the last month in which a card is good, ``2028-03``.
    """

    kind: InstrumentKind
    last4: str | None = None
    network: str | None = None
    issuer: str | None = None
    expires_on: str | None = None
    vpa_masked: str | None = None
    bank: str | None = None
    wallet: str | None = None


class TokenState(Frozen):
    """What was heard of a token, merged. ``observed_at`` (unix seconds) is the moment of the newest word."""

    status: TokenStatus
    observed_at: int
    failure_reason: str | None = None
    instrument: Instrument | None = None
    max_amount_paise: int | None = None
    expires_at: int | None = None


class TokenRecord(Frozen):
    """A token: what was heard of it, and whose it is as soon as that is known.

    The gateway may tell of a token before the payment that made it; so a record can begin with either.
    ``version`` counts its changes, for optimistic locking; 0 is not stored yet.
    """

    token_id: str
    state: TokenState | None = None
    payer_id: str | None = None
    mandate_id: str | None = None
    method_id: str | None = None
    version: int = 0


class Method(Frozen):
    """An instrument that a payer has saved. A revoked one stays, so that what was paid by it can be told."""

    method_id: str
    payer_id: str
    token_id: str
    customer_id: str
    instrument: Instrument
    label: str | None = None
    created_at: str
    revoked_at: str | None = None
    version: int = 0


class Mandate(Frozen):
    """The terms of a mandate, as the payer is asked to authorise them, and the tokens that came of it.

    ``tokens``: a payer may authorise one registration more than once; which token counts is derived.
    ``payment_id`` is the payment with which it is authorised; ``ends_at`` is RFC 3339.
    """

    mandate_id: str
    payer_id: str
    school_id: str
    method: MandateMethod
    max_amount_paise: int
    currency: str
    frequency: Frequency
    ends_at: str
    first_payment_paise: int
    payment_id: str
    order_id: str
    customer_id: str
    tokens: tuple[str, ...] = ()
    created_at: str
    cancel_requested_at: str | None = None
    version: int = 0


class Profile(Frozen):
    """What belongs to a payer as a whole: the gateway's customer, and the instrument that is used when
    nothing else says which."""

    payer_id: str
    customer_id: str | None = None
    default_method_id: str | None = None
    version: int = 0


class Wallet(Frozen):
    """Everything that one payer has: the profile, the saved methods and the mandates, oldest first."""

    profile: Profile
    methods: tuple[Method, ...] = Field(default=())
    mandates: tuple[Mandate, ...] = Field(default=())

    @property
    def live_methods(self) -> tuple[Method, ...]:
        """The methods that are not revoked."""
        return tuple(method for method in self.methods if method.revoked_at is None)
