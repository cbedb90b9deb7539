"""What people read: the templates, and how news becomes a message. Pure rules.

WhatsApp sends only templates that Meta approved; these are the texts to submit, all in Meta's category
utility, and the sandbox registers the same.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from runtime.notifications.events import News
from runtime.platform.clock import IST, from_iso
from runtime.platform.money import Money, written

LANGUAGE = "en"
GREETING_WITHOUT_NAME = "parent"
_TEXT_MAX = 200
_PLACE = re.compile(r"\{([a-z_]+)\}")


class Place(StrEnum):
    """What a text leaves open, ``{name}`` in it."""

    NAME = "name"
    AMOUNT = "amount"
    SCHOOL = "school"
    PURPOSE = "purpose"
    REFERENCE = "reference"
    LAST_DAY = "last_day"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Template:
    """A template: its ``name`` at Meta, the ``subject`` of an e-mail, and its ``text`` with places."""

    name: str
    subject: str
    text: str

    @property
    def places(self) -> tuple[Place, ...]:
        """What the text leaves open, in the order in which Meta numbers it; each once."""
        return tuple(Place(found) for found in _PLACE.findall(self.text))

    @property
    def body(self) -> str:
        """The text as Meta approves it: places are ``{{1}}``, ``{{2}}`` and so on."""
        numbers = {place.value: number for number, place in enumerate(self.places, start=1)}
        return _PLACE.sub(lambda found: f"{{{{{numbers[found[1]]}}}}}", self.text)

    def filled(self, values: Mapping[Place, str]) -> str:
        """The text as it is read. What looks like a place within a value stays a text."""
        return _PLACE.sub(lambda found: values[Place(found[1])], self.text)


TEMPLATES: dict[str, Template] = {
    "PaymentCaptured": Template(
        "payment_received",
        "Payment received",
        "Dear {name}, we have received {amount} for {school} ({purpose}). "
        "Your payment reference is {reference}. Thank you. HASIVU",
    ),
    "PaymentFailed": Template(
        "payment_failed",
        "Payment not completed",
        "Dear {name}, your payment of {amount} for {school} ({purpose}) did not go through. "
        "You can pay again in the app. If your bank took the money, it returns by itself within five days. "
        "Your payment reference is {reference}. HASIVU",
    ),
    "PaymentConflicted": Template(
        "payment_under_review",
        "We are looking into your payment",
        "Dear {name}, your payment of {amount} for {school} ({purpose}) does not match what was asked for. "
        "We are looking into it and will come back to you; please do not pay again. "
        "Your payment reference is {reference}. HASIVU",
    ),
    "RefundProcessed": Template(
        "refund_processed",
        "Your refund is on its way",
        "Dear {name}, we have refunded {amount} of your payment for {school} ({purpose}). "
        "Your bank shows it within seven working days. Your payment reference is {reference}. HASIVU",
    ),
    "RefundFailed": Template(
        "refund_failed",
        "Your refund did not arrive",
        "Dear {name}, your bank did not take our refund of {amount} for {school} ({purpose}). "
        "We will come back to you to pay it another way. Your payment reference is {reference}. HASIVU",
    ),
    "LinkReminderDue": Template(
        "payment_link_reminder",
        "Payment reminder",
        "Dear {name}, {amount} is still to be paid for {school} ({purpose}). You can pay until {last_day} "
        "on this page: {page} (your payment reference is {reference}). "
        "If you have paid meanwhile, you need not do anything. HASIVU",
    ),
}
"""Which news a person hears, by the event's type. Five days: RBI's harmonised turnaround time for failed
transactions (DPSS.CO.PD No.629/02.01.014/2019-20)."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one person, for any channel. ``values`` are what stands in the places of its template, the
    person's name aside."""

    template: Template
    money: Money
    values: Mapping[Place, str]

    def texts(self, name: str | None) -> dict[Place, str]:
        """What stands in the places of the template, in their order."""
        known = {**self.values, Place.NAME: one_line(name or "") or GREETING_WITHOUT_NAME}
        return {place: known[place] for place in self.template.places}

    @property
    def subject(self) -> str:
        """The subject of an e-mail: one printable line. Joiners, which some scripts use, do not print."""
        line = f"{self.template.subject}: {self.values[Place.SCHOOL]}"
        return "".join(character for character in line if character.isprintable())[:_TEXT_MAX].rstrip()

    def plain_text(self, name: str | None) -> str:
        """The message as text."""
        return self.template.filled(self.texts(name))

    def html(self, name: str | None) -> str:
        """The message as HTML; everything that is not ours is escaped, and a page of the web is a link."""
        texts = {place: html.escape(text) for place, text in self.texts(name).items()}
        page = texts.get(Place.PAGE, "")
        if page.startswith("https://"):
            texts[Place.PAGE] = f"<a href='{page}'>{page}</a>"
        text = self.template.filled(texts)
        return f"<!doctype html><html lang='{LANGUAGE}'><body><p>{text}</p></body></html>"


def compose(template: Template, news: News, school_name: str | None) -> Message:
    """The message that the payer must get."""
    money = Money(news.amount_paise, news.currency)
    return Message(
        template=template,
        money=money,
        values={
            Place.AMOUNT: written(money),
            Place.SCHOOL: one_line(school_name or "") or "your school",
            Place.PURPOSE: one_line(news.description) or "school meals",
            Place.REFERENCE: news.subject,
            Place.LAST_DAY: "further notice" if news.ends_at is None else _day(news.ends_at),
            Place.PAGE: one_line(news.page or "") or "the page that you were sent",
        },
    )


def one_line(text: str) -> str:
    """``text`` as a placeholder may hold it: one line, single spaces, not too long."""
    return " ".join(text.replace("{", "(").replace("}", ")").split())[:_TEXT_MAX]


def _day(moment: str) -> str:
    """The day in India on which a moment falls, as people write it: 30 April 2026."""
    day = from_iso(moment).astimezone(IST)
    return f"{day.day} {day:%B %Y}"
