"""What AWS answers in practice: pages, refusals from above, regions that are off, throttling."""

from __future__ import annotations

import ast
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from checks.probes import account as module
from checks.probes.account import CONFIG, Account, CouldNotLook, Gone
from checks.probes.apis import PERMISSIONS

NOW = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)


def made(service: str) -> Any:
    """A real client of the SDK, with keys that open nothing."""
    client: Any = boto3.client(  # type: ignore[call-overload]  # any service
        service,
        region_name="ap-south-1",
        aws_access_key_id="made-up",
        aws_secret_access_key="made-up",
        config=CONFIG,
    )
    return client


class Stubbed:
    """A session with one client, whose answers are held against the SDK's own model."""

    def __init__(self, service: str) -> None:
        self._client = made(service)
        self.stub = Stubber(self._client)
        self.stub.activate()

    def client(self, service: str, **_: object) -> Any:
        return self._client


def account(session: Stubbed) -> Account:
    return Account(session, region="ap-south-1")  # type: ignore[arg-type]


def test_every_page_is_read_where_the_sdk_turns_them() -> None:
    session = Stubbed("lambda")
    page = {"Versions": [{"Version": "1"}], "NextMarker": "more"}
    session.stub.add_response("list_versions_by_function", page, {"FunctionName": "f"})
    session.stub.add_response(
        "list_versions_by_function", {"Versions": [{"Version": "2"}]}, {"FunctionName": "f", "Marker": "more"}
    )
    found = account(session).all("lambda", "list_versions_by_function", "Versions", FunctionName="f")
    assert [each["Version"] for each in found] == ["1", "2"]


def version(name: str) -> dict[str, Any]:
    return {"VersionId": name * 32, "VersionStages": ["AWSCURRENT"], "CreatedDate": NOW}


def test_every_page_is_read_where_it_does_not_even_an_empty_one() -> None:
    session = Stubbed("secretsmanager")
    pages: list[dict[str, Any]] = [
        {"Versions": [version("a")], "NextToken": "one"},
        {"Versions": [], "NextToken": "two"},
        {"Versions": [version("b")]},
    ]
    for page, token in zip(pages, (None, "one", "two"), strict=True):
        asked = {"SecretId": "s"} | ({"NextToken": token} if token else {})
        session.stub.add_response("list_secret_version_ids", page, asked)
    found = account(session).all("secretsmanager", "list_secret_version_ids", "Versions", SecretId="s")
    assert [each["VersionId"][0] for each in found] == ["a", "b"]


def test_a_token_that_comes_again_ends_the_reading() -> None:
    session = Stubbed("secretsmanager")
    page = {"Versions": [version("a")], "NextToken": "same"}
    session.stub.add_response("list_secret_version_ids", page, {"SecretId": "s"})
    session.stub.add_response("list_secret_version_ids", page, {"SecretId": "s", "NextToken": "same"})
    found = account(session).all("secretsmanager", "list_secret_version_ids", "Versions", SecretId="s")
    assert len(found) == 2


FROM_ABOVE = (
    "User: arn:aws:sts::777788889999:assumed-role/hasivu-prod-auditor/probes is not authorized to perform: "
    "lambda:ListVersionsByFunction with an explicit deny in a service control policy"
)


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "message", "said"),
    [
        (
            *("lambda", "list_versions_by_function", {"FunctionName": "f"}, "AccessDeniedException", ""),
            "the auditor needs lambda:ListVersionsByFunction",
        ),
        (
            *("lambda", "list_versions_by_function", {"FunctionName": "f"}),
            *("AccessDeniedException", FROM_ABOVE),
            "a service control policy denies lambda:ListVersionsByFunction to everybody",
        ),
        (
            *("iam", "get_role", {"RoleName": "r"}, "AccessDenied"),
            "is not authorized to perform: iam:GetRole with an explicit deny in a permissions boundary",
            "a permissions boundary denies iam:GetRole to everybody",
        ),
        (
            *("cloudtrail", "get_trail", {"Name": "t"}, "UnrecognizedClientException", ""),
            "is the region enabled",
        ),
        (*("config", "describe_config_rules", {}, "OptInRequired", ""), "is the region enabled"),
        (*("iam", "get_role", {"RoleName": "r"}, "Throttling", "Rate exceeded"), "iam get_role: Throttling"),
        (*("kms", "describe_key", {"KeyId": "k"}, "ExpiredTokenException", ""), "ExpiredTokenException"),
    ],
)
def test_what_is_refused_is_an_error_that_says_by_whom(
    service: str, operation: str, arguments: dict[str, Any], code: str, message: str, said: str
) -> None:
    session = Stubbed(service)
    # Throttling is tried again until the SDK gives up.
    for _ in range(CONFIG.retries["total_max_attempts"]):  # type: ignore[attr-defined]  # made of it
        session.stub.add_client_error(operation, code, message)
    with pytest.raises(CouldNotLook) as refused:
        account(session).ask(service, operation, **arguments)
    assert said in refused.value.text
    assert ("auditor needs" in refused.value.text) is (said.startswith("the auditor"))


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "code", "message"),
    [
        (
            "cloudformation",
            "describe_stacks",
            {"StackName": "s"},
            "ValidationError",
            "Stack s does not exist",
        ),
        (
            "wafv2",
            "get_web_acl",
            {"Name": "n", "Id": "i", "Scope": "REGIONAL"},
            "WAFNonexistentItemException",
            "",
        ),
        ("sqs", "get_queue_attributes", {"QueueUrl": "q"}, "AWS.SimpleQueueService.NonExistentQueue", ""),
        ("iam", "get_role", {"RoleName": "r"}, "NoSuchEntity", ""),
        ("s3", "get_bucket_versioning", {"Bucket": "bucket"}, "NoSuchBucket", ""),
        (
            "athena",
            "get_work_group",
            {"WorkGroup": "w"},
            "InvalidRequestException",
            "WorkGroup w is not found.",
        ),
        (
            "codedeploy",
            "get_deployment_group",
            {"applicationName": "a", "deploymentGroupName": "g"},
            "DeploymentGroupDoesNotExistException",
            "",
        ),
        ("cloudwatch", "get_dashboard", {"DashboardName": "d"}, "ResourceNotFound", ""),
    ],
)
def test_what_is_gone_is_known_by_each_services_own_word(
    service: str, operation: str, arguments: dict[str, Any], code: str, message: str
) -> None:
    session = Stubbed(service)
    session.stub.add_client_error(operation, code, message)
    with pytest.raises(Gone):
        account(session).ask(service, operation, **arguments)


def test_a_request_that_was_wrong_is_not_gone() -> None:
    session = Stubbed("cloudformation")
    session.stub.add_client_error("describe_stacks", "ValidationError", "1 validation error detected")
    with pytest.raises(CouldNotLook):
        account(session).ask("cloudformation", "describe_stacks", StackName="s")


def test_nothing_is_asked_twice_nor_is_a_failure() -> None:
    session = Stubbed("iam")
    session.stub.add_client_error("get_role", "NoSuchEntity")
    asked = account(session)
    assert asked.ask("iam", "get_role", absent=("NoSuchEntity",), RoleName="r") is None
    with pytest.raises(Gone):
        asked.ask("iam", "get_role", RoleName="r")
    session.stub.assert_no_pending_responses()


def test_who_is_unreachable_is_an_error() -> None:
    class Nowhere:
        def client(self, service: str, **_: object) -> Any:
            raise EndpointConnectionError(endpoint_url="https://aws.example")

    with pytest.raises(CouldNotLook, match="unreachable"):
        Account(Nowhere(), region="ap-south-1").ask("iam", "get_role", RoleName="r")  # type: ignore[arg-type]


def test_the_sdk_waits_for_its_turn() -> None:
    """API Gateway answers ten questions a second to a whole account."""
    assert CONFIG.retries == {"mode": "adaptive", "total_max_attempts": 6}  # type: ignore[attr-defined]


def test_every_list_has_pages_that_are_turned() -> None:
    """By the SDK's own paginator, or by a token under one name both ways."""
    core = botocore.session.get_session()
    listed: set[tuple[str, ...]] = set()
    for path in Path(module.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = (
                    node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                )
                texts = [str(item.value) for item in node.args[:2] if isinstance(item, ast.Constant)]
                if name in ("all", "member") and len(texts) == 2:
                    listed.add(tuple(texts))
    assert ("lambda", "list_versions_by_function") in listed
    for service, operation in sorted(listed):
        assert (service, operation) in PERMISSIONS
        model = core.get_service_model(service)
        (name,) = (each for each in model.operation_names if xform_name(each) == operation)
        try:
            core.get_paginator_model(service).get_paginator(name)
        except ValueError:
            shapes: Any = model.operation_model(name)
            tokens = {each for each in shapes.output_shape.members if "token" in each.lower()}
            assert tokens <= set(module._NEXT) & set(shapes.input_shape.members), (service, operation)
