"""A parent lets a school debit it; the gateway tells what becomes of that, in any order."""

from itertools import permutations
from typing import Any

import pytest

from runtime.payments.inbox import EventState
from runtime.platform.auth import Role
from tests.events import Answer, caller
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.world import (
    KEY_ID,
    OTHER_PARENT,
    PARENT,
    SCHOOL_ADMIN,
    World,
    token_body,
)

MANDATES = "/v1/mandates"
MANDATE = "/v1/mandates/{mandate_id}"
TOKEN = "token_Mandate0000001"
FINANCE_ELSEWHERE = caller("usr_finance_2", Role.FINANCE, schools=["sch_2"])


def register(
    world: World, *, key: str | None = "key-00000001", principal: Any = PARENT, **changes: Any
) -> Answer:
    body = {
        "school_id": "sch_1",
        "method": "upi",
        "max_amount_paise": 500_000,
        "frequency": "monthly",
        "expires_on": "2027-03-31",
        "description": "Lunches every month",
    } | changes
    sent = {name: value for name, value in body.items() if value is not None}
    return world.call("POST", MANDATES, principal=principal, key=key, body=sent)


def token(status: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": TOKEN,
        "entity": "token",
        "method": "upi",
        "vpa": {"username": "ravi.kumar", "handle": "okhdfc", "name": None},
        "recurring": True,
        "recurring_details": {"status": status, "failure_reason": None},
        "max_amount": 500_000,
        "used_at": 1_775_025_000,
        "created_at": 1_775_025_000,
    } | changes


def authorised(order_id: str, amount: int = 0) -> dict[str, Any]:
    """The payment with which the payer authorises the mandate."""
    return gateway_payment(
        "pay_Authorisation01",
        order_id,
        amount=amount,
        fee=0,
        tax=0,
        token_id=TOKEN,
        customer_id="cust_00000000000000",
    )


def tell_of_token(world: World, status: str, at: int, **changes: Any) -> EventState:
    event_id = f"evt_token_{status}_{at}"
    body = token_body(f"token.{status}", token(status, **changes), created_at=at)
    assert world.deliver(body, event_id=event_id).status == 200
    return world.applier.apply(event_id, request_id="req")


def active(world: World, **changes: Any) -> dict[str, Any]:
    """A mandate that the bank has confirmed, as it is shown."""
    made = register(world, **changes).body
    world.tell("evt_authorised", "payment.captured", authorised(made["checkout"]["order_id"]), 1_775_025_100)
    tell_of_token(world, "confirmed", 1_775_025_200)
    return world.call("GET", MANDATE, mandate_id=made["mandate_id"]).body


class TestRegistering:
    def test_gives_what_a_checkout_is_opened_with(self, world: World) -> None:
        answer = register(world)
        assert answer.status == 201
        assert answer.body["status"] == "created"
        assert answer.body["checkout"] == {
            "key_id": KEY_ID,
            "order_id": world.gateway.orders[0]["id"],
            "customer_id": "cust_00000000000000",
            "recurring": True,
            "amount_paise": 0,
            "currency": "INR",
        }

    def test_the_gateway_is_asked_for_exactly_these_terms(self, world: World) -> None:
        register(world, first_payment_paise=45_000)
        (order,) = world.gateway.orders
        assert (order["amount"], order["method"], order["customer_id"]) == (
            45_000,
            "upi",
            "cust_00000000000000",
        )
        # The last second of 31 March 2027 in India.
        assert order["token"] == {"max_amount": 500_000, "expire_at": 1_806_517_799, "frequency": "monthly"}

    def test_one_key_makes_one_mandate(self, world: World) -> None:
        first, again = register(world), register(world)
        assert (first.status, first.body) == (again.status, again.body)
        assert len(world.gateway.orders) == 1
        assert len(world.call("GET", MANDATES).body["items"]) == 1

    def test_the_same_key_for_other_terms_is_refused(self, world: World) -> None:
        register(world)
        assert register(world, max_amount_paise=600_000).body["code"] == "idempotency-key-reused"

    @pytest.mark.parametrize(
        ("changes", "pointer"),
        [
            ({"max_amount_paise": 99}, "/max_amount_paise"),
            ({"max_amount_paise": 9_999_901}, "/max_amount_paise"),
            ({"first_payment_paise": 99}, "/first_payment_paise"),
            ({"first_payment_paise": -1}, "/first_payment_paise"),
            ({"method": "card"}, "/first_payment_paise"),
            ({"expires_on": "2026-03-31"}, "/expires_on"),
            ({"expires_on": "2027-02-29"}, "/expires_on"),
            ({"expires_on": "2057-01-01"}, "/expires_on"),
        ],
    )
    def test_terms_that_no_bank_knows_are_named(
        self, world: World, changes: dict[str, Any], pointer: str
    ) -> None:
        answer = register(world, **changes)
        assert (answer.status, answer.body["code"]) == (422, "mandate-terms-invalid")
        assert [error["pointer"] for error in answer.body["errors"]] == [pointer]
        assert world.gateway.orders == []

    def test_the_last_day_may_be_today(self, world: World) -> None:
        assert register(world, expires_on="2026-04-01").status == 201

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"school_id": "sch_9"}, "school-unknown"),
            ({"payer_id": "usr_other"}, "body-invalid"),
            ({"key": None}, "idempotency-key-missing"),
            ({"description": "card 4111 1111 1111 1111"}, "card-data-refused"),
            ({"max_amount_paise": 5000.5}, "amount-not-integer"),
            ({"frequency": "hourly"}, "body-invalid"),
        ],
    )
    def test_what_cannot_be_meant_is_refused(self, world: World, changes: dict[str, Any], code: str) -> None:
        assert register(world, **changes).body["code"] == code

    def test_a_payer_whom_nobody_can_tell_of_a_debit_is_asked_for_a_contact_first(self, world: World) -> None:
        world.contacts.phones.clear()
        answer = register(world)
        assert (answer.status, answer.body["code"]) == (422, "contact-missing")
        assert register(world).body["code"] == "contact-missing"

    @pytest.mark.parametrize(
        ("lost", "named"), [("emails", "e-mail address"), ("phones", "telephone number")]
    )
    def test_a_payer_who_could_not_be_debited_hears_so_before_the_bank_is_asked(
        self, world: World, lost: str, named: str
    ) -> None:
        """Known at the gateway or not: a recurring payment needs both."""
        assert register(world).status == 201
        orders = len(world.gateway.calls)
        getattr(world.contacts, lost).clear()
        answer = register(world, key="key-without-contact")
        assert (answer.status, answer.body["code"]) == (422, "contact-missing")
        assert named in answer.body["detail"]
        assert len(world.gateway.calls) == orders

    def test_a_school_asks_its_parents(self, world: World) -> None:
        made = register(world, principal=SCHOOL_ADMIN, payer_id="usr_parent")
        assert (made.status, made.body["payer_id"]) == (201, "usr_parent")
        shown = world.call(
            "GET",
            MANDATE,
            principal=SCHOOL_ADMIN,
            query={"payer_id": "usr_parent"},
            mandate_id=made.body["mandate_id"],
        )
        assert shown.status == 200

    @pytest.mark.parametrize("fault", ["timeout after", "timeout before", "500", "502"])
    def test_an_order_of_unknown_outcome_is_found_by_the_repetition(self, world: World, fault: str) -> None:
        world.gateway.plan("create_order", fault)
        world.gateway.plan("find_order_by_receipt", *["timeout before"] * 5)
        first = register(world)
        assert (first.status, first.body["code"]) == (503, "gateway-unavailable")
        world.gateway.forget_faults()
        world.clock.advance(seconds=120)  # the circuit breaker lets calls through again
        assert register(world).status == 201
        assert len(world.gateway.orders) == 1
        assert len(world.call("GET", MANDATES).body["items"]) == 1

    def test_a_refusal_of_the_gateway_is_the_answer_again_too(self, world: World) -> None:
        world.gateway.plan("create_order", "400")
        first, again = register(world), register(world)
        assert (first.status, first.body["code"]) == (502, "gateway-rejected")
        assert first.body == again.body

    def test_one_payer_is_one_customer(self, world: World) -> None:
        register(world, key="key-00000001")
        register(world, key="key-00000002")
        assert world.gateway.calls.count("create_customer") == 1


class TestLife:
    def test_a_confirmed_mandate_is_active_and_shows_its_instrument(self, world: World) -> None:
        mandate = active(world)
        assert (mandate["status"], mandate["checkout"]) == ("active", None)
        assert mandate["instrument"]["vpa_masked"] == "r***@okhdfc"
        assert world.events(mandate["mandate_id"]) == ["MandateConfirmed"]

    def test_whatever_comes_first_the_end_is_the_same_and_nothing_is_told_twice(self, world: World) -> None:
        """Authorisation, confirmation, pause and resumption in each of their 24 orders."""
        for number, order in enumerate(permutations(("pay", "confirmed", "paused", "resumed"))):
            made = register(world, key=f"key-order-{number:04d}").body
            its_token = f"token_Order{number:09d}"
            for step in order:
                if step == "pay":
                    payment = authorised(made["checkout"]["order_id"]) | {
                        "id": f"pay_Order{number:09d}",
                        "token_id": its_token,
                    }
                    world.tell(f"evt_pay_{number}", "payment.captured", payment, 1_775_025_100)
                else:
                    status = "paused" if step == "paused" else "confirmed"
                    at = {"confirmed": 1_775_025_200, "paused": 1_775_025_300, "resumed": 1_775_025_400}[step]
                    body = token_body(f"token.{status}", token(status, id=its_token), created_at=at)
                    world.deliver(body, event_id=f"evt_{step}_{number}")
                    world.applier.apply(f"evt_{step}_{number}", request_id="req")
            shown = world.call("GET", MANDATE, mandate_id=made["mandate_id"]).body
            assert (order, shown["status"]) == (order, "active")
            told = world.events(made["mandate_id"])
            assert told[0] == "MandateConfirmed"
            assert set(told) <= {"MandateConfirmed", "MandatePaused"}

    def test_a_token_of_nobody_is_kept_until_it_is_known_whose_it_is(self, world: World) -> None:
        made = register(world).body
        assert tell_of_token(world, "confirmed", 1_775_025_050) is EventState.NOT_OURS
        assert world.call("GET", MANDATE, mandate_id=made["mandate_id"]).body["status"] == "created"
        assert world.events(made["mandate_id"]) == []
        world.tell("evt_pay", "payment.captured", authorised(made["checkout"]["order_id"]), 1_775_025_100)
        assert world.call("GET", MANDATE, mandate_id=made["mandate_id"]).body["status"] == "active"
        assert world.events(made["mandate_id"]) == ["MandateConfirmed"]

    def test_a_stranger_is_forgotten_and_a_token_of_ours_is_not(self, world: World) -> None:
        tell_of_token(world, "confirmed", 1_775_025_050)
        (stranger,) = [item for item in world.tables.items("payment_methods") if item["sk"] == "TOKEN"]
        assert stranger["expires_at"] > world.clock.now().timestamp()
        made = register(world).body
        world.tell("evt_pay", "payment.captured", authorised(made["checkout"]["order_id"]), 1_775_025_100)
        (ours,) = [item for item in world.tables.items("payment_methods") if item["sk"] == "TOKEN"]
        assert "expires_at" not in ours

    def test_repetitions_change_nothing(self, world: World) -> None:
        mandate = active(world)
        before = world.tables.snapshot()
        assert tell_of_token(world, "confirmed", 1_775_025_200) is EventState.APPLIED  # the same event
        body = token_body("token.confirmed", token("confirmed"), created_at=1_775_025_200)
        world.deliver(body, event_id="evt_under_another_id")
        assert world.applier.apply("evt_under_another_id", request_id="req") is EventState.NO_CHANGE
        after = world.tables.snapshot()
        unchanged = set(before) - {"webhook_events"}
        assert {name: after[name] for name in unchanged} == {name: before[name] for name in unchanged}
        assert world.events(mandate["mandate_id"]) == ["MandateConfirmed"]

    def test_a_rejection_says_why(self, world: World) -> None:
        made = register(world).body
        world.tell("evt_pay", "payment.captured", authorised(made["checkout"]["order_id"]), 1_775_025_100)
        details = {"status": "rejected", "failure_reason": "Rejected by bank"}
        tell_of_token(world, "rejected", 1_775_025_200, recurring_details=details)
        shown = world.call("GET", MANDATE, mandate_id=made["mandate_id"]).body
        assert (shown["status"], shown["failure_reason"]) == ("rejected", "Rejected by bank")

    def test_it_ends_with_its_last_day(self, world: World) -> None:
        mandate = active(world, expires_on="2026-04-02")
        assert mandate["status"] == "active"
        world.clock.advance(seconds=2 * 86_400)
        assert world.call("GET", MANDATE, mandate_id=mandate["mandate_id"]).body["status"] == "expired"

    def test_an_authorisation_of_nothing_books_nothing_and_a_first_payment_is_booked(
        self, world: World
    ) -> None:
        active(world)
        assert world.day_books().entries == 0
        made = register(world, key="key-00000002", first_payment_paise=45_000).body
        payment = authorised(made["checkout"]["order_id"], 45_000) | {
            "id": "pay_FirstPayment01",
            "token_id": "token_Another0000001",
        }
        world.tell("evt_first", "payment.captured", payment, 1_775_025_100)
        books = world.day_books()
        assert books.balances
        assert books.balances_paise["school_payable:sch_1"] == -45_000

    def test_the_payment_that_authorises_offers_no_checkout_of_its_own(self, world: World) -> None:
        made = register(world).body
        assert world.get(made["payment_id"]).body["checkout"] is None

    def test_an_undocumented_status_waits_for_a_person(self, world: World) -> None:
        body = token_body("token.confirmed", token("frozen"))
        world.deliver(body, event_id="evt_frozen")
        assert world.applier.apply("evt_frozen", request_id="req") is EventState.NOT_HANDLED

    def test_the_token_of_a_mandate_is_not_saved_as_a_method(self, world: World) -> None:
        mandate = active(world)
        answer = world.call("POST", "/v1/payment-methods", body={"payment_id": mandate["payment_id"]})
        assert (answer.status, answer.body["code"]) == (422, "method-not-saved")


class TestCancelling:
    def test_it_counts_at_once_and_the_bank_confirms_later(self, world: World) -> None:
        mandate = active(world)
        world.gateway.tokens[TOKEN] = token("confirmed")
        answer = world.call("DELETE", MANDATE, mandate_id=mandate["mandate_id"])
        assert (answer.status, answer.body["status"]) == (200, "cancelling")
        assert world.gateway.calls.count("cancel_token") == 1
        tell_of_token(world, "cancelled", 1_775_025_300)
        shown = world.call("GET", MANDATE, mandate_id=mandate["mandate_id"]).body
        assert shown["status"] == "cancelled"
        assert world.events(mandate["mandate_id"]) == ["MandateCancelled", "MandateConfirmed"]

    def test_a_repetition_finds_it_asked_for(self, world: World) -> None:
        mandate = active(world)
        world.gateway.tokens[TOKEN] = token("confirmed")
        for _ in range(2):
            answer = world.call("DELETE", MANDATE, mandate_id=mandate["mandate_id"])
            assert answer.body["status"] == "cancelling"
        assert world.gateway.calls.count("cancel_token") == 1

    def test_one_that_nobody_authorised_is_simply_over(self, world: World) -> None:
        made = register(world).body
        answer = world.call("DELETE", MANDATE, mandate_id=made["mandate_id"])
        assert (answer.status, answer.body["status"]) == (200, "cancelled")
        assert "cancel_token" not in world.gateway.calls

    def test_what_has_ended_otherwise_is_not_cancelled(self, world: World) -> None:
        mandate = active(world, expires_on="2026-04-02")
        world.clock.advance(seconds=2 * 86_400)
        answer = world.call("DELETE", MANDATE, mandate_id=mandate["mandate_id"])
        assert (answer.status, answer.body["code"]) == (409, "mandate-ended")

    def test_a_refusal_means_that_it_ended_meanwhile(self, world: World) -> None:
        mandate = active(world)  # the gateway knows no such token any more
        assert world.call("DELETE", MANDATE, mandate_id=mandate["mandate_id"]).body["status"] == "cancelling"

    def test_an_unknown_outcome_is_said_and_nothing_is_recorded(self, world: World) -> None:
        mandate = active(world)
        world.gateway.tokens[TOKEN] = token("confirmed")
        world.gateway.plan("cancel_token", "timeout after")
        answer = world.call("DELETE", MANDATE, mandate_id=mandate["mandate_id"])
        assert (answer.status, answer.body["code"]) == (503, "gateway-unavailable")
        shown = world.call("GET", MANDATE, mandate_id=mandate["mandate_id"]).body
        assert shown["status"] == "active"


class TestSeeing:
    def test_mandates_of_others_do_not_exist(self, world: World) -> None:
        mandate = active(world)
        for principal in (OTHER_PARENT, FINANCE_ELSEWHERE):
            for query in ({}, {"payer_id": "usr_parent"}):
                answer = world.call(
                    "GET", MANDATE, principal=principal, query=query, mandate_id=mandate["mandate_id"]
                )
                assert answer.status in (400, 404)
                listed = world.call("GET", MANDATES, principal=principal, query=query)
                assert listed.body["items"] == []
