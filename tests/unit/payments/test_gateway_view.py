"""What is taken over from the gateway, and above all what is not."""

from typing import Any

import pytest

from runtime.gateways.razorpay.models import Payment as GatewayPayment
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.model import AttemptStatus

WORD: dict[str, Any] = {
    "id": "pay_Example0000001",
    "entity": "payment",
    "amount": 45_000,
    "currency": "INR",
    "status": "captured",
    "order_id": "order_Example0000001",
    "method": "upi",
    "captured": True,
    "amount_refunded": 0,
    "vpa": "ravi.kumar@okhdfc",
    "email": "ravi@example.com",
    "contact": "+919000090000",
    "fee": 1_062,
    "tax": 162,
    "acquirer_data": {"rrn": "403993715504"},
    "error_code": None,
    "created_at": 1_775_025_000,
}


def heard(**changes: Any) -> GatewayPayment:
    return GatewayPayment.model_validate(WORD | changes)


def test_amounts_references_and_status_are_taken_over() -> None:
    attempt = attempt_from(heard(), observed_at=7)
    assert (attempt.gateway_payment_id, attempt.amount_paise, attempt.currency) == (WORD["id"], 45_000, "INR")
    assert (attempt.status, attempt.was_captured, attempt.observed_at) == (AttemptStatus.CAPTURED, True, 7)
    assert (attempt.fee_paise, attempt.tax_paise, attempt.rrn) == (1_062, 162, "403993715504")


def test_nothing_that_identifies_the_payer_is_taken_over() -> None:
    text = attempt_from(heard(), observed_at=7).model_dump_json()
    assert not any(part in text for part in ("ravi.kumar", "ravi@", "90000"))
    assert "r***@okhdfc" in text


def test_of_a_card_the_network_the_issuer_and_four_digits_are_taken_over() -> None:
    card = {"last4": "1111", "network": "Visa", "issuer": "HDFC", "name": "Ravi Kumar", "expiry_year": "2030"}
    attempt = attempt_from(heard(method="card", vpa=None, card=card), observed_at=7)
    assert (attempt.card_last4, attempt.card_network, attempt.card_issuer) == ("1111", "Visa", "HDFC")
    assert "Ravi" not in attempt.model_dump_json()


def test_a_failure_says_why_without_personal_data() -> None:
    attempt = attempt_from(
        heard(
            status="failed",
            fee=None,
            tax=None,
            error_code="BAD_REQUEST_ERROR",
            error_reason="payment_cancelled",
            error_source="customer",
            error_step="payment_authentication",
            error_description="The customer ravi@example.com cancelled on +919000090000.",
        ),
        observed_at=7,
    )
    assert (attempt.error_reason, attempt.error_source) == ("payment_cancelled", "customer")
    assert attempt.error_description is not None
    assert "ravi@" not in attempt.error_description
    assert "90000" not in attempt.error_description


def test_old_errors_of_a_payment_that_went_well_are_dropped() -> None:
    attempt = attempt_from(heard(error_code="BAD_REQUEST_ERROR", error_reason="x"), observed_at=7)
    assert (attempt.error_code, attempt.error_reason, attempt.error_description) == (None, None, None)


@pytest.mark.parametrize("status", ["authorized", "failed"])
def test_the_flag_captured_is_not_believed(status: str) -> None:
    said = heard(status=status, captured="1", fee=None, tax=None)
    assert not attempt_from(said, observed_at=7).was_captured


@pytest.mark.parametrize(("fee", "was_captured"), [(1_062, True), (0, True), (None, False)])
def test_refunded_was_captured_if_a_fee_was_charged(fee: int | None, was_captured: bool) -> None:
    said = heard(status="refunded", fee=fee, tax=None, amount_refunded=45_000)
    assert attempt_from(said, observed_at=7).was_captured is was_captured


def test_a_status_that_is_not_documented_is_named_and_refused() -> None:
    with pytest.raises(StatusNotKnown, match="'on_the_moon'"):
        attempt_from(heard(status="on_the_moon"), observed_at=7)


def test_a_missing_refund_counts_as_none() -> None:
    assert attempt_from(heard(amount_refunded=None), observed_at=7).amount_refunded_paise == 0
