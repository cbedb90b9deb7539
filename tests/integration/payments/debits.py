"""The function payments-retry around a world: its API, worker and sweep, and what the gateway tells it."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from runtime.functions import payments_retry
from runtime.payments.debits.desk import PlanningDesk
from runtime.payments.debits.downtimes import DowntimeBook
from runtime.payments.debits.model import RetryRecord
from runtime.payments.debits.ordering import DebitService
from runtime.payments.debits.recorder import DebitRecorder
from runtime.payments.debits.repository import RetryRepository
from runtime.payments.debits.service import RetryService
from runtime.payments.debits.sweep import DueSweep
from runtime.payments.debits.teller import DebitTeller
from runtime.payments.debits.worker import DebitWorker, Worked
from runtime.payments.inbox import EventState
from runtime.payments.model import PaymentStatus
from runtime.payments.retry.planner import Planner
from runtime.platform.auth import Principal, Role
from runtime.platform.clock import from_iso
from runtime.platform.dynamodb import Transaction
from runtime.platform.idempotency import IdempotencyStore
from tests.events import Answer, Context, caller, rest_event
from tests.integration.payments.test_mandates import TOKEN, active, tell_of_token, token
from tests.integration.payments.world import KEY_ID, World

SERVICE = caller("key_billing", Role.SERVICE, schools=["sch_1"])
DEBITS = "/v1/mandates/{mandate_id}/debits"
RETRIES = "/v1/payments/{payment_id}/retries"
RETRY_QUEUE = "https://sqs.example/payment-retry-queue-test"
REMAINING_MS = 25_000

PLANNER = Planner()


def assert_paid_once(desk: "Desk", payment_id: str) -> None:
    """The debit took the money once, and the books say so."""
    world = desk.world
    payment = world.stored(payment_id)
    assert payment.status is PaymentStatus.CAPTURED
    assert [debit["status"] for debit in world.gateway.debits].count("captured") == 1
    books = world.books(payment)
    assert books.balances
    assert books.balances_paise["school_payable:sch_1"] == -45_000
    assert Counter(world.events(payment_id))["PaymentCaptured"] == 1


@dataclass(slots=True)
class KeptBatches:
    """Keeps what is sent in batches, in place of SQS; ``refuse`` of them are not taken."""

    sent: list[str] = field(default_factory=list)
    refuse: int = 0

    def send_message_batch(self, *, QueueUrl: str, Entries: list[dict[str, str]]) -> dict[str, Any]:
        assert QueueUrl == RETRY_QUEUE
        assert 1 <= len(Entries) <= 10
        failed = [{"Id": entry["Id"]} for entry in Entries[: self.refuse]]
        self.sent += [entry["MessageBody"] for entry in Entries[self.refuse :]]
        self.refuse = 0
        return {"Failed": failed} if failed else {}


@dataclass
class Desk:
    """payments-retry in a world."""

    world: World
    queue: KeptBatches = field(default_factory=KeptBatches)

    def __post_init__(self) -> None:
        self.world.contacts.emails.setdefault("usr_parent", "ravi@example.com")

    def over(self, client: Any) -> "Desk":
        """The same, seen through another client, by another process."""
        return Desk(self.world.over(client), self.queue)

    @property
    def retries(self) -> RetryRepository:
        return RetryRepository(self.world.client, self.world.tables["payments"])

    @property
    def recorder(self) -> DebitRecorder:
        return DebitRecorder(self.world.recorder, self.retries)

    @property
    def planning(self) -> PlanningDesk:
        world = self.world
        downtimes = DowntimeBook(world.client, world.tables["payment_methods"], world.clock)
        return PlanningDesk(
            PLANNER, self.retries, world.token_book, downtimes, lambda n: min(3, n - 1), world.clock
        )

    @property
    def worker(self) -> DebitWorker:
        world = self.world
        contacts: Any = world.contacts
        teller = DebitTeller(
            self.recorder, self.planning, world.razorpay, contacts, world.clock, world.logger
        )
        return DebitWorker(self.recorder, self.planning, teller, world.clock, world.logger)

    @property
    def sweep(self) -> DueSweep:
        queue: Any = self.queue
        return DueSweep(self.retries, queue, RETRY_QUEUE, self.world.clock, self.world.logger)

    @property
    def idempotency(self) -> IdempotencyStore:
        return IdempotencyStore(self.world.client, self.world.tables["idempotency"], self.world.clock)

    @property
    def parts(self) -> payments_retry.Parts:
        world = self.world
        contacts: Any = world.contacts
        debits = DebitService(
            recorder=self.recorder,
            desk=self.planning,
            contacts=contacts,
            idempotency=self.idempotency,
            tenancy=world.tenancy,
            clock=world.clock,
            ids=world.ids,
        )
        retries = RetryService(
            self.recorder, self.planning, self.idempotency, KEY_ID, world.clock, world.logger
        )
        return payments_retry.Parts(payments_retry.api(debits, retries, world.audit), self.worker)

    # What callers do

    def call(
        self,
        method: str,
        path: str,
        *,
        principal: Principal | None = SERVICE,
        body: Mapping[str, Any] | None = None,
        key: str | None = None,
        **path_parameters: str,
    ) -> Answer:
        event = rest_event(
            method,
            path,
            principal=principal,
            headers={"Idempotency-Key": key} if key is not None else {},
            body=None if body is None else json.dumps(body),
            path_parameters=path_parameters,
        )
        handler = payments_retry.handler_of(lambda: self.parts, self.sweep, self.world.logger)
        return Answer.of(handler(event, Context()))

    def debit(
        self,
        mandate_id: str,
        *,
        key: str | None = "key-debit-0001",
        principal: Principal | None = SERVICE,
        **changes: Any,
    ) -> Answer:
        """POST /v1/mandates/{mandate_id}/debits; ``changes`` to the body, None leaves a member out."""
        body = {"payer_id": "usr_parent", "amount_paise": 45_000, "description": "Lunches"} | changes
        sent = {name: value for name, value in body.items() if value is not None}
        return self.call("POST", DEBITS, principal=principal, key=key, body=sent, mandate_id=mandate_id)

    def mandated(self, **terms: Any) -> str:
        """An active mandate."""
        mandate = active(self.world, **terms)
        self.world.clock.advance(seconds=300)  # what the gateway told of it happened within these
        self.world.gateway.tokens[TOKEN] = token("confirmed")
        return str(mandate["mandate_id"])

    def debited(self, **terms: Any) -> str:
        """The payment of a debit of an active mandate, planned and not announced yet."""
        answer = self.debit(self.mandated(**terms))
        assert answer.status == 201, answer.text
        return str(answer.body["payment_id"])

    def shown(self, payment_id: str, principal: Principal | None = SERVICE) -> dict[str, Any]:
        reader = caller("usr_fin", Role.FINANCE, schools=["sch_1"]) if principal is SERVICE else principal
        answer = self.call("GET", RETRIES, principal=reader, payment_id=payment_id)
        assert answer.status == 200, answer.text
        return answer.body

    # What time brings

    def put_back(self, record: RetryRecord) -> None:
        """Put a record in place of the one that is there."""
        version = self.record(record.payment_id).version
        transaction = Transaction(self.world.client)
        self.retries.put_in(transaction, record.model_copy(update={"version": version}))
        transaction.commit()

    def record(self, payment_id: str) -> RetryRecord:
        found = self.retries.get(payment_id)
        assert found is not None
        return found

    def go_to(self, moment: datetime | str | None) -> None:
        """Let time pass until ``moment``, if it is not past already."""
        assert moment is not None
        wanted = from_iso(moment) if isinstance(moment, str) else moment
        self.world.clock.advance(seconds=max(0.0, (wanted - self.world.clock.now()).total_seconds()))

    def work(self, payment_id: str) -> Worked:
        """A message that the debit is due comes in."""
        return self.worker.work(payment_id, request_id="req", remaining_ms=REMAINING_MS)

    def next(self, payment_id: str) -> Worked:
        """Let time pass until the debit is due, and work on it."""
        self.go_to(self.record(payment_id).due_at)
        return self.work(payment_id)

    def announced(self, payment_id: str, *, deliver: bool = True) -> str:
        """The order that announces the debit; the notice is delivered unless told otherwise."""
        known = len(self.record(payment_id).notices)
        while len(self.record(payment_id).notices) == known:
            assert self.next(payment_id) is Worked.DONE
        order_id = self.record(payment_id).notices[-1].order_id
        if deliver:
            self.world.clock.advance(seconds=60)
            self.tell_of_notice(order_id)
        return order_id

    def tried(self, payment_id: str, outcome: str | None = None) -> None:
        """The next debit is made and ends as ``outcome`` says; nothing is heard of it yet."""
        self.world.gateway.debit_outcomes.append(outcome)
        known = len(self.world.gateway.debits)
        for _ in range(10):
            self.next(payment_id)
            if len(self.world.gateway.debits) > known:
                return
        raise AssertionError("no debit was made")

    # What the gateway tells

    def tell_of_notice(
        self, order_id: str, status: str = "delivered", event_id: str | None = None
    ) -> EventState:
        heard = self.world.gateway.deliver_notice(order_id, status)
        return self.tell(
            f"order.notification.{status}", {"notification": heard}, event_id or f"evt_{status}_{order_id}"
        )

    def tell_of_payment(self, payment: Mapping[str, Any], event_id: str | None = None) -> EventState:
        event = f"payment.{payment['status']}"
        return self.tell(event, {"payment": payment}, event_id or f"evt_{event}_{payment['id']}")

    def tell(self, event: str, entities: Mapping[str, Any], event_id: str) -> EventState:
        body = json.dumps(
            {
                "entity": "event",
                "account_id": "acc_SandboxHasivu0",
                "event": event,
                "contains": list(entities),
                "payload": {name: {"entity": dict(value)} for name, value in entities.items()},
                "created_at": int(self.world.clock.now().timestamp()),
            }
        ).encode()
        assert self.world.deliver(body, event_id=event_id).status == 200
        return self.world.applier.apply(event_id, request_id="req")

    def tell_of_token(self, status: str) -> EventState:
        return tell_of_token(self.world, status, int(self.world.clock.now().timestamp()))
