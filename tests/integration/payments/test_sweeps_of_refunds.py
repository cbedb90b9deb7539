"""What a bank paid late and what became of refunds is found without any event, and nothing goes out twice."""

from datetime import timedelta

import pytest

from runtime.payments.model import Payment, PaymentStatus
from runtime.payments.refunds.rules import balance
from runtime.payments.returns.model import Returns
from runtime.payments.sweeps.service import SweepReport
from tests.events import Answer
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.test_races import assert_captured_once, at_once
from tests.integration.payments.test_sweeps import LATER_S, swept
from tests.integration.payments.world import ADMIN, Interrupted, World

PAID = "pay_00000000000001"


def refund(world: World, payment: Payment, amount_paise: int = 10_000, key: str = "key-refund-1") -> Answer:
    return world.call_payments(
        "POST",
        "/v1/payments/{payment_id}/refunds",
        principal=ADMIN,
        body={"amount_paise": amount_paise},
        key=key,
        payment_id=payment.payment_id,
    )


def returns_of(world: World, payment: Payment) -> Returns:
    found = world.repository.returns.get(payment.payment_id, PAID)
    assert found is not None
    return found


def later(world: World, **ago: int) -> None:
    world.clock.advance(seconds=timedelta(**ago).total_seconds() if ago else LATER_S)


@pytest.mark.parametrize("hours", [1, 95])
def test_what_failed_and_was_captured_late_heals_without_its_event(world: World, hours: int) -> None:
    payment = world.created()
    failed = world.gateway.pay(str(payment.order_id), PAID, status="failed")
    world.tell("evt_1", "payment.failed", failed, 1_775_025_000)
    later(world)
    assert swept(world) == SweepReport(looked_at=1, finished=True), "looked at, and still failed"
    later(world, hours=hours)
    world.gateway.pay(str(payment.order_id), PAID)
    assert swept(world).resolved == 1
    assert_captured_once(world, payment)
    assert swept(world).looked_at == 0


def test_what_failed_days_ago_is_no_longer_asked_about(world: World) -> None:
    payment = world.created()
    failed = world.gateway.pay(str(payment.order_id), PAID, status="failed")
    world.tell("evt_1", "payment.failed", failed, 1_775_025_000)
    later(world, days=4, seconds=1)
    assert swept(world).looked_at == 0
    assert world.stored(payment.payment_id).status is PaymentStatus.FAILED


@pytest.mark.parametrize("fault", ["timeout after", "500"])
def test_a_refund_without_an_answer_is_found_by_its_receipt_and_not_sent_again(
    world: World, fault: str
) -> None:
    payment = world.paid(PAID)
    world.gateway.plan("create_refund", *[fault] * 9)
    assert refund(world, payment).status == 202
    world.gateway.forget_faults()
    sent = list(world.gateway.refund_keys)
    later(world)
    (made,) = world.gateway.refunds.values()
    made["status"] = "processed"

    assert swept(world) == SweepReport(looked_at=1, resolved=1, finished=True)

    now = balance(returns_of(world, payment).book)
    assert (now.refunded_paise, now.pending_paise, now.external_paise) == (10_000, 0, 0)
    assert world.gateway.refund_keys == sent
    assert swept(world).looked_at == 0
    assert refund(world, payment).body["status"] == "processed", "the caller who repeats its call learns it"
    assert len(world.gateway.refunds) == 1


@pytest.mark.parametrize("forgets", [False, True])
def test_a_refund_that_never_reached_the_gateway_is_sent_once_under_its_key(
    world: World, forgets: bool
) -> None:
    payment = world.paid(PAID)
    world.gateway.forgets_refund_keys = forgets
    world.gateway.plan("create_refund", *["timeout before"] * 9)
    assert refund(world, payment).status == 202
    world.gateway.forget_faults()
    later(world)
    report = swept(world)
    assert (report.looked_at, report.resolved, report.still_open) == (1, 0, 1), "it is on its way"
    assert len(world.gateway.refunds) == 1
    later(world)
    for _ in range(3):
        swept(world)
    assert len(world.gateway.refunds) == 1
    assert world.gateway.payments[PAID]["amount_refunded"] == 10_000


def test_a_refund_whose_process_died_before_it_was_sent_goes_out(world: World) -> None:
    payment = world.paid(PAID)
    dying = Interrupted(world.client)

    def die() -> None:
        raise Crashed

    dying.after["transact_write_items"] = [die]
    with pytest.raises(Crashed):
        refund(world.over(dying), payment)
    assert world.gateway.refunds == {}
    later(world)
    swept(world)
    assert [each["amount"] for each in world.gateway.refunds.values()] == [10_000]


def test_a_refund_that_is_refused_when_it_is_asked_for_again_frees_its_amount(world: World) -> None:
    payment = world.paid(PAID)
    world.gateway.plan("create_refund", *["timeout before"] * 9)
    refund(world, payment)
    world.gateway.forget_faults()
    world.gateway.plan("create_refund", "says The payment has been fully refunded already.")
    later(world)
    assert swept(world).resolved == 1
    assert balance(returns_of(world, payment).book).refundable_paise == 45_000
    assert swept(world).looked_at == 0


def test_a_refund_is_on_its_way_until_the_gateway_says_processed_and_the_books_follow(world: World) -> None:
    payment = world.paid(PAID)
    assert refund(world, payment).status == 201
    later(world)
    before = world.tables.snapshot() | {"reconciliation": []}
    for _ in range(2):
        assert swept(world).still_open == 1
    assert world.tables.snapshot() | {"reconciliation": []} == before, "nothing new changes nothing"
    next(iter(world.gateway.refunds.values()))["status"] = "processed"
    assert swept(world).resolved == 1
    gateway_refund_id = next(iter(world.gateway.refunds.values()))["id"]
    assert world.journal.get(f"refund-processed:{gateway_refund_id}") is not None


def test_a_refund_of_the_dashboard_whose_event_was_lost_is_fetched(world: World) -> None:
    payment = world.paid(PAID)
    told = world.gateway.payments[PAID] | {"amount_refunded": 5_000, "status": "captured"}
    world.tell("evt_2", "payment.captured", told, 1_775_025_001)
    assert balance(returns_of(world, payment).book).external_paise == 5_000
    world.gateway.refunds["dashboard"] = {
        "id": "rfnd_Dashboard0001",
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
    later(world)
    assert swept(world).resolved == 1
    now = balance(returns_of(world, payment).book)
    assert (now.refunded_paise, now.external_paise) == (5_000, 0)


def test_sweeps_at_once_send_a_refund_once(world: World) -> None:
    payment = world.paid(PAID)
    world.gateway.plan("create_refund", *["timeout before"] * 9)
    refund(world, payment)
    world.gateway.forget_faults()
    later(world)
    at_once(*[lambda: swept(world)] * 4)
    assert len(world.gateway.refunds) == 1
    assert world.gateway.payments[PAID]["amount_refunded"] == 10_000


def test_an_unanswered_refund_is_reported_when_the_gateway_is_away_for_long(world: World) -> None:
    payment = world.paid(PAID)
    world.gateway.plan("create_refund", *["timeout before"] * 99)
    refund(world, payment)
    later(world, hours=2)
    swept(world)
    assert "open for too long" in world.log.getvalue()


def test_a_word_that_contradicts_or_that_nobody_documents_changes_nothing(world: World) -> None:
    payment = world.paid(PAID)
    refund(world, payment)
    later(world)
    made = next(iter(world.gateway.refunds.values()))
    before = returns_of(world, payment)
    for changes in ({"currency": "USD"}, {"status": "of_tomorrow", "currency": "INR"}):
        made.update(changes)
        assert swept(world).still_open == 1
    assert returns_of(world, payment) == before
    assert "contradicts" in world.log.getvalue()
    assert "not documented" in world.log.getvalue()
