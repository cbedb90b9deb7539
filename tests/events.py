"""Events as AWS hands them to a function: one factory for each source.

Shapes are those of AWS's documentation: API Gateway's "input format of a Lambda function for proxy
integration", and Lambda's "example Amazon SQS message event".
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from runtime.platform.auth import Principal, Role, to_authorizer_context

REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"
ACCOUNT = "123456789012"


@dataclass(frozen=True, slots=True)
class Context:
    """The part of Lambda's context object that functions use."""

    aws_request_id: str = REQUEST_ID
    remaining_ms: int = 29_000

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining_ms


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function answered to API Gateway."""

    status: int
    headers: Mapping[str, str]
    text: str
    body: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> "Answer":
        """The answer in a proxy integration's output; its ``body`` is read where it is JSON."""
        headers, text = raw["headers"], raw["body"]
        is_json = "json" in headers["content-type"]
        return cls(raw["statusCode"], headers, text, json.loads(text) if is_json else {})

    @property
    def code(self) -> str | None:
        """The code of the problem document, or None where the answer is none."""
        is_problem = self.headers["content-type"] == "application/problem+json"
        return str(self.body["code"]) if is_problem else None


def caller(principal_id: str, *roles: Role, schools: Sequence[str] = ()) -> Principal:
    """A principal as the authoriser establishes it."""
    return Principal(principal_id, frozenset(roles), frozenset(schools))


def rest_event(
    method: str,
    resource: str,
    *,
    principal: Principal | None = None,
    path_parameters: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
    base64_encoded: bool = False,
    request_id: str = REQUEST_ID,
) -> dict[str, Any]:
    """A REST API's proxy event. ``body`` in bytes is UTF-8 unless it is to be base64."""
    path = resource
    for name, value in (path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", value)
    all_headers = {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "Host": "api.hasivu.example",
        "User-Agent": "tests",
        "X-Forwarded-For": "203.0.113.7",
        "X-Forwarded-Port": "443",
        "X-Forwarded-Proto": "https",
        **(headers or {}),
    }
    return {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": all_headers,
        "multiValueHeaders": {name: [value] for name, value in all_headers.items()},
        "queryStringParameters": dict(query) if query else None,
        "multiValueQueryStringParameters": {name: [value] for name, value in query.items()}
        if query
        else None,
        "pathParameters": dict(path_parameters) if path_parameters else None,
        "stageVariables": None,
        "requestContext": _request_context(method, resource, path, principal, request_id),
        "body": _event_body(body, base64_encoded=base64_encoded),
        "isBase64Encoded": base64_encoded,
    }


def sqs_event(*bodies: str, receive_count: int = 1) -> dict[str, Any]:
    """A batch of SQS messages. Their ids are ``message-0``, ``message-1`` and so on."""
    return {
        "Records": [
            {
                "messageId": f"message-{number}",
                "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
                "body": body,
                "attributes": {
                    "ApproximateReceiveCount": str(receive_count),
                    "SentTimestamp": "1775025000000",
                    "SenderId": f"AROAEXAMPLE:{ACCOUNT}",
                    "ApproximateFirstReceiveTimestamp": "1775025000001",
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:ap-south-1:{ACCOUNT}:hasivu-test-queue",
                "awsRegion": "ap-south-1",
            }
            for number, body in enumerate(bodies)
        ]
    }


def failed_messages(answer: Mapping[str, Any]) -> list[str]:
    """The ids of the messages that a batch's answer gives back to the queue."""
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def _request_context(
    method: str, resource: str, path: str, principal: Principal | None, request_id: str
) -> dict[str, Any]:
    context: dict[str, Any] = {
        "accountId": ACCOUNT,
        "apiId": "1234567890",
        "domainName": "api.hasivu.example",
        "extendedRequestId": "JKJaXmPLvHcESHA=",
        "httpMethod": method,
        "identity": {"sourceIp": "203.0.113.7", "userAgent": "tests"},
        "path": f"/live{path}",
        "protocol": "HTTP/1.1",
        "requestId": request_id,
        "requestTime": "01/Apr/2026:06:30:00 +0000",
        "requestTimeEpoch": 1775025000000,
        "resourceId": "123456",
        "resourcePath": resource,
        "stage": "live",
    }
    if principal is not None:
        given: dict[str, Any] = {"principalId": principal.principal_id, "integrationLatency": 12}
        context["authorizer"] = given | to_authorizer_context(principal)
    return context


def _event_body(body: str | bytes | None, *, base64_encoded: bool) -> str | None:
    if body is None:
        return None
    raw = body.encode() if isinstance(body, str) else body
    return base64.b64encode(raw).decode("ascii") if base64_encoded else raw.decode()
