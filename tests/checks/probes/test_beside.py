"""What bears the environment's name beside its templates is named; what people and AWS keep there is not."""

from types import SimpleNamespace
from typing import Any

import pytest

from checks.probes.beside import FACTS, bears_the_name


def outcome(kind: str, answer: list[Any], names: tuple[str, ...] = ("hasivu-prod-known",)) -> str | None:
    """What the fact of ``kind`` says where ``answer`` is the account's list."""
    live: list[Any] = []
    running = SimpleNamespace(of=lambda kind: tuple(live), estate=SimpleNamespace(environment="prod"))
    for name in names:
        resource = SimpleNamespace(kind=kind, logical_id=name)
        live.append(
            SimpleNamespace(
                resource=resource,
                region="ap-south-1",
                running=running,
                physical_id=name,
                expected=lambda path: None,
            )
        )
    (fact,) = (item for item in FACTS if item.kind == kind)
    account: Any = SimpleNamespace(all=lambda *asked, **given: answer)
    assert [fact.where(item) for item in live] == [True, *[False] * (len(live) - 1)]
    return fact.wrong(account, live[0])


@pytest.mark.parametrize(
    ("kind", "known", "extra"),
    [
        ("AWS::DynamoDB::Table", "hasivu-prod-known", "hasivu-prod-copy"),
        ("AWS::S3::Bucket", {"Name": "hasivu-prod-known"}, {"Name": "hasivu-prod-copy"}),
        (
            "AWS::Lambda::Function",
            {"FunctionName": "hasivu-prod-known"},
            {"FunctionName": "hasivu-prod-copy"},
        ),
        (
            "AWS::CloudWatch::Alarm",
            {"AlarmName": "hasivu-prod-known"},
            {"AlarmName": "hasivu-prod-copy"},
        ),
        (
            "AWS::Logs::LogGroup",
            {"logGroupName": "hasivu-prod-known"},
            {"logGroupName": "/aws/lambda/hasivu-prod-copy"},
        ),
        (
            "AWS::KMS::Alias",
            {"AliasName": "hasivu-prod-known"},
            {"AliasName": "alias/hasivu-prod-copy"},
        ),
        ("AWS::IAM::Role", {"RoleName": "hasivu-prod-known"}, {"RoleName": "hasivu-prod-copy"}),
        ("AWS::Scheduler::Schedule", {"Name": "hasivu-prod-known"}, {"Name": "hasivu-prod-copy"}),
    ],
)
def test_what_no_template_makes_is_named(kind: str, known: Any, extra: Any) -> None:
    assert outcome(kind, [known]) is None
    assert outcome(kind, [known, extra]) == "hasivu-prod-copy is beside it, which no template makes"


def test_the_pipelines_role_and_the_deadline_of_a_release_are_known() -> None:
    known = {"RoleName": "hasivu-prod-deploy"}
    assert outcome("AWS::IAM::Role", [known]) is None
    assert outcome("AWS::Scheduler::Schedule", [{"Name": "hasivu-prod-rollback-deadline"}]) is None


def test_each_list_is_looked_at_once() -> None:
    names = ("hasivu-prod-one", "hasivu-prod-two")
    assert outcome("AWS::DynamoDB::Table", [*names], names) is None


@pytest.mark.parametrize(
    ("name", "bears"),
    [
        ("hasivu-prod-x", True),
        ("hasivu/prod/x", True),
        ("payment-retry-queue-prod", True),
        ("hasivu-dev-x", False),
        ("cdk-hnb659fds-assets", False),
        ("another-prod", False),
    ],
)
def test_whose_name_it_is(name: str, bears: bool) -> None:
    assert bears_the_name(name, "prod") is bears
