"""That a payment was paid out is told once: by whichever run, however often, at once, and after a crash."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.payments.gateway import Crashed
from tests.integration.payments.reconciling import (
    FEE,
    NET,
    SETTLED_ON,
    SETTLEMENT,
    TAX,
    UTR,
    Reconciling,
    recon_row,
)
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import Interrupted
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAID = "pay_00000000000001"


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> Reconciling:
    return Reconciling(tables, dynamodb)


def told(world: Reconciling) -> list[dict[str, Any]]:
    """The details of the events that payments were settled, as they stand in the outbox."""
    return [
        json.loads(item["detail"])
        for item in world.tables.items("outbox")
        if item["detail_type"] == "PaymentSettled"
    ]


def settled(world: Reconciling, count: int = 1) -> list[str]:
    """Payments of 1 April, paid out and credited on the 7th; gives their identifiers."""
    names = [f"pay_{number:014d}" for number in range(1, count + 1)]
    payments = [world.captured(name) for name in names]
    rows = [recon_row(name, order_id=payment.order_id) for name, payment in zip(names, payments, strict=True)]
    world.settle(*rows, amount=NET * count)
    world.go_to(SETTLED_ON)
    rupees = f"{NET * count // 100}.{NET * count % 100:02d}"
    assert world.upload(f"2026-04-07,{rupees},NEFT RAZORPAY {UTR},{UTR}").status == 201
    return [payment.payment_id for payment in payments]


def test_what_was_paid_out_and_is_here_is_told_with_its_fee_and_days(world: Reconciling) -> None:
    (payment_id,) = settled(world)
    assert world.run().status == 200
    (detail,) = told(world)
    assert detail == {
        "payment_id": payment_id,
        "school_id": "sch_1",
        "gateway_payment_id": PAID,
        "settlement_id": SETTLEMENT,
        "amount_paise": 45_000,
        "fee_paise": FEE,
        "tax_paise": TAX,
        "net_paise": NET,
        "currency": "INR",
        "method": "upi",
        "created_at": world.stored(payment_id).created_at,
        "captured_on": "2026-04-01",
        "settled_on": "2026-04-07",
        "message_key": f"PaymentSettled:{PAID}",
    }
    lines = [line for line in world.tables.items("audit") if line["action"] == "reconciliations.settled"]
    assert [(line["subject"], line["details"]) for line in lines] == [(SETTLEMENT, {"payments": 1})]


def test_nothing_is_told_before_the_bank_has_the_money(world: Reconciling) -> None:
    payment = world.captured()
    world.settle(recon_row(order_id=payment.order_id), amount=NET)
    world.go_to(SETTLED_ON)
    world.run()
    assert told(world) == []


def test_a_run_as_of_an_earlier_day_tells_nothing(world: Reconciling) -> None:
    settled(world)
    world.go_to(SETTLED_ON + timedelta(days=1))
    assert world.run(SETTLED_ON).body["is_current"] is False
    assert told(world) == []


def test_it_is_told_once_however_many_runs_there_are(world: Reconciling) -> None:
    settled(world)
    assert at_once(*[lambda: world.run().status] * 4) == [200] * 4
    world.clock.advance(seconds=60)
    world.run()
    assert len(told(world)) == 1


def test_more_payments_than_a_transaction_holds_are_all_told(world: Reconciling) -> None:
    names = settled(world, 60)
    world.run()
    assert sorted(detail["payment_id"] for detail in told(world)) == sorted(names)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_that_dies_leaves_the_rest_to_the_next(world: Reconciling, moment: str) -> None:
    settled(world)

    def crash() -> None:
        raise Crashed

    broken = Interrupted(world.client)
    # the first transaction queues the run, the second books the bank's line, the third tells
    getattr(broken, moment)["transact_write_items"] = [lambda: None, lambda: None, crash]
    watched = world.over(broken)
    assert isinstance(watched, Reconciling)
    with pytest.raises(Crashed):
        watched.run()
    assert len(told(world)) == (1 if moment == "after" else 0)
    world.clock.advance(seconds=60)
    world.run()
    assert len(told(world)) == 1


def test_a_run_without_time_leaves_the_rest_to_the_next(world: Reconciling) -> None:
    settled(world)
    facts = world.runs.match.facts.until(SETTLED_ON)
    assert world.settled.tell(facts, {PAID}, request_id="req", until=world.clock.now()) == 0
    assert told(world) == []
    assert "no time to tell" in world.log.getvalue()
    world.run()
    assert len(told(world)) == 1


@pytest.mark.parametrize("changes", [{"order_id": None}, {"order_id": "order_of_nobody"}, {"type": "refund"}])
def test_a_row_without_an_order_of_ours_is_not_told(world: Reconciling, changes: dict[str, Any]) -> None:
    payment = world.captured()
    world.settle(recon_row(**{"order_id": payment.order_id} | changes), amount=NET)
    world.go_to(SETTLED_ON)
    assert world.upload(f"2026-04-07,439.38,NEFT RAZORPAY {UTR},{UTR}").status == 201
    world.run()
    assert told(world) == []


def test_a_settlement_that_is_not_known_is_not_told(world: Reconciling) -> None:
    payment = world.captured()
    world.gateway.recon_rows["2026-04-07"] = [recon_row(order_id=payment.order_id)]
    world.go_to(SETTLED_ON)
    facts = world.runs.match.facts.until(SETTLED_ON)
    later = world.clock.now() + timedelta(minutes=1)
    assert world.settled.tell(facts, {PAID}, request_id="req", until=later) == 0


def test_many_payments_are_read_at_once_by_their_orders(world: Reconciling) -> None:
    payments = [world.captured(f"pay_{number:014d}") for number in range(1, 121)]
    orders = [(str(payment.order_id), f"pay_{n:014d}") for n, payment in enumerate(payments, 1)]
    found = world.repository.get_all_by_order([*orders, ("order_nobody", "pay_x")])
    assert found == {name: world.stored(p.payment_id) for (_, name), p in zip(orders, payments, strict=True)}
    assert world.repository.get_all_by_order([]) == {}
