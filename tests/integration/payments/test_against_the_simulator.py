"""The whole path against the Razorpay simulator over HTTP: order, checkout, verification, webhooks, books."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from checks.sandbox.razorpay import RazorpaySimulator, SimulatorClock
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.inbox import EventState
from runtime.payments.model import PaymentStatus
from tests.events import Answer
from tests.integration.payments.world import KEY_ID, KEY_SECRET, PARENT, WEBHOOK_SECRETS, World

UPI = {"method": "upi", "vpa": "success@razorpay"}
UPI_THAT_FAILS = {"method": "upi", "vpa": "failure@razorpay"}


@pytest.fixture
def simulator(world: World) -> Iterator[RazorpaySimulator]:
    with RazorpaySimulator(
        key_id=KEY_ID,
        key_secret=KEY_SECRET,
        webhook_secret=WEBHOOK_SECRETS[0],
        seed=7,
        clock=SimulatorClock(frozen_at=int(world.clock.now().timestamp())),
    ) as running:
        yield running


def call(world: World, method: str, path: str, **more: Any) -> Answer:
    """A call of the payments API by the parent."""
    return world.call_payments(method, path, principal=PARENT, **more)


@pytest.fixture
def there(world: World, simulator: RazorpaySimulator) -> World:
    """The world with the simulator for its gateway."""
    world.razorpay = RazorpayClient(
        key_id=KEY_ID,
        key_secret=KEY_SECRET,
        base_url=simulator.url,
        clock=world.clock,
        deadline_ms=10_000,
        sleep=lambda seconds: world.clock.advance(seconds=seconds),
    )
    return world


def tell_all(world: World, simulator: RazorpaySimulator, *, newest_first: bool = False) -> list[EventState]:
    """Deliver and apply everything that the simulator would have sent, once."""
    events = simulator.control.events()
    states = []
    for event in reversed(events) if newest_first else events:
        assert world.deliver(event["body"].encode(), event_id=event["id"]).status == 200
        states.append(world.applier.apply(event["id"], request_id="req"))
    return states


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_payment_by_upi_is_verified_and_its_webhooks_book_nothing_twice(
    there: World, simulator: RazorpaySimulator, newest_first: bool
) -> None:
    payment = there.created()
    checkout = simulator.control.checkout(str(payment.order_id), UPI)
    signature = checkout["razorpay_signature"]
    answer = there.verify(payment, checkout["razorpay_payment_id"], razorpay_signature=signature)
    assert (answer.status, answer.body["status"]) == (200, "captured")
    verified = there.books(there.stored(payment.payment_id))
    assert EventState.NOT_OURS not in tell_all(there, simulator, newest_first=newest_first)
    after = there.stored(payment.payment_id)
    assert after.status is PaymentStatus.CAPTURED
    assert there.books(after) == verified
    assert verified.balances
    assert verified.balances_paise["school_payable:sch_1"] == -45_000


@pytest.mark.parametrize("newest_first", [False, True])
def test_webhooks_alone_are_enough(there: World, simulator: RazorpaySimulator, newest_first: bool) -> None:
    payment = there.created()
    simulator.control.checkout(str(payment.order_id), UPI)
    assert EventState.APPLIED in tell_all(there, simulator, newest_first=newest_first)
    after = there.stored(payment.payment_id)
    assert after.status is PaymentStatus.CAPTURED
    assert there.books(after).balances


def test_a_payment_that_fails_and_is_tried_again_is_paid_once(
    there: World, simulator: RazorpaySimulator
) -> None:
    payment = there.created()
    refused = simulator.control.checkout(str(payment.order_id), UPI_THAT_FAILS)
    assert refused["error"]["metadata"]["payment_id"]
    tell_all(there, simulator)
    failed = there.stored(payment.payment_id)
    assert failed.status is PaymentStatus.FAILED
    assert there.get(payment.payment_id).body["checkout"]["order_id"] == payment.order_id
    simulator.control.checkout(str(payment.order_id), UPI)
    tell_all(there, simulator, newest_first=True)
    after = there.stored(payment.payment_id)
    assert (after.status, len(after.attempts)) == (PaymentStatus.CAPTURED, 2)
    assert there.events(payment.payment_id) == ["PaymentCaptured", "PaymentFailed", "PaymentPending"]


@pytest.mark.parametrize(
    ("fault", "after_effect"),
    [("500", False), ("500", True), ("502_html", False), ("502_html", True), ("429", False)],
)
def test_a_fault_and_a_repeat_make_one_order(
    there: World, simulator: RazorpaySimulator, fault: str, after_effect: bool
) -> None:
    simulator.control.fault("POST", "/v1/orders", fault, after_effect=after_effect)
    answers = [there.create()]
    if answers[0].status != 201:
        there.clock.advance(seconds=60)
        answers.append(there.create())
    assert answers[-1].status == 201
    receipt = answers[-1].body["payment_id"]
    assert [order["receipt"] for order in simulator.gw.each("orders")] == [receipt]


def test_fifty_calls_with_one_key_make_one_order(there: World, simulator: RazorpaySimulator) -> None:
    with ThreadPoolExecutor(50) as callers:
        answers = list(callers.map(lambda _: there.create(), range(50)))
    assert {answer.status for answer in answers} <= {201, 409}
    made = {answer.body["payment_id"] for answer in answers if answer.status == 201}
    assert len(made) == 1
    assert [order["receipt"] for order in simulator.gw.each("orders")] == list(made)


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_link_is_paid_in_parts_and_everything_agrees(
    there: World, simulator: RazorpaySimulator, newest_first: bool
) -> None:
    body = {"school_id": "sch_1", "amount_paise": 45_000, "accept_partial": True, "description": "Lunches"}
    made = call(there, "POST", "/v1/payment-links", key="key-00000001", body=body).body
    (link,) = simulator.gw.each("payment_links")
    simulator.control.pay_link(link["id"], instrument=UPI, amount=15_000)
    back = simulator.control.pay_link(link["id"], instrument=UPI, amount=30_000)
    sent = {name: value for name, value in back.items() if name.startswith("razorpay_")}
    path = "/v1/payment-links/{link_id}/verify"
    verified = call(there, "POST", path, body=sent, link_id=made["link_id"])
    assert (verified.status, verified.body["paid_paise"]) == (200, 30_000)
    assert EventState.NOT_HANDLED not in tell_all(there, simulator, newest_first=newest_first)
    shown = call(there, "GET", "/v1/payment-links/{link_id}", link_id=made["link_id"]).body
    assert (shown["status"], shown["paid_paise"], len(shown["payment_ids"])) == ("paid", 45_000, 2)
    books = there.day_books()
    assert books.balances
    assert books.balances_paise["school_payable:sch_1"] == -45_000
    assert books.balances_paise["gateway_fees:razorpay"] > 0


def test_a_link_is_cancelled_at_the_gateway(there: World, simulator: RazorpaySimulator) -> None:
    body = {"school_id": "sch_1", "amount_paise": 45_000, "description": "Lunches"}
    made = call(there, "POST", "/v1/payment-links", key="key-00000001", body=body).body
    cancelled = call(there, "POST", "/v1/payment-links/{link_id}/cancel", link_id=made["link_id"])
    assert cancelled.body["status"] == "cancelled"
    assert [link["status"] for link in simulator.gw.each("payment_links")] == ["cancelled"]
    assert tell_all(there, simulator) == [EventState.NO_CHANGE]


def test_a_link_whose_answer_was_lost_is_found_by_its_reference(
    there: World, simulator: RazorpaySimulator
) -> None:
    simulator.control.fault("POST", "/v1/payment_links", "500", after_effect=True)
    body = {"school_id": "sch_1", "amount_paise": 45_000, "description": "Lunches"}
    made = call(there, "POST", "/v1/payment-links", key="key-00000001", body=body)
    assert made.status == 201
    assert [link["reference_id"] for link in simulator.gw.each("payment_links")] == [made.body["link_id"]]
