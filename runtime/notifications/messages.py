"""What people read: the templates, and how news becomes a message. Pure rules.

WhatsApp sends only templates that Meta approved; these are the texts to submit, and the sandbox registers the
same.
"""

import html
from dataclasses import dataclass

from runtime.notifications.events import PaymentNews
from runtime.platform.money import Money, written

LANGUAGE = "en"
GREETING_WITHOUT_NAME = "parent"
_TEXT_MAX = 200


@dataclass(frozen=True, slots=True)
class Template:
    """An approved template: its ``name``, its e-mail ``subject`` and its ``body`` with placeholders {{1}} to
    {{5}}: the person's name, the amount, the school, what it is for, and the payment's identifier."""

    name: str
    subject: str
    body: str


TEMPLATES: dict[str, Template] = {
    "PaymentCaptured": Template(
        "payment_received",
        "Payment received",
        "Dear {{1}}, we have received {{2}} for {{3}} ({{4}}). Your payment reference is {{5}}. "
        "Thank you. HASIVU",
    ),
    "PaymentFailed": Template(
        "payment_failed",
        "Payment not completed",
        "Dear {{1}}, your payment of {{2}} for {{3}} ({{4}}) did not go through. "
        "You can pay again in the app. If your bank took the money, it returns by itself within five days. "
        "Your payment reference is {{5}}. HASIVU",
    ),
    "PaymentConflicted": Template(
        "payment_under_review",
        "We are looking into your payment",
        "Dear {{1}}, your payment of {{2}} for {{3}} ({{4}}) does not match what was asked for. "
        "We are looking into it and will come back to you; please do not pay again. "
        "Your payment reference is {{5}}. HASIVU",
    ),
    "RefundProcessed": Template(
        "refund_processed",
        "Your refund is on its way",
        "Dear {{1}}, we have refunded {{2}} of your payment for {{3}} ({{4}}). "
        "Your bank shows it within seven working days. Your payment reference is {{5}}. HASIVU",
    ),
    "RefundFailed": Template(
        "refund_failed",
        "Your refund did not arrive",
        "Dear {{1}}, your bank did not take our refund of {{2}} for {{3}} ({{4}}). "
        "We will come back to you to pay it another way. Your payment reference is {{5}}. HASIVU",
    ),
}
"""Which news a person hears, by the event's type. Five days: RBI's harmonised turnaround time for failed
transactions (DPSS.CO.PD No.629/02.01.014/2019-20)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one person, for any channel. ``notification_id`` is the same however often the news
    comes."""

    notification_id: str
    template: Template
    money: Money
    school: str
    purpose: str
    payment_id: str

    def texts(self, name: str | None) -> tuple[str, str, str, str, str]:
        """What stands in the five placeholders."""
        return (
            one_line(name or "") or GREETING_WITHOUT_NAME,
            written(self.money),
            self.school,
            self.purpose,
            self.payment_id,
        )

    @property
    def subject(self) -> str:
        """The subject of an e-mail: one printable line. Joiners, which some scripts use, do not print."""
        line = f"{self.template.subject}: {self.school}"
        return "".join(character for character in line if character.isprintable())[:_TEXT_MAX].rstrip()

    def plain_text(self, name: str | None) -> str:
        """The message as text."""
        text = self.template.body
        for number, value in enumerate(self.texts(name), start=1):
            text = text.replace(f"{{{{{number}}}}}", value)
        return text

    def html(self, name: str | None) -> str:
        """The message as HTML; everything that is not ours is escaped."""
        text = html.escape(self.plain_text(name))
        return f"<!doctype html><html lang='{LANGUAGE}'><body><p>{text}</p></body></html>"


def compose(news: PaymentNews, school_name: str | None) -> Message | None:
    """The message that the payer must get, or None for news that nobody is waiting for."""
    template = TEMPLATES.get(news.detail_type)
    if template is None:
        return None
    return Message(
        notification_id=f"{news.message_key}|{news.payer_id}",
        template=template,
        money=Money(news.amount_paise, news.currency),
        school=one_line(school_name or "") or "your school",
        purpose=one_line(news.description) or "school meals",
        payment_id=news.payment_id,
    )


def one_line(text: str) -> str:
    """``text`` as a placeholder may hold it: one line, single spaces, not too long."""
    return " ".join(text.replace("{", "(").replace("}", ")").split())[:_TEXT_MAX]
