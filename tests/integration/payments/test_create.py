"""Creating a payment: one per Idempotency-Key, whatever happens in between."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from runtime.payments.model import PaymentStatus
from runtime.platform.auth import Principal, Role
from tests.events import Context, caller
from tests.integration.payments.gateway import Crashed
from tests.integration.payments.world import ADMIN, OTHER_PARENT, PARENT, SCHOOL_ADMIN, Interrupted, World

LEASE_S = 60


class TestTheFirstCall:
    def test_gives_what_a_checkout_is_opened_with(self, world: World) -> None:
        answer = world.create(reference="INV/2026-04/1", metadata={"meal_plan": "veg"})
        (order,) = world.gateway.orders
        assert answer.status == 201
        assert answer.body["status"] == "pending"
        assert answer.body["checkout"] == {
            "gateway": "razorpay",
            "key_id": "rzp_test_key",
            "order_id": order["id"],
            "amount_paise": 45_000,
            "currency": "INR",
        }
        assert (answer.body["reference"], answer.body["metadata"]) == ("INV/2026-04/1", {"meal_plan": "veg"})

    def test_uses_the_payment_as_the_orders_receipt(self, world: World) -> None:
        answer = world.create()
        assert world.gateway.orders[0]["receipt"] == answer.body["payment_id"]

    def test_writes_state_audit_line_event_and_answer_and_moves_no_money(self, world: World) -> None:
        payment = world.created()
        (line,) = world.tables.items("audit")
        (event,) = world.tables.items("outbox")
        (kept,) = world.tables.items("idempotency")
        assert (payment.version, payment.status, payment.journal) == (1, PaymentStatus.PENDING, ())
        assert (line["actor_id"], line["action"], line["outcome"]) == (
            "usr_parent",
            "payments.create",
            "done",
        )
        assert (line["subject"], line["school_id"]) == (payment.payment_id, "sch_1")
        assert (event["detail_type"], event["subject"]) == ("PaymentPending", payment.payment_id)
        assert kept["state"] == "completed"
        assert world.tables.items("ledger") == []

    def test_is_found_again_by_its_order(self, world: World) -> None:
        payment = world.created()
        assert payment.order_id is not None
        assert world.repository.get_by_order(payment.order_id) == payment
        assert world.repository.get_by_order("order_of_nobody") is None

    def test_asks_the_gateway_once_and_looks_nothing_up(self, world: World) -> None:
        world.create()
        assert world.gateway.calls == ["create_order"]


class TestTheSameCallAgain:
    def test_gets_the_same_answer_and_nothing_new_is_written(self, world: World) -> None:
        first = world.create()
        before = world.tables.snapshot()
        again = world.create()
        assert (again.status, again.text) == (first.status, first.text)
        assert world.tables.snapshot() == before
        assert len(world.gateway.orders) == 1

    def test_gets_the_answer_of_then_even_after_the_payment_went_on(self, world: World) -> None:
        first = world.create()
        payment = world.stored(first.body["payment_id"])
        world.gateway.pay(str(payment.order_id), "pay_00000000000001")
        assert world.verify(payment, "pay_00000000000001").body["status"] == "captured"
        assert world.create().text == first.text

    def test_gets_the_same_answer_after_the_school_was_closed(self, world: World) -> None:
        first = world.create()
        world.school("sch_1", "Green Valley School", active=False)
        assert world.create().text == first.text
        assert world.create(key="key-00000002").code == "school-inactive"

    def test_gets_the_same_refusal_of_the_gateway(self, world: World) -> None:
        world.gateway.plan("create_order", "400")
        first = world.create()
        again = world.create()
        assert (first.status, first.code) == (502, "gateway-rejected")
        assert (again.status, again.text) == (first.status, first.text)
        assert again.headers["content-type"] == "application/problem+json"
        assert world.gateway.calls == ["create_order"]
        assert world.tables.items("payments") == []

    def test_with_another_body_is_refused(self, world: World) -> None:
        world.create()
        answer = world.create(amount_paise=45_001)
        assert (answer.status, answer.code) == (422, "idempotency-key-reused")
        assert len(world.gateway.orders) == 1

    def test_by_somebody_else_is_another_call(self, world: World) -> None:
        first, second = world.create(PARENT), world.create(OTHER_PARENT)
        assert (first.status, second.status) == (201, 201)
        assert first.body["payment_id"] != second.body["payment_id"]

    def test_while_the_first_is_at_work_is_told_to_wait(self, world: World) -> None:
        met: list[tuple[int, str | None, str]] = []

        def meanwhile() -> None:
            answer = world.create()
            met.append((answer.status, answer.code, answer.headers["retry-after"]))

        world.gateway.on_create = meanwhile
        assert world.create(context=Context(remaining_ms=29_000)).status == 201
        assert met == [(409, "idempotency-in-flight", "31")]

    def test_fifty_times_at_once_makes_one_order(self, world: World) -> None:
        start = threading.Barrier(50)

        def call(_: int) -> tuple[int, str | None, str]:
            start.wait(timeout=30)
            answer = world.create()
            return answer.status, answer.code, answer.body.get("payment_id", "")

        with ThreadPoolExecutor(50) as callers:
            answers = list(callers.map(call, range(50)))
        kinds = Counter((status, code) for status, code, _ in answers)
        assert set(kinds) <= {(201, None), (409, "idempotency-in-flight")}
        assert kinds[201, None] >= 1
        assert len({payment_id for status, _, payment_id in answers if status == 201}) == 1
        assert len(world.gateway.orders) == 1
        assert len([item for item in world.tables.items("payments") if item["sk"] == "PAYMENT"]) == 1
        assert world.create().status == 201

    @pytest.mark.parametrize("key", [None, "short", "x" * 65, "with space", "kéy-00000001"])
    def test_needs_a_well_formed_key(self, world: World, key: str | None) -> None:
        answer = world.create(key=key)
        assert (answer.status, answer.code) == (400, "idempotency-key-missing")
        assert world.gateway.calls == []


class TestACrash:
    @pytest.mark.parametrize("moment", ["before", "after"], ids=["after the claim", "after the order"])
    def test_leaves_one_order_and_one_payment_once_repeated(self, world: World, moment: str) -> None:
        world.gateway.plan("create_order", f"crash {moment}")
        with pytest.raises(Crashed):
            world.create()
        assert world.tables.items("payments") == []
        assert world.create().code == "idempotency-in-flight"
        world.clock.advance(seconds=LEASE_S)
        answer = world.create()
        assert answer.status == 201
        assert [order["receipt"] for order in world.gateway.orders] == [answer.body["payment_id"]]
        assert world.create().text == answer.text

    def test_after_the_write_gives_the_answer_that_was_lost(self, world: World) -> None:
        dying = Interrupted(world.client)

        def die() -> None:
            raise Crashed

        dying.after["transact_write_items"] = [die]
        with pytest.raises(Crashed):
            world.over(dying).create()
        answer = world.create()
        assert (answer.status, len(world.gateway.orders)) == (201, 1)
        assert world.stored(answer.body["payment_id"]).version == 1


UNCERTAIN = ["timeout before", "timeout after", "500 before", "500 after", "502 before", "502 after"]


class TestASilentGateway:
    @pytest.mark.parametrize("fault", UNCERTAIN)
    def test_and_a_repeat_make_one_order(self, world: World, fault: str) -> None:
        world.gateway.plan("create_order", fault)
        world.gateway.plan("find_order_by_receipt", *["refused"] * 8)
        first = world.create()
        assert (first.status, first.code) == (503, "gateway-unavailable")
        assert int(first.headers["retry-after"]) >= 1
        payment = world.stored(first.body["payment_id"])
        assert (payment.status, payment.order_id) == (PaymentStatus.UNKNOWN, None)
        assert world.events(payment.payment_id) == ["PaymentOutcomeUnknown"]

        world.gateway.forget_faults()
        world.clock.advance(seconds=LEASE_S)  # the breaker of the client lets a call through again
        again = world.create()
        assert (again.status, again.body["payment_id"]) == (201, payment.payment_id)
        assert len(world.gateway.orders) == 1
        after = world.stored(payment.payment_id)
        assert (after.status, after.order_id) == (PaymentStatus.PENDING, world.gateway.orders[0]["id"])
        assert not after.order_outcome_unknown
        assert world.events(payment.payment_id) == ["PaymentOutcomeUnknown", "PaymentPending"]

    @pytest.mark.parametrize("fault", ["timeout after", "500 after", "502 after"])
    def test_that_is_found_to_have_made_the_order_is_no_failure(self, world: World, fault: str) -> None:
        world.gateway.plan("create_order", fault)
        assert world.create().status == 201
        assert world.gateway.calls == ["create_order", "find_order_by_receipt"]

    def test_that_stays_silent_is_recorded_once(self, world: World) -> None:
        for _ in range(2):
            world.gateway.plan("create_order", "timeout before")
            answer = world.create()
            assert answer.code == "gateway-unavailable"
        assert world.stored(answer.body["payment_id"]).version == 1
        assert len(world.gateway.orders) == 0

    @pytest.mark.parametrize("fault", ["429", "refused"])
    def test_that_certainly_did_nothing_leaves_nothing(self, world: World, fault: str) -> None:
        world.gateway.plan("create_order", *[fault] * 8)
        first = world.create()
        assert (first.status, first.code) == (503, "gateway-unavailable")
        assert world.tables.items("payments") == []
        world.gateway.forget_faults()
        world.clock.advance(seconds=LEASE_S)
        again = world.create()
        assert (again.status, again.body["payment_id"]) == (201, first.body["payment_id"])
        assert len(world.gateway.orders) == 1

    def test_that_is_busy_says_when_to_come_again(self, world: World) -> None:
        world.gateway.plan("create_order", *["429"] * 8)
        assert world.create().headers["retry-after"] == "7"

    def test_and_a_refusal_on_repeat_keep_the_payment_unknown(self, world: World) -> None:
        """That the repeat is refused does not prove that the first made no order."""
        world.gateway.plan("create_order", "timeout before", "400")
        first = world.create()
        again = world.create()
        assert (again.status, again.code) == (502, "gateway-rejected")
        assert world.stored(first.body["payment_id"]).status is PaymentStatus.UNKNOWN
        assert world.create().text == again.text


class TestTwoProcessesWithOneKey:
    def test_the_one_that_lost_its_lease_changes_nothing(self, world: World) -> None:
        """The first is frozen while it has the order; the second finds that order and finishes."""
        finished: list[str] = []

        def meanwhile() -> None:
            if not finished:
                world.clock.advance(seconds=LEASE_S)
                finished.append("")
                finished.append(world.create().text)

        frozen = Interrupted(world.client)
        frozen.before["transact_write_items"] = [meanwhile]
        late = world.over(frozen).create()
        assert (late.status, late.code) == (409, "concurrent-change")
        assert world.create().text == finished[1]
        assert len(world.gateway.orders) == 1
        assert len(world.tables.items("outbox")) == 1

    def test_the_late_one_is_told_so_even_before_the_other_has_finished(self, world: World) -> None:
        frozen = _stolen(world)
        late = world.over(frozen).create()
        assert (late.status, late.code) == (409, "concurrent-change")
        assert world.tables.items("payments") == []

    @pytest.mark.parametrize(
        ("fault", "told"),
        [("refused", (503, "gateway-unavailable")), ("400", (409, "concurrent-change"))],
    )
    def test_the_late_one_cannot_answer_for_the_other(
        self, world: World, fault: str, told: tuple[int, str]
    ) -> None:
        def stolen() -> None:
            _steal(world)

        world.gateway.plan("create_order", *[fault] * 8)
        world.gateway.on_create = stolen
        late = world.create()
        assert (late.status, late.code) == told
        (kept,) = world.tables.items("idempotency")
        assert (kept["state"], kept["lease_until"]) == ("in_progress", "2026-04-01T09:00:00.000Z")


def _stolen(world: World) -> Interrupted:
    frozen = Interrupted(world.client)
    frozen.before["transact_write_items"] = [lambda: _steal(world)]
    return frozen


def _steal(world: World) -> None:
    """Another process has taken the claim over and is at work."""
    (kept,) = world.tables.items("idempotency")
    world.tables.put("idempotency", kept | {"lease_until": "2026-04-01T09:00:00.000Z"})


class TestWhoPays:
    def test_a_parent_pays_for_itself(self, world: World) -> None:
        assert world.create(PARENT).body["payer_id"] == "usr_parent"
        assert world.create(PARENT, key="key-00000002", payer_id="usr_parent").status == 201

    def test_a_parent_cannot_name_another_payer(self, world: World) -> None:
        answer = world.create(PARENT, payer_id="usr_other")
        assert (answer.status, answer.code) == (400, "body-invalid")
        assert answer.body["errors"][0]["pointer"] == "/payer_id"

    @pytest.mark.parametrize("principal", [SCHOOL_ADMIN, ADMIN], ids=["school_admin", "admin"])
    def test_staff_names_the_payer(self, world: World, principal: Principal) -> None:
        assert world.create(principal).code == "body-invalid"
        answer = world.create(principal, key="key-00000002", payer_id="usr_parent")
        assert (answer.status, answer.body["payer_id"]) == (201, "usr_parent")

    @pytest.mark.parametrize("role", [Role.AUDITOR, Role.OPERATOR])
    def test_a_role_that_only_reads_does_not_let_a_parent_pay_for_others(
        self, world: World, role: Role
    ) -> None:
        both = caller("usr_both", Role.PARENT, role, schools=["sch_1"])
        assert world.create(both, payer_id="usr_other").code == "body-invalid"
        assert world.create(both, key="key-00000002").body["payer_id"] == "usr_both"
