"""Splits against the Razorpay simulator over HTTP, its webhooks in either order, faults after the effect."""

from typing import Any

import pytest

from checks.sandbox.razorpay import RazorpaySimulator, transfers
from runtime.payments.inbox import EventState
from runtime.payments.model import Payment
from tests.integration.payments.splitting import (
    CATERER,
    OF_CATERER,
    OF_SCHOOL,
    SCHOOL,
    balances,
    run,
    set_terms,
    split_of,
    sweep,
)
from tests.integration.payments.test_against_the_simulator import UPI, simulator, tell_all, there
from tests.integration.payments.test_refunds import refund
from tests.integration.payments.test_splits import HELD, RELEASE, RETRY, asked, seen
from tests.integration.payments.world import World

__all__ = ["simulator", "there"]


def split_there(world: World, sim: RazorpaySimulator, **changes: Any) -> Payment:
    """A payment by UPI, captured and split."""
    set_terms(world, **changes)
    payment = world.created()
    sim.control.checkout(str(payment.order_id), UPI)
    tell_all(world, sim)
    run(world)
    return world.stored(payment.payment_id)


def later(world: World, sim: RazorpaySimulator, seconds: int = 900, *, newest_first: bool = False) -> None:
    """Some time passes there and here, and what it brings is told."""
    sim.control.advance(seconds)
    world.clock.advance(seconds=seconds)
    assert EventState.NOT_OURS not in tell_all(world, sim, newest_first=newest_first)
    run(world)


def come_to(sim: RazorpaySimulator, account_id: str) -> int:
    """What an account has at the gateway, in paise."""
    return sum(
        each["amount"] - each["amount_reversed"]
        for each in sim.gw.each("transfers")
        if each["recipient"] == account_id and each["status"] != "failed"
    )


def agrees(world: World, payment: Payment) -> None:
    """What the split says everybody has is what the gateway says and what the books say."""
    (name,) = payment.splits
    record = split_of(world, payment.payment_id, name)
    assert record.split is not None
    for account_id, due_paise in record.split.unreversed_paise().items():
        owed = -balances(world).get(f"linked_account_payable:{account_id}", 0)
        assert owed == due_paise - record.live_paise(account_id)


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_capture_is_split_and_a_refund_takes_its_shares_back(
    there: World, simulator: RazorpaySimulator, newest_first: bool
) -> None:
    payment = split_there(there, simulator)
    assert (come_to(simulator, CATERER), come_to(simulator, SCHOOL)) == (OF_CATERER, OF_SCHOOL)
    later(there, simulator, newest_first=newest_first)
    agrees(there, payment)
    assert refund(there, payment).status == 201
    run(there)
    later(there, simulator, newest_first=newest_first)
    assert (come_to(simulator, CATERER), come_to(simulator, SCHOOL)) == (
        OF_CATERER - 7_000,
        OF_SCHOOL - 3_000,
    )
    agrees(there, payment)
    view = seen(there, payment.payment_id).body
    assert {part["outstanding_paise"] for part in view["parts"]} == {0}


@pytest.mark.parametrize("fault", ["500", "502_html"])
@pytest.mark.parametrize("after_effect", [False, True])
def test_a_fault_and_a_sweep_make_one_transfer(
    there: World, simulator: RazorpaySimulator, fault: str, after_effect: bool
) -> None:
    set_terms(there)
    payment = there.created()
    paid = simulator.control.checkout(str(payment.order_id), UPI)
    path = f"/v1/payments/{paid['razorpay_payment_id']}/transfers"
    simulator.control.fault("POST", path, fault, after_effect=after_effect)
    tell_all(there, simulator)
    run(there)
    there.clock.advance(seconds=900)
    sweep(there)
    assert [each["recipient"] for each in simulator.gw.each("transfers")].count(CATERER) == 1
    later(there, simulator)
    assert (come_to(simulator, CATERER), come_to(simulator, SCHOOL)) == (OF_CATERER, OF_SCHOOL)
    agrees(there, there.stored(payment.payment_id))


def test_a_transfer_that_fails_is_tried_again_by_finance(there: World, simulator: RazorpaySimulator) -> None:
    payment = split_there(there, simulator)
    (transfer,) = [each for each in simulator.gw.each("transfers") if each["recipient"] == CATERER]
    simulator.control.act("transfers", transfer["id"], "fail")
    later(there, simulator)
    assert come_to(simulator, CATERER) == 0
    agrees(there, payment)
    assert asked(there, RETRY, payment.payment_id).status == 202
    later(there, simulator)
    assert come_to(simulator, CATERER) == OF_CATERER
    agrees(there, payment)


def test_a_hold_is_released_and_then_settled(there: World, simulator: RazorpaySimulator) -> None:
    payment = split_there(there, simulator, **HELD)
    later(there, simulator, 10 * 86_400)
    held = seen(there, payment.payment_id).body["parts"][0]
    assert (held["account_id"], held["held"]) == (CATERER, True)
    assert asked(there, RELEASE, payment.payment_id, account_id=CATERER).status == 200
    simulator.control.settle()
    (transfer,) = [each for each in simulator.gw.each("transfers") if each["recipient"] == CATERER]
    assert (transfer["on_hold"], transfer["settlement_status"]) == (False, "settled")


def test_transfers_made_in_the_dashboard_count(there: World, simulator: RazorpaySimulator) -> None:
    """Somebody pays a part of the share from the payment itself: only the rest is transferred."""
    set_terms(there)
    payment = there.created()
    paid = simulator.control.checkout(str(payment.order_id), UPI)
    made = {"transfers": [{"account": CATERER, "amount": 10_000}]}
    transfers.from_payment(simulator.gw, paid["razorpay_payment_id"], made)
    tell_all(there, simulator)
    run(there)
    assert come_to(simulator, CATERER) == OF_CATERER
    agrees(there, there.stored(payment.payment_id))
