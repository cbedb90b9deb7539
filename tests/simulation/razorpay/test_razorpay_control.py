"""The control API's own rules, the clock, the cycles of mandates, and the limits of what is kept."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
import urllib3

from checks.sandbox.razorpay import ControlRefused, Limits, RazorpaySimulator, SimulatorClock, SimulatorConfig
from checks.sandbox.razorpay.mandates import cycle_of
from checks.sandbox.razorpay.settlement_calendar import INDIA

UPI = {"method": "upi", "vpa": "success@razorpay"}
HOUR, DAY = 3_600, 86_400


@pytest.fixture
def order(sdk: Any) -> dict[str, Any]:
    made: dict[str, Any] = sdk.order.create({"amount": 5_000, "currency": "INR"})
    return made


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"instrument": {"method": "barter"}},
        {"instrument": {"method": "card"}},
        {"instrument": {"method": "card", "number": "4111"}},
        {"instrument": {"method": "upi", "vpa": "nobody"}},
        {"instrument": {"method": "upi", "vpa": "debit-failure.nothing@razorpay"}},
        {"instrument": {"method": "netbanking", "outcome": "perhaps"}},
        {"instrument": {"method": "wallet", "reason": "nothing"}},
        {"instrument": UPI, "attempts": 0},
        {"instrument": UPI, "attempts": 11},
        {"instrument": UPI, "attempts": "2"},
        {"instrument": UPI, "amount": 4_999},
        {"instrument": UPI, "amount": 5_001},
        {"instrument": UPI, "amount": 50.0},
    ],
)
def test_a_checkout_that_makes_no_sense_is_refused_and_leaves_nothing(
    sim: RazorpaySimulator, sdk: Any, order: dict[str, Any], wanted: dict[str, Any]
) -> None:
    with pytest.raises(ControlRefused) as refused:
        sim.control.call("POST", "checkout", {"order_id": order["id"], **wanted})
    assert refused.value.status == 400
    assert sdk.payment.all()["count"] == 0
    assert "4111" not in str(refused.value)


def test_an_unknown_order_cannot_be_paid(sim: RazorpaySimulator) -> None:
    with pytest.raises(ControlRefused, match="does not exist"):
        sim.control.checkout("order_00000000000000", UPI)


def test_the_customer_decides_about_capture_contact_and_mail(
    sim: RazorpaySimulator, sdk: Any, order: dict[str, Any]
) -> None:
    more = {"capture": True, "contact": "+911234567890", "email": "a@example.com", "description": "Lunch"}
    values = sim.control.checkout(order["id"], UPI, **more)
    payment = sdk.payment.fetch(values["razorpay_payment_id"])
    assert payment["status"] == "captured"
    assert (payment["contact"], payment["email"]) == ("+911234567890", "a@example.com")
    assert payment["description"] == "Lunch"


def test_only_what_failed_or_waits_can_come_late(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    with pytest.raises(ControlRefused):
        sim.control.act("payments", paid()["id"], "late-authorise")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("tokens/token_00000000000000/confirm", {}),
        ("refunds/rfnd_00000000000000/process", {}),
        ("notifications/notification_00000000000000/fail", {}),
        ("transfers/trf_00000000000000/fail", {}),
        ("links/plink_00000000000000/pay", {}),
        ("links/plink_00000000000000/pay", {"amount": 1.5}),
        ("disputes/disp_00000000000000/decide", {"verdict": "won"}),
        ("events/none/redeliver", {}),
        ("events/send", {"body": {}}),
        ("events/send", {"url": "http://127.0.0.1:1/"}),
        ("events/release", {}),
        ("downtimes", {"method": "barter"}),
        ("downtimes", {"severity": "awful"}),
        ("downtimes", {"action": "forget"}),
        ("downtimes", {"action": "resolve", "id": "down_00000000000000"}),
        ("settle", {"split": 0}),
        ("settle", {"split": "two"}),
        ("clock", {"advance_seconds": -1}),
        ("clock", {"advance_seconds": 1.5}),
    ],
)
def test_a_control_request_that_makes_no_sense_is_refused(
    sim: RazorpaySimulator, path: str, body: dict[str, Any]
) -> None:
    with pytest.raises(ControlRefused):
        sim.control.call("POST", path, body)


def test_release_refuses_strange_orders_and_too_many_duplicates(
    sim: RazorpaySimulator, receiver: Any
) -> None:
    sim.control.webhook(url=receiver.url)
    for how in ({"order": "sideways"}, {"duplicates": 21}):
        with pytest.raises(ControlRefused):
            sim.control.release(**how)


def test_a_control_body_must_be_json_and_small(sim: RazorpaySimulator) -> None:
    pool = urllib3.PoolManager(retries=False)
    url = f"{sim.url}/_control/checkout"
    assert pool.request("POST", url, body=b"{").status == 400
    assert pool.request("POST", url, body=b" " * 1_100_000).status == 413


def test_things_that_are_done_cannot_be_done_again(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    payment = paid()
    refund = sdk.payment.refund(payment["id"], {"amount": 100})
    sim.control.act("refunds", refund["id"], "process")
    with pytest.raises(ControlRefused):
        sim.control.act("refunds", refund["id"], "process")
    sim.control.act("refunds", refund["id"], "fail")
    with pytest.raises(ControlRefused):
        sim.control.act("refunds", refund["id"], "fail")
    for wanted in ({"amount": 0}, {"amount": 50_001}, {"phase": "war"}):
        with pytest.raises(ControlRefused):
            sim.control.act("payments", payment["id"], "dispute", **wanted)
    with pytest.raises(ControlRefused):
        sim.control.act("payments", payment["id"], "approve")


def test_a_frozen_clock_stands_and_a_running_one_runs() -> None:
    real = [100.0]
    clock = SimulatorClock(lambda: real[0])
    clock.set(1_000)
    real[0] += 5
    assert clock.now() == 1_005
    clock.freeze(True)
    real[0] += 5
    assert (clock.now(), clock.frozen) == (1_005, True)
    clock.hold_at(2_000)
    assert clock.now() == 2_000
    clock.release()
    clock.freeze(False)
    real[0] += 5
    assert (clock.now(), clock.frozen) == (1_010, False)


def test_the_clock_is_set_and_frozen_from_outside(sim: RazorpaySimulator) -> None:
    assert sim.control.call("POST", "clock", {"set": 1_800_000_000})["now"] == 1_800_000_000
    assert sim.control.call("POST", "clock", {"freeze": True})["frozen"] is True
    assert sim.control.call("GET", "clock") == {"now": 1_800_000_000, "frozen": True}


def test_what_happens_while_the_clock_moves_happens_at_its_own_time(
    sim: RazorpaySimulator, sdk: Any, order: dict[str, Any]
) -> None:
    begun = sim.control.now()
    pending = sim.control.checkout(order["id"], {"method": "upi", "vpa": "pending@razorpay"})
    assert pending["error"]["reason"] == "payment_pending"
    sim.control.advance(30 * DAY)
    (event,) = sim.control.events("payment.failed")
    assert event["created_at"] == begun + 600


@pytest.mark.parametrize(
    ("frequency", "same", "different"),
    [
        ("daily", ("2026-03-05T00:00", "2026-03-05T23:59"), "2026-03-06T00:00"),
        ("weekly", ("2026-03-02T00:00", "2026-03-08T23:59"), "2026-03-09T00:00"),
        ("fortnightly", ("2026-03-01T00:00", "2026-03-15T23:59"), "2026-03-16T00:00"),
        ("monthly", ("2026-02-01T00:00", "2026-02-28T23:59"), "2026-03-01T00:00"),
        ("bimonthly", ("2026-01-01T00:00", "2026-02-28T23:59"), "2026-03-01T00:00"),
        ("quarterly", ("2026-01-01T00:00", "2026-03-31T23:59"), "2026-04-01T00:00"),
        ("half_yearly", ("2026-01-01T00:00", "2026-06-30T23:59"), "2026-07-01T00:00"),
        ("yearly", ("2026-01-01T00:00", "2026-12-31T23:59"), "2027-01-01T00:00"),
    ],
)
def test_a_cycle_begins_and_ends_with_the_calendar_of_india(
    frequency: str, same: tuple[str, str], different: str
) -> None:
    def cycle(moment: str) -> str | None:
        return cycle_of(frequency, int(datetime.fromisoformat(moment).replace(tzinfo=INDIA).timestamp()))

    assert cycle(same[0]) == cycle(same[1])
    assert cycle(same[1]) != cycle(different)


def test_debits_as_presented_have_no_cycle() -> None:
    assert cycle_of("as_presented", 1_767_594_600) is None


def test_the_books_have_an_end(start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any]) -> None:
    limits = Limits(entities_per_kind=3, events=4, requests=2, idempotency_keys=1)
    sim = start(config=SimulatorConfig(limits=limits, auto_capture=True))
    sdk = sdk_for(sim)
    made = [sdk.order.create({"amount": 5_000, "currency": "INR"})["id"] for _ in range(3)]
    with pytest.raises(Exception, match="The sandbox keeps at most 3 orders"):
        sdk.order.create({"amount": 5_000, "currency": "INR"})
    payment_ids = [sim.control.checkout(order_id, UPI)["razorpay_payment_id"] for order_id in made[:2]]
    events = sim.control.events()
    assert [event["event"] for event in events][-1] == "order.paid"
    assert len(events) == 4
    for number in range(2):
        key = {"X-Refund-Idempotency": f"key-number-{number}"}
        sdk.payment.refund(payment_ids[0], {"amount": 100 + number}, headers=key)
    assert len(sim.gw.idempotency) == 1
    assert len(sim.control.requests()) == 2


def test_the_balance_can_be_enforced(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any]
) -> None:
    sim = start(config=SimulatorConfig(enforce_balance=True, auto_capture=True))
    sdk = sdk_for(sim)
    order = sdk.order.create({"amount": 5_000, "currency": "INR"})
    payment_id = sim.control.checkout(order["id"], UPI)["razorpay_payment_id"]
    with pytest.raises(Exception, match="does not have enough balance"):
        sdk.payment.refund(payment_id, {"amount": 5_000})
    with pytest.raises(Exception, match="insufficient balance"):
        sdk.transfer.create({"account": "acc_School00000001", "amount": 5_000, "currency": "INR"})
    assert sdk.transfer.create({"account": "acc_School00000001", "amount": 1_000, "currency": "INR"})


def test_a_job_that_cannot_be_done_does_not_stop_the_clockwork(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any]
) -> None:
    sim = start()
    sim.gw.later(0, "token.confirm")
    sim.control.drain()
    assert sim.control.health()["failed_jobs"] == 1
    sim.gw.failed_jobs = 0
    assert sdk_for(sim).order.create({"amount": 5_000, "currency": "INR"})["status"] == "created"


def test_a_real_clock_delivers_without_being_asked(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any], receiver: Any
) -> None:
    sim = start(clock=SimulatorClock(), webhook_url=receiver.url)
    order = sdk_for(sim).order.create({"amount": 5_000, "currency": "INR"})
    sim.control.checkout(order["id"], UPI)
    assert receiver.wait_for(1, timeout_seconds=5)
    assert receiver.names() == ["payment.authorized"]
