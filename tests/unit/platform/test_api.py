"""From an event to an answer: every fault is a problem document, every refusal one audit line."""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import StringIO
from itertools import count
from typing import Annotated, Any, cast

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from runtime.platform.api import ANONYMOUS, Api, Contract, Handler, Request, Response, Route
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.auth import Role
from runtime.platform.errors import CATALOGUE, GATEWAY_UNAVAILABLE, PAYMENT_NOT_FOUND, FieldError, Problem
from runtime.platform.telemetry import MaskingFormatter
from tests.events import REQUEST_ID, Answer, Context, caller, rest_event

VISA = "4111111111111111"
_services = count()


class Wish(Contract):
    """What the tests send."""

    amount_paise: int
    note: str | None = None
    parts: Annotated[list[int], Field(max_length=30, default_factory=list)]
    inner: Annotated[dict[str, int], Field(default_factory=dict)]


class Filter(Contract):
    """What the tests ask for."""

    limit: Annotated[int, Field(ge=1, le=10)] = 5
    deep: bool = False


@dataclass
class Trail:
    """An audit trail in memory, which may be out of order."""

    lines: list[AuditLine] = field(default_factory=list)
    broken: bool = False

    def append(self, line: AuditLine) -> None:
        if self.broken:
            raise ConnectionError("no audit table")
        self.lines.append(line)


PARENTS = frozenset({Role.PARENT})


def route(method: str, path: str, **more: Any) -> Route:
    action = more.pop("action", f"test.{method.lower()}")
    return Route(method, path, action, "Test", "A test.", None, **more)


class World:
    """An API with one route for every kind of request, and what became visible of a call."""

    def __init__(self) -> None:
        self.trail = Trail()
        self.log = StringIO()
        self.requests: list[Request] = []
        self.then: Handler = lambda _: Response(200, {"ok": True})
        logger = Logger(
            service=f"api-{next(_services)}",
            stream=self.log,
            logger_formatter=MaskingFormatter(),
            level="DEBUG",
        )
        self.logger = logger

        def handle(request: Request) -> Response:
            self.requests.append(request)
            return self.then(request)

        def wish(request: Request) -> Response:
            request.body(Wish)
            return handle(request)

        def listing(request: Request) -> Response:
            return Response(200, {"limit": request.query(Filter).limit})

        self.api = Api(
            [
                (route("POST", "/wishes", roles=PARENTS, body=Wish, body_bytes_max=2_000), wish),
                (route("GET", "/wishes", roles=PARENTS, query=Filter), listing),
                (route("GET", "/wishes/{wish_id}", roles=PARENTS), handle),
                (route("POST", "/open", raw_body=True, action="test.open"), handle),
            ],
            audit=cast(AuditTrail, self.trail),
            logger=logger,
        )

    def call(self, method: str, resource: str, **how: Any) -> Answer:
        how.setdefault("principal", caller("usr-1", Role.PARENT, schools=["sch_1"]))
        return Answer.of(self.api.handle(rest_event(method, resource, **how), Context()))

    def wish(self, body: str | bytes, **how: Any) -> Answer:
        return self.call("POST", "/wishes", body=body, **how)


@pytest.fixture
def world() -> World:
    return World()


def raising(error: Exception) -> Callable[[Request], Response]:
    def handle(_: Request) -> Response:
        raise error

    return handle


# Answers


def test_a_good_request_is_answered_and_leaves_no_line(world: World) -> None:
    answer = world.wish('{"amount_paise":100}')
    assert (answer.status, answer.body, answer.code) == (200, {"ok": True}, None)
    assert world.trail.lines == []
    (request,) = world.requests
    assert request.principal.principal_id == "usr-1"
    assert request.document == {"amount_paise": 100}
    assert request.remaining_ms() == Context().remaining_ms
    assert request.headers["content-type"] == "application/json"


def test_every_answer_says_not_to_be_kept_and_which_request_it_answers(world: World) -> None:
    for answer in (world.wish('{"amount_paise":1}'), world.wish("{"), world.call("GET", "/nowhere")):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-request-id"] == REQUEST_ID


def test_headers_are_found_by_their_lower_case_names(world: World) -> None:
    world.call("POST", "/open", principal=None, headers={"X-RazorPay-Signature": "s"})
    assert world.requests[0].headers["x-razorpay-signature"] == "s"


def test_an_answer_may_be_plain_text_and_carry_headers(world: World) -> None:
    world.then = lambda _: Response(201, text="challenge", headers={"x-more": "1"})
    answer = world.call("POST", "/open", principal=None)
    assert (answer.status, answer.text, answer.headers["x-more"]) == (201, "challenge", "1")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


@given(st.binary(max_size=300))
def test_a_raw_body_arrives_byte_by_byte(body: bytes) -> None:
    world = World()
    world.call("POST", "/open", principal=None, body=body, base64_encoded=True)
    assert world.requests[0].raw_body == body


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_raw_body_of_text_is_its_utf_8(body: str) -> None:
    world = World()
    world.call("POST", "/open", principal=None, body=body)
    assert world.requests[0].raw_body == body.encode("utf-8")


def test_an_open_route_has_no_principal_to_ask_for(world: World) -> None:
    world.call("POST", "/open")
    with pytest.raises(LookupError, match="open route"):
        _ = world.requests[0].principal


# Refusals


@dataclass(frozen=True)
class Case:
    """A bad request, and what must come of it."""

    code: str
    status: int
    method: str = "POST"
    resource: str = "/wishes"
    how: Mapping[str, Any] = field(default_factory=dict)
    action: str = "test.post"
    actor: str = "usr-1"


def sent(body: str | bytes, code: str, status: int = 400, **more: Any) -> Case:
    return Case(code, status, how={"body": body, **more})


CASES = {
    "unknown path": Case("route-unknown", 404, "GET", "/nowhere", action="GET /nowhere", actor=ANONYMOUS),
    "unknown method": Case(
        "route-unknown", 404, "DELETE", "/wishes", action="DELETE /wishes", actor=ANONYMOUS
    ),
    "nobody": Case("unauthenticated", 401, how={"principal": None, "body": "{}"}, actor=ANONYMOUS),
    "another role": Case(
        "forbidden", 403, how={"principal": caller("usr-2", Role.AUDITOR), "body": "{}"}, actor="usr-2"
    ),
    "no role": Case("forbidden", 403, how={"principal": caller("usr-3"), "body": "{}"}, actor="usr-3"),
    "no body": sent("", "body-malformed"),
    "broken json": sent("{", "body-malformed"),
    "an array": sent("[1]", "body-malformed"),
    "half a character": sent('{"note":"\\ud800","amount_paise":1}', "body-malformed"),
    "no utf-8": sent(b'{"note":"\xff"}', "body-malformed", base64_encoded=True),
    "too large": sent('{"amount_paise":1,"note":"' + "x" * 2_000 + '"}', "body-too-large", 413),
    "unknown member": sent('{"amount_paise":1,"more":1}', "body-invalid"),
    "missing member": sent("{}", "body-invalid"),
    "wrong type": sent('{"amount_paise":1,"note":7}', "body-invalid"),
    "number as text elsewhere": sent('{"amount_paise":1,"parts":["1"]}', "body-invalid"),
    "float": sent('{"amount_paise":100.0}', "amount-not-integer"),
    "exponent": sent('{"amount_paise":1e2}', "amount-not-integer"),
    "fraction": sent('{"amount_paise":100.5}', "amount-not-integer"),
    "text": sent('{"amount_paise":"100"}', "amount-not-integer"),
    "true": sent('{"amount_paise":true}', "amount-not-integer"),
    "null": sent('{"amount_paise":null}', "amount-not-integer"),
    "card number": sent('{"amount_paise":1,"note":"4111 1111 1111 1111"}', "card-data-refused"),
    "card number as amount": sent('{"amount_paise":4111111111111111}', "card-data-refused"),
    "card number in an unknown member": sent(f'{{"x":{{"y":[{VISA}]}}}}', "card-data-refused"),
    "security code": sent('{"amount_paise":1,"inner":{"cvv":123}}', "card-data-refused"),
    "query": Case("query-invalid", 400, "GET", how={"query": {"limit": "11"}}, action="test.get"),
    "query of another type": Case(
        "query-invalid", 400, "GET", how={"query": {"limit": "x"}}, action="test.get"
    ),
    "unknown query": Case("query-invalid", 400, "GET", how={"query": {"page": "1"}}, action="test.get"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_bad_request_is_a_problem_and_one_audit_line(world: World, case: Case) -> None:
    answer = world.call(case.method, case.resource, **case.how)
    assert (answer.code, answer.status) == (case.code, case.status)
    assert answer.body["status"] == case.status == CATALOGUE.kinds[case.code].status
    assert answer.body["instance"] == f"urn:request:{REQUEST_ID}"
    (line,) = world.trail.lines
    assert line == AuditLine(
        actor_id=case.actor,
        action=case.action,
        subject=case.action,
        outcome=Outcome.REFUSED,
        request_id=REQUEST_ID,
        code=case.code,
    )
    assert world.requests == []
    for told in (answer.text, world.log.getvalue(), repr(line)):
        assert VISA not in told
        assert "4111 1111" not in told


def test_what_is_not_base64_is_malformed(world: World) -> None:
    event = rest_event("POST", "/open", body="x") | {"body": "§§§", "isBase64Encoded": True}
    assert Answer.of(world.api.handle(event, Context())).code == "body-malformed"


def test_half_a_character_in_the_event_itself_is_malformed(world: World) -> None:
    event = rest_event("POST", "/open", body="x") | {"body": '{"note":"\ud800"}'}
    assert Answer.of(world.api.handle(event, Context())).code == "body-malformed"


def test_the_order_of_checks_tells_a_stranger_nothing_about_the_body(world: World) -> None:
    assert world.wish("{", principal=None).code == "unauthenticated"
    assert world.wish("{", principal=caller("x", Role.AUDITOR)).code == "forbidden"


def test_the_fields_are_named_and_their_values_are_not(world: World) -> None:
    answer = world.wish('{"amount_paise":"asha-secret","parts":[1,"asha-secret"],"a/b~c":"asha-secret"}')
    pointers = [error["pointer"] for error in answer.body["errors"]]
    assert pointers == ["/amount_paise", "/parts/1", "/a~1b~0c"]
    assert "asha-secret" not in answer.text


def test_an_endless_list_of_errors_is_cut_short(world: World) -> None:
    answer = world.wish(json.dumps({"amount_paise": 1, "parts": ["x"] * 30, "y" * 500: 1}))
    assert len(answer.body["errors"]) == 20
    assert answer.body["detail"].startswith("31 of")
    answer = world.wish(json.dumps({"amount_paise": 1, "y" * 500: 1}))
    assert len(answer.body["errors"][0]["pointer"]) == 65


def test_the_line_names_what_was_asked_about(world: World) -> None:
    world.then = raising(Problem(PAYMENT_NOT_FOUND, "x"))
    assert world.call("GET", "/wishes/{wish_id}", path_parameters={"wish_id": "wsh_1"}).status == 404
    assert world.trail.lines[0].subject == "wsh_1"


def test_a_problem_may_say_when_to_come_back_and_what_it_is_about(world: World) -> None:
    world.then = raising(
        Problem(
            GATEWAY_UNAVAILABLE,
            "x",
            retry_after_s=7,
            errors=[FieldError("/a", "b")],
            extensions={"payment_id": "p"},
        )
    )
    answer = world.call("GET", "/wishes/{wish_id}", path_parameters={"wish_id": "w"})
    assert answer.headers["retry-after"] == "7"
    assert answer.body["payment_id"] == "p"
    assert answer.body["errors"] == [{"pointer": "/a", "reason": "b"}]


def test_a_refusal_is_answered_even_when_its_line_cannot_be_written(world: World) -> None:
    world.trail.broken = True
    assert world.wish("{").code == "body-malformed"
    assert "audit line of a refusal could not be written" in world.log.getvalue()


# What nobody expected


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError(f"boom {VISA} asha@example.com"),
        KeyError("x"),
        RecursionError(),
        MemoryError(),
        ValueError(object()),
    ],
)
def test_what_nobody_expected_is_an_internal_problem_that_tells_nothing(
    world: World, error: Exception
) -> None:
    world.then = raising(error)
    answer = world.wish('{"amount_paise":1}')
    assert (answer.status, answer.code) == (500, "internal")
    assert type(error).__name__ not in answer.text
    assert world.trail.lines == []
    log = world.log.getvalue()
    assert "unexpected failure" in log
    assert type(error).__name__ in log
    assert VISA not in log
    assert "asha" not in log


@pytest.mark.parametrize("body", [{"x": object()}, {"x": {1, 2}}, {"x": b"y"}])
def test_an_answer_that_cannot_be_written_is_an_internal_problem(world: World, body: dict[str, Any]) -> None:
    world.then = lambda _: Response(200, body)
    assert world.wish('{"amount_paise":1}').code == "internal"


JUNK: st.SearchStrategy[Any] = (
    st.none()
    | st.text(max_size=5)
    | st.integers()
    | st.just({})
    | st.dictionaries(st.text(max_size=5), st.text(max_size=5))
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "httpMethod": st.sampled_from(["GET", "POST", "", "BREW"]) | st.none(),
            "resource": st.sampled_from(["/wishes", "/wishes/{wish_id}", "/open", "/x"]) | st.none(),
            "headers": st.none() | st.dictionaries(st.text(max_size=5), JUNK),
            "pathParameters": st.none() | st.dictionaries(st.text(max_size=5), JUNK),
            "queryStringParameters": st.none() | st.dictionaries(st.text(max_size=5), JUNK),
            "body": st.none() | st.text() | st.sampled_from(["{}", '{"amount_paise":1}']),
            "isBase64Encoded": st.booleans(),
            "requestContext": st.none()
            | st.fixed_dictionaries(
                {},
                optional={
                    "requestId": JUNK,
                    "authorizer": st.none()
                    | st.fixed_dictionaries(
                        {}, optional={"principal_id": JUNK, "roles": JUNK, "school_ids": JUNK}
                    )
                    | st.just({"principal_id": "p", "roles": "parent"}),
                },
            ),
        },
    )
)
def test_no_event_makes_it_raise_and_no_refusal_goes_unrecorded(event: dict[str, Any]) -> None:
    world = World()
    raw = world.api.handle(event, Context())
    json.dumps(raw, ensure_ascii=False).encode("utf-8", "surrogatepass")
    answer = Answer.of(raw)
    refused = answer.code is not None and answer.code != "internal"
    assert len(world.trail.lines) == (1 if refused else 0)
    assert answer.code is None or answer.code in CATALOGUE.kinds


# Queries and log lines


@pytest.mark.parametrize(
    ("query", "limit"), [(None, 5), ({}, 5), ({"limit": "7"}, 7), ({"limit": "1", "deep": "true"}, 1)]
)
def test_query_parameters_are_text_and_read_as_what_they_mean(
    world: World, query: dict[str, str] | None, limit: int
) -> None:
    assert world.call("GET", "/wishes", query=query).body == {"limit": limit}


def test_every_line_of_a_request_carries_its_id_and_no_line_after_it_does(world: World) -> None:
    def speak(_: Request) -> Response:
        world.logger.info("inside")
        return Response(200)

    world.then = speak
    world.wish('{"amount_paise":1}', request_id="req-1")
    world.logger.info("outside")
    inside, outside = (json.loads(line) for line in world.log.getvalue().splitlines())
    assert inside["request_id"] == "req-1"
    assert "request_id" not in outside


def test_a_base64_body_is_parsed_like_any_other(world: World) -> None:
    body = json.dumps({"amount_paise": 5, "note": "₹"}, ensure_ascii=False)
    assert world.wish(body.encode(), base64_encoded=True).status == 200
    assert (
        base64.b64decode(rest_event("POST", "/wishes", body=body.encode(), base64_encoded=True)["body"])
        == body.encode()
    )


# --- browsers ---

APP, SCHOOLS = "https://app.hasivu.example", "https://schools.hasivu.example"


def asked_from(origin: str | None, *, origins: tuple[str, ...] = (APP, SCHOOLS), **how: Any) -> Answer:
    world = World()
    world.api = Api(
        [(route("GET", "/wishes", roles=PARENTS), lambda _: Response(200, {"ok": True}))],
        audit=cast(AuditTrail, world.trail),
        logger=world.logger,
        origins=origins,
    )
    sent = {} if origin is None else {how.pop("spelt", "Origin"): origin}
    return world.call("GET", how.pop("path", "/wishes"), headers=sent, **how)


@pytest.mark.parametrize("origin", [APP, SCHOOLS])
@pytest.mark.parametrize("spelt", ["Origin", "origin"])
def test_a_page_of_an_allowed_origin_may_read_the_answer(origin: str, spelt: str) -> None:
    headers = asked_from(origin, spelt=spelt).headers
    assert headers["access-control-allow-origin"] == origin
    assert headers["access-control-expose-headers"] == "Retry-After,X-Request-Id"
    assert headers["vary"] == "Origin"
    assert "access-control-allow-credentials" not in headers


def test_a_page_of_an_allowed_origin_may_read_a_refusal_too() -> None:
    refused = asked_from(APP, principal=caller("usr-2", Role.FINANCE))
    assert refused.code == "forbidden"
    assert refused.headers["access-control-allow-origin"] == APP
    unknown = asked_from(APP, path="/nowhere")
    assert unknown.headers["access-control-allow-origin"] == APP


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "*",
        "https://evil.example",
        "http://app.hasivu.example",
        "https://app.hasivu.example.evil.example",
        "https://app.hasivu.example:8443",
        "https://appxhasivu.example",
        "HTTPS://APP.HASIVU.EXAMPLE",
        f"{APP},{SCHOOLS}",
    ],
)
def test_no_other_page_may(origin: str | None) -> None:
    headers = asked_from(origin).headers
    assert not [name for name in headers if name.startswith("access-control")]
    assert headers["vary"] == "Origin", "or a cache would give one page's answer to another"


def test_a_function_without_origins_says_nothing_to_browsers() -> None:
    headers = asked_from(APP, origins=()).headers
    assert not [name for name in headers if name.startswith("access-control") or name == "vary"]
