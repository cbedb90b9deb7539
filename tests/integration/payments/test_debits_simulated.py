"""Debits against the Razorpay simulator over HTTP, day by day: notices, declines, pauses."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from checks.sandbox.razorpay import RazorpaySimulator, SimulatorClock
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.model import PaymentStatus
from runtime.platform.clock import IST, from_iso
from tests.integration.payments.debits import Desk
from tests.integration.payments.test_against_the_simulator import UPI, tell_all
from tests.integration.payments.test_mandates import register
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import KEY_ID, KEY_SECRET, WEBHOOK_SECRETS, World

STEPS_MAX = 40


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


@pytest.fixture
def there(world: World, simulator: RazorpaySimulator) -> Desk:
    """payments-retry with the simulator for its gateway."""
    world.razorpay = RazorpayClient(
        key_id=KEY_ID, key_secret=KEY_SECRET, base_url=simulator.url, clock=world.clock, deadline_ms=10_000
    )
    return Desk(world)


def wait(desk: Desk, simulator: RazorpaySimulator, seconds: int) -> None:
    """Time passes here and there, and what the gateway tells meanwhile comes in."""
    desk.world.clock.advance(seconds=seconds)
    simulator.control.advance(seconds)
    tell_all(desk.world, simulator)


def mandate(desk: Desk, simulator: RazorpaySimulator, outcomes: list[str | None]) -> str:
    """A mandate by UPI that the bank has confirmed; ``outcomes`` are its answers to the next debits."""
    made = register(desk.world, first_payment_paise=10_000).body
    simulator.control.checkout(made["checkout"]["order_id"], UPI)
    wait(desk, simulator, 5)
    (token,) = simulator.gw.each("tokens")
    simulator.control.call("PUT", f"tokens/{token['id']}/outcomes", {"outcomes": outcomes})
    return str(made["mandate_id"])


def planned(desk: Desk, simulator: RazorpaySimulator, outcomes: list[str | None]) -> str:
    answer = desk.debit(mandate(desk, simulator, outcomes))
    assert answer.status == 201, answer.text
    return str(answer.body["payment_id"])


def until_due(desk: Desk, simulator: RazorpaySimulator, payment_id: str) -> None:
    due_at = from_iso(str(desk.record(payment_id).due_at))
    wait(desk, simulator, max(1, int((due_at - desk.world.clock.now()).total_seconds()) + 1))


def announced(desk: Desk, simulator: RazorpaySimulator, payment_id: str) -> None:
    """The notice is delivered, and the moment of the debit has come."""
    while not desk.record(payment_id).notices:
        until_due(desk, simulator, payment_id)
        desk.work(payment_id)
    wait(desk, simulator, 120)
    until_due(desk, simulator, payment_id)


def live(desk: Desk, simulator: RazorpaySimulator, payment_id: str) -> None:
    """Days pass until nothing is due for the debit any more."""
    for _ in range(STEPS_MAX):
        if desk.record(payment_id).due_at is None:
            return
        until_due(desk, simulator, payment_id)
        desk.work(payment_id)
        wait(desk, simulator, 120)  # the notice is delivered, the bank answers
    raise AssertionError("it never came to an end")


def debits(simulator: RazorpaySimulator) -> list[dict[str, object]]:
    return [payment for payment in simulator.gw.each("payments") if "_notification_id" in payment]


def test_a_debit_is_announced_a_day_before_and_paid(there: Desk, simulator: RazorpaySimulator) -> None:
    payment_id = planned(there, simulator, [None])
    live(there, simulator, payment_id)
    payment = there.world.stored(payment_id)
    assert (payment.status, there.record(payment_id).state.value) == (PaymentStatus.CAPTURED, "paid")
    books = there.world.books(payment)
    assert books.balances
    assert books.balances_paise["school_payable:sch_1"] == -45_000
    (notice,) = there.record(payment_id).notices
    (one,) = there.record(payment_id).tries
    assert from_iso(one.initiated_at) - from_iso(str(notice.delivered_at)) >= timedelta(hours=24)


def test_declines_are_tried_again_within_the_rules_until_one_is_paid(
    there: Desk, simulator: RazorpaySimulator
) -> None:
    payment_id = planned(there, simulator, ["insufficient_funds", "bank_technical_error", None])
    live(there, simulator, payment_id)
    assert there.world.stored(payment_id).status is PaymentStatus.CAPTURED
    assert [debit["status"] for debit in debits(simulator)] == ["failed", "failed", "captured"]
    for one in there.record(payment_id).tries:
        at = from_iso(one.initiated_at).astimezone(IST)
        minute = at.hour * 60 + at.minute
        assert not 600 <= minute < 780
        assert not 1020 <= minute < 1291
        covering = [notice for notice in there.record(payment_id).notices if notice.order_id == one.order_id]
        assert from_iso(one.initiated_at) - from_iso(str(covering[0].delivered_at)) >= timedelta(hours=24)
    told = Counter(there.world.events(payment_id))
    assert (told["PaymentCaptured"], told["PaymentFailed"], told["RetryPaid"]) == (1, 2, 1)


def test_a_bank_that_always_declines_is_asked_four_times(there: Desk, simulator: RazorpaySimulator) -> None:
    payment_id = planned(there, simulator, ["insufficient_funds"] * 20)
    live(there, simulator, payment_id)
    assert 1 < len(debits(simulator)) <= 4
    assert there.record(payment_id).state.value in ("stopped", "waiting")
    assert there.shown(payment_id)["plan"]["because"]


@pytest.mark.parametrize("after_effect", [False, True])
def test_an_answer_that_is_lost_makes_no_second_debit(
    there: Desk, simulator: RazorpaySimulator, after_effect: bool
) -> None:
    payment_id = planned(there, simulator, [None, None])
    simulator.control.fault("POST", "/v1/payments/create/recurring", "502_html", after_effect=after_effect)
    live(there, simulator, payment_id)
    assert there.world.stored(payment_id).status is PaymentStatus.CAPTURED
    assert [debit["status"] for debit in debits(simulator)] == ["captured"]


def test_fifty_deliveries_of_one_message_make_one_debit(there: Desk, simulator: RazorpaySimulator) -> None:
    payment_id = planned(there, simulator, [None])
    announced(there, simulator, payment_id)
    at_once(*[lambda: there.work(payment_id)] * 50)
    assert len(debits(simulator)) == 1
    live(there, simulator, payment_id)
    assert len(debits(simulator)) == 1
    assert there.world.stored(payment_id).status is PaymentStatus.CAPTURED


def test_a_mandate_that_the_customer_pauses_is_left_alone(there: Desk, simulator: RazorpaySimulator) -> None:
    payment_id = planned(there, simulator, [None])
    announced(there, simulator, payment_id)
    (token,) = simulator.gw.each("tokens")
    simulator.control.act("tokens", str(token["id"]), "pause")
    wait(there, simulator, 1)
    there.work(payment_id)
    assert debits(simulator) == []
    assert there.shown(payment_id)["plan"]["remedy"] == "resume_mandate"


def test_a_downtime_of_the_gateway_is_known_to_the_planner(there: Desk, simulator: RazorpaySimulator) -> None:
    simulator.control.call(
        "POST", "downtimes", {"method": "upi", "instrument": {"vpa_handle": "razorpay"}, "severity": "high"}
    )
    wait(there, simulator, 5)
    (known,) = there.planning.downtimes.current()
    assert (known.method, known.instruments, known.ends_at) == ("upi", ("razorpay",), None)
    simulator.control.call("POST", "downtimes", {"action": "resolve", "id": known.downtime_id})
    wait(there, simulator, 5)
    assert there.planning.downtimes.current() == ()
