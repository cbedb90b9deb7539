"""Refunds and their idempotency header."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from razorpay.errors import BadRequestError

from checks.sandbox.razorpay import ControlRefused, FeeSchedule, RazorpaySimulator, SimulatorConfig

Http = Callable[..., tuple[int, Any]]
DAY = 86_400
KEY = {"X-Refund-Idempotency": "refund-key-0001"}


def test_a_refund_is_pending_then_processed_and_gets_its_reference_later(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    payment = paid(amount=10_000)
    refund = sdk.payment.refund(
        payment["id"], {"amount": 4_000, "receipt": "R-1", "notes": {"why": "absent"}}
    )
    assert refund["id"].startswith("rfnd_")
    assert (refund["status"], refund["speed_requested"], refund["speed_processed"]) == (
        "pending",
        "normal",
        "normal",
    )
    assert refund["acquirer_data"] == {"arn": None}
    sim.control.advance(2)
    processed = sdk.refund.fetch(refund["id"])
    assert (processed["status"], processed["acquirer_data"]) == ("processed", {"arn": None})
    sim.control.advance(3 * DAY)
    assert len(sdk.refund.fetch(refund["id"])["acquirer_data"]["arn"]) == 23
    after = sdk.payment.fetch(payment["id"])
    assert (after["amount_refunded"], after["refund_status"], after["status"]) == (
        4_000,
        "partial",
        "captured",
    )


def test_partial_refunds_add_up_to_the_whole_and_no_further(sdk: Any, paid: Callable[..., Any]) -> None:
    payment = paid(amount=10_000)
    first = sdk.payment.refund(payment["id"], {"amount": 4_000})
    with pytest.raises(BadRequestError, match="greater than amount captured"):
        sdk.payment.refund(payment["id"], {"amount": 6_001})
    second = sdk.payment.refund(payment["id"], {})
    assert second["amount"] == 6_000
    after = sdk.payment.fetch(payment["id"])
    assert (after["status"], after["refund_status"], after["amount_refunded"]) == ("refunded", "full", 10_000)
    with pytest.raises(BadRequestError, match="The payment has been fully refunded already"):
        sdk.payment.refund(payment["id"], {"amount": 100})
    listed = sdk.payment.fetch_multiple_refund(payment["id"])
    assert [refund["id"] for refund in listed["items"]] == [second["id"], first["id"]]
    assert sdk.payment.fetch_refund_id(payment["id"], first["id"])["amount"] == 4_000
    assert sdk.refund.all()["count"] == 2
    assert sdk.refund.edit(first["id"], {"notes": {"a": "b"}})["notes"] == {"a": "b"}
    assert sdk.order.fetch(payment["order_id"])["status"] == "paid"


def test_a_refund_can_be_made_with_the_payment_in_the_body(sdk: Any, paid: Callable[..., Any]) -> None:
    assert sdk.refund.create({"payment_id": paid()["id"], "amount": 100})["amount"] == 100


def test_only_captured_payments_are_refunded(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5_000, "currency": "INR"})
    payment_id = sim.control.checkout(order["id"], {"method": "upi"})["razorpay_payment_id"]
    with pytest.raises(BadRequestError, match="status should be captured"):
        sdk.payment.refund(payment_id, {})


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ({"amount": 99}, "The amount must be at least INR 1.00"),
        ({"amount": 100.0}, "The amount must be an integer."),
        ({"speed": "fast"}, "The selected speed is invalid."),
        ({"amount": 100, "colour": "red"}, "colour is/are not required and should not be sent"),
    ],
)
def test_a_bad_refund_is_refused(
    http: Http, paid: Callable[..., Any], body: dict[str, Any], description: str
) -> None:
    payment = paid()
    status, answer = http("POST", f"/v1/payments/{payment['id']}/refund", body)
    assert (status, answer["error"]["description"]) == (400, description)
    assert http("GET", f"/v1/payments/{payment['id']}/refunds")[1]["count"] == 0


def test_digits_in_a_string_are_an_amount(sdk: Any, paid: Callable[..., Any]) -> None:
    assert sdk.payment.refund(paid()["id"], {"amount": "100"})["amount"] == 100


def test_a_failed_refund_gives_the_amount_back(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    payment = paid(amount=10_000)
    refund = sdk.payment.refund(payment["id"], {})
    assert sim.control.act("refunds", refund["id"], "fail")["status"] == "failed"
    after = sdk.payment.fetch(payment["id"])
    assert (after["amount_refunded"], after["refund_status"], after["status"]) == (0, None, "captured")
    assert [event["event"] for event in sim.control.events()][-1] == "refund.failed"
    sim.control.settle(force=True)
    assert sdk.settlement.all()["items"][0]["amount"] == 10_000 - 236


def test_a_payment_older_than_six_months_cannot_be_refunded_by_the_bank(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    payment = paid()
    sim.control.advance(190 * DAY)
    refund = sdk.payment.refund(payment["id"], {})
    sim.control.advance(10)
    assert sdk.refund.fetch(refund["id"])["status"] == "failed"


def test_an_instant_refund_costs_a_fee_and_can_fall_back_to_normal(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any]
) -> None:
    sim = start(config=SimulatorConfig(fees=FeeSchedule(instant_refund_paise=599)))
    sdk = sdk_for(sim)
    order = sdk.order.create({"amount": 50_000, "currency": "INR", "payment_capture": 1})
    payment_id = sim.control.checkout(order["id"], {"method": "upi"})["razorpay_payment_id"]
    refund = sdk.payment.refund(payment_id, {"amount": 10_000, "speed": "optimum"})
    assert refund["speed_processed"] == "instant"
    sim.control.drain()
    assert sdk.refund.fetch(refund["id"])["status"] == "processed"
    downgraded = sim.control.act("refunds", refund["id"], "downgrade")
    assert downgraded["speed_processed"] == "normal"
    assert sim.control.events("refund.speed_changed")
    sim.control.settle(force=True)
    now = sim.control.now()
    rows = sdk.settlement.report({"year": 2026, "month": 1})["items"]
    row = next(row for row in rows if row["type"] == "refund")
    assert (row["debit"], row["fee"], row["tax"], row["settled_at"]) == (10_000 + 707, 707, 108, now)
    with pytest.raises(ControlRefused):
        sim.control.act("refunds", refund["id"], "downgrade")


def test_the_same_key_and_body_answer_the_same_and_refund_once(http: Http, paid: Callable[..., Any]) -> None:
    path = f"/v1/payments/{paid()['id']}/refund"
    first = http("POST", path, {"amount": 100, "notes": {"a": "1"}}, headers=KEY)
    again = http("POST", path, {"notes": {"a": "1"}, "amount": 100}, headers=KEY)
    assert first == again
    assert first[0] == 200
    assert http("GET", "/v1/refunds")[1]["count"] == 1


def test_without_a_key_the_same_refund_is_made_twice(http: Http, paid: Callable[..., Any]) -> None:
    path = f"/v1/payments/{paid()['id']}/refund"
    assert http("POST", path, {"amount": 100})[1]["id"] != http("POST", path, {"amount": 100})[1]["id"]


def test_the_same_key_with_another_body_is_refused(http: Http, paid: Callable[..., Any]) -> None:
    path = f"/v1/payments/{paid()['id']}/refund"
    http("POST", path, {"amount": 100}, headers=KEY)
    for other in ((path, {"amount": 101}), (f"/v1/payments/{paid()['id']}/refund", {"amount": 100})):
        status, answer = http("POST", *other, headers=KEY)
        assert status == 400
        assert answer["error"] == {
            "code": "BAD_REQUEST_ERROR",
            "description": "Different request with the same idempotency key has already been processed.",
            "source": "NA",
            "step": "NA",
            "reason": "NA",
            "metadata": {},
        }


def test_a_refused_request_frees_its_key(http: Http, paid: Callable[..., Any]) -> None:
    path = f"/v1/payments/{paid(amount=1_000)['id']}/refund"
    assert http("POST", path, {"amount": 5_000}, headers=KEY)[0] == 400
    assert http("POST", path, {"amount": 500}, headers=KEY)[0] == 200


@pytest.mark.parametrize(
    ("key", "description"),
    [
        ("short", "The idempotency key must be at least 10 characters long."),
        (
            "with spaces in it",
            "The idempotency key must only contain alphanumeric characters, underscores, and hyphens",
        ),
        ("x" * 300, "The idempotency key may not be greater than 255 characters."),
    ],
)
def test_the_key_has_rules(http: Http, paid: Callable[..., Any], key: str, description: str) -> None:
    path = f"/v1/payments/{paid()['id']}/refund"
    status, answer = http("POST", path, {"amount": 100}, headers={"X-Refund-Idempotency": key})
    assert (status, answer["error"]["description"]) == (400, description)


def test_while_the_first_request_is_at_work_the_second_is_a_conflict(
    sim: RazorpaySimulator, http: Http, paid: Callable[..., Any]
) -> None:
    path = f"/v1/payments/{paid()['id']}/refund"
    sim.control.fault("POST", path, "latency", hold_ms=600)
    answers: list[tuple[int, Any]] = []
    slow = threading.Thread(target=lambda: answers.append(http("POST", path, {"amount": 100}, headers=KEY)))
    slow.start()
    status = 200
    while status == 200 and slow.is_alive():
        time.sleep(0.01)
        if sim.gw.idempotency:
            status, answer = http("POST", path, {"amount": 100}, headers=KEY)
    slow.join()
    assert (status, answer["error"]["description"]) == (
        409,
        "Another request with the same idempotency key is still in progress.",
    )
    assert http("POST", path, {"amount": 100}, headers=KEY) == answers[0]
    assert http("GET", "/v1/refunds")[1]["count"] == 1
