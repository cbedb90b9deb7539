"""The two pages for a person: what is there, and a checkout to pay at."""

import json
import re
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
import urllib3

from checks.sandbox.razorpay import RazorpaySimulator
from checks.sandbox.razorpay.pages import rupees

Browse = Callable[..., tuple[int, str]]


@pytest.fixture
def browse(sim: RazorpaySimulator) -> Browse:
    pool = urllib3.PoolManager(retries=False)

    def visit(path: str, fields: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        method = "GET" if fields is None else "POST"
        body = None if fields is None else urlencode(fields)
        response = pool.request(method, sim.url + path, body=body, headers=headers)
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        return response.status, response.data.decode()

    return visit


def test_the_overview_lists_orders_and_escapes_what_they_say(browse: Browse, sdk: Any) -> None:
    assert "No order yet" in browse("/")[1]
    order = sdk.order.create({"amount": 123_456, "currency": "INR", "receipt": "<script>alert(1)</script>"})
    status, page = browse("/")
    assert status == 200
    assert f'href="/checkout/{order["id"]}"' in page
    assert "₹1,234.56" in page
    assert "<script>" not in page


def test_a_person_pays_and_gets_values_that_verify(browse: Browse, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5_000, "currency": "INR", "payment_capture": 1})
    assert "<form" in browse(f"/checkout/{order['id']}")[1]
    _, page = browse(f"/checkout/{order['id']}", {"instrument": "visa"})
    shown = re.search(r"<pre>(.*?)</pre>", page, re.DOTALL)
    assert shown is not None
    values = json.loads(unescape(shown.group(1)))
    assert sdk.utility.verify_payment_signature(values)
    assert "This order is paid." in browse(f"/checkout/{order['id']}")[1]
    assert "already paid" in browse(f"/checkout/{order['id']}", {"instrument": "visa"})[1]


def test_a_person_can_let_it_fail_with_a_reason(browse: Browse, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5_000, "currency": "INR"})
    fields = {"instrument": "upi-success", "reason": "insufficient_funds"}
    assert "insufficient_funds" in browse(f"/checkout/{order['id']}", fields)[1]
    assert sdk.payment.all()["items"][0]["error_reason"] == "insufficient_funds"


@pytest.mark.parametrize(
    "instrument", ["upi-failure", "upi-pending", "rupay", "netbanking", "wallet", "no-such"]
)
def test_every_choice_leads_somewhere(browse: Browse, sdk: Any, instrument: str) -> None:
    order = sdk.order.create({"amount": 5_000, "currency": "INR"})
    status, page = browse(f"/checkout/{order['id']}", {"instrument": instrument, "reason": ""})
    assert status == 200
    assert ("Paid" in page) or ("The payment failed" in page)


def test_an_unknown_reason_is_refused_on_the_page(browse: Browse, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5_000, "currency": "INR"})
    page = browse(f"/checkout/{order['id']}", {"instrument": "visa", "reason": "<b>no</b>"})[1]
    assert "not one that Razorpay publishes" in page
    assert "<b>no</b>" not in page


def test_other_orders_sites_and_sizes_are_refused(browse: Browse, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5_000, "currency": "INR"})
    path = f"/checkout/{order['id']}"
    assert browse("/checkout/order_00000000000000")[0] == 404
    assert browse("/checkout/<script>")[0] == 404
    assert browse(path, {"instrument": "visa"}, **{"Sec-Fetch-Site": "cross-site"})[0] == 403
    assert browse(path, {"instrument": "v" * 1_100_000})[0] == 413
    assert sdk.payment.all()["count"] == 0


@pytest.mark.parametrize(
    ("paise", "text"),
    [
        (5, "₹0.05"),
        (100_000, "₹1,000.00"),
        (123_456_789, "₹12,34,567.89"),
        (10_000_000_000, "₹10,00,00,000.00"),
    ],
)
def test_rupees_are_grouped_the_indian_way(paise: int, text: str) -> None:
    assert rupees(paise) == text
