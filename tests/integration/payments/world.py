"""The payment functions around the emulator's tables, with a gateway in memory and a queue that is kept."""

import hashlib
import hmac
import io
import json
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from aws_lambda_powertools import Logger

from runtime.functions import payments_advanced, payments_manage_methods, payments_webhook_handler
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.signatures import sign
from runtime.ledger.journal import Journal
from runtime.ledger.model import TrialBalance, trial_balance
from runtime.notifications.repository import NotificationRepository
from runtime.payments.applier import EventApplier
from runtime.payments.captures.service import CaptureService
from runtime.payments.disputes.service import DisputeService
from runtime.payments.inbox import EventState, WebhookInbox
from runtime.payments.links import routes as link_routes
from runtime.payments.links.reminders.service import ReminderService
from runtime.payments.links.reminders.sweep import ReminderSweep
from runtime.payments.links.service import LinkService
from runtime.payments.methods.customers import GatewayCustomers
from runtime.payments.methods.mandates import MandateService
from runtime.payments.methods.service import MethodService
from runtime.payments.methods.tokens import TokenBook
from runtime.payments.model import Payment
from runtime.payments.plans import routes as plan_routes
from runtime.payments.plans.service import PlanService
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.repository import PaymentRepository
from runtime.payments.returns.desk import RefundDesk
from runtime.payments.returns.service import RefundService
from runtime.payments.service import PaymentService
from runtime.payments.splits import routes as split_routes
from runtime.payments.splits.opening import SplitOpener
from runtime.payments.splits.service import SplitService
from runtime.payments.splits.worker import SplitWorker
from runtime.payments.tenancy import Tenancy
from runtime.platform.api import Api
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Principal, Role
from runtime.platform.clock import FixedClock
from runtime.platform.contacts import Contact
from runtime.platform.dynamodb import Item
from runtime.platform.idempotency import IdempotencyStore
from runtime.platform.ids import UlidIds
from runtime.platform.outbox import Outbox
from runtime.platform.schools import SchoolRegister
from runtime.platform.telemetry import new_logger
from tests.events import Answer, Context, caller, rest_event
from tests.integration.payments.gateway import FakeGateway
from tests.integration.tables import NOON_IN_INDIA, Tables

KEY_ID = "rzp_test_key"
KEY_SECRET = "the-key-secret-of-the-gateway"
WEBHOOK_SECRETS = ("newest-webhook-secret", "older-webhook-secret")
WEB_ORIGINS = frozenset({"https://app.hasivu.example"})
QUEUE_URL = "https://sqs.example/hasivu-test-webhooks"

PARENT = caller("usr_parent", Role.PARENT, schools=["sch_1"])
OTHER_PARENT = caller("usr_other", Role.PARENT, schools=["sch_1"])
SCHOOL_ADMIN = caller("usr_admin_of_1", Role.SCHOOL_ADMIN, schools=["sch_1"])
ADMIN = caller("usr_hasivu", Role.ADMIN)

TABLES_OF_PAYMENTS = (
    *("payments", "ledger", "audit", "outbox", "idempotency"),
    *("webhook_events", "schools", "payment_methods", "notifications"),
)


@dataclass(slots=True)
class KeptQueue:
    """Keeps what is sent, in place of SQS."""

    sent: list[str] = field(default_factory=list)

    def send_message(self, *, QueueUrl: str, MessageBody: str) -> dict[str, str]:
        assert QueueUrl == QUEUE_URL
        self.sent.append(MessageBody)
        return {"MessageId": str(len(self.sent))}


class Interrupted:
    """A DynamoDB client in which something happens just before, or just after, a call."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.before: dict[str, list[Callable[[], None]]] = {}
        self.after: dict[str, list[Callable[[], None]]] = {}

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name not in self.before and name not in self.after:
            return found

        def call(**arguments: Any) -> Any:
            for happens in _taken(self.before, name):
                happens()
            answer = found(**arguments)
            for happens in _taken(self.after, name):
                happens()
            return answer

        return call


def _taken(plans: dict[str, list[Callable[[], None]]], name: str) -> list[Callable[[], None]]:
    """The next thing that is planned for a call, if any; it happens once."""
    planned = plans.get(name)
    return [planned.pop(0)] if planned else []


@dataclass(slots=True)
class KnownContacts:
    """How people can be reached, in place of the user pool."""

    phones: dict[str, str] = field(
        default_factory=lambda: {"usr_parent": "+919000090000", "usr_other": "+919000090001"}
    )
    emails: dict[str, str] = field(
        default_factory=lambda: {"usr_parent": "ravi@example.com", "usr_other": "meera@example.com"}
    )

    def find(self, principal_id: str) -> Contact:
        return Contact(phone_e164=self.phones.get(principal_id), email=self.emails.get(principal_id))


@dataclass
class World:
    """Everything that takes part in a payment. Give it other ``clients`` to make it fail."""

    tables: Tables
    client: Any
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON_IN_INDIA))
    secrets: tuple[str, ...] = WEBHOOK_SECRETS
    currencies: frozenset[str] = frozenset({"INR"})
    former_key_secret: str | None = None
    queue: KeptQueue = field(default_factory=KeptQueue)
    contacts: KnownContacts = field(default_factory=KnownContacts)
    log: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        self.gateway = FakeGateway(self.clock)
        self.ids = UlidIds(self.clock, random.Random(7).getrandbits)  # noqa: S311 - the same ids in every run
        self.logger = logger_into(self.log, self.tables.prefix)
        self.razorpay = RazorpayClient(
            key_id=KEY_ID,
            key_secret=KEY_SECRET,
            clock=self.clock,
            transport=self.gateway,
            sleep=lambda seconds: self.clock.advance(seconds=seconds),
            random=lambda: 0.5,
        )
        for name in TABLES_OF_PAYMENTS:
            _ = self.tables[name]
        self.school("sch_1", "Green Valley School")

    def over(self, client: Any) -> "World":
        """The same world seen through another client, by another process."""
        other = replace(self, client=client)
        other.gateway, other.razorpay, other.ids = self.gateway, self.razorpay, self.ids
        return other

    def school(self, school_id: str, name: str, *, active: bool = True) -> None:
        self.tables.put("schools", {"school_id": school_id, "name": name, "active": active})

    @property
    def audit(self) -> AuditTrail:
        return AuditTrail(self.client, self.tables["audit"], self.clock, self.ids)

    @property
    def repository(self) -> PaymentRepository:
        return PaymentRepository(self.client, self.tables["payments"])

    @property
    def journal(self) -> Journal:
        return Journal(self.client, self.tables["ledger"], self.clock)

    @property
    def recorder(self) -> PaymentRecorder:
        return PaymentRecorder(
            client=self.client,
            repository=self.repository,
            journal=self.journal,
            audit=self.audit,
            outbox=self.outbox,
            clock=self.clock,
            tokens=self.token_book,
        )

    @property
    def outbox(self) -> Outbox:
        return Outbox(self.tables["outbox"], self.clock, self.ids)

    @property
    def token_book(self) -> TokenBook:
        return TokenBook.over(
            self.client,
            self.tables["payment_methods"],
            audit=self.audit,
            outbox=self.outbox,
            clock=self.clock,
        )

    @property
    def methods_api(self) -> Api:
        contacts: Any = self.contacts
        book = self.token_book
        customers = GatewayCustomers(self.client, book.wallets, contacts, self.razorpay)
        methods = MethodService(
            client=self.client,
            payments=self.repository,
            wallets=book.wallets,
            tokens=book.tokens,
            customers=customers,
            gateway=self.razorpay,
            key_id=KEY_ID,
            audit=self.audit,
            outbox=self.outbox,
            clock=self.clock,
            ids=self.ids,
        )
        mandates = MandateService(
            recorder=self.recorder,
            customers=customers,
            idempotency=IdempotencyStore(self.client, self.tables["idempotency"], self.clock),
            tenancy=self.tenancy,
            gateway=self.razorpay,
            key_id=KEY_ID,
            clock=self.clock,
            ids=self.ids,
            logger=self.logger,
        )
        return payments_manage_methods.api(methods, mandates)

    def call(
        self,
        method: str,
        path: str,
        *,
        principal: Principal | None = PARENT,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        query: dict[str, str] | None = None,
        **path_parameters: str,
    ) -> Answer:
        """A call of the methods and mandates API."""
        event = rest_event(
            method,
            path,
            principal=principal,
            headers={"Idempotency-Key": key} if key is not None else {},
            body=None if body is None else json.dumps(body),
            path_parameters=path_parameters,
            query=query or {},
        )
        return Answer.of(self.methods_api.handle(event, Context()))

    @property
    def tenancy(self) -> Tenancy:
        return Tenancy(SchoolRegister(self.client, self.tables["schools"]))

    @property
    def service(self) -> PaymentService:
        return PaymentService(
            repository=self.repository,
            recorder=self.recorder,
            idempotency=IdempotencyStore(self.client, self.tables["idempotency"], self.clock),
            tenancy=self.tenancy,
            gateway=self.razorpay,
            key_id=KEY_ID,
            key_secret=KEY_SECRET,
            former_key_secret=self.former_key_secret,
            currencies=self.currencies,
            clock=self.clock,
            ids=self.ids,
            logger=self.logger,
        )

    @property
    def captures(self) -> CaptureService:
        return CaptureService(
            desk=RefundDesk(self.recorder, self.razorpay, self.clock, self.logger),
            idempotency=IdempotencyStore(self.client, self.tables["idempotency"], self.clock),
            tenancy=self.tenancy,
            clock=self.clock,
            ids=self.ids,
            logger=self.logger,
        )

    @property
    def refunds(self) -> RefundService:
        return RefundService(
            repository=self.repository,
            desk=RefundDesk(self.recorder, self.razorpay, self.clock, self.logger),
            idempotency=IdempotencyStore(self.client, self.tables["idempotency"], self.clock),
            tenancy=self.tenancy,
            clock=self.clock,
            ids=self.ids,
        )

    @property
    def inbox(self) -> WebhookInbox:
        queue: Any = self.queue
        return WebhookInbox(
            self.client, self.tables["webhook_events"], queue, QUEUE_URL, self.secrets, self.clock
        )

    @property
    def applier(self) -> EventApplier:
        return EventApplier(
            self.client, self.tables["webhook_events"], self.repository, self.recorder, self.clock
        )

    @property
    def payments_api(self) -> Api:
        further = (
            *link_routes.handled(self.link_service, self.reminder_service),
            *plan_routes.handled(self.plan_service),
            *split_routes.handled(self.split_service),
        )
        disputes = DisputeService(self.repository, self.tenancy, self.clock)
        return payments_advanced.api(
            self.service, self.captures, self.refunds, disputes, self.audit, further=further
        )

    @property
    def plan_service(self) -> PlanService:
        return PlanService(
            recorder=self.recorder,
            idempotency=IdempotencyStore(self.client, self.tables["idempotency"], self.clock),
            tenancy=self.tenancy,
            clock=self.clock,
            ids=self.ids,
        )

    @property
    def split_opener(self) -> SplitOpener:
        return SplitOpener(self.recorder, self.clock, self.logger)

    @property
    def split_worker(self) -> SplitWorker:
        return SplitWorker(self.recorder, self.razorpay, self.clock, self.logger)

    @property
    def split_service(self) -> SplitService:
        return SplitService(
            recorder=self.recorder,
            opener=self.split_opener,
            worker=self.split_worker,
            idempotency=IdempotencyStore(self.client, self.tables["idempotency"], self.clock),
            tenancy=self.tenancy,
            clock=self.clock,
        )

    @property
    def link_service(self) -> LinkService:
        return LinkService(
            recorder=self.recorder,
            idempotency=IdempotencyStore(self.client, self.tables["idempotency"], self.clock),
            tenancy=self.tenancy,
            gateway=self.razorpay,
            key_secret=KEY_SECRET,
            former_key_secret=self.former_key_secret,
            outcomes=payments_advanced.reminder_outcomes(
                NotificationRepository(self.client, self.tables["notifications"], self.clock, self.ids)
            ),
            origins=WEB_ORIGINS,
            clock=self.clock,
            ids=self.ids,
            logger=self.logger,
        )

    @property
    def reminder_service(self) -> ReminderService:
        contacts: Any = self.contacts
        idempotency = IdempotencyStore(self.client, self.tables["idempotency"], self.clock)
        return ReminderService(self.recorder.links, idempotency, contacts, self.clock)

    @property
    def reminder_sweep(self) -> ReminderSweep:
        return ReminderSweep(self.recorder, self.razorpay, self.clock, self.logger)

    @property
    def webhook_api(self) -> Api:
        return payments_webhook_handler.api(lambda: self.inbox, self.audit, self.logger)

    # What callers do

    def create(
        self,
        principal: Principal | None = PARENT,
        *,
        key: str | None = "key-00000001",
        raw: str | bytes | None = None,
        context: Context = Context(),  # noqa: B008 - frozen
        **changes: Any,
    ) -> Answer:
        """POST /v1/payments; ``changes`` to the body (None leaves a member out), or the body ``raw``."""
        body = {"school_id": "sch_1", "amount_paise": 45_000, "description": "Lunches in April"} | changes
        sent = json.dumps({name: value for name, value in body.items() if value is not None})
        event = rest_event(
            "POST",
            "/v1/payments",
            principal=principal,
            headers={"Idempotency-Key": key} if key is not None else {},
            body=sent if raw is None else raw,
        )
        return Answer.of(self.payments_api.handle(event, context))

    def created(self, **changes: Any) -> Payment:
        """A payment with its order, made by a call of its own."""
        key = f"key-{self.ids.new('key')}"
        answer = self.create(changes.pop("principal", PARENT), key=key, **changes)
        assert answer.status == 201, answer.text
        return self.stored(answer.body["payment_id"])

    def verify(
        self, payment: Payment, gateway_payment_id: str, *, principal: Principal = PARENT, **changes: Any
    ) -> Answer:
        """POST /v1/payments/{payment_id}/verify with the checkout's values, correct unless changed."""
        order_id = changes.get("razorpay_order_id", payment.order_id)
        body = {
            "razorpay_order_id": order_id,
            "razorpay_payment_id": gateway_payment_id,
            "razorpay_signature": sign(f"{order_id}|{gateway_payment_id}".encode(), KEY_SECRET),
        } | changes
        event = rest_event(
            "POST",
            "/v1/payments/{payment_id}/verify",
            principal=principal,
            path_parameters={"payment_id": payment.payment_id},
            body=json.dumps(body),
        )
        return Answer.of(self.payments_api.handle(event, Context()))

    def get(self, payment_id: str, principal: Principal | None = PARENT) -> Answer:
        event = rest_event(
            "GET",
            "/v1/payments/{payment_id}",
            principal=principal,
            path_parameters={"payment_id": payment_id},
        )
        return Answer.of(self.payments_api.handle(event, Context()))

    def paid(self, gateway_payment_id: str = "pay_00000000000001", **changes: Any) -> Payment:
        """A payment of ₹450.00 that the gateway has captured."""
        payment = self.created(**changes)
        captured = self.gateway.pay(str(payment.order_id), gateway_payment_id)
        self.tell(f"evt_{gateway_payment_id}", "payment.captured", captured, 1_775_025_000)
        return self.stored(payment.payment_id)

    def call_payments(
        self,
        method: str,
        path: str,
        *,
        principal: Principal | None = ADMIN,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        query: dict[str, str] | None = None,
        **path_parameters: str,
    ) -> Answer:
        """A call of the payments API."""
        event = rest_event(
            method,
            path,
            principal=principal,
            headers={"Idempotency-Key": key} if key is not None else {},
            body=None if body is None else json.dumps(body),
            path_parameters=path_parameters,
            query=query or {},
        )
        return Answer.of(self.payments_api.handle(event, Context()))

    def page(self, principal: Principal | None = PARENT, **query: str) -> Answer:
        event = rest_event("GET", "/v1/payments", principal=principal, query=query)
        return Answer.of(self.payments_api.handle(event, Context()))

    # What the gateway does

    def deliver(
        self,
        body: bytes,
        *,
        event_id: str | None = "evt_00000000000001",
        signature: str | None = "right",
        secret: str = WEBHOOK_SECRETS[0],
        base64_encoded: bool = False,
    ) -> Answer:
        """POST /v1/webhooks/razorpay, signed with ``secret`` unless another signature is given."""
        headers = {"X-Razorpay-Event-Id": event_id} if event_id is not None else {}
        if signature is not None:
            right = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Razorpay-Signature"] = right if signature == "right" else signature
        event = rest_event(
            "POST", "/v1/webhooks/razorpay", headers=headers, body=body, base64_encoded=base64_encoded
        )
        return Answer.of(self.webhook_api.handle(event, Context()))

    def tell(self, event_id: str, event: str, payment: Mapping[str, Any], created_at: int) -> EventState:
        """An event comes in and is applied."""
        body = webhook_body(event, payment, created_at=created_at)
        assert self.deliver(body, event_id=event_id).status == 200
        return self.applier.apply(event_id, request_id="req")

    def tell_of(
        self, event_id: str, event: str, created_at: int, **entities: Mapping[str, Any]
    ) -> EventState:
        """An event with several entities (``payment``, ``refund``, ``dispute``) comes in and is applied."""
        body = event_body(event, created_at=created_at, **entities)
        assert self.deliver(body, event_id=event_id).status == 200
        return self.applier.apply(event_id, request_id="req")

    # What stands in the tables

    def stored(self, payment_id: str) -> Payment:
        found = self.repository.get(payment_id)
        assert found is not None
        return found

    def events(self, payment_id: str) -> list[str]:
        """The types of the events that left for a payment, in no order."""
        return sorted(
            item["detail_type"] for item in self.tables.items("outbox") if item["subject"] == payment_id
        )

    def refusals(self) -> list[Item]:
        return [line for line in self.tables.items("audit") if line["outcome"] == "refused"]

    def books(self, payment: Payment) -> TrialBalance:
        """The trial balance of what the payment says it booked; each entry must be in the journal."""
        entries = [self.journal.get(entry_id) for entry_id in payment.journal]
        assert len(set(payment.journal)) == len(payment.journal)
        return trial_balance([entry for entry in entries if entry is not None])

    def day_books(self, day: date = date(2026, 4, 1)) -> TrialBalance:
        """The trial balance of a business day."""
        return trial_balance(self.journal.entries_of(day))


def token_body(event: str, token: Mapping[str, Any], *, created_at: int = 1_775_025_000) -> bytes:
    """An event about a token, as Razorpay sends it."""
    return json.dumps(
        {
            "entity": "event",
            "account_id": "acc_SandboxHasivu0",
            "event": event,
            "contains": ["token"],
            "payload": {"token": {"entity": dict(token)}},
            "created_at": created_at,
        }
    ).encode()


def event_body(event: str, *, created_at: int, **entities: Mapping[str, Any]) -> bytes:
    """An event with several entities, as Razorpay sends it."""
    return json.dumps(
        {
            "entity": "event",
            "account_id": "acc_SandboxHasivu0",
            "event": event,
            "contains": list(entities),
            "payload": {name: {"entity": dict(entity)} for name, entity in entities.items()},
            "created_at": created_at,
        }
    ).encode()


def webhook_body(event: str, payment: Mapping[str, Any] | None, *, created_at: int = 1_775_025_000) -> bytes:
    """An event about a payment, as Razorpay sends it."""
    payload = {} if payment is None else {"payment": {"entity": dict(payment)}}
    return json.dumps(
        {
            "entity": "event",
            "account_id": "acc_SandboxHasivu0",
            "event": event,
            "contains": list(payload),
            "payload": payload,
            "created_at": created_at,
        }
    ).encode()


def logger_into(stream: io.StringIO, service: str) -> Logger:
    """A function's logger, writing into ``stream``."""
    logger = new_logger(f"payments-{service}", "DEBUG")
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(stream)
    return logger
