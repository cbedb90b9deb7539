"""Faults: the same request meets 429, 5xx, HTML, and timeouts before and after its effect."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
import urllib3
from razorpay.errors import BadRequestError, ServerError

from checks.sandbox.razorpay import ControlRefused, RazorpaySimulator

Http = Callable[..., tuple[int, Any]]
ORDER = {"amount": 5_000, "currency": "INR", "receipt": "only-one"}


def orders(sdk: Any) -> int:
    return int(sdk.order.all({"receipt": "only-one"})["count"])


def test_a_throttled_request_is_429_and_does_nothing(sim: RazorpaySimulator, sdk: Any, http: Http) -> None:
    sim.control.fault("POST", "/v1/orders", "429", count=2)
    status, answer = http("POST", "/v1/orders", ORDER)
    assert (status, answer["error"]["description"]) == (429, "Throttling Error")
    with pytest.raises(BadRequestError, match="Throttling"):
        sdk.order.create(ORDER)
    assert orders(sdk) == 0
    assert sdk.order.create(ORDER)["status"] == "created"


def test_a_server_error_has_an_error_object(sim: RazorpaySimulator, sdk: Any, http: Http) -> None:
    sim.control.fault("POST", "/v1/orders", "500", count=2)
    status, answer = http("POST", "/v1/orders", ORDER)
    assert (status, answer["error"]["code"]) == (500, "SERVER_ERROR")
    with pytest.raises(ServerError):
        sdk.order.create(ORDER)
    assert orders(sdk) == 0


def test_a_server_error_can_hide_an_effect(sim: RazorpaySimulator, sdk: Any, http: Http) -> None:
    sim.control.fault("POST", "/v1/orders", "500", after_effect=True)
    assert http("POST", "/v1/orders", ORDER)[0] == 500
    assert orders(sdk) == 1


def test_a_bad_gateway_answers_html_which_breaks_the_sdk(
    sim: RazorpaySimulator, sdk: Any, http: Http
) -> None:
    sim.control.fault("POST", "/v1/orders", "502_html", count=2)
    status, answer = http("POST", "/v1/orders", ORDER)
    assert (status, "<h1>502 Bad Gateway</h1>" in answer) == (502, True)
    with pytest.raises(requests.exceptions.JSONDecodeError):
        sdk.order.create(ORDER)
    assert orders(sdk) == 0


@pytest.mark.parametrize(("fault", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_timeout_is_before_or_after_the_effect(
    sim: RazorpaySimulator, sdk: Any, fault: str, made: int
) -> None:
    sim.control.fault("POST", "/v1/orders", fault, hold_ms=900)
    with pytest.raises(requests.exceptions.ReadTimeout):
        sdk.order.create(ORDER, timeout=0.5)
    assert orders(sdk) == made


@pytest.mark.parametrize("fault", ["timeout_before", "timeout_after"])
def test_a_timeout_without_hold_drops_the_connection(sim: RazorpaySimulator, http: Http, fault: str) -> None:
    sim.control.fault("POST", "/v1/orders", fault)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        http("POST", "/v1/orders", ORDER)
    assert sim.control.requests()[-1]["status"] is None
    assert sim.control.requests()[-1]["fault"] == fault


def test_the_refund_key_makes_a_timeout_after_the_effect_harmless(
    sim: RazorpaySimulator, sdk: Any, http: Http, paid: Callable[..., Any]
) -> None:
    path, key = f"/v1/payments/{paid()['id']}/refund", {"X-Refund-Idempotency": "after-the-timeout"}
    sim.control.fault("POST", "/v1/payments/*/refund", "timeout_after")
    with pytest.raises(urllib3.exceptions.ProtocolError):
        http("POST", path, {"amount": 100}, headers=key)
    assert http("POST", path, {"amount": 100}, headers=key)[0] == 200
    assert sdk.refund.all()["count"] == 1


def test_latency_delays_and_still_succeeds(sim: RazorpaySimulator, http: Http) -> None:
    sim.control.fault("*", "/v1/orders", "latency", hold_ms=150)
    assert http("POST", "/v1/orders", ORDER)[0] == 200
    assert sim.control.requests()[-1]["took_ms"] >= 150


def test_a_fault_meets_matching_requests_only_and_only_so_often(sim: RazorpaySimulator, http: Http) -> None:
    sim.control.fault("GET", "/v1/payments/*", "500", count=2)
    assert http("POST", "/v1/orders", ORDER)[0] == 200
    assert http("GET", "/v1/payments")[0] == 200
    statuses = [http("GET", "/v1/payments/pay_00000000000000")[0] for _ in range(3)]
    assert statuses == [500, 500, 400]


def test_faults_are_listed_and_cleared(sim: RazorpaySimulator, http: Http) -> None:
    planned = sim.control.fault("POST", "/v1/orders", "429", count=5)
    assert sim.control.call("GET", "faults")["items"] == [planned]
    sim.control.clear_faults()
    assert http("POST", "/v1/orders", ORDER)[0] == 200


@pytest.mark.parametrize(
    "wanted",
    [
        {"fault": "earthquake"},
        {"fault": "500", "count": 0},
        {"fault": "latency", "hold_ms": 60_001},
        {"fault": "500", "match": "all"},
    ],
)
def test_a_bad_fault_is_refused(sim: RazorpaySimulator, wanted: dict[str, Any]) -> None:
    with pytest.raises(ControlRefused):
        sim.control.call("POST", "faults", wanted)
