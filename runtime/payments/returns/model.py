"""All that can take money of a captured gateway payment back: its refunds and its disputes."""

from dataclasses import dataclass

from pydantic import Field

from runtime.payments.disputes.model import Dispute
from runtime.payments.model import Frozen
from runtime.payments.refunds.model import RefundBook


class RefundTerms(Frozen):
    """What a refund of ours was asked for with. ``speed`` is ``normal`` or ``optimum``; ``requested_at`` is a
    moment in UTC."""

    speed: str
    reason: str | None
    requested_by: str
    requested_at: str


class Returns(Frozen):
    """The refunds and the disputes of one gateway payment, as they are stored.

    They are one item, for what is contested must not be refunded as well. ``terms`` is by refund request,
    ``disputes`` by dispute; ``dispute_journal`` names the entries booked for disputes, in their order.
    ``version`` counts its changes; 0 is not stored yet.
    """

    payment_id: str
    school_id: str
    payer_id: str
    book: RefundBook
    terms: dict[str, RefundTerms] = Field(default_factory=dict)
    disputes: dict[str, Dispute] = Field(default_factory=dict)
    dispute_journal: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True, slots=True)
class ReturnsChange:
    """A change of returns: as they were read, and as they are to be."""

    before: Returns
    after: Returns
