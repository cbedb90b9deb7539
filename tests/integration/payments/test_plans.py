"""A school agrees that it is paid by instalments; payments that name the plan are received into it, once."""

from itertools import permutations
from typing import Any

import pytest

from runtime.payments.instalments.model import RECEIPTS_MAX, GivenBack, Receipt
from runtime.payments.model import Payment, PaymentStatus
from runtime.payments.plans.model import AgreedPlan
from runtime.platform.auth import Role
from runtime.platform.dynamodb import Transaction
from tests.events import Answer, caller
from tests.integration.payments.gateway import Crashed, gateway_payment
from tests.integration.payments.test_races import at_once
from tests.integration.payments.test_refunds import at_gateway, refund, tell
from tests.integration.payments.world import (
    OTHER_PARENT,
    PARENT,
    SCHOOL_ADMIN,
    Interrupted,
    World,
    webhook_body,
)

PLANS = "/v1/instalment-plans"
PREVIEW = PLANS + "/preview"
PLAN = PLANS + "/{plan_id}"
PREPAYMENT = PLAN + "/prepayment"
FINANCE_ELSEWHERE = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])
EQUAL = {"kind": "equal", "principal_paise": 90_000, "count": 3, "first_due_on": "2026-04-05"}
EMI = {
    "kind": "emi",
    "principal_paise": 1_000_000,
    "count": 24,
    "annual_rate_bps": 2_400,
    "first_due_on": "2026-05-01",
}
PARTS = [
    {"due_on": "2026-04-05", "amount_paise": 50_000},
    {"due_on": "2026-06-05", "amount_paise": 40_000},
]
CUSTOM = {"kind": "custom", "principal_paise": 90_000, "parts": PARTS}


def call(world: World, method: str, path: str, **more: Any) -> Answer:
    """A call of the payments API, by the parent unless told otherwise."""
    return world.call_payments(method, path, **{"principal": PARENT} | more)


def agree(
    world: World,
    terms: Any = EQUAL,
    *,
    key: str | None = "plan-0000001",
    principal: Any = SCHOOL_ADMIN,
    **more: Any,
) -> Answer:
    body = {"school_id": "sch_1", "payer_id": "usr_parent", "description": "Meals 2026/27"} | terms | more
    return call(world, "POST", PLANS, principal=principal, key=key, body=body)


def agreed(world: World, terms: Any = EQUAL, **more: Any) -> str:
    answer = agree(world, terms, **more)
    assert answer.status == 201, answer.text
    return str(answer.body["plan_id"])


def shown(world: World, plan_id: str) -> dict[str, Any]:
    return call(world, "GET", PLAN, plan_id=plan_id).body


def kept(world: World, plan_id: str) -> AgreedPlan:
    found = world.repository.plans.get(plan_id)
    assert found is not None
    return found


def pay(
    world: World, plan_id: str, amount: int, number: int = 1, at: int = 1_775_025_000, **more: Any
) -> Payment:
    """A payment towards the plan that is captured."""
    payment = world.created(plan_id=plan_id, amount_paise=amount, **more)
    captured = world.gateway.pay(str(payment.order_id), f"pay_{number:014d}")
    world.tell(f"evt_{number}", "payment.captured", captured, at)
    return world.stored(payment.payment_id)


class TestLookingAhead:
    def test_the_worked_example_of_a_reducing_balance(self, world: World) -> None:
        """₹10,000.00 over 24 months at 24 % a year: 528.71 a month, 200.00 interest in the first."""
        answer = call(world, "POST", PREVIEW, body=EMI)
        assert answer.status == 200
        assert (answer.body["instalment_paise"], answer.body["count"]) == (52_871, 24)
        assert answer.body["lines"][0]["interest_paise"] == 20_000
        assert sum(each["principal_paise"] for each in answer.body["lines"]) == 1_000_000
        assert world.tables.items("payments") == []

    def test_equal_parts_differ_by_a_paisa_at_most(self, world: World) -> None:
        answer = call(world, "POST", PREVIEW, body=EQUAL | {"principal_paise": 100_000})
        assert [each["amount_paise"] for each in answer.body["lines"]] == [33_334, 33_333, 33_333]

    def test_the_anchor_is_remembered_over_february(self, world: World) -> None:
        terms = EQUAL | {"count": 4, "first_due_on": "2026-12-31", "anchor_day": 31}
        days = [each["due_on"] for each in call(world, "POST", PREVIEW, body=terms).body["lines"]]
        assert days == ["2026-12-31", "2027-01-31", "2027-02-28", "2027-03-31"]

    @pytest.mark.parametrize(
        ("terms", "code"),
        [
            (CUSTOM | {"principal_paise": 90_001}, "instalments-do-not-sum"),
            (EQUAL | {"principal_paise": 0}, "instalment-amount-invalid"),
            (EQUAL | {"principal_paise": 299}, "instalment-too-small"),
            (EQUAL | {"count": 361}, "instalment-count-invalid"),
            (EQUAL | {"count": 0}, "instalment-count-invalid"),
            (EQUAL | {"first_due_on": "2026-03-31"}, "instalment-due-date-invalid"),
            (EQUAL | {"first_due_on": "2026-04-31"}, "instalment-due-date-invalid"),
            (EQUAL | {"anchor_day": 31}, "instalment-due-date-invalid"),
            (EMI | {"annual_rate_bps": 10_001}, "instalment-rate-invalid"),
            (
                EMI | {"principal_paise": 12_000, "count": 360, "annual_rate_bps": 10_000},
                "instalments-do-not-amortise",
            ),
            (CUSTOM | {"parts": PARTS[::-1]}, "instalment-due-date-invalid"),
        ],
    )
    def test_impossible_terms_are_named(self, world: World, terms: dict[str, Any], code: str) -> None:
        answer = call(world, "POST", PREVIEW, body=terms)
        assert (answer.status, answer.code) == (422, code)

    @pytest.mark.parametrize(
        ("terms", "pointers"),
        [
            ({"kind": "equal", "principal_paise": 90_000}, ["/count", "/first_due_on"]),
            ({"kind": "custom", "principal_paise": 90_000}, ["/parts"]),
            (EQUAL | {"annual_rate_bps": 100}, ["/annual_rate_bps"]),
            ({name: value for name, value in EMI.items() if name != "annual_rate_bps"}, ["/annual_rate_bps"]),
            (CUSTOM | {"count": 2, "anchor_day": 5}, ["/anchor_day", "/count"]),
        ],
    )
    def test_terms_that_do_not_belong_together_are_named(
        self, world: World, terms: dict[str, Any], pointers: list[str]
    ) -> None:
        answer = call(world, "POST", PREVIEW, body=terms)
        assert (answer.status, answer.code) == (400, "body-invalid")
        assert [error["pointer"] for error in answer.body["errors"]] == pointers


class TestAgreeing:
    def test_a_plan_is_kept_and_told(self, world: World) -> None:
        answer = agree(world)
        assert (answer.status, answer.body["kind"], answer.body["payable_paise"]) == (201, "equal", 90_000)
        assert (answer.body["next_due_on"], answer.body["next_due_paise"]) == ("2026-04-05", 30_000)
        plan_id = answer.body["plan_id"]
        assert world.events(plan_id) == ["PlanAgreed"]
        (audited,) = [each for each in world.tables.items("audit") if each["action"] == "instalments.create"]
        assert (audited["actor_id"], audited["subject"]) == ("usr_admin_of_1", plan_id)
        assert shown(world, plan_id)["lines"] == answer.body["lines"]

    def test_one_key_makes_one_plan_and_its_answer_outlives_its_days(self, world: World) -> None:
        first, again = agree(world), agree(world)
        assert (first.status, first.body) == (again.status, again.body)
        world.clock.advance(seconds=6 * 86_400)
        assert agree(world).body == first.body
        assert agree(world, key="plan-0000002").code == "instalment-due-date-invalid"
        assert len(call(world, "GET", PLANS).body["items"]) == 1

    def test_the_same_key_for_another_plan_is_refused(self, world: World) -> None:
        agree(world)
        assert agree(world, EMI).code == "idempotency-key-reused"

    def test_many_calls_with_one_key_at_once_make_one_plan(self, world: World) -> None:
        answers = at_once(*[lambda: agree(world).status] * 8)
        assert set(answers) <= {201, 409}
        assert len(call(world, "GET", PLANS).body["items"]) == 1

    def test_a_crash_before_it_is_written_leaves_nothing_and_the_next_call_makes_it(
        self, world: World
    ) -> None:
        dying = Interrupted(world.client)

        def die() -> None:
            raise Crashed

        dying.before["transact_write_items"] = [die]
        with pytest.raises(Crashed):
            agree(world.over(dying))
        assert world.tables.items("payments") == []
        world.clock.advance(seconds=60)
        assert agree(world).status == 201

    def test_who_took_the_claim_over_wins(self, world: World) -> None:
        slow = Interrupted(world.client)

        def taken_over() -> None:
            world.clock.advance(seconds=60)
            assert agree(world).status == 201

        slow.before["transact_write_items"] = [taken_over]
        assert agree(world.over(slow)).code == "concurrent-change"
        assert len(call(world, "GET", PLANS).body["items"]) == 1

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            ({"principal": PARENT}, "forbidden"),
            ({"principal": FINANCE_ELSEWHERE}, "school-forbidden"),
            ({"school_id": "sch_9"}, "school-unknown"),
            ({"key": None}, "idempotency-key-missing"),
            ({"principal_paise": 900.5}, "amount-not-integer"),
            ({"payer_id": None}, "body-invalid"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, world: World, more: dict[str, Any], code: str) -> None:
        assert agree(world, **more).code == code
        assert world.tables.items("payments") == []


class TestPaying:
    def test_a_captured_payment_covers_the_oldest_line_first(self, world: World) -> None:
        plan_id = agreed(world)
        payment = pay(world, plan_id, 45_000)
        plan = shown(world, plan_id)
        assert [each["paid_paise"] for each in plan["lines"]] == [30_000, 15_000, 0]
        assert [each["status"] for each in plan["lines"]] == ["paid", "upcoming", "upcoming"]
        assert (plan["paid_paise"], plan["outstanding_paise"]) == (45_000, 45_000)
        (received,) = plan["payments"]
        assert (received["payment_id"], received["received_at"]) == (
            payment.payment_id,
            "2026-04-01T06:30:00.000Z",
        )
        assert world.events(plan_id) == ["PlanAgreed", "PlanPaymentReceived"]
        assert world.get(payment.payment_id).body["plan_id"] == plan_id
        assert world.books(payment).balances_paise["school_payable:sch_1"] == -45_000

    def test_what_is_not_captured_is_not_received(self, world: World) -> None:
        plan_id = agreed(world)
        payment = world.created(plan_id=plan_id, amount_paise=45_000)
        for number, status in enumerate(("failed", "authorized")):
            word = gateway_payment(f"pay_{number}", payment.order_id, status=status)
            world.tell(f"evt_{number}", f"payment.{status}", word, 1_775_025_000 + number)
        assert shown(world, plan_id)["payments"] == []

    def test_the_last_payment_pays_the_plan(self, world: World) -> None:
        plan_id = agreed(world)
        pay(world, plan_id, 30_000, 1)
        pay(world, plan_id, 60_000, 2)
        plan = shown(world, plan_id)
        assert (plan["is_paid"], plan["next_due_on"]) == (True, None)
        assert world.events(plan_id) == ["PlanAgreed", "PlanPaid", "PlanPaymentReceived"]

    def test_days_pass_and_what_is_not_paid_is_due_then_overdue(self, world: World) -> None:
        plan_id = agreed(world)
        pay(world, plan_id, 10_000)
        world.clock.advance(seconds=4 * 86_400)  # 5 April
        assert (shown(world, plan_id)["due_paise"], shown(world, plan_id)["overdue_paise"]) == (20_000, 0)
        world.clock.advance(seconds=86_400)
        plan = shown(world, plan_id)
        assert (plan["due_paise"], plan["overdue_paise"]) == (20_000, 20_000)
        assert plan["lines"][0]["status"] == "overdue"

    def test_events_in_any_order_and_twice_receive_it_once(self, world: World) -> None:
        for number, order in enumerate(permutations(range(3))):
            plan_id = agreed(world, key=f"plan-order-{number:03d}")
            payment = world.created(plan_id=plan_id)
            gateway_id = f"pay_{number:014d}"
            words = [
                ("payment.authorized", gateway_payment(gateway_id, payment.order_id, status="authorized")),
                ("payment.captured", gateway_payment(gateway_id, payment.order_id)),
                ("order.paid", gateway_payment(gateway_id, payment.order_id)),
            ]
            for which in (*order, *order):
                event, word = words[which]
                world.deliver(webhook_body(event, word), event_id=f"evt_{number}_{which}")
                world.applier.apply(f"evt_{number}_{which}", request_id="req")
            assert [each["amount_paise"] for each in shown(world, plan_id)["payments"]] == [45_000]
            assert world.events(plan_id) == ["PlanAgreed", "PlanPaymentReceived"]

    def test_two_payments_end_the_same_whichever_is_heard_first(self, world: World) -> None:
        """Allocation follows the moments of the captures, not the order of hearing."""
        allocations = []
        for number, order in enumerate(((0, 1), (1, 0))):
            plan_id = agreed(world, key=f"plan-order-{number:03d}")
            payments = [world.created(plan_id=plan_id, amount_paise=amount) for amount in (20_000, 45_000)]
            for which in order:
                word = gateway_payment(
                    f"pay_{number}{which}", payments[which].order_id, amount=payments[which].amount_paise
                )
                world.tell(f"evt_{number}{which}", "payment.captured", word, 1_775_025_000 + which)
            plan = kept(world, plan_id).plan
            assert [receipt.payment_id for receipt in plan.receipts] == [
                payment.payment_id for payment in payments
            ]
            allocations.append([each["paid_paise"] for each in shown(world, plan_id)["lines"]])
        assert allocations[0] == allocations[1] == [30_000, 30_000, 5_000]

    def test_a_second_capture_is_in_suspense_and_not_in_the_plan(self, world: World) -> None:
        plan_id = agreed(world)
        payment = world.created(plan_id=plan_id)
        for number in (1, 2):
            word = gateway_payment(f"pay_{number}", payment.order_id)
            world.tell(f"evt_{number}", "payment.captured", word, 1_775_025_000)
        assert world.stored(payment.payment_id).status is PaymentStatus.CONFLICTED
        assert shown(world, plan_id)["paid_paise"] == 45_000

    def test_a_capture_of_another_amount_is_not_received(self, world: World) -> None:
        plan_id = agreed(world)
        payment = world.created(plan_id=plan_id)
        word = gateway_payment("pay_1", payment.order_id, amount=44_900)
        world.tell("evt_1", "payment.captured", word, 1_775_025_000)
        assert shown(world, plan_id)["payments"] == []

    def test_a_crash_at_the_capture_books_both_or_neither(self, world: World) -> None:
        plan_id = agreed(world)
        payment = world.created(plan_id=plan_id)
        world.deliver(webhook_body("payment.captured", gateway_payment("pay_1", payment.order_id)))

        def die() -> None:
            raise Crashed

        for moment, received in (("before", 0), ("after", 1)):
            dying = Interrupted(world.client)
            getattr(dying, moment)["transact_write_items"] = [die]
            with pytest.raises(Crashed):
                world.over(dying).applier.apply("evt_00000000000001", request_id="req")
            captured = world.stored(payment.payment_id).status is PaymentStatus.CAPTURED
            assert (captured, len(shown(world, plan_id)["payments"])) == (bool(received), received)
        world.applier.apply("evt_00000000000001", request_id="req")
        assert len(shown(world, plan_id)["payments"]) == 1

    def test_payments_captured_at_once_are_all_received(self, world: World) -> None:
        plan_id = agreed(world)
        payments = [world.created(plan_id=plan_id, amount_paise=20_000) for _ in range(4)]
        for number, payment in enumerate(payments):
            word = gateway_payment(f"pay_{number}", payment.order_id, amount=20_000)
            world.deliver(webhook_body("payment.captured", word), event_id=f"evt_{number}")
        at_once(
            *[
                lambda number=number: world.applier.apply(f"evt_{number}", request_id="req")
                for number in range(4)
            ]
        )
        assert shown(world, plan_id)["paid_paise"] == 80_000

    def test_a_plan_that_takes_no_more_keeps_no_capture_from_being_booked(self, world: World) -> None:
        plan_id = agreed(world)
        full = kept(world, plan_id)
        receipts = tuple(
            Receipt(payment_id=f"pmt_{number}", amount_paise=1, received_at=world.clock.now())
            for number in range(RECEIPTS_MAX)
        )
        transaction = Transaction(world.client)
        plan = full.plan.model_copy(update={"receipts": receipts})
        world.repository.plans.put_in(transaction, full.model_copy(update={"plan": plan}), world.clock.now())
        transaction.commit()
        payment = pay(world, plan_id, 45_000)
        assert payment.status is PaymentStatus.CAPTURED
        assert len(shown(world, plan_id)["payments"]) == RECEIPTS_MAX
        assert world.events(plan_id) == ["PlanAgreed", "PlanPaymentRefused"]

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"amount_paise": 90_001}, "/amount_paise"),
            ({"plan_id": "pln_01JQR4ZZZZZZZZZZZZZZZZZZZZ"}, "/plan_id"),
            ({"school_id": "sch_2"}, "/plan_id"),
            ({"principal": OTHER_PARENT}, "/plan_id"),
            ({"plan_id": None, "prepayment": "reduce_tenure"}, "/prepayment"),
        ],
    )
    def test_a_payment_that_does_not_belong_to_the_plan_is_refused(
        self, world: World, more: dict[str, Any], pointer: str
    ) -> None:
        world.school("sch_2", "Blue Hill School")
        body = {"plan_id": agreed(world)} | more
        answer = world.create(body.pop("principal", PARENT), **body)
        assert (answer.status, answer.code) == (422, "instalment-plan-mismatch")
        assert [error["pointer"] for error in answer.body["errors"]] == [pointer]
        assert world.gateway.orders == []

    def test_the_answer_of_a_payment_outlives_the_plan_it_paid(self, world: World) -> None:
        plan_id = agreed(world)
        first = world.create(plan_id=plan_id, amount_paise=90_000)
        word = gateway_payment("pay_1", first.body["checkout"]["order_id"], amount=90_000)
        world.tell("evt_1", "payment.captured", word, 1_775_025_000)
        again = world.create(plan_id=plan_id, amount_paise=90_000)
        assert (again.status, again.body) == (201, first.body)


class TestPayingEarly:
    def test_the_quote_is_what_the_payment_then_does(self, world: World) -> None:
        plan_id = agreed(world, EMI)
        world.clock.advance(seconds=14 * 86_400)
        query = {"amount_paise": "300000", "effect": "reduce_instalment"}
        quote = call(world, "GET", PREPAYMENT, query=query, plan_id=plan_id)
        assert quote.status == 200
        assert quote.body["prepaid_paise"] == 300_000
        assert quote.body["interest_saved_paise"] > 0
        before = shown(world, plan_id)
        at = int(world.clock.now().timestamp())
        pay(world, plan_id, 300_000, at=at, prepayment="reduce_instalment")
        after = shown(world, plan_id)
        assert after["lines"] == quote.body["lines"]
        assert before["interest_paise"] - after["interest_paise"] == quote.body["interest_saved_paise"]
        assert after["outstanding_paise"] == quote.body["outstanding_paise"]

    def test_what_closes_the_plan_closes_it_and_no_more_is_taken(self, world: World) -> None:
        plan_id = agreed(world, EMI)
        world.clock.advance(seconds=14 * 86_400)
        closing = shown(world, plan_id)["foreclosure"]["amount_paise"]
        assert 1_000_000 < closing < shown(world, plan_id)["outstanding_paise"]
        refused = world.create(plan_id=plan_id, amount_paise=closing + 1, prepayment="reduce_tenure")
        assert refused.code == "instalment-plan-mismatch"
        at = int(world.clock.now().timestamp())
        pay(world, plan_id, closing, at=at, prepayment="reduce_tenure")
        plan = shown(world, plan_id)
        assert (plan["is_paid"], plan["excess_paise"]) == (True, 0)

    def test_a_prepayment_of_no_more_than_is_due_is_an_ordinary_payment(self, world: World) -> None:
        plan_id = agreed(world, EMI)
        world.clock.advance(seconds=31 * 86_400)
        at = int(world.clock.now().timestamp())
        pay(world, plan_id, 50_000, at=at, prepayment="reduce_tenure")
        plan = shown(world, plan_id)
        assert [each["kind"] for each in plan["lines"]] == ["instalment"] * 24
        assert plan["lines"][0]["paid_paise"] == 50_000

    def test_a_quote_of_what_brings_nothing_forward_is_refused(self, world: World) -> None:
        plan_id = agreed(world)
        world.clock.advance(seconds=4 * 86_400)
        query = {"amount_paise": "30000", "effect": "reduce_tenure"}
        answer = call(world, "GET", PREPAYMENT, query=query, plan_id=plan_id)
        assert (answer.status, answer.code) == (422, "instalment-nothing-to-prepay")

    @pytest.mark.parametrize(
        "query", [{}, {"amount_paise": "0", "effect": "reduce_tenure"}, {"amount_paise": "1", "effect": "x"}]
    )
    def test_a_quote_needs_an_amount_and_an_effect(self, world: World, query: dict[str, str]) -> None:
        answer = call(world, "GET", PREPAYMENT, query=query, plan_id=agreed(world))
        assert answer.code == "query-invalid"


class TestGivingBack:
    def test_a_refund_gives_back_what_was_covered_last_and_once(self, world: World) -> None:
        plan_id = agreed(world)
        payment = pay(world, plan_id, 45_000)
        made = refund(world, payment, 20_000).body
        (told,) = world.gateway.refunds.values()
        for event, status in (("refund.created", "pending"), ("refund.processed", "processed")) * 2:
            tell(world, event, told | {"status": status})
        plan = shown(world, plan_id)
        assert made["amount_paise"] == 20_000
        assert [each["paid_paise"] for each in plan["lines"]] == [25_000, 0, 0]
        assert plan["payments"][0]["refunded_paise"] == 20_000
        assert world.events(plan_id) == ["PlanAgreed", "PlanPaymentReceived", "PlanRefundsChanged"]
        assert world.day_books().balances_paise["school_payable:sch_1"] == -25_000

    def test_a_refund_that_failed_is_taken_out_again(self, world: World) -> None:
        plan_id = agreed(world)
        payment = pay(world, plan_id, 45_000)
        before = shown(world, plan_id)["lines"]
        refund(world, payment, 20_000)
        assert shown(world, plan_id)["lines"] != before
        (told,) = world.gateway.refunds.values()
        tell(world, "refund.failed", told | {"status": "failed"})
        assert shown(world, plan_id)["lines"] == before
        assert shown(world, plan_id)["payments"][0]["refunded_paise"] == 0

    def test_refunds_in_any_order_of_words_end_the_same(self, world: World) -> None:
        ends = []
        for number, order in enumerate(permutations(range(3))):
            plan_id = agreed(world, key=f"plan-order-{number:03d}")
            payment = pay(world, plan_id, 45_000, number)
            made = [
                refund(world, payment, amount, key=f"key-refund-{number}{amount}").body["refund_id"]
                for amount in (20_000, 5_000)
            ]
            words = [
                ("refund.processed", at_gateway(world, made[0], status="processed")),
                ("refund.processed", at_gateway(world, made[1], status="processed")),
                ("refund.failed", at_gateway(world, made[1], status="failed")),
            ]
            for which in order:
                event, word = words[which]
                tell(world, event, word, name=f"evt_{number}_{which}")
            ends.append([each["paid_paise"] for each in shown(world, plan_id)["lines"]])
        assert ends == [[20_000, 0, 0]] * 6  # processed outranks failed

    def test_a_refund_of_a_second_capture_is_none_of_the_plans(self, world: World) -> None:
        plan_id = agreed(world)
        payment = world.created(plan_id=plan_id)
        for number in (1, 2):
            word = world.gateway.pay(str(payment.order_id), f"pay_{number}")
            world.tell(f"evt_{number}", "payment.captured", word, 1_775_025_000)
        told = {
            "id": "rfnd_00000000000009",
            "entity": "refund",
            "amount": 45_000,
            "currency": "INR",
            "payment_id": "pay_2",
            "status": "processed",
            "created_at": 1_775_025_050,
        }
        tell(world, "refund.processed", told)
        assert shown(world, plan_id)["paid_paise"] == 45_000

    def test_a_refund_at_a_full_plan_is_told_and_booked(self, world: World) -> None:
        plan_id = agreed(world)
        payment = pay(world, plan_id, 45_000)
        there = kept(world, plan_id)
        refunds = tuple(
            GivenBack(refund_id=f"r{n}", payment_id="pmt_x", amount_paise=1, given_at=world.clock.now())
            for n in range(RECEIPTS_MAX)
        )
        more = Receipt(payment_id="pmt_x", amount_paise=RECEIPTS_MAX, received_at=world.clock.now())
        plan = there.plan.model_copy(update={"refunds": refunds, "receipts": (*there.plan.receipts, more)})
        transaction = Transaction(world.client)
        world.repository.plans.put_in(transaction, there.model_copy(update={"plan": plan}), world.clock.now())
        transaction.commit()
        assert refund(world, payment, 20_000).status == 201
        assert "PlanPaymentRefused" in world.events(plan_id)


class TestTenancy:
    def test_others_do_not_see_a_plan(self, world: World) -> None:
        plan_id = agreed(world)
        for principal in (OTHER_PARENT, FINANCE_ELSEWHERE):
            answer = call(world, "GET", PLAN, principal=principal, plan_id=plan_id)
            assert (answer.status, answer.code) == (404, "instalment-plan-not-found")
            query = {"amount_paise": "40000", "effect": "reduce_tenure"}
            quote = call(world, "GET", PREPAYMENT, principal=principal, query=query, plan_id=plan_id)
            assert quote.code == "instalment-plan-not-found"
        assert call(world, "GET", PLAN, plan_id="pln_none").code == "instalment-plan-not-found"

    def test_each_lists_its_own(self, world: World) -> None:
        first = agreed(world)
        second = agreed(world, key="plan-0000002", payer_id="usr_other")

        def listed(principal: Any) -> set[str]:
            return {item["plan_id"] for item in call(world, "GET", PLANS, principal=principal).body["items"]}

        assert listed(PARENT) == {first}
        assert listed(OTHER_PARENT) == {second}
        assert listed(SCHOOL_ADMIN) == {first, second}
        assert listed(FINANCE_ELSEWHERE) == set()
        query = {"school_id": "sch_1"}
        assert call(world, "GET", PLANS, principal=FINANCE_ELSEWHERE, query=query).code == "school-forbidden"
        assert world.page().body["items"] == []
