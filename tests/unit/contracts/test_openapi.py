"""The API's contract: the committed file, valid, complete, and the same as the code."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from checks.contracts import openapi
from runtime.platform.api import Route
from runtime.platform.errors import CATALOGUE, CONTENT_TYPE, ROUTE_UNKNOWN, ProblemType
from runtime.platform.settings import SETTINGS_BY_FUNCTION

REPOSITORY = Path(__file__).parents[3]
DOCUMENT: dict[str, Any] = json.loads((REPOSITORY / openapi.PATH).read_text(encoding="utf-8"))
ROUTES = list(openapi.routes())
OPERATIONS = {
    (path, method): operation
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}

# OpenAPI 3.0.3, "Schema Object": all that may stand in a schema, and what API Gateway accepts of it.
SCHEMA_WORDS = frozenset(
    (
        "$ref", "title", "description", "type", "properties", "required", "items", "enum", "default",
        "nullable", "anyOf", "allOf", "additionalProperties", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "minLength", "maxLength", "pattern", "minItems", "maxItems",
        "maxProperties", "minProperties", "format", "uniqueItems",
    )
)  # fmt: skip
# Words of JSON Schema 2020-12 that 3.0 does not know.
FOREIGN_WORDS = frozenset(
    (
        "$defs", "const", "propertyNames", "patternProperties", "prefixItems", "examples", "$schema",
        "$id", "if", "then", "else", "dependentRequired", "contains", "unevaluatedProperties",
    )
)  # fmt: skip
EVERYWHERE_OR_NOWHERE = {ROUTE_UNKNOWN.code}
"""Problems that no operation has: they are about asking for an operation that there is not."""


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from nodes(value)


def schemas(node: Any, *, names_follow: bool = False) -> Iterator[dict[str, Any]]:
    """Every schema in a schema; the keys of ``properties`` are names and not words."""
    if isinstance(node, list):
        for member in node:
            yield from schemas(member)
    elif isinstance(node, dict):
        if not names_follow:
            yield node
        for word, value in node.items():
            if names_follow or word in {"properties", "items", "anyOf", "allOf", "additionalProperties"}:
                yield from schemas(value, names_follow=word == "properties" and not names_follow)


def all_schemas() -> Iterator[dict[str, Any]]:
    for schema in DOCUMENT["components"]["schemas"].values():
        yield from schemas(schema)
    for operation in OPERATIONS.values():
        for parameter in operation.get("parameters", []):
            yield from schemas(parameter["schema"])
        contents = [operation.get("requestBody", {}), *operation["responses"].values()]
        for content in contents:
            for media in content.get("content", {}).values():
                yield from schemas(media["schema"])


def operation_of(route: Route) -> dict[str, Any]:
    found: dict[str, Any] = OPERATIONS[route.path, route.method.lower()]
    return found


def test_the_committed_file_is_what_the_routes_say() -> None:
    assert (REPOSITORY / openapi.PATH).read_text(encoding="utf-8") == openapi.render()


def test_rendering_twice_gives_the_same() -> None:
    assert openapi.render() == openapi.render()


def test_it_is_the_version_that_the_gateway_imports() -> None:
    assert DOCUMENT["openapi"] == "3.0.3"
    assert set(DOCUMENT) == {"openapi", "info", "paths", "components"}
    assert DOCUMENT["info"]["title"]
    assert DOCUMENT["info"]["version"]


def test_every_route_is_an_operation_and_every_operation_a_route() -> None:
    declared = {(route.path, route.method.lower()) for _, route in ROUTES}
    assert declared == set(OPERATIONS)
    assert len(ROUTES) == len(declared)


def test_the_api_is_the_one_that_was_agreed() -> None:
    agreed = {
        ("/health", "get"): "health-check",
        ("/health/deep", "get"): "health-check",
        ("/v1/payments", "get"): "payments-advanced",
        ("/v1/payments", "post"): "payments-advanced",
        ("/v1/payments/{payment_id}", "get"): "payments-advanced",
        ("/v1/payments/{payment_id}/verify", "post"): "payments-advanced",
        ("/v1/webhooks/razorpay", "post"): "payments-webhook-handler",
        ("/v1/webhooks/whatsapp", "get"): "notification-dispatcher",
        ("/v1/webhooks/whatsapp", "post"): "notification-dispatcher",
    }
    for operation, function in agreed.items():
        assert OPERATIONS[operation]["x-hasivu-function"] == function


def test_every_operation_names_a_function_that_there_is() -> None:
    assert {operation["x-hasivu-function"] for operation in OPERATIONS.values()} <= set(SETTINGS_BY_FUNCTION)


def test_operation_ids_are_unique_and_those_of_the_audit_trail() -> None:
    identifiers = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(identifiers) == len(set(identifiers))
    for _, route in ROUTES:
        assert operation_of(route)["operationId"] == route.action
        assert re.fullmatch(r"[a-z]+(\.[a-z]+)+", route.action)


def test_every_reference_leads_to_a_schema_and_every_schema_is_used() -> None:
    references = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert references == known


def test_schemas_speak_openapi_3_0_and_nothing_later() -> None:
    for schema in all_schemas():
        assert not FOREIGN_WORDS & set(schema)
        assert set(schema) <= SCHEMA_WORDS
        assert schema.get("type", "string") in {"string", "integer", "number", "boolean", "array", "object"}
        assert "$ref" not in schema or set(schema) == {"$ref"}
        assert schema.get("type") != "array" or "items" in schema
        assert set(schema.get("required", [])) <= set(schema.get("properties", {})) or "$ref" in schema
        assert not isinstance(schema.get("exclusiveMinimum"), int | float) or isinstance(
            schema["exclusiveMinimum"], bool
        )


def test_no_amount_is_a_fraction() -> None:
    amounts = [
        member
        for schema in all_schemas()
        for name, member in schema.get("properties", {}).items()
        if name.endswith("_paise")
    ]
    assert len(amounts) >= 5
    assert {member["type"] for member in amounts} == {"integer"}


def test_schema_names_are_such_as_the_gateway_accepts() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9]+", name) for name in DOCUMENT["components"]["schemas"])


@pytest.mark.parametrize(("function", "route"), ROUTES, ids=lambda value: getattr(value, "action", value))
def test_who_may_call_is_told(function: str, route: Route) -> None:
    operation = operation_of(route)
    assert operation["security"] == ([{openapi.SECURITY_SCHEME: []}] if route.roles else [])
    for role in route.roles:
        assert role.value in operation["description"]
    assert operation["summary"] == route.summary


@pytest.mark.parametrize(("function", "route"), ROUTES, ids=lambda value: getattr(value, "action", value))
def test_path_parameters_are_declared_exactly(function: str, route: Route) -> None:
    named = set(re.findall(r"\{(\w+)\}", route.path))
    parameters = operation_of(route).get("parameters", [])
    declared = {parameter["name"] for parameter in parameters if parameter["in"] == "path"}
    assert declared == named
    assert all(parameter["required"] for parameter in parameters if parameter["in"] == "path")
    keys = [(parameter["name"], parameter["in"]) for parameter in parameters]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(("function", "route"), ROUTES, ids=lambda value: getattr(value, "action", value))
def test_every_problem_of_a_route_is_documented_under_its_status(function: str, route: Route) -> None:
    responses = operation_of(route)["responses"]
    always = [
        code for code in ("internal", "unauthenticated", "forbidden") if code == "internal" or route.roles
    ]
    from_body = [
        "body-malformed",
        "body-too-large",
        "body-invalid",
        "card-data-refused",
        "amount-not-integer",
    ]
    expected = [*always, *(from_body if route.body else []), *(kind.code for kind in route.problems)]
    if route.query:
        expected.append("query-invalid")
    if route.idempotent:
        expected += ["idempotency-key-missing", "idempotency-key-reused", "idempotency-in-flight"]
    for code in expected:
        kind: ProblemType = CATALOGUE.kinds[code]
        response = responses[str(kind.status)]
        assert f"`{code}`" in response["description"]
        assert response["content"][CONTENT_TYPE] == {"schema": {"$ref": "#/components/schemas/Problem"}}


def test_every_kind_of_problem_can_happen_somewhere() -> None:
    told = " ".join(
        response["description"]
        for operation in OPERATIONS.values()
        for response in operation["responses"].values()
    )
    documented = set(re.findall(r"`([a-z-]+)`", told))
    assert documented | EVERYWHERE_OR_NOWHERE == set(CATALOGUE.kinds)


@pytest.mark.parametrize(("function", "route"), ROUTES, ids=lambda value: getattr(value, "action", value))
def test_what_is_sent_and_what_comes_back_are_described(function: str, route: Route) -> None:
    operation = operation_of(route)
    assert ("requestBody" in operation) == (route.body is not None or route.raw_body)
    success = operation["responses"][str(route.status)]
    if route.response is None:
        assert set(success["content"]) == {"text/plain" if route.status < 400 else CONTENT_TYPE}
    else:
        name = route.response.__name__
        assert success["content"]["application/json"] == {"schema": {"$ref": f"#/components/schemas/{name}"}}
    headers = {
        parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "header"
    }
    assert headers == set(route.header_parameters) | ({"Idempotency-Key"} if route.idempotent else set())


@pytest.mark.parametrize(
    "route", [route for _, route in ROUTES if route.body], ids=lambda route: route.action
)
def test_a_body_is_closed_to_unknown_members_in_the_contract_too(route: Route) -> None:
    assert route.body is not None
    schema = DOCUMENT["components"]["schemas"][route.body.__name__]
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == set(route.body.model_fields)
    required = {name for name, field in route.body.model_fields.items() if field.is_required()}
    assert set(schema.get("required", [])) == required


def test_the_problem_schema_is_that_of_the_problems() -> None:
    problem = DOCUMENT["components"]["schemas"]["Problem"]
    assert {"type", "title", "status", "detail", "code", "next_step", "instance"} == set(problem["required"])
    assert set(problem["properties"]) == {*problem["required"], "errors"}
