"""Verifying a checkout: the signature opens the door, the gateway tells the truth."""

from functools import partial
from typing import Any

import pytest

from runtime.gateways.razorpay.signatures import sign
from runtime.payments.model import PaymentStatus
from tests.integration.payments.world import ADMIN, KEY_SECRET, OTHER_PARENT, SCHOOL_ADMIN, Interrupted, World

PAID = "pay_00000000000001"


def test_a_captured_payment_is_captured_and_booked(world: World) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    answer = world.verify(payment, PAID)
    assert (answer.status, answer.body["status"], answer.body["checkout"]) == (200, "captured", None)
    after = world.stored(payment.payment_id)
    assert after.checkout_verified
    assert after.journal == (f"capture:{PAID}", f"fee:{PAID}")
    assert world.books(after).balances_paise == {
        "gateway_receivable:razorpay": 45_000 - 1_062,
        "school_payable:sch_1": -45_000,
        "gateway_fees:razorpay": 900,
        "input_gst": 162,
    }
    assert world.events(payment.payment_id) == ["PaymentCaptured", "PaymentPending"]


def test_who_verified_what_is_in_the_audit_trail(world: World) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    world.verify(payment, PAID)
    (line,) = [line for line in world.tables.items("audit") if line["action"] == "payments.verify"]
    assert (line["actor_id"], line["subject"], line["outcome"]) == (
        "usr_parent",
        payment.payment_id,
        "done",
    )
    assert line["details"] == {"gateway_payment_id": PAID}


def test_twice_is_captured_and_booked_once(world: World) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    first, again = world.verify(payment, PAID), world.verify(payment, PAID)
    assert (again.status, again.body) == (first.status, first.body)
    assert world.day_books().entries == 2
    assert world.events(payment.payment_id) == ["PaymentCaptured", "PaymentPending"]


def test_a_checkout_that_was_opened_with_the_former_key_still_counts(world: World) -> None:
    """Between the parent's opening it and paying, the key was rotated."""
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    former = "secret-of-the-former-key"
    signature = sign(f"{payment.order_id}|{PAID}".encode(), former)
    refused = world.verify(payment, PAID, razorpay_signature=signature)
    assert refused.code == "checkout-signature-invalid"
    world.former_key_secret = former
    assert world.verify(payment, PAID, razorpay_signature=signature).body["status"] == "captured"
    assert world.verify(payment, PAID).status == 200, "and one with the current key as before"


def test_an_authorized_payment_is_shown_as_such_and_not_booked(world: World) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID, status="authorized")
    assert world.verify(payment, PAID).body["status"] == "authorized"
    assert world.tables.items("ledger") == []


@pytest.mark.parametrize("fault", ["timeout before", "500 before", "502 before", "429", "refused"])
def test_a_silent_gateway_leaves_the_payment_to_the_webhook(world: World, fault: str) -> None:
    payment = world.created()
    paid = world.gateway.pay(str(payment.order_id), PAID)
    world.gateway.plan("get_payment", *[fault] * 10)
    answer = world.verify(payment, PAID)
    assert (answer.status, answer.body["status"]) == (200, "pending")
    assert world.stored(payment.payment_id).checkout_verified
    assert world.tables.items("ledger") == []
    world.tell("evt_1", "payment.captured", paid, 1_775_025_000)
    assert world.stored(payment.payment_id).status is PaymentStatus.CAPTURED


def test_verified_again_while_the_gateway_is_silent_writes_nothing_new(world: World) -> None:
    payment = world.created()
    world.gateway.plan("get_payment", *["refused"] * 20)
    world.verify(payment, PAID)
    before = world.tables.snapshot()
    assert world.verify(payment, PAID).status == 200
    assert world.tables.snapshot() == before


def test_a_status_that_nobody_knows_changes_nothing_but_is_reported(world: World) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID, status="on_the_moon")
    answer = world.verify(payment, PAID)
    assert (answer.status, answer.body["status"]) == (200, "pending")
    assert "on_the_moon" in world.log.getvalue()


@pytest.mark.parametrize(
    "changes",
    [
        {"razorpay_signature": "0" * 64},
        {"razorpay_signature": sign(b"order_00000000000000|pay_00000000000001", "another secret")},
        {"razorpay_signature": sign(b"pay_00000000000001|order_00000000000000", KEY_SECRET)},
    ],
    ids=["zeros", "other secret", "other order of parts"],
)
def test_a_wrong_signature_is_refused_and_the_gateway_not_asked(
    world: World, changes: dict[str, Any]
) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    before = world.tables.snapshot()
    answer = world.verify(payment, PAID, **changes)
    assert (answer.status, answer.code) == (422, "checkout-signature-invalid")
    assert "get_payment" not in world.gateway.calls
    after = world.tables.snapshot()
    assert len(after.pop("audit")) == len(before.pop("audit")) + 1
    assert after == before


def test_a_signature_over_another_payment_is_refused(world: World) -> None:
    payment = world.created()
    signature = sign(f"{payment.order_id}|pay_00000000000002".encode(), KEY_SECRET)
    answer = world.verify(payment, PAID, razorpay_signature=signature)
    assert answer.code == "checkout-signature-invalid"


def test_a_valid_answer_for_one_order_does_not_pay_for_another(world: World) -> None:
    cheap, dear = world.created(amount_paise=100), world.created(amount_paise=4_500_000)
    world.gateway.pay(str(cheap.order_id), PAID)
    answer = world.verify(dear, PAID, razorpay_order_id=cheap.order_id)
    assert (answer.status, answer.code) == (422, "order-mismatch")
    assert world.stored(dear.payment_id) == dear


def test_a_payment_that_the_gateway_keeps_under_another_order_is_refused(world: World) -> None:
    one, other = world.created(), world.created()
    world.gateway.pay(str(other.order_id), PAID)
    answer = world.verify(one, PAID)
    assert (answer.status, answer.code) == (422, "order-mismatch")
    assert world.stored(one.payment_id) == one


def test_a_payment_without_an_order_cannot_be_verified(world: World) -> None:
    world.gateway.plan("create_order", "timeout before")
    payment = world.stored(world.create().body["payment_id"])
    answer = world.verify(payment, PAID, razorpay_order_id="order_00000000000000")
    assert answer.code == "order-mismatch"


@pytest.mark.parametrize(
    "changes",
    [{"amount": 44_999}, {"currency": "USD", "base_amount": 3_780_000, "base_currency": "INR"}],
    ids=["amount", "currency"],
)
def test_money_that_was_not_asked_for_waits_in_suspense(world: World, changes: dict[str, Any]) -> None:
    payment = world.created()
    paid = world.gateway.pay(str(payment.order_id), PAID)
    paid.update(changes)
    assert world.verify(payment, PAID).body["status"] == "conflicted"
    books = world.books(world.stored(payment.payment_id))
    assert books.balances
    assert books.balances_paise["suspense:sch_1"] == -paid.get("base_amount", paid["amount"])
    assert "school_payable:sch_1" not in books.balances_paise
    assert world.events(payment.payment_id) == ["PaymentConflicted", "PaymentPending"]


def test_staff_of_the_school_may_verify_and_others_find_no_such_payment(world: World) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    refused = world.verify(payment, PAID, principal=OTHER_PARENT)
    assert (refused.status, refused.code) == (404, "payment-not-found")
    assert world.verify(payment, PAID, principal=SCHOOL_ADMIN).status == 200
    assert world.verify(payment, PAID, principal=ADMIN).status == 200


def test_a_webhook_in_the_middle_of_it_books_the_capture_once(world: World) -> None:
    payment = world.created()
    paid = world.gateway.pay(str(payment.order_id), PAID)
    slow = Interrupted(world.client)
    slow.before["transact_write_items"] = [
        lambda: _ignored(world.tell("evt_1", "payment.captured", paid, 1_775_025_000))
    ]
    answer = world.over(slow).verify(payment, PAID)
    assert (answer.status, answer.body["status"]) == (200, "captured")
    after = world.stored(payment.payment_id)
    assert after.checkout_verified
    assert after.journal == (f"capture:{PAID}", f"fee:{PAID}")
    assert world.day_books().entries == 2
    assert world.events(payment.payment_id) == ["PaymentCaptured", "PaymentPending"]


def test_a_payment_that_never_keeps_still_is_reported_as_such(world: World) -> None:
    payment = world.created()
    paid = world.gateway.pay(str(payment.order_id), PAID)
    restless = Interrupted(world.client)

    def change(number: int) -> None:
        failed = paid | {"status": "failed", "id": f"pay_X{number}"}
        world.tell(f"evt_{number}", "payment.failed", failed, number)

    restless.before["transact_write_items"] = [partial(change, number) for number in range(5)]
    answer = world.over(restless).verify(payment, PAID)
    assert (answer.status, answer.code, answer.headers["retry-after"]) == (409, "concurrent-change", "1")
    assert world.verify(payment, PAID).body["status"] == "captured"


def test_a_payment_that_vanished_is_not_made_again(world: World) -> None:
    payment = world.created()
    world.gateway.pay(str(payment.order_id), PAID)
    key = {"pk": {"S": f"PAYMENT#{payment.payment_id}"}, "sk": {"S": "PAYMENT"}}
    racing = Interrupted(world.client)
    racing.before["transact_write_items"] = [
        lambda: _ignored(world.client.delete_item(TableName=world.tables["payments"], Key=key))
    ]
    assert world.over(racing).verify(payment, PAID).code == "concurrent-change"
    assert world.repository.get(payment.payment_id) is None
    assert world.tables.items("ledger") == []


def _ignored(_: object) -> None:
    return None
