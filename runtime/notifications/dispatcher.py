"""Sending: WhatsApp first, e-mail where that cannot be, at most once for a message and a person.

Neither provider takes an idempotency key. So the message is claimed in the table first, and the claim is
given back only when it is certain that nothing was sent. A crash in between, or an answer that never came,
leaves a message that may have been sent: it is not sent again, and WhatsApp's status webhook tells later how
it went.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayOutcomeUnknown, GatewayRejected
from runtime.gateways.mail.client import SesMailer
from runtime.gateways.whatsapp.client import CurrencyParameter, TextParameter, WhatsAppClient
from runtime.gateways.whatsapp.webhooks import MessageStatus
from runtime.notifications.events import PaymentNews
from runtime.notifications.messages import LANGUAGE, Message, compose
from runtime.notifications.metrics import FAILED_LATER, OUTCOME_UNKNOWN, SENT, UNDELIVERABLE
from runtime.notifications.repository import NotificationRepository, State
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
class Dispatcher:
    """Sends messages and keeps what became of them."""

    notifications: NotificationRepository
    contacts: Contacts
    schools: SchoolRegister
    whatsapp: Callable[[], WhatsAppClient]
    mailer: Callable[[], SesMailer]
    audit: AuditTrail
    logger: Logger
    metrics: Metrics = UNHEARD

    def dispatch(self, news: PaymentNews, *, attempt: int, request_id: str) -> State | None:
        """Tell the payer, once. ``attempt`` counts earlier deliveries of the same news by the queue.

        Gives the state reached, or None when nobody is to be told or it was told before. Raises GatewayError
        when nothing was sent and a later try may help.
        """
        school = self.schools.get(news.school_id)
        message = compose(news, school.name if school else None)
        if message is None:
            return None
        claimed = self.notifications.claim(
            message.notification_id,
            template=message.template.name,
            payment_id=news.payment_id,
            school_id=news.school_id,
        )
        if not claimed:
            return None
        try:
            sending = self._send(message, self.contacts.find(news.payer_id), attempt)
        except Exception as error:
            # Only what certainly sent nothing gets here; see _send.
            self.notifications.release(message.notification_id)
            self.logger.warning("not sent, to be tried again", error=type(error).__name__)
            raise
        self.notifications.finish(
            message.notification_id,
            sending.state,
            channel=sending.channel,
            provider_message_id=sending.provider_message_id,
            code=sending.code,
        )
        self.audit.append(
            AuditLine(
                actor_id=ACTOR,
                action=f"notifications.{message.template.name}",
                subject=news.payment_id,
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
        notification_id = status.reference or self.notifications.find_by_provider_message(status.message_id)
        if notification_id is None:
            return False
        code = str(status.errors[0].code) if status.errors else None
        news = self.notifications.progress(
            notification_id, state, provider_message_id=status.message_id, code=code
        )
        if news and state is State.FAILED:
            self.metrics.count(FAILED_LATER)
        return news

    def _send(self, message: Message, contact: Contact, attempt: int) -> Sending:
        """Try the channels in order. A definite refusal leads to the next one; what may have been sent ends
        it."""
        code = "no-contact"
        if contact.phone_e164 is not None:
            try:
                return self._by_whatsapp(message, contact, contact.phone_e164, attempt)
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

    def _by_whatsapp(self, message: Message, contact: Contact, phone_e164: str, attempt: int) -> Sending:
        name, _, school, purpose, payment_id = message.texts(contact.name)
        try:
            wamid = self.whatsapp().send_template(
                to_e164=phone_e164,
                template=message.template.name,
                language=LANGUAGE,
                parameters=[
                    TextParameter(name),
                    CurrencyParameter(message.money),
                    TextParameter(school),
                    TextParameter(purpose),
                    TextParameter(payment_id),
                ],
                reference=message.notification_id,
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
