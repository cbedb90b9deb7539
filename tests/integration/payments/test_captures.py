"""A payment that was authorised is captured once, in full; what is not to be kept goes back."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from runtime.payments.model import Payment
from runtime.payments.recorder import PaymentChanged
from runtime.platform.auth import Role
from tests.events import Answer, caller
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.test_races import at_once
from tests.integration.payments.test_refunds import balances, listed, refund
from tests.integration.payments.world import ADMIN, PARENT, SCHOOL_ADMIN, Interrupted, World

CAPTURE = "/v1/payments/{payment_id}/capture"
PAID = "pay_00000000000001"
OWED, HELD = "school_payable:sch_1", "refunds_payable:sch_1"


def capture(
    world: World,
    payment: Payment,
    amount: Any = None,
    *,
    key: str | None = "key-capture-1",
    principal: Any = ADMIN,
    **changes: Any,
) -> Answer:
    body = ({} if amount is None else {"amount_paise": amount}) | changes
    return world.call_payments(
        "POST", CAPTURE, principal=principal, body=body, key=key, payment_id=payment.payment_id
    )


def authorised(world: World, gateway_payment_id: str = PAID, **changes: Any) -> Payment:
    """A payment of ₹450.00 that waits for its capture."""
    payment = world.created(capture="manual", **changes)
    paid = world.gateway.pay(str(payment.order_id), gateway_payment_id, status="authorized")
    world.tell(f"evt_{gateway_payment_id}", "payment.authorized", paid, 1_775_025_000)
    return world.stored(payment.payment_id)


def assert_captured_in_full(world: World, payment: Payment) -> None:
    assert world.gateway.captures == [PAID]
    assert world.get(payment.payment_id).body["status"] == "captured"
    assert balances(world)[OWED] == -45_000
    assert Counter(world.events(payment.payment_id))["PaymentCaptured"] == 1


class TestCapturing:
    def test_the_order_asks_the_gateway_to_wait_for_us(self, world: World) -> None:
        payment = authorised(world)
        (order,) = world.gateway.orders
        assert order["payment"]["capture"] == "manual"
        assert world.get(payment.payment_id).body["capture"] == "manual"
        assert world.get(payment.payment_id).body["status"] == "authorized"

    def test_all_of_it(self, world: World) -> None:
        payment = authorised(world)
        answer = capture(world, payment)
        assert (answer.status, answer.body) == (
            200,
            {
                "payment_id": payment.payment_id,
                "gateway_payment_id": PAID,
                "captured_paise": 45_000,
                "kept_paise": 45_000,
                "currency": "INR",
                "refund": None,
            },
        )
        assert_captured_in_full(world, payment)

    def test_less_is_all_of_it_with_the_rest_refunded_at_once(self, world: World) -> None:
        payment = authorised(world)
        answer = capture(world, payment, 30_000)
        assert answer.status == 200
        assert (answer.body["captured_paise"], answer.body["kept_paise"]) == (45_000, 30_000)
        assert (answer.body["refund"]["amount_paise"], answer.body["refund"]["status"]) == (15_000, "pending")
        assert (balances(world)[OWED], balances(world)[HELD]) == (-30_000, -15_000)
        assert world.get(payment.payment_id).body["refundable_paise"] == 30_000

    def test_late_authorisations_of_an_automatic_order_can_be_captured_too(self, world: World) -> None:
        payment = world.created()
        paid = world.gateway.pay(str(payment.order_id), PAID, status="authorized")
        world.tell("evt_late", "payment.authorized", paid, 1_775_025_000)
        assert capture(world, payment).status == 200

    @pytest.mark.parametrize(
        ("amount", "status", "code"),
        [
            (45_001, 422, "capture-exceeds-authorization"),
            (44_901, 422, "capture-rest-too-small"),
            (99, 422, "amount-below-minimum"),
            (-1, 422, "amount-below-minimum"),
            (1.5, 400, "amount-not-integer"),
        ],
    )
    def test_amounts_that_cannot_be_kept(self, world: World, amount: Any, status: int, code: str) -> None:
        payment = authorised(world)
        answer = capture(world, payment, amount)
        assert (answer.status, answer.code) == (status, code)
        assert world.gateway.captures == []
        assert capture(world, payment, key="key-capture-2").status == 200

    def test_twice_is_refused_with_a_clear_code(self, world: World) -> None:
        payment = authorised(world)
        first = capture(world, payment)
        assert capture(world, payment).body == first.body
        again = capture(world, payment, key="key-capture-2")
        assert (again.status, again.code) == (409, "already-captured")
        assert_captured_in_full(world, payment)

    def test_what_nobody_authorised_or_what_failed(self, world: World) -> None:
        payment = world.created(capture="manual")
        assert capture(world, payment).code == "payment-not-authorized"
        failed = world.gateway.pay(str(payment.order_id), PAID, status="failed")
        world.tell("evt_failed", "payment.failed", failed, 1_775_025_000)
        assert capture(world, payment, key="key-capture-2").code == "payment-not-authorized"

    def test_an_authorisation_of_another_amount_is_left_to_expire(self, world: World) -> None:
        payment = world.created(capture="manual")
        odd = world.gateway.pay(str(payment.order_id), PAID, status="authorized") | {"amount": 44_000}
        world.tell("evt_odd", "payment.authorized", odd, 1_775_025_000)
        assert capture(world, payment).code == "payment-not-authorized"

    def test_an_authorisation_that_expired_unheard(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.payments[PAID] |= {"status": "refunded", "amount_refunded": 45_000}
        answer = capture(world, payment)
        assert (answer.status, answer.code) == (409, "authorization-expired")
        assert world.get(payment.payment_id).body["status"] == "failed"
        assert balances(world) == {}

    def test_who_may(self, world: World) -> None:
        payment = authorised(world)
        elsewhere = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])
        both = caller("usr_parent", Role.PARENT, Role.FINANCE, schools=["sch_2"])
        assert capture(world, payment, principal=PARENT).code == "forbidden"
        assert capture(world, payment, principal=elsewhere).code == "payment-not-found"
        assert capture(world, payment, principal=both).code == "school-forbidden"
        assert capture(world, payment, key=None).code == "idempotency-key-missing"
        first = capture(world, payment, principal=SCHOOL_ADMIN)
        assert first.status == 200
        moved = caller(SCHOOL_ADMIN.principal_id, Role.SCHOOL_ADMIN, schools=["sch_2"])
        assert capture(world, payment, principal=moved).body == first.body


class TestSilence:
    @pytest.mark.parametrize("fault", ["timeout after", "500 after", "502 after"])
    def test_a_capture_that_was_not_confirmed_is_looked_for(self, world: World, fault: str) -> None:
        payment = authorised(world)
        world.gateway.plan("capture_payment", fault)
        assert capture(world, payment).status == 200
        assert_captured_in_full(world, payment)

    def test_one_that_did_not_happen_is_asked_for_again(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.plan("capture_payment", "timeout before")
        first = capture(world, payment)
        assert (first.status, first.code) == (503, "gateway-unavailable")
        world.clock.advance(seconds=120)
        assert capture(world, payment).status == 200
        assert_captured_in_full(world, payment)

    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_where_nobody_can_tell_the_next_call_looks_first(self, world: World, moment: str) -> None:
        payment = authorised(world)
        world.gateway.plan("capture_payment", f"timeout {moment}")
        world.gateway.plan("get_payment", *["timeout before"] * 9)
        assert capture(world, payment, 30_000).code == "gateway-unavailable"
        other = capture(world, payment, key="key-capture-2")
        assert (other.status, other.code) == (409, "capture-under-way")
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)
        answer = capture(world, payment, 30_000)
        assert (answer.status, answer.body["refund"]["amount_paise"]) == (200, 15_000)
        assert world.gateway.captures == [PAID]

    def test_another_call_does_not_finish_what_a_dead_one_did(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.plan("capture_payment", "crash after")
        with pytest.raises(Crashed):
            capture(world, payment, 30_000)
        world.clock.advance(seconds=60)
        other = capture(world, payment, key="key-capture-2")
        assert (other.status, other.code) == (409, "already-captured")
        answer = capture(world, payment, 30_000)
        assert (answer.status, answer.body["refund"]["amount_paise"]) == (200, 15_000)

    def test_another_call_takes_over_from_one_that_died_before_it_asked(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.plan("capture_payment", "crash before")
        with pytest.raises(Crashed):
            capture(world, payment, 30_000)
        world.clock.advance(seconds=60)
        assert capture(world, payment, key="key-capture-2").status == 200
        assert capture(world, payment, 30_000).code == "already-captured"
        assert_captured_in_full(world, payment)

    def test_a_gateway_that_was_not_reached(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.plan("capture_payment", *["refused"] * 9)
        assert capture(world, payment).code == "gateway-unavailable"
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)
        assert capture(world, payment).status == 200

    def test_a_refusal_without_a_reason_that_we_know(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.plan("capture_payment", "400")
        first = capture(world, payment)
        assert (first.status, first.code) == (502, "gateway-rejected")
        assert capture(world, payment).body == first.body
        assert capture(world, payment, key="key-capture-2").status == 200

    def test_somebody_captured_it_in_the_dashboard(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.payments[PAID] |= {"status": "captured", "fee": 1_062, "tax": 162}
        answer = capture(world, payment, 30_000)
        assert (answer.status, answer.code) == (409, "already-captured")
        assert world.get(payment.payment_id).body["status"] == "captured"
        assert world.gateway.refunds == {}

    def test_a_rest_whose_refund_is_not_confirmed_is_asked_for_again(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.plan("create_refund", "timeout after")
        first = capture(world, payment, 30_000)
        assert (first.status, first.body["refund"]["status"]) == (202, "unknown")
        world.clock.advance(seconds=120)
        again = capture(world, payment, 30_000)
        assert (again.status, again.body["refund"]["status"]) == (200, "pending")
        assert len(world.gateway.refunds) == 1
        assert world.gateway.captures == [PAID]

    def test_a_rest_that_could_not_be_sent(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.plan("create_refund", *["refused"] * 9)
        assert capture(world, payment, 30_000).code == "gateway-unavailable"
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)
        assert capture(world, payment, 30_000).status == 200
        assert len(listed(world, payment)) == 1

    def test_a_rest_that_the_gateway_refuses_to_refund_says_so(self, world: World) -> None:
        payment = authorised(world)
        world.gateway.plan("create_refund", "says Your account does not have enough balance")
        first = capture(world, payment, 30_000)
        assert (first.status, first.body["refund"]["status"]) == (200, "refused")
        assert capture(world, payment, 30_000).body == first.body
        assert refund(world, payment, 15_000).status == 201


class TestCrashing:
    @pytest.mark.parametrize("call", ["put_item", "get_item", "transact_write_items", "update_item"])
    @pytest.mark.parametrize("moment", ["before", "after"])
    @pytest.mark.parametrize("skipped", range(5))
    def test_between_any_two_writes(self, world: World, call: str, moment: str, skipped: int) -> None:
        payment = authorised(world)

        def crash() -> None:
            raise Crashed

        dying = Interrupted(world.client)
        plans: list[Callable[[], None]] = [lambda: None] * skipped
        getattr(dying, moment)[call] = [*plans, crash]
        with suppress(Crashed):  # where there are fewer calls, nothing happens, and all the same must hold
            capture(world.over(dying), payment, 30_000)
        world.clock.advance(seconds=60)
        answer = capture(world, payment, 30_000)
        assert (answer.status, answer.body["refund"]["status"]) == (200, "pending")
        assert world.gateway.captures == [PAID]
        assert len(world.gateway.refunds) == 1
        assert (balances(world)[OWED], balances(world)[HELD]) == (-30_000, -15_000)

    def test_a_call_whose_claim_was_taken_over_does_nothing(self, world: World) -> None:
        payment = authorised(world)
        slow = Interrupted(world.client)

        def faster() -> None:
            world.clock.advance(seconds=60)
            assert capture(world, payment).status == 200

        slow.before["transact_write_items"] = [faster]
        answer = capture(world.over(slow), payment)
        assert (answer.status, answer.code) == (409, "concurrent-change")
        assert_captured_in_full(world, payment)


class TestTogether:
    def test_fifty_identical_calls_capture_once(self, world: World) -> None:
        payment = authorised(world)
        calls = [lambda: capture(world, payment)] * 50
        answers = [answer for answer in at_once(*calls) if isinstance(answer, Answer)]
        assert len(answers) == 50
        assert {answer.status for answer in answers} <= {200, 409}
        assert capture(world, payment).status == 200
        assert_captured_in_full(world, payment)

    def test_calls_that_want_different_things_do_not_mix(self, world: World) -> None:
        payment = authorised(world)
        calls = [
            lambda n=n: capture(world, payment, 30_000 + n, key=f"key-capture-{n:02}") for n in range(10)
        ]
        answers = [answer for answer in at_once(*calls) if isinstance(answer, Answer)]
        (done,) = [answer for answer in answers if answer.status == 200]
        assert {answer.code for answer in answers if answer is not done} <= {
            "capture-under-way",
            "already-captured",
            "concurrent-change",
        }
        assert world.gateway.captures == [PAID]
        assert balances(world)[OWED] == -done.body["kept_paise"]

    def test_an_event_that_comes_before_our_own_answer(self, world: World) -> None:
        payment = authorised(world)
        hasty = Interrupted(world.client)

        def told() -> None:
            world.tell("evt_hasty", "payment.captured", world.gateway.payments[PAID], 1_775_025_200)

        hasty.before["transact_write_items"] = [lambda: None, told]
        assert capture(world.over(hasty), payment).status == 200
        assert_captured_in_full(world, payment)

    def test_a_payment_that_never_keeps_still_is_left_to_the_next_call(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment = authorised(world)

        def changed(*_: Any, **__: Any) -> Payment:
            raise PaymentChanged

        with monkeypatch.context() as restless:
            restless.setattr("runtime.payments.recorder.PaymentRecorder.record", changed)
            answer = capture(world, payment)
        assert (answer.status, answer.code) == (409, "concurrent-change")
        assert capture(world, payment).status == 200
