"""Captures, refunds and disputes against the Razorpay simulator over HTTP, its webhooks in either order."""

import pytest

from checks.sandbox.razorpay import RazorpaySimulator
from runtime.payments.inbox import EventState
from runtime.payments.model import Payment
from tests.integration.payments.test_against_the_simulator import UPI, simulator, tell_all, there
from tests.integration.payments.test_captures import capture
from tests.integration.payments.test_disputes import listed as disputes_of
from tests.integration.payments.test_refunds import balances, listed, refund
from tests.integration.payments.world import World

__all__ = ["simulator", "there"]

OWED, RECEIVABLE = "school_payable:sch_1", "gateway_receivable:razorpay"


def paid(world: World, sim: RazorpaySimulator, **changes: str) -> Payment:
    """A payment by UPI of which all events were told."""
    payment = world.created(**changes)
    sim.control.checkout(str(payment.order_id), UPI)
    tell_all(world, sim)
    return world.stored(payment.payment_id)


def money_at_gateway(sim: RazorpaySimulator) -> tuple[int, int]:
    """What the gateway says was refunded of its only payment, and in how many refunds."""
    (payment,) = sim.gw.each("payments")
    return payment["amount_refunded"], len(list(sim.gw.each("refunds")))


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(("end", "refunded"), [("process", 10_000), ("fail", 0)])
def test_a_refund_ends_as_the_gateway_tells(
    there: World, simulator: RazorpaySimulator, end: str, refunded: int, newest_first: bool
) -> None:
    payment = paid(there, simulator)
    answer = refund(there, payment)
    assert (answer.status, answer.body["status"]) == (201, "pending")
    simulator.control.act("refunds", answer.body["gateway_refund_id"], end)
    assert EventState.NOT_HANDLED not in tell_all(there, simulator, newest_first=newest_first)
    seen = there.get(payment.payment_id).body
    assert (seen["refunded_paise"], seen["refund_pending_paise"]) == (refunded, 0)
    assert seen["refundable_paise"] == 45_000 - refunded
    assert balances(there)[OWED] == refunded - 45_000
    assert len(listed(there, payment)) == 1


@pytest.mark.parametrize(("fault", "after_effect"), [("500", False), ("500", True), ("502_html", True)])
def test_a_fault_and_a_repetition_make_one_refund(
    there: World, simulator: RazorpaySimulator, fault: str, after_effect: bool
) -> None:
    payment = paid(there, simulator)
    simulator.control.fault("POST", "/v1/payments/*/refund", fault, after_effect=after_effect)
    first = refund(there, payment)
    assert (first.status, first.body["status"]) == (202, "unknown")
    there.clock.advance(seconds=120)
    again = refund(there, payment)
    assert (again.status, again.body["status"]) == (201, "pending")
    assert money_at_gateway(simulator) == (10_000, 1)


def test_the_words_of_the_gateways_refusals_are_known(there: World, simulator: RazorpaySimulator) -> None:
    """Somebody refunds in the dashboard, and its events are not told yet."""
    payment = paid(there, simulator)
    (at_gateway,) = simulator.gw.each("payments")
    there.razorpay.create_refund(at_gateway["id"], amount_paise=40_000, idempotency_key="dashboard-1")
    assert refund(there, payment).code == "refund-exceeds-balance"
    there.razorpay.create_refund(at_gateway["id"], amount_paise=5_000, idempotency_key="dashboard-2")
    assert refund(there, payment, key="key-refund-02").code == "already-refunded"
    tell_all(there, simulator)
    assert there.get(payment.payment_id).body["refundable_paise"] == 0


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_part_is_captured_and_the_rest_goes_back(
    there: World, simulator: RazorpaySimulator, newest_first: bool
) -> None:
    payment = paid(there, simulator, capture="manual")
    assert there.get(payment.payment_id).body["status"] == "authorized"
    answer = capture(there, payment, 30_000)
    assert (answer.status, answer.body["refund"]["amount_paise"]) == (200, 15_000)
    simulator.control.act("refunds", answer.body["refund"]["gateway_refund_id"], "process")
    tell_all(there, simulator, newest_first=newest_first)
    assert money_at_gateway(simulator) == (15_000, 1)
    assert balances(there)[OWED] == -30_000
    assert capture(there, payment, key="key-capture-2").code == "already-captured"


@pytest.mark.parametrize(("fault", "after_effect"), [("500", True), ("502_html", True)])
def test_a_capture_of_unknown_outcome_is_found(
    there: World, simulator: RazorpaySimulator, fault: str, after_effect: bool
) -> None:
    payment = paid(there, simulator, capture="manual")
    simulator.control.fault("POST", "/v1/payments/*/capture", fault, after_effect=after_effect)
    assert capture(there, payment).status == 200
    assert there.get(payment.payment_id).body["status"] == "captured"


def test_an_authorisation_that_the_gateway_gave_back(there: World, simulator: RazorpaySimulator) -> None:
    payment = paid(there, simulator, capture="manual")
    simulator.control.advance(6 * 86_400)
    assert capture(there, payment).code == "authorization-expired"
    tell_all(there, simulator, newest_first=True)
    assert there.get(payment.payment_id).body["status"] == "failed"
    assert balances(there) == {}


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize(("verdict", "lost"), [("won", 0), ("lost", 20_000), ("closed", 0)])
def test_a_dispute_is_decided(
    there: World, simulator: RazorpaySimulator, verdict: str, lost: int, newest_first: bool
) -> None:
    payment = paid(there, simulator)
    (at_gateway,) = simulator.gw.each("payments")
    opened = simulator.control.act("payments", at_gateway["id"], "dispute", amount=20_000)
    tell_all(there, simulator)
    assert there.get(payment.payment_id).body["disputed_paise"] == 20_000
    (shown,) = disputes_of(there).body["items"]
    assert (shown["dispute_id"], shown["seconds_to_respond"] is not None) == (opened["id"], True)
    simulator.control.act("disputes", opened["id"], "decide", verdict=verdict)
    tell_all(there, simulator, newest_first=newest_first)
    assert balances(there)[OWED] == lost - 45_000
    assert there.get(payment.payment_id).body["disputed_paise"] == lost
