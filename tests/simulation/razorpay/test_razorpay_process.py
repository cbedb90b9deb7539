"""The simulator as a process, and what it keeps over a restart."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import razorpay

from checks.sandbox.razorpay import ControlClient, RazorpaySimulator, SimulatorClock
from checks.sandbox.simulation.persistence import StateUnreadable
from checks.sandbox.simulation.server import NotLoopback

ROOT = Path(__file__).parents[3]
SECRETS = {"TEST_KEY_SECRET": "process-key-secret", "TEST_WEBHOOK_SECRET": "process-webhook-secret"}
UPI = {"method": "upi", "vpa": "success@razorpay"}
DAY = 86_400

Run = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    started: list[subprocess.Popen[str]] = []

    def process(*more: str, environment: dict[str, str] | None = None) -> "subprocess.Popen[str]":
        arguments = ["--port", "0", "--state-dir", str(tmp_path), "--key-id", "rzp_test_process0001"]
        arguments += ["--key-secret-env", "TEST_KEY_SECRET", "--webhook-secret-env", "TEST_WEBHOOK_SECRET"]
        child = subprocess.Popen(
            [sys.executable, "-m", "checks.sandbox.razorpay", *arguments, *more],
            cwd=ROOT,
            env={**os.environ, **(SECRETS if environment is None else environment)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(child)
        return child

    yield process
    for child in started:
        if child.poll() is None:
            child.kill()
        child.communicate(timeout=10)


def test_it_says_where_it_listens_and_stops_on_sigterm(run: Run, tmp_path: Path) -> None:
    child = run("--seed", "9")
    assert child.stdout is not None
    said = json.loads(child.stdout.readline())
    assert said["service"] == "razorpay-simulator"
    sdk = razorpay.Client(auth=("rzp_test_process0001", SECRETS["TEST_KEY_SECRET"]), base_url=said["url"])
    order = sdk.order.create({"amount": 5_000, "currency": "INR", "payment_capture": 1})
    control = ControlClient(said["url"])
    values = control.checkout(order["id"], UPI)
    assert sdk.utility.verify_payment_signature(values)
    assert control.health()["counts"]["payments"] == 1
    child.send_signal(signal.SIGTERM)
    rest, errors = child.communicate(timeout=15)
    assert (child.returncode, rest, errors) == (0, "", "")
    saved = (tmp_path / "razorpay.json").read_text(encoding="utf-8")
    assert order["id"] in saved
    assert not any(secret in saved for secret in SECRETS.values())
    assert (tmp_path / "razorpay.json").stat().st_mode & 0o077 == 0


def test_it_says_which_secret_is_missing(run: Run) -> None:
    child = run(environment={"TEST_KEY_SECRET": "only-this"})
    _, errors = child.communicate(timeout=15)
    assert child.returncode == 2
    assert "TEST_WEBHOOK_SECRET" in errors
    assert "only-this" not in errors


def test_it_refuses_state_that_it_cannot_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "razorpay.json").write_text("{", encoding="utf-8")
    child = run()
    _, errors = child.communicate(timeout=15)
    assert child.returncode == 2
    assert "Move it away, or reset the sandbox" in errors


def test_an_account_goes_on_after_a_restart(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any], receiver: Any, tmp_path: Path
) -> None:
    first = start(state_dir=tmp_path, webhook_url=receiver.url)
    sdk = sdk_for(first)
    order = sdk.order.create({"amount": 5_000, "currency": "INR"})
    payment_id = first.control.checkout(order["id"], UPI)["razorpay_payment_id"]
    sdk.payment.capture(payment_id, 5_000, {"currency": "INR"})
    key = {"X-Refund-Idempotency": "over-the-restart"}
    refund = sdk.payment.refund(payment_id, {"amount": 100}, headers=dict(key))
    first.control.advance(2 * 3_600)
    first.control.webhook(mode="hold")
    sdk.payment.refund(payment_id, {"amount": 200})
    before = first.control.events()
    first.stop()

    again = start(state_dir=tmp_path)
    sdk = sdk_for(again)
    assert sdk.payment.refund(payment_id, {"amount": 100}, headers=dict(key))["id"] == refund["id"]
    assert again.control.events() == before
    assert again.control.call("GET", "webhook")["mode"] == "hold"
    assert {delivery["status"] for delivery in again.control.release()} == {200}
    fresh = sdk.order.create({"amount": 5_000, "currency": "INR"})["id"]
    assert fresh not in {order["id"]}
    again.control.advance(3 * DAY)
    assert sdk.refund.fetch(refund["id"])["status"] == "processed"
    settled = sdk.settlement.all()["items"]
    assert [settlement["amount"] for settlement in settled] == [5_000 - 118 - 300]


def test_the_clock_is_kept_over_a_restart(start: Callable[..., RazorpaySimulator], tmp_path: Path) -> None:
    first = start(state_dir=tmp_path)
    moment = first.control.advance(DAY)
    first.stop()
    assert start(state_dir=tmp_path).control.now() == moment


def test_what_was_not_delivered_for_a_day_is_lost_and_the_webhook_stays_enabled(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any], receiver: Any, tmp_path: Path
) -> None:
    receiver.statuses = [500] * 100
    clock = [1_767_594_600.0]
    first = start(state_dir=tmp_path, webhook_url=receiver.url, clock=SimulatorClock(lambda: clock[0]))
    order = sdk_for(first).order.create({"amount": 5_000, "currency": "INR", "payment_capture": 1})
    first.control.checkout(order["id"], UPI)
    first.control.drain()
    first.stop()
    clock[0] += 2 * DAY
    again = start(state_dir=tmp_path, clock=SimulatorClock(lambda: clock[0]))
    again.control.drain()
    assert {event["state"] for event in again.control.events() if event["event"] in {"order.paid"}} == {
        "failed"
    }
    assert again.control.call("GET", "webhook")["enabled"] is True


def test_unreadable_state_names_the_file(start: Callable[..., RazorpaySimulator], tmp_path: Path) -> None:
    (tmp_path / "razorpay.json").write_text('{"format": 99}', encoding="utf-8")
    with pytest.raises(StateUnreadable, match=r"razorpay\.json"):
        start(state_dir=tmp_path)


def test_it_is_never_offered_to_a_network() -> None:
    with pytest.raises(NotLoopback):
        RazorpaySimulator(key_id="k", key_secret="s", host="192.0.2.1")


def test_a_reset_empties_the_account(sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]) -> None:
    paid()
    sim.control.fault("GET", "*", "500")
    sim.control.reset()
    assert set(sim.control.health()["counts"].values()) == {0}
    assert sdk.payment.all()["count"] == 0


def test_a_debit_waits_for_a_notification_that_was_late_because_the_sandbox_was_off(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any], tmp_path: Path
) -> None:
    clock = [1_767_594_600.0]
    first = start(state_dir=tmp_path, clock=SimulatorClock(lambda: clock[0]))
    sdk = sdk_for(first)
    customer = sdk.customer.create({"name": "P", "email": "p@example.com"})
    registration = {"amount": 100, "currency": "INR", "method": "upi", "customer_id": customer["id"]}
    first.control.checkout(sdk.order.create({**registration, "token": {"max_amount": 9_000}})["id"], UPI)
    token_id = sdk.token.all(customer["id"])["items"][0]["id"]
    order = sdk.order.create({"amount": 5_000, "currency": "INR", "notification": {"token_id": token_id}})
    debit = {"amount": 5_000, "currency": "INR", "order_id": order["id"], "customer_id": customer["id"]}
    more = {"token": token_id, "recurring": True, "email": "p@example.com", "contact": "+919000090000"}
    payment_id = sdk.payment.createRecurring({**debit, **more})["razorpay_payment_id"]
    first.stop()
    clock[0] += 2 * DAY
    again = start(state_dir=tmp_path, clock=SimulatorClock(lambda: clock[0]))
    again.control.drain()
    sdk = sdk_for(again)
    assert sdk.order.fetch(order["id"])["notification"]["delivered_at"] == int(clock[0])
    assert sdk.payment.fetch(payment_id)["status"] == "created"
    again.control.advance(25 * 3_600)
    assert sdk.payment.fetch(payment_id)["status"] == "captured"
