"""What a finding says, and what it never says."""

from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checks.rules.catalogue import examine
from checks.rules.secrets import is_card_number, kinds_of_secrets_in, looks_random
from tests.checks.rules import sound
from tests.checks.rules.weaknesses_data import AWS_KEY, CARD, CHANCE, PRIVATE_KEY, RAZORPAY_KEY, TOKEN


@pytest.mark.parametrize("secret", [AWS_KEY, CARD, CHANCE, PRIVATE_KEY, RAZORPAY_KEY, TOKEN])
def test_a_finding_never_quotes_the_secret(secret: str) -> None:
    weak = sound.templates()
    weak["Sound"]["Resources"]["Payments"]["Properties"]["Tags"].append({"Key": "note", "Value": secret})
    weak["Sound"]["Resources"]["BaseUrl"]["Properties"]["Description"] = secret

    found = examine(sound.estate(weak))

    assert any(finding.rule_id.startswith("HASIVU-SEC") for finding in found)
    assert not [finding for finding in found if secret in finding.evidence]


@pytest.mark.parametrize("text", ["4111111111111111", "5500005555555559"])
def test_card_numbers_are_recognised(text: str) -> None:
    assert is_card_number(text)


@pytest.mark.parametrize("text", ["4111111111111112", "0000000000000000", "1209600", "20261123000000"])
def test_other_numbers_are_not_cards(text: str) -> None:
    assert not is_card_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "hasivu-prod-payments",
        "runtime.functions.notification_dispatcher.handler",
        "arn:aws:lambda:ap-south-1:123456789012:function:hasivu-prod-payments-advanced:live",
        "https://api.razorpay.com",
        "What payments-advanced may do",
        "The secret of every API key is salted with this pepper.",
    ],
)
def test_what_templates_say_is_no_secret(text: str) -> None:
    assert not list(kinds_of_secrets_in(text))
    assert not looks_random(text)


def mangled(value: Any, at: int) -> Any:
    """``value`` with its ``at``-th inner value replaced by something of another kind."""
    count = 0

    def walk(inner: Any) -> Any:
        nonlocal count
        count += 1
        if count == at:
            return {"Unexpected": [None, {"deeper": 1}]} if isinstance(inner, str | int) else "text"
        if isinstance(inner, dict):
            return {key: walk(member) for key, member in inner.items()}
        if isinstance(inner, list):
            return [walk(member) for member in inner]
        return inner

    return walk(value)


@settings(max_examples=25, deadline=None)
@given(st.integers(min_value=2, max_value=4000))
def test_no_template_breaks_the_rules(at: int) -> None:
    """Whatever stands where something else was expected is a finding at most, never an error."""
    weak = sound.templates()
    weak["Sound"]["Resources"] = {
        name: {"Type": body["Type"], **mangled(body, at % 40 + 2)}
        if crc32(name.encode()) % 7 == at % 7
        else body
        for name, body in weak["Sound"]["Resources"].items()
    }

    assert examine(sound.estate(weak))
