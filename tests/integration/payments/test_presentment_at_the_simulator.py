"""A payment in dollars against the Razorpay simulator over HTTP, from the order to the last cent back."""

import pytest

from checks.sandbox.razorpay import RazorpaySimulator
from runtime.payments.inbox import EventState
from runtime.payments.model import Payment
from tests.integration.payments.test_against_the_simulator import simulator, tell_all, there
from tests.integration.payments.test_refunds import balances, refund
from tests.integration.payments.world import World

__all__ = ["simulator", "there"]

CARD = {"method": "card", "number": "4111111111111111"}
OWED, HELD = "school_payable:sch_1", "refunds_payable:sch_1"
RECEIVABLE, EXCHANGE = "gateway_receivable:razorpay", "exchange_difference:razorpay"
FEES, TAX = "gateway_fees:razorpay", "input_gst"
DAY_S = 86_400


def net_at_gateway(sim: RazorpaySimulator) -> int:
    """What the gateway holds for us, in paise."""
    return sum(each["credit"] - each["debit"] for each in sim.gw.each("postings"))


def paid(world: World, sim: RazorpaySimulator, *, newest_first: bool) -> Payment:
    """USD 54.00 by card, of which all events were told."""
    payment = world.created(currency="USD", amount_paise=5_400)
    sim.control.checkout(str(payment.order_id), CARD)
    assert EventState.NOT_HANDLED not in tell_all(world, sim, newest_first=newest_first)
    return world.stored(payment.payment_id)


@pytest.mark.parametrize("newest_first", [False, True])
def test_the_books_are_what_the_gateway_holds_for_us(
    there: World, simulator: RazorpaySimulator, newest_first: bool
) -> None:
    there.currencies = frozenset({"INR", "USD"})
    payment = paid(there, simulator, newest_first=newest_first)
    (at_gateway,) = simulator.gw.each("payments")
    assert (at_gateway["currency"], at_gateway["base_currency"]) == ("USD", "INR")
    seen = there.get(payment.payment_id).body
    assert (seen["status"], seen["base_amount_paise"]) == ("captured", at_gateway["base_amount"])
    assert balances(there)[OWED] == -at_gateway["base_amount"]
    assert balances(there)[RECEIVABLE] == net_at_gateway(simulator)

    taken = 0
    for number, part in enumerate((1_700, 1_700, 2_000)):
        simulator.control.advance(40 * DAY_S)  # the rate is another by then, now and again
        answer = refund(there, payment, part, key=f"key-refund-0{number}")
        assert answer.status == 201, answer.text
        simulator.control.act("refunds", answer.body["gateway_refund_id"], "process")
        tell_all(there, simulator, newest_first=newest_first)
        taken += simulator.gw.find("refunds", answer.body["gateway_refund_id"])["base_amount"]
    found = balances(there)
    assert (OWED in found, HELD in found) == (False, False)
    assert found.get(EXCHANGE, 0) == taken - at_gateway["base_amount"]
    assert found[RECEIVABLE] == net_at_gateway(simulator)
    assert found[FEES] + found[TAX] == at_gateway["fee"]
    assert there.get(payment.payment_id).body["refundable_paise"] == 0
