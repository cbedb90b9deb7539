"""What callers see of a payment, and what the rest of the platform hears of it."""

import json

import pytest
from pydantic import ValidationError

from runtime.payments.contracts import CreatePayment, VerifyPayment, view
from runtime.payments.events import DETAIL_TYPES, SOURCE, PaymentEventDetail, status_event
from runtime.payments.model import AttemptStatus, PaymentStatus
from tests.unit.payments.samples import AMOUNT_PAISE, attempt, payment

PAYABLE = {PaymentStatus.PENDING, PaymentStatus.FAILED}


@pytest.mark.parametrize("status", PaymentStatus)
def test_a_checkout_is_offered_while_the_payment_can_still_be_paid(status: PaymentStatus) -> None:
    shown = view(payment(status=status), "rzp_test_key")
    assert (shown.checkout is not None) == (status in PAYABLE)


def test_the_checkout_names_the_order_the_amount_and_the_public_key() -> None:
    checkout = view(payment(status=PaymentStatus.PENDING), "rzp_test_key").checkout
    assert checkout is not None
    assert checkout.model_dump() == {
        "gateway": "razorpay",
        "key_id": "rzp_test_key",
        "order_id": "order_Example0000001",
        "amount_paise": AMOUNT_PAISE,
        "currency": "INR",
    }


def test_without_an_order_there_is_no_checkout() -> None:
    assert view(payment(status=PaymentStatus.PENDING, order_id=None), "rzp_test_key").checkout is None


def test_every_attempt_is_shown_without_internal_references() -> None:
    attempts = {"pay_A": attempt(AttemptStatus.FAILED, rrn="403993715504", error_reason="payment_cancelled")}
    (shown,) = view(payment(attempts=attempts), "rzp_test_key").attempts
    assert shown.error_reason == "payment_cancelled"
    assert "rrn" not in shown.model_dump()


@pytest.mark.parametrize("amount", [100.0, "100", True, None, 1.5])
def test_an_amount_is_an_integer_and_nothing_that_resembles_one(amount: object) -> None:
    with pytest.raises(ValidationError):
        CreatePayment.model_validate({"school_id": "sch_1", "amount_paise": amount, "description": "Lunch"})


@pytest.mark.parametrize(
    "description", ["", "x" * 256, "two\nlines", "tab\there", "nul\x00", "del\x7f"], ids=repr
)
def test_a_description_is_one_printable_line(description: str) -> None:
    with pytest.raises(ValidationError):
        CreatePayment.model_validate({"school_id": "s", "amount_paise": 100, "description": description})


@pytest.mark.parametrize(
    "changes",
    [
        {"razorpay_order_id": "order_A|pay_B0000000"},
        {"razorpay_payment_id": "pay_"},
        {"razorpay_signature": "A" * 64},
        {"razorpay_signature": "0" * 63},
        {"more": "x"},
    ],
    ids=repr,
)
def test_checkout_values_have_the_gateways_shape(changes: dict[str, str]) -> None:
    values = {
        "razorpay_order_id": "order_Example0000001",
        "razorpay_payment_id": "pay_Example0000001",
        "razorpay_signature": "0" * 64,
    }
    assert VerifyPayment.model_validate(values)
    with pytest.raises(ValidationError):
        VerifyPayment.model_validate(values | changes)


def test_every_status_has_an_event() -> None:
    assert set(DETAIL_TYPES) == set(PaymentStatus)
    assert len(set(DETAIL_TYPES.values())) == len(PaymentStatus)


def test_an_event_tells_who_what_and_how_much_and_nothing_personal() -> None:
    paid = attempt(AttemptStatus.CAPTURED, method="upi", vpa_masked="r***@okhdfc")
    event = status_event(payment(status=PaymentStatus.CAPTURED, version=3), paid)
    assert (event.source, event.detail_type) == (SOURCE, "PaymentCaptured")
    detail = PaymentEventDetail.model_validate_json(json.dumps(event.detail))
    assert (detail.payer_id, detail.amount_paise, detail.version) == ("usr_1", AMOUNT_PAISE, 3)
    assert detail.message_key == "PaymentCaptured:pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ:pay_A"
    assert "okhdfc" not in json.dumps(event.detail)


def test_the_same_news_has_the_same_key_whoever_tells_it() -> None:
    by_webhook = attempt(AttemptStatus.CAPTURED, observed_at=1)
    by_verify = attempt(AttemptStatus.CAPTURED, observed_at=2)
    first = status_event(payment(status=PaymentStatus.CAPTURED, version=2), by_webhook)
    second = status_event(payment(status=PaymentStatus.CAPTURED, version=5), by_verify)
    assert first.detail["message_key"] == second.detail["message_key"]


def test_news_of_another_attempt_is_other_news() -> None:
    failed = payment(status=PaymentStatus.FAILED)
    keys = {
        status_event(failed, attempt(AttemptStatus.FAILED, name)).detail["message_key"]
        for name in ("pay_A", "pay_B")
    }
    assert len(keys) == 2


@pytest.mark.parametrize("status", [PaymentStatus.FAILED, PaymentStatus.CAPTURED])
def test_a_reason_is_told_only_of_a_failure(status: PaymentStatus) -> None:
    told = status_event(
        payment(status=status), attempt(AttemptStatus.FAILED, error_reason="payment_cancelled")
    ).detail["error_reason"]
    assert told == ("payment_cancelled" if status is PaymentStatus.FAILED else None)


def test_an_event_without_an_attempt_names_none() -> None:
    event = status_event(payment(status=PaymentStatus.PENDING))
    assert event.detail["gateway_payment_id"] is None
    assert event.detail["message_key"] == "PaymentPending:pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ"
