"""What API Gateway says in a function's stead: problem documents (RFC 9457) without internals.

Where the runtime declares the same code, title, status and next step are the runtime's; a test compares
them. ``request-refused``, ``parameter-missing``, ``firewall-refused``, ``throttled``, ``quota-exceeded``,
``media-type-unsupported`` and ``platform-unavailable`` are said by the gateway alone.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_apigateway as apigateway

from stacks.preflights import gateway_answer_headers

TYPE_PREFIX = "urn:hasivu:problem:"


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """One answer of the gateway: the problem document's fields, all but the request."""

    code: str
    status: int
    title: str
    detail: str
    next_step: str
    retry_after_s: int | None = None
    """When it makes sense to come back, in seconds. Headers are fixed here: it is the same at any time."""

    def fields(self) -> dict[str, str | int]:
        """The members of the problem document, all but ``instance``."""
        return {
            "type": TYPE_PREFIX + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "next_step": self.next_step,
        }

    def template(self) -> str:
        """The body as a mapping template; the request id is the only thing that is put in."""
        return json.dumps({**self.fields(), "instance": "urn:request:$context.requestId"})

    def headers(self, origins: Sequence[str]) -> dict[str, str]:
        """The headers beside the body; browsers come from ``origins``."""
        headers = {"Content-Type": "application/problem+json", "Cache-Control": "no-store"}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        return headers | gateway_answer_headers(origins)


UNAUTHENTICATED = GatewayAnswer(
    "unauthenticated",
    401,
    "The caller is not known",
    "The Authorization header is missing, malformed or not valid any more.",
    "Sign in again, or send a valid API key.",
)
FORBIDDEN = GatewayAnswer(
    "forbidden",
    403,
    "The caller may not do this",
    "The request was refused before it reached the service.",
    "Ask an administrator for a role that may.",
)
FIREWALL_REFUSED = GatewayAnswer(
    "firewall-refused",
    403,
    "The firewall does not let this through",
    "The request, or the address that it came from, looks like an attack.",
    "If it is none, tell HASIVU when and from which address it was sent.",
)
ROUTE_UNKNOWN = GatewayAnswer(
    "route-unknown",
    404,
    "There is no such resource",
    "No operation has this method and path.",
    "See the API description.",
)
REQUEST_REFUSED = GatewayAnswer(
    "request-refused",
    400,
    "The request was refused",
    "The request did not reach the service.",
    "Compare it with the API description and send it again.",
)
BODY_INVALID = GatewayAnswer(
    "body-invalid",
    400,
    "The body breaks the contract",
    "The body does not satisfy the operation's schema.",
    "Compare the body with the API description; errors, where given, names the fields.",
)
PARAMETER_MISSING = GatewayAnswer(
    "parameter-missing",
    400,
    "A required parameter is missing",
    "The request did not reach the service.",
    "Compare it with the API description and send it again.",
)
BODY_TOO_LARGE = GatewayAnswer(
    "body-too-large", 413, "The body is too large", "The body is over the limit.", "Send a smaller body."
)
MEDIA_TYPE_UNSUPPORTED = GatewayAnswer(
    "media-type-unsupported",
    415,
    "The content type is not supported",
    "Bodies are JSON.",
    "Send application/json.",
)
THROTTLED = GatewayAnswer(
    "throttled",
    429,
    "Too many requests at once",
    "The request was not looked at.",
    "Repeat it after a second, then wait twice as long each time.",
    retry_after_s=1,
)
QUOTA_EXCEEDED = GatewayAnswer(
    "quota-exceeded",
    429,
    "The day's requests are used up",
    "The request was not looked at. The count begins anew at midnight UTC.",
    "Repeat it tomorrow, or ask HASIVU for a larger quota.",
    retry_after_s=3600,
)
INTERNAL = GatewayAnswer(
    "internal",
    500,
    "Something went wrong on our side",
    "The request could not be handled.",
    "Repeat later; contact HASIVU with the instance.",
)
PLATFORM_UNAVAILABLE = GatewayAnswer(
    "platform-unavailable",
    504,
    "No answer came in time",
    "What was asked may have been done.",
    "Repeat the request with the same Idempotency-Key; nothing is done twice.",
)

ANSWERS = {
    "ACCESS_DENIED": FORBIDDEN,
    "API_CONFIGURATION_ERROR": INTERNAL,
    "AUTHORIZER_CONFIGURATION_ERROR": INTERNAL,
    "AUTHORIZER_FAILURE": INTERNAL,
    "BAD_REQUEST_BODY": BODY_INVALID,
    "BAD_REQUEST_PARAMETERS": PARAMETER_MISSING,
    "DEFAULT_4XX": REQUEST_REFUSED,
    "DEFAULT_5XX": INTERNAL,
    "EXPIRED_TOKEN": UNAUTHENTICATED,
    "INTEGRATION_FAILURE": PLATFORM_UNAVAILABLE,
    "INTEGRATION_TIMEOUT": PLATFORM_UNAVAILABLE,
    "INVALID_API_KEY": FORBIDDEN,  # so the authoriser knows the caller, but no usage plan does
    "INVALID_SIGNATURE": UNAUTHENTICATED,
    "MISSING_AUTHENTICATION_TOKEN": ROUTE_UNKNOWN,  # so it calls a path or method that does not exist
    "QUOTA_EXCEEDED": QUOTA_EXCEEDED,
    "REQUEST_TOO_LARGE": BODY_TOO_LARGE,
    "RESOURCE_NOT_FOUND": ROUTE_UNKNOWN,
    "THROTTLED": THROTTLED,
    "UNAUTHORIZED": UNAUTHENTICATED,
    "UNSUPPORTED_MEDIA_TYPE": MEDIA_TYPE_UNSUPPORTED,
    "WAF_FILTERED": FIREWALL_REFUSED,
}
"""Each kind of response that API Gateway gives by itself, and the answer."""


def as_extension(origins: Sequence[str]) -> dict[str, Any]:
    """The answers as ``x-amazon-apigateway-gateway-responses`` of a contract.

    They belong there and not into resources of their own: a changed contract overwrites the API as a whole,
    and what is not in it is gone.
    """
    return {
        kind: {
            "statusCode": str(answer.status),
            "responseParameters": {
                f"gatewayresponse.header.{name}": f"'{value}'"
                for name, value in answer.headers(origins).items()
            },
            "responseTemplates": {"application/json": answer.template()},
        }
        for kind, answer in ANSWERS.items()
    }


def add_as_resources(api: apigateway.SpecRestApi, origins: Sequence[str]) -> None:
    """The same answers as resources, for the emulator, which passes over them in a contract."""
    for kind, answer in ANSWERS.items():
        api.add_gateway_response(
            kind.title().replace("_", ""),
            type=apigateway.ResponseType.of(kind),
            status_code=str(answer.status),
            response_headers={name: f"'{value}'" for name, value in answer.headers(origins).items()},
            templates={"application/json": answer.template()},
        )
