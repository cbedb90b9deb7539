"""The errors: what they tell, and what they must never tell."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.errors import (
    METADATA_ENTRIES_MAX,
    TEXT_LENGTH_MAX,
    ErrorDetail,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
    said,
    without_personal_data,
)

WHOLE = {
    "code": "BAD_REQUEST_ERROR",
    "description": "Payment failed because of a wrong OTP",
    "field": "otp",
    "source": "customer",
    "step": "payment_authentication",
    "reason": "incorrect_otp",
    "metadata": {"payment_id": "pay_DEWHsM9ByjCjYS", "order_id": "order_DEWHZoU57pgISd"},
}


def test_the_whole_error_object_is_kept() -> None:
    detail = ErrorDetail.of(WHOLE)
    for name in ("code", "description", "field", "source", "step", "reason", "metadata"):
        assert getattr(detail, name) == WHOLE[name]


@pytest.mark.parametrize("silence", [None, "", "NA", " ", [], {}, True])
def test_every_way_of_saying_nothing_is_the_same(silence: object) -> None:
    raw = dict.fromkeys(WHOLE, silence)
    assert ErrorDetail.of(raw) == ErrorDetail.of({}) == ErrorDetail()


@pytest.mark.parametrize("raw", [None, "error", 7, ["code"], b"x"])
def test_an_error_of_another_shape_says_nothing(raw: object) -> None:
    assert ErrorDetail.of(raw) == ErrorDetail()


def test_metadata_is_bounded_and_keeps_what_was_said() -> None:
    detail = ErrorDetail.of({"metadata": {f"k{number}": f"v{number}" for number in range(50)} | {"k0": None}})
    assert len(detail.metadata) == METADATA_ENTRIES_MAX
    assert "k0" not in detail.metadata


@pytest.mark.parametrize(
    "text",
    [
        "+919876543210",
        "98765 43210",
        "98765-43210",
        "parent@example.com",
        "Parent <parent.name+kid@mail.example.co.in>",
        "card 4111 1111 1111 1111",
        "vpa someone@okbank",
    ],
)
def test_no_telephone_card_or_address_survives(text: str) -> None:
    masked = without_personal_data(f"refused for {text}.")
    assert masked.startswith("refused for")
    assert not any(word in masked for word in ("9876", "43210", "parent", "mail.example", "1111", "someone"))


@given(st.text(max_size=2_000))
def test_whatever_a_provider_says_stays_bounded(text: str) -> None:
    kept = said(text)
    assert kept is None or len(kept) <= TEXT_LENGTH_MAX


@given(st.from_regex(r"\A\+?[0-9]{9,19}\Z"))
def test_a_long_number_never_survives(number: str) -> None:
    assert number not in str(said(f"contact {number}"))


def test_an_identifier_of_the_provider_stays_whole() -> None:
    assert said("pay_00000000000001") == "pay_00000000000001"


def test_a_refusal_names_code_reason_field_and_the_next_step_but_no_description() -> None:
    error = GatewayRejected(
        gateway="razorpay", operation="capture_payment", status=400, detail=ErrorDetail.of(WHOLE)
    )
    text = str(error)
    assert text.startswith("razorpay: capture_payment: refused")
    assert "HTTP 400" in text
    assert "incorrect_otp" in text
    assert "correct the request" in text
    assert "wrong OTP" not in text
    assert error.status == 400


def test_each_kind_says_what_may_be_done() -> None:
    assert "wait 2.5 s" in str(GatewayThrottled(gateway="razorpay", operation="op", retry_after_s=2.5))
    assert "back off" in str(GatewayThrottled(gateway="razorpay", operation="op"))
    assert "try again later" in str(
        GatewayUnavailable("NewConnectionError", gateway="razorpay", operation="op")
    )
    assert "fetch its state" in str(
        GatewayOutcomeUnknown("ReadTimeoutError", gateway="razorpay", operation="op")
    )
    assert "same idempotency key" in str(
        GatewayOutcomeUnknown("x", gateway="razorpay", operation="op", repeat_is_safe=True)
    )


def test_the_codes_are_stable_and_distinct() -> None:
    kinds = (GatewayRejected, GatewayThrottled, GatewayUnavailable, GatewayOutcomeUnknown)
    assert [kind.code for kind in kinds] == [
        "gateway_rejected",
        "gateway_throttled",
        "gateway_unavailable",
        "gateway_outcome_unknown",
    ]
