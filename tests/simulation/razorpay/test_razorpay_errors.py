"""The error object with all of its members, which the SDK drops: so over raw HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from checks.sandbox.razorpay import RazorpaySimulator

VALIDATION = {
    "code": "BAD_REQUEST_ERROR",
    "source": "business",
    "step": "payment_initiation",
    "reason": "input_validation_failed",
    "metadata": {},
}
NOT_APPLICABLE = {"source": "NA", "step": "NA", "reason": "NA", "metadata": {}}
Http = Callable[..., tuple[int, Any]]


@pytest.mark.parametrize(
    ("body", "description", "field"),
    [
        ({"currency": "INR"}, "The amount field is required.", "amount"),
        ({"amount": 100.5, "currency": "INR"}, "The amount must be an integer.", "amount"),
        ({"amount": 500.0, "currency": "INR"}, "The amount must be an integer.", "amount"),
        ({"amount": "12.5", "currency": "INR"}, "The amount must be an integer.", "amount"),
        ({"amount": True, "currency": "INR"}, "The amount must be an integer.", "amount"),
        ({"amount": 99, "currency": "INR"}, "The amount must be at least INR 1.00", "amount"),
        ({"amount": 50_000_001, "currency": "INR"}, "Amount exceeds maximum amount allowed.", "amount"),
        ({"amount": 100}, "The currency field is required.", "currency"),
        ({"amount": 100, "currency": "XTS"}, "The currency provided is not supported.", "currency"),
        (
            {"amount": 100, "currency": "INR", "receipt": "r" * 41},
            "The receipt may not be greater than 40 characters.",
            "receipt",
        ),
        (
            {"amount": 100, "currency": "INR", "notes": {f"k{n}": "v" for n in range(16)}},
            "Number of fields in notes should be less than or equal to 15",
            "notes",
        ),
        (
            {"amount": 100, "currency": "INR", "notes": {"k": "v" * 257}},
            "The notes values may not be greater than 256 characters.",
            "notes",
        ),
    ],
)
def test_a_bad_order_is_refused_with_the_whole_error_object(
    http: Http, body: dict[str, Any], description: str, field: str
) -> None:
    status, answer = http("POST", "/v1/orders", body)
    assert status == 400
    assert answer == {"error": {**VALIDATION, "description": description, "field": field}}
    assert http("GET", "/v1/orders")[1]["count"] == 0


def test_the_limits_themselves_are_allowed(http: Http) -> None:
    notes = {f"k{n}": "v" * 256 for n in range(15)}
    body = {"amount": 100, "currency": "INR", "receipt": "r" * 40, "notes": notes}
    status, answer = http("POST", "/v1/orders", body)
    assert (status, answer["notes"]) == (200, notes)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/orders/order_00000000000000"),
        ("GET", "/v1/payments/pay_00000000000000"),
        ("POST", "/v1/payments/pay_00000000000000/refund"),
        ("GET", "/v1/refunds/rfnd_00000000000000"),
        ("GET", "/v1/customers/cust_00000000000000"),
        ("GET", "/v1/customers/cust_00000000000000/tokens"),
        ("GET", "/v1/payment_links/plink_00000000000000"),
        ("GET", "/v1/transfers/trf_00000000000000"),
        ("GET", "/v1/settlements/setl_00000000000000"),
        ("GET", "/v1/disputes/disp_00000000000000"),
        ("GET", "/v1/payments/downtimes/down_00000000000000"),
    ],
)
def test_an_unknown_id_does_not_exist(http: Http, method: str, path: str) -> None:
    status, answer = http(method, path, {} if method == "POST" else None)
    assert status == 400
    assert answer == {"error": {**VALIDATION, "description": "The id provided does not exist"}}


@pytest.mark.parametrize(
    "key",
    [
        None,
        ("rzp_test_simulation1", "wrong"),
        ("wrong", "key-secret-of-the-tests"),
        ("rzp_test_simulation1", ""),
    ],
)
def test_wrong_credentials_are_401(http: Http, key: tuple[str, str] | None) -> None:
    status, answer = http("GET", "/v1/orders", key=key)
    assert status == 401
    assert answer == {
        "error": {"code": "BAD_REQUEST_ERROR", "description": "Authentication failed", **NOT_APPLICABLE}
    }


@pytest.mark.parametrize("header", ["Bearer abc", "Basic !!!", "Basic //79", "basic", ""])
def test_malformed_credentials_are_401(http: Http, header: str) -> None:
    assert http("GET", "/v1/orders", key=None, headers={"Authorization": header})[0] == 401


def test_the_key_id_alone_opens_the_payment_methods_only(http: Http) -> None:
    key = ("rzp_test_simulation1", "")
    assert http("GET", "/v1/methods", key=key)[0] == 200
    assert http("GET", "/v1/payments", key=key)[0] == 401


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/v1/nothing"), ("DELETE", "/v1/orders"), ("GET", "/v2/x")]
)
def test_an_unknown_url_is_400(http: Http, method: str, path: str) -> None:
    status, answer = http(method, path)
    assert status == 400
    assert answer["error"]["description"] == "The requested URL was not found on the server."


@pytest.mark.parametrize("raw", [b"{", b'"text"', b"[1]", b"\xff\xfe", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(http: Http, raw: bytes) -> None:
    assert http("POST", "/v1/orders", raw=raw)[0] == 400


def test_a_body_over_the_limit_is_refused(http: Http) -> None:
    raw = b'{"amount": 100, "currency": "INR", "x": "' + b"y" * (1024 * 1024) + b'"}'
    status, answer = http("POST", "/v1/orders", raw=raw)
    assert status == 413
    assert answer["error"]["code"] == "BAD_REQUEST_ERROR"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("count=0", "count"),
        ("count=101", "count"),
        ("count=x", "count"),
        ("skip=-1", "skip"),
        ("from=now", "from"),
    ],
)
def test_paging_is_checked(http: Http, query: str, field: str) -> None:
    status, answer = http("GET", f"/v1/payments?{query}")
    assert (status, answer["error"]["field"]) == (400, field)


def test_a_failed_checkout_names_payment_and_order(http: Http, sim: RazorpaySimulator) -> None:
    order = http("POST", "/v1/orders", {"amount": 100, "currency": "INR"})[1]
    card = {"method": "card", "number": "4100280000020007"}
    error = sim.control.checkout(order["id"], card)["error"]
    payment = http("GET", f"/v1/orders/{order['id']}/payments")[1]["items"][0]
    assert error["metadata"] == {"payment_id": payment["id"], "order_id": order["id"]}
    assert (error["code"], error["source"]) == ("GATEWAY_ERROR", "gateway")
    assert payment["error_code"] == error["code"]
    assert payment["error_description"] == error["description"]


def test_the_request_log_has_no_credentials_query_or_card(http: Http, sim: RazorpaySimulator) -> None:
    order = http("POST", "/v1/orders", {"amount": 100, "currency": "INR", "receipt": "secret-receipt"})[1]
    http("GET", "/v1/orders?receipt=secret-receipt")
    sim.control.checkout(order["id"], {"method": "card", "number": "4100280000001007"})
    log = sim.control.requests()
    assert [(entry["method"], entry["path"], entry["status"]) for entry in log] == [
        ("POST", "/v1/orders", 200),
        ("GET", "/v1/orders", 200),
    ]
    assert "secret" not in str(log)
    assert "4100280000001007" not in str(sim.gw.books)
