"""A function that is not built says so to the API, records it, and takes no events from anywhere else."""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from runtime.platform import aws
from runtime.platform.api import Route
from runtime.platform.auth import Role
from runtime.platform.errors import NOT_IMPLEMENTED
from runtime.platform.function import LambdaFunction
from runtime.platform.not_built import NotBuilt
from runtime.platform.settings import SETTINGS_BY_FUNCTION, FunctionSettings
from tests.events import Answer, Context, caller, rest_event, sqs_event

NAMES = sorted(name for name, model in SETTINGS_BY_FUNCTION.items() if model is FunctionSettings)
MODULES: dict[str, Any] = {
    name: importlib.import_module(f"runtime.functions.{name.replace('-', '_')}") for name in NAMES
}
OPERATIONS = [(name, route) for name, module in MODULES.items() for route in module.ROUTES]
WITHOUT_OPERATIONS = {"billing-automation", "pdf-generator"}
"""Time and events start these, people do not."""


class AuditTable:
    """As much of DynamoDB as an audit line needs."""

    def __init__(self) -> None:
        self.items: list[dict[str, Any]] = []

    def put_item(self, **asked: Any) -> dict[str, Any]:
        assert asked["TableName"] == "audit-of-the-tests"
        self.items.append(asked["Item"])
        return {}


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[AuditTable]:
    """The functions' DynamoDB, and the environment variables that each of them is told."""
    table = AuditTable()
    monkeypatch.setattr(aws, "dynamodb", lambda: table)
    monkeypatch.setenv("HASIVU_ENV", "test")
    monkeypatch.setenv("AUDIT_TABLE", "audit-of-the-tests")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    yield table
    assert boto3.DEFAULT_SESSION is None, "nothing but the audit table is reached for"


def function(name: str, monkeypatch: pytest.MonkeyPatch) -> LambdaFunction:
    """The deployed entry point, as if it were started anew."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", name)
    handler: LambdaFunction = importlib.reload(MODULES[name]).handler
    return handler


def asked(route: Route, *roles: Role) -> dict[str, Any]:
    named = {part.strip("{}"): "one" for part in route.path.split("/") if part.startswith("{")}
    return rest_event(
        route.method, route.path, principal=caller("usr_1", *roles), path_parameters=named, body="{}"
    )


def test_every_function_that_is_not_built_has_operations_or_needs_none() -> None:
    assert {name for name, module in MODULES.items() if not module.ROUTES} == WITHOUT_OPERATIONS
    assert {name: module.FUNCTION for name, module in MODULES.items()} == {name: name for name in NAMES}


@pytest.mark.parametrize(("name", "route"), OPERATIONS, ids=lambda value: getattr(value, "action", value))
def test_whoever_may_call_is_told_that_it_is_not_built(
    name: str, route: Route, table: AuditTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert route.roles
    for role in route.roles:
        table.items.clear()

        answer = Answer.of(function(name, monkeypatch)(asked(route, role), Context()))

        assert (answer.status, answer.code) == (501, NOT_IMPLEMENTED.code)
        (line,) = table.items
        assert line["action"] == {"S": route.action}
        assert line["outcome"] == {"S": "refused"}
        assert line["code"] == {"S": NOT_IMPLEMENTED.code}
        assert line["actor_id"] == {"S": "usr_1"}


@pytest.mark.parametrize(("name", "route"), OPERATIONS, ids=lambda value: getattr(value, "action", value))
def test_others_are_refused_as_they_will_be(
    name: str, route: Route, table: AuditTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    for role in set(Role) - route.roles:
        answer = Answer.of(function(name, monkeypatch)(asked(route, role), Context()))
        assert (answer.status, answer.code) == (403, "forbidden")
    assert [line["code"]["S"] for line in table.items] == ["forbidden"] * len(set(Role) - route.roles)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("event", [sqs_event("{}"), {"detail-type": "PaymentCaptured", "detail": {}}, {}])
def test_events_are_raised_back_to_whoever_sent_them(
    name: str, event: dict[str, Any], table: AuditTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotBuilt, match=f"^{name} is not built yet"):
        function(name, monkeypatch)(event, Context())
    assert json.dumps(table.items) == "[]"
