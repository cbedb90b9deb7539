"""What API Gateway takes of an OpenAPI document when it imports a REST API.

From the developer guide, "Amazon API Gateway important notes" (REST APIs) and "OpenAPI extensions". What
stands here imports without a warning; anything else is refused, warned about or silently dropped, and a
dropped constraint is as bad as none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

VERSIONS = re.compile(r"3\.0\.\d")
PATH = re.compile(r"/|(/([A-Za-z0-9._~:,-]+|\{[A-Za-z0-9._:-]+\}))+")
RESERVED_PATHS = frozenset({"/ping", "/sping"})
"""API Gateway's own health checks behind a custom domain."""

MODEL_NAME = re.compile(r"[A-Za-z0-9]+")
METHODS = frozenset({"delete", "get", "head", "options", "patch", "post", "put"})
PARAMETER_WORDS = frozenset({"name", "in", "required", "schema", "description"})
PLACES = frozenset({"path", "query", "header"})

SCHEMA_WORDS = frozenset(
    (
        *("type", "properties", "required", "items", "enum", "additionalProperties"),
        *("anyOf", "oneOf", "allOf", "not", "pattern", "minimum", "maximum", "minLength", "maxLength"),
        *("minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "title", "description"),
    )
)
"""Of JSON Schema draft 4, what a model may say. Not: nullable, default, format, const, exclusive limits."""

TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean"})
LISTS = ("anyOf", "oneOf", "allOf")
REFERENCE = re.compile(r"#/components/schemas/([A-Za-z0-9]+)")
INT64_MAX = 2**63 - 1

DOCUMENT_WORDS = frozenset({"openapi", "info", "servers", "paths", "components", "tags"})
"""Beside extensions. ``security`` at the root is not read: each operation has to say it."""

EXTENSION = "x-amazon-apigateway-"
VALIDATOR = "x-amazon-apigateway-request-validator"
INTEGRATION = "x-amazon-apigateway-integration"
INTEGRATION_WORDS = frozenset(
    (
        *("type", "httpMethod", "uri", "passthroughBehavior", "timeoutInMillis", "credentials"),
        *("requestParameters", "requestTemplates", "responses", "cacheKeyParameters", "contentHandling"),
        *("connectionType", "connectionId", "tlsConfig"),
    )
)


@dataclass(frozen=True, slots=True)
class Complaint:
    """What at a dotted ``path`` of a document is not taken, and ``why``."""

    path: str
    why: str

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


def complaints(document: Mapping[str, Any]) -> Iterator[Complaint]:
    """Everything in ``document`` that API Gateway does not take."""
    if not VERSIONS.fullmatch(str(document.get("openapi"))):
        yield Complaint("openapi", f"{document.get('openapi')} is not 3.0")
    if not (document.get("info") or {}).get("title"):
        yield Complaint("info.title", "an API has a name")
    for word in document:
        if word not in DOCUMENT_WORDS and not word.startswith(EXTENSION):
            yield Complaint(word, "is not read")
    known = frozenset((document.get("components") or {}).get("schemas") or {})
    validators = document.get(f"{VALIDATOR}s") or {}
    for path, item in (document.get("paths") or {}).items():
        yield from _path(path)
        for method, operation in item.items():
            place = f"paths.{path}.{method}"
            if method in METHODS:
                yield from _operation(place, path, operation, known)
                yield from _validator(place, operation, validators)
            else:
                yield Complaint(place, "is no method")
    yield from _validator("", document, validators)
    yield from _components(document.get("components") or {}, known)


def _path(path: str) -> Iterator[Complaint]:
    if not PATH.fullmatch(path):
        yield Complaint(f"paths.{path}", "a segment is a word or a parameter, not both")
    if path in RESERVED_PATHS:
        yield Complaint(f"paths.{path}", "is API Gateway's own health check")


def _operation(
    place: str, path: str, operation: Mapping[str, Any], known: frozenset[str]
) -> Iterator[Complaint]:
    yield from _parameters(place, path, operation.get("parameters") or [])
    for media, content in ((operation.get("requestBody") or {}).get("content") or {}).items():
        yield from _content(f"{place}.requestBody.{media}", media, content, known)
    for status, said in (operation.get("responses") or {}).items():
        where = f"{place}.responses.{status}"
        if not re.fullmatch(r"[1-5]\d\d", str(status)):
            yield Complaint(where, "a response has one status")
        if "$ref" in said:
            yield Complaint(where, "a response is written down where it is given")
        for media, content in (said.get("content") or {}).items():
            yield from _content(f"{where}.{media}", media, content, known)
    yield from _integration(f"{place}.{INTEGRATION}", operation)


def _parameters(place: str, path: str, parameters: list[Mapping[str, Any]]) -> Iterator[Complaint]:
    names = [str(parameter.get("name")).lower() for parameter in parameters]
    for index, parameter in enumerate(parameters):
        where = f"{place}.parameters.{index}"
        if strange := sorted(parameter.keys() - PARAMETER_WORDS):
            yield Complaint(where, f"{', '.join(strange)} is not read")
        if parameter.get("in") not in PLACES:
            yield Complaint(where, f"{parameter.get('in')} is no place of a parameter")
        if names.count(names[index]) > 1:
            yield Complaint(where, "two parameters of one name, whatever their place")
        if strange := sorted((parameter.get("schema") or {}).keys() - {"type"}):
            yield Complaint(where, f"{', '.join(strange)}: a parameter's value is not checked")
        if parameter.get("in") == "path" and parameter.get("required") is not True:
            yield Complaint(where, "a path parameter is required")
    declared = {str(item.get("name")) for item in parameters if item.get("in") == "path"}
    if declared != set(re.findall(r"\{([^}]+)\}", path)):
        yield Complaint(f"{place}.parameters", "path parameters and path differ")


def _content(
    place: str, media: str, content: Mapping[str, Any], known: frozenset[str]
) -> Iterator[Complaint]:
    if "*" in media:
        yield Complaint(place, "ranges of media types are not taken")
    schema = content.get("schema") or {}
    if "$ref" not in schema and schema.get("type", "object") != "object":
        yield Complaint(place, "a model is an object")
    yield from _schema(place, schema, known)


def _integration(place: str, operation: Mapping[str, Any]) -> Iterator[Complaint]:
    integration = operation.get(INTEGRATION)
    if not integration:
        yield Complaint(place, "an operation without integration is refused")
        return
    if strange := sorted(integration.keys() - INTEGRATION_WORDS):
        yield Complaint(place, f"{', '.join(strange)} is not read")
    responses = operation.get("responses") or {}
    for pattern, response in (integration.get("responses") or {}).items():
        declared = responses.get(str(response.get("statusCode")))
        if declared is None:
            yield Complaint(f"{place}.responses.{pattern}", "gives a status that the operation does not")
            continue
        given = {name.rpartition(".")[2] for name in response.get("responseParameters") or {}}
        if missing := sorted(given - (declared.get("headers") or {}).keys()):
            yield Complaint(f"{place}.responses.{pattern}", f"{', '.join(missing)} is not declared")


def _validator(place: str, holder: Mapping[str, Any], validators: Mapping[str, Any]) -> Iterator[Complaint]:
    chosen = holder.get(VALIDATOR)
    if chosen is not None and chosen not in validators:
        yield Complaint(f"{place}.{VALIDATOR}".strip("."), f"{chosen} is no validator")


def _components(components: Mapping[str, Any], known: frozenset[str]) -> Iterator[Complaint]:
    for name in components.keys() - {"schemas", "securitySchemes"}:
        yield Complaint(f"components.{name}", "is not read")
    for name, schema in (components.get("schemas") or {}).items():
        if not MODEL_NAME.fullmatch(name):
            yield Complaint(f"components.schemas.{name}", "a model's name has letters and digits only")
        yield from _schema(f"components.schemas.{name}", schema, known)
    for name, scheme in (components.get("securitySchemes") or {}).items():
        if scheme.get("type") != "apiKey":
            yield Complaint(f"components.securitySchemes.{name}.type", "only apiKey is read")


def _schema(place: str, schema: Mapping[str, Any], known: frozenset[str]) -> Iterator[Complaint]:
    if "$ref" in schema:
        found = REFERENCE.fullmatch(str(schema["$ref"]))
        if not found or found[1] not in known:
            yield Complaint(f"{place}.$ref", "leads to no model of the document")
        if len(schema) > 1:
            yield Complaint(f"{place}.$ref", "what stands beside a reference is not read")
        return
    for word, value in schema.items():
        if word not in SCHEMA_WORDS:
            yield Complaint(f"{place}.{word}", "is no word of a model")
        elif word == "type" and not (isinstance(value, str) and value in TYPES):
            yield Complaint(f"{place}.type", f"{value} is no single type of OpenAPI 3.0")
        elif word in {"minimum", "maximum"} and not _is_int64(value):
            yield Complaint(f"{place}.{word}", "is beyond 64 bits")
        elif word == "pattern":
            yield from _pattern(f"{place}.pattern", value)
    for where, inner in _inner(schema):
        yield from _schema(f"{place}.{where}", inner, known)


def _is_int64(value: object) -> bool:
    return isinstance(value, int | float) and abs(value) <= INT64_MAX


def _pattern(place: str, pattern: str) -> Iterator[Complaint]:
    """Patterns are ECMA 262's, as draft 4 says; what Python or Rust understand beyond that fails there."""
    if re.search(r"\(\?[P<#imsux-]|\\[AzZ]|\\p\{|\[\[:", pattern):
        yield Complaint(place, "is no pattern of ECMA 262")


def _inner(schema: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, inner in (schema.get("properties") or {}).items():
        yield f"properties.{name}", inner
    for word in ("items", "additionalProperties", "not"):
        if isinstance(schema.get(word), Mapping):
            yield word, schema[word]
    for word in LISTS:
        for index, inner in enumerate(schema.get(word) or []):
            yield f"{word}.{index}", inner
