"""Payment links: in whole, in parts, late, cancelled."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from razorpay.errors import BadRequestError

from checks.sandbox.razorpay import ControlRefused, RazorpaySimulator

DAY = 86_400


@pytest.fixture
def link(sdk: Any) -> Callable[..., dict[str, Any]]:
    def create(**wanted: Any) -> dict[str, Any]:
        made: dict[str, Any] = sdk.payment_link.create(
            {
                "amount": 10_000,
                "currency": "INR",
                "reference_id": "invoice-1",
                "description": "Meals in March",
                "customer": {"name": "Parent", "contact": "+919000090000", "email": "parent@example.com"},
                "notify": {"sms": True, "email": True},
                "reminder_enable": True,
                "notes": {"child": "c-1"},
                "callback_url": "https://pay.example.com/back",
                "callback_method": "get",
                **wanted,
            }
        )
        return made

    return create


def test_a_link_is_created_as_documented(sdk: Any, link: Callable[..., Any]) -> None:
    made = link()
    assert made["id"].startswith("plink_")
    assert (made["status"], made["amount_paid"], made["payments"]) == ("created", 0, None)
    assert (made["cancelled_at"], made["expired_at"], made["expire_by"]) == (0, 0, 0)
    assert made["short_url"].startswith("https://rzp.io/")
    assert sdk.payment_link.fetch(made["id"]) == made
    assert sdk.payment_link.all() == {"payment_links": [made]}
    assert sdk.payment_link.all({"reference_id": "other"}) == {"payment_links": []}
    assert sdk.payment_link.notifyBy(made["id"], "sms") == {"success": True}


def test_a_paid_link_calls_back_with_a_signature(
    sim: RazorpaySimulator, sdk: Any, link: Callable[..., Any]
) -> None:
    made = link()
    values = sim.control.pay_link(made["id"])
    assert sdk.utility.verify_payment_link_signature(
        {
            "razorpay_payment_id": values["razorpay_payment_id"],
            "payment_link_id": values["razorpay_payment_link_id"],
            "payment_link_reference_id": values["razorpay_payment_link_reference_id"],
            "payment_link_status": values["razorpay_payment_link_status"],
            "razorpay_signature": values["razorpay_signature"],
        }
    )
    query = parse_qs(urlsplit(values["callback"]).query)
    assert query["razorpay_payment_link_status"] == ["paid"]
    after = sdk.payment_link.fetch(made["id"])
    assert (after["status"], after["amount_paid"]) == ("paid", 10_000)
    assert after["payments"][0]["payment_id"] == values["razorpay_payment_id"]
    assert sdk.order.fetch(after["order_id"])["status"] == "paid"
    assert [event["event"] for event in sim.control.events()] == [
        "payment.authorized",
        "payment.captured",
        "order.paid",
        "payment_link.paid",
    ]
    with pytest.raises(ControlRefused):
        sim.control.pay_link(made["id"])


def test_a_link_is_paid_in_parts(sim: RazorpaySimulator, sdk: Any, link: Callable[..., Any]) -> None:
    made = link(accept_partial=True, first_min_partial_amount=4_000)
    with pytest.raises(ControlRefused):
        sim.control.pay_link(made["id"], amount=3_999)
    first = sim.control.pay_link(made["id"], amount=4_000)
    assert first["razorpay_payment_link_status"] == "partially_paid"
    with pytest.raises(BadRequestError, match="already paid/partially paid link"):
        sdk.payment_link.cancel(made["id"])
    sim.control.pay_link(made["id"], amount=1_000)
    sim.control.pay_link(made["id"])
    after = sdk.payment_link.fetch(made["id"])
    assert (after["status"], [part["amount"] for part in after["payments"]]) == (
        "paid",
        [4_000, 1_000, 5_000],
    )
    assert len(sim.control.events("payment_link.partially_paid")) == 2
    assert len(sim.control.events("payment_link.paid")) == 1


def test_without_accept_partial_a_part_is_refused(sim: RazorpaySimulator, link: Callable[..., Any]) -> None:
    with pytest.raises(ControlRefused):
        sim.control.pay_link(link()["id"], amount=5_000)


def test_a_failed_payment_leaves_the_link_open_and_may_come_late(
    sim: RazorpaySimulator, sdk: Any, link: Callable[..., Any]
) -> None:
    made = link()
    failed = sim.control.pay_link(made["id"], instrument={"method": "upi", "vpa": "failure@razorpay"})
    assert failed["status"] == "failed"
    assert sdk.payment_link.fetch(made["id"])["status"] == "created"
    sim.control.act("payments", failed["payment_id"], "late-authorise")
    assert sdk.payment_link.fetch(made["id"])["status"] == "paid"


def test_a_link_expires(sim: RazorpaySimulator, sdk: Any, link: Callable[..., Any]) -> None:
    made = link(expire_by=sim.control.now() + DAY)
    sim.control.advance(DAY - 1)
    assert sdk.payment_link.fetch(made["id"])["status"] == "created"
    sim.control.advance(1)
    after = sdk.payment_link.fetch(made["id"])
    assert (after["status"], after["expired_at"]) == ("expired", made["expire_by"])
    with pytest.raises(BadRequestError, match="cannot cancel or expire an expired link"):
        sdk.payment_link.cancel(made["id"])
    with pytest.raises(BadRequestError, match="update can only be made"):
        sdk.payment_link.edit(made["id"], {"reference_id": "x"})


def test_an_extended_link_lives_on(sim: RazorpaySimulator, sdk: Any, link: Callable[..., Any]) -> None:
    now = sim.control.now()
    made = link(expire_by=now + DAY)
    sdk.payment_link.edit(made["id"], {"expire_by": now + 2 * DAY, "reference_id": "invoice-2"})
    sim.control.advance(DAY)
    assert sdk.payment_link.fetch(made["id"])["status"] == "created"
    sim.control.advance(DAY)
    assert sdk.payment_link.fetch(made["id"])["status"] == "expired"


def test_a_link_is_cancelled(sim: RazorpaySimulator, sdk: Any, link: Callable[..., Any]) -> None:
    made = link()
    after = sdk.payment_link.cancel(made["id"])
    assert (after["status"], after["cancelled_at"]) == ("cancelled", sim.control.now())
    assert sim.control.events("payment_link.cancelled")


def test_a_reminder_goes_out_a_day_later(sim: RazorpaySimulator, sdk: Any, link: Callable[..., Any]) -> None:
    made = link()
    assert made["reminders"] == {"status": "pending"}
    sim.control.advance(DAY)
    assert sdk.payment_link.fetch(made["id"])["reminders"] == {"status": "in_progress"}


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"expire_by": 1_767_594_600 + 60}, "timestamp must be atleast 15 minutes in future"),
        ({"colour": "red"}, "wrong input fields sent."),
        ({"upi_link": True}, "not supported in Test Mode"),
        ({"callback_method": "post"}, "callback_method must be get"),
        ({"first_min_partial_amount": 100}, "first_min_partial_amount is invalid"),
        ({"reference_id": "r" * 41}, "may not be greater than 40"),
    ],
)
def test_a_bad_link_is_refused(link: Callable[..., Any], wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        link(**wanted)


def test_a_reference_is_used_once(link: Callable[..., Any]) -> None:
    link()
    with pytest.raises(BadRequestError, match="reference ID already attempted"):
        link()
