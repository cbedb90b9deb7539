"""What the rest of the platform hears of reminders, as a contract."""

from pydantic import BaseModel, ConfigDict

from runtime.payments.events import SOURCE
from runtime.payments.links.model import PaymentLink
from runtime.payments.links.reminders.model import REMINDER_DUE, Occasion
from runtime.payments.links.reminders.rules import reminder_key
from runtime.platform.outbox import DomainEvent


class ReminderEventDetail(BaseModel):
    """The detail of ``LinkReminderDue``. ``due_paise`` is what was still due when it was decided on;
    ``expires_at`` is RFC 3339, and the gateway's page is at ``short_url``. No personal data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    link_id: str
    school_id: str
    payer_id: str
    number: int
    occasion: Occasion
    due_paise: int
    currency: str
    description: str
    short_url: str | None
    expires_at: str | None
    message_key: str


def reminder_event(link: PaymentLink) -> DomainEvent:
    """The event of the link's last reminder."""
    made = link.reminders.made[-1]
    detail = ReminderEventDetail(
        link_id=link.link_id,
        school_id=link.school_id,
        payer_id=link.payer_id,
        number=made.number,
        occasion=made.occasion,
        due_paise=made.due_paise,
        currency=link.currency,
        description=link.description,
        short_url=link.short_url,
        expires_at=link.expires_at,
        message_key=reminder_key(link.link_id, made.number),
    )
    return DomainEvent(SOURCE, REMINDER_DUE, link.link_id, detail.model_dump(mode="json"))
