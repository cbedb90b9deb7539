"""What is shown of a dead letter is never about a person."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.redrive.masking import SHOWN_KEYS, masked_body, masked_reason

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
SECRET = (
    st.from_regex(r"9[0-9]{9}", fullmatch=True) | st.emails() | st.from_regex(r"4[0-9]{15}", fullmatch=True)
)


def planted(document: Any, secret: str, key: str) -> Any:
    if isinstance(document, dict):
        return {**{name: planted(value, secret, key) for name, value in document.items()}, key: secret}
    return [document, secret, {key: secret}]


@given(document=JSON, secret=SECRET, key=st.sampled_from(["contact", "email", "name", "card"]))
def test_a_phone_number_an_address_or_a_card_never_shows(document: Any, secret: str, key: str) -> None:
    assert secret not in masked_body(json.dumps(planted(document, secret, key)))


@given(secret=SECRET, key=st.sampled_from(sorted(SHOWN_KEYS)))
def test_not_even_where_an_id_should_be(secret: str, key: str) -> None:
    shown = masked_body(json.dumps({key: secret}))
    assert secret not in shown


@pytest.mark.parametrize("body", ["not json", "", "9876543210 wants her money back"])
def test_what_is_not_json_is_only_counted(body: str) -> None:
    shown = masked_body(body)
    assert "wants" not in shown
    assert "9876543210" not in shown


def test_ids_and_kinds_show_also_inside_a_document_in_a_document() -> None:
    inner = json.dumps({"payment_id": "pay_29QQoUBi66xm2f", "payer": "Asha"})
    shown = masked_body(json.dumps({"event_id": "evt_1", "detail": inner}))
    assert json.loads(shown) == {
        "event_id": "evt_1",
        "detail": {"payment_id": "pay_29QQoUBi66xm2f", "payer": "(4 characters)"},
    }


def test_data_that_is_used_as_a_key_does_not_show() -> None:
    assert "asha@example.com" not in masked_body(json.dumps({"asha@example.com": 1, "9876543210": 2}))


@given(text=st.text(max_size=2_000))
def test_a_reason_is_one_short_line(text: str) -> None:
    shown = masked_reason(text)
    assert len(shown) <= 600
    assert "\n" not in shown
