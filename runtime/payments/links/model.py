"""A payment link: an amount due that may be paid at the gateway's own page, at once or in parts."""

from enum import StrEnum

from runtime.payments.links.reminders.model import Reminders
from runtime.payments.model import Frozen

PAYMENTS_NAMED_MAX = 200
"""So many of a link's payments are named in it; the sums count all of them."""


class LinkStatus(StrEnum):
    """Where a link stands. Only money makes it ``paid``; it may be paid although it had ended."""

    UNKNOWN = "unknown"
    """The gateway may have the link; its answer was lost."""
    CREATED = "created"
    PARTIALLY_PAID = "partially_paid"
    PAID = "paid"
    OVERPAID = "overpaid"
    """More came than was asked for. The surplus is in suspense until a person decides."""
    CANCELLED = "cancelled"
    EXPIRED = "expired"


OPEN_STATUSES = frozenset({LinkStatus.UNKNOWN, LinkStatus.CREATED, LinkStatus.PARTIALLY_PAID})
"""The gateway still has something to say of these."""


class LinkEnd(StrEnum):
    """How a link ended at the gateway without being paid whole."""

    EXPIRED = "expired"
    CANCELLED = "cancelled"


class LinkState(Frozen):
    """What the gateway says of a link, in the terms of this project. What it says of its money is not kept:
    that follows from the payments themselves."""

    gateway_link_id: str
    order_id: str | None = None
    short_url: str | None = None
    ended: LinkEnd | None = None


class PaymentLink(Frozen):
    """A link: what was asked for, what the gateway said of it, and the sums of its payments in paise.

    ``captured_paise``, ``refunded_paise`` (what went back or is on its way) and ``disputed_paise`` (contested
    or lost) change in the transaction in which a payment of the link does, by as much as that payment does;
    so each counts once. ``suspense_paise`` is the surplus that stands in
    suspense at present. ``expires_at`` is RFC 3339; without it the gateway ends the link after six months.
    ``version`` counts its changes, for optimistic locking; 0 is not stored yet.
    """

    link_id: str
    school_id: str
    payer_id: str
    amount_paise: int
    currency: str
    accept_partial: bool
    first_min_partial_paise: int | None = None
    expires_at: str | None = None
    description: str
    reference: str | None = None
    gateway_link_id: str | None = None
    order_id: str | None = None
    short_url: str | None = None
    ended: LinkEnd | None = None
    captured_paise: int = 0
    refunded_paise: int = 0
    disputed_paise: int = 0
    suspense_paise: int = 0
    payment_ids: tuple[str, ...] = ()
    reminders: Reminders = Reminders()
    created_at: str
    updated_at: str
    version: int = 0

    @property
    def paid_paise(self) -> int:
        """What was paid of what was asked for: never more than that."""
        return min(self.captured_paise, self.amount_paise)

    @property
    def due_paise(self) -> int:
        """What is still to be paid."""
        return self.amount_paise - self.paid_paise

    @property
    def surplus_paise(self) -> int:
        """What is held beyond what was asked for: owed to the payer."""
        gone_paise = self.refunded_paise + self.disputed_paise
        return max(0, self.captured_paise - gone_paise - self.amount_paise)
