"""What Razorpay answers, by its API reference: frozen, tolerant of quirks, strict on amounts.

Field names and values are Razorpay's own. Statuses are texts, not enumerations, because a status that
Razorpay adds must not make a payment unreadable; what to do with an unknown one is the caller's rule.
Card data is what may be kept (last four, network, issuer, expiry); nothing here can hold more.
"""

from typing import Annotated

from pydantic import Field, Strict

from runtime.gateways.razorpay.fields import (
    Entity,
    Flag,
    MovedPaise,
    Notes,
    OptionalMovedPaise,
    OptionalPaise,
    Paise,
    PerhapsEmpty,
    PersonalText,
    Text,
    UnixSeconds,
)


class OrderNotification(Entity):
    """The pre-debit notification of a recurring debit: status ``created``, ``delivered`` or ``failed``."""

    id: str
    status: Text = None
    order_id: Text = None
    token_id: Text = None
    delivered_at: UnixSeconds = None
    payment_after: UnixSeconds = None


class Order(Entity):
    """An order: status ``created``, ``attempted`` (some payment was tried) or ``paid``."""

    id: str
    amount: Paise
    amount_paid: Paise = 0
    amount_due: OptionalPaise = None
    currency: str
    receipt: Text = None
    status: str
    attempts: int = 0
    notes: Notes = Field(default_factory=dict)
    created_at: UnixSeconds = None
    notification: OrderNotification | None = None


class Card(Entity):
    """What may be known of a card: never its number."""

    last4: Text = None
    network: Text = None
    type: Text = None
    issuer: Text = None
    international: Flag = None
    expiry_month: Annotated[int | str | None, Field(repr=False)] = None
    expiry_year: Annotated[int | str | None, Field(repr=False)] = None


class Upi(Entity):
    """How a UPI payment went: ``flow`` is ``intent``, ``collect`` or ``in_app``."""

    vpa: PersonalText = None
    flow: Text = None
    payer_account_type: Text = None


class AcquirerData(Entity):
    """The references by which a bank finds the money again."""

    rrn: Text = None
    arn: Text = None
    utr: Text = None
    auth_code: Text = None
    bank_transaction_id: Text = None
    upi_transaction_id: Text = None


class Payment(Entity):
    """A payment: status ``created``, ``authorized``, ``captured``, ``refunded`` or ``failed``.

    ``failed`` is not the end: the same payment may still be authorised and captured. ``captured`` is
    a hint only (samples show it true on an authorised and on a failed payment); ``status`` decides.
    ``fee`` includes ``tax`` and is None until the capture. ``amount`` is in ``currency``; ``base_amount`` is
    the same in ``base_currency``, in which fees and settlements are (Currency Conversion, Payment Entity).
    """

    id: str
    amount: MovedPaise
    currency: str
    status: str
    order_id: Text = None
    invoice_id: Text = None
    method: Text = None
    captured: Flag = None
    amount_refunded: OptionalMovedPaise = 0
    refund_status: Text = None
    amount_transferred: OptionalPaise = None
    base_amount: OptionalMovedPaise = None
    base_currency: Text = None
    international: Flag = None
    description: PersonalText = None
    card_id: Text = None
    card: Card | None = None
    bank: Text = None
    wallet: Text = None
    vpa: PersonalText = None
    upi: Upi | None = None
    email: PersonalText = None
    contact: PersonalText = None
    customer_id: Text = None
    token_id: Text = None
    notes: Notes = Field(default_factory=dict)
    fee: OptionalMovedPaise = None
    tax: OptionalMovedPaise = None
    error_code: Text = None
    error_description: PersonalText = None
    error_source: Text = None
    error_step: Text = None
    error_reason: Text = None
    acquirer_data: Annotated[AcquirerData, PerhapsEmpty] = AcquirerData()
    created_at: UnixSeconds = None


class Refund(Entity):
    """A refund: status ``pending``, ``processed`` or ``failed``; the ARN may come after ``processed``.

    ``amount`` is in the payment's currency. ``base_amount`` and ``base_currency`` are not in the reference;
    where they are missing, the settlement reconciliation tells what a refund took (International Cards:
    Forex Conversion).
    """

    id: str
    amount: MovedPaise
    currency: str
    base_amount: OptionalMovedPaise = None
    base_currency: Text = None
    payment_id: str
    status: Text = None
    receipt: Text = None
    notes: Notes = Field(default_factory=dict)
    acquirer_data: Annotated[AcquirerData, PerhapsEmpty] = AcquirerData()
    speed_requested: Text = None
    speed_processed: Text = None
    created_at: UnixSeconds = None


class Customer(Entity):
    """A payer as Razorpay knows them."""

    id: str
    name: PersonalText = None
    email: PersonalText = None
    contact: PersonalText = None
    gstin: Text = None
    notes: Notes = Field(default_factory=dict)
    created_at: UnixSeconds = None


class TokenVpa(Entity):
    """The UPI handle behind a token, in two parts."""

    username: PersonalText = None
    handle: PersonalText = None

    @property
    def address(self) -> str | None:
        """The whole handle, ``ravi@okhdfc``; None where a part is missing."""
        return f"{self.username}@{self.handle}" if self.username and self.handle else None


class RecurringDetails(Entity):
    """The mandate behind a token: ``initiated``, ``confirmed``, ``rejected``, ``cancelled``, ``paused``."""

    status: Text = None
    failure_reason: Text = None


class Token(Entity):
    """A saved instrument, and its mandate where ``recurring`` is true. ``max_amount`` bounds one debit."""

    id: str
    method: Text = None
    bank: Text = None
    wallet: Text = None
    card: Card | None = None
    vpa: TokenVpa | None = None
    recurring: Flag = None
    recurring_details: Annotated[RecurringDetails, PerhapsEmpty] = RecurringDetails()
    auth_type: Text = None
    mrn: Text = None
    max_amount: OptionalPaise = None
    start_time: UnixSeconds = None
    expired_at: UnixSeconds = None
    used_at: UnixSeconds = None
    created_at: UnixSeconds = None
    compliant_with_tokenisation_guidelines: Flag = None


class RecurringPayment(Entity):
    """The receipt of a recurring debit. It is not the result: that comes up to 36 (UPI) or 72 hours later."""

    razorpay_payment_id: str
    razorpay_order_id: Text = None
    razorpay_signature: PersonalText = None


class PaymentLink(Entity):
    """A payment link: ``created``, ``partially_paid``, ``paid``, ``cancelled`` or ``expired``."""

    id: str
    amount: Paise
    amount_paid: OptionalPaise = 0
    currency: str
    status: str
    order_id: Text = None
    reference_id: Text = None
    short_url: Text = None
    accept_partial: Flag = None
    first_min_partial_amount: OptionalPaise = None
    expire_by: UnixSeconds = None
    notes: Notes = Field(default_factory=dict)
    created_at: UnixSeconds = None
    updated_at: UnixSeconds = None


class TransferError(Entity):
    """Why a transfer failed; all of it is null while it has not."""

    code: Text = None
    description: Text = None
    reason: Text = None


class Transfer(Entity):
    """A share paid on to a linked account: ``created``, ``pending``, ``processed``, ``failed``,
    ``reversed`` or ``partially_reversed``."""

    id: str
    amount: Paise
    currency: str
    status: Text = None
    source: Text = None
    recipient: Text = None
    amount_reversed: OptionalPaise = 0
    fees: OptionalPaise = None
    tax: OptionalPaise = None
    on_hold: Flag = None
    on_hold_until: UnixSeconds = None
    recipient_settlement_id: Text = None
    error: Annotated[TransferError, PerhapsEmpty] = Field(default_factory=TransferError)
    notes: Notes = Field(default_factory=dict)
    created_at: UnixSeconds = None


class TransfersMade(Entity):
    """The answer to a split of a payment: the one transfer that was asked for."""

    items: tuple[Transfer, ...] = Field(min_length=1, max_length=1)


class Reversal(Entity):
    """A transfer, or a part of it, taken back from the linked account."""

    id: str
    transfer_id: str
    amount: Paise
    currency: str
    notes: Notes = Field(default_factory=dict)
    created_at: UnixSeconds = None


class Settlement(Entity):
    """A payout to our bank: ``created``, ``processed`` (initiated; the credit may take three hours) or
    ``failed``. The ``utr`` is what the bank statement shows; ``amount`` may be negative."""

    id: str
    amount: Paise
    status: str
    fees: OptionalPaise = None
    tax: OptionalPaise = None
    utr: Text = None
    created_at: UnixSeconds = None


class ReconRow(Entity):
    """One line of the settlement reconciliation: ``type`` is ``payment``, ``refund``, ``transfer`` or
    ``adjustment``; that of a reversal's row is not documented. ``fee`` includes ``tax``; ``settlement_utr``
    may be None on an adjustment."""

    entity_id: str
    type: str
    debit: Paise = 0
    credit: Paise = 0
    amount: Paise
    currency: str
    fee: OptionalPaise = 0
    tax: OptionalPaise = 0
    on_hold: Flag = None
    settled: Flag = None
    created_at: UnixSeconds = None
    settled_at: UnixSeconds = None
    posted_at: UnixSeconds = None
    settlement_id: Text = None
    settlement_utr: Text = None
    credit_type: Text = None
    description: PersonalText = None
    notes: Notes = Field(default_factory=dict)
    payment_id: Text = None
    order_id: Text = None
    order_receipt: Text = None
    method: Text = None
    card_network: Text = None
    card_issuer: Text = None
    card_type: Text = None
    dispute_id: Text = None


class Dispute(Entity):
    """A chargeback and its kin: ``open``, ``under_review``, ``won``, ``lost`` or ``closed``."""

    id: str
    payment_id: str
    amount: MovedPaise
    amount_deducted: OptionalMovedPaise = 0
    currency: str
    status: str
    phase: Text = None
    reason_code: Text = None
    respond_by: UnixSeconds = None
    created_at: UnixSeconds = None


class Subscription(Entity):
    """A subscription run by Razorpay, as its webhooks describe it."""

    id: str
    plan_id: Text = None
    customer_id: Text = None
    status: str
    current_start: UnixSeconds = None
    current_end: UnixSeconds = None
    charge_at: UnixSeconds = None
    ended_at: UnixSeconds = None
    paid_count: int | None = None
    remaining_count: int | None = None
    total_count: int | None = None
    notes: Notes = Field(default_factory=dict)
    created_at: UnixSeconds = None


class Invoice(Entity):
    """An invoice issued by Razorpay, as its webhooks describe it."""

    id: str
    order_id: Text = None
    payment_id: Text = None
    customer_id: Text = None
    receipt: Text = None
    status: str
    amount: OptionalPaise = None
    amount_paid: OptionalPaise = None
    amount_due: OptionalPaise = None
    currency: Text = None
    notes: Notes = Field(default_factory=dict)
    created_at: UnixSeconds = None


class Downtime(Entity):
    """A method that is down or was: ``scheduled``, ``started``, ``updated``, ``resolved``, ``cancelled``."""

    id: str
    method: str
    status: str
    severity: Text = None
    instrument: Notes = Field(default_factory=dict)
    begin: UnixSeconds = None
    end: UnixSeconds = None
    scheduled: Flag = None
    created_at: UnixSeconds = None
    updated_at: UnixSeconds = None


class Cancellation(Entity):
    """The answer to the cancellation of a mandate: the bank confirms later, by ``token.cancelled``."""

    status: Text = None


class Deletion(Entity):
    """The answer to a deletion."""

    deleted: Annotated[bool, Strict()]
