"""A parent saves what it paid with, names it, prefers it, and takes it away again."""

from typing import Any

import pytest

from runtime.payments.methods.model import METHODS_MAX
from runtime.platform.auth import Role
from tests.events import caller
from tests.integration.payments.test_mandates import register
from tests.integration.payments.world import ADMIN, KEY_ID, OTHER_PARENT, World

CARD = {
    "id": "token_Card0000000001",
    "entity": "token",
    "method": "card",
    "card": {"last4": "1111", "network": "Visa", "issuer": "HDFC", "expiry_month": 3, "expiry_year": 2028},
}
METHODS = "/v1/payment-methods"
METHOD = "/v1/payment-methods/{method_id}"
CUSTOMER = "/v1/payment-methods/customer"


def paid_with_token(world: World, number: int = 1, **changes: Any) -> str:
    """A payment of the parent's that went through and left a token; gives its id."""
    payment = world.created()
    token_id = f"token_Card{number:010d}"
    world.gateway.tokens[token_id] = CARD | {"id": token_id}
    paid = world.gateway.pay(
        payment.order_id or "",
        f"pay_Saved{number:09d}",
        **{"method": "card", "token_id": token_id, "customer_id": "cust_00000000000000"} | changes,
    )
    world.tell(f"evt_saved_{number}", "payment.captured", paid, 1_775_025_000)
    return payment.payment_id


def save(world: World, payment_id: str, **fields: Any) -> Any:
    return world.call("POST", METHODS, body={"payment_id": payment_id, **fields})


class TestSaving:
    def test_keeps_what_recognises_the_instrument_and_makes_the_first_the_default(self, world: World) -> None:
        answer = save(world, paid_with_token(world), label="Amma's card")
        assert answer.status == 201
        assert answer.body | {"method_id": "", "created_at": ""} == {
            "method_id": "",
            "payer_id": "usr_parent",
            "instrument": {
                "kind": "card",
                "last4": "1111",
                "network": "Visa",
                "issuer": "HDFC",
                "expires_on": "2028-03",
                "vpa_masked": None,
                "bank": None,
                "wallet": None,
            },
            "label": "Amma's card",
            "is_default": True,
            "has_expired": False,
            "created_at": "",
        }
        assert world.events(answer.body["method_id"]) == ["MethodSaved"]

    def test_one_instrument_is_saved_once(self, world: World) -> None:
        payment_id = paid_with_token(world)
        first, again = save(world, payment_id), save(world, payment_id)
        assert (first.status, again.status) == (201, 200)
        assert first.body == again.body
        assert world.events(first.body["method_id"]) == ["MethodSaved"]

    def test_the_second_does_not_become_the_default(self, world: World) -> None:
        save(world, paid_with_token(world, 1))
        assert save(world, paid_with_token(world, 2)).body["is_default"] is False

    @pytest.mark.parametrize("changes", [{"token_id": None}, {"customer_id": None}, {"status": "failed"}])
    def test_a_payment_that_left_nothing_is_said_so(self, world: World, changes: dict[str, Any]) -> None:
        answer = save(world, paid_with_token(world, **changes))
        assert (answer.status, answer.body["code"]) == (422, "method-not-saved")

    def test_a_payment_of_somebody_else_does_not_exist(self, world: World) -> None:
        payment_id = paid_with_token(world)
        answer = world.call("POST", METHODS, principal=OTHER_PARENT, body={"payment_id": payment_id})
        assert (answer.status, answer.body["code"]) == (404, "payment-not-found")

    def test_a_card_number_as_a_label_is_refused(self, world: World) -> None:
        answer = save(world, paid_with_token(world), label="4111 1111 1111 1111")
        assert (answer.status, answer.body["code"]) == (400, "card-data-refused")

    def test_there_is_an_end_to_what_is_kept(self, world: World) -> None:
        for number in range(METHODS_MAX):
            assert save(world, paid_with_token(world, number + 1)).status == 201
        answer = save(world, paid_with_token(world, METHODS_MAX + 1))
        assert (answer.status, answer.body["code"]) == (422, "methods-too-many")

    def test_an_instrument_of_an_unknown_kind_is_not_saved(self, world: World) -> None:
        payment_id = paid_with_token(world)
        world.gateway.tokens["token_Card0000000001"]["method"] = "paylater"
        assert save(world, payment_id).body["code"] == "method-not-saved"

    def test_a_silent_gateway_changes_nothing(self, world: World) -> None:
        payment_id = paid_with_token(world)
        world.gateway.plan("get_token", *["timeout before"] * 5)
        answer = save(world, payment_id)
        assert (answer.status, answer.body["code"]) == (503, "gateway-unavailable")
        assert answer.headers["retry-after"] == "5"
        assert world.call("GET", METHODS).body["items"] == []

    def test_two_at_once_save_one(self, world: World) -> None:
        payment_id = paid_with_token(world)
        answers = [save(world, payment_id), save(world, payment_id)]
        assert len(world.call("GET", METHODS).body["items"]) == 1
        assert {answer.status for answer in answers} == {201, 200}


class TestTheCheckoutsCustomer:
    """Without a customer of ours a checkout keeps the instrument for nobody."""

    def test_a_payer_becomes_one_customer_at_the_gateway(self, world: World) -> None:
        first = world.call("PUT", CUSTOMER)
        again = world.call("PUT", CUSTOMER)
        assert (first.status, again.body) == (200, first.body)
        assert first.body["customer_id"].startswith("cust_")
        assert first.body["key_id"] == KEY_ID
        assert world.gateway.calls.count("create_customer") == 1

    def test_a_mandate_and_a_checkout_are_of_the_same_customer(self, world: World) -> None:
        customer_id = world.call("PUT", CUSTOMER).body["customer_id"]
        assert register(world).body["checkout"]["customer_id"] == customer_id

    def test_somebody_whom_nobody_can_reach_is_refused(self, world: World) -> None:
        world.contacts.phones.clear()
        world.contacts.emails.clear()
        answer = world.call("PUT", CUSTOMER)
        assert (answer.status, answer.body["code"]) == (422, "contact-missing")

    def test_a_silent_gateway_is_asked_again_later(self, world: World) -> None:
        world.gateway.plan("create_customer", "timeout before")
        answer = world.call("PUT", CUSTOMER)
        assert (answer.status, answer.body["code"]) == (503, "gateway-unavailable")
        assert world.call("PUT", CUSTOMER).status == 200

    def test_an_office_has_no_checkout(self, world: World) -> None:
        assert world.call("PUT", CUSTOMER, principal=ADMIN).status == 403


class TestUsing:
    def test_another_label_and_another_default(self, world: World) -> None:
        first = save(world, paid_with_token(world, 1)).body["method_id"]
        second = save(world, paid_with_token(world, 2)).body["method_id"]
        named = world.call("PATCH", METHOD, body={"label": "Office card"}, method_id=second)
        preferred = world.call("PUT", f"{METHOD}/default", method_id=second)
        again = world.call("PUT", f"{METHOD}/default", method_id=second)
        assert (named.body["label"], preferred.body["is_default"], again.status) == ("Office card", True, 200)
        listed = {item["method_id"]: item["is_default"] for item in world.call("GET", METHODS).body["items"]}
        assert listed == {first: False, second: True}
        assert world.call("PATCH", METHOD, body={"label": None}, method_id=second).body["label"] is None

    def test_nobody_else_touches_it(self, world: World) -> None:
        method_id = save(world, paid_with_token(world)).body["method_id"]
        for method, path, body in (
            ("PATCH", METHOD, {"label": "Mine"}),
            ("PUT", f"{METHOD}/default", None),
            ("DELETE", METHOD, None),
        ):
            answer = world.call(method, path, principal=OTHER_PARENT, body=body, method_id=method_id)
            assert (answer.status, answer.body["code"]) == (404, "method-not-found")

    def test_others_are_shown_to_who_works_for_every_school_alone(self, world: World) -> None:
        save(world, paid_with_token(world))
        whose = {"payer_id": "usr_parent"}
        auditor = caller("usr_auditor", Role.AUDITOR)
        assert len(world.call("GET", METHODS, principal=ADMIN, query=whose).body["items"]) == 1
        assert len(world.call("GET", METHODS, principal=auditor, query=whose).body["items"]) == 1
        refused = world.call("GET", METHODS, principal=OTHER_PARENT, query=whose)
        assert (refused.status, refused.body["code"]) == (400, "query-invalid")
        assert (
            world.call("PATCH", METHOD, principal=auditor, body={"label": None}, method_id="x").status == 403
        )


class TestRevoking:
    def test_forgets_it_at_the_gateway_and_is_no_default_any_more(self, world: World) -> None:
        method_id = save(world, paid_with_token(world)).body["method_id"]
        answer = world.call("DELETE", METHOD, method_id=method_id)
        assert (answer.status, answer.text) == (204, "")
        assert world.gateway.tokens == {}
        assert world.call("GET", METHODS).body["items"] == []
        assert world.token_book.wallets.get("usr_parent").profile.default_method_id is None
        assert world.events(method_id) == ["MethodRevoked", "MethodSaved"]

    def test_a_repetition_finds_it_done(self, world: World) -> None:
        method_id = save(world, paid_with_token(world)).body["method_id"]
        assert [world.call("DELETE", METHOD, method_id=method_id).status for _ in range(2)] == [204, 204]
        assert world.gateway.calls.count("delete_token") == 1

    def test_what_the_gateway_has_forgotten_already_is_forgotten_here(self, world: World) -> None:
        method_id = save(world, paid_with_token(world)).body["method_id"]
        world.gateway.tokens.clear()
        assert world.call("DELETE", METHOD, method_id=method_id).status == 204
        assert world.call("GET", METHODS).body["items"] == []

    def test_an_unknown_outcome_is_said_and_the_repetition_ends_it(self, world: World) -> None:
        method_id = save(world, paid_with_token(world)).body["method_id"]
        world.gateway.plan("delete_token", "timeout after")
        answer = world.call("DELETE", METHOD, method_id=method_id)
        assert (answer.status, answer.body["code"]) == (503, "gateway-unavailable")
        assert len(world.call("GET", METHODS).body["items"]) == 1
        assert world.call("DELETE", METHOD, method_id=method_id).status == 204

    def test_an_instrument_that_was_revoked_can_be_saved_again(self, world: World) -> None:
        payment_id = paid_with_token(world)
        method_id = save(world, payment_id).body["method_id"]
        world.call("DELETE", METHOD, method_id=method_id)
        world.gateway.tokens["token_Card0000000001"] = dict(CARD)
        again = save(world, payment_id)
        assert again.status == 201
        assert again.body["method_id"] != method_id
