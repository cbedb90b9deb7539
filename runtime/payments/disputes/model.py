"""A dispute: a payer's bank wants a payment back, and who is right is open for a while."""

from enum import StrEnum

from runtime.payments.model import Frozen


class DisputeStatus(StrEnum):
    """What the gateway says of a dispute, in its own words. ``closed``: it was withdrawn or came to
    nothing."""

    OPEN = "open"
    UNDER_REVIEW = "under_review"
    CLOSED = "closed"
    WON = "won"
    LOST = "lost"


UNDECIDED = frozenset({DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW})


class Dispute(Frozen):
    """A dispute, merged from all that was heard of it; minor units of ``currency``, the payment's own.

    ``respond_by`` (unix seconds) is the last moment for evidence. ``amount_deducted_paise`` is what the
    gateway says it took. ``observed_at`` (unix seconds) is the moment of the newest word.
    """

    dispute_id: str
    gateway_payment_id: str
    amount_paise: int
    currency: str
    status: DisputeStatus
    observed_at: int
    phase: str | None = None
    reason_code: str | None = None
    respond_by: int | None = None
    amount_deducted_paise: int = 0
