"""A report with a card number, a secret or an address in it is not written; the refusal does not tell it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.errors import HasivuError
from checks.report.redaction import PATTERNS, findings, refuse_private_data
from runtime.platform.card_data import passes_luhn
from tests.checks.report.factory import digest, earlier, release, results

PRIVATE = {
    "a card number": "paid by 4111 1111 1111 1111 today",
    "a Razorpay key": "rzp_live_" + "A1b2C3d4E5f6G7",
    "an AWS access key": "AKIA" + "IOSFODNN7EXAMPLE",
    "a WhatsApp token": "EAA" + "G" * 60,
    "an API key of the platform": "hk_prod_" + "abcd1234" + "_" + "efgh5678ijkl",
    "a token of a code host": "ghp_" + "a1" * 18,
    "a JSON web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.abc",
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    "a bearer token": "Authorization: Bearer abcdefghijklmnop1234",
    "a password or secret": "password = hunter2hunter2",
    "an e-mail address": "seen by asha@hasivu.example",
    "a phone number": "called +91 98765 43210",
}


def test_every_kind_has_an_example() -> None:
    assert set(PRIVATE) == {"a card number", *PATTERNS}


def test_the_results_of_a_check_are_not_refused() -> None:
    refuse_private_data(results=results(), previous=earlier())


def test_who_signed_is_told_and_nobody_else_is() -> None:
    told = release()
    refuse_private_data(signers=told.people, release=told)
    with pytest.raises(HasivuError, match="would show"):
        refuse_private_data(release=told)


@pytest.mark.parametrize(
    "text",
    ["asha@hasivu.example asked", "xdevops@hasivu.example", "devops@hasivu.example.net", "+91 98765 43210"],
)
def test_a_signers_address_excuses_no_other(text: str) -> None:
    told = release(against=(text,))
    with pytest.raises(HasivuError, match="would show"):
        refuse_private_data(signers=told.people, release=told)


@pytest.mark.parametrize(("kind", "text"), PRIVATE.items(), ids=PRIVATE)
def test_it_is_refused_with_its_place_and_kind_but_without_itself(kind: str, text: str) -> None:
    found = results()
    item = found.items[4].model_copy(update={"reason": f"it says: {text}."})
    altered = found.model_copy(update={"items": (*found.items[:4], item, *found.items[5:])})
    with pytest.raises(HasivuError) as refused:
        refuse_private_data(results=altered)
    assert refused.value.code == "REPORT_PRIVATE_DATA"
    assert f"results/items/4/reason: {kind}" in refused.value.detail
    assert text not in str(refused.value)
    assert text.rsplit(maxsplit=1)[-1] not in str(refused.value)


@pytest.mark.parametrize("place", ["notes", "tools", "commit", "environment"])
def test_it_is_found_wherever_it_stands(place: str) -> None:
    values: dict[str, Any] = {
        "notes": (PRIVATE["an e-mail address"],),
        "tools": {PRIVATE["an AWS access key"]: "1"},
        "commit": PRIVATE["a Razorpay key"],
        "environment": PRIVATE["a card number"],
    }
    with pytest.raises(HasivuError):
        refuse_private_data(results=results(**{place: values[place]}))


def test_many_are_counted_and_the_first_are_named() -> None:
    with pytest.raises(HasivuError) as refused:
        refuse_private_data(results=results(notes=tuple(f"n{number}@hasivu.example" for number in range(25))))
    assert "and 15 more" in refused.value.detail


@given(st.from_regex(r"4[0-9]{14}", fullmatch=True), st.sampled_from(["", " ", "-"]))
def test_every_card_number_is_found_grouped_or_not(start: str, separator: str) -> None:
    number = next(start + last for last in "0123456789" if passes_luhn(start + last))
    grouped = separator.join(number[place : place + 4] for place in range(0, 16, 4))
    assert [kind for _, kind in findings({"a": [f"card {grouped} was used"]})] == ["a card number"]


@given(st.integers(0, 10**9))
def test_digests_are_not_taken_for_card_numbers(number: int) -> None:
    assert list(findings([digest(str(number)), f"sha256 {digest(str(number))} of it"])) == []


@pytest.mark.parametrize(
    "text",
    [
        "actions/checkout@v4.2.0",
        "password policy: at least 12 characters",
        "secrets: 12/12 rotated within ninety days",
        "arn:aws:iam::123456789012:role/hasivu-prod-auditor",
        "arn:aws:sns:ap-south-1:123456789012:payment-notifications-prod",
        "rzp_live_ keys are refused outside of production",
        "2026-11-26T20:05:00+05:30 until 2026-12-26",
        "Bearer tokens are checked by the authoriser",
        "api_key=[masked]",
    ],
)
def test_what_checks_say_all_day_is_not_refused(text: str) -> None:
    assert list(findings(text)) == []
