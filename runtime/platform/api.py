"""From an API Gateway event to an answer: find the route, establish the caller, check the body, call, answer.

A function declares its routes; the contract (``runtime/openapi.json``) is generated from the same
declarations, so that what is documented is what is done. Every fault becomes a problem document here and
nowhere else.

Powertools' own resolver validates through its OpenAPI models, which costs 0.4 s of every cold start; the
routes here are looked up by the resource that API Gateway has already matched.
"""

import base64
import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ConfigDict, ValidationError

from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.auth import Principal, Role, from_authorizer_context
from runtime.platform.errors import (
    AMOUNT_NOT_INTEGER,
    BODY_INVALID,
    BODY_MALFORMED,
    CONTENT_TYPE,
    FORBIDDEN,
    INTERNAL,
    QUERY_INVALID,
    ROUTE_UNKNOWN,
    FieldError,
    Problem,
    ProblemType,
)
from runtime.platform.json_body import parse_object, refuse_card_data

BODY_BYTES_MAX = 64 * 1024
ERRORS_SHOWN_MAX = 20
ANONYMOUS = "anonymous"
EXPOSED_HEADERS = "Retry-After,X-Request-Id"
"""Of an answer's headers, those that a page of an allowed origin may read beside its body."""

Model = TypeVar("Model", bound=BaseModel)


class Contract(BaseModel):
    """The base of everything that a caller sends or gets: frozen, strict about types, closed to unknown
    names."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LambdaContext(Protocol):
    """The part of Lambda's context object that is used here."""

    @property
    def aws_request_id(self) -> str: ...

    def get_remaining_time_in_millis(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a route sees it, after the caller and the body have been checked."""

    request_id: str
    headers: Mapping[str, str]
    path_parameters: Mapping[str, str]
    raw_query: Mapping[str, str]
    raw_body: bytes
    remaining_ms: Callable[[], int]
    caller: Principal | None = None
    document: Mapping[str, Any] = field(default_factory=dict)

    @property
    def principal(self) -> Principal:
        """The caller. Only routes that name roles may ask."""
        if self.caller is None:
            raise LookupError("an open route has no principal")
        return self.caller

    def body(self, model: type[Model]) -> Model:
        """The body as ``model``. Raises Problem ``body-invalid`` or ``amount-not-integer``."""
        try:
            return model.model_validate(self.document)
        except ValidationError as error:
            raise _invalid(error, BODY_INVALID) from None

    def query(self, model: type[Model]) -> Model:
        """The query parameters as ``model``; they are text, so its types are read leniently. Raises
        ``query-invalid``."""
        try:
            return model.model_validate(dict(self.raw_query), strict=False)
        except ValidationError as error:
            raise _invalid(error, QUERY_INVALID) from None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: a ``status``, a JSON ``body`` (or plain ``text``) and further headers."""

    status: int
    body: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Route:
    """One operation of the API, with all that the contract says of it.

    ``roles`` may call it; an empty set means that it is open and authenticates by other means (a signature)
    or not at all. ``body`` and ``query`` are the models of what is sent, ``response`` of what comes back, and
    ``problems`` what can go wrong beyond what can always go wrong. ``action`` names it in the audit trail.
    """

    method: str
    path: str
    action: str
    summary: str
    description: str
    response: type[BaseModel] | None
    roles: frozenset[Role] = frozenset()
    body: type[BaseModel] | None = None
    raw_body: bool = False
    query: type[BaseModel] | None = None
    status: int = 200
    also_status: tuple[int, ...] = ()
    idempotent: bool = False
    body_bytes_max: int = BODY_BYTES_MAX
    problems: tuple[ProblemType, ...] = ()
    header_parameters: tuple[str, ...] = ()


Handler = Callable[[Request], Response]


class Api:
    """The routes of one function with the code behind them.

    Pages of the ``origins`` (``https://app.example``) may read the answers; without any, no page may.
    """

    def __init__(
        self,
        routes: Sequence[tuple[Route, Handler]],
        *,
        audit: AuditTrail,
        logger: Logger,
        origins: Collection[str] = (),
    ) -> None:
        self._routes = {(route.method, route.path): (route, handler) for route, handler in routes}
        self._audit = audit
        self._logger = logger
        self._origins = frozenset(origins)

    def handle(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Answer an API Gateway proxy event. Never raises."""
        request_id = str((event.get("requestContext") or {}).get("requestId") or context.aws_request_id)
        with self._logger.append_context_keys(request_id=request_id):
            answer = self._answer(event, context, request_id)
        answer["headers"] |= self._for_browsers(event)
        return answer

    def _for_browsers(self, event: Mapping[str, Any]) -> dict[str, str]:
        """Whether a page may read the answer: its origin must be on the list, letter by letter."""
        if not self._origins:
            return {}
        sent = event.get("headers") or {}
        origin = next((value for name, value in sent.items() if str(name).lower() == "origin"), None)
        if origin not in self._origins:
            return {"vary": "Origin"}
        return {
            "vary": "Origin",
            "access-control-allow-origin": str(origin),
            "access-control-expose-headers": EXPOSED_HEADERS,
        }

    def _answer(self, event: Mapping[str, Any], context: LambdaContext, request_id: str) -> dict[str, Any]:
        method, resource = str(event.get("httpMethod", "")), str(event.get("resource", ""))
        action = f"{method} {resource}"[:200]
        caller: Principal | None = None
        try:
            found = self._routes.get((method, resource))
            if found is None:
                raise Problem(ROUTE_UNKNOWN, "The method and path name no operation of this API.")
            route, handler = found
            action = route.action
            if route.roles:
                caller = from_authorizer_context((event.get("requestContext") or {}).get("authorizer"))
            return _render(self._call(route, handler, caller, event, context, request_id), request_id)
        except Problem as problem:
            self._record_refusal(problem, action, caller, event, request_id)
            return _render_problem(problem, request_id)
        except Exception:
            self._logger.exception("unexpected failure", action=action)
            return _render_problem(Problem(INTERNAL, "The request could not be completed."), request_id)

    def _call(
        self,
        route: Route,
        handler: Handler,
        caller: Principal | None,
        event: Mapping[str, Any],
        context: LambdaContext,
        request_id: str,
    ) -> Response:
        if caller is not None and not caller.has_any(route.roles):
            raise Problem(
                FORBIDDEN, f"{route.summary} needs one of the roles: {', '.join(sorted(route.roles))}."
            )
        raw_body = _raw_body(event)
        document: dict[str, Any] = {}
        if route.body is not None:
            document = parse_object(raw_body, size_max=route.body_bytes_max)
            refuse_card_data(document)
        return handler(
            Request(
                request_id=request_id,
                headers={
                    str(name).lower(): str(value) for name, value in (event.get("headers") or {}).items()
                },
                path_parameters=event.get("pathParameters") or {},
                raw_query=event.get("queryStringParameters") or {},
                raw_body=raw_body,
                remaining_ms=context.get_remaining_time_in_millis,
                caller=caller,
                document=document,
            )
        )

    def _record_refusal(
        self,
        problem: Problem,
        action: str,
        caller: Principal | None,
        event: Mapping[str, Any],
        request_id: str,
    ) -> None:
        """One audit line for a refusal. That it cannot be written must not hide the answer."""
        self._logger.info("refused", action=action, code=problem.kind.code, status=problem.kind.status)
        parameters = event.get("pathParameters") or {}
        line = AuditLine(
            actor_id=caller.principal_id if caller else ANONYMOUS,
            action=action,
            subject=next(iter(parameters.values()), action),
            outcome=Outcome.REFUSED,
            request_id=request_id,
            code=problem.kind.code,
        )
        try:
            self._audit.append(line)
        except Exception:
            self._logger.exception("the audit line of a refusal could not be written", action=action)


def _raw_body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    try:
        if event.get("isBase64Encoded"):
            return base64.b64decode(body, validate=True)
        return str(body).encode("utf-8")
    except ValueError:
        raise Problem(
            BODY_MALFORMED, "The body is neither text nor the base64 that it is said to be."
        ) from None


def _invalid(error: ValidationError, kind: ProblemType) -> Problem:
    found = error.errors(include_url=False, include_input=False, include_context=False)
    amounts = [
        item
        for item in found
        if item["loc"] and str(item["loc"][-1]).endswith("_paise") and item["type"].startswith("int")
    ]
    reasons = [
        FieldError("/" + "/".join(_escape(part) for part in item["loc"]), item["msg"])
        for item in found[:ERRORS_SHOWN_MAX]
    ]
    if amounts:
        return Problem(AMOUNT_NOT_INTEGER, "Amounts are whole numbers of paise.", errors=reasons)
    return Problem(kind, f"{len(found)} of the things sent break the contract.", errors=reasons)


def _escape(part: int | str) -> str:
    """A part of a JSON pointer. A name that is not one of ours could carry anything, so it is cut short."""
    return str(part)[:64].replace("~", "~0").replace("/", "~1")


def _render(response: Response, request_id: str) -> dict[str, Any]:
    kind = "text/plain; charset=utf-8" if response.text is not None else "application/json"
    body = response.text if response.text is not None else _json(response.body)
    return _proxy_answer(response.status, body, {"content-type": kind, **response.headers}, request_id)


def _render_problem(problem: Problem, request_id: str) -> dict[str, Any]:
    headers = {"content-type": CONTENT_TYPE}
    if problem.retry_after_s is not None:
        headers["retry-after"] = str(problem.retry_after_s)
    return _proxy_answer(problem.kind.status, _json(problem.document(request_id)), headers, request_id)


def _proxy_answer(status: int, body: str, headers: Mapping[str, str], request_id: str) -> dict[str, Any]:
    always = {"cache-control": "no-store", "x-content-type-options": "nosniff", "x-request-id": request_id}
    return {"statusCode": status, "headers": {**always, **headers}, "body": body, "isBase64Encoded": False}


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
