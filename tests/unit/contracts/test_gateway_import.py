"""API Gateway can import what is deployed of the contract, and what it could not is named."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.contracts import openapi
from checks.contracts.gateway_import import complaints
from stacks.api_contract import draft_4, importable

CONTRACT: dict[str, Any] = json.loads((Path(__file__).parents[3] / openapi.PATH).read_text(encoding="utf-8"))
DEPLOYED = importable(CONTRACT)


def with_integrations() -> dict[str, Any]:
    """The deployed contract as far as the import of it goes."""
    document = copy.deepcopy(DEPLOYED)
    document["info"]["title"] = "hasivu-test"
    for item in document["paths"].values():
        for operation in item.values():
            operation["x-amazon-apigateway-integration"] = {
                "type": "aws_proxy",
                "uri": "arn",
                "httpMethod": "POST",
            }
    return document


def test_api_gateway_takes_every_word_of_it() -> None:
    assert [str(complaint) for complaint in complaints(with_integrations())] == []


def test_the_contract_as_callers_read_it_would_not_be_taken() -> None:
    """The counterpart: without it the silence above would prove nothing."""
    found = {complaint.why for complaint in complaints(CONTRACT)}
    assert "is no word of a model" in found
    assert "a model is an object" in found
    assert "x-hasivu-function" not in str(DEPLOYED)


# --- the translation, word by word ---


@pytest.mark.parametrize(
    ("schema", "translated"),
    [
        ({"type": "string", "nullable": True, "pattern": "^a$"}, {"pattern": "^a$"}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {}),
        ({"allOf": [{"$ref": "#/components/schemas/A"}], "nullable": True}, {}),
        ({"$ref": "#/components/schemas/A", "description": "x"}, {"$ref": "#/components/schemas/A"}),
        ({"type": "integer", "exclusiveMinimum": 0, "format": "int64", "default": 1}, {"type": "integer"}),
        ({"type": "integer", "maximum": 2**70, "minimum": 1}, {"type": "integer", "minimum": 1}),
        ({"const": "razorpay"}, {"enum": ["razorpay"]}),
        (
            {
                "properties": {
                    "pattern": {"type": "string", "title": "Pattern"},
                    "default": {"type": "number"},
                }
            },
            {"properties": {"pattern": {"type": "string"}, "default": {"type": "number"}}},
        ),
        (
            {"type": "array", "items": {"anyOf": [{"type": "string", "nullable": True}]}, "minItems": 1},
            {"type": "array", "items": {"anyOf": [{}]}, "minItems": 1},
        ),
        (
            {"properties": {"x_paise": {"minimum": 100}, "x": {"minimum": 100}}},
            {"properties": {"x_paise": {}, "x": {"minimum": 100}}},
        ),
    ],
)
def test_a_word_is_translated_or_left_to_the_runtime(
    schema: dict[str, Any], translated: dict[str, Any]
) -> None:
    assert draft_4(schema) == translated


# --- the list of what is taken ---


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *steps, last = path.split("|")
        for step in steps:
            document = document.setdefault(step, {})
        document[last] = value

    return change


CREATE_SCHEMA = "components|schemas|CreatePayment"
POST = "paths|/v1/payments|post"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (put("openapi", "3.1.0"), "openapi"),
        (put("security", [{"hasivu": []}]), "security"),
        (put("x-hasivu", 1), "x-hasivu"),
        (put("info", {}), "info.title"),
        (put("paths|/ping", {}), "paths./ping"),
        (put("paths|/v1/x{id}", {}), "paths./v1/x{id}"),
        (
            put("paths|/v1/payments|x-amazon-apigateway-any-method", {}),
            "paths./v1/payments.x-amazon-apigateway-any-method",
        ),
        (put("components|schemas|Create_Payment", {}), "components.schemas.Create_Payment"),
        (put("components|examples", {}), "components.examples"),
        (put("components|securitySchemes", {"o": {"type": "oauth2"}}), "components.securitySchemes.o.type"),
        (put(f"{CREATE_SCHEMA}|nullable", True), "components.schemas.CreatePayment.nullable"),
        (put(f"{CREATE_SCHEMA}|type", ["object", "null"]), "components.schemas.CreatePayment.type"),
        (
            put(f"{CREATE_SCHEMA}|properties|x", {"format": "email"}),
            "components.schemas.CreatePayment.properties.x.format",
        ),
        (
            put(f"{CREATE_SCHEMA}|properties|x", {"pattern": r"\A\d+\Z"}),
            "components.schemas.CreatePayment.properties.x.pattern",
        ),
        (
            put(f"{CREATE_SCHEMA}|properties|x", {"maximum": 2**70}),
            "components.schemas.CreatePayment.properties.x.maximum",
        ),
        (
            put(f"{CREATE_SCHEMA}|properties|x", {"$ref": "#/components/schemas/None"}),
            "components.schemas.CreatePayment.properties.x.$ref",
        ),
        (put(f"{POST}|responses|default", {"description": ""}), "paths./v1/payments.post.responses.default"),
        (
            put(f"{POST}|responses|201|content", {"text/plain": {"schema": {"type": "string"}}}),
            "paths./v1/payments.post.responses.201.text/plain",
        ),
        (put(f"{POST}|requestBody|content", {"*/*": {}}), "paths./v1/payments.post.requestBody.*/*"),
        (put(f"{POST}|parameters", [{"name": "a", "in": "cookie"}]), "paths./v1/payments.post.parameters.0"),
        (
            put(f"{POST}|parameters", [{"name": "a", "in": "query"}, {"name": "A", "in": "header"}]),
            "paths./v1/payments.post.parameters.1",
        ),
        (
            put(f"{POST}|x-amazon-apigateway-request-validator", "none"),
            "paths./v1/payments.post.x-amazon-apigateway-request-validator",
        ),
        (
            put(f"{POST}|x-amazon-apigateway-integration", None),
            "paths./v1/payments.post.x-amazon-apigateway-integration",
        ),
        (
            put(f"{POST}|x-amazon-apigateway-integration|responses", {"default": {"statusCode": "299"}}),
            "paths./v1/payments.post.x-amazon-apigateway-integration.responses.default",
        ),
    ],
)
def test_what_is_not_taken_is_named(change: Callable[[dict[str, Any]], None], path: str) -> None:
    document = with_integrations()
    change(document)
    assert path in {complaint.path for complaint in complaints(document)}
