"""WhatsApp's webhook: handshake, signature, and statuses in any number, order and shape."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.razorpay.signatures import sign
from runtime.gateways.whatsapp.webhooks import (
    BODY_SIZE_MAX_BYTES,
    STATUSES_MAX,
    MalformedWebhook,
    PhoneNumber,
    challenge_answer,
    parse_statuses,
    signature_is_valid,
)

HANDSHAKE = {"hub.mode": "subscribe", "hub.verify_token": "test-token", "hub.challenge": "1158201444"}


def status(**fields: Any) -> dict[str, Any]:
    return {
        "id": "wamid.A",
        "status": "delivered",
        "timestamp": "1775025000",
        "recipient_id": "919876543210",
    } | fields


def change(*statuses: object, **fields: Any) -> dict[str, Any]:
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "918000000000", "phone_number_id": "10501"},
        "statuses": list(statuses),
    }
    return {"field": "messages", "value": value} | fields


def envelope(*changes: object, entries: int = 1) -> bytes:
    entry = {"id": "1", "changes": list(changes)}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry] * entries}).encode()


def test_the_handshake_is_answered_with_its_challenge() -> None:
    assert challenge_answer(HANDSHAKE, "test-token") == "1158201444"


@pytest.mark.parametrize(
    "other",
    [
        {"hub.mode": "unsubscribe"},
        {"hub.verify_token": "guess"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "é"},
        {"hub.challenge": "<script>alert(1)</script>"},
        {"hub.challenge": ""},
        {"hub.challenge": "1" * 201},
    ],
)
def test_another_handshake_is_not_answered(other: dict[str, str]) -> None:
    assert challenge_answer(HANDSHAKE | other, "test-token") is None


def test_an_empty_handshake_is_not_answered_and_an_empty_token_is_an_error() -> None:
    assert challenge_answer({}, "test-token") is None
    with pytest.raises(ValueError, match="verify token"):
        challenge_answer(HANDSHAKE, "")


def test_the_published_vector_holds() -> None:
    header = f"sha256={sign(b'test', 'secret')}"
    assert header.startswith("sha256=0329a06b")
    assert header.endswith("c0914")
    assert signature_is_valid(b"test", header, ["secret"])


@given(st.binary(max_size=100), st.lists(st.text(min_size=1, max_size=9), min_size=1, max_size=8))
def test_any_live_secret_is_good(body: bytes, secrets: list[str]) -> None:
    for secret in secrets:
        assert signature_is_valid(body, f"sha256={sign(body, secret)}", secrets)


@pytest.mark.parametrize("header", ["", "sha256=", "sha1=0329", sign(b"test", "secret"), "sha256=\udcff"])
def test_another_signature_is_not_good(header: str) -> None:
    assert not signature_is_valid(b"test", header, ["secret"])


@pytest.mark.parametrize("secrets", [[], [""], ["a", ""], ["a"] * 9])
def test_without_good_secrets_nothing_is_verified(secrets: list[str]) -> None:
    with pytest.raises(ValueError, match="secrets"):
        signature_is_valid(b"", "", secrets)


def test_a_status_is_a_fact_about_a_message() -> None:
    (fact,) = parse_statuses(envelope(change(status(biz_opaque_callback_data="ntf_1")))).statuses
    assert (fact.message_id, fact.status, fact.reference) == ("wamid.A", "delivered", "ntf_1")
    assert fact.at == datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
    assert fact.phone_number_id == "10501"
    assert fact.recipient.digits == "919876543210"
    assert fact.errors == ()


def test_a_failure_says_why() -> None:
    errors = [
        {"code": 131026, "title": "Message undeliverable", "error_data": {"details": "to 919876543210"}},
        {"code": 131047, "title": "Re-engagement message", "message": "too late"},
        {"code": "x"},
        "nonsense",
    ]
    (fact,) = parse_statuses(envelope(change(status(status="failed", errors=errors)))).statuses
    assert [(error.code, error.title, error.details) for error in fact.errors] == [
        (131026, "Message undeliverable", "to [number]"),
        (131047, "Re-engagement message", "too late"),
    ]


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 4))
def test_every_status_of_every_change_of_every_entry_is_read(entries: int, changes: int, each: int) -> None:
    batch = parse_statuses(envelope(*[change(*[status()] * each)] * changes, entries=entries))
    assert len(batch.statuses) == entries * changes * each
    assert batch.unreadable == 0


@pytest.mark.parametrize(
    "broken",
    [
        7,
        None,
        {},
        status(id=None),
        status(id=""),
        status(status=7),
        status(recipient_id=None),
        status(timestamp=None),
        status(timestamp="soon"),
        status(timestamp="9" * 11),
        status(timestamp=1.5),
        status(timestamp="²"),
    ],
)
def test_a_broken_status_does_not_take_the_others_with_it(broken: object) -> None:
    batch = parse_statuses(envelope(change(status(), broken, status(id="wamid.B"))))
    assert [fact.message_id for fact in batch.statuses] == ["wamid.A", "wamid.B"]
    assert batch.unreadable == 1


def test_a_status_meta_adds_is_kept_and_a_number_may_be_a_timestamp() -> None:
    (fact,) = parse_statuses(envelope(change(status(status="played", timestamp=1775025000)))).statuses
    assert fact.status == "played"


def test_changes_about_other_things_are_passed_over() -> None:
    value: dict[str, Any] = {"messages": [{"from": "919876543210"}]}
    batch = parse_statuses(
        envelope(
            change(status(), field="account_update"),
            {"field": "messages", "value": value},
            {"field": "messages", "value": None},
            {"field": "messages", "value": {"statuses": {}, "metadata": []}},
            {"field": "messages", "value": {"statuses": [status()], "metadata": {"phone_number_id": 7}}},
            "nonsense",
        )
    )
    assert len(batch.statuses) == 1
    assert batch.statuses[0].phone_number_id is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"[" * 100_000,
        b'{"object":"page","entry":[]}',
        b'{"object":"whatsapp_business_account"}',
        b'{"object":"whatsapp_business_account","entry":[{"id":"1"}]}',
        b" " * (BODY_SIZE_MAX_BYTES + 1),
        envelope(change(*[{}] * (STATUSES_MAX + 1))),
    ],
)
def test_what_is_no_envelope_is_refused(raw: bytes) -> None:
    with pytest.raises(MalformedWebhook):
        parse_statuses(raw)


def test_a_telephone_number_is_never_shown_whole() -> None:
    batch = parse_statuses(envelope(change(status())))
    assert "91987654" not in repr(batch)
    assert str(PhoneNumber("919876543210")) == "***3210"
    assert str(PhoneNumber("3210")) == "***"


def test_an_error_without_details_says_what_it_says() -> None:
    (fact,) = parse_statuses(envelope(change(status(errors=[{"code": 1, "error_data": []}])))).statuses
    assert fact.errors[0].details is None
    (plain,) = parse_statuses(envelope(change(status(errors={})))).statuses
    assert plain.errors == ()
