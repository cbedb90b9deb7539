"""An amount due is paid by a link, at once or in parts; the gateway tells of it in any order, and twice."""

import random
from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from runtime.gateways.razorpay.signatures import sign
from runtime.payments.inbox import EventState
from runtime.payments.links.model import PaymentLink
from runtime.payments.links.rules import part_id
from runtime.payments.model import PaymentStatus
from runtime.platform.auth import Role
from runtime.platform.errors import Problem
from tests.events import Answer, caller
from tests.integration.payments.gateway import Crashed, gateway_payment
from tests.integration.payments.gateway_links import link_body, link_entity
from tests.integration.payments.test_disputes import tell as tell_of_dispute
from tests.integration.payments.test_races import at_once
from tests.integration.payments.test_refunds import refund
from tests.integration.payments.test_refunds import tell as tell_of_refund
from tests.integration.payments.world import (
    KEY_SECRET,
    OTHER_PARENT,
    PARENT,
    SCHOOL_ADMIN,
    Interrupted,
    World,
    webhook_body,
)

LINKS = "/v1/payment-links"
LINK = "/v1/payment-links/{link_id}"
VERIFY = LINK + "/verify"
CANCEL = LINK + "/cancel"
FINANCE_ELSEWHERE = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])
PAY_1, PAY_2, PAY_3 = "pay_00000000000001", "pay_00000000000002", "pay_00000000000003"


def call(world: World, method: str, path: str, **more: Any) -> Answer:
    """A call of the payments API, by the parent unless told otherwise."""
    return world.call_payments(method, path, **{"principal": PARENT} | more)


def create(
    world: World, *, key: str | None = "key-00000001", principal: Any = PARENT, **changes: Any
) -> Answer:
    body = {
        "school_id": "sch_1",
        "amount_paise": 45_000,
        "accept_partial": True,
        "description": "Lunches in April",
    } | changes
    sent = {name: value for name, value in body.items() if value is not None}
    return call(world, "POST", LINKS, principal=principal, key=key, body=sent)


def get(world: World, link_id: str, principal: Any = PARENT) -> Answer:
    return call(world, "GET", LINK, principal=principal, link_id=link_id)


def stored(world: World, link_id: str) -> PaymentLink:
    found = world.repository.links.get(link_id)
    assert found is not None
    return found


def entity(world: World, **changes: Any) -> dict[str, Any]:
    return link_entity(world.gateway.links.all[-1], **changes)


def part(world: World, payment_id: str, amount: int, **changes: Any) -> dict[str, Any]:
    return gateway_payment(payment_id, entity(world)["order_id"], amount=amount, **changes)


def tell(world: World, event_id: str, body: bytes) -> EventState:
    assert world.deliver(body, event_id=event_id).status == 200
    return world.applier.apply(event_id, request_id="req")


def paid(
    world: World, event_id: str, payment_id: str, amount: int, *, whole: bool = False, **changes: Any
) -> EventState:
    """The gateway tells that a part of the newest link was paid."""
    event, status = ("payment_link.paid", "paid") if whole else ("payment_link.partially_paid",) * 2
    body = link_body(event, entity(world, status=status), part(world, payment_id, amount, **changes))
    return tell(world, event_id, body)


def overpaid(world: World) -> str:
    """A link of ₹450.00 that was paid twice."""
    link_id: str = create(world).body["link_id"]
    for number, name in enumerate((PAY_1, PAY_2)):
        world.gateway.payments[name] = part(world, name, 45_000)
        paid(world, f"evt_{number}", name, 45_000, whole=True)
    return link_id


def held(world: World) -> tuple[int, int]:
    """What is owed to the school, and what is in suspense."""
    books = world.day_books()
    assert books.balances
    return -books.balances_paise["school_payable:sch_1"], -books.balances_paise["suspense:sch_1"]


def refund_of(payment_id: str) -> dict[str, Any]:
    """A refund of ₹50.00, made in the gateway's dashboard."""
    return {
        "id": "rfnd_00000000000001",
        "entity": "refund",
        "amount": 5_000,
        "currency": "INR",
        "payment_id": payment_id,
        "receipt": None,
        "status": "processed",
        "created_at": 1_775_025_100,
    }


class TestCreating:
    def test_gives_a_link_that_can_be_sent(self, world: World) -> None:
        answer = create(world)
        assert answer.status == 201
        assert answer.body["status"] == "created"
        assert answer.body["short_url"] == "https://rzp.io/rzp/00000000"
        assert (answer.body["paid_paise"], answer.body["due_paise"]) == (0, 45_000)
        assert world.events(answer.body["link_id"]) == ["LinkCreated"]
        (line,) = [line for line in world.tables.items("audit") if line["action"] == "links.create"]
        assert (line["actor_id"], line["subject"]) == ("usr_parent", answer.body["link_id"])

    def test_the_gateway_is_asked_for_exactly_these_terms_and_tells_nobody(self, world: World) -> None:
        made = create(
            world,
            first_min_partial_paise=10_000,
            expires_on="2026-04-30",
            callback_url="https://app.hasivu.example/paid",
        )
        (link,) = world.gateway.links.all
        assert link["reference_id"] == made.body["link_id"]
        assert (link["amount"], link["accept_partial"], link["first_min_partial_amount"]) == (
            45_000,
            True,
            10_000,
        )
        assert link["expire_by"] == 1_777_573_799  # the last second of 30 April 2026 in India
        assert (link["callback_url"], link["callback_method"]) == ("https://app.hasivu.example/paid", "get")
        assert (link["notify"], link["reminder_enable"]) == ({"sms": False, "email": False}, False)

    def test_a_link_that_takes_no_parts_says_so(self, world: World) -> None:
        create(world, accept_partial=False)
        assert world.gateway.links.all[0]["accept_partial"] is False

    def test_one_key_makes_one_link(self, world: World) -> None:
        first, again = create(world), create(world)
        assert (first.status, first.body) == (again.status, again.body)
        assert len(world.gateway.links.all) == 1
        assert len(call(world, "GET", LINKS).body["items"]) == 1

    def test_the_same_key_for_another_amount_is_refused(self, world: World) -> None:
        create(world)
        assert create(world, amount_paise=50_000).code == "idempotency-key-reused"

    def test_its_answer_outlives_the_day_on_which_it_could_be_made(self, world: World) -> None:
        first = create(world, expires_on="2026-04-02")
        world.clock.advance(seconds=3 * 86_400)
        assert create(world, expires_on="2026-04-02").body == first.body

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"first_min_partial_paise": 99}, "/first_min_partial_paise"),
            ({"first_min_partial_paise": 45_001}, "/first_min_partial_paise"),
            ({"first_min_partial_paise": 10_000, "accept_partial": False}, "/first_min_partial_paise"),
            ({"expires_on": "2026-03-31"}, "/expires_on"),
            ({"expires_on": "2026-02-30"}, "/expires_on"),
            ({"expires_on": "2026-09-29"}, "/expires_on"),
            ({"callback_url": "https://app.hasivu.example.evil.test/"}, "/callback_url"),
            ({"callback_url": "https://app.hasivu.example@evil.test/"}, "/callback_url"),
            ({"callback_url": "https://[evil/"}, "/callback_url"),
        ],
    )
    def test_terms_that_cannot_be_had_are_named(
        self, world: World, changes: dict[str, Any], pointer: str
    ) -> None:
        answer = create(world, **changes)
        assert (answer.status, answer.code) == (422, "payment-link-terms-invalid")
        assert [error["pointer"] for error in answer.body["errors"]] == [pointer]
        assert world.gateway.links.all == []

    @pytest.mark.parametrize("last", ["2026-04-01", "2026-09-27"])
    def test_it_may_end_today_and_in_180_days(self, world: World, last: str) -> None:
        assert create(world, expires_on=last).status == 201

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"amount_paise": 99}, "amount-below-minimum"),
            ({"amount_paise": 50_000_001}, "amount-above-maximum"),
            ({"amount_paise": 450.5}, "amount-not-integer"),
            ({"school_id": "sch_9"}, "school-unknown"),
            ({"school_id": "sch_2", "principal": SCHOOL_ADMIN, "payer_id": "usr_parent"}, "school-forbidden"),
            ({"payer_id": "usr_other"}, "body-invalid"),
            ({"principal": SCHOOL_ADMIN}, "body-invalid"),
            ({"key": None}, "idempotency-key-missing"),
            ({"description": "card 4111 1111 1111 1111"}, "card-data-refused"),
            ({"callback_url": "javascript:alert(1)"}, "body-invalid"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, world: World, changes: dict[str, Any], code: str) -> None:
        world.school("sch_2", "Blue Hill School")
        assert create(world, **changes).code == code
        assert world.gateway.links.all == []

    @pytest.mark.parametrize("fault", ["timeout after", "timeout before", "500", "502"])
    def test_a_link_of_unknown_outcome_is_found_by_the_repetition(self, world: World, fault: str) -> None:
        world.gateway.plan("create_payment_link", fault)
        world.gateway.plan("find_payment_link", *["timeout before"] * 5)
        first = create(world)
        assert (first.status, first.code) == (503, "gateway-unavailable")
        assert get(world, first.body["link_id"]).body["status"] == "unknown"
        assert world.events(first.body["link_id"]) == []
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)  # the circuit breaker lets calls through again
        again = create(world)
        assert (again.status, again.body["link_id"]) == (201, first.body["link_id"])
        assert len(world.gateway.links.all) == 1
        assert world.events(first.body["link_id"]) == ["LinkCreated"]

    def test_a_creation_that_arrives_late_is_found_by_its_refusal(self, world: World) -> None:
        """The look found nothing, the creation thought lost arrived then, and the next one is refused."""
        world.gateway.plan("create_payment_link", "timeout before")
        first = create(world)
        assert first.code == "gateway-unavailable"
        link_id = first.body["link_id"]
        late = {"reference_id": link_id, "amount": 45_000, "currency": "INR"}

        def arrive() -> None:
            if not world.gateway.links.all:
                world.gateway.links._create(late)

        world.gateway.on_create = arrive
        again = create(world)
        assert (again.status, again.body["link_id"]) == (201, link_id)
        assert len(world.gateway.links.all) == 1

    def test_a_reference_that_stands_for_another_amount_is_not_taken(self, world: World) -> None:
        world.gateway.plan("create_payment_link", "timeout after")
        world.gateway.plan("find_payment_link", *["timeout before"] * 5)
        create(world)
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)
        world.gateway.links.all[0]["amount"] = 99_900
        assert create(world).code == "gateway-rejected"

    def test_a_refusal_of_the_gateway_is_the_answer_again_too(self, world: World) -> None:
        world.gateway.plan("create_payment_link", "400")
        first, again = create(world), create(world)
        assert (first.status, first.code) == (502, "gateway-rejected")
        assert first.body == again.body
        assert world.tables.items("payments") == []

    def test_a_busy_gateway_says_when_to_come_back(self, world: World) -> None:
        world.gateway.plan("create_payment_link", *["429"] * 5)
        answer = create(world)
        assert (answer.code, answer.headers["retry-after"]) == ("gateway-unavailable", "7")
        assert world.tables.items("payments") == []

    def test_a_crash_after_the_gateway_made_it_makes_no_second_one(self, world: World) -> None:
        world.gateway.plan("create_payment_link", "crash after")
        with pytest.raises(Crashed):
            create(world)
        assert create(world).code == "idempotency-in-flight"
        world.clock.advance(seconds=60)
        assert create(world).status == 201
        assert len(world.gateway.links.all) == 1

    def test_who_took_the_claim_over_wins(self, world: World) -> None:
        """The first call was thought dead while it waited; the second one has finished when it wakes up."""

        def taken_over() -> None:
            world.gateway.on_create = lambda: None
            world.clock.advance(seconds=60)
            world.gateway._guard.release()  # the second call goes to the same gateway
            assert create(world).status == 201
            world.gateway._guard.acquire()

        world.gateway.on_create = taken_over
        assert create(world).code == "concurrent-change"
        assert len(world.gateway.links.all) == 1

    def test_many_calls_with_one_key_at_once_make_one_link(self, world: World) -> None:
        answers = at_once(*[lambda: create(world).status] * 8)
        assert set(answers) <= {201, 409}
        assert 201 in answers
        assert len(world.gateway.links.all) == 1


class TestPaying:
    def test_parts_add_up_and_each_is_a_payment(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        assert paid(world, "evt_1", PAY_1, 15_000) is EventState.APPLIED
        shown = get(world, link_id).body
        assert (shown["status"], shown["paid_paise"], shown["due_paise"]) == (
            "partially_paid",
            15_000,
            30_000,
        )
        assert paid(world, "evt_2", PAY_2, 30_000, whole=True) is EventState.APPLIED
        shown = get(world, link_id).body
        assert (shown["status"], shown["due_paise"], shown["short_url"]) == ("paid", 0, None)
        assert world.events(link_id) == ["LinkCreated", "LinkPaid", "LinkPartiallyPaid"]
        payments = [world.stored(payment_id) for payment_id in shown["payment_ids"]]
        assert sorted(payment.amount_paise for payment in payments) == [15_000, 30_000]
        assert {payment.status for payment in payments} == {PaymentStatus.CAPTURED}
        assert {payment.link_id for payment in payments} == {link_id}
        books = world.day_books()
        assert books.balances
        assert books.balances_paise["school_payable:sch_1"] == -45_000

    def test_a_payment_of_a_link_is_listed_and_shown_like_any_other(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        paid(world, "evt_1", PAY_1, 45_000, whole=True)
        (item,) = world.page().body["items"]
        assert (item["payment_id"], item["checkout"]) == (part_id(link_id, PAY_1), None)
        assert world.events(item["payment_id"]) == ["PaymentCaptured"]
        assert [link["link_id"] for link in call(world, "GET", LINKS).body["items"]] == [link_id]

    def test_whatever_comes_first_and_however_often_the_end_is_the_same(self, world: World) -> None:
        """Two parts, each told by its payment and by its link, an order paid, in 60 shuffles with repeats."""
        chance = random.Random(3)  # noqa: S311 - the same shuffles in every run
        for number in range(60):
            link_id = create(world, key=f"key-order-{number:04d}").body["link_id"]
            first, second = f"pay_A{number:013d}", f"pay_B{number:013d}"
            told = [
                webhook_body("payment.authorized", part(world, first, 15_000, status="authorized")),
                webhook_body("payment.captured", part(world, first, 15_000)),
                webhook_body("payment.failed", part(world, second, 30_000, status="failed")),
                webhook_body("payment.captured", part(world, second, 30_000)),
                link_body(
                    "payment_link.partially_paid",
                    entity(world, status="partially_paid"),
                    part(world, first, 15_000),
                ),
                link_body("payment_link.paid", entity(world, status="paid"), part(world, second, 30_000)),
            ]
            heard = [*told, *chance.sample(told, 2)]
            chance.shuffle(heard)
            for position, body in enumerate(heard):
                tell(world, f"evt_{number}_{position}", body)
            link = stored(world, link_id)
            assert (link.captured_paise, link.due_paise, link.suspense_paise) == (45_000, 0, 0)
            assert len(link.payment_ids) == 2
            for payment_id in link.payment_ids:
                assert world.stored(payment_id).status is PaymentStatus.CAPTURED
            assert world.events(link_id).count("LinkPaid") == 1
        books = world.day_books()
        assert books.balances
        assert books.balances_paise["school_payable:sch_1"] == -45_000 * 60
        assert books.balances_paise.get("suspense:sch_1", 0) == 0

    def test_a_payment_before_the_link_is_known_waits_for_the_links_word(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        assert tell(world, "evt_1", webhook_body("payment.captured", part(world, PAY_1, 45_000))) is (
            EventState.NOT_OURS
        )
        assert paid(world, "evt_2", PAY_1, 45_000, whole=True) is EventState.APPLIED
        assert get(world, link_id).body["status"] == "paid"

    def test_an_order_that_was_paid_is_found_by_its_receipt(self, world: World) -> None:
        """The link's own event never came."""
        link_id = create(world).body["link_id"]
        body = link_body("order.paid", entity(world), part(world, PAY_1, 45_000))
        assert tell(world, "evt_1", body) is EventState.APPLIED
        assert get(world, link_id).body["paid_paise"] == 45_000

    def test_what_failed_on_the_gateways_page_is_no_payment(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        paid(world, "evt_1", PAY_1, 15_000)
        failed = webhook_body("payment.failed", part(world, PAY_2, 30_000, status="failed"))
        assert tell(world, "evt_2", failed) is EventState.NO_CHANGE
        assert len(stored(world, link_id).payment_ids) == 1

    def test_an_authorised_part_counts_once_it_is_captured(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        paid(world, "evt_1", PAY_1, 15_000)
        waiting = webhook_body("payment.authorized", part(world, PAY_2, 30_000, status="authorized"))
        assert tell(world, "evt_2", waiting) is EventState.APPLIED
        assert get(world, link_id).body["paid_paise"] == 15_000
        tell(world, "evt_3", webhook_body("payment.captured", part(world, PAY_2, 30_000)))
        assert get(world, link_id).body["status"] == "paid"

    def test_more_than_was_asked_goes_to_suspense_whichever_came_first(self, world: World) -> None:
        """Three parts of 20,000 for 45,000, in each of their six orders: 15,000 too much."""
        for number, order in enumerate(permutations((0, 1, 2))):
            link_id = create(world, key=f"key-order-{number:04d}").body["link_id"]
            for which in order:
                paid(world, f"evt_{number}_{which}", f"pay_{number}{which:013d}", 20_000)
            shown = get(world, link_id).body
            assert (shown["status"], shown["paid_paise"], shown["surplus_paise"]) == (
                "overpaid",
                45_000,
                15_000,
            )
            assert "LinkOverpaid" in world.events(link_id)
        books = world.day_books()
        assert books.balances
        assert books.balances_paise["school_payable:sch_1"] == -45_000 * 6
        assert books.balances_paise["suspense:sch_1"] == -15_000 * 6

    def test_a_surplus_that_was_refunded_leaves_suspense(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        paid(world, "evt_1", PAY_1, 45_000, whole=True)
        paid(world, "evt_2", PAY_2, 45_000, whole=True)
        assert world.day_books().balances_paise["suspense:sch_1"] == -45_000
        back = part(world, PAY_2, 45_000, status="refunded", amount_refunded=45_000)
        assert tell(world, "evt_3", webhook_body("payment.captured", back)) is EventState.APPLIED
        shown = get(world, link_id).body
        assert (shown["status"], shown["surplus_paise"], shown["refunded_paise"]) == ("paid", 0, 45_000)
        assert world.day_books().balances_paise["suspense:sch_1"] == 0

    def test_a_surplus_whose_refund_fails_is_in_suspense_again(self, world: World) -> None:
        link_id = overpaid(world)
        asked = refund(world, world.stored(part_id(link_id, PAY_2)), 45_000)
        assert held(world) == (45_000, 0)
        for event, status, at, total in (
            ("refund.created", "pending", 1_775_025_100, 45_000),
            ("refund.failed", "failed", 1_775_025_200, 0),
        ):
            world.gateway.payments[PAY_2]["amount_refunded"] = total
            told = world.gateway.refunds[asked.body["refund_id"]] | {"status": status}
            assert tell_of_refund(world, event, told, at) is EventState.APPLIED
        shown = get(world, link_id).body
        assert (shown["status"], shown["surplus_paise"], shown["refunded_paise"]) == ("overpaid", 45_000, 0)
        assert held(world) == (45_000, 45_000)

    def test_what_a_dispute_takes_of_a_surplus_is_not_owed_to_the_payer_as_well(self, world: World) -> None:
        link_id = overpaid(world)
        for news, status, at, owed in (
            ("created", "paid", 1_775_025_100, (45_000, 0)),
            ("won", "overpaid", 1_775_025_200, (45_000, 45_000)),
            ("lost", "paid", 1_775_025_300, (45_000, 0)),
        ):
            tell_of_dispute(world, news, at, payment_id=PAY_2, amount=45_000)
            assert (get(world, link_id).body["status"], held(world)) == (status, owed)

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_what_goes_back_of_a_part_counts_whichever_is_heard_first(
        self, world: World, order: tuple[int, ...]
    ) -> None:
        """The payment, a refund of it and a dispute about it; another part has made the order known."""
        link_id = create(world).body["link_id"]
        paid(world, "evt_0", PAY_1, 10_000)
        captured = part(world, PAY_2, 35_000)
        world.gateway.payments[PAY_2] = captured
        partly_back = captured | {"amount_refunded": 5_000, "refund_status": "partial"}
        words: tuple[Callable[[], EventState], ...] = (
            lambda: tell(world, "evt_1", webhook_body("payment.captured", captured)),
            lambda: world.tell_of(
                "evt_2", "refund.processed", 1_775_025_200, payment=partly_back, refund=refund_of(PAY_2)
            ),
            lambda: tell_of_dispute(world, "created", payment_id=PAY_2, amount=30_000),
        )
        states = [words[which]() for which in order]
        assert states[0] is EventState.APPLIED
        assert EventState.NOT_OURS not in states
        assert (stored(world, link_id).refunded_paise, stored(world, link_id).disputed_paise) == (
            5_000,
            30_000,
        )
        books = world.day_books()
        assert books.balances
        assert books.balances_paise["school_payable:sch_1"] == -10_000
        assert books.balances_paise["chargeback_reserve:sch_1"] == -30_000

    def test_a_dispute_about_what_brought_no_money_waits_for_a_person(self, world: World) -> None:
        create(world)
        paid(world, "evt_0", PAY_1, 10_000)
        world.gateway.payments[PAY_2] = part(world, PAY_2, 35_000, status="failed")
        assert tell_of_dispute(world, "created", payment_id=PAY_2) is EventState.NOT_HANDLED

    def test_another_currency_is_a_conflict_and_not_counted(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        worth: dict[str, Any] = {"base_amount": 3_780_000, "base_currency": "INR"}
        paid(world, "evt_1", PAY_1, 45_000, currency="USD", **worth)
        assert get(world, link_id).body["paid_paise"] == 0
        assert world.stored(part_id(link_id, PAY_1)).status is PaymentStatus.CONFLICTED
        assert world.day_books().balances_paise["suspense:sch_1"] == -3_780_000

    def test_a_link_of_unknown_outcome_becomes_known_by_its_event(self, world: World) -> None:
        world.gateway.plan("create_payment_link", "timeout after")
        world.gateway.plan("find_payment_link", *["timeout before"] * 5)
        link_id = create(world).body["link_id"]
        paid(world, "evt_1", PAY_1, 45_000, whole=True)
        assert get(world, link_id).body["status"] == "paid"

    def test_a_crash_between_the_link_and_its_payment_is_healed_by_the_repetition(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        body = link_body("payment_link.paid", entity(world, status="paid"), part(world, PAY_1, 45_000))
        world.deliver(body, event_id="evt_1")
        dying = Interrupted(world.client)

        def die() -> None:
            raise Crashed

        dying.after["transact_write_items"] = [die]
        with pytest.raises(Crashed):
            world.over(dying).applier.apply("evt_1", request_id="req")
        assert stored(world, link_id).order_id is not None
        assert get(world, link_id).body["paid_paise"] == 0
        assert world.applier.apply("evt_1", request_id="req") is EventState.APPLIED
        assert get(world, link_id).body["status"] == "paid"

    def test_one_payment_told_by_many_events_at_once_counts_once(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        for number in range(6):
            body = link_body("payment_link.paid", entity(world, status="paid"), part(world, PAY_1, 45_000))
            world.deliver(body, event_id=f"evt_{number}")
        works = [
            lambda number=number: world.applier.apply(f"evt_{number}", request_id="req")
            for number in range(6)
        ]
        at_once(*works)
        assert stored(world, link_id).captured_paise == 45_000
        assert world.events(part_id(link_id, PAY_1)) == ["PaymentCaptured"]

    def test_two_parts_at_once_both_count(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        for number, amount in ((1, 15_000), (2, 30_000)):
            body = link_body(
                "payment_link.partially_paid",
                entity(world, status="partially_paid"),
                part(world, f"pay_{number:014d}", amount),
            )
            world.deliver(body, event_id=f"evt_{number}")
        at_once(
            lambda: world.applier.apply("evt_1", request_id="req"),
            lambda: world.applier.apply("evt_2", request_id="req"),
        )
        assert get(world, link_id).body["status"] == "paid"

    def test_strangers_are_not_ours_and_another_link_under_our_reference_waits(self, world: World) -> None:
        create(world)
        stranger = entity(world, id="plink_Stranger000001", reference_id="INV-7", order_id="order_X")
        assert tell(world, "evt_1", link_body("payment_link.expired", stranger)) is EventState.NOT_OURS
        double = entity(world, id="plink_Another0000001")
        assert tell(world, "evt_2", link_body("payment_link.expired", double)) is EventState.NOT_HANDLED

    def test_links_that_keep_changing_leave_the_event_for_later(self, world: World) -> None:
        create(world)
        body = link_body("payment_link.expired", entity(world, status="expired"))
        world.deliver(body, event_id="evt_1")
        restless = Interrupted(world.client)

        def change(number: int) -> Any:
            def happen() -> None:
                paid(world, f"evt_x{number}", f"pay_{number:014d}", 100)

            return happen

        restless.before["transact_write_items"] = [change(number) for number in range(5)]
        with pytest.raises(Problem, match="concurrent-change"):
            world.over(restless).applier.apply("evt_1", request_id="req")
        assert world.applier.apply("evt_1", request_id="req") is EventState.APPLIED

    def test_an_undocumented_status_of_a_part_waits_for_a_person(self, world: World) -> None:
        create(world)
        assert paid(world, "evt_1", PAY_1, 45_000, status="frozen") is EventState.NOT_HANDLED

    def test_an_event_that_no_rule_acts_on_yet_is_known_to_be_ours(self, world: World) -> None:
        create(world)
        paid(world, "evt_1", PAY_1, 15_000)
        body = webhook_body("invoice.paid", part(world, PAY_1, 15_000))
        assert tell(world, "evt_2", body) is EventState.NOT_HANDLED

    def test_a_part_is_refunded_like_any_payment(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        paid(world, "evt_1", PAY_1, 15_000)
        world.gateway.payments[PAY_1] = part(world, PAY_1, 15_000)
        payment = world.stored(part_id(link_id, PAY_1))
        assert refund(world, payment, 5_000).status == 201
        (told,) = world.gateway.refunds.values()
        world.gateway.payments[PAY_1] |= {"amount_refunded": 5_000, "refund_status": "partial"}
        assert tell_of_refund(world, "refund.processed", told | {"status": "processed"}) is EventState.APPLIED
        shown = get(world, link_id).body
        assert (shown["paid_paise"], shown["refunded_paise"]) == (15_000, 5_000)
        assert world.get(payment.payment_id).body["refunded_paise"] == 5_000


class TestEnding:
    @pytest.mark.parametrize(("end", "told"), [("expired", "LinkExpired"), ("cancelled", "LinkCancelled")])
    def test_the_gateway_tells_that_a_link_ended(self, world: World, end: str, told: str) -> None:
        link_id = create(world).body["link_id"]
        body = link_body(f"payment_link.{end}", entity(world, status=end))
        assert tell(world, "evt_1", body) is EventState.APPLIED
        assert tell(world, "evt_2", body) is EventState.NO_CHANGE
        shown = get(world, link_id).body
        assert (shown["status"], shown["short_url"]) == (end, None)
        assert world.events(link_id) == sorted(["LinkCreated", told])

    def test_past_its_last_second_it_is_expired_although_nobody_said_so(self, world: World) -> None:
        link_id = create(world, expires_on="2026-04-01").body["link_id"]
        world.clock.advance(seconds=12 * 3_600 - 1)  # 23:59:59 in India
        assert get(world, link_id).body["status"] == "created"
        world.clock.advance(seconds=1)
        shown = get(world, link_id).body
        assert (shown["status"], shown["short_url"]) == ("expired", None)
        assert call(world, "POST", CANCEL, link_id=link_id).code == "payment-link-not-cancellable"

    def test_an_open_link_is_found_by_who_sweeps_or_reminds(self, world: World) -> None:
        link_id = create(world).body["link_id"]

        def open_status() -> Any:
            (item,) = [item for item in world.tables.items("payments") if item["pk"] == f"LINK#{link_id}"]
            return item.get("open_status")

        assert open_status() == "link:created"
        paid(world, "evt_1", PAY_1, 15_000)
        assert open_status() == "link:partially_paid"
        paid(world, "evt_2", PAY_2, 30_000, whole=True)
        assert open_status() is None

    def test_money_that_was_under_way_when_the_link_ended_counts(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        tell(world, "evt_1", link_body("payment_link.expired", entity(world, status="expired")))
        paid(world, "evt_2", PAY_1, 15_000)
        shown = get(world, link_id).body
        assert (shown["status"], shown["paid_paise"]) == ("expired", 15_000)
        paid(world, "evt_3", PAY_2, 30_000, whole=True)
        assert get(world, link_id).body["status"] == "paid"

    def test_a_cancelled_link_is_cancelled_at_the_gateway(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        answer = call(world, "POST", CANCEL, link_id=link_id)
        assert (answer.status, answer.body["status"]) == (200, "cancelled")
        assert world.gateway.links.all[0]["status"] == "cancelled"
        again = call(world, "POST", CANCEL, link_id=link_id)
        assert again.body == answer.body
        assert world.gateway.calls.count("cancel_payment_link") == 1
        body = link_body("payment_link.cancelled", entity(world, order_id=None))
        assert tell(world, "evt_1", body) is EventState.NO_CHANGE
        assert world.events(link_id) == ["LinkCancelled", "LinkCreated"]

    def test_a_link_that_was_paid_in_part_is_not_cancelled(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        paid(world, "evt_1", PAY_1, 15_000)
        answer = call(world, "POST", CANCEL, link_id=link_id)
        assert (answer.status, answer.code) == (409, "payment-link-not-cancellable")
        assert "cancel_payment_link" not in world.gateway.calls

    def test_what_the_gateway_knows_better_is_learnt(self, world: World) -> None:
        """It expired, and the event that tells of it has not come."""
        link_id = create(world).body["link_id"]
        world.gateway.links.all[0]["status"] = "expired"
        assert call(world, "POST", CANCEL, link_id=link_id).code == "payment-link-not-cancellable"
        assert get(world, link_id).body["status"] == "expired"

    @pytest.mark.parametrize("fault", ["timeout after", "502"])
    def test_a_cancellation_of_unknown_outcome_is_looked_up(self, world: World, fault: str) -> None:
        link_id = create(world).body["link_id"]
        world.gateway.plan("cancel_payment_link", fault)
        assert call(world, "POST", CANCEL, link_id=link_id).body["status"] == "cancelled"

    def test_a_cancellation_that_cannot_be_looked_up_is_not_claimed(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        world.gateway.plan("cancel_payment_link", "timeout before")
        world.gateway.plan("get_payment_link", *["timeout before"] * 5)
        answer = call(world, "POST", CANCEL, link_id=link_id)
        assert (answer.status, answer.code) == (503, "gateway-unavailable")
        assert get(world, link_id).body["status"] == "created"

    def test_a_busy_gateway_cancels_nothing(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        world.gateway.plan("cancel_payment_link", *["429"] * 5)
        assert call(world, "POST", CANCEL, link_id=link_id).code == "gateway-unavailable"

    def test_a_link_of_unknown_outcome_is_found_before_it_is_cancelled(self, world: World) -> None:
        world.gateway.plan("create_payment_link", "timeout after")
        world.gateway.plan("find_payment_link", *["timeout before"] * 5)
        link_id = create(world).body["link_id"]
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)
        assert call(world, "POST", CANCEL, link_id=link_id).body["status"] == "cancelled"

    def test_a_link_that_the_gateway_does_not_have_yet_is_not_cancelled(self, world: World) -> None:
        world.gateway.plan("create_payment_link", "timeout before")
        link_id = create(world).body["link_id"]
        assert call(world, "POST", CANCEL, link_id=link_id).code == "gateway-unavailable"


class TestComingBack:
    def sent(self, world: World, payment_id: str, **changes: Any) -> dict[str, str]:
        link = world.gateway.links.all[-1]
        values = {
            "razorpay_payment_id": payment_id,
            "razorpay_payment_link_id": link["id"],
            "razorpay_payment_link_reference_id": link["reference_id"],
            "razorpay_payment_link_status": "paid",
        } | changes
        signed = "|".join(
            values[f"razorpay_payment_{name}"]
            for name in ("link_id", "link_reference_id", "link_status", "id")
        )
        return {"razorpay_signature": sign(signed.encode(), KEY_SECRET)} | values | changes

    def back(self, world: World, link_id: str, sent: dict[str, str], principal: Any = PARENT) -> Answer:
        return call(world, "POST", VERIFY, principal=principal, body=sent, link_id=link_id)

    def test_the_payment_is_fetched_and_counted_before_any_event(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        world.gateway.payments[PAY_1] = part(world, PAY_1, 45_000)
        answer = self.back(world, link_id, self.sent(world, PAY_1))
        assert (answer.status, answer.body["status"]) == (200, "paid")
        assert paid(world, "evt_1", PAY_1, 45_000, whole=True) is EventState.NO_CHANGE
        assert stored(world, link_id).captured_paise == 45_000
        assert world.events(part_id(link_id, PAY_1)) == ["PaymentCaptured"]
        assert self.back(world, link_id, self.sent(world, PAY_1)).body == answer.body

    def test_a_silent_gateway_leaves_it_to_the_webhook(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        world.gateway.plan("get_payment", *["timeout before"] * 5)
        answer = self.back(world, link_id, self.sent(world, PAY_1))
        assert (answer.status, answer.body["status"]) == (200, "created")

    def test_a_former_secret_still_counts(self, world: World) -> None:
        world.former_key_secret = "the-secret-before"
        link_id = create(world).body["link_id"]
        world.gateway.payments[PAY_1] = part(world, PAY_1, 45_000)
        sent = self.sent(world, PAY_1)
        message = f"{sent['razorpay_payment_link_id']}|{link_id}|paid|{PAY_1}"
        sent["razorpay_signature"] = sign(message.encode(), "the-secret-before")
        assert self.back(world, link_id, sent).body["status"] == "paid"

    def test_a_forged_way_back_is_refused(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        for changes in (
            {"razorpay_signature": "0" * 64},
            {"razorpay_signature": sign(b"something else", KEY_SECRET)},
        ):
            answer = self.back(world, link_id, self.sent(world, PAY_1, **changes))
            assert (answer.status, answer.code) == (422, "checkout-signature-invalid")
        assert "get_payment" not in world.gateway.calls

    def test_a_signed_way_back_of_another_link_is_refused(self, world: World) -> None:
        first = create(world, key="key-00000001").body["link_id"]
        create(world, key="key-00000002")
        assert self.back(world, first, self.sent(world, PAY_1)).code == "order-mismatch"

    def test_a_payment_under_another_order_is_refused(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        paid(world, "evt_1", PAY_1, 15_000)
        world.gateway.payments[PAY_2] = gateway_payment(PAY_2, "order_Elsewhere00001", amount=30_000)
        assert self.back(world, link_id, self.sent(world, PAY_2)).code == "order-mismatch"
        assert stored(world, link_id).captured_paise == 15_000

    def test_an_undocumented_status_is_left_to_a_person(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        world.gateway.payments[PAY_1] = part(world, PAY_1, 45_000, status="frozen")
        assert self.back(world, link_id, self.sent(world, PAY_1)).body["status"] == "created"

    def test_a_failed_payment_counts_nothing(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        world.gateway.payments[PAY_1] = part(world, PAY_1, 45_000, status="failed")
        assert self.back(world, link_id, self.sent(world, PAY_1)).body["paid_paise"] == 0


class TestTenancy:
    def test_others_do_not_see_a_link(self, world: World) -> None:
        link_id = create(world).body["link_id"]
        for principal in (OTHER_PARENT, FINANCE_ELSEWHERE):
            assert get(world, link_id, principal).code == "payment-link-not-found"
            answer = call(world, "POST", CANCEL, principal=principal, link_id=link_id)
            assert (answer.status, answer.code) == (404, "payment-link-not-found")
        assert get(world, "plk_no_such_thing").code == "payment-link-not-found"
        assert get(world, link_id, SCHOOL_ADMIN).status == 200

    def test_each_lists_its_own(self, world: World) -> None:
        world.school("sch_2", "Blue Hill School")
        first = create(world).body["link_id"]
        second = create(world, principal=OTHER_PARENT).body["link_id"]
        third = create(world, principal=SCHOOL_ADMIN, payer_id="usr_parent", key="key-00000003").body[
            "link_id"
        ]

        def listed(principal: Any, **query: str) -> set[str]:
            items = call(world, "GET", LINKS, principal=principal, query=query).body["items"]
            return {item["link_id"] for item in items}

        assert listed(PARENT) == {first, third}
        assert listed(OTHER_PARENT) == {second}
        assert listed(SCHOOL_ADMIN) == {first, second, third}
        assert listed(FINANCE_ELSEWHERE) == set()
        answer = call(world, "GET", LINKS, principal=FINANCE_ELSEWHERE, query={"school_id": "sch_1"})
        assert answer.code == "school-forbidden"

    def test_pages_follow_each_other_and_a_payments_cursor_is_none_of_theirs(self, world: World) -> None:
        made = [create(world, key=f"key-page-{number:04d}").body["link_id"] for number in range(3)]
        page = call(world, "GET", LINKS, query={"limit": "2"}).body
        rest = call(world, "GET", LINKS, query={"limit": "2", "cursor": page["next_cursor"]}).body
        assert {item["link_id"] for item in page["items"] + rest["items"]} == set(made)
        world.created()
        world.created()
        cursor = world.page(limit="1").body["next_cursor"]
        assert call(world, "GET", LINKS, query={"cursor": cursor}).code == "cursor-invalid"
