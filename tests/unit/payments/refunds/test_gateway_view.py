"""What Razorpay says of a refund, taken over with its quirks."""

import pytest

from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.payments.gateway_view import StatusNotKnown
from runtime.payments.refunds.gateway_view import refund_from
from runtime.payments.refunds.model import RefundStatus

OURS = "rfd_01JQR4ZZZZZZZZZZZZZZZZZZZZ"


def gateway_refund(**changes: object) -> GatewayRefund:
    values: dict[str, object] = {
        "id": "rfnd_FgRAHdNOM4ZVbO",
        "entity": "refund",
        "amount": 10_000,
        "currency": "INR",
        "payment_id": "pay_FgR9UMzgmKDJRi",
        "notes": [],
        "receipt": OURS,
        "acquirer_data": {"arn": None},
        "status": "processed",
        "speed_processed": "normal",
        "speed_requested": "optimum",
    }
    return GatewayRefund.model_validate(values | changes)


def test_our_receipt_names_our_request() -> None:
    refund = refund_from(gateway_refund(), observed_at=7)
    assert (refund.request_id, refund.status, refund.observed_at) == (OURS, RefundStatus.PROCESSED, 7)
    assert (refund.speed_requested, refund.speed_processed, refund.arn) == ("optimum", "normal", None)


@pytest.mark.parametrize("receipt", [None, "Receipt No. 31", "rfd_", "pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ"])
def test_another_receipt_names_nothing_of_ours(receipt: str | None) -> None:
    assert refund_from(gateway_refund(receipt=receipt), observed_at=7).request_id is None
    assert refund_from(gateway_refund(receipt=receipt), observed_at=7, request_id=OURS).request_id == OURS


@pytest.mark.parametrize("name", ["arn", "rrn", "utr"])
def test_every_bank_reference_is_kept(name: str) -> None:
    assert refund_from(gateway_refund(acquirer_data={name: "10000000000000"}), observed_at=7).arn


def test_a_failed_word_says_so() -> None:
    assert refund_from(gateway_refund(status="failed"), observed_at=7).was_failed


@pytest.mark.parametrize("status", [None, "reversed", ""])
def test_a_status_that_is_not_documented_is_not_guessed(status: str | None) -> None:
    with pytest.raises(StatusNotKnown, match="refund status"):
        refund_from(gateway_refund(status=status), observed_at=7)
