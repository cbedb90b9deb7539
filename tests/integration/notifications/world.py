"""The dispatcher around the emulator's tables, with WhatsApp, SES and the user pool in memory."""

import hashlib
import hmac
import io
import json
import logging
import random
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ReadTimeoutError

from runtime.functions import notification_dispatcher
from runtime.gateways.errors import GatewayOutcomeUnknown, GatewayUnavailable
from runtime.gateways.mail.client import SesMailer
from runtime.gateways.transport import HttpRequest, HttpResponse
from runtime.gateways.whatsapp.client import WhatsAppClient
from runtime.notifications.dispatcher import Dispatcher, Look
from runtime.notifications.repository import NotificationRepository
from runtime.payments.events import status_event
from runtime.payments.model import AttemptStatus, PaymentStatus
from runtime.platform.audit import AuditTrail
from runtime.platform.clock import FixedClock
from runtime.platform.contacts import Contacts
from runtime.platform.dynamodb import Item
from runtime.platform.ids import UlidIds
from runtime.platform.schools import SchoolRegister
from runtime.platform.telemetry import new_logger
from tests.events import Answer, Context, failed_messages, rest_event, sqs_event
from tests.integration.tables import NOON_IN_INDIA, Tables
from tests.unit.payments.samples import attempt, payment

APP_SECRETS = ("newest-app-secret", "older-app-secret")
VERIFY_TOKEN = "our-verify-token"
SECRET: Mapping[str, Any] = {"app_secrets": list(APP_SECRETS), "verify_token": VERIFY_TOKEN}
PHONE = "+919000090000"
EMAIL = "asha@example.com"


class Crashed(BaseException):
    """The process died here."""


class FakeWhatsApp:
    """The transport of a WhatsAppClient. ``plan`` makes the next calls fail; the rest is taken."""

    def __init__(self) -> None:
        self._faults: deque[str] = deque()
        self._guard = threading.Lock()
        self.taken: list[dict[str, Any]] = []

    def plan(self, *faults: str) -> None:
        self._faults.extend(faults)

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        with self._guard:
            fault = self._faults.popleft() if self._faults else "none"
            if fault == "refused connection":
                raise GatewayUnavailable("NewConnectionError", gateway="whatsapp", operation="send_template")
            if fault == "crash before":
                raise Crashed
            if fault.isdigit():
                return _graph_error(int(fault))
            self.taken.append(json.loads(request.body or b"{}"))
            if fault == "crash after":
                raise Crashed
            if fault == "timeout after":
                raise GatewayOutcomeUnknown("ReadTimeoutError", gateway="whatsapp", operation="send_template")
            if fault == "html after":
                return HttpResponse(502, {}, b"<html>Bad Gateway</html>")
            wamid = f"wamid.{len(self.taken):04d}"
            return _json(200, {"messages": [{"id": wamid}], "contacts": [{"wa_id": "919000090000"}]})


def _graph_error(code: int) -> HttpResponse:
    status = 429 if code in (130429, 131056) else 400
    return _json(status, {"error": {"message": "no", "type": "OAuthException", "code": code}})


def _json(status: int, value: object) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(value).encode())


class FakeSes:
    """An SES client that keeps mails, or fails as told."""

    def __init__(self) -> None:
        self._faults: deque[str] = deque()
        self.sent: list[dict[str, Any]] = []

    def plan(self, *faults: str) -> None:
        self._faults.extend(faults)

    def send_email(self, **mail: Any) -> dict[str, str]:
        fault = self._faults.popleft() if self._faults else "none"
        if fault == "timeout after":
            self.sent.append(mail)
            raise ReadTimeoutError(endpoint_url="https://email.example")
        if fault != "none":
            status = 429 if fault == "Throttling" else 400
            metadata = {"HTTPStatusCode": status}
            error = {"Error": {"Code": fault, "Message": "no"}, "ResponseMetadata": metadata}
            raise ClientError(error, "SendEmail")  # type: ignore[arg-type]  # metadata as far as it is read
        self.sent.append(mail)
        return {"MessageId": f"ses-{len(self.sent):04d}"}


class UserNotFound(Exception):
    """As Cognito says it."""


class FakeUserPool:
    """A Cognito client that knows the users it was given."""

    class exceptions:
        UserNotFoundException = UserNotFound

    def __init__(self) -> None:
        self.users: dict[str, dict[str, str]] = {}
        self.disabled: set[str] = set()
        self.broken = 0

    def admin_get_user(self, *, UserPoolId: str, Username: str) -> dict[str, Any]:
        assert UserPoolId == "pool"
        if self.broken:
            self.broken -= 1
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "AdminGetUser")
        if Username not in self.users:
            raise UserNotFound
        attributes = [{"Name": name, "Value": value} for name, value in self.users[Username].items()]
        return {"Enabled": Username not in self.disabled, "UserAttributes": attributes}


@dataclass
class World:
    """Everything that takes part in telling a person something."""

    tables: Tables
    client: Any
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON_IN_INDIA))
    log: io.StringIO = field(default_factory=io.StringIO)
    looks: dict[str, Look] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.whatsapp, self.ses, self.pool = FakeWhatsApp(), FakeSes(), FakeUserPool()
        self.ids = UlidIds(self.clock, random.Random(7).getrandbits)  # noqa: S311 - the same ids in every run
        self.logger = new_logger(f"notifications-{self.tables.prefix}", "DEBUG")
        for handler in self.logger.handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(self.log)
        for name in ("notifications", "audit", "schools"):
            _ = self.tables[name]
        self.tables.put("schools", {"school_id": "sch_1", "name": "Green Valley School", "active": True})
        self.pool.users["usr_1"] = {"name": "Asha", "phone_number": PHONE, "email": EMAIL}

    def dispatcher(self, client: Any = None) -> Dispatcher:
        client = client or self.client
        ses, pool = self.ses, self.pool
        any_ses: Any = ses
        any_pool: Any = pool
        return Dispatcher(
            notifications=NotificationRepository(client, self.tables["notifications"], self.clock, self.ids),
            contacts=Contacts(any_pool, "pool"),
            schools=SchoolRegister(client, self.tables["schools"]),
            whatsapp=lambda: WhatsAppClient(
                phone_number_id="106540352242922",
                access_token="the-access-token",
                clock=self.clock,
                transport=self.whatsapp,
            ),
            mailer=lambda: SesMailer(any_ses, sender="HASIVU <payments@hasivu.example>"),
            audit=AuditTrail(client, self.tables["audit"], self.clock, self.ids),
            logger=self.logger,
            looks=self.looks,
        )

    def deliver(self, *bodies: str, receive_count: int = 1, client: Any = None) -> list[str]:
        """The queue hands messages over; the ids of those that it gets back."""
        event = sqs_event(*bodies, receive_count=receive_count)
        return failed_messages(
            notification_dispatcher.dispatch_batch(self.dispatcher(client), self.logger, event, Context())
        )

    def call(self, event: Mapping[str, Any]) -> Answer:
        """API Gateway calls the webhook."""
        audit = AuditTrail(self.client, self.tables["audit"], self.clock, self.ids)
        api = notification_dispatcher.api(self.dispatcher(), lambda: SECRET, audit, self.logger)
        return Answer.of(api.handle(event, Context()))

    def report(self, *statuses: Mapping[str, Any], secret: str = APP_SECRETS[0]) -> Answer:
        """WhatsApp reports statuses, signed."""
        return self.call(report_event(envelope(*statuses), secret=secret))

    def notification(self) -> Item:
        """The only notification there is."""
        (item,) = self.tables.items("notifications")
        return item

    def outcomes(self) -> list[tuple[str, str, str]]:
        """Action, outcome and channel of every audit line."""
        return [
            (line["action"], line["outcome"], line["details"].get("channel", ""))
            for line in self.tables.items("audit")
        ]


def news(status: PaymentStatus = PaymentStatus.CAPTURED, **changes: Any) -> str:
    """A message as the topic hands it to the queue."""
    event = status_event(payment(status=status), attempt(AttemptStatus.CAPTURED))
    return json.dumps(
        {
            "version": "0",
            "detail-type": event.detail_type,
            "source": event.source,
            "detail": {"event_id": "evt_1", "detail": json.dumps(dict(event.detail) | changes)},
        }
    )


def status(kind: str, wamid: str = "wamid.0001", **changes: Any) -> dict[str, Any]:
    """What WhatsApp says of a message."""
    return {
        "id": wamid,
        "status": kind,
        "timestamp": "1775025001",
        "recipient_id": "919000090000",
    } | changes


def envelope(*statuses: Mapping[str, Any]) -> bytes:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "918000080000", "phone_number_id": "106540352242922"},
        "statuses": list(statuses),
    }
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def report_event(
    body: bytes, *, secret: str = APP_SECRETS[0], signature: str | None = "right"
) -> dict[str, Any]:
    right = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    sent = right if signature == "right" else signature
    headers = {"X-Hub-Signature-256": sent} if sent is not None else {}
    return rest_event("POST", "/v1/webhooks/whatsapp", headers=headers, body=body, base64_encoded=True)
