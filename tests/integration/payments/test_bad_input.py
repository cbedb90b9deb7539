"""Bad input: a problem document with a stable code, one audit line, and nothing else anywhere."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from runtime.platform.auth import Role
from tests.events import Answer, Context, caller, rest_event
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.world import (
    KEY_SECRET,
    OTHER_PARENT,
    PARENT,
    SCHOOL_ADMIN,
    WEBHOOK_SECRETS,
    World,
    webhook_body,
)

CARD = "4111111111111111"
CARD_GROUPED = "4111 1111-1111 1111"
VALID: dict[str, Any] = {"school_id": "sch_1", "amount_paise": 45_000, "description": "Lunches in April"}


@dataclass(frozen=True)
class Bad:
    """A body that must be refused with ``code`` under ``status``, and what must not show up anywhere."""

    name: str
    body: str
    status: int
    code: str
    hidden: tuple[str, ...] = field(default=(CARD, CARD_GROUPED))


def changed(**members: Any) -> str:
    return json.dumps(VALID | members)


def amount(text: str) -> str:
    return json.dumps(VALID).replace("45000", text)


BODIES = [
    Bad("empty", "", 400, "body-malformed"),
    Bad("no json", "{amount: 1}", 400, "body-malformed"),
    Bad("cut short", changed()[:-1], 400, "body-malformed"),
    Bad("a list", "[]", 400, "body-malformed"),
    Bad("twice the same name", changed()[:-1] + ', "amount_paise": 100}', 400, "body-malformed"),
    Bad("not a number", amount("NaN"), 400, "body-malformed"),
    Bad("infinite", amount("Infinity"), 400, "body-malformed"),
    Bad("deep", changed(metadata={"x": "y"}).replace('"y"', "[" * 40 + "]" * 40), 400, "body-malformed"),
    Bad("too long", changed(description="x" * 66_000), 413, "body-too-large"),
    Bad("a name that is not ours", changed(amuont_paise=1), 400, "body-invalid"),
    Bad("no school", json.dumps({k: v for k, v in VALID.items() if k != "school_id"}), 400, "body-invalid"),
    Bad("a school of odd shape", changed(school_id="../etc"), 400, "body-invalid"),
    Bad("an empty description", changed(description=""), 400, "body-invalid"),
    Bad("too much metadata", changed(metadata={f"n{i}": "v" for i in range(11)}), 400, "body-invalid"),
    Bad("a currency in small letters", changed(currency="inr"), 400, "body-invalid"),
    Bad("float 100.0", amount("100.0"), 400, "amount-not-integer"),
    Bad("float 1e2", amount("1e2"), 400, "amount-not-integer"),
    Bad("float 450.5", amount("450.5"), 400, "amount-not-integer"),
    Bad("a text", amount('"100"'), 400, "amount-not-integer"),
    Bad("true", amount("true"), 400, "amount-not-integer"),
    Bad("null", amount("null"), 400, "amount-not-integer"),
    Bad("99 paise", amount("99"), 422, "amount-below-minimum"),
    Bad("nothing", amount("0"), 422, "amount-below-minimum"),
    Bad("negative", amount("-45000"), 422, "amount-below-minimum"),
    Bad("above the ceiling", amount("50000001"), 422, "amount-above-maximum"),
    Bad("another currency", changed(currency="USD"), 422, "currency-not-enabled"),
    Bad("an unknown school", changed(school_id="sch_9"), 422, "school-unknown"),
    Bad("a closed school", changed(school_id="sch_closed"), 422, "school-inactive"),
    Bad("another's school", changed(school_id="sch_2"), 403, "school-forbidden"),
    Bad("another payer", changed(payer_id="usr_other"), 400, "body-invalid"),
    Bad("card in the description", changed(description=f"card {CARD}"), 400, "card-data-refused"),
    Bad("card in groups", changed(description=CARD_GROUPED), 400, "card-data-refused"),
    Bad("card as the reference", changed(reference="4111-1111-1111-1111"), 400, "card-data-refused"),
    Bad("card in metadata", changed(metadata={"note": CARD}), 400, "card-data-refused"),
    Bad("card as a name", changed(metadata={CARD: "x"}), 400, "card-data-refused"),
    Bad("card as a number", changed(card=int(CARD)), 400, "card-data-refused"),
    Bad("card as the amount", amount(CARD), 400, "card-data-refused"),
    Bad("card deep inside", changed(extra=[{"a": [{"b": CARD}]}]), 400, "card-data-refused"),
    Bad("cvv", changed(metadata={"cvv": "737"}), 400, "card-data-refused", ("737",)),
    Bad("cvv as a number", changed(card={"CVV2": 737}), 400, "card-data-refused", ("737",)),
    Bad("security code", changed(security_code="7373"), 400, "card-data-refused", ("7373",)),
]


def assert_refused(
    world: World, before: dict[str, list[Any]], answer: Answer, status: int, code: str
) -> None:
    """The answer is a problem document, and one audit line is all that was written."""
    assert (answer.status, answer.code) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["type"] == f"urn:hasivu:problem:{code}"
    assert {"title", "detail", "status", "next_step", "instance"} <= answer.body.keys()
    after = world.tables.snapshot()
    lines = after.pop("audit")
    (line,) = [line for line in lines if line not in before["audit"]]
    assert (line["outcome"], line["code"]) == ("refused", code)
    assert after == {name: items for name, items in before.items() if name != "audit"}
    assert world.queue.sent == []


def assert_hidden(world: World, answer: Answer, *secrets: str) -> None:
    """None of it shows up in the answer, the log or the audit trail. Three digits may be within an identifier
    or a moment by chance; a secret stands by itself."""
    everything = answer.text + world.log.getvalue() + json.dumps(world.tables.items("audit"))
    known = (*secrets, KEY_SECRET, *WEBHOOK_SECRETS)
    assert not [each for each in known if re.search(rf"(?<!\w){re.escape(each)}(?!\w)", everything)]


@pytest.fixture
def schools(world: World) -> World:
    world.school("sch_2", "Hill View School")
    world.school("sch_closed", "Closed School", active=False)
    return world


@pytest.mark.parametrize("bad", BODIES, ids=lambda bad: bad.name)
def test_a_body_that_must_not_be_accepted(schools: World, bad: Bad) -> None:
    before = schools.tables.snapshot()
    principal = caller("usr_parent", Role.PARENT, schools=["sch_1", "sch_closed"])
    answer = schools.create(principal, raw=bad.body)
    assert_refused(schools, before, answer, bad.status, bad.code)
    assert_hidden(schools, answer, *bad.hidden)
    assert schools.gateway.calls == []
    (line,) = schools.refusals()
    assert (line["actor_id"], line["action"]) == ("usr_parent", "payments.create")


def test_a_body_in_base64_is_read_all_the_same(world: World) -> None:
    event = rest_event(
        "POST",
        "/v1/payments",
        principal=PARENT,
        headers={"Idempotency-Key": "key-00000001"},
        body=changed(),
        base64_encoded=True,
    )
    assert world.payments_api.handle(event, Context())["statusCode"] == 201


def test_a_body_that_is_not_utf8_is_refused(world: World) -> None:
    before = world.tables.snapshot()
    event = rest_event(
        "POST", "/v1/payments", principal=PARENT, body=b'{"school_id": "\xff"}', base64_encoded=True
    )
    answer = Answer.of(world.payments_api.handle(event, Context()))
    assert_refused(world, before, answer, 400, "body-malformed")


def test_a_currency_that_is_enabled_is_accepted(world: World) -> None:
    world.currencies = frozenset({"INR", "USD"})
    assert world.create(currency="USD").body["currency"] == "USD"


@pytest.mark.parametrize("amount_paise", [100, 50_000_000])
def test_the_least_and_the_most_are_accepted(world: World, amount_paise: int) -> None:
    assert world.create(amount_paise=amount_paise).status == 201


@pytest.mark.parametrize(
    ("principal", "status", "code"),
    [
        (None, 401, "unauthenticated"),
        (caller("usr_x", Role.AUDITOR), 403, "forbidden"),
        (caller("usr_x"), 403, "forbidden"),
    ],
    ids=["nobody", "auditor", "no role"],
)
def test_a_caller_that_may_not(world: World, principal: Any, status: int, code: str) -> None:
    before = world.tables.snapshot()
    assert_refused(world, before, world.create(principal), status, code)


def test_a_path_that_is_no_route(world: World) -> None:
    before = world.tables.snapshot()
    answer = Answer.of(world.payments_api.handle(rest_event("DELETE", "/v1/payments"), Context()))
    assert_refused(world, before, answer, 404, "route-unknown")


def test_somebody_elses_payment(world: World) -> None:
    payment = world.created()
    before = world.tables.snapshot()
    assert_refused(world, before, world.get(payment.payment_id, OTHER_PARENT), 404, "payment-not-found")


def test_somebody_elses_payment_to_verify(world: World) -> None:
    payment = world.created()
    before = world.tables.snapshot()
    answer = world.verify(payment, "pay_00000000000001", principal=OTHER_PARENT)
    assert_refused(world, before, answer, 404, "payment-not-found")
    assert world.refusals()[0]["subject"] == payment.payment_id


def test_a_card_number_in_the_path_goes_nowhere(world: World) -> None:
    answer = world.get(CARD)
    assert answer.code == "payment-not-found"
    assert_hidden(world, answer, CARD)


def test_a_card_number_for_a_checkout_value(world: World) -> None:
    payment = world.created()
    before = world.tables.snapshot()
    answer = world.verify(payment, "pay_00000000000001", card_number=CARD, cvv="737")
    assert_refused(world, before, answer, 400, "card-data-refused")
    assert_hidden(world, answer, CARD)


class TestWebhook:
    BODY = webhook_body("payment.captured", gateway_payment("pay_1", "order_1"))

    @pytest.mark.parametrize(
        ("signature", "code"),
        [
            (None, "signature-missing"),
            ("", "signature-missing"),
            ("0" * 64, "signature-invalid"),
            ("ünreadable\ud800", "signature-invalid"),
            ("x" * 10_000, "signature-invalid"),
        ],
        ids=["none", "empty", "wrong", "no ascii", "long"],
    )
    def test_a_signature_that_is_missing_or_wrong(
        self, world: World, signature: str | None, code: str
    ) -> None:
        before = world.tables.snapshot()
        answer = world.deliver(self.BODY, signature=signature)
        assert_refused(world, before, answer, 401, code)
        assert_hidden(world, answer, "ravi.kumar", "ravi@example.com", "90000 90000", "9000090000")

    def test_a_signature_by_a_secret_that_is_not_live(self, world: World) -> None:
        before = world.tables.snapshot()
        assert_refused(world, before, world.deliver(self.BODY, secret="retired"), 401, "signature-invalid")

    def test_a_signature_over_another_rendering_of_the_same_json(self, world: World) -> None:
        signature = hmac.new(WEBHOOK_SECRETS[0].encode(), self.BODY, hashlib.sha256).hexdigest()
        rendered = json.dumps(json.loads(self.BODY), separators=(",", ":")).encode()
        before = world.tables.snapshot()
        assert_refused(world, before, world.deliver(rendered, signature=signature), 401, "signature-invalid")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"{",
            b"[]",
            b'"text"',
            b"\xff\xfe",
            b'{"entity":"event","event":"payment.captured"}',
            b'{"entity":"event","event":7,"payload":{}}',
            b'{"entity":"event","event":"","payload":{}}',
            b'{"entity":"order","event":"payment.captured","payload":{}}',
            webhook_body("payment.captured", gateway_payment("pay_1", "order_1", amount=450.5)),
            webhook_body("payment.captured", gateway_payment("pay_1", "order_1", amount="45000")),
            webhook_body("payment.captured", gateway_payment("pay_1", "order_1", notes={"x": float("nan")})),
            b"[" * 100_000,
            b'{"entity":"event","event":"payment.captured","payload":{"x":"\\ud800"}}',
            b'{"entity":"event","event":"payment.captured","payload":{"x":1e999}}',
        ],
        ids=[
            "empty",
            "cut short",
            "a list",
            "a text",
            "no utf-8",
            "no payload",
            "no text for a name",
            "no name",
            "no event",
            "float amount",
            "text amount",
            "NaN",
            "deep",
            "half a character",
            "an infinite number",
        ],
    )
    def test_a_body_that_is_no_event(self, world: World, body: bytes) -> None:
        before = world.tables.snapshot()
        answer = world.deliver(body, base64_encoded=True)
        assert_refused(world, before, answer, 400, "body-malformed")

    def test_a_body_over_the_limit(self, world: World) -> None:
        before = world.tables.snapshot()
        answer = world.deliver(self.BODY + b" " * (256 * 1024))
        assert_refused(world, before, answer, 413, "body-too-large")

    @pytest.mark.parametrize("event", ["payment.teleported", "ping", "Payment.Captured"])
    def test_an_event_that_is_not_documented_is_acknowledged_and_not_kept(
        self, world: World, event: str
    ) -> None:
        """200, or Razorpay would repeat it for a day and then switch the webhook off."""
        before = world.tables.snapshot()
        answer = world.deliver(webhook_body(event, None))
        assert_refused(world, before, answer, 200, "webhook-event-unknown")

    def test_the_same_event_id_with_another_body(self, world: World) -> None:
        assert world.deliver(self.BODY).status == 200
        world.queue.sent.clear()
        before = world.tables.snapshot()
        answer = world.deliver(webhook_body("payment.failed", gateway_payment("pay_1", "order_1")))
        assert_refused(world, before, answer, 409, "webhook-event-altered")

    def test_card_data_in_an_event_is_not_kept(self, world: World) -> None:
        """It is from the gateway and about money, so it is applied; but what is kept has no card data."""
        card = {"last4": "1111", "number": CARD, "cvv": "737", CARD: "x"}
        body = webhook_body(
            "payment.captured", gateway_payment("pay_1", "order_1", card=card, notes={"said": CARD_GROUPED})
        )
        assert world.deliver(body).status == 200
        (kept,) = world.tables.items("webhook_events")
        text = json.dumps(kept)
        assert not [secret for secret in (CARD, CARD_GROUPED, '"737"') if secret in text]
        assert "403993715504" in text  # the bank's reference, by which the money is found again
        assert CARD not in world.log.getvalue()


def test_staff_is_told_which_field_is_missing(world: World) -> None:
    answer = world.create(SCHOOL_ADMIN)
    assert answer.body["errors"] == [{"pointer": "/payer_id", "reason": "required from this caller"}]
