"""Money goes back: held before the gateway is asked, asked for once, and told in any order."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import permutations
from typing import Any

import pytest

from runtime.payments.inbox import EventState
from runtime.payments.model import Payment, PaymentStatus
from runtime.payments.recorder import PaymentChanged
from runtime.platform.auth import Role
from tests.events import Answer, caller
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import ADMIN, OTHER_PARENT, PARENT, SCHOOL_ADMIN, Interrupted, World

REFUNDS = "/v1/payments/{payment_id}/refunds"
REFUND = "/v1/refunds/{refund_id}"
PAID = "pay_00000000000001"
FINANCE_ELSEWHERE = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])
OWED, HELD, RECEIVABLE = "school_payable:sch_1", "refunds_payable:sch_1", "gateway_receivable:razorpay"
SUSPENSE = "suspense:sch_1"
NET_PAISE = 45_000 - 1_062


def refund(
    world: World,
    payment: Payment,
    amount: Any = 10_000,
    *,
    key: str | None = "key-refund-01",
    principal: Any = ADMIN,
    **changes: Any,
) -> Answer:
    body = {"amount_paise": amount} | changes
    return world.call_payments(
        "POST", REFUNDS, principal=principal, body=body, key=key, payment_id=payment.payment_id
    )


def listed(world: World, payment: Payment, principal: Any = PARENT) -> list[dict[str, Any]]:
    answer = world.call_payments("GET", REFUNDS, principal=principal, payment_id=payment.payment_id)
    assert answer.status == 200, answer.text
    items: list[dict[str, Any]] = answer.body["items"]
    return items


def balances(world: World) -> dict[str, int]:
    books = world.day_books()
    assert books.balances
    return {name: paise for name, paise in books.balances_paise.items() if paise}


def at_gateway(world: World, refund_id: str, **changes: Any) -> dict[str, Any]:
    return world.gateway.refunds[refund_id] | changes


def tell(
    world: World, event: str, told: dict[str, Any], at: int = 1_775_025_100, name: str = ""
) -> EventState:
    payment = world.gateway.payments[told["payment_id"]]
    return world.tell_of(name or f"evt_{event}_{told['id']}", event, at, payment=payment, refund=told)


class TestRefunding:
    def test_a_part_goes_back_and_the_rest_stays_refundable(self, world: World) -> None:
        payment = world.paid()
        answer = refund(world, payment, reason="Two days of holiday", speed="optimum")
        assert (answer.status, answer.body["status"]) == (201, "pending")
        refund_id = answer.body["refund_id"]
        assert at_gateway(world, refund_id)["receipt"] == refund_id
        assert (at_gateway(world, refund_id)["speed_requested"], answer.body["reason"]) == (
            "optimum",
            "Two days of holiday",
        )
        seen = world.get(payment.payment_id).body
        assert seen["status"] == "captured"
        assert (seen["refunded_paise"], seen["refund_pending_paise"], seen["refundable_paise"]) == (
            0,
            10_000,
            35_000,
        )
        assert balances(world)[HELD] == -10_000
        assert balances(world)[OWED] == -35_000

    def test_processed_it_is_paid_out_of_what_the_gateway_holds(self, world: World) -> None:
        payment = world.paid()
        refund_id = refund(world, payment).body["refund_id"]
        done = at_gateway(world, refund_id, status="processed", acquirer_data={"arn": "ARN1"})
        assert tell(world, "refund.processed", done) is EventState.APPLIED
        seen = world.call_payments("GET", REFUND, principal=PARENT, refund_id=refund_id).body
        assert (seen["status"], seen["bank_reference"]) == ("processed", "ARN1")
        assert balances(world)[OWED] == -35_000
        assert balances(world)[RECEIVABLE] == NET_PAISE - 10_000
        assert HELD not in balances(world)
        assert world.get(payment.payment_id).body["refunded_paise"] == 10_000
        assert world.events(refund_id) == ["RefundProcessed", "RefundRequested"]

    def test_failed_it_can_be_refunded_again(self, world: World) -> None:
        payment = world.paid()
        refund_id = refund(world, payment, 45_000).body["refund_id"]
        assert refund(world, payment, 45_000, key="key-refund-02").code == "refund-exceeds-balance"
        world.gateway.payments[PAID]["amount_refunded"] = 0
        tell(world, "refund.failed", at_gateway(world, refund_id, status="failed"))
        assert world.get(payment.payment_id).body["refundable_paise"] == 45_000
        assert balances(world)[OWED] == -45_000
        assert world.events(refund_id) == ["RefundFailed", "RefundRequested"]
        assert refund(world, payment, 45_000, key="key-refund-03").status == 201

    def test_many_partial_ones_never_exceed_the_payment(self, world: World) -> None:
        payment = world.paid()
        answers = [refund(world, payment, 12_000, key=f"key-refund-{n:02}") for n in range(4)]
        assert [answer.status for answer in answers] == [201, 201, 201, 422]
        assert answers[3].code == "refund-exceeds-balance"
        assert answers[3].body["refundable_paise"] == 9_000
        assert refund(world, payment, 9_000, key="key-refund-99").status == 201
        assert world.gateway.payments[PAID]["amount_refunded"] == 45_000
        assert len(listed(world, payment)) == 4

    @pytest.mark.parametrize(
        ("amount", "code"),
        [
            (99, "amount-below-minimum"),
            (0, "amount-below-minimum"),
            (-100, "amount-below-minimum"),
            (45_001, "refund-exceeds-balance"),
            (10**12 + 1, "amount-above-maximum"),
            (100.5, "amount-not-integer"),
            ("10000", "amount-not-integer"),
            (True, "amount-not-integer"),
        ],
    )
    def test_amounts_that_cannot_go_back(self, world: World, amount: Any, code: str) -> None:
        payment = world.paid()
        assert refund(world, payment, amount).code == code
        assert world.gateway.refund_keys == []
        assert world.stored(payment.payment_id) == payment

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"key": None}, "idempotency-key-missing"),
            ({"speed": "at once"}, "body-invalid"),
            ({"reason": "x" * 141}, "body-invalid"),
            ({"reason": "to card 4111 1111 1111 1111"}, "card-data-refused"),
            ({"gateway_payment_id": "pay_00000000000002"}, "payment-not-captured"),
            ({"currency": "USD"}, "body-invalid"),
        ],
    )
    def test_what_cannot_be_meant(self, world: World, changes: dict[str, Any], code: str) -> None:
        assert refund(world, world.paid(), **changes).code == code

    def test_an_unpaid_payment_has_nothing_to_refund(self, world: World) -> None:
        payment = world.created()
        answer = refund(world, payment)
        assert (answer.status, answer.code) == (409, "payment-not-captured")
        assert refund(world, payment).body == answer.body

    def test_the_surplus_of_a_payment_that_came_twice_leaves_suspense(self, world: World) -> None:
        payment = world.paid()
        second = world.gateway.pay(str(payment.order_id), "pay_00000000000002")
        world.tell("evt_second", "payment.captured", second, 1_775_025_001)
        ambiguous = refund(world, payment, 45_000)
        assert (ambiguous.status, ambiguous.code) == (400, "body-invalid")
        answer = refund(world, payment, 45_000, key="key-refund-02", gateway_payment_id="pay_00000000000002")
        assert answer.status == 201
        done = at_gateway(world, answer.body["refund_id"], status="processed")
        tell(world, "refund.processed", done)
        assert SUSPENSE not in balances(world)
        assert balances(world)[OWED] == -45_000
        assert world.get(payment.payment_id).body["refundable_paise"] == 45_000

    @pytest.mark.parametrize("which", [PAID, "pay_00000000000002"])
    def test_of_a_payment_that_came_twice_the_school_keeps_one_whichever_goes_back(
        self, world: World, which: str
    ) -> None:
        payment = world.paid()
        second = world.gateway.pay(str(payment.order_id), "pay_00000000000002")
        world.tell("evt_second", "payment.captured", second, 1_775_025_001)
        asked = refund(world, payment, 30_000, gateway_payment_id=which).body["refund_id"]
        books = balances(world)
        assert (books[OWED], books[SUSPENSE], books[HELD]) == (-45_000, -15_000, -30_000)
        tell(world, "refund.failed", at_gateway(world, asked, status="failed"))
        books = balances(world)
        assert (books[OWED], books[SUSPENSE]) == (-45_000, -45_000)
        assert world.books(world.stored(payment.payment_id)).balances

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_a_payment_that_came_twice_and_goes_back_in_part_ends_the_same(
        self, world: World, order: tuple[int, ...]
    ) -> None:
        """Two captures and a refund of the first, made in the gateway's dashboard."""
        payment = world.created()
        one, two = (world.gateway.pay(str(payment.order_id), f"pay_{number:014d}") for number in (1, 2))
        made = {"id": "rfnd_00000000000009", "entity": "refund", "payment_id": one["id"], "amount": 15_000}
        back = made | {"currency": "INR", "status": "processed", "created_at": 1_775_025_050}
        words: tuple[tuple[str, dict[str, dict[str, Any]]], ...] = (
            ("payment.captured", {"payment": one}),
            ("payment.captured", {"payment": two}),
            ("refund.processed", {"payment": one | {"amount_refunded": 15_000}, "refund": back}),
        )
        for which in order:
            event, told = words[which]
            world.tell_of(f"evt_{which}", event, 1_775_025_100 + which, **told)
        assert (balances(world)[OWED], balances(world)[SUSPENSE]) == (-45_000, -30_000)

    def test_what_comes_again_after_the_first_went_back_is_the_schools(self, world: World) -> None:
        payment = world.paid()
        assert refund(world, payment, 45_000).status == 201
        second = world.gateway.pay(str(payment.order_id), "pay_00000000000002")
        world.tell("evt_second", "payment.captured", second, 1_775_025_001)
        assert world.stored(payment.payment_id).status is PaymentStatus.CONFLICTED
        assert SUSPENSE not in balances(world)
        assert balances(world)[OWED] == -45_000


class TestRepeating:
    def test_one_key_is_one_refund(self, world: World) -> None:
        payment = world.paid()
        first, again = refund(world, payment), refund(world, payment)
        assert (first.status, first.body) == (again.status, again.body)
        assert len(world.gateway.refund_keys) == 1

    def test_the_same_key_for_another_amount_or_payment_is_refused(self, world: World) -> None:
        payment, other = world.paid(), world.paid("pay_00000000000002")
        refund(world, payment)
        assert refund(world, payment, 20_000).code == "idempotency-key-reused"
        assert refund(world, other).code == "idempotency-key-reused"

    def test_a_refusal_is_the_answer_again_too(self, world: World) -> None:
        payment = world.paid()
        first, again = refund(world, payment, 45_001), refund(world, payment, 45_001)
        assert first.body == again.body

    @pytest.mark.parametrize("fault", ["timeout after", "timeout before", "500 after", "502 after"])
    def test_an_unknown_outcome_holds_the_amount_and_is_asked_again_under_the_same_name(
        self, world: World, fault: str
    ) -> None:
        payment = world.paid()
        world.gateway.plan("create_refund", fault)
        first = refund(world, payment, 45_000)
        assert (first.status, first.body["status"]) == (202, "unknown")
        assert refund(world, payment, 100, key="key-refund-02").code == "refund-exceeds-balance"
        world.clock.advance(seconds=120)
        again = refund(world, payment, 45_000)
        assert (again.status, again.body["status"]) == (201, "pending")
        assert again.body["refund_id"] == first.body["refund_id"]
        assert len(world.gateway.refunds) == 1
        assert set(world.gateway.refund_keys) == {first.body["refund_id"]}
        assert refund(world, payment, 45_000).body == again.body

    def test_a_refund_that_an_event_told_of_is_not_asked_for_again(self, world: World) -> None:
        payment = world.paid()
        world.gateway.plan("create_refund", "timeout after")
        refund_id = refund(world, payment).body["refund_id"]
        tell(world, "refund.created", at_gateway(world, refund_id))
        answer = refund(world, payment)
        assert (answer.status, answer.body["status"]) == (201, "pending")
        assert len(world.gateway.refund_keys) == 1

    def test_a_gateway_that_forgot_the_key_does_not_free_what_it_refunded(self, world: World) -> None:
        payment = world.paid()
        world.gateway.plan("create_refund", "timeout after")
        refund(world, payment, 45_000)
        world.gateway.forgets_refund_keys = True
        answer = refund(world, payment, 45_000)
        assert (answer.status, answer.body["status"]) == (201, "pending")
        assert world.get(payment.payment_id).body["refundable_paise"] == 0

    def test_what_it_refunded_is_found_among_more_than_a_page_of_refunds(self, world: World) -> None:
        payment = world.paid()
        for number in range(150):
            made = {"id": f"rfnd_Other{number:09d}", "amount": 100, "currency": "INR", "payment_id": PAID}
            world.gateway.refunds[f"other-{number}"] = made | {"status": "pending", "receipt": None}
        world.gateway.plan("create_refund", "timeout after")
        refund(world, payment)
        world.gateway.forgets_refund_keys = True
        world.gateway.plan("create_refund", "400")
        assert refund(world, payment).status == 201
        assert world.gateway.calls.count("list_payment_refunds") == 2

    def test_a_refund_that_never_arrived_and_is_refused_then_is_free_again(self, world: World) -> None:
        payment = world.paid()
        world.gateway.plan("create_refund", "timeout before", "says The payment has been fully refunded")
        assert refund(world, payment).status == 202
        assert refund(world, payment).code == "already-refunded"
        assert world.get(payment.payment_id).body["refundable_paise"] == 45_000

    def test_where_that_cannot_be_told_it_stays_unknown(self, world: World) -> None:
        payment = world.paid()
        world.gateway.plan("create_refund", "timeout after")
        refund(world, payment, 45_000)
        world.gateway.forgets_refund_keys = True
        world.gateway.plan("list_payment_refunds", *["timeout before"] * 9)
        assert refund(world, payment, 45_000).status == 202
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)
        assert refund(world, payment, 45_000).status == 201

    def test_a_gateway_that_was_not_reached_is_asked_again(self, world: World) -> None:
        payment = world.paid()
        world.gateway.plan("create_refund", *["refused"] * 9)
        first = refund(world, payment)
        assert (first.status, first.code) == (503, "gateway-unavailable")
        assert first.headers["retry-after"]
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)
        again = refund(world, payment)
        assert (again.status, again.body["refund_id"]) == (201, first.body["refund_id"])

    @pytest.mark.parametrize(
        ("words", "status", "code"),
        [
            ("The payment has been fully refunded already.", 422, "already-refunded"),
            ("The refund amount provided is greater than amount captured.", 422, "refund-exceeds-balance"),
            (
                "Your account does not have enough balance to carry out the refund operation.",
                422,
                "gateway-balance-low",
            ),
            ("Refund is not supported for payments older than 6 months", 422, "refund-window-over"),
            ("Something else.", 502, "gateway-rejected"),
        ],
    )
    def test_a_refusal_frees_the_amount_and_says_why(
        self, world: World, words: str, status: int, code: str
    ) -> None:
        payment = world.paid()
        world.gateway.plan("create_refund", f"says {words}")
        answer = refund(world, payment)
        assert (answer.status, answer.code) == (status, code)
        assert refund(world, payment).body == answer.body
        assert world.get(payment.payment_id).body["refundable_paise"] == 45_000
        assert balances(world)[OWED] == -45_000
        (shown,) = listed(world, payment)
        assert shown["status"] == "refused"
        assert world.events(shown["refund_id"]) == ["RefundRefused", "RefundRequested"]


class TestCrashing:
    @pytest.mark.parametrize("moment", ["before", "after"])
    def test_at_the_gateway(self, world: World, moment: str) -> None:
        payment = world.paid()
        world.gateway.plan("create_refund", f"crash {moment}")
        with pytest.raises(Crashed):
            refund(world, payment, 45_000)
        assert world.get(payment.payment_id).body["refundable_paise"] == 0
        assert refund(world, payment, 45_000).code == "idempotency-in-flight"
        world.clock.advance(seconds=60)
        assert refund(world, payment, 45_000).status == 201
        assert len(world.gateway.refunds) == 1

    @pytest.mark.parametrize("call", ["put_item", "get_item", "transact_write_items", "update_item"])
    @pytest.mark.parametrize("moment", ["before", "after"])
    @pytest.mark.parametrize("skipped", range(4))
    def test_between_any_two_writes(self, world: World, call: str, moment: str, skipped: int) -> None:
        payment = world.paid()

        def crash() -> None:
            raise Crashed

        dying = Interrupted(world.client)
        plans: list[Callable[[], None]] = [lambda: None] * skipped
        getattr(dying, moment)[call] = [*plans, crash]
        with suppress(Crashed):  # where there are fewer calls, nothing happens, and all the same must hold
            refund(world.over(dying), payment, 45_000)
        world.clock.advance(seconds=60)
        answer = refund(world, payment, 45_000)
        assert (answer.status, answer.body["status"]) == (201, "pending")
        assert len(world.gateway.refunds) == 1
        assert len(listed(world, payment)) == 1
        assert balances(world)[HELD] == -45_000

    def test_a_call_whose_claim_was_taken_over_promises_nothing(self, world: World) -> None:
        payment = world.paid()
        slow = Interrupted(world.client)

        def faster() -> None:
            world.clock.advance(seconds=60)
            assert refund(world, payment).status == 201

        slow.before["transact_write_items"] = [faster]
        answer = refund(world.over(slow), payment)
        assert (answer.status, answer.code) == (409, "concurrent-change")
        assert len(world.gateway.refunds) == 1


class TestTogether:
    def test_twenty_refunds_at_once_never_exceed_the_balance(self, world: World) -> None:
        payment = world.paid()
        calls = [lambda n=n: refund(world, payment, 6_000, key=f"key-refund-{n:02}") for n in range(20)]
        answers = [answer for answer in at_once(*calls) if isinstance(answer, Answer)]
        by_status = Counter(answer.status for answer in answers)
        assert by_status == {201: 7, 422: 13}
        assert world.gateway.payments[PAID]["amount_refunded"] == 42_000
        assert balances(world)[HELD] == -42_000

    def test_fifty_identical_calls_make_one_refund(self, world: World) -> None:
        payment = world.paid()
        answers = [
            answer for answer in at_once(*[lambda: refund(world, payment)] * 50) if isinstance(answer, Answer)
        ]
        assert {answer.status for answer in answers} <= {201, 409}
        assert len(answers) == 50
        assert len({answer.body["refund_id"] for answer in answers if answer.status == 201}) == 1
        assert len(world.gateway.refunds) == 1
        assert refund(world, payment).status == 201
        assert balances(world)[HELD] == -10_000

    def test_a_payment_that_never_keeps_still_is_left_to_the_next_call(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment = world.paid()

        def changed(*_: Any, **__: Any) -> Payment:
            raise PaymentChanged

        with monkeypatch.context() as restless:
            restless.setattr("runtime.payments.recorder.PaymentRecorder.record", changed)
            answer = refund(world, payment)
        assert (answer.status, answer.code) == (409, "concurrent-change")
        assert refund(world, payment).status == 201


class TestTelling:
    def test_any_order_and_any_repetition_end_the_same(self, world: World) -> None:
        """Capture, refund made in the dashboard, its end, and the payment's own total, in each order."""
        ends = []
        for number, order in enumerate(permutations(("captured", "created", "processed", "total"))):
            payment = world.created()
            paid_as = f"pay_Order{number:09d}"
            captured = world.gateway.pay(str(payment.order_id), paid_as)
            refunded = captured | {"amount_refunded": 10_000, "refund_status": "partial"}
            refund_id = f"rfnd_Order{number:09d}"
            made = {
                "id": refund_id,
                "entity": "refund",
                "amount": 10_000,
                "currency": "INR",
                "payment_id": paid_as,
                "status": "pending",
                "created_at": 1_775_025_050,
            }
            done = made | {"status": "processed"}
            world.gateway.payments[paid_as] = refunded
            for step in (*order, *order):
                name = f"evt_{step}_{number}"
                if step == "captured":
                    world.tell(name, "payment.captured", captured, 1_775_025_000)
                elif step == "total":
                    world.tell(name, "payment.captured", refunded, 1_775_025_060)
                elif step == "created":
                    tell(world, "refund.created", made, 1_775_025_050, name)
                else:
                    tell(world, "refund.processed", done, 1_775_025_070, name)
            seen = world.get(payment.payment_id).body
            (shown,) = listed(world, payment)
            ends.append(
                (
                    (seen["status"], seen["refunded_paise"], seen["refund_pending_paise"]),
                    seen["refundable_paise"],
                    (shown["status"], shown["amount_paise"]),
                )
            )
            assert world.events(refund_id) == ["RefundProcessed"]
        assert set(ends) == {(("captured", 10_000, 0), 35_000, ("processed", 10_000))}
        times = len(ends)
        assert balances(world) == {
            OWED: -35_000 * times,
            RECEIVABLE: (NET_PAISE - 10_000) * times,
            "gateway_fees:razorpay": 900 * times,
            "input_gst": 162 * times,
        }

    def test_an_event_that_comes_before_our_own_answer(self, world: World) -> None:
        payment = world.paid()
        hasty = Interrupted(world.client)

        def told() -> None:
            (refund_id,) = world.gateway.refunds
            tell(world, "refund.processed", at_gateway(world, refund_id, status="processed"))

        hasty.before["transact_write_items"] = [lambda: None, told]
        answer = refund(world.over(hasty), payment)
        assert (answer.status, answer.body["status"]) == (201, "processed")
        assert len(listed(world, payment)) == 1
        assert world.get(payment.payment_id).body["refundable_paise"] == 35_000

    def test_a_total_that_nobody_explains_is_refunded_all_the_same(self, world: World) -> None:
        payment = world.paid()
        refunded = world.gateway.payments[PAID] | {"amount_refunded": 20_000}
        world.tell("evt_total", "payment.captured", refunded, 1_775_025_100)
        assert world.get(payment.payment_id).body["refundable_paise"] == 25_000
        assert balances(world)[OWED] == -25_000

    def test_what_expired_uncaptured_was_never_ours(self, world: World) -> None:
        payment = world.created()
        expired = world.gateway.pay(str(payment.order_id), PAID, status="refunded", fee=None, tax=None)
        expired["amount_refunded"] = 45_000
        made = {
            "id": "rfnd_00000000000009",
            "amount": 45_000,
            "currency": "INR",
            "payment_id": PAID,
            "status": "processed",
        }
        tell(world, "refund.created", made)
        seen = world.get(payment.payment_id).body
        assert (seen["status"], seen["refunded_paise"], seen["refundable_paise"]) == ("failed", 0, 0)
        assert balances(world) == {}
        assert refund(world, payment).code == "payment-not-captured"

    def test_an_event_without_its_payment_is_found_by_our_receipt(self, world: World) -> None:
        payment = world.paid()
        refund_id = refund(world, payment).body["refund_id"]
        done = at_gateway(world, refund_id, status="processed")
        assert world.tell_of("evt_1", "refund.processed", 1_775_025_100, refund=done) is EventState.APPLIED
        assert world.get(payment.payment_id).body["refunded_paise"] == 10_000

    def test_of_strangers_and_of_what_contradicts_itself(self, world: World) -> None:
        payment = world.paid()
        refund_id = refund(world, payment).body["refund_id"]
        told = at_gateway(world, refund_id)
        stranger = told | {"receipt": None}
        assert world.tell_of("evt_1", "refund.created", 1, refund=stranger) is EventState.NOT_OURS
        other = world.gateway.payments[PAID] | {"order_id": "order_Stranger000001"}
        assert world.tell_of("evt_2", "refund.created", 1, refund=told, payment=other) is EventState.NOT_OURS
        assert tell(world, "refund.created", told | {"amount": 9_999}, 2, "evt_3") is EventState.NOT_HANDLED
        assert tell(world, "refund.created", told | {"status": "odd"}, 2, "evt_4") is EventState.NOT_HANDLED
        assert tell(world, "refund.created", told | {"currency": "USD"}, 2, "evt_5") is EventState.NOT_HANDLED
        elsewhere = told | {"payment_id": "pay_00000000000077"}
        paid = world.gateway.payments[PAID]
        state = world.tell_of("evt_6", "refund.created", 2, refund=elsewhere, payment=paid)
        assert state is EventState.NOT_HANDLED

    def test_a_change_of_speed_and_the_same_again(self, world: World) -> None:
        payment = world.paid()
        refund_id = refund(world, payment).body["refund_id"]
        instant = at_gateway(world, refund_id, speed_processed="instant")
        slowed = instant | {"speed_processed": "normal"}
        assert tell(world, "refund.speed_changed", slowed, 1_775_025_010, "evt_b") is EventState.APPLIED
        assert tell(world, "refund.created", instant, 1_775_025_000, "evt_a") is EventState.NO_CHANGE
        assert listed(world, payment)[0]["speed_processed"] == "normal"
        assert tell(world, "refund.speed_changed", slowed, 1_775_025_010, "evt_c") is EventState.NO_CHANGE

    def test_a_restless_payment_leaves_the_event_for_later(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        payment = world.paid()
        refund_id = refund(world, payment).body["refund_id"]

        def changed(*_: Any, **__: Any) -> Payment:
            raise PaymentChanged

        done = at_gateway(world, refund_id, status="processed")
        with monkeypatch.context() as restless:
            restless.setattr("runtime.payments.recorder.PaymentRecorder.record", changed)
            with pytest.raises(Exception, match="concurrent-change"):
                tell(world, "refund.processed", done, name="evt_1")
        assert world.applier.apply("evt_1", request_id="req") is EventState.APPLIED


class TestSeeing:
    def test_who_may_refund(self, world: World) -> None:
        payment = world.paid()
        assert refund(world, payment, principal=PARENT).code == "forbidden"
        assert refund(world, payment, principal=FINANCE_ELSEWHERE).code == "payment-not-found"
        both = caller("usr_parent", Role.PARENT, Role.FINANCE, schools=["sch_2"])
        assert refund(world, payment, principal=both).code == "school-forbidden"
        assert world.gateway.refund_keys == []
        assert refund(world, payment, principal=SCHOOL_ADMIN).status == 201

    def test_the_answer_stays_when_the_caller_changes_schools(self, world: World) -> None:
        payment = world.paid()
        first = refund(world, payment, principal=SCHOOL_ADMIN)
        moved = caller(SCHOOL_ADMIN.principal_id, Role.SCHOOL_ADMIN, schools=["sch_2"])
        assert refund(world, payment, principal=moved).body == first.body
        assert refund(world, payment, principal=moved, key="key-refund-02").code == "payment-not-found"

    def test_refunds_of_others_do_not_exist(self, world: World) -> None:
        payment = world.paid()
        refund_id = refund(world, payment).body["refund_id"]
        for principal in (OTHER_PARENT, FINANCE_ELSEWHERE):
            one = world.call_payments("GET", REFUND, principal=principal, refund_id=refund_id)
            assert (one.status, one.code) == (404, "refund-not-found")
            all_ = world.call_payments("GET", REFUNDS, principal=principal, payment_id=payment.payment_id)
            assert (all_.status, all_.code) == (404, "payment-not-found")

    @pytest.mark.parametrize("refund_id", ["x", "rfd_1", "rfd_01JQR4ZZZZZZZZZZZZZZZZZZZZ", "rfnd_#000000001"])
    def test_what_is_no_refund(self, world: World, refund_id: str) -> None:
        answer = world.call_payments("GET", REFUND, principal=ADMIN, refund_id=refund_id)
        assert (answer.status, answer.code) == (404, "refund-not-found")

    def test_one_made_in_the_dashboard_is_found_by_the_gateways_identifier(self, world: World) -> None:
        payment = world.paid()
        refund_id = "rfnd_Dashboard00001"
        made = {"id": refund_id, "amount": 500, "currency": "INR", "status": "processed"}
        tell(world, "refund.created", made | {"payment_id": PAID, "speed_requested": "normal"})
        seen = world.call_payments("GET", REFUND, principal=PARENT, refund_id=refund_id)
        assert (seen.status, seen.body["payment_id"], seen.body["reason"]) == (200, payment.payment_id, None)
