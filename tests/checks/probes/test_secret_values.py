"""A secret is judged without a word of it being said."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from checks.probes.account import Account, CouldNotLook
from checks.probes.model import NotTold
from checks.probes.secret_values import FACTS, Judged, _texts
from checks.probes.secret_values import judged as judged_in


def judged(document: str, template: dict[str, str]) -> str | None:
    """What is wrong with it in the sandbox."""
    return judged_in(document, template, environment="sandbox").wrong


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


@pytest.mark.parametrize("empty", [[""], ["made-up-in-this-test", "  "], ["unset"], {"inner": "todo"}])
def test_a_placeholder_within_a_field_is_named(empty: object) -> None:
    assert judged(json.dumps({"secrets": empty}), WEBHOOK) == "has a placeholder in its field secrets"


@pytest.mark.parametrize(
    ("key_id", "environment", "said"),
    [
        ("rzp_test_made_up", "sandbox", None),
        ("rzp_test_made_up", "staging", None),
        ("rzp_live_made_up", "prod", None),
        ("rzp_live_made_up", "staging", "is of the gateway's live mode"),
        ("rzp_test_made_up", "prod", "is of the gateway's test mode"),
    ],
)
def test_money_moves_in_production_and_nowhere_else(key_id: str, environment: str, said: str | None) -> None:
    document = json.dumps(REAL | {"key_id": key_id})
    assert judged_in(document, RAZORPAY, environment=environment).wrong == said


TEXTS = st.text(min_size=8, max_size=20)


@given(TEXTS, TEXTS)
def test_marks_are_equal_where_values_are_and_say_nothing(one: str, other: str) -> None:
    def marked(text: str) -> Judged:
        return judged_in(json.dumps({"secrets": [text]}), WEBHOOK, environment="prod")

    assert bool(marked(one).marks & marked(other).marks) is (one == other)
    assert marked(one).marks == marked(one).marks
    assert len(marked(one).marks) == len(set(_texts([one])))
    assert repr(marked(one)) == f"Judged(wrong={marked(one).wrong!r})"


def test_what_is_short_has_no_mark() -> None:
    assert judged_in('{"secrets": ["on"]}', WEBHOOK, environment="prod").marks == frozenset()


class Vault:
    """A session that reads ``values`` by the secret's name; ``calls`` are counted."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.calls: list[str] = []

    def client(self, service: str, **_: object) -> Any:
        assert service == "secretsmanager"
        return self

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        self.calls.append(SecretId)
        found = self.values[SecretId]
        if isinstance(found, Exception):
            raise found
        return {"SecretString": json.dumps(found)}


def refusal(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "GetSecretValue")


def secret(name: str, running: Any) -> Any:
    return SimpleNamespace(
        resource=SimpleNamespace(
            get={"Name": f"hasivu/prod/{name}", "GenerateSecretString": {}}.get, logical_id=f"{name}Secret"
        ),
        running=running,
        region="ap-south-1",
        physical_id=f"hasivu/prod/{name}",
        deployed=True,
    )


def looked(own: Vault | None, **others: Vault) -> list[str | None]:
    """What is said of each of the two secrets."""
    account: Any = Account(
        SimpleNamespace(),  # type: ignore[arg-type]  # asked nothing here
        region="ap-south-1",
        secrets_session=own,  # type: ignore[arg-type]
        other_secrets=others,  # type: ignore[arg-type]
    )
    secrets: list[Any] = []
    running = SimpleNamespace(of=lambda kind: secrets, estate=SimpleNamespace(environment="prod"))
    secrets += [secret("razorpay", running), secret("whatsapp", running)]
    (fact,) = FACTS
    return [fact.wrong(account, each) for each in secrets]


RAZORPAY_VALUE = {"key_id": "rzp_live_made_up", "key_secret": "made-up-one"}
TWO = {"hasivu/prod/razorpay": RAZORPAY_VALUE, "hasivu/prod/whatsapp": {"access_token": "made-up-two"}}


def test_each_secret_is_read_once_and_may_be_sound() -> None:
    vault = Vault(TWO)
    assert looked(vault) == [None, None]
    assert sorted(vault.calls) == sorted(TWO)


def test_two_secrets_with_one_value_are_both_named() -> None:
    same = TWO | {"hasivu/prod/whatsapp": {"access_token": "made-up-one"}}
    assert looked(Vault(same)) == ["shares a value with whatsappSecret", "shares a value with razorpaySecret"]


def test_a_value_of_another_environment_is_named() -> None:
    staging = Vault(
        {
            "hasivu/staging/razorpay": {"key_id": "rzp_test_made_up", "key_secret": "made-up-one"},
            "hasivu/staging/whatsapp": refusal("ResourceNotFoundException"),
        }
    )
    assert looked(Vault(TWO), staging=staging) == ["has a value of staging's", None]


def test_nobody_who_may_read_is_not_told() -> None:
    with pytest.raises(NotTold, match="--secrets-profile"):
        looked(None)


def test_who_is_refused_is_an_error_that_names_the_right() -> None:
    with pytest.raises(CouldNotLook, match="secretsmanager:GetSecretValue"):
        looked(Vault(TWO | {"hasivu/prod/razorpay": refusal("AccessDeniedException")}))
    unreachable = EndpointConnectionError(endpoint_url="https://aws.example")
    with pytest.raises(CouldNotLook, match="unreachable"):
        looked(Vault(TWO | {"hasivu/prod/razorpay": unreachable}))


def test_a_secret_without_a_value_is_named() -> None:
    gone = refusal("ResourceNotFoundException")
    assert looked(Vault(TWO | {"hasivu/prod/whatsapp": gone})) == [None, "has no current version"]
