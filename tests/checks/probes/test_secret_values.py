"""A secret is judged without a word of it being said."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.probes.secret_values import judged

RAZORPAY = {"SecretStringTemplate": '{"key_id": "unset"}', "GenerateStringKey": "key_secret"}
WEBHOOK = {"SecretStringTemplate": '{"secrets": []}', "GenerateStringKey": "unset"}
REAL = {"key_id": "rzp_test_made_up", "key_secret": "made-up-in-this-test"}


@pytest.mark.parametrize(
    ("value", "template"), [(REAL, RAZORPAY), ({"secrets": ["made-up-in-this-test"]}, WEBHOOK)]
)
def test_a_value_is_a_value(value: Any, template: dict[str, str]) -> None:
    assert judged(json.dumps(value), template) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("", "is empty or too short"),
        ("short", "is empty or too short"),
        ("{}", "has nothing in its field key_id"),
        (json.dumps(REAL | {"key_secret": ""}), "has nothing in its field key_secret"),
        (json.dumps(REAL | {"key_id": "unset"}), "has a placeholder in its field key_id"),
        (json.dumps(REAL | {"key_id": " CHANGEME "}), "has a placeholder in its field key_id"),
    ],
)
def test_what_is_none_is_named(value: str, said: str) -> None:
    found = judged(value, RAZORPAY)
    assert found is not None
    assert found.startswith(said)


def test_the_placeholder_of_the_deployment_is_named() -> None:
    made = {"key_id": "unset", "key_secret": "generated-by-the-deployment"}
    assert judged(json.dumps(made), RAZORPAY) == "has a placeholder in its field key_id"
    assert judged('{"secrets": [], "unset": "generated"}', WEBHOOK) == "has nothing in its field secrets"


@given(st.text(alphabet="abcdefghij0123456789", min_size=12, max_size=40))
def test_no_word_of_it_is_said(secret: str) -> None:
    for document in (secret, json.dumps({"key_id": secret}), json.dumps({"key_secret": secret})):
        assert secret not in (judged(document, RAZORPAY) or "")
