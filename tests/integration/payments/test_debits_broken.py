"""Processes die and messages come fifty times: the gateway is asked for one debit all the same."""

from collections import Counter
from collections.abc import Callable

import pytest

from runtime.payments.debits.worker import NEEDED_MS, Worked
from tests.integration.payments.debits import Desk, assert_paid_once
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.test_races import at_once
from tests.integration.payments.world import Interrupted

CRASHES = [
    "before the try",
    "after the try",
    "after the debit",
    "before the answer is kept",
    "after it is kept",
]


class TestCrashes:
    @pytest.mark.parametrize("moment", CRASHES)
    def test_a_crash_at_any_point_makes_one_debit(self, desk: Desk, moment: str) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.go_to(desk.record(payment_id).due_at)
        with pytest.raises(Crashed):
            crashing(desk, moment).work(payment_id)
        desk.world.gateway.forget_faults()
        desk.world.clock.advance(seconds=27)  # the lease of the one that died
        for _ in range(8):
            if desk.record(payment_id).due_at is None:
                break
            desk.next(payment_id)
        assert_paid_once(desk, payment_id)
        assert len(desk.world.gateway.debits) == 1

    def test_a_crash_after_the_order_finds_the_order_again(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.go_to(desk.record(payment_id).due_at)
        desk.world.gateway.plan("create_order", "crash after")
        with pytest.raises(Crashed):
            desk.work(payment_id)
        orders = len(desk.world.gateway.orders)
        desk.world.clock.advance(seconds=27)
        desk.announced(payment_id)
        assert len(desk.world.gateway.orders) == orders
        desk.tried(payment_id)
        desk.next(payment_id)
        assert_paid_once(desk, payment_id)

    def test_while_one_is_at_work_others_leave_it(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.go_to(desk.record(payment_id).due_at)
        desk.world.gateway.plan("create_order", "crash after")
        with pytest.raises(Crashed):
            desk.work(payment_id)
        assert desk.work(payment_id) is Worked.TAKEN


def crashing(desk: Desk, moment: str) -> Desk:
    """The function in a process that dies at that moment of its work on a debit."""
    client = Interrupted(desk.world.client)
    writes: list[Callable[[], None]] = [lambda: None, crash]  # the lease, then the try
    if moment == "before the try":
        client.before["transact_write_items"] = writes
    elif moment == "after the try":
        client.after["transact_write_items"] = writes
    elif moment == "after the debit":
        desk.world.gateway.plan("create_recurring_payment", "crash after")
    elif moment == "before the answer is kept":
        client.before["transact_write_items"] = [lambda: None, lambda: None, crash]
    else:
        client.after["transact_write_items"] = [lambda: None, lambda: None, crash]
    return desk.over(client)


def crash() -> None:
    raise Crashed


class TestRaces:
    def test_fifty_deliveries_of_one_message_make_one_debit(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.go_to(desk.record(payment_id).due_at)
        worked = at_once(*[lambda: desk.work(payment_id)] * 50)
        assert Counter(worked)[Worked.DONE] >= 1
        assert len(desk.world.gateway.debits) == 1
        assert desk.world.gateway.calls.count("create_recurring_payment") == 1
        desk.next(payment_id)
        assert_paid_once(desk, payment_id)

    def test_fifty_deliveries_of_one_message_make_one_notice(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.go_to(desk.record(payment_id).due_at)
        orders = len(desk.world.gateway.orders)
        at_once(*[lambda: desk.work(payment_id)] * 50)
        assert len(desk.world.gateway.orders) == orders + 1

    def test_the_result_that_comes_before_the_answer_is_kept(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.announced(payment_id)
        desk.go_to(desk.record(payment_id).due_at)
        client = Interrupted(desk.world.client)

        def told() -> None:
            desk.tell_of_payment(desk.world.gateway.debits[0])

        client.before["transact_write_items"] = [lambda: None, lambda: None, told]
        assert desk.over(client).work(payment_id) is Worked.DONE
        assert_paid_once(desk, payment_id)
        assert desk.record(payment_id).tries[0].gateway_payment_id == desk.world.gateway.debits[0]["id"]

    def test_a_wake_up_while_one_is_at_work_is_not_forgotten(self, desk: Desk) -> None:
        payment_id = desk.debited()
        order_id = desk.announced(payment_id, deliver=False)
        desk.go_to(desk.record(payment_id).due_at)
        client = Interrupted(desk.world.client)

        def told() -> None:
            desk.tell_of_notice(order_id, "failed")

        client.after["transact_write_items"] = [told]  # right after the lease was taken
        assert desk.over(client).work(payment_id) is Worked.DONE
        assert desk.world.gateway.debits == []
        plan = desk.record(payment_id).plan
        assert (plan.kind.value, plan.notify_at is not None) == ("retry", True)

    def test_without_the_time_to_finish_nothing_is_begun(self, desk: Desk) -> None:
        payment_id = desk.debited()
        desk.go_to(desk.record(payment_id).due_at)
        before = desk.world.tables.snapshot()
        worked = desk.worker.work(payment_id, request_id="req", remaining_ms=NEEDED_MS - 1)
        assert worked is Worked.NO_TIME
        assert desk.world.tables.snapshot() == before

    def test_a_message_about_nothing_that_is_due_does_nothing(self, desk: Desk) -> None:
        payment_id = desk.debited()
        before = desk.world.tables.snapshot()
        assert desk.work("pmt_00000000000000000000000000") is Worked.NOTHING_DUE
        record = desk.record(payment_id)
        if record.plan.notify_at is not None and record.due_at is not None:
            desk.world.clock.at = desk.world.clock.at.replace(year=2025)
        assert desk.work(payment_id) is Worked.NOTHING_DUE
        assert desk.world.tables.snapshot() == before
