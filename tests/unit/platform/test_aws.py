"""Clients with deadlines, and parts that follow a secret when it is rotated."""

from typing import Any

import boto3
import pytest

from runtime.platform import aws


@pytest.fixture(autouse=True)
def some_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)


@pytest.mark.parametrize(
    "make",
    [aws.dynamodb, aws.sqs, aws.cognito, lambda: aws.ses({})],
    ids=["dynamodb", "sqs", "cognito", "ses"],
)
def test_every_client_has_deadlines_and_bounded_retries(make: Any) -> None:
    config = make().meta.config
    assert config.connect_timeout <= 2
    assert config.read_timeout <= 5
    assert config.retries["mode"] == "standard"
    assert config.retries["total_max_attempts"] <= 3


def test_a_mail_may_be_given_fewer_attempts() -> None:
    config: Any = aws.ses({"retries": {"mode": "standard", "total_max_attempts": 1}}).meta.config
    assert config.retries["total_max_attempts"] == 1
    assert config.connect_timeout <= 2


class Secret:
    def __init__(self, value: dict[str, Any]) -> None:
        self.value = value
        self.reads = 0

    def read(self) -> dict[str, Any]:
        self.reads += 1
        return dict(self.value)


def test_a_part_stays_the_same_while_its_secret_does_and_follows_it_when_rotated() -> None:
    secret = Secret({"key_id": "old"})
    built: list[str] = []

    def build(value: dict[str, Any]) -> str:
        built.append(value["key_id"])
        return f"client of {value['key_id']}"

    rotating = aws.Rotating(secret.read, build)
    assert [rotating.current() for _ in range(3)] == ["client of old"] * 3
    secret.value = {"key_id": "new"}
    assert [rotating.current() for _ in range(3)] == ["client of new"] * 3
    assert built == ["old", "new"]


def test_a_secret_from_which_nothing_can_be_built_leaves_the_part_as_it_was() -> None:
    secret = Secret({"key_id": "old"})
    rotating = aws.Rotating(secret.read, lambda value: str(value["key_id"]))
    secret.value = {"wrong": "x"}
    for _ in range(2):
        with pytest.raises(KeyError):
            rotating.current()
    secret.value = {"key_id": "old"}
    assert rotating.current() == "old"
