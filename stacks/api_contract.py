"""The contract in the words that API Gateway imports.

``runtime/openapi.json`` is written for callers, in OpenAPI 3.0. API Gateway reads part of that: its models
are JSON Schema draft 4, it knows neither ``nullable`` nor ``default`` nor ``format``, response models must be
objects, and of a parameter it takes the name, the place and whether it is required (API Gateway developer
guide, "Important notes"). What it cannot say is left to the runtime, which validates everything itself: the
deployed copy may be laxer than the contract, never stricter.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

FUNCTION_KEY = "x-hasivu-function"
SCHEME = "hasivu"
HTTP_METHODS = ("delete", "get", "head", "options", "patch", "post", "put")
WEBHOOKS = "/v1/webhooks/"
"""Below it providers call, not browsers: nothing is validated, nothing is allowed to other origins."""

SCHEMAS = "#/components/schemas/"

_KEPT_WORDS = frozenset(
    (
        *("type", "required", "enum", "pattern", "uniqueItems"),
        *("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"),
    )
)
"""Words that mean the same in draft 4."""

_INT64_MAX = 2**63 - 1


class ContractInvalid(ValueError):
    """The contract cannot be deployed; says which operation and why."""

    code = "contract-invalid"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: ``path``, lower-case ``method`` and ``function``; ``open`` ones need no authoriser."""

    path: str
    method: str
    function: str
    open: bool


def operations(contract: Mapping[str, Any]) -> Iterator[Operation]:
    """The operations of an OpenAPI 3.0 ``contract``. Raises ContractInvalid for an incomplete one."""
    for path, item in contract["paths"].items():
        for method in HTTP_METHODS:
            if method not in item:
                continue
            operation = item[method]
            function, security = operation.get(FUNCTION_KEY), operation.get("security")
            if not isinstance(function, str):
                raise ContractInvalid(f"{method.upper()} {path} names no {FUNCTION_KEY}")
            if security not in ([], [{SCHEME: []}]):
                raise ContractInvalid(f"{method.upper()} {path} must say security [] or [{{{SCHEME!r}: []}}]")
            yield Operation(path, method, function, open=not security)


def importable(contract: Mapping[str, Any]) -> dict[str, Any]:
    """``contract`` as API Gateway imports it: parameters, request bodies and their schemas, and security."""
    paths = {
        path: {
            method: _operation(path, declared) for method, declared in item.items() if method in HTTP_METHODS
        }
        for path, item in contract["paths"].items()
    }
    return {
        "openapi": contract.get("openapi"),
        "info": dict(contract.get("info", {})),
        "paths": paths,
        "components": {"schemas": _schemas_of(paths, contract)},
    }


def draft_4(schema: Mapping[str, Any], *, name: str = "") -> dict[str, Any]:
    """A schema of OpenAPI 3.0 in JSON Schema draft 4, accepting at least what ``schema`` accepts.

    ``name`` is that of the member that it describes: an amount's limits are left to the runtime, which has a
    problem of its own for each.
    """
    if "$ref" in schema:
        return {} if schema.get("nullable") else {"$ref": schema["$ref"]}
    result: dict[str, Any] = {}
    for word, value in schema.items():
        match word:
            case "properties":
                result[word] = {member: draft_4(inner, name=member) for member, inner in value.items()}
            case "items":
                result[word] = draft_4(value)
            case "additionalProperties":
                result[word] = draft_4(value) if isinstance(value, Mapping) else value
            case "anyOf" | "oneOf" | "allOf":
                result[word] = [draft_4(inner, name=name) for inner in value]
            case "const":
                result["enum"] = [value]
            case "minimum" | "maximum" if not name.endswith("_paise") and abs(value) <= _INT64_MAX:
                result[word] = value
            case _ if word in _KEPT_WORDS:
                result[word] = value
    return _or_null(result) if schema.get("nullable") else result


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """``schema`` accepting null as well. Draft 4 could list both types; a type of OpenAPI is a single one.

    Without a type, a pattern or a length still binds texts, and only texts.
    """
    refusing_null = {"type", "enum", "anyOf", "oneOf", "allOf"}
    return {word: value for word, value in schema.items() if word not in refusing_null}


def _operation(path: str, declared: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "security": [dict(requirement) for requirement in declared.get("security", [])],
        "responses": {
            status: {"description": said.get("description", "")}
            for status, said in declared.get("responses", {}).items()
        },
    }
    if "operationId" in declared:
        operation["operationId"] = declared["operationId"]
    if parameters := [_parameter(item) for item in declared.get("parameters", [])]:
        operation["parameters"] = parameters
    if "requestBody" in declared and not path.startswith(WEBHOOKS):
        operation["requestBody"] = _request_body(declared["requestBody"])
    return operation


def _parameter(declared: Mapping[str, Any]) -> dict[str, Any]:
    """Name and place, and whether a request without it is refused.

    A header never is: HTTP/2 writes its name in lower case, the gateway compares case by case, and the
    runtime has a better answer (``idempotency-key-missing``).
    """
    required = bool(declared.get("required")) and declared["in"] != "header"
    return {
        "name": declared["name"],
        "in": declared["in"],
        "required": required,
        "schema": {"type": "string"},
    }


def _request_body(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "required": bool(declared.get("required")),
        "content": {
            media: {"schema": draft_4(content["schema"])}
            for media, content in declared.get("content", {}).items()
        },
    }


def _schemas_of(paths: Mapping[str, Any], contract: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas that the request bodies of ``paths`` lead to."""
    known: Mapping[str, Any] = contract.get("components", {}).get("schemas", {})
    found: dict[str, Any] = {}
    waiting = references_in(paths)
    while waiting:
        name = waiting.pop()
        if name not in found and name in known:
            found[name] = draft_4(known[name])
            waiting |= references_in(found[name])
    return dict(sorted(found.items()))


def references_in(node: Any) -> set[str]:
    """The names of the schemas that anything inside ``node`` refers to."""
    if isinstance(node, Mapping):
        own = {node["$ref"].removeprefix(SCHEMAS)} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(references_in(inner) for inner in node.values()))
    if isinstance(node, list):
        return set().union(*(references_in(inner) for inner in node))
    return set()


def words(path: str) -> str:
    """``/v1/payments/{payment_id}`` as ``V1PaymentsPaymentId``, for a construct id."""
    return "".join(word.capitalize() for word in re.split(r"[^A-Za-z0-9]+", path) if word)
