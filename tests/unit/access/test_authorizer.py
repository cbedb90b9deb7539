"""The authoriser: who may come in, and what a refusal tells, and to whom."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from itertools import count
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger

from runtime.access.api_keys import ApiKeyInvalid
from runtime.access.tokens import KeysUnavailable, TokenInvalid
from runtime.functions.api_authorizer import (
    HEADER_LENGTH_MAX,
    JWKS_TIMEOUT_MS,
    Caller,
    Establish,
    Unauthorized,
    authorise,
    jwks_fetcher,
)
from runtime.gateways.errors import GatewayUnavailable
from runtime.gateways.transport import HttpRequest, HttpResponse, HttpTransport
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.auth import Principal, Role
from runtime.platform.telemetry import MaskingFormatter
from tests.events import REQUEST_ID, Context

ARN = "arn:aws:execute-api:ap-south-1:123456789012:abc123/live/POST/v1/payments/pmt_1/verify"
ASHA = Caller(
    Principal("usr-1", frozenset({Role.PARENT}), frozenset({"sch_1", "sch_2"})), "the-app-client-of-the-pool"
)
SECRET = "credential-of-somebody"
_services = count()


def refusing(error: Exception) -> Establish:
    def establish(_: str) -> Caller:
        raise error

    return establish


@dataclass
class World:
    schemes: Mapping[str, Establish] = field(default_factory=lambda: {"bearer": lambda _: ASHA})
    lines: list[AuditLine] = field(default_factory=list)
    log: StringIO = field(default_factory=StringIO)
    audit_is_broken: bool = False

    def append(self, line: AuditLine) -> None:
        if self.audit_is_broken:
            raise ConnectionError("no audit table")
        self.lines.append(line)

    def ask(self, header: object, **more: object) -> dict[str, Any]:
        logger = Logger(
            service=f"authoriser-{next(_services)}", stream=self.log, logger_formatter=MaskingFormatter()
        )
        event = {"type": "TOKEN", "authorizationToken": header, "methodArn": ARN, **more}
        return authorise(event, Context(), schemes=self.schemes, audit=cast(AuditTrail, self), logger=logger)


def test_a_known_caller_may_call_the_whole_stage_and_nothing_else() -> None:
    answer = World().ask("Bearer x")
    assert answer["principalId"] == "usr-1"
    assert answer["policyDocument"]["Version"] == "2012-10-17"
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement == {
        "Action": "execute-api:Invoke",
        "Effect": "Allow",
        "Resource": "arn:aws:execute-api:ap-south-1:123456789012:abc123/live/*",
    }


def test_the_gateway_learns_under_which_usage_plan_to_count() -> None:
    assert World().ask("Bearer x")["usageIdentifierKey"] == "the-app-client-of-the-pool"


def test_functions_learn_who_it_is_in_texts_only() -> None:
    assert World().ask("Bearer x")["context"] == {
        "principal_id": "usr-1",
        "roles": "parent",
        "school_ids": "sch_1 sch_2",
    }


def test_a_known_caller_leaves_no_line() -> None:
    world = World()
    world.ask("Bearer x")
    assert world.lines == []


@pytest.mark.parametrize("header", ["Bearer  abc ", "bearer abc", "BEARER abc"])
def test_the_scheme_is_read_in_any_case_and_the_credential_without_blanks(header: str) -> None:
    seen: list[str] = []

    def establish(text: str) -> Caller:
        seen.append(text)
        return ASHA

    World({"bearer": establish}).ask(header)
    assert seen == ["abc"]


@pytest.mark.parametrize(
    ("schemes", "header"),
    [
        ({}, f"Bearer {SECRET}"),
        ({"bearer": refusing(TokenInvalid("expired"))}, f"Bearer {SECRET}"),
        ({"apikey": refusing(ApiKeyInvalid("no such key"))}, f"ApiKey {SECRET}"),
        (
            {"bearer": lambda _: Caller(Principal("usr-2", frozenset(), frozenset({"sch_1"})), "app")},
            f"Bearer {SECRET}",
        ),
        ({"bearer": lambda _: ASHA}, f"Basic {SECRET}"),
        ({"bearer": lambda _: ASHA}, SECRET),
        ({"bearer": lambda _: ASHA}, "Bearer"),
        ({"bearer": lambda _: ASHA}, "Bearer "),
        ({"bearer": lambda _: ASHA}, ""),
        ({"bearer": lambda _: ASHA}, " Bearer x"),
        ({"bearer": lambda _: ASHA}, f"Bearer,{SECRET}"),
        ({"bearer": lambda _: ASHA}, None),
    ],
)
def test_a_stranger_gets_401_one_audit_line_and_no_reason(
    schemes: dict[str, Establish], header: object
) -> None:
    world = World(schemes)
    with pytest.raises(Unauthorized) as caught:
        world.ask(header)
    assert str(caught.value) == "Unauthorized"
    assert caught.value.__suppress_context__
    assert world.lines == [
        AuditLine("anonymous", "access.authorise", "api", Outcome.REFUSED, REQUEST_ID, code="unauthenticated")
    ]
    assert SECRET not in world.log.getvalue()


def test_without_a_header_there_is_no_caller() -> None:
    world = World()
    with pytest.raises(Unauthorized):
        authorise(
            {"methodArn": ARN},
            Context(),
            schemes=world.schemes,
            audit=cast(AuditTrail, world),
            logger=Logger("x"),
        )


def test_the_cause_is_for_the_log_alone() -> None:
    world = World({"bearer": refusing(TokenInvalid("ExpiredSignatureError"))})
    with pytest.raises(Unauthorized):
        world.ask("Bearer x")
    assert json.loads(world.log.getvalue())["cause"] == "ExpiredSignatureError"


def test_a_refusal_stands_even_when_its_line_cannot_be_written() -> None:
    world = World({}, audit_is_broken=True)
    with pytest.raises(Unauthorized):
        world.ask("Bearer x")
    assert "could not be written" in world.log.getvalue()


def test_keys_that_cannot_be_read_are_our_fault_and_not_the_callers() -> None:
    world = World({"bearer": refusing(KeysUnavailable("status 503"))})
    with pytest.raises(KeysUnavailable):
        world.ask("Bearer x")
    assert world.lines == []
    assert "keys cannot be read" in world.log.getvalue()


def test_an_endless_header_is_cut_before_anything_reads_it() -> None:
    seen: list[str] = []

    def establish(text: str) -> Caller:
        seen.append(text)
        return ASHA

    World({"bearer": establish}).ask("Bearer " + "x" * 10**6)
    assert len(seen[0]) < HEADER_LENGTH_MAX


@dataclass
class Scripted:
    """A transport that answers once."""

    answer: HttpResponse | Exception
    asked: list[tuple[HttpRequest, int]] = field(default_factory=list)

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        self.asked.append((request, timeout_ms))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def test_the_key_document_is_read_where_the_pool_publishes_it() -> None:
    transport = Scripted(HttpResponse(200, {}, b"document"))
    assert jwks_fetcher("ap-south-1_abc", cast(HttpTransport, transport))() == b"document"
    ((request, timeout_ms),) = transport.asked
    assert (request.method, request.path) == ("GET", "/ap-south-1_abc/.well-known/jwks.json")
    assert not request.changes_state
    assert timeout_ms == JWKS_TIMEOUT_MS


@pytest.mark.parametrize("status", [204, 301, 403, 404, 429, 500, 503])
def test_any_other_answer_is_no_document(status: int) -> None:
    fetch = jwks_fetcher("p", cast(HttpTransport, Scripted(HttpResponse(status, {}, b"x"))))
    with pytest.raises(KeysUnavailable, match=str(status)):
        fetch()


def test_a_pool_that_does_not_answer_gives_no_document() -> None:
    silent = GatewayUnavailable("timeout", gateway="cognito", operation="jwks")
    with pytest.raises(KeysUnavailable, match="gateway_unavailable"):
        jwks_fetcher("p", cast(HttpTransport, Scripted(silent)))()
