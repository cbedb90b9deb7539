"""Orders in other currencies: paid by card, converted by the rate of the day, settled in rupees."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from razorpay.errors import BadRequestError

from checks.sandbox.razorpay import ControlRefused, RazorpaySimulator
from checks.sandbox.razorpay.exchange import base, supported
from runtime.platform.currencies import currencies

Http = Callable[..., tuple[int, Any]]
CARD = {"method": "card", "number": "4111111111111111"}
DAY = 86_400
BEFORE, AFTER = (int(datetime(2026, 4, day, 12, tzinfo=UTC).timestamp()) for day in (14, 15))


def paid(sim: RazorpaySimulator, sdk: Any, amount: int = 5_400, code: str = "USD") -> Any:
    order = sdk.order.create({"amount": amount, "currency": code, "payment": {"capture": "automatic"}})
    made = sim.control.checkout(order["id"], CARD)
    return sdk.payment.fetch(made["razorpay_payment_id"])


def test_every_currency_with_a_rate_is_one_that_the_gateway_takes() -> None:
    assert {"INR", "USD", "JPY", "KWD"} <= supported() <= currencies().keys()


@pytest.mark.parametrize(
    ("amount", "code", "unix", "paise"),
    [
        (5_400, "USD", BEFORE, 448_200),
        (5_400, "USD", AFTER, 454_950),
        (800, "JPY", AFTER, 45_600),
        (1_650, "KWD", AFTER, 45_231),
        (45_000, "INR", AFTER, 45_000),
        (1, "KWD", BEFORE, 27),
    ],
)
def test_the_rate_is_that_of_the_day(amount: int, code: str, unix: int, paise: int) -> None:
    assert base(amount, code, unix) == paise


def test_a_payment_shows_what_it_is_worth_and_its_fee_is_of_that(sim: RazorpaySimulator, sdk: Any) -> None:
    payment = paid(sim, sdk)
    assert (payment["amount"], payment["currency"], payment["status"]) == (5_400, "USD", "captured")
    assert (payment["base_amount"], payment["base_currency"]) == (448_200, "INR")
    assert payment["fee"] == 8_964 + 1_614


def test_a_payment_in_rupees_shows_no_base_currency(sim: RazorpaySimulator, sdk: Any) -> None:
    payment = paid(sim, sdk, 45_000, "INR")
    assert payment["base_amount"] == 45_000
    assert "base_currency" not in payment


def test_a_refund_is_converted_by_the_rate_of_its_own_day(sim: RazorpaySimulator, sdk: Any) -> None:
    payment = paid(sim, sdk)
    first = sdk.payment.refund(payment["id"], {"amount": 1_800})
    sim.control.advance(110 * DAY)  # from January into May, and to another rate
    second = sdk.payment.refund(payment["id"], {"amount": 3_600})
    assert (first["base_amount"], second["base_amount"]) == (149_400, 303_300)
    assert {first["base_currency"], second["base_currency"]} == {"INR"}
    assert sdk.payment.fetch(payment["id"])["status"] == "refunded"


def test_settlements_are_in_rupees(sim: RazorpaySimulator, sdk: Any, http: Http) -> None:
    payment = paid(sim, sdk)
    sdk.payment.refund(payment["id"], {"amount": 1_800})
    sim.control.advance(4 * DAY)
    _, rows = http("GET", "/v1/settlements/recon/combined?year=2026&month=1&count=100")
    found = {
        row["type"]: (row["amount"], row["debit"], row["credit"], row["currency"]) for row in rows["items"]
    }
    assert found == {
        "payment": (448_200, 0, 448_200 - payment["fee"], "INR"),
        "refund": (149_400, 149_400, 0, "INR"),
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"currency": "CHF"}, "currency provided is not supported"),
        ({"currency": "KWD", "amount": 1_651}, "last digit"),
        (
            {
                "currency": "USD",
                "transfers": [{"account": "acc_00000000000001", "amount": 100, "currency": "INR"}],
            },
            "in INR only",
        ),
    ],
)
def test_an_order_that_cannot_be_is_refused(sdk: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRequestError, match=words):
        sdk.order.create({"amount": 5_400, "currency": "USD"} | changes)


def test_only_cards_pay_in_another_currency(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5_400, "currency": "USD"})
    with pytest.raises(ControlRefused, match="pays by card"):
        sim.control.checkout(order["id"], {"method": "upi", "vpa": "success@razorpay"})


def test_a_capture_is_in_the_currency_of_the_payment(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5_400, "currency": "USD", "payment": {"capture": "manual"}})
    made = sim.control.checkout(order["id"], CARD)
    with pytest.raises(BadRequestError, match="not that of the payment"):
        sdk.payment.capture(made["razorpay_payment_id"], 5_400, {"currency": "INR"})
    assert sdk.payment.capture(made["razorpay_payment_id"], 5_400, {"currency": "USD"})["captured"]
