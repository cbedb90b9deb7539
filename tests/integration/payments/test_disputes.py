"""A payer's bank wants money back: it is set aside, not refunded meanwhile, and lost or free again."""

from itertools import permutations
from typing import Any

import pytest

from runtime.payments.inbox import EventState
from runtime.payments.model import Payment
from runtime.platform.auth import Principal, Role
from tests.events import Answer, caller
from tests.integration.payments.test_refunds import balances, refund
from tests.integration.payments.world import ADMIN, PARENT, SCHOOL_ADMIN, World

PAID = "pay_00000000000001"
OWED, RESERVE, RECEIVABLE = "school_payable:sch_1", "chargeback_reserve:sch_1", "gateway_receivable:razorpay"
NET_PAISE = 45_000 - 1_062
RESPOND_BY = 1_775_629_800
STATUS = {"created": "open", "under_review": "under_review", "won": "won", "lost": "lost", "closed": "closed"}


def dispute(status: str = "open", number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"disp_{number:014d}",
        "entity": "dispute",
        "payment_id": PAID,
        "amount": 20_000,
        "amount_deducted": 20_000 if status == "lost" else 0,
        "currency": "INR",
        "reason_code": "goods_or_services_not_received",
        "respond_by": RESPOND_BY,
        "status": status,
        "phase": "chargeback",
        "created_at": 1_775_025_100,
    } | changes


def tell(world: World, news: str, at: int = 1_775_025_100, name: str = "", **changes: Any) -> EventState:
    told = dispute(**({"status": STATUS.get(news, "open")} | changes))
    payment = world.gateway.payments[told["payment_id"]]
    event_id = name or f"evt_{news}_{told['id']}"
    return world.tell_of(event_id, f"payment.dispute.{news}", at, payment=payment, dispute=told)


def listed(world: World, principal: Principal = SCHOOL_ADMIN, **query: str) -> Answer:
    return world.call_payments("GET", "/v1/disputes", principal=principal, query=query)


def seen(world: World, payment: Payment) -> tuple[int, int]:
    body = world.get(payment.payment_id).body
    return body["disputed_paise"], body["refundable_paise"]


class TestReserve:
    def test_what_is_contested_is_set_aside_and_cannot_be_refunded(self, world: World) -> None:
        payment = world.paid()
        assert tell(world, "created") is EventState.APPLIED
        assert (balances(world)[OWED], balances(world)[RESERVE]) == (-25_000, -20_000)
        assert seen(world, payment) == (20_000, 25_000)
        answer = refund(world, payment, 25_001)
        assert (answer.code, answer.body["refundable_paise"]) == ("refund-exceeds-balance", 25_000)
        assert refund(world, payment, 25_000, key="key-refund-02").status == 201
        assert world.events(dispute()["id"]) == ["DisputeOpened"]

    @pytest.mark.parametrize("end", ["won", "closed"])
    def test_won_or_closed_it_is_free_again(self, world: World, end: str) -> None:
        payment = world.paid()
        tell(world, "created")
        tell(world, "under_review", 1_775_025_200)
        tell(world, end, 1_775_025_300)
        assert balances(world)[OWED] == -45_000
        assert RESERVE not in balances(world)
        assert seen(world, payment) == (0, 45_000)

    def test_lost_the_gateway_has_taken_it(self, world: World) -> None:
        payment = world.paid()
        tell(world, "created")
        tell(world, "lost", 1_775_025_300)
        assert (balances(world)[OWED], balances(world)[RECEIVABLE]) == (-25_000, NET_PAISE - 20_000)
        assert RESERVE not in balances(world)
        assert seen(world, payment) == (20_000, 25_000)
        assert world.events(dispute()["id"]) == ["DisputeLost", "DisputeOpened"]

    def test_any_order_and_any_repetition_end_the_same(self, world: World) -> None:
        ends = []
        for number, order in enumerate(permutations(("captured", "created", "under_review", "lost"))):
            payment = world.created()
            paid_as = f"pay_Order{number:09d}"
            captured = world.gateway.pay(str(payment.order_id), paid_as)
            at = {"created": 1_775_025_100, "under_review": 1_775_025_200, "lost": 1_775_025_300}
            for step in (*order, *order):
                name = f"evt_{step}_{number}"
                if step == "captured":
                    world.tell(name, "payment.captured", captured, 1_775_025_000)
                else:
                    tell(world, step, at[step], name, number=number, payment_id=paid_as)
            ends.append((world.get(payment.payment_id).body["status"], *seen(world, payment)))
        assert set(ends) == {("captured", 20_000, 25_000)}
        times = len(ends)
        assert balances(world) == {
            OWED: -25_000 * times,
            RECEIVABLE: (NET_PAISE - 20_000) * times,
            "gateway_fees:razorpay": 900 * times,
            "input_gst": 162 * times,
        }

    def test_two_disputes_about_one_payment(self, world: World) -> None:
        payment = world.paid()
        tell(world, "created", amount=10_000)
        tell(world, "created", number=2, amount=30_000)
        assert seen(world, payment) == (40_000, 5_000)
        tell(world, "won", 1_775_025_200, number=2, amount=30_000)
        assert seen(world, payment) == (10_000, 35_000)

    def test_of_money_in_suspense(self, world: World) -> None:
        payment = world.paid()
        second = world.gateway.pay(str(payment.order_id), "pay_00000000000002")
        world.tell("evt_second", "payment.captured", second, 1_775_025_001)
        tell(world, "created", payment_id="pay_00000000000002")
        assert (balances(world)["suspense:sch_1"], balances(world)[RESERVE]) == (-25_000, -20_000)
        assert balances(world)[OWED] == -45_000

    @pytest.mark.parametrize("changes", [{"currency": "USD"}, {"status": "odd"}, {"amount": 19_999}])
    def test_what_contradicts_itself_waits_for_a_person(self, world: World, changes: dict[str, Any]) -> None:
        payment = world.paid()
        tell(world, "created")
        assert tell(world, "action_required", 1_775_025_200, **changes) is EventState.NOT_HANDLED
        assert seen(world, payment) == (20_000, 25_000)

    def test_without_its_payment_nobody_knows_whose_it_is(self, world: World) -> None:
        world.paid()
        state = world.tell_of("evt_1", "payment.dispute.created", 1_775_025_100, dispute=dispute())
        assert state is EventState.NOT_OURS


class TestListing:
    def test_a_school_sees_its_disputes_with_their_deadline(self, world: World) -> None:
        payment = world.paid()
        tell(world, "created")
        answer = listed(world)
        assert answer.status == 200
        (shown,) = answer.body["items"]
        assert shown["payment_id"] == payment.payment_id
        assert (shown["respond_by"], shown["status"]) == ("2026-04-08T06:30:00.000Z", "open")
        assert shown["seconds_to_respond"] == 7 * 86_400
        tell(world, "lost", 1_775_025_300)
        (shown,) = listed(world).body["items"]
        assert (shown["status"], shown["seconds_to_respond"], shown["amount_deducted_paise"]) == (
            "lost",
            None,
            20_000,
        )

    def test_a_dispute_without_a_deadline(self, world: World) -> None:
        world.paid()
        tell(world, "created", respond_by=None)
        (shown,) = listed(world).body["items"]
        assert (shown["respond_by"], shown["seconds_to_respond"]) == (None, None)

    def test_page_by_page_the_newest_first(self, world: World) -> None:
        world.paid()
        for number in (1, 2, 3):
            tell(world, "created", number=number, amount=1_000)
        first = listed(world, limit="2")
        second = listed(world, limit="2", cursor=first.body["next_cursor"])
        names = [item["dispute_id"] for page in (first, second) for item in page.body["items"]]
        assert names == [dispute(number=number)["id"] for number in (3, 2, 1)]
        assert second.body["next_cursor"] is None

    @pytest.mark.parametrize("cursor", ["%", "bm90IG91cnM=", "ZGlzcF8" + "A" * 400, "w6k=", "\u00e9"])
    def test_a_cursor_that_is_not_ours(self, world: World, cursor: str) -> None:
        assert listed(world, cursor=cursor).code == "cursor-invalid"

    def test_nobody_sees_the_disputes_of_another_school(self, world: World) -> None:
        world.paid()
        tell(world, "created")
        elsewhere = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])
        both = caller("usr_finance_3", Role.FINANCE, schools=["sch_1", "sch_2"])
        assert listed(world, elsewhere).body["items"] == []
        assert listed(world, elsewhere, school_id="sch_1").code == "school-forbidden"
        assert listed(world, both).code == "query-invalid"
        assert listed(world, PARENT).code == "forbidden"
        assert listed(world, ADMIN).code == "query-invalid"
        assert len(listed(world, ADMIN, school_id="sch_1").body["items"]) == 1
