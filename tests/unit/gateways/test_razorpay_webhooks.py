"""Webhook events: the official samples, and everything that is none."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.gateways.razorpay.webhooks import BODY_SIZE_MAX_BYTES, MalformedWebhook, parse_event

SAMPLES = Path(__file__).parents[4] / "shared" / "razorpay" / "webhooks"
PAYMENT = {"id": "pay_1", "amount": 100, "currency": "INR", "status": "captured"}
BACK = {"payment_id": "pay_1", "amount": -100, "currency": "INR", "status": "open"}


def event(**fields: Any) -> bytes:
    envelope = {
        "entity": "event",
        "account_id": "acc_1",
        "event": "payment.captured",
        "contains": ["payment"],
        "payload": {"payment": {"entity": PAYMENT}},
        "created_at": 1775025000,
    }
    return json.dumps(envelope | fields).encode()


def test_an_event_carries_its_entities() -> None:
    parsed = parse_event(event())
    assert (parsed.event, parsed.account_id, parsed.created_at) == ("payment.captured", "acc_1", 1775025000)
    assert parsed.payment is not None
    assert parsed.payment.amount == 100
    assert parsed.order is None


def test_what_the_payload_holds_counts_and_not_what_contains_says() -> None:
    assert parse_event(event(contains=[])).payment is not None


def test_the_moment_may_lie_inside_the_payload() -> None:
    envelope = json.loads(event())
    del envelope["created_at"]
    envelope["payload"]["created_at"] = 7
    assert parse_event(json.dumps(envelope).encode()).created_at == 7


def test_an_entity_may_stand_without_its_wrapper() -> None:
    assert parse_event(event(payload={"payment": PAYMENT})).payment is not None


def test_an_event_we_have_no_use_for_is_named_and_not_refused() -> None:
    parsed = parse_event(event(event="qr_code.created", payload={"qr_code": {"entity": {"id": "qr_1"}}}))
    assert parsed.others == ("qr_code",)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"event"',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"entity":"event","event":"x","payload":{"n":NaN}}',
        event(entity="order"),
        event(payload=None),
        event(payload=[]),
        event(event=None),
        event(event=""),
        event(event="x" * 101),
        event(payload={"payment": None, "order": 7}),
        event(payload={"payment": {"entity": PAYMENT | {"amount": 100.5}}}),
        event(payload={"payment": {"entity": PAYMENT | {"amount": -100}}}),
        event(payload={"payment": {"entity": PAYMENT | {"fee": -1}}}),
        event(payload={"payment": {"entity": PAYMENT | {"amount_refunded": -1}}}),
        event(payload={"refund": {"entity": BACK | {"id": "rfnd_1"}}}),
        event(payload={"dispute": {"entity": BACK | {"id": "disp_1"}}}),
        event(payload={"payment": {"entity": {"id": "pay_1"}}}),
        b" " * (BODY_SIZE_MAX_BYTES + 1),
    ],
)
def test_what_is_no_event_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedWebhook):
        parse_event(raw)


def test_a_refusal_names_the_place_and_shows_nothing_of_the_body() -> None:
    entity = {"id": "pay_1", "amount": "parent@example.com", "currency": "INR", "status": "captured"}
    with pytest.raises(MalformedWebhook) as caught:
        parse_event(event(payload={"payment": {"entity": entity}}))
    assert "payment.amount" in str(caught.value)
    assert "parent" not in str(caught.value)


@pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the official webhook samples lie beside the repository only"
)
def test_every_official_sample_is_read_with_its_moment_and_its_entities() -> None:
    files = [path for path in sorted(SAMPLES.glob("*.json")) if path.name != "index.json"]
    assert len(files) >= 49
    for path in files:
        raw = path.read_bytes()
        parsed = parse_event(raw)
        payload = json.loads(raw)["payload"]
        assert path.name.startswith(parsed.event + "."), path.name
        assert parsed.created_at is not None, path.name
        for name, wrapped in payload.items():
            if name in parsed.others or name == "created_at":
                continue
            entity = getattr(parsed, name.removeprefix("payment.") if "." in name else name)
            assert entity.id == wrapped.get("entity", wrapped)["id"], path.name
