"""What comes late closes its exception by itself, however late, and what the rows tell of is asked about."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from runtime.payments.model import PaymentStatus
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.gateway_links import link_body
from tests.integration.payments.reconciling import (
    FINANCE,
    NET,
    OPERATOR,
    SETTLED_ON,
    SETTLEMENT,
    UTR,
    Reconciling,
    recon_row,
)
from tests.integration.payments.test_links import create as create_link
from tests.integration.payments.test_links import entity as link_of
from tests.integration.payments.test_links import part
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

PAID = "pay_00000000000001"
REFUND, DISPUTE = "rfnd_00000000000001", "disp_00000000000001"
ORDER = {"entity": "order", "currency": "INR", "status": "paid", "created_at": 1_775_025_000}
LATE = date(2026, 6, 15)
"""Far outside the window and its margin."""


@pytest.fixture
def world(tables: Tables, dynamodb: "DynamoDBClient") -> Reconciling:
    return Reconciling(tables, dynamodb)


def refund_row(**changes: Any) -> dict[str, Any]:
    return recon_row(REFUND) | {
        "type": "refund",
        "amount": 5_000,
        "debit": 5_000,
        "credit": 0,
        "fee": 0,
        "tax": 0,
        "payment_id": PAID,
        **changes,
    }


def test_a_capture_that_came_weeks_after_the_failure_is_fetched_booked_and_matched(
    world: Reconciling,
) -> None:
    payment = world.created()
    failed = world.gateway.pay(str(payment.order_id), PAID, status="failed")
    world.tell("evt_1", "payment.failed", failed, 1_775_025_000)
    assert world.stored(payment.payment_id).status is PaymentStatus.FAILED
    world.gateway.pay(str(payment.order_id), PAID)
    world.go_to(SETTLED_ON)
    world.settle(recon_row(order_id=payment.order_id), amount=NET)
    world.upload(f"2026-04-07,439.38,NEFT RAZORPAY {UTR},{UTR}")
    run = world.run().body
    assert run["exceptions"] == 0
    healed = world.stored(payment.payment_id)
    assert (healed.status, healed.journal) == (PaymentStatus.CAPTURED, (f"capture:{PAID}", f"fee:{PAID}"))
    assert world.books(healed).balances
    (line,) = [each for each in world.tables.items("audit") if each["action"] == "payments.sweep"]
    assert (line["actor_id"], line["subject"]) == ("reconciliation", payment.payment_id)
    assert world.run().body["exceptions"] == 0


def test_a_look_back_asks_about_nothing(world: Reconciling) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    world.gateway.recon_rows["2026-04-06"] = [recon_row(settlement_id=None, settled=False)]
    world.go_to(SETTLED_ON)
    assert world.run(SETTLED_ON - timedelta(days=1)).body["exceptions"] == 1
    assert world.stored(payment.payment_id).status is PaymentStatus.PENDING


def test_a_refund_of_the_dashboard_is_fetched_and_matched(world: Reconciling) -> None:
    world.captured()
    world.gateway.payments[PAID]["amount_refunded"] = 5_000
    world.gateway.refunds["dashboard"] = {
        "id": REFUND,
        "entity": "refund",
        "amount": 5_000,
        "currency": "INR",
        "payment_id": PAID,
        "receipt": None,
        "notes": [],
        "acquirer_data": {"arn": None},
        "status": "processed",
        "created_at": 1_775_025_001,
    }
    world.settle(recon_row(), refund_row(), amount=NET - 5_000)
    world.go_to(SETTLED_ON)
    world.upload(f"2026-04-07,389.38,NEFT RAZORPAY {UTR},{UTR}")
    assert world.run().body["exceptions"] == 0
    entry = world.journal.get(f"refund-processed:{REFUND}")
    assert entry is not None
    assert entry.reference == PAID


def dispute(status: str) -> dict[str, Any]:
    return {
        "id": DISPUTE,
        "entity": "dispute",
        "payment_id": PAID,
        "amount": 45_000,
        "amount_deducted": 45_000 if status == "lost" else 0,
        "currency": "INR",
        "status": status,
        "phase": "chargeback",
        "created_at": 1_775_025_100,
    }


def dispute_row() -> dict[str, Any]:
    return recon_row("adj_00000000000001") | {
        "type": "adjustment",
        "debit": 45_000,
        "credit": 0,
        "amount": 45_000,
        "fee": 0,
        "tax": 0,
        "dispute_id": DISPUTE,
        "payment_id": PAID,
    }


@pytest.mark.parametrize("told", [True, False])
def test_a_lost_dispute_is_expected_whether_its_event_came_or_not(world: Reconciling, told: bool) -> None:
    world.captured()
    world.gateway.disputes[DISPUTE] = dispute("lost")
    if told:
        payment = world.gateway.payments[PAID]
        world.tell_of(
            "evt_2", "payment.dispute.lost", 1_775_025_200, payment=payment, dispute=dispute("lost")
        )
    world.settle(recon_row(), dispute_row(), amount=NET - 45_000)
    world.go_to(SETTLED_ON)
    world.upload(f"2026-04-07,-10.62,NEFT RAZORPAY {UTR},{UTR}")
    assert world.run().body["exceptions"] == 0
    assert world.journal.get(f"dispute-lost:{DISPUTE}") is not None


def test_a_dispute_that_contradicts_itself_stays_an_exception(world: Reconciling) -> None:
    """The run goes on: nothing else must wait for the person who looks."""
    payment = world.captured()
    told = world.gateway.payments[PAID]
    world.tell_of("evt_2", "payment.dispute.created", 1_775_025_200, payment=told, dispute=dispute("open"))
    world.gateway.disputes[DISPUTE] = dispute("lost") | {"amount": 30_000, "amount_deducted": 30_000}
    world.settle(recon_row(), dispute_row() | {"debit": 30_000, "amount": 30_000}, amount=NET - 30_000)
    world.go_to(SETTLED_ON)
    world.upload(f"2026-04-07,139.38,NEFT RAZORPAY {UTR},{UTR}")
    assert world.run().body["state"] == "done"
    assert world.open_ids() == [f"exc:{DISPUTE}"]
    assert world.get(payment.payment_id).body["disputed_paise"] == 45_000


@pytest.mark.parametrize("known", [True, False])
def test_a_payment_of_a_link_is_fetched_booked_and_matched(world: Reconciling, known: bool) -> None:
    """Its events never came; the order behind the link is ``known`` by an attempt that failed, or not."""
    link_id = create_link(world).body["link_id"]
    now = int(world.clock.now().timestamp())
    captured = part(world, PAID, 45_000, created_at=now)
    world.gateway.payments[PAID] = captured
    world.gateway.orders.append({"id": captured["order_id"], "amount": 45_000, "receipt": link_id} | ORDER)
    if known:
        failed = part(world, "pay_00000000000002", 45_000, status="failed")
        paid = link_body("payment_link.partially_paid", link_of(world), failed)
        world.deliver(paid, event_id="evt_1")
        world.applier.apply("evt_1", request_id="req")
    assert (world.repository.links.get_by_order(captured["order_id"]) is not None) is known
    world.settle(recon_row(order_id=captured["order_id"], order_receipt=link_id), amount=NET)
    world.go_to(SETTLED_ON)
    world.upload(f"2026-04-07,439.38,NEFT RAZORPAY {UTR},{UTR}")
    assert world.run().body["exceptions"] == 0
    link = world.repository.links.get_by_order(captured["order_id"])
    assert link is not None
    assert (link.link_id, link.paid_paise) == (link_id, 45_000)


def test_a_capture_is_expected_with_its_order(world: Reconciling) -> None:
    world.captured()
    world.settle(recon_row(order_id="order_of_somebody"), amount=NET)
    world.go_to(SETTLED_ON)
    world.run()
    assert "related-differs" in world.exception(f"exc:{PAID}")["reasons"]


@pytest.mark.parametrize("order_id", ["order_OfSomebody", "order_of_somebody", None])
def test_a_row_of_somebody_else_stays_an_exception(world: Reconciling, order_id: str | None) -> None:
    world.go_to(SETTLED_ON)
    world.gateway.recon_rows["2026-04-07"] = [recon_row("pay_X", settlement_id=None, settled=False)]
    world.gateway.payments["pay_X"] = gateway_payment("pay_X", order_id)
    assert world.run().body["exceptions"] == 1
    assert world.open_ids() == ["exc:pay_X"]


@pytest.mark.parametrize("entity_id", ["pay_", "rfnd_x_y", "disp_" + "x" * 50])
def test_a_row_of_which_nobody_can_ask_stays_an_exception(world: Reconciling, entity_id: str) -> None:
    world.go_to(SETTLED_ON)
    world.gateway.recon_rows["2026-04-07"] = [recon_row(entity_id, settlement_id=None, settled=False)]
    assert world.run().body["state"] == "done"
    assert world.open_ids() == [f"exc:{entity_id}"]


def test_a_gateway_that_goes_away_while_it_is_asked_leaves_the_rest_to_the_next_run(
    world: Reconciling,
) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    world.settle(recon_row(), amount=NET)
    world.go_to(SETTLED_ON)
    world.upload(f"2026-04-07,439.38,NEFT RAZORPAY {UTR},{UTR}")
    world.gateway.plan("get_payment", *["500"] * 9)
    assert world.run().body["exceptions"] == 1
    world.gateway.forget_faults()
    world.clock.advance(seconds=60)
    assert world.run().body["exceptions"] == 0
    assert world.open_ids() == []
    assert world.exception(f"exc:{PAID}")["resolution"] == "matched"


def test_the_bank_s_credit_that_comes_months_late_closes_its_exceptions(world: Reconciling) -> None:
    world.captured()
    world.settle(recon_row(), amount=NET)
    world.go_to(date(2026, 4, 13))
    assert world.run().body["exceptions"] >= 1
    open_before = world.open_ids()
    assert f"exc:utr:{UTR}" in open_before
    world.go_to(LATE)
    world.run()
    assert world.open_ids() == open_before, "judged again, and still open"
    assert world.exception(open_before[0])["age_working_days"] > 30
    world.upload(f"{LATE.isoformat()},439.38,NEFT RAZORPAY {UTR},{UTR}")
    run = world.run().body
    assert (run["exceptions"], run["lines_booked"]) == (0, 1)
    assert world.open_ids() == []
    assert {world.exception(each)["resolution"] for each in open_before} == {"matched"}


def test_the_row_that_comes_months_late_finds_its_capture(world: Reconciling) -> None:
    world.captured()
    world.go_to(date(2026, 4, 10))
    world.run()
    assert world.open_ids() == [f"exc:{PAID}"]
    world.go_to(LATE)
    world.settle(recon_row(), amount=NET, on=LATE)
    world.upload(f"{LATE.isoformat()},439.38,NEFT RAZORPAY {UTR},{UTR}")
    assert world.run().body["exceptions"] == 0
    assert world.open_ids() == []


def test_the_capture_that_is_booked_months_late_finds_its_row(world: Reconciling) -> None:
    payment = world.created()
    world.settle(recon_row(order_id=payment.order_id), amount=NET)
    world.go_to(SETTLED_ON)
    world.upload(f"2026-04-07,439.38,NEFT RAZORPAY {UTR},{UTR}")
    world.run()
    assert world.open_ids() == [f"exc:{PAID}"]
    world.go_to(LATE)
    paid = world.gateway.pay(str(payment.order_id), PAID)
    world.tell("evt_late", "payment.captured", paid, int(world.clock.now().timestamp()))
    run = world.run().body
    assert (run["exceptions"], world.open_ids()) == (0, [])


def test_the_settlement_that_comes_months_late_explains_its_line(world: Reconciling) -> None:
    world.captured()
    world.go_to(SETTLED_ON)
    world.upload(f"2026-04-07,439.38,NEFT RAZORPAY {UTR},{UTR}")
    for day in (10, 14):
        world.go_to(date(2026, 4, day))
        world.run()
    before = world.open_ids()
    assert len(before) == 2
    world.go_to(LATE)
    world.settle(recon_row(), amount=NET, on=LATE)
    world.run()
    assert world.exception(f"exc:{PAID}")["resolution"] == "matched"


def test_runs_again_and_again_leave_an_old_exception_as_it_is(world: Reconciling) -> None:
    world.captured()
    world.settle(recon_row(), amount=NET - 100)
    world.go_to(date(2026, 4, 13))
    world.run()
    world.go_to(LATE)
    world.run()
    before = world.tables.items("ledger"), [world.exception(each) for each in world.open_ids()]
    for _ in range(3):
        world.clock.advance(seconds=60)
        world.run()
    assert (world.tables.items("ledger"), [world.exception(each) for each in world.open_ids()]) == before


def test_a_step_is_taken_once_per_key_and_a_refusal_is_an_answer_too(world: Reconciling) -> None:
    world.captured()
    world.go_to(date(2026, 4, 10))
    world.run()
    exception_id = f"exc:{PAID}"
    first = world.step(exception_id, "comment", text="I ask the bank", key="key-of-one-step")
    again = world.step(exception_id, "comment", text="I ask the bank", key="key-of-one-step")
    assert (first.status, again.body) == (200, first.body)
    assert [each["action"] for each in again.body["trail"]] == ["opened", "commented"]
    other = world.step(exception_id, "comment", text="Another", key="key-of-one-step")
    assert other.code == "idempotency-key-reused"
    refused = world.step(exception_id, "void", key="x")
    assert refused.status in (400, 404)
    asked: dict[str, Any] = {"resolution": "void", "reason": "nothing to reconcile here"}
    refusals = [world.step(exception_id, "resolve", key="key-refused", **asked) for _ in range(2)]
    assert [each.body["code"] for each in refusals] == ["exception-step-refused"] * 2
    world.step(exception_id, "assign", owner=FINANCE.principal_id)
    late = world.step(exception_id, "resolve", key="key-refused", **asked)
    assert late.body["code"] == "exception-step-refused", "the same answer again"
    own = world.step(exception_id, "comment", text="mine", key="key-of-one-step", principal=OPERATOR)
    assert own.status == 200, "a key is its caller's own"
    assert SETTLEMENT not in str(own.body)
