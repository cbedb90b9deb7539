"""Sending: WhatsApp first, e-mail where that cannot be, at most once for a message and a person.

Neither provider takes an idempotency key. So the message is claimed in the table first, and the claim is
given back only when it is certain that nothing was sent. A crash in between, or an answer that never came,
leaves a message that may have been sent: it is not sent again, and WhatsApp's status webhook tells later how
it went.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayOutcomeUnknown, GatewayRejected
from runtime.gateways.mail.client import SesMailer
from runtime.gateways.whatsapp.client import CurrencyParameter, Parameter, TextParameter, WhatsAppClient
from runtime.gateways.whatsapp.webhooks import MessageStatus
from runtime.notifications.events import News
from runtime.notifications.messages import LANGUAGE, TEMPLATES, Message, Place, compose
from runtime.notifications.metrics import FAILED_LATER, OUTCOME_UNKNOWN, SENT, UNDELIVERABLE, WITHHELD
from runtime.notifications.repository import NotificationRepository, State, notification_id
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.contacts import Contact, Contacts
from runtime.platform.metrics import UNHEARD, Metric, Metrics
from runtime.platform.schools import SchoolRegister

ACTOR = "notification-dispatcher"
WHATSAPP, MAIL, NONE = "whatsapp", "mail", "none"

_STATUS = {"sent": State.SENT, "delivered": State.DELIVERED, "read": State.READ, "failed": State.FAILED}

_COUNTED: dict[State, Metric] = {
    State.SENT: SENT,
    State.UNKNOWN: OUTCOME_UNKNOWN,
    State.UNDELIVERABLE: UNDELIVERABLE,
    State.WITHHELD: WITHHELD,
}
"""The states in which a sending ends."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How a sending ended."""

    state: State
    channel: str
    provider_message_id: str | None = None
    code: str | None = None


@dataclass(frozen=True, slots=True)
class Withheld:
    """News that is no longer to be told; ``code`` says why."""

    code: str


Look = Callable[[News], News | Withheld]
"""News as it stands at the moment of telling it; raises what may be better later."""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Sends messages and keeps what became of them.

    ``looks`` are for news that may change before it is told, by the event's type; other news stays true.
    """

    notifications: NotificationRepository
    contacts: Contacts
    schools: SchoolRegister
    whatsapp: Callable[[], WhatsAppClient]
    mailer: Callable[[], SesMailer]
    audit: AuditTrail
    logger: Logger
    metrics: Metrics = UNHEARD
    looks: Mapping[str, Look] = field(default_factory=dict)

    def dispatch(self, news: News, *, attempt: int, request_id: str) -> State | None:
        """Tell the payer, once. ``attempt`` counts earlier deliveries of the same news by the queue.

        Gives the state reached, or None when nobody is to be told or it was told before. Raises GatewayError
        when nothing was sent and a later try may help.
        """
        template = TEMPLATES.get(news.detail_type)
        if template is None:
            return None
        school = self.schools.get(news.school_id)
        message = compose(template, news, school.name if school else None)
        name = notification_id(news.message_key, news.payer_id)
        claimed = self.notifications.claim(
            name, template=template.name, subject=news.subject, school_id=news.school_id
        )
        if not claimed:
            return None
        try:
            sending = self._told(name, message, news, attempt)
        except Exception as error:
            # Only what certainly sent nothing gets here; see _send.
            self.notifications.release(name)
            self.logger.warning("not sent, to be tried again", error=type(error).__name__)
            raise
        self.notifications.finish(
            name,
            sending.state,
            channel=sending.channel,
            provider_message_id=sending.provider_message_id,
            code=sending.code,
        )
        self.audit.append(
            AuditLine(
                actor_id=ACTOR,
                action=f"notifications.{template.name}",
                subject=news.subject,
                outcome=Outcome.DONE if sending.state is State.SENT else Outcome.REFUSED,
                request_id=request_id,
                school_id=news.school_id,
                code=sending.code,
                details={"channel": sending.channel, "state": sending.state.value, "person": news.payer_id},
            )
        )
        self.metrics.count(_COUNTED[sending.state], sending.channel)
        return sending.state

    def keep_status(self, status: MessageStatus) -> bool:
        """Keep what WhatsApp says of a message; False when it is old news or not a message of ours."""
        state = _STATUS.get(status.status)
        if state is None:
            return False
        name = status.reference or self.notifications.find_by_provider_message(status.message_id)
        if name is None:
            return False
        code = str(status.errors[0].code) if status.errors else None
        news = self.notifications.progress(name, state, provider_message_id=status.message_id, code=code)
        if news and state is State.FAILED:
            self.metrics.count(FAILED_LATER)
        return news

    def _told(self, name: str, message: Message, news: News, attempt: int) -> Sending:
        """Tell the news as it stands by now; it is looked at last, right before the call."""
        contact = self.contacts.find(news.payer_id)
        look = self.looks.get(news.detail_type)
        current = news if look is None else look(news)
        if isinstance(current, Withheld):
            return Sending(State.WITHHELD, NONE, code=current.code)
        if current is not news:
            message = compose(message.template, current, message.values[Place.SCHOOL])
        return self._send(name, message, contact, attempt)

    def _send(self, name: str, message: Message, contact: Contact, attempt: int) -> Sending:
        """Try the channels in order. A definite refusal leads to the next one; what may have been sent ends
        it."""
        code = "no-contact"
        if contact.phone_e164 is not None:
            try:
                return self._by_whatsapp(name, message, contact, contact.phone_e164, attempt)
            except (GatewayRejected, ValueError) as error:
                code = self._refused(WHATSAPP, error)
        if contact.email is not None:
            try:
                return self._by_mail(message, contact, contact.email)
            except (GatewayRejected, ValueError) as error:
                code = self._refused(MAIL, error)
        return Sending(State.UNDELIVERABLE, NONE, code=code)

    def _refused(self, channel: str, error: GatewayRejected | ValueError) -> str:
        """Why a channel will never take the message. A ValueError is a refusal by our own client, before the
        call: an address that no provider would take."""
        code = (error.detail.code or error.code) if isinstance(error, GatewayRejected) else "malformed"
        self.logger.warning("a channel refused the message", channel=channel, code=code)
        return code

    def _by_whatsapp(
        self, name: str, message: Message, contact: Contact, phone_e164: str, attempt: int
    ) -> Sending:
        parameters: list[Parameter] = [
            CurrencyParameter(message.money) if place is Place.AMOUNT else TextParameter(text)
            for place, text in message.texts(contact.name).items()
        ]
        try:
            wamid = self.whatsapp().send_template(
                to_e164=phone_e164,
                template=message.template.name,
                language=LANGUAGE,
                parameters=parameters,
                reference=name,
                attempt=attempt,
            )
        except GatewayOutcomeUnknown as unknown:
            return Sending(State.UNKNOWN, WHATSAPP, code=unknown.code)
        return Sending(State.SENT, WHATSAPP, provider_message_id=wamid)

    def _by_mail(self, message: Message, contact: Contact, email: str) -> Sending:
        try:
            message_id = self.mailer().send(
                to=email,
                subject=message.subject,
                text=message.plain_text(contact.name),
                html=message.html(contact.name),
            )
        except GatewayOutcomeUnknown as unknown:
            return Sending(State.UNKNOWN, MAIL, code=unknown.code)
        return Sending(State.SENT, MAIL, provider_message_id=message_id)
