"""Sending: what is accepted, what is refused and how, and what the control API shows of it."""

import re
from typing import Any

import pytest

from checks.sandbox.whatsapp import ControlRefused, WhatsAppSimulator
from runtime.gateways.errors import GatewayRejected
from runtime.gateways.whatsapp.client import CurrencyParameter, TextParameter, WhatsAppClient
from runtime.notifications.messages import TEMPLATES
from runtime.platform.clock import SystemClock
from runtime.platform.money import Money
from tests.simulation.whatsapp.conftest import PHONE_NUMBER_ID, Post

TO = "+919876543210"


def message(**fields: Any) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": TO,
        "type": "template",
        "template": template(["Somebody"]),
    } | fields


def template(texts: list[Any], **fields: Any) -> dict[str, Any]:
    parameters = [{"type": "text", "text": text} for text in texts]
    return {
        "name": "greeting",
        "language": {"code": "en"},
        "components": [{"type": "body", "parameters": parameters}],
    } | fields


def currency(**fields: Any) -> dict[str, Any]:
    value = {"fallback_value": "₹1.00", "code": "INR", "amount_1000": 1000} | fields
    return template(
        [], components=[{"type": "body", "parameters": [{"type": "currency", "currency": value}]}]
    )


def test_an_accepted_message_is_answered_as_documented(post: Post) -> None:
    status, answer = post(message())
    assert status == 200
    assert answer["messaging_product"] == "whatsapp"
    assert answer["contacts"] == [{"input": TO, "wa_id": "919876543210"}]
    assert [sorted(item) for item in answer["messages"]] == [["id", "message_status"]]
    assert answer["messages"][0]["id"].startswith("wamid.")


def test_the_platforms_client_sends_and_the_phone_shows_what_it_means(
    sim: WhatsAppSimulator, client: WhatsAppClient
) -> None:
    wamid = client.send_template(
        to_e164=TO,
        template="receipt",
        language="en",
        parameters=[TextParameter("Somebody"), CurrencyParameter(Money(12_345_600, "INR"))],
        reference="ntf_1",
    )
    (sent,) = sim.control.messages()
    assert sent["id"] == wamid
    assert sent["to"] == "***3210"
    assert sent["parameters"] == ["Somebody", "₹1,23,456.00"]
    assert sent["text"] == "Somebody paid ₹1,23,456.00."
    assert sent["reference"] == "ntf_1"


def test_the_same_message_twice_is_two_messages(sim: WhatsAppSimulator, post: Post) -> None:
    """There is no idempotency key; who sends twice is read twice."""
    first, second = post(message()), post(message())
    assert first[1]["messages"][0]["id"] != second[1]["messages"][0]["id"]
    assert [sent["number"] for sent in sim.control.messages()] == [1, 2]


def test_the_platforms_templates_are_approved_from_the_start(sim: WhatsAppSimulator) -> None:
    approved = {item["name"]: item for item in sim.control.call("GET", "templates")["items"]}
    for platform in TEMPLATES.values():
        assert approved[platform.name]["body"] == platform.body
        assert approved[platform.name]["parameters"] == len(set(re.findall(r"\{\{\d+\}\}", platform.body)))


REFUSED: dict[str, tuple[dict[str, Any], int, int]] = {
    "no such template": (message(template=template(["A"], name="unheard_of")), 404, 132001),
    "no such language": (message(template=template(["A"], language={"code": "ta"})), 404, 132001),
    "too few parameters": (message(template=template([])), 400, 132000),
    "too many parameters": (message(template=template(["A", "B"])), 400, 132000),
    "no component": (message(template={"name": "greeting", "language": {"code": "en"}}), 400, 132000),
    "a line break": (message(template=template(["A\nB"])), 400, 132012),
    "an endless text": (message(template=template(["A" * 1025])), 400, 132012),
    "an empty text": (message(template=template([""])), 400, 131008),
    "an unknown parameter": (
        message(template=template([], components=[{"type": "body", "parameters": [{"type": "image"}]}])),
        400,
        132012,
    ),
    "a parameter that is a text": (
        message(template=template([], components=[{"type": "body", "parameters": ["A"]}])),
        400,
        132012,
    ),
    "a float amount": (message(template=currency(amount_1000=1.5)), 400, 132012),
    "a text amount": (message(template=currency(amount_1000="1000")), 400, 132012),
    "no currency": (message(template=currency(code="rupees")), 400, 132012),
    "no fallback": (message(template=currency(fallback_value=None)), 400, 131008),
    "two bodies": (message(template=template([], components=[{"type": "body"}] * 2)), 400, 100),
    "components that are none": (message(template=template([], components="body")), 400, 100),
    "parameters that are none": (
        message(template=template([], components=[{"type": "body", "parameters": 7}])),
        400,
        100,
    ),
    "another product": (message(messaging_product="messenger"), 400, 100),
    "free text": (message(type="text", text={"body": "Hello"}), 400, 131051),
    "no template": (message(template=None), 400, 131008),
    "no recipient": (message(to=None), 400, 131008),
    "half a recipient": (message(to="12"), 400, 131009),
    "an endless reference": (message(biz_opaque_callback_data="x" * 513), 400, 131009),
}


@pytest.mark.parametrize(("body", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_message_is_refused_with_metas_code(
    sim: WhatsAppSimulator, post: Post, body: dict[str, Any], status: int, code: int
) -> None:
    given, answer = post(body)
    error = answer["error"]
    assert (given, error["code"]) == (status, code)
    assert set(error) == {"message", "type", "code", "error_data", "fbtrace_id"}
    assert error["error_data"]["messaging_product"] == "whatsapp"
    assert error["error_data"]["details"]
    assert sim.control.messages() == []


@pytest.mark.parametrize("raw", [b"{", b"[]", b"null", b"7", b"\xff", b"[" * 50_000, b""])
def test_a_body_that_is_no_message_is_refused(post: Post, raw: bytes) -> None:
    status, answer = post(raw=raw)
    assert (status, answer["error"]["code"]) == (400, 100)


def test_a_giant_body_is_refused(post: Post) -> None:
    status, answer = post(raw=b'"' + b"x" * 300_000 + b'"')
    assert (status, answer["error"]["code"]) == (400, 100)


@pytest.mark.parametrize("token", ["", "guess", "é"])
def test_without_the_token_nothing_goes(sim: WhatsAppSimulator, post: Post, token: str) -> None:
    status, answer = post(message(), token=token.encode().decode("latin-1"))
    assert (status, answer["error"]["code"], answer["error"]["type"]) == (401, 190, "OAuthException")
    assert sim.control.messages() == []


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/v23.0/999/messages", "POST"),
        (f"/{PHONE_NUMBER_ID}/messages", "POST"),
        (f"/v23.0/{PHONE_NUMBER_ID}/messages", "GET"),
        ("/", "POST"),
    ],
)
def test_other_addresses_are_unknown(post: Post, path: str, method: str) -> None:
    status, answer = post(message(), path=path, method=method)
    assert (status, answer["error"]["code"]) == (400, 100)


def test_the_number_is_seen_with_the_token_and_no_other(
    sim: WhatsAppSimulator, client: WhatsAppClient
) -> None:
    client.see_number()
    stranger = WhatsAppClient(
        phone_number_id=PHONE_NUMBER_ID, access_token="another", base_url=sim.url, clock=SystemClock()
    )
    with pytest.raises(GatewayRejected) as caught:
        stranger.see_number()
    assert (caught.value.status, caught.value.detail.code) == (401, "190")


def test_the_client_understands_the_refusals(client: WhatsAppClient) -> None:
    with pytest.raises(GatewayRejected) as caught:
        client.send_template(to_e164=TO, template="unheard_of", language="en")
    assert (caught.value.status, caught.value.detail.code) == (404, "132001")
    with pytest.raises(GatewayRejected) as caught:
        client.send_template(to_e164=TO, template="greeting", language="en")
    assert caught.value.detail.code == "132000"


@pytest.mark.parametrize(
    ("name", "language", "body"),
    [
        ("Greeting", "en", "x"),
        ("g", "english", "x"),
        ("g", "en", ""),
        ("g", "en", "x" * 1025),
        ("g", "en", "{{2}}"),
        ("g", "en", "{{0}}"),
    ],
)
def test_a_template_that_meta_would_not_approve_is_refused(
    sim: WhatsAppSimulator, name: str, language: str, body: str
) -> None:
    with pytest.raises(ControlRefused) as caught:
        sim.control.approve(name, language, body)
    assert caught.value.status == 400


def test_templates_may_be_replaced_and_are_bounded(sim: WhatsAppSimulator) -> None:
    one = {"name": "only", "language": "en", "body": "x"}
    sim.control.call("PUT", "templates", {"templates": [one], "replace": True})
    assert [item["name"] for item in sim.control.call("GET", "templates")["items"]] == ["only"]
    many = [one | {"name": f"t{number}"} for number in range(251)]
    for wrong in (many, [], ["x"], [{"name": "x"}]):
        with pytest.raises(ControlRefused):
            sim.control.call("PUT", "templates", {"templates": wrong})


def test_what_looks_like_a_placeholder_in_a_text_stays_a_text(sim: WhatsAppSimulator, post: Post) -> None:
    status, _ = post(message(template=template(["{{2}}", "B"], name="receipt")))
    assert status == 200
    assert sim.control.messages()[0]["text"] == "{{2}} paid B."
