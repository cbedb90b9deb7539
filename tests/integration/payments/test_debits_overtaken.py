"""Whatever changes between reading and writing is read again: no news is lost, no debit is made twice."""

from typing import Any

import pytest

from runtime.payments.debits.worker import CHANGE_ATTEMPTS_MAX, Worked
from runtime.payments.inbox import EventState
from tests.events import Answer
from tests.integration.payments.debits import RETRIES, Desk, assert_paid_once
from tests.integration.payments.test_mandates import TOKEN, active, authorised, register, token
from tests.integration.payments.world import Interrupted

WRITES = range(1, 6)
"""Of one message's work, the writes after the lease."""


def nothing() -> None:
    return None


def overtaken(desk: Desk, number: int, happens: Any) -> Desk:
    """The function in a process in which something happens right before its write of that number."""
    client = Interrupted(desk.world.client)
    client.before["transact_write_items"] = [*[nothing] * number, happens]
    return desk.over(client)


def settled(desk: Desk, payment_id: str) -> None:
    """Everything that is due is done; a worker that gave up is followed by the next."""
    for _ in range(12):
        if desk.record(payment_id).due_at is None:
            return
        desk.world.clock.advance(seconds=30)  # a lease that was left runs out
        desk.next(payment_id)


@pytest.mark.parametrize("number", WRITES)
def test_a_result_that_comes_while_the_debit_is_made(desk: Desk, number: int) -> None:
    payment_id = desk.debited()
    desk.announced(payment_id)
    desk.go_to(desk.record(payment_id).due_at)

    def told() -> None:
        for debit in desk.world.gateway.debits:
            desk.tell_of_payment(debit, f"evt_{debit['id']}")

    overtaken(desk, number, told).work(payment_id)
    settled(desk, payment_id)
    assert_paid_once(desk, payment_id)
    assert len(desk.world.gateway.debits) == 1


@pytest.mark.parametrize("number", WRITES)
def test_a_result_that_comes_while_it_is_asked_for(desk: Desk, number: int) -> None:
    payment_id = desk.debited()
    desk.announced(payment_id)
    desk.tried(payment_id)
    desk.go_to(desk.record(payment_id).due_at)
    overtaken(desk, number, lambda: desk.tell_of_payment(desk.world.gateway.debits[0])).work(payment_id)
    settled(desk, payment_id)
    assert_paid_once(desk, payment_id)


@pytest.mark.parametrize("number", WRITES)
def test_a_wake_up_at_any_moment_of_the_announcement_makes_no_second_order(desk: Desk, number: int) -> None:
    payment_id = desk.debited()
    desk.go_to(desk.record(payment_id).due_at)
    orders = len(desk.world.gateway.orders)

    def woken() -> None:
        desk.put_back(desk.record(payment_id).model_copy(update={"woken": True}))

    overtaken(desk, number, woken).work(payment_id)
    desk.world.clock.advance(seconds=150)
    while not desk.record(payment_id).notices:
        desk.next(payment_id)
    assert len(desk.world.gateway.orders) == orders + 1


def test_a_record_that_never_keeps_still_is_left_for_later_and_loses_nothing(desk: Desk) -> None:
    payment_id = desk.debited()
    desk.announced(payment_id)
    desk.tried(payment_id)
    desk.go_to(desk.record(payment_id).due_at)
    client = Interrupted(desk.world.client)

    def changed() -> None:
        desk.put_back(desk.record(payment_id).model_copy(update={"woken": True}))

    client.before["transact_write_items"] = [nothing, nothing, *[changed] * (CHANGE_ATTEMPTS_MAX + 1)]
    assert desk.over(client).work(payment_id) is Worked.POSTPONED
    settled(desk, payment_id)
    assert_paid_once(desk, payment_id)


def test_who_is_overtaken_on_the_lease_leaves_the_debit_to_the_other(desk: Desk) -> None:
    payment_id = desk.debited()
    desk.go_to(desk.record(payment_id).due_at)
    orders = len(desk.world.gateway.orders)
    slow = overtaken(desk, 0, lambda: desk.work(payment_id))
    assert slow.work(payment_id) is Worked.TAKEN
    assert len(desk.world.gateway.orders) == orders + 1


def test_two_debits_that_reach_for_one_cycle(desk: Desk) -> None:
    mandate_id = active(desk.world)["mandate_id"]
    desk.world.clock.advance(seconds=300)
    answers: list[Answer] = []

    def first() -> None:
        answers.append(desk.debit(mandate_id, key="key-debit-0002"))

    slow = overtaken(desk, 0, first)
    refused = slow.debit(mandate_id)
    assert [answer.status for answer in answers] == [201]
    assert (refused.status, refused.code) == (409, "concurrent-change")
    assert desk.debit(mandate_id).code == "debit-cycle-taken"


@pytest.mark.parametrize(("method", "key"), [("POST", "key-retry-0001"), ("DELETE", None)])
def test_a_caller_who_is_overtaken_is_told_and_may_repeat(desk: Desk, method: str, key: str | None) -> None:
    payment_id = desk.debited()

    def changed() -> None:
        desk.put_back(desk.record(payment_id).model_copy(update={"woken": True}))

    slow = overtaken(desk, 0, changed)
    answer = slow.call(method, RETRIES, key=key, payment_id=payment_id)
    assert (answer.status, answer.code) == (409, "concurrent-change")
    again = desk.call(method, RETRIES, key=key, payment_id=payment_id)
    assert again.status in (200, 202)


def test_an_applier_that_is_overtaken_hears_the_notice_all_the_same(desk: Desk) -> None:
    payment_id = desk.debited()
    order_id = desk.announced(payment_id, deliver=False)

    def changed() -> None:
        desk.put_back(desk.record(payment_id).model_copy(update={"woken": True}))

    slow = overtaken(desk, 0, changed)
    assert slow.tell_of_notice(order_id) is EventState.APPLIED
    assert desk.record(payment_id).notices[-1].status.value == "delivered"


def test_a_status_that_is_not_documented_is_left_to_a_person_and_not_debited_again(desk: Desk) -> None:
    payment_id = desk.debited()
    desk.announced(payment_id)
    desk.tried(payment_id, "created")
    desk.world.gateway.debits[0]["status"] = "frozen"
    for _ in range(3):
        desk.next(payment_id)
    assert desk.shown(payment_id)["plan"]["reason"] == "outcome_unknown"
    assert len(desk.world.gateway.debits) == 1
    assert "not documented" in desk.world.log.getvalue()


def test_a_mandate_whose_status_is_not_documented_is_asked_about_again(desk: Desk) -> None:
    made = register(desk.world).body
    desk.world.tell("evt_pay", "payment.captured", authorised(made["checkout"]["order_id"]), 1_775_025_100)
    payment_id = desk.debit(made["mandate_id"]).body["payment_id"]
    desk.world.gateway.tokens[TOKEN] = token("frozen")
    desk.next(payment_id)
    plan = desk.shown(payment_id)["plan"]
    assert (plan["kind"], plan["reason"]) == ("poll", "mandate_not_confirmed")


def test_a_debit_whose_cycle_went_to_another_is_stopped(desk: Desk) -> None:
    payment_id = desk.debited()
    desk.announced(payment_id)
    terms = desk.world.stored(payment_id).debit
    assert terms is not None
    cycle = {"pk": f"MANDATE#{terms.mandate_id}", "sk": f"CYCLE#{terms.cycle_start}"}
    desk.world.tables.put("payments", {**cycle, "payment_id": "pmt_another"})
    desk.next(payment_id)
    shown = desk.shown(payment_id)
    assert (shown["state"], [why["code"] for why in shown["plan"]["because"]]) == ("stopped", ["cycle_taken"])
    assert desk.world.gateway.debits == []
