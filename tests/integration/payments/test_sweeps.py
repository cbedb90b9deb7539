"""Events that never came are found: a sweep asks the gateway and merges what it says, once."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from runtime.functions.payments_reconciliation_worker import SWEEP_RESERVE_MS, sweep
from runtime.payments.model import Payment, PaymentStatus
from runtime.payments.sweeps.repository import OpenPayments
from runtime.payments.sweeps.service import ACTOR, PAGE_SIZE, Sweeper, SweepReport
from runtime.platform.metrics import Metrics
from tests.events import Context
from tests.integration.payments.gateway import Crashed, gateway_payment
from tests.integration.payments.test_races import assert_captured_once, at_once, nothing
from tests.integration.payments.world import Interrupted, World

PAID = "pay_00000000000001"
LATER_S = 15 * 60


def sweeper(world: World, metrics: Metrics | None = None) -> Sweeper:
    counting = metrics or Metrics("test", world.clock, lambda line: None)
    return Sweeper(
        payments=OpenPayments(world.client, world.tables["payments"], world.tables["reconciliation"]),
        recorder=replace(world.recorder, metrics=counting),
        gateway=world.razorpay,
        clock=world.clock,
        logger=world.logger,
        metrics=counting,
    )


def always() -> bool:
    return True


def for_looks(looks: int) -> Callable[[], bool]:
    """Time for so many questions whether there is time."""
    asked = count()
    return lambda: next(asked) < looks


def swept(world: World, may_go_on: Callable[[], bool] = always) -> SweepReport:
    return sweeper(world).sweep(request_id="req", may_go_on=may_go_on)


def waiting(world: World) -> Payment:
    """A payment whose events do not come, a quarter of an hour later."""
    payment = world.created()
    world.clock.advance(seconds=LATER_S)
    return payment


def test_a_capture_whose_event_never_came_is_found_and_booked_once(world: World) -> None:
    payment = waiting(world)
    world.gateway.pay(str(payment.order_id), PAID)

    report = swept(world)

    assert report == SweepReport(looked_at=1, resolved=1, finished=True)
    assert_captured_once(world, payment)
    (line,) = [line for line in world.tables.items("audit") if line["actor_id"] == ACTOR]
    assert (line["action"], line["subject"], line["details"]) == (
        "payments.sweep",
        payment.payment_id,
        {"heard_of": PAID},
    )
    assert swept(world) == SweepReport(finished=True)
    assert_captured_once(world, payment)


def test_an_event_that_comes_after_all_changes_nothing_any_more(world: World) -> None:
    payment = waiting(world)
    paid = world.gateway.pay(str(payment.order_id), PAID)
    swept(world)
    before = world.tables.items("ledger"), world.stored(payment.payment_id).status
    world.tell("evt_1", "payment.captured", paid, 1_775_025_000)
    assert (world.tables.items("ledger"), world.stored(payment.payment_id).status) == before
    assert_captured_once(world, payment)


def test_what_is_young_is_left_to_its_events(world: World) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    world.clock.advance(seconds=599)
    assert swept(world).looked_at == 0
    world.clock.advance(seconds=1)
    assert swept(world).resolved == 1


def test_every_attempt_is_heard_of_and_the_captured_one_decides(world: World) -> None:
    payment = waiting(world)
    world.gateway.pay(str(payment.order_id), "pay_00000000000000", status="failed")
    world.gateway.pay(str(payment.order_id), PAID)
    swept(world)
    after = world.stored(payment.payment_id)
    assert set(after.attempts) == {"pay_00000000000000", PAID}
    assert_captured_once(world, payment)


def test_nothing_new_changes_nothing_however_often_it_is_looked_at(world: World) -> None:
    payment = waiting(world)
    world.gateway.pay(str(payment.order_id), PAID, status="authorized")
    swept(world)
    world.clock.advance(seconds=LATER_S)
    before = world.tables.snapshot() | {"reconciliation": []}
    for _ in range(3):
        assert swept(world) == SweepReport(looked_at=1, still_open=1, finished=True)
        world.clock.advance(seconds=LATER_S)
    assert world.tables.snapshot() | {"reconciliation": []} == before
    assert world.stored(payment.payment_id).status is PaymentStatus.AUTHORIZED


def test_the_order_of_an_unknown_outcome_is_found_by_its_receipt(world: World) -> None:
    world.gateway.plan("create_order", "timeout after")
    world.gateway.plan("find_order_by_receipt", *["timeout before"] * 9)
    lost_id = world.create().body["payment_id"]
    assert world.stored(lost_id).status is PaymentStatus.UNKNOWN
    world.gateway.forget_faults()
    world.clock.advance(seconds=LATER_S)
    order_id = world.gateway.orders[0]["id"]
    world.gateway.pay(order_id, PAID)

    assert swept(world) == SweepReport(looked_at=1, resolved=1, finished=True)

    assert len(world.gateway.orders) == 1
    found = world.repository.get_by_order(order_id)
    assert found is not None
    assert_captured_once(world, found)


def test_an_order_that_was_never_made_is_known_not_to_be_after_an_hour(world: World) -> None:
    world.gateway.plan("create_order", "timeout before")
    lost_id = world.create().body["payment_id"]
    world.clock.advance(seconds=LATER_S)
    assert swept(world) == SweepReport(looked_at=1, still_open=1, finished=True)
    assert world.stored(lost_id).status is PaymentStatus.UNKNOWN
    world.clock.advance(seconds=3_600)
    assert swept(world).resolved == 1
    assert world.stored(lost_id).status is PaymentStatus.CREATED
    # The caller who repeats its call gets its order, one.
    assert world.create().status == 201
    assert (len(world.gateway.orders), world.stored(lost_id).status) == (1, PaymentStatus.PENDING)


def test_an_order_for_something_else_is_not_taken(world: World) -> None:
    world.gateway.plan("create_order", "timeout after")
    world.gateway.plan("find_order_by_receipt", *["timeout before"] * 9)
    lost_id = world.create().body["payment_id"]
    world.gateway.forget_faults()
    world.gateway.orders[0]["amount"] = 1
    world.clock.advance(seconds=LATER_S)
    assert swept(world).still_open == 1
    assert world.stored(lost_id).order_id is None
    assert "for something else" in world.log.getvalue()


@pytest.mark.parametrize("word", ["a_status_of_tomorrow", ""])
def test_a_status_that_nobody_documents_leaves_the_payment_as_it_is(world: World, word: str) -> None:
    payment = waiting(world)
    world.gateway.pay(str(payment.order_id), PAID, status=word)
    assert swept(world).still_open == 1
    assert world.stored(payment.payment_id) == payment


def test_a_webhook_between_the_look_and_the_writing_wins_and_nothing_is_booked_twice(world: World) -> None:
    payment = waiting(world)
    paid = world.gateway.pay(str(payment.order_id), PAID)
    slow = Interrupted(world.client)
    slow.before["transact_write_items"] = [
        lambda: nothing(world.tell("evt_1", "payment.captured", paid, 1_775_025_000))
    ]
    assert swept(world.over(slow)).failed == 0
    assert_captured_once(world, payment)


def test_sweeps_and_webhooks_at_once(world: World) -> None:
    payment = waiting(world)
    paid = world.gateway.pay(str(payment.order_id), PAID)
    at_once(
        *[lambda: swept(world)] * 4,
        *[
            lambda name=name: world.tell(name, "payment.captured", paid, 1_775_025_000)
            for name in ("evt_1", "evt_2")
        ],
    )
    assert_captured_once(world, payment)


def test_a_sweep_that_dies_after_writing_is_repeated_without_effect(world: World) -> None:
    payment = waiting(world)
    world.gateway.pay(str(payment.order_id), PAID)
    dying = Interrupted(world.client)

    def die() -> None:
        raise Crashed

    dying.after["transact_write_items"] = [die]
    with pytest.raises(Crashed):
        swept(world.over(dying))
    assert swept(world).finished
    assert_captured_once(world, payment)


def test_one_payment_that_cannot_be_asked_about_does_not_hold_up_the_others(world: World) -> None:
    payments = [world.created() for _ in range(3)]
    world.clock.advance(seconds=LATER_S)
    for number, payment in enumerate(payments):
        world.gateway.pay(str(payment.order_id), f"pay_0000000000000{number}")
    world.gateway.plan("list_order_payments", "400")
    report = swept(world)
    assert (report.looked_at, report.resolved, report.failed, report.finished) == (3, 2, 1, True)
    assert swept(world).resolved == 1


def test_a_payment_that_breaks_the_code_is_logged_and_passed_over(world: World) -> None:
    waiting(world)
    nobody: Any = None
    broken = replace(sweeper(world), gateway=nobody)
    report = broken.sweep(request_id="req", may_go_on=always)
    assert (report.failed, report.finished) == (1, True)
    assert "could not be swept" in world.log.getvalue()


@pytest.mark.parametrize("faults", [["429"] * 99, ["refused"] * 99])
def test_a_gateway_that_is_away_ends_the_sweep_and_the_next_one_goes_on(
    world: World, faults: list[str]
) -> None:
    for number in range(5):
        payment = world.created()
        world.gateway.pay(str(payment.order_id), f"pay_0000000000000{number}")
    world.clock.advance(seconds=LATER_S)
    world.gateway.plan("list_order_payments", *faults)
    report = swept(world)
    assert not report.finished
    assert report.looked_at < 5
    world.gateway.forget_faults()
    world.clock.advance(seconds=LATER_S)
    assert sum(swept(world).resolved for _ in range(2)) == 5


def test_a_sweep_without_time_stops_and_the_next_one_goes_on_behind_it(world: World) -> None:
    payments = [world.created() for _ in range(5)]
    world.clock.advance(seconds=LATER_S)
    first = swept(world, for_looks(4))  # before the page, and before each of three payments
    assert (first.looked_at, first.finished) == (3, False)
    world.gateway.pay(str(payments[4].order_id), PAID)
    second = swept(world, for_looks(99))
    assert (second.looked_at, second.resolved, second.finished) == (2, 1, True)
    assert swept(world).looked_at == 4, "the lane begins again"


def test_left_checkouts_do_not_keep_the_sweep_from_a_fresh_payment(world: World) -> None:
    for _ in range(PAGE_SIZE + 2):
        world.created()
    world.clock.advance(seconds=timedelta(days=10).total_seconds())
    payment = waiting(world)
    world.gateway.pay(str(payment.order_id), PAID)
    report = swept(world, for_looks(10))
    assert report.resolved == 1
    assert swept(world).finished
    assert swept(world).looked_at == PAGE_SIZE + 2, "the old ones are looked at too"


def test_a_payment_that_stays_open_for_too_long_is_counted_for_a_person(world: World) -> None:
    lines: list[str] = []
    metrics = Metrics("test", world.clock, lines.append)
    payment = waiting(world)
    world.gateway.pay(str(payment.order_id), PAID, status="authorized")
    sweeper(world, metrics).sweep(request_id="req", may_go_on=always)
    world.clock.advance(seconds=timedelta(days=5).total_seconds())
    sweeper(world, metrics).sweep(request_id="req", may_go_on=always)
    world.gateway.payments[PAID]["status"] = "captured"
    sweeper(world, metrics).sweep(request_id="req", may_go_on=always)
    counted = Counter(
        metric["Name"]
        for line in lines
        for metric in json.loads(line)["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        if metric["Name"].startswith("Swept")
    )
    assert counted == {"SweptStillOpen": 2, "SweptTooLong": 1, "SweptResolved": 1}
    assert "open for too long" in world.log.getvalue()


def test_the_function_sweeps_as_long_as_a_payment_fits_into_its_time(world: World) -> None:
    waiting(world)
    enough, too_little = Context(remaining_ms=SWEEP_RESERVE_MS + 1), Context(remaining_ms=SWEEP_RESERVE_MS)
    assert sweep(sweeper(world), world.logger, too_little)["looked_at"] == 0
    done: dict[str, Any] = sweep(sweeper(world), world.logger, enough)
    assert (done["looked_at"], done["finished"]) == (1, True)


def test_a_sweep_that_came_to_its_end_is_told(world: World) -> None:
    lines: list[str] = []
    metrics = Metrics("test", world.clock, lines.append)
    sweep(sweeper(world, metrics), world.logger, Context(remaining_ms=SWEEP_RESERVE_MS + 1))
    assert [json.loads(line)["SweepRan"] for line in lines] == [1]


def test_a_payment_that_kept_changing_is_passed_over(world: World) -> None:
    payment = waiting(world)
    world.gateway.pay(str(payment.order_id), PAID)
    restless = Interrupted(world.client)

    def fail(number: int) -> Callable[[], None]:
        failed = gateway_payment(f"pay_X{number}", payment.order_id, status="failed")
        return lambda: nothing(world.tell(f"evt_x{number}", "payment.failed", failed, number))

    restless.before["transact_write_items"] = [fail(number) for number in range(5)]
    assert swept(world.over(restless)).failed == 1
    assert PAID not in world.stored(payment.payment_id).attempts
