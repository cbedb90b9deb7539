"""Customers, tokens, mandates, pre-debit notifications and recurring debits over days of virtual time."""

from collections.abc import Callable
from typing import Any

import pytest
from razorpay.errors import BadRequestError

from checks.sandbox.razorpay import ControlRefused, RazorpaySimulator

Http = Callable[..., tuple[int, Any]]
HOUR, DAY = 3_600, 86_400
UPI = {"method": "upi", "vpa": "success@razorpay"}
RUPAY = {"method": "card", "number": "6527658900001005"}
TERMS = {"max_amount": 2_000_000, "frequency": "monthly", "recurring_type": "before", "recurring_value": 25}


class Parent:
    """A customer with a confirmed mandate, who can be debited."""

    def __init__(self, sim: RazorpaySimulator, sdk: Any, instrument: dict[str, Any], **terms: Any) -> None:
        self.sim, self.sdk = sim, sdk
        number = len(sdk.customer.all({"count": 100})["items"])
        self.customer = sdk.customer.create(
            {"name": "Parent", "email": f"parent{number}@example.com", "contact": "+919000090000"}
        )
        self.order = sdk.order.create(
            {
                "amount": 100,
                "currency": "INR",
                "method": instrument["method"],
                "customer_id": self.customer["id"],
                "token": {**TERMS, **terms},
            }
        )
        self.answer = sim.control.checkout(self.order["id"], instrument)
        tokens = sdk.token.all(self.customer["id"])["items"]
        self.token: dict[str, Any] = tokens[0] if tokens else {}

    def debit(self, amount: int, *, notify: dict[str, Any] | None = None) -> str:
        order = {"amount": amount, "currency": "INR", "payment_capture": True}
        if notify is not None:
            order["notification"] = {"token_id": self.token["id"], **notify}
        self.debit_order = self.sdk.order.create(order)
        self.debit_answer = self.sdk.payment.createRecurring(self.wanted(amount))
        return str(self.debit_answer["razorpay_payment_id"])

    def wanted(self, amount: int) -> dict[str, Any]:
        return {
            "email": self.customer["email"],
            "contact": self.customer["contact"],
            "amount": amount,
            "currency": "INR",
            "order_id": self.debit_order["id"],
            "customer_id": self.customer["id"],
            "token": self.token["id"],
            "recurring": True,
        }

    def payment(self, payment_id: str) -> tuple[str, str | None]:
        fetched = self.sdk.payment.fetch(payment_id)
        return fetched["status"], fetched["error_reason"]

    def status(self) -> str:
        token = self.sdk.token.fetch(self.customer["id"], self.token["id"])
        return str(token["recurring_details"]["status"])


@pytest.fixture
def parent(sim: RazorpaySimulator, sdk: Any) -> Callable[..., Parent]:
    return lambda instrument=UPI, **terms: Parent(sim, sdk, instrument, **terms)


def test_a_customer_is_unique_unless_asked_otherwise(sdk: Any) -> None:
    wanted = {"name": "A", "email": "a@example.com", "contact": "+919000090000"}
    customer = sdk.customer.create({**wanted, "notes": {"school": "s-1"}})
    assert customer["id"].startswith("cust_")
    assert (customer["gstin"], customer["notes"]) == (None, {"school": "s-1"})
    with pytest.raises(BadRequestError, match="Customer already exists for the merchant"):
        sdk.customer.create(wanted)
    assert sdk.customer.create({**wanted, "fail_existing": "0"})["id"] == customer["id"]
    assert sdk.customer.edit(customer["id"], {"name": "B"})["name"] == "B"
    assert sdk.customer.fetch(customer["id"])["name"] == "B"
    assert sdk.customer.all()["count"] == 1


def test_a_upi_mandate_is_confirmed_with_its_first_payment(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    assert sdk.utility.verify_payment_signature(one.answer)
    first = sdk.payment.fetch(one.answer["razorpay_payment_id"])
    assert (first["status"], first["token_id"]) == ("captured", one.token["id"])
    assert first["customer_id"] == one.customer["id"]
    assert one.token["method"] == "upi"
    assert one.token["vpa"] == {"username": "success", "handle": "razorpay", "name": None}
    assert one.token["recurring"] is True
    assert one.token["recurring_details"] == {"status": "confirmed", "failure_reason": None}
    assert one.token["max_amount"] == 2_000_000
    assert [event["event"] for event in sim.control.events()][-1] == "token.confirmed"


def test_a_failed_registration_rejects_the_token_and_sends_no_payment_failed(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent({"method": "upi", "vpa": "failure.mandate_creation_declined@razorpay"})
    assert one.answer["error"]["reason"] == "mandate_creation_declined"
    assert one.status() == "rejected"
    assert [event["event"] for event in sim.control.events()] == ["token.rejected"]


def test_a_dummy_payment_is_failed_and_no_failure(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent({**UPI, "dummy": True})
    assert one.payment(one.answer["razorpay_payment_id"]) == ("failed", "upi_dummy_payment")
    assert one.status() == "confirmed"
    assert sim.control.events("payment.failed") == []


def test_an_emandate_is_confirmed_a_day_later(sim: RazorpaySimulator, sdk: Any) -> None:
    customer = sdk.customer.create({"name": "P", "email": "p@example.com"})
    bank_account = {"beneficiary_name": "P", "account_number": "000111222", "ifsc_code": "HDFC0000001"}
    order = sdk.order.create(
        {
            "amount": 0,
            "currency": "INR",
            "method": "emandate",
            "customer_id": customer["id"],
            "token": {"auth_type": "netbanking", "max_amount": 9_999_900, "bank_account": bank_account},
        }
    )
    sim.control.checkout(order["id"], {"method": "emandate", "bank": "HDFC"})
    token = sdk.token.all(customer["id"])["items"][0]
    assert token["recurring_details"]["status"] == "initiated"
    assert token["bank_details"]["account_number"] == "000111222"
    sim.control.advance(DAY)
    assert sdk.token.fetch(customer["id"], token["id"])["recurring_details"]["status"] == "confirmed"
    assert sim.control.settle(force=True) == []


@pytest.mark.parametrize(
    "terms",
    [
        {"max_amount": 9_999_901},
        {"max_amount": 99},
        {"frequency": "hourly"},
        {"recurring_value": 32},
        {"recurring_type": "sometimes"},
        {"expire_at": 1},
        {"expire_at": 1_767_594_600 + 31 * 366 * DAY},
    ],
)
def test_mandate_terms_have_limits(parent: Callable[..., Parent], terms: dict[str, Any]) -> None:
    with pytest.raises(BadRequestError):
        parent(**terms)


def test_a_debit_happens_only_after_the_notification_and_its_lead(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    payment_id = one.debit(50_000, notify={})
    assert one.debit_answer == {"razorpay_payment_id": payment_id}
    announced = one.debit_order["notification"]
    assert announced["id"].startswith("notification_")
    assert (announced["token_id"], announced["status"]) == (one.token["id"], "created")
    sim.control.advance(60)
    delivered = sdk.order.fetch(one.debit_order["id"])["notification"]
    assert delivered["status"] == "delivered"
    assert delivered["payment_after"] == delivered["delivered_at"] + 25 * HOUR
    sim.control.advance(25 * HOUR - 1)
    assert one.payment(payment_id) == ("created", None)
    sim.control.advance(1)
    assert one.payment(payment_id) == ("captured", None)
    assert sdk.order.fetch(one.debit_order["id"])["status"] == "paid"
    body = sim.control.events("payment.authorized")[-1]["body"]
    assert one.token["id"] in body


def test_a_debit_asked_for_after_the_lead_waits_no_longer(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    after = sim.control.now() + 48 * HOUR
    one.debit_order = sdk.order.create(
        {
            "amount": 50_000,
            "currency": "INR",
            "notification": {"token_id": one.token["id"], "payment_after": after},
        }
    )
    sim.control.advance(48 * HOUR)
    payment_id = sdk.payment.createRecurring(one.wanted(50_000))["razorpay_payment_id"]
    sim.control.drain()
    assert one.payment(payment_id) == ("captured", None)


def test_a_notification_that_fails_fails_the_debit(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    payment_id = one.debit(50_000, notify={})
    sim.control.act("notifications", one.debit_order["notification"]["id"], "fail")
    sim.control.advance(26 * HOUR)
    assert one.payment(payment_id) == ("failed", "payment_failed")
    assert sim.control.events("order.notification.failed")


def test_one_successful_upi_debit_per_token_and_cycle(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    first, second = one.debit(50_000, notify={}), one.debit(50_000, notify={})
    sim.control.advance(26 * HOUR)
    assert one.payment(first) == ("captured", None)
    assert one.payment(second) == ("failed", "mandate_current_cycle_allowed_debit_exceeds")
    sim.control.advance(31 * DAY)
    third = one.debit(50_000, notify={})
    sim.control.advance(26 * HOUR)
    assert one.payment(third) == ("captured", None)


def test_a_failed_debit_does_not_use_up_the_cycle(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    sim.control.call("PUT", f"tokens/{one.token['id']}/outcomes", {"outcomes": ["insufficient_funds"]})
    first = one.debit(50_000, notify={})
    sim.control.advance(26 * HOUR)
    assert one.payment(first) == ("failed", "insufficient_funds")
    assert sim.control.events("payment.failed")
    again = one.debit(50_000, notify={})
    sim.control.advance(26 * HOUR)
    assert one.payment(again) == ("captured", None)


def test_without_notification_the_gateway_notifies_and_retries_three_times(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    outcomes = ["bank_not_available"] * 3 + [None]
    sim.control.call("PUT", f"tokens/{one.token['id']}/outcomes", {"outcomes": outcomes})
    payment_id = one.debit(50_000)
    sim.control.advance(26 * HOUR + 2 * DAY)
    assert one.payment(payment_id) == ("created", None)
    sim.control.advance(DAY)
    assert one.payment(payment_id) == ("captured", None)
    assert sim.control.events("order.notification.delivered")


def test_a_vpa_can_register_and_fail_every_debit(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent({"method": "upi", "vpa": "debit-failure.psp_not_available@razorpay"})
    assert one.status() == "confirmed"
    payment_id = one.debit(50_000, notify={})
    sim.control.advance(26 * HOUR)
    assert one.payment(payment_id) == ("failed", "psp_not_available")


@pytest.mark.parametrize(("verb", "reason"), [("pause", "mandate_paused"), ("cancel", "mandate_cancelled")])
def test_a_mandate_that_is_paused_or_cancelled_is_not_debited(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent], verb: str, reason: str
) -> None:
    one = parent()
    payment_id = one.debit(50_000, notify={})
    sim.control.advance(HOUR)
    sim.control.act("tokens", one.token["id"], verb)
    sim.control.advance(26 * HOUR)
    assert one.payment(payment_id) == ("failed", reason)


def test_a_paused_mandate_can_be_resumed_and_a_cancelled_one_cannot(
    sim: RazorpaySimulator, parent: Callable[..., Parent]
) -> None:
    one = parent()
    sim.control.act("tokens", one.token["id"], "pause")
    sim.control.act("tokens", one.token["id"], "resume")
    assert one.status() == "confirmed"
    sim.control.act("tokens", one.token["id"], "cancel")
    with pytest.raises(ControlRefused):
        sim.control.act("tokens", one.token["id"], "resume")
    names = [event["event"] for event in sim.control.events() if event["event"].startswith("token.")]
    assert names == ["token.confirmed", "token.paused", "token.confirmed", "token.cancelled"]


def test_an_expired_mandate_is_not_debited(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent(expire_at=sim.control.now() + 10 * DAY)
    payment_id = one.debit(50_000, notify={"payment_after": sim.control.now() + 11 * DAY})
    sim.control.advance(11 * DAY)
    assert one.payment(payment_id) == ("failed", "mandate_expired")
    assert sdk.token.all(one.customer["id"])["count"] == 0


def test_a_debit_over_the_limit_waits_for_the_customer(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    at_limit, above = 1_500_000, 1_500_001
    approved = one.debit(above, notify={})
    sim.control.advance(26 * HOUR)
    assert one.payment(approved) == ("created", None)
    sim.control.act("payments", approved, "approve")
    sim.control.drain()
    assert one.payment(approved) == ("captured", None)
    sim.control.advance(31 * DAY)
    ignored, other = one.debit(above, notify={}), parent()
    exact = other.debit(at_limit, notify={})
    sim.control.advance(26 * HOUR)
    assert other.payment(exact) == ("captured", None)
    sim.control.advance(3 * DAY)
    assert one.payment(ignored) == ("failed", "authentication_failed")


def test_a_debit_beyond_the_mandate_is_refused_at_once(parent: Callable[..., Parent]) -> None:
    with pytest.raises(BadRequestError, match="Amount exceeds maximum amount allowed"):
        parent(max_amount=10_000).debit(10_001, notify={})


def test_rupay_refuses_debits_above_fifteen_thousand(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent(RUPAY)
    with pytest.raises(BadRequestError, match="Amount exceeds"):
        one.debit(1_500_001, notify={})
    payment_id = one.debit(1_500_000, notify={})
    assert sdk.utility.verify_payment_signature(one.debit_answer)
    sim.control.advance(36 * HOUR)
    assert one.payment(payment_id) == ("created", None)
    sim.control.advance(60)
    assert one.payment(payment_id) == ("captured", None)


def test_the_same_recurring_post_makes_a_second_payment(sdk: Any, parent: Callable[..., Parent]) -> None:
    one = parent()
    first = one.debit(50_000, notify={})
    assert sdk.payment.createRecurring(one.wanted(50_000))["razorpay_payment_id"] != first
    assert sdk.order.fetch(one.debit_order["id"])["attempts"] == 2


def test_a_recurring_payment_must_fit_its_order(sdk: Any, parent: Callable[..., Parent]) -> None:
    one = parent()
    one.debit(50_000, notify={})
    with pytest.raises(BadRequestError, match="different from your order amount"):
        sdk.payment.createRecurring(one.wanted(49_999))
    with pytest.raises(BadRequestError, match="recurring field is required"):
        sdk.payment.createRecurring({**one.wanted(50_000), "recurring": False})


def test_tokens_are_cancelled_and_deleted_by_the_merchant(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent()
    assert sdk.token.cancel(one.customer["id"], one.token["id"]) == {"status": "cancellation_initiated"}
    sim.control.advance(1)
    assert one.status() == "cancelled"
    assert sdk.token.fetchToken({"id": one.token["id"]})["id"] == one.token["id"]
    assert sdk.token.delete(one.customer["id"], one.token["id"]) == {"deleted": True}
    with pytest.raises(BadRequestError, match="does not exist"):
        sdk.token.fetch(one.customer["id"], one.token["id"])


def test_a_token_of_somebody_else_does_not_exist(sdk: Any, parent: Callable[..., Parent]) -> None:
    one, other = parent(), parent()
    with pytest.raises(BadRequestError, match="does not exist"):
        sdk.token.fetch(other.customer["id"], one.token["id"])


def test_on_rupay_a_second_notification_of_the_same_amount_overrides_the_first(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent(RUPAY)
    first = one.debit(50_000, notify={})
    other = one.debit(60_000, notify={})
    second = one.debit(50_000, notify={})
    sim.control.advance(37 * HOUR)
    assert one.payment(first) == ("failed", "payment_failed")
    assert one.payment(other) == ("captured", None)
    assert one.payment(second) == ("captured", None)


def test_a_card_debit_of_the_same_order_is_tried_again_after_36_hours_only(
    sim: RazorpaySimulator, sdk: Any, parent: Callable[..., Parent]
) -> None:
    one = parent({"method": "card", "number": "4718609108204366"})
    sim.control.call("PUT", f"tokens/{one.token['id']}/outcomes", {"outcomes": ["insufficient_funds"]})
    first = one.debit(50_000, notify={})
    with pytest.raises(BadRequestError, match="already initiated"):
        sdk.payment.createRecurring(one.wanted(50_000))
    sim.control.advance(37 * HOUR)
    assert one.payment(first) == ("failed", "insufficient_funds")
    again = sdk.payment.createRecurring(one.wanted(50_000))["razorpay_payment_id"]
    sim.control.drain()
    assert one.payment(again) == ("captured", None)


def test_a_card_that_is_remembered_is_a_token_without_a_mandate(sim: RazorpaySimulator, sdk: Any) -> None:
    customer = sdk.customer.create({"name": "Parent", "email": "p@example.com", "contact": "+919000090000"})
    order = sdk.order.create({"amount": 45_000, "currency": "INR"})
    card = {"method": "card", "number": "4111111111111111"}
    remembering = {"customer_id": customer["id"], "remember_customer": True}
    paid = sim.control.checkout(order["id"], card, **remembering)
    payment = sdk.payment.fetch(paid["razorpay_payment_id"])
    (token,) = sdk.token.all(customer["id"])["items"]
    assert (payment["token_id"], payment["customer_id"]) == (token["id"], customer["id"])
    assert (token["recurring"], token["recurring_details"]["status"]) == (False, "not_applicable")
    assert token["card"]["last4"] == "1111"
    assert "4111111111111111" not in str(token)


def test_a_card_is_remembered_only_if_its_owner_agrees_and_pays(sim: RazorpaySimulator, sdk: Any) -> None:
    customer = sdk.customer.create({"name": "Parent", "email": "p@example.com", "contact": "+919000090000"})
    card = {"method": "card", "number": "4111111111111111"}
    for more in ({"customer_id": customer["id"]}, {"customer_id": customer["id"], "remember_customer": True}):
        order = sdk.order.create({"amount": 45_000, "currency": "INR"})
        refused = {"outcome": "failure"} if "remember_customer" in more else {}
        sim.control.checkout(order["id"], card | refused, **more)
    assert sdk.token.all(customer["id"])["items"] == []
