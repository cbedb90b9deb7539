"""Razorpay's answers, in every shape its documentation shows them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.gateways.razorpay.models import Order, Payment, ReconRow, Refund, Settlement, Token

PAYMENT: dict[str, Any] = {"id": "pay_1", "amount": 100, "currency": "INR", "status": "captured"}


def payment(**fields: Any) -> Payment:
    return Payment.model_validate(PAYMENT | fields)


@pytest.mark.parametrize(
    ("notes", "expected"),
    [
        ([], {}),
        (None, {}),
        ({}, {}),
        ("", {}),
        ({"a": "b"}, {"a": "b"}),
        ({"with spaces ": 7, "none": None}, {"with spaces ": "7", "none": ""}),
        ('{"a":"b"}', {"a": "b"}),
        ("[]", {}),
        ("paid in cash", {"notes": "paid in cash"}),
        ("{broken", {"notes": "{broken"}),
        ("[" * 4000, {"notes": "[" * 4000}),
    ],
)
def test_notes_of_every_shape_become_a_mapping(notes: object, expected: dict[str, str]) -> None:
    row = {"entity_id": "pay_1", "type": "payment", "amount": 1, "currency": "INR", "notes": notes}
    assert payment(notes=notes).notes == ReconRow.model_validate(row).notes == expected


@pytest.mark.parametrize("notes", [["a"], 7, True])
def test_notes_of_no_documented_shape_are_refused(notes: object) -> None:
    with pytest.raises(ValidationError):
        payment(notes=notes)


@pytest.mark.parametrize(
    ("captured", "expected"),
    [(True, True), (False, False), ("1", True), ("0", False), (1, True), (None, None), ("", None)],
)
def test_captured_of_every_shape_is_read(captured: object, expected: bool | None) -> None:
    assert payment(captured=captured).captured is expected


@pytest.mark.parametrize("silence", [None, "", "NA"])
def test_an_error_that_says_nothing_is_none(silence: str | None) -> None:
    names = ("error_code", "error_description", "error_source", "error_step", "error_reason")
    quiet = payment(**dict.fromkeys(names, silence))
    assert [getattr(quiet, name) for name in names] == [None] * 5
    assert quiet == payment()


@pytest.mark.parametrize("amount", [100.0, "100", True, None, 10**13, 1.5])
@pytest.mark.parametrize("name", ["amount", "fee"])
def test_an_amount_is_an_integer_and_nothing_else(name: str, amount: object) -> None:
    if name == "fee" and amount is None:
        assert payment(fee=None).fee is None
        return
    with pytest.raises(ValidationError):
        payment(**{name: amount})


@pytest.mark.parametrize("nothing", [None, [], {}])
def test_an_empty_object_may_come_as_an_empty_list(nothing: object) -> None:
    assert payment(acquirer_data=nothing).acquirer_data.rrn is None
    assert (
        Token.model_validate({"id": "token_1", "recurring_details": nothing}).recurring_details.status is None
    )


@pytest.mark.parametrize(
    ("moment", "expected"), [(1625077799, 1625077799), ("1625077799", 1625077799), (None, None), ("", None)]
)
def test_a_moment_may_come_as_a_text(moment: object, expected: int | None) -> None:
    assert payment(created_at=moment).created_at == expected


@pytest.mark.parametrize("moment", ["soon", "1" * 5000, [], 1.5])
def test_what_is_no_moment_is_refused(moment: object) -> None:
    with pytest.raises(ValidationError):
        payment(created_at=moment)


def test_what_razorpay_adds_is_ignored_and_a_status_it_adds_is_kept() -> None:
    added = payment(status="on_the_moon", reward={"points": 5})
    assert added.status == "on_the_moon"
    assert not hasattr(added, "reward")


def test_entities_are_frozen() -> None:
    frozen: Any = payment()
    with pytest.raises(ValidationError):
        frozen.amount = 1


def test_people_do_not_show_in_a_repr_nor_in_an_error() -> None:
    personal = {
        "email": "parent@example.com",
        "contact": "+919876543210",
        "vpa": "parent@okbank",
        "notes": {"child": "Somebody"},
        "description": "for Somebody",
        "card": {"name": "PARENT NAME", "last4": "1111", "number": "4111111111111111"},
    }
    shown = repr(payment(**personal))
    assert not any(word in shown for word in ("parent", "98765", "Somebody", "PARENT", "4111111111111111"))
    with pytest.raises(ValidationError) as caught:
        payment(**personal, currency=["parent@example.com"])
    assert "parent" not in str(caught.value)


def test_no_card_number_can_be_kept() -> None:
    kept = payment(card={"number": "4111111111111111", "cvv": "123", "last4": "1111", "network": "Visa"})
    assert kept.card is not None
    assert set(kept.card.model_dump(exclude_none=True)) == {"last4", "network"}


def test_a_settlement_may_be_negative() -> None:
    assert Settlement.model_validate({"id": "setl_1", "amount": -500, "status": "processed"}).amount == -500


def test_an_order_says_what_is_still_due() -> None:
    order = Order.model_validate(
        {"id": "order_1", "amount": 5000, "amount_paid": 2000, "amount_due": 3000, "currency": "INR"}
        | {"status": "attempted", "attempts": 2, "receipt": "", "offer_id": None}
    )
    assert (order.amount_due, order.attempts, order.receipt) == (3000, 2, None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(Payment.model_fields)), json_values))
def test_any_answer_is_read_or_refused_and_never_breaks_the_reader(fields: dict[str, Any]) -> None:
    try:
        read = payment(**fields)
    except ValidationError:
        return
    assert isinstance(read.amount, int)
    assert json.loads(read.model_dump_json())["id"] == read.id


def test_a_refund_keeps_the_banks_reference() -> None:
    refund = Refund.model_validate(
        {
            "id": "rfnd_1",
            "amount": 1,
            "currency": "INR",
            "payment_id": "pay_1",
            "acquirer_data": {"arn": "74"},
        }
    )
    assert refund.acquirer_data.arn == "74"
