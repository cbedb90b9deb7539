"""A debit by mandate from the request to the money, whatever comes in between: one debit, each paisa once."""

from collections import Counter
from datetime import timedelta
from functools import partial
from itertools import permutations

import pytest

from runtime.payments.debits.worker import Worked
from runtime.payments.inbox import EventState
from runtime.payments.model import PaymentStatus
from runtime.platform.clock import IST, from_iso
from tests.integration.payments.debits import Desk, assert_paid_once
from tests.integration.payments.test_mandates import TOKEN, authorised, register, token


class TestTheWay:
    def test_planned_announced_debited_and_booked(self, desk: Desk) -> None:
        payment_id = desk.debited()
        world = desk.world
        assert world.gateway.calls.count("create_order") == 1  # the mandate's own: nothing has left for this
        order_id = desk.announced(payment_id)
        record = desk.record(payment_id)
        (notice,) = record.notices
        assert (notice.receipt, notice.status.value) == (f"{payment_id}-1", "delivered")
        order = world.gateway.orders[-1]
        assert order["id"] == order_id
        assert order["notification"]["payment_after"] == int(from_iso(str(record.plan.at)).timestamp())
        desk.next(payment_id)
        assert len(world.gateway.debits) == 1
        made_at = world.clock.now()
        assert made_at - from_iso(str(notice.delivered_at)) >= timedelta(hours=25)
        assert not 10 <= made_at.astimezone(IST).hour < 13
        assert world.stored(payment_id).status is PaymentStatus.PENDING
        desk.tell_of_payment(world.gateway.debits[0])
        assert_paid_once(desk, payment_id)
        assert desk.work(payment_id) is Worked.DONE
        shown = desk.shown(payment_id)
        assert (shown["state"], shown["plan"]["reason"], desk.record(payment_id).due_at) == (
            "paid",
            "paid",
            None,
        )
        assert [one["outcome"] for one in shown["tries"]] == ["captured"]

    def test_the_answer_says_when_and_why(self, desk: Desk) -> None:
        payment_id = desk.debited()
        shown = desk.shown(payment_id)
        assert (shown["state"], shown["plan"]["kind"], shown["plan"]["attempt_no"]) == ("planned", "retry", 1)
        because = {why["code"]: why for why in shown["plan"]["because"]}
        assert {"notice_minutes", "notice_lead_minutes", "peak_hours", "best_slot"} <= because.keys()
        assert all(why["sentence"] and why["source"] for why in because.values())
        assert because["notice_minutes"]["until"] is not None

    def test_every_step_is_audited_and_told_with_its_change(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id)
        desk.tell_of_payment(desk.world.gateway.debits[0])
        desk.work(payment_id)
        told = Counter(desk.world.events(payment_id))
        assert told["RetryPaid"] == 1
        assert told["RetryPolling"] >= 1
        assert told["RetryPlanned"] == 2  # planned, and again once it was announced
        actions = [
            line["action"] for line in desk.world.tables.items("audit") if line["subject"] == payment_id
        ]
        assert {"debits.create", "debits.announce", "debits.try", "debits.tried"} <= set(actions)

    def test_a_failure_starts_the_planning_and_the_retry_is_another_try(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id, "insufficient_funds")
        assert desk.tell_of_payment(desk.world.gateway.debits[0]) is EventState.APPLIED
        record = desk.record(payment_id)
        assert record.woken
        assert desk.work(payment_id) is Worked.DONE
        plan = desk.record(payment_id).plan
        assert (plan.kind.value, plan.attempt_no, plan.cycle_attempt_no) == ("retry", 2, 2)
        assert "backoff" in {why.code for why in plan.because}
        if plan.notify_at is not None:
            desk.announced(payment_id)
        desk.tried(payment_id)
        desk.tell_of_payment(desk.world.gateway.debits[1])
        assert_paid_once(desk, payment_id)
        assert [one.number for one in desk.record(payment_id).tries] == [1, 2]

    def test_never_more_than_four_tries_in_a_cycle(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        for number in range(4):
            if desk.record(payment_id).plan.notify_at is not None:
                desk.announced(payment_id)
            desk.tried(payment_id, "insufficient_funds")
            desk.tell_of_payment(desk.world.gateway.debits[number])
            desk.work(payment_id)
        shown = desk.shown(payment_id)
        assert (shown["state"], shown["plan"]["kind"]) == ("stopped", "stop")
        assert shown["plan"]["reason"] in {"attempts_exhausted", "no_slot"}
        assert len(desk.world.gateway.debits) == 4
        assert desk.record(payment_id).due_at is None

    def test_a_hard_decline_asks_the_customer_and_debits_no_more(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id, "mandate_not_active")
        desk.tell_of_payment(desk.world.gateway.debits[0])
        desk.work(payment_id)
        plan = desk.shown(payment_id)["plan"]
        assert (plan["kind"], plan["reason"], plan["remedy"]) == (
            "ask_customer",
            "hard_decline",
            "new_mandate",
        )
        assert desk.record(payment_id).due_at is None
        assert "RetryNeedsCustomer" in desk.world.events(payment_id)


class TestSilence:
    def test_an_outcome_that_nobody_tells_is_asked_for(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id)
        assert desk.record(payment_id).plan.kind.value == "poll"
        desk.next(payment_id)  # two minutes later
        assert_paid_once(desk, payment_id)
        assert desk.record(payment_id).state.value == "paid"

    def test_a_bank_that_stays_silent_is_asked_three_times_and_never_debited_again(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tried(payment_id, "created")
        for _ in range(3):
            desk.next(payment_id)
        shown = desk.shown(payment_id)
        assert (shown["plan"]["kind"], shown["plan"]["reason"]) == ("stop", "outcome_unknown")
        assert len(desk.world.gateway.debits) == 1
        assert desk.record(payment_id).due_at is not None
        desk.next(payment_id)
        assert len(desk.world.gateway.debits) == 1

    @pytest.mark.parametrize("fault", ["timeout after", "500 after", "502 after"])
    def test_a_lost_answer_is_found_at_the_order_and_not_repeated(self, desk: Desk, fault: str) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.world.gateway.plan("create_recurring_payment", fault)
        desk.tried(payment_id)
        assert desk.shown(payment_id)["tries"][0]["outcome"] == "unknown"
        desk.next(payment_id)
        assert_paid_once(desk, payment_id)
        assert len(desk.world.gateway.debits) == 1

    def test_a_debit_that_never_arrived_is_known_for_that_an_hour_later_and_made(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.world.gateway.plan("create_recurring_payment", "timeout before")
        desk.next(payment_id)
        desk.next(payment_id)  # two minutes: it may still be under way
        assert [one.not_made for one in desk.record(payment_id).tries] == [False]
        desk.next(payment_id)  # an hour
        assert [one.not_made for one in desk.record(payment_id).tries] == [True]
        desk.tried(payment_id)
        desk.next(payment_id)
        assert_paid_once(desk, payment_id)
        assert [one["outcome"] for one in desk.shown(payment_id)["tries"]] == ["not_made", "captured"]

    @pytest.mark.parametrize("fault", ["429", "refused"])
    def test_a_gateway_that_is_not_reached_costs_no_attempt_and_no_day(self, desk: Desk, fault: str) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        planned_at = desk.record(payment_id).plan.at
        desk.world.gateway.plan("create_recurring_payment", *[fault] * 10)
        assert desk.next(payment_id) is Worked.POSTPONED
        desk.world.gateway.forget_faults()
        record = desk.record(payment_id)
        assert (record.tries, record.state.value, record.plan.at) == ((), "planned", planned_at)
        desk.next(payment_id)
        assert desk.world.clock.now() - from_iso(str(planned_at)) < timedelta(minutes=5)
        desk.next(payment_id)
        assert_paid_once(desk, payment_id)
        assert [one.number for one in desk.record(payment_id).tries] == [1]

    def test_a_refusal_at_once_counts_as_a_failure(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.world.gateway.debit_outcomes.append("refused")
        desk.next(payment_id)
        shown = desk.shown(payment_id)
        assert [one["outcome"] for one in shown["tries"]] == ["refused"]
        assert desk.world.gateway.debits == []

    @pytest.mark.parametrize("operation", ["create_order", "find_order_by_receipt", "list_order_payments"])
    def test_a_silent_gateway_postpones_and_loses_nothing(self, desk: Desk, operation: str) -> None:
        payment_id = desk.debited()
        if operation == "list_order_payments":
            desk.announced(payment_id)
        desk.world.gateway.plan(operation, *["timeout before"] * 10)
        if operation == "create_order":
            desk.world.gateway.plan("find_order_by_receipt", *["none"])
        assert desk.next(payment_id) is Worked.POSTPONED
        desk.world.gateway.forget_faults()
        desk.world.clock.advance(seconds=120)
        if operation != "list_order_payments":
            desk.announced(payment_id)
        desk.tried(payment_id)
        desk.next(payment_id)
        assert_paid_once(desk, payment_id)


class TestNotices:
    def test_delivery_that_nobody_told_of_is_asked_for_before_the_debit(self, desk: Desk) -> None:
        payment_id = desk.debited()
        order_id = desk.announced(payment_id, deliver=False)
        desk.world.clock.advance(seconds=60)
        desk.world.gateway.deliver_notice(order_id)
        desk.tried(payment_id)
        assert len(desk.record(payment_id).notices) == 1

    def test_without_delivery_there_is_no_debit(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id, deliver=False)
        desk.next(payment_id)
        assert desk.world.gateway.debits == []

    def test_a_notice_that_failed_is_raised_again_by_another_order(self, desk: Desk) -> None:
        payment_id = desk.debited()
        first = desk.announced(payment_id, deliver=False)
        assert desk.tell_of_notice(first, "failed") is EventState.APPLIED
        assert desk.work(payment_id) is Worked.DONE
        second = desk.announced(payment_id)
        assert first != second
        assert desk.world.stored(payment_id).order_id == second
        desk.tried(payment_id)
        desk.tell_of_payment(desk.world.gateway.debits[0])
        assert_paid_once(desk, payment_id)

    def test_words_about_a_notice_end_the_same_in_any_order(self, desk: Desk) -> None:
        ends = []
        payment_id = desk.debited()
        order_id = desk.announced(payment_id, deliver=False)
        before = desk.record(payment_id)
        for number, order in enumerate(permutations(("delivered", "failed", "delivered"))):
            desk.put_back(before)
            for step, status in enumerate(order):
                desk.tell_of_notice(order_id, status, f"evt_{number}_{step}")
            ends.append(desk.record(payment_id).notices[-1].status.value)
        assert set(ends) == {"failed"}

    def test_a_notice_of_nobody_and_one_of_a_payment_that_is_no_debit_change_nothing(
        self, desk: Desk
    ) -> None:
        nobody = {"id": "notification_X", "order_id": "order_X", "status": "delivered"}
        told = partial(desk.tell, "order.notification.delivered")
        assert told({"notification": nobody}, "evt_x") is EventState.NOT_OURS
        payment = desk.world.created()
        assert (
            told({"notification": nobody | {"order_id": payment.order_id}}, "evt_y") is EventState.NO_CHANGE
        )

    def test_an_order_that_the_gateway_refuses_waits_for_a_person(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.world.gateway.plan("create_order", "400")
        desk.next(payment_id)
        shown = desk.shown(payment_id)
        assert (shown["state"], [why["code"] for why in shown["plan"]["because"]]) == (
            "stopped",
            ["order_refused"],
        )


class TestMandates:
    def test_one_that_was_paused_meanwhile_is_not_debited_and_goes_on_when_resumed(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.tell_of_token("paused")
        desk.next(payment_id)
        plan = desk.shown(payment_id)["plan"]
        assert (plan["kind"], plan["reason"], plan["remedy"]) == (
            "ask_customer",
            "mandate_paused",
            "resume_mandate",
        )
        assert desk.world.gateway.debits == []
        desk.tell_of_token("confirmed")
        desk.next(payment_id)  # the daily look
        assert desk.record(payment_id).plan.kind.value == "retry"

    def test_one_that_was_cancelled_by_us_is_not_debited_before_the_bank_confirms(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        mandate_id = desk.record(payment_id).mandate_id
        assert desk.world.call("DELETE", "/v1/mandates/{mandate_id}", mandate_id=mandate_id).status == 200
        desk.next(payment_id)
        assert desk.world.gateway.debits == []
        assert desk.shown(payment_id)["plan"]["reason"] == "mandate_ended"

    def test_one_that_is_not_confirmed_yet_is_asked_about(self, desk: Desk) -> None:
        world = desk.world
        made = register(world).body
        world.tell("evt_pay", "payment.captured", authorised(made["checkout"]["order_id"]), 1_775_025_100)
        answer = desk.debit(made["mandate_id"])
        assert (answer.status, answer.body["plan"]["kind"]) == (201, "poll")
        payment_id = answer.body["payment_id"]
        world.gateway.tokens[TOKEN] = token("confirmed")
        desk.next(payment_id)
        assert desk.record(payment_id).plan.kind.value == "retry"

    def test_a_payer_who_cannot_be_reached_any_more_is_not_debited(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.world.contacts.emails.clear()
        desk.next(payment_id)
        assert desk.world.gateway.debits == []
        shown = desk.shown(payment_id)
        assert [why["code"] for why in shown["plan"]["because"]] == ["contact_missing"]
