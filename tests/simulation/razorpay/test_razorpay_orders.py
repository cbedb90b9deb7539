"""Orders, checkout, capture: what the official SDK sees, and the facts that break naive code."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from razorpay.errors import BadRequestError, SignatureVerificationError

from checks.sandbox.razorpay import ControlRefused, RazorpaySimulator, SimulatorClock

UPI = {"method": "upi", "vpa": "success@razorpay"}
NETBANKING = {"method": "netbanking", "bank": "HDFC"}
VISA = {"method": "card", "number": "4111 1111 1111 1111"}
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def test_an_order_has_the_documented_shape(sdk: Any) -> None:
    order = sdk.order.create(
        {"amount": 5000, "currency": "INR", "receipt": "receipt#1", "notes": {"child": "c-1"}}
    )
    assert order.pop("id").startswith("order_")
    assert isinstance(order.pop("created_at"), int)
    assert order == {
        "entity": "order",
        "amount": 5000,
        "amount_paid": 0,
        "amount_due": 5000,
        "currency": "INR",
        "receipt": "receipt#1",
        "offer_id": None,
        "status": "created",
        "attempts": 0,
        "notes": {"child": "c-1"},
    }


def test_ids_are_a_prefix_and_fourteen_alphanumerics_and_the_same_under_a_seed(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any]
) -> None:
    wanted = {"amount": 5000, "currency": "INR"}
    first, again, other = (sdk_for(start(seed=seed)).order.create(wanted)["id"] for seed in (3, 3, 4))
    assert first == again
    assert first != other
    assert len(other) == len("order_") + 14
    assert other.removeprefix("order_").isalnum()


def test_the_same_post_makes_a_second_order(sdk: Any) -> None:
    wanted = {"amount": 5000, "currency": "INR", "receipt": "once"}
    kwargs = {"headers": {"X-Refund-Idempotency": "0123456789", "Idempotency-Key": "0123456789"}}
    assert sdk.order.create(wanted, **kwargs)["id"] != sdk.order.create(wanted, **kwargs)["id"]
    assert sdk.order.all({"receipt": "once"})["count"] == 2


def test_an_order_goes_from_created_over_attempted_to_paid(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR", "payment_capture": 1})
    failed = sim.control.checkout(order["id"], {"method": "upi", "vpa": "failure@razorpay"})
    assert failed["error"]["metadata"]["order_id"] == order["id"]
    attempted = sdk.order.fetch(order["id"])
    assert (attempted["status"], attempted["attempts"]) == ("attempted", 1)
    sim.control.checkout(order["id"], UPI)
    paid = sdk.order.fetch(order["id"])
    assert (paid["status"], paid["attempts"]) == ("paid", 2)
    assert (paid["amount_paid"], paid["amount_due"]) == (5000, 0)
    assert [payment["status"] for payment in sdk.order.payments(order["id"])["items"]] == [
        "captured",
        "failed",
    ]


def test_a_paid_order_takes_no_further_payment(sim: RazorpaySimulator, paid: Callable[..., Any]) -> None:
    payment = paid()
    with pytest.raises(ControlRefused) as refused:
        sim.control.checkout(payment["order_id"], UPI)
    assert refused.value.answer["error"]["reason"] == "order_already_paid"


def test_checkout_values_verify_with_the_sdk(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR"})
    values = sim.control.checkout(order["id"], UPI)
    assert sdk.utility.verify_payment_signature(values)
    values["razorpay_payment_id"] = "pay_00000000000000"
    with pytest.raises(SignatureVerificationError):
        sdk.utility.verify_payment_signature(values)


def test_without_automatic_capture_a_payment_waits_and_is_captured_once(
    sim: RazorpaySimulator, sdk: Any
) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR"})
    payment_id = sim.control.checkout(order["id"], VISA)["razorpay_payment_id"]
    waiting = sdk.payment.fetch(payment_id)
    assert (waiting["status"], waiting["captured"], waiting["fee"], waiting["tax"]) == (
        "authorized",
        False,
        None,
        None,
    )
    captured = sdk.payment.capture(payment_id, 5000, {"currency": "INR"})
    assert (captured["status"], captured["captured"]) == ("captured", True)
    assert (captured["fee"], captured["tax"]) == (118, 18)
    with pytest.raises(BadRequestError, match="already been captured"):
        sdk.payment.capture(payment_id, 5000, {"currency": "INR"})


@pytest.mark.parametrize("amount", [4999, 5001])
def test_there_is_no_partial_capture(sim: RazorpaySimulator, sdk: Any, amount: int) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR"})
    payment_id = sim.control.checkout(order["id"], VISA)["razorpay_payment_id"]
    with pytest.raises(BadRequestError, match="Capture amount must be equal to the amount authorized"):
        sdk.payment.capture(payment_id, amount, {"currency": "INR"})


@pytest.mark.parametrize(
    ("settings", "status"),
    [
        ({"payment_capture": 1}, "captured"),
        ({"payment_capture": True}, "captured"),
        ({"payment_capture": 0}, "authorized"),
        ({"payment": {"capture": "automatic"}}, "captured"),
        ({"payment": {"capture": "manual"}}, "authorized"),
        ({}, "authorized"),
    ],
)
def test_capture_is_automatic_where_the_order_says_so(
    sim: RazorpaySimulator, sdk: Any, settings: dict[str, Any], status: str
) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR", **settings})
    payment_id = sim.control.checkout(order["id"], UPI)["razorpay_payment_id"]
    assert sdk.payment.fetch(payment_id)["status"] == status


def test_what_is_not_captured_in_three_days_is_refunded(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR"})
    payment_id = sim.control.checkout(order["id"], UPI)["razorpay_payment_id"]
    sim.control.advance(3 * DAY - 1)
    assert sdk.payment.fetch(payment_id)["status"] == "authorized"
    sim.control.advance(1)
    refunded = sdk.payment.fetch(payment_id)
    assert (refunded["status"], refunded["refund_status"], refunded["captured"]) == (
        "refunded",
        "full",
        False,
    )
    assert refunded["amount_refunded"] == 5000
    assert sim.control.settle(force=True) == []


def test_an_order_can_shorten_the_capture_window(sim: RazorpaySimulator, sdk: Any) -> None:
    capture = {"capture": "manual", "capture_options": {"manual_expiry_period": 12}}
    order = sdk.order.create({"amount": 5000, "currency": "INR", "payment": capture})
    payment_id = sim.control.checkout(order["id"], UPI)["razorpay_payment_id"]
    sim.control.advance(12 * MINUTE)
    assert sdk.payment.fetch(payment_id)["status"] == "refunded"


def test_a_silent_bank_makes_a_payment_fail_after_ten_minutes_and_it_may_still_come_late(
    sim: RazorpaySimulator, sdk: Any
) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR", "payment_capture": 1})
    pending = sim.control.checkout(order["id"], {"method": "upi", "vpa": "pending@razorpay"})
    payment_id = pending["error"]["metadata"]["payment_id"]
    assert sdk.payment.fetch(payment_id)["status"] == "created"
    sim.control.advance(10 * MINUTE)
    failed = sdk.payment.fetch(payment_id)
    assert (failed["status"], failed["error_reason"]) == ("failed", "payment_timed_out")
    sim.control.act("payments", payment_id, "late-authorise")
    late = sdk.payment.fetch(payment_id)
    assert (late["status"], late["error_code"], late["error_reason"]) == ("captured", None, None)
    assert sdk.order.fetch(order["id"])["status"] == "paid"


def test_a_payment_that_comes_late_for_a_paid_order_is_refunded(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR", "payment_capture": 1})
    failed = sim.control.checkout(order["id"], {"method": "netbanking", "outcome": "failure"})
    sim.control.checkout(order["id"], UPI)
    late_id = failed["error"]["metadata"]["payment_id"]
    sim.control.act("payments", late_id, "late-authorise")
    assert sdk.payment.fetch(late_id)["status"] == "authorized"
    with pytest.raises(BadRequestError, match="the order is already paid"):
        sdk.payment.capture(late_id, 5000, {"currency": "INR"})
    sim.control.advance(3 * DAY)
    assert sdk.payment.fetch(late_id)["status"] == "refunded"
    assert sdk.order.fetch(order["id"])["amount_paid"] == 5000


def test_a_retry_inside_the_upi_app_fails_and_captures_the_same_payment(
    sim: RazorpaySimulator, sdk: Any
) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR", "payment_capture": 1})
    values = sim.control.checkout(order["id"], UPI, attempts=2, same_payment=True)
    names = [
        (event["event"], values["razorpay_payment_id"] in event["body"]) for event in sim.control.events()
    ]
    assert names == [
        ("payment.failed", True),
        ("payment.authorized", True),
        ("payment.captured", True),
        ("order.paid", True),
    ]


def test_attempts_make_that_many_payments(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR", "payment_capture": 1})
    sim.control.checkout(order["id"], UPI, attempts=3)
    statuses = [payment["status"] for payment in sdk.order.payments(order["id"])["items"]]
    assert statuses == ["captured", "failed", "failed"]


def test_an_order_with_partial_payment_is_paid_when_all_of_it_is(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create(
        {"amount": 5000, "currency": "INR", "partial_payment": True, "payment_capture": 1}
    )
    sim.control.checkout(order["id"], UPI, amount=2000)
    part = sdk.order.fetch(order["id"])
    assert (part["status"], part["amount_paid"], part["amount_due"]) == ("attempted", 2000, 3000)
    sim.control.checkout(order["id"], NETBANKING)
    assert sdk.order.fetch(order["id"])["status"] == "paid"


def test_a_card_keeps_four_digits_network_and_issuer_only(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR"})
    payment_id = sim.control.checkout(order["id"], VISA)["razorpay_payment_id"]
    assert "card" not in sdk.payment.fetch(payment_id)
    card = sdk.payment.fetch(payment_id, {"expand[]": "card"})["card"]
    assert (card["last4"], card["network"], card["issuer"]) == ("1111", "Visa", "HDFC")
    assert sdk.payment.fetchCardDetails(payment_id) == card
    assert sdk.card.fetch(card["id"]) == card


@pytest.mark.parametrize(
    ("number", "network", "reason"),
    [
        ("4100280000001007", "Visa", None),
        ("5500670000001002", "MasterCard", None),
        ("6527658900001005", "RuPay", None),
        ("36082800091007", "Diners Club", None),
        ("340256000401007", "American Express", None),
        ("4100280000080001", "Visa", "insufficient_fund"),
        ("5305620000050001", "MasterCard", "insufficient_fund"),
        ("4100280000070002", "Visa", "payment_cancelled"),
        ("4100280000060003", "Visa", "card_declined"),
        ("4100280000030006", "Visa", "card_disabled_for_online_payments"),
        ("4100280000010008", "Visa", "card_number_invalid"),
        ("4100280000020007", "Visa", "gateway_technical_error"),
        ("4100280000000009", "Visa", "authentication_failed"),
        ("4111111111111112", "Visa", "card_number_invalid"),
    ],
)
def test_test_cards_decide_the_outcome(
    sim: RazorpaySimulator, sdk: Any, number: str, network: str, reason: str | None
) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR"})
    answer = sim.control.checkout(order["id"], {"method": "card", "number": number})
    payment = sdk.payment.all({"expand[]": "card"})["items"][0]
    assert payment["card"]["network"] == network
    assert payment["error_reason"] == reason
    assert payment["status"] == ("failed" if reason else "authorized")
    assert ("error" in answer) is (reason is not None)


def test_any_published_reason_can_be_asked_for(sim: RazorpaySimulator, sdk: Any) -> None:
    reasons = sim.control.call("GET", "reasons")["items"]
    assert len(reasons) > 100
    order = sdk.order.create({"amount": 5000, "currency": "INR"})
    for reason in ("insufficient_funds", "payment_risk_check_failed", "deemed_transaction"):
        error = sim.control.checkout(order["id"], {"method": "upi", "vpa": f"failure.{reason}@razorpay"})[
            "error"
        ]
        assert error["reason"] == reason
        assert set(error) == {"code", "description", "field", "source", "step", "reason", "metadata"}
    with pytest.raises(ControlRefused):
        sim.control.checkout(order["id"], {"method": "upi", "vpa": "failure.no_such_reason@razorpay"})


def test_failed_netbanking_is_written_as_documented(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR"})
    sim.control.checkout(order["id"], {"method": "netbanking", "bank": "HDFC", "outcome": "failure"})
    payment = sdk.payment.all()["items"][0]
    assert payment["error_code"] == "BAD_REQUEST_ERROR"
    assert (payment["error_source"], payment["error_step"], payment["error_reason"]) == (
        "bank",
        "payment_authorization",
        "payment_failed",
    )
    assert payment["acquirer_data"] == {"bank_transaction_id": None}


def test_lists_are_paged_newest_first_and_bounded_in_time(sim: RazorpaySimulator, sdk: Any) -> None:
    made = []
    for number in range(12):
        made.append(sdk.order.create({"amount": 5000, "currency": "INR", "receipt": f"r{number}"})["id"])
        sim.control.advance(10)
    newest_first = made[::-1]
    first = sdk.order.all()
    assert (first["entity"], first["count"]) == ("collection", 10)
    assert [order["id"] for order in first["items"]] == newest_first[:10]
    assert [order["id"] for order in sdk.order.all({"count": 5, "skip": 9})["items"]] == newest_first[9:]
    begin = sdk.order.fetch(made[3])["created_at"]
    window = sdk.order.all({"from": begin, "to": begin + 20})
    assert [order["id"] for order in window["items"]] == [made[5], made[4], made[3]]
    assert sdk.order.all({"receipt": "r7"})["items"][0]["id"] == made[7]


def test_notes_are_an_empty_list_or_an_object(sdk: Any) -> None:
    order = sdk.order.create({"amount": 5000, "currency": "INR", "notes": {}})
    assert order["notes"] == []
    changed = sdk.order.edit(order["id"], {"notes": {"school": "s-1"}})
    assert changed["notes"] == {"school": "s-1"}


def test_notes_of_the_order_are_on_its_payment_and_can_be_edited(sdk: Any, paid: Callable[..., Any]) -> None:
    payment = paid(notes={"child": "c-1"})
    assert payment["notes"] == {"child": "c-1"}
    assert sdk.payment.edit(payment["id"], {"notes": {"child": "c-2"}})["notes"] == {"child": "c-2"}


def test_the_clock_of_a_running_simulator_is_real_time(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any]
) -> None:
    moments = iter([1_000.0 + tick for tick in range(10_000)])
    simulator = start(clock=SimulatorClock(real_time=lambda: next(moments)))
    first = sdk_for(simulator).order.create({"amount": 5000, "currency": "INR"})["created_at"]
    second = sdk_for(simulator).order.create({"amount": 5000, "currency": "INR"})["created_at"]
    assert 1_000 <= first < second


def test_payment_methods_and_vpa_validation_answer(sdk: Any) -> None:
    assert sdk.payment.fetchPaymentMethods()["upi"] is True
    assert sdk.payment.validateVpa({"vpa": "success@razorpay"})["success"] is True
    with pytest.raises(BadRequestError, match="Invalid VPA"):
        sdk.payment.validateVpa({"vpa": "nobody"})


def test_what_comes_later_than_the_automatic_period_is_not_captured(sim: RazorpaySimulator, sdk: Any) -> None:
    options = {"automatic_expiry_period": 12, "manual_expiry_period": 7_200}
    capture = {"capture": "automatic", "capture_options": options}
    order = sdk.order.create({"amount": 5_000, "currency": "INR", "payment": capture})
    failed = sim.control.checkout(order["id"], {"method": "netbanking", "outcome": "failure"})
    payment_id = failed["error"]["metadata"]["payment_id"]
    sim.control.advance(12 * MINUTE + 1)
    sim.control.act("payments", payment_id, "late-authorise")
    assert sdk.payment.fetch(payment_id)["status"] == "authorized"


@pytest.mark.parametrize("name", ["automatic_expiry_period", "manual_expiry_period"])
@pytest.mark.parametrize("minutes", [11, 7_201])
def test_capture_periods_have_limits(sdk: Any, name: str, minutes: int) -> None:
    capture = {"capture": "manual", "capture_options": {name: minutes}}
    with pytest.raises(BadRequestError, match=name):
        sdk.order.create({"amount": 5_000, "currency": "INR", "payment": capture})


def test_orders_can_be_expanded_with_their_payments(sdk: Any, paid: Callable[..., Any]) -> None:
    payment = paid(instrument=VISA)
    order = sdk.order.fetch(payment["order_id"], {"expand[]": "payments"})
    assert [each["id"] for each in order["payments"]["items"]] == [payment["id"]]
    listed = sdk.order.all({"expand[]": "payments.card", "authorized": 1})["items"][0]
    assert listed["payments"]["items"][0]["card"]["last4"] == "1111"
    assert sdk.order.all({"authorized": 0})["count"] == 0


def test_parallel_refunds_and_captures_never_exceed_the_payment(
    sim: RazorpaySimulator, sdk_for: Callable[..., Any], paid: Callable[..., Any]
) -> None:
    payment = paid(amount=10_000)

    def refund(_: int) -> bool:
        try:
            return bool(sdk_for(sim).payment.refund(payment["id"], {"amount": 3_000}))
        except BadRequestError:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(refund, range(8))) == 3
