"""What the rest of the platform hears of payment links: the events and their details, as contracts."""

from pydantic import BaseModel, ConfigDict

from runtime.payments.events import SOURCE
from runtime.payments.links.model import LinkStatus, PaymentLink
from runtime.payments.links.rules import link_status
from runtime.platform.outbox import DomainEvent

DETAIL_TYPES = {
    LinkStatus.CREATED: "LinkCreated",
    LinkStatus.PARTIALLY_PAID: "LinkPartiallyPaid",
    LinkStatus.PAID: "LinkPaid",
    LinkStatus.OVERPAID: "LinkOverpaid",
    LinkStatus.CANCELLED: "LinkCancelled",
    LinkStatus.EXPIRED: "LinkExpired",
}
"""An ``unknown`` link is no news: nobody can pay it before it is known."""


class LinkEventDetail(BaseModel):
    """The detail of every event about a payment link, reminders aside. ``message_key`` is the same however
    often the same news is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    link_id: str
    school_id: str
    payer_id: str
    status: LinkStatus
    amount_paise: int
    paid_paise: int
    due_paise: int
    surplus_paise: int
    currency: str
    description: str
    short_url: str | None
    expires_at: str | None
    message_key: str


def link_event(before: PaymentLink | None, after: PaymentLink) -> DomainEvent | None:
    """The event that tells of the change, or None where it is none for others: the same status with the same
    money."""
    status = link_status(after)
    if status not in DETAIL_TYPES:
        return None
    if before is not None and _told(before) == _told(after):
        return None
    detail_type = DETAIL_TYPES[status]
    detail = LinkEventDetail(
        link_id=after.link_id,
        school_id=after.school_id,
        payer_id=after.payer_id,
        status=status,
        amount_paise=after.amount_paise,
        paid_paise=after.paid_paise,
        due_paise=after.due_paise,
        surplus_paise=after.surplus_paise,
        currency=after.currency,
        description=after.description,
        short_url=after.short_url,
        expires_at=after.expires_at,
        message_key=f"{detail_type}:{after.link_id}:{after.paid_paise + after.surplus_paise}",
    )
    return DomainEvent(SOURCE, detail_type, after.link_id, detail.model_dump(mode="json"))


def _told(link: PaymentLink) -> tuple[LinkStatus, int, int]:
    return (link_status(link), link.paid_paise, link.surplus_paise)
