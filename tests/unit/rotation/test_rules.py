"""What an operator stages is looked through before any provider is asked."""

from collections.abc import Callable
from typing import Any

import pytest

from runtime.rotation.refusals import OVERLAP_MISSING, VALUE_MALFORMED, VALUE_NOT_NEW, Reason, RotationRefused
from runtime.rotation.rules import FORMER, hold_razorpay, hold_webhook, hold_whatsapp, with_former_key

KEYS = {"key_id": "rzp_test_" + "A" * 14, "key_secret": "s" * 24}
NEXT_KEYS = {"key_id": "rzp_test_" + "B" * 14, "key_secret": "t" * 24}
OLD, NEW, OLDER = "o" * 32, "n" * 32, "e" * 32
TALK: dict[str, Any] = {"access_token": "EAA" + "a" * 40, "app_secrets": [OLD], "verify_token": "v" * 32}
AS_THE_STACK_MADE_THEM: dict[str, dict[str, Any]] = {
    "razorpay": {"key_id": "unset", "key_secret": "x" * 64},
    "razorpay-webhook": {"secrets": [], "unset": "x" * 64},
    "whatsapp": {"access_token": "unset", "app_secrets": [], "verify_token": "x" * 64},
}


def refusal(hold: Callable[..., None], *documents: dict[str, Any], **more: Any) -> Reason:
    with pytest.raises(RotationRefused) as caught:
        hold(*documents, **more)
    for value in (KEYS["key_secret"], NEXT_KEYS["key_secret"], OLD, NEW, TALK["access_token"]):
        assert str(value) not in str(caught.value)
    return caught.value.reason


def test_a_new_key_of_razorpay_follows_the_old_one() -> None:
    hold_razorpay(KEYS, NEXT_KEYS, environment="dev")
    hold_razorpay(AS_THE_STACK_MADE_THEM["razorpay"], KEYS, environment="dev")


@pytest.mark.parametrize(("environment", "mode"), [("prod", "live"), ("staging", "test"), ("dev", "test")])
def test_live_keys_are_for_prod_and_for_nothing_else(environment: str, mode: str) -> None:
    for given in ("live", "test"):
        staged = NEXT_KEYS | {"key_id": f"rzp_{given}_{'B' * 14}"}
        if given == mode:
            hold_razorpay(KEYS, staged, environment=environment)
        else:
            assert refusal(hold_razorpay, KEYS, staged, environment=environment) is VALUE_MALFORMED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"key_id": KEYS["key_id"]}, VALUE_NOT_NEW),
        ({"key_secret": KEYS["key_secret"]}, VALUE_NOT_NEW),
        ({"key_id": "rzp_test_short"}, VALUE_MALFORMED),
        ({"key_id": "unset"}, VALUE_MALFORMED),
        ({"key_secret": "short"}, VALUE_MALFORMED),
        ({"key_secret": "t" * 24 + "\n"}, VALUE_MALFORMED),
        ({"key_secret": "with a blank and more"}, VALUE_MALFORMED),
        ({"key_secret": ["t" * 24]}, VALUE_MALFORMED),
        ({"key_secret": "t" * 2000}, VALUE_MALFORMED),
        ({"note": "made on Monday"}, VALUE_MALFORMED),
    ],
)
def test_a_key_that_cannot_follow_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    assert refusal(hold_razorpay, KEYS, NEXT_KEYS | changes, environment="dev") is reason
    assert refusal(hold_razorpay, KEYS, {"key_id": NEXT_KEYS["key_id"]}, environment="dev") is VALUE_MALFORMED


def test_the_former_key_stays_for_checkouts_that_were_opened_with_it() -> None:
    following = with_former_key(KEYS, NEXT_KEYS)
    assert following == NEXT_KEYS | {FORMER: KEYS["key_secret"]}
    hold_razorpay(KEYS, following, environment="dev")
    third = with_former_key(following, {"key_id": "rzp_test_" + "C" * 14, "key_secret": "u" * 24})
    assert third[FORMER] == NEXT_KEYS["key_secret"], "only the one before"
    assert with_former_key(AS_THE_STACK_MADE_THEM["razorpay"], KEYS) == KEYS


def test_nobody_stages_a_former_key() -> None:
    staged = NEXT_KEYS | {FORMER: "z" * 24}
    assert refusal(hold_razorpay, KEYS, staged, environment="dev") is VALUE_MALFORMED


@pytest.mark.parametrize("staged", [[NEW, OLD], [NEW, OLD, OLDER], [NEW, OLDER, OLD]])
def test_a_webhook_secret_comes_in_front_of_the_current_one(staged: list[str]) -> None:
    hold_webhook({"secrets": [OLD, OLDER]}, {"secrets": staged})


def test_the_first_webhook_secret_has_none_to_overlap_with() -> None:
    hold_webhook(AS_THE_STACK_MADE_THEM["razorpay-webhook"], {"secrets": [NEW]})


@pytest.mark.parametrize(
    ("secrets", "reason"),
    [
        ([NEW], OVERLAP_MISSING),
        ([NEW, OLDER], OVERLAP_MISSING),
        ([OLD, OLDER], VALUE_NOT_NEW),
        ([OLD, NEW], VALUE_NOT_NEW),
        ([OLDER, OLD], VALUE_NOT_NEW),
        (["short", OLD], VALUE_MALFORMED),
        ([NEW, NEW, OLD], VALUE_MALFORMED),
        ([], VALUE_MALFORMED),
        (NEW, VALUE_MALFORMED),
        ([NEW, OLD, *(f"{number:032d}" for number in range(7))], VALUE_MALFORMED),
    ],
)
def test_webhook_secrets_that_would_lose_events_are_refused(secrets: Any, reason: Reason) -> None:
    assert refusal(hold_webhook, {"secrets": [OLD, OLDER]}, {"secrets": secrets}) is reason


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": "EAA" + "b" * 40},
        {"app_secrets": [NEW, OLD]},
        {"access_token": "EAA" + "b" * 40, "app_secrets": [NEW, OLD], "verify_token": "w" * 32},
    ],
)
def test_meta_s_token_and_app_secret_are_renewed_together_or_apart(changes: dict[str, Any]) -> None:
    hold_whatsapp(TALK, TALK | changes)
    hold_whatsapp(AS_THE_STACK_MADE_THEM["whatsapp"], TALK | changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, VALUE_NOT_NEW),
        ({"verify_token": "w" * 32}, VALUE_NOT_NEW),
        ({"app_secrets": [NEW]}, OVERLAP_MISSING),
        ({"access_token": "EAA" + "b" * 40, "app_secrets": [NEW]}, OVERLAP_MISSING),
        ({"access_token": "unset"}, VALUE_MALFORMED),
        ({"verify_token": "short"}, VALUE_MALFORMED),
        ({"app_secrets": []}, VALUE_MALFORMED),
        ({"phone": "1"}, VALUE_MALFORMED),
    ],
)
def test_what_would_silence_messages_is_refused(changes: dict[str, Any], reason: Reason) -> None:
    assert refusal(hold_whatsapp, TALK, TALK | changes) is reason
