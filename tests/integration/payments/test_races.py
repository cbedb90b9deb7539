"""Two at once: whoever comes second reads again, and every fact is booked once."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from runtime.payments.inbox import EventState
from runtime.payments.model import Payment, PaymentStatus
from runtime.platform.errors import Problem
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.world import Interrupted, World, webhook_body

PAID = "pay_00000000000001"


def received(world: World, payment: Payment, *names: str, **changes: object) -> None:
    """Events that the gateway captured ``payment``, kept and not yet applied."""
    for name in names:
        body = webhook_body("payment.captured", gateway_payment(PAID, payment.order_id, **changes))
        assert world.deliver(body, event_id=name).status == 200


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What the calls give, made at the same moment by a thread each."""
    start = threading.Barrier(len(calls))

    def run(call: Callable[[], object]) -> object:
        start.wait(timeout=30)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def assert_captured_once(world: World, payment: Payment) -> None:
    after = world.stored(payment.payment_id)
    assert after.status is PaymentStatus.CAPTURED
    assert after.journal == (f"capture:{PAID}", f"fee:{PAID}")
    assert [item["entry_id"] for item in world.tables.items("ledger")] == list(after.journal)
    assert world.day_books().balances
    assert Counter(world.events(payment.payment_id))["PaymentCaptured"] == 1


def nothing(_: object) -> None:
    return None


def test_one_event_applied_by_many_at_once(world: World) -> None:
    payment = world.created()
    received(world, payment, "evt_1")
    states = at_once(*[lambda: world.applier.apply("evt_1", request_id="req")] * 8)
    assert set(states) == {EventState.APPLIED}
    assert_captured_once(world, payment)


def test_many_events_of_one_capture_applied_at_once(world: World) -> None:
    payment = world.created()
    names = [f"evt_{number}" for number in range(6)]
    received(world, payment, *names)
    states = at_once(*[partial(world.applier.apply, name, request_id="req") for name in names])
    assert Counter(states) == {EventState.APPLIED: 1, EventState.NO_CHANGE: 5}
    assert_captured_once(world, payment)


def test_an_applier_and_a_verifying_payer_at_once(world: World) -> None:
    for number in range(5):
        payment = world.created()
        paid_as = f"pay_0000000000000{number}"
        paid = world.gateway.pay(str(payment.order_id), paid_as)
        world.deliver(webhook_body("payment.captured", paid), event_id=f"evt_{number}")
        at_once(
            partial(world.applier.apply, f"evt_{number}", request_id="req"),
            partial(world.verify, payment, paid_as),
        )
        after = world.stored(payment.payment_id)
        assert (after.status, after.checkout_verified) == (PaymentStatus.CAPTURED, True)
        assert after.journal == (f"capture:{paid_as}", f"fee:{paid_as}")
        assert Counter(world.events(payment.payment_id))["PaymentCaptured"] == 1
    assert world.day_books().entries == 10


def test_an_applier_overtaken_between_reading_and_writing_decides_anew(world: World) -> None:
    payment = world.created()
    received(world, payment, "evt_1", "evt_2")
    slow = Interrupted(world.client)
    slow.before["transact_write_items"] = [lambda: nothing(world.applier.apply("evt_2", request_id="fast"))]
    assert world.over(slow).applier.apply("evt_1", request_id="slow") is EventState.NO_CHANGE
    assert_captured_once(world, payment)


def test_an_applier_overtaken_on_its_own_event_takes_over_the_outcome(world: World) -> None:
    payment = world.created()
    received(world, payment, "evt_1")
    slow = Interrupted(world.client)
    slow.before["transact_write_items"] = [lambda: nothing(world.applier.apply("evt_1", request_id="fast"))]
    assert world.over(slow).applier.apply("evt_1", request_id="slow") is EventState.APPLIED
    assert_captured_once(world, payment)


def test_an_event_applied_between_two_looks_is_not_applied_again(world: World) -> None:
    """The other applier and a payer's verification together leave nothing to change."""
    payment = world.created()
    received(world, payment, "evt_1")
    slow = Interrupted(world.client)
    slow.after["get_item"] = [lambda: nothing(world.applier.apply("evt_1", request_id="fast"))]
    assert world.over(slow).applier.apply("evt_1", request_id="slow") is EventState.APPLIED
    assert_captured_once(world, payment)


def test_an_event_of_nobody_applied_twice_at_once_is_not_ours_both_times(world: World) -> None:
    world.deliver(webhook_body("payment.captured", gateway_payment(PAID, "order_X")), event_id="evt_1")
    slow = Interrupted(world.client)
    slow.before["update_item"] = [lambda: nothing(world.applier.apply("evt_1", request_id="fast"))]
    assert world.over(slow).applier.apply("evt_1", request_id="slow") is EventState.NOT_OURS


def test_a_payment_that_never_keeps_still_leaves_the_event_for_later(world: World) -> None:
    payment = world.created()
    received(world, payment, "evt_1")
    restless = Interrupted(world.client)

    def fail(number: int) -> Callable[[], None]:
        failed = gateway_payment(f"pay_X{number}", payment.order_id, status="failed")
        return lambda: nothing(world.tell(f"evt_x{number}", "payment.failed", failed, number))

    restless.before["transact_write_items"] = [fail(number) for number in range(5)]
    with pytest.raises(Problem, match="concurrent-change"):
        world.over(restless).applier.apply("evt_1", request_id="req")
    assert world.applier.apply("evt_1", request_id="req") is EventState.APPLIED
    assert_captured_once(world, payment)


def test_two_captures_at_once_credit_the_school_once(world: World) -> None:
    payment = world.created()
    for number in (1, 2):
        paid = gateway_payment(f"pay_{number}", payment.order_id)
        world.deliver(webhook_body("payment.captured", paid), event_id=f"evt_{number}")
    at_once(
        lambda: world.applier.apply("evt_1", request_id="req"),
        lambda: world.applier.apply("evt_2", request_id="req"),
    )
    after = world.stored(payment.payment_id)
    assert after.status is PaymentStatus.CONFLICTED
    balances = world.books(after).balances_paise
    assert (balances["school_payable:sch_1"], balances["suspense:sch_1"]) == (-45_000, -45_000)


def test_one_event_delivered_many_times_at_once_is_kept_once(world: World) -> None:
    body = webhook_body("payment.captured", gateway_payment(PAID, "order_X"))
    answers = at_once(*[lambda: world.deliver(body).body["duplicate"]] * 10)
    assert Counter(answers) == {False: 1, True: 9}
    assert len(world.tables.items("webhook_events")) == 1
