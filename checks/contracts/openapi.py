"""The API's contract, generated from the routes that the functions declare.

OpenAPI 3.0.3, because API Gateway imports no later version. Pydantic writes JSON Schema 2020-12, so the few
words that differ are translated: null, ``const``, ``$defs`` and the names of maps.
"""

import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from runtime.platform.api import Route
from runtime.platform.errors import (
    AMOUNT_NOT_INTEGER,
    BODY_INVALID,
    BODY_MALFORMED,
    BODY_TOO_LARGE,
    CARD_DATA_REFUSED,
    CONTENT_TYPE,
    FORBIDDEN,
    IDEMPOTENCY_IN_FLIGHT,
    IDEMPOTENCY_KEY_MISSING,
    IDEMPOTENCY_KEY_REUSED,
    INTERNAL,
    QUERY_INVALID,
    UNAUTHENTICATED,
    ProblemType,
)
from runtime.platform.settings import SETTINGS_BY_FUNCTION

PATH = Path("runtime/openapi.json")
SECURITY_SCHEME = "hasivu"
_SCHEMAS = "#/components/schemas/"

_HEADER_DESCRIPTIONS = {
    "X-Razorpay-Signature": "HMAC-SHA256 of the raw body, in hexadecimal.",
    "X-Razorpay-Event-Id": "Identifies the event; the same in every repetition.",
    "X-Hub-Signature-256": "`sha256=` and the HMAC-SHA256 of the raw body, in hexadecimal.",
}

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "A problem document (RFC 9457). Branch on `code`; it never changes its meaning.",
    "required": ["type", "title", "status", "detail", "code", "next_step", "instance"],
    "properties": {
        "type": {"type": "string", "description": "`urn:hasivu:problem:` and the code."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "next_step": {"type": "string", "description": "What the caller can do."},
        "instance": {"type": "string", "description": "Quote it to support."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "reason"],
                "properties": {"pointer": {"type": "string"}, "reason": {"type": "string"}},
            },
        },
    },
}


def routes() -> Iterator[tuple[str, Route]]:
    """Every route with the name of its function, in the order in which the functions are named."""
    for function in SETTINGS_BY_FUNCTION:
        module = importlib.import_module(f"runtime.functions.{function.replace('-', '_')}")
        for route in getattr(module, "ROUTES", ()):
            yield function, route


def document() -> dict[str, Any]:
    """The contract."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM_SCHEMA}
    paths: dict[str, dict[str, Any]] = {}
    for function, route in routes():
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(function, route, schemas)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "HASIVU payments",
            "version": "1.0.0",
            "description": (
                "Payments for school meals. Amounts are whole numbers of paise (₹450.00 is 45000). "
                "Faults are problem documents with a stable `code`."
            ),
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                SECURITY_SCHEME: {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "description": "`Bearer` and a Cognito id token, or `ApiKey` and a key of ours.",
                }
            },
        },
    }


def render() -> str:
    """The contract as it stands in the file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _operation(function: str, route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.action,
        "summary": route.summary,
        "description": _description(route),
        "x-hasivu-function": function,
        "security": [{SECURITY_SCHEME: []}] if route.roles else [],
    }
    parameters = [*_path_parameters(route), *_header_parameters(route), *_query_parameters(route, schemas)]
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        schema = _reference(route.body, schemas, "validation")
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    elif route.raw_body:
        schema = {"type": "object"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    operation["responses"] = _responses(route, schemas)
    return operation


def _description(route: Route) -> str:
    if not route.roles:
        return route.description
    return f"{route.description} Roles: {', '.join(sorted(route.roles))}."


def _path_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for part in route.path.split("/"):
        if part.startswith("{"):
            yield {"name": part.strip("{}"), "in": "path", "required": True, "schema": {"type": "string"}}


def _header_parameters(route: Route) -> Iterator[dict[str, Any]]:
    if route.idempotent:
        yield {
            "name": "Idempotency-Key",
            "in": "header",
            "required": True,
            "description": "Unique to this operation. The same key and body give the same answer again.",
            "schema": {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"},
        }
    for name in route.header_parameters:
        yield {
            "name": name,
            "in": "header",
            "description": _HEADER_DESCRIPTIONS[name],
            "schema": {"type": "string"},
        }


def _query_parameters(route: Route, schemas: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if route.query is None:
        return
    schema = _translated(route.query.model_json_schema(mode="validation"), schemas)
    required = set(schema.get("required", []))
    for name, member in schema["properties"].items():
        parameter: dict[str, Any] = {"name": name, "in": "query", "required": name in required}
        if "description" in member:
            parameter["description"] = member.pop("description")
        member.pop("nullable", None)
        yield {**parameter, "schema": member}


def _responses(route: Route, schemas: dict[str, Any]) -> dict[str, Any]:
    if route.response is None:
        success: dict[str, Any] = {"text/plain": {"schema": {"type": "string"}}}
    else:
        success = {"application/json": {"schema": _reference(route.response, schemas, "serialization")}}
    responses: dict[str, Any] = {}
    if route.status < 400:  # else it is not built, and nothing but a problem can come back
        responses[str(route.status)] = {"description": "Done.", "content": success}
    for status in route.also_status:
        responses[str(status)] = {"description": "The same, when it is not well.", "content": success}
    by_status: dict[int, list[ProblemType]] = {}
    for kind in _problems(route):
        by_status.setdefault(kind.status, []).append(kind)
    for status, kinds in sorted(by_status.items()):
        told = " ".join(f"`{kind.code}`: {kind.title}." for kind in sorted(kinds, key=lambda kind: kind.code))
        content = {CONTENT_TYPE: {"schema": {"$ref": _SCHEMAS + "Problem"}}}
        if str(status) in responses:  # a problem that travels under a success, for the sake of the sender
            responses[str(status)]["description"] += " " + told
            responses[str(status)]["content"] |= content
        else:
            responses[str(status)] = {"description": told, "content": content}
    return responses


def _problems(route: Route) -> Iterator[ProblemType]:
    yield from route.problems
    yield INTERNAL
    if route.roles:
        yield from (UNAUTHENTICATED, FORBIDDEN)
    if route.body is not None or route.raw_body:
        yield from (BODY_MALFORMED, BODY_TOO_LARGE)
    if route.body is not None:
        yield from (BODY_INVALID, CARD_DATA_REFUSED, AMOUNT_NOT_INTEGER)
    if route.query is not None:
        yield QUERY_INVALID
    if route.idempotent:
        yield from (IDEMPOTENCY_KEY_MISSING, IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_FLIGHT)


def _reference(model: type[BaseModel], schemas: dict[str, Any], mode: Any) -> dict[str, str]:
    name = model.__name__
    if name not in schemas:
        schemas[name] = {}
        schemas[name] = _translated(model.model_json_schema(mode=mode), schemas)
    return {"$ref": _SCHEMAS + name}


def _translated(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    for name, definition in schema.pop("$defs", {}).items():
        schemas[name] = _word_by_word(definition)
    translated: dict[str, Any] = _word_by_word(schema)
    return translated


def _word_by_word(node: Any) -> Any:
    """JSON Schema 2020-12 as Pydantic writes it, in the words of OpenAPI 3.0."""
    if isinstance(node, list):
        return [_word_by_word(member) for member in node]
    if not isinstance(node, Mapping):
        return node
    result: dict[str, Any] = {}
    for word, value in node.items():
        match word:
            case "$ref":
                result["$ref"] = value.replace("#/$defs/", _SCHEMAS)
            case "const":
                result["enum"] = [value]
            case "propertyNames":
                continue  # OpenAPI 3.0 cannot say it; the runtime checks it
            case "patternProperties":
                (result["additionalProperties"],) = (_word_by_word(member) for member in value.values())
            case "default" if value is None:
                continue
            case "properties":
                result[word] = {name: _word_by_word(member) for name, member in value.items()}
            case "anyOf":
                result |= _any_of(value)
            case _:
                result[word] = _word_by_word(value)
    return result


def _any_of(options: list[Any]) -> dict[str, Any]:
    others = [_word_by_word(option) for option in options if option != {"type": "null"}]
    nullable = {"nullable": True} if len(others) < len(options) else {}
    if len(others) > 1:
        return {"anyOf": others, **nullable}
    (only,) = others
    return {"allOf": [only], **nullable} if "$ref" in only and nullable else {**only, **nullable}
