"""Payments and events are counted, once, after they are written, under the names that alarms use."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runtime.payments.applier import EventApplier
from runtime.payments.inbox import WebhookInbox
from runtime.payments.links.reminders.service import ReminderService
from runtime.payments.links.reminders.sweep import ReminderSweep
from runtime.payments.metrics import METRICS
from runtime.payments.recorder import PaymentRecorder
from runtime.platform.metrics import Metrics
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.splitting import run, set_terms, tell_of_transfer
from tests.integration.payments.test_link_reminders import go_to, link_until_30_april, remind, sweep
from tests.integration.payments.world import World, webhook_body
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAID = "pay_00000000000001"
AGAIN = "pay_00000000000002"


@dataclass
class CountedWorld(World):
    """The world with somebody who counts."""

    lines: list[str] = field(default_factory=list)

    @property
    def metrics(self) -> Metrics:
        return Metrics("test", self.clock, self.lines.append)

    @property
    def recorder(self) -> PaymentRecorder:
        return replace(super().recorder, metrics=self.metrics)

    @property
    def inbox(self) -> WebhookInbox:
        return replace(super().inbox, metrics=self.metrics)

    @property
    def applier(self) -> EventApplier:
        return replace(super().applier, metrics=self.metrics)

    @property
    def reminder_service(self) -> ReminderService:
        return replace(super().reminder_service, metrics=self.metrics)

    @property
    def reminder_sweep(self) -> ReminderSweep:
        return replace(super().reminder_sweep, metrics=self.metrics)

    def counted(self) -> dict[str, list[Any]]:
        """The values of each metric so far: its label where it has one, otherwise its number."""
        found: dict[str, list[Any]] = {}
        for line in self.lines:
            document = json.loads(line)
            (directive,) = document["_aws"]["CloudWatchMetrics"]
            (name,) = [metric["Name"] for metric in directive["Metrics"]]
            label = next((dimension for names in directive["Dimensions"] for dimension in names), name)
            found.setdefault(name, []).append(document[label])
        return found


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> CountedWorld:
    return CountedWorld(tables, dynamodb)


def test_a_payment_is_counted_from_its_making_to_its_capture(world: CountedWorld) -> None:
    payment = world.created()
    world.clock.advance(seconds=90)
    captured = gateway_payment(PAID, payment.order_id)
    world.tell("evt_1", "payment.captured", captured, 1_775_025_100)

    assert world.counted() == {
        "PaymentCreated": [1],
        "PaymentPending": [1],
        "WebhookReceived": ["first"],
        "PaymentCaptured": [captured["method"]],
        "PaymentTimeToCapture": [90_000],
        "WebhookApplied": ["applied"],
        "WebhookDelay": [0],
    }


def test_a_repetition_counts_no_second_capture(world: CountedWorld) -> None:
    payment = world.created()
    captured = gateway_payment(PAID, payment.order_id)
    world.tell("evt_1", "payment.captured", captured, 1_775_025_100)
    world.tell("evt_1", "payment.captured", captured, 1_775_025_100)
    world.tell("evt_2", "order.paid", captured, 1_775_025_100)

    counted = world.counted()
    assert len(counted["PaymentCaptured"]) == 1
    assert counted["WebhookReceived"] == ["first", "repeated", "first"]
    assert counted["WebhookApplied"] == ["applied", "no_change"]


def test_a_failure_is_counted_by_where_it_happened(world: CountedWorld) -> None:
    for number, source in enumerate(("bank", "somewhere new", None)):
        payment = world.created()
        failed = gateway_payment(
            f"pay_0000000000000{number}",
            payment.order_id,
            status="failed",
            captured=False,
            error_source=source,
            error_code="BAD_REQUEST_ERROR",
        )
        world.tell(f"evt_{number}", "payment.failed", failed, 1_775_025_100)

    assert world.counted()["PaymentFailed"] == ["bank", "other", "other"]


def test_money_that_came_twice_is_counted_as_conflicted(world: CountedWorld) -> None:
    payment = world.created()
    world.tell("evt_1", "payment.captured", gateway_payment(PAID, payment.order_id), 1_775_025_100)
    world.tell("evt_2", "payment.captured", gateway_payment(AGAIN, payment.order_id), 1_775_025_200)

    assert world.counted()["PaymentConflicted"] == [1]


def test_an_authorisation_is_counted(world: CountedWorld) -> None:
    payment = world.created()
    authorized = gateway_payment(PAID, payment.order_id, status="authorized", captured=False)
    world.tell("evt_1", "payment.authorized", authorized, 1_775_025_100)

    assert world.counted()["PaymentAuthorized"] == [1]


def test_a_gateway_that_does_not_answer_is_counted_as_an_unknown_outcome(world: CountedWorld) -> None:
    world.gateway.plan("create_order", "timeout before")
    world.gateway.plan("find_order_by_receipt", *["refused"] * 8)
    world.create()

    counted = world.counted()
    assert (counted["PaymentCreated"], counted["PaymentOutcomeUnknown"]) == ([1], [1])


@pytest.mark.parametrize(
    ("signature", "body", "reason"),
    [
        (None, webhook_body("payment.captured", None), "signature-missing"),
        ("0" * 64, webhook_body("payment.captured", None), "signature-invalid"),
        ("right", b"{", "body-malformed"),
        ("right", webhook_body("moon.landed", None), "webhook-event-unknown"),
    ],
)
def test_a_refused_event_is_counted_by_its_reason(
    world: CountedWorld, signature: str | None, body: bytes, reason: str
) -> None:
    world.deliver(body, signature=signature)

    assert world.counted() == {"WebhookRefused": [reason]}


def test_what_was_not_written_is_not_counted(world: CountedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    payment = world.created()
    world.lines.clear()
    monkeypatch.setattr(
        "runtime.platform.dynamodb.Transaction.commit",
        lambda self: (_ for _ in ()).throw(ConnectionError("gone")),
    )
    with pytest.raises(ConnectionError):
        world.tell("evt_1", "payment.captured", gateway_payment(PAID, payment.order_id), 1_775_025_100)

    assert world.counted() == {"WebhookReceived": ["first"]}


def test_a_dispute_and_a_refund_that_failed_are_counted_once(world: CountedWorld) -> None:
    payment = world.created()
    captured = gateway_payment(PAID, payment.order_id)
    contested = {
        "id": "disp_00000000000001",
        "payment_id": PAID,
        "amount": 10_000,
        "currency": "INR",
        "status": "open",
    }
    refund = {"id": "rfnd_00000000000001", "payment_id": PAID, "amount": 500, "currency": "INR"}
    failed = refund | {"status": "failed"}
    for number in range(2):
        told: dict[str, Any] = {"payment": captured, "dispute": contested}
        world.tell_of(f"evt_d{number}", "payment.dispute.created", 1_775_025_100, **told)
        told = {"payment": captured, "refund": failed}
        world.tell_of(f"evt_r{number}", "refund.failed", 1_775_025_100, **told)
    assert world.counted()["DisputeOpened"] == [1]
    assert world.counted()["RefundFailed"] == [1]


def test_a_split_that_stops_is_counted_once(world: CountedWorld) -> None:
    world.gateway.transfers.status = "pending"
    set_terms(world)
    world.paid()
    run(world)
    for name in list(world.gateway.transfers.made):
        for number in range(2):
            failed = world.gateway.transfers.fail(name)
            tell_of_transfer(world, f"evt_{name}_{number}", "transfer.failed", failed, 1_775_030_000)
    assert world.counted()["SplitStopped"] == [1, 1]


def test_reminders_are_counted_by_their_occasion_and_once(world: CountedWorld) -> None:
    link_id = link_until_30_april(world)
    for _ in range(2):
        remind(world, link_id)
    go_to(world, 4, "12:00")
    for _ in range(2):
        sweep(world)
    assert world.counted()["LinkReminded"] == ["by_hand", "planned"]


def test_nothing_that_leads_to_a_person_is_in_any_metric(world: CountedWorld) -> None:
    payment = world.created()
    captured = gateway_payment(PAID, payment.order_id, email="parent@school.example", contact="+919876543210")
    world.tell("evt_1", "payment.captured", captured, 1_775_025_100)

    everything = "".join(world.lines)
    for private in (payment.payment_id, payment.payer_id, payment.school_id, "parent@", "98765", "45000"):
        assert private not in everything


def test_every_metric_of_payments_is_emitted_by_something_here_or_beside() -> None:
    """A name that no test here makes appear would be a name that nothing emits."""
    here = Path(__file__)
    beside = [here.with_name(name) for name in ("test_sweeps.py", "test_reconciliations.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in (here, *beside))

    assert {metric.name for metric in METRICS if metric.name not in text} == set()
