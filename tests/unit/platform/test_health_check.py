"""Health: a failure stops traffic, a warning calls a person, and looking at one thing never hides another."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from io import StringIO
from itertools import count
from typing import Any, cast

import pytest
from aws_lambda_powertools import Logger
from hypothesis import given
from hypothesis import strategies as st

from runtime.functions.health_check import (
    DeepHealth,
    NeedsAttention,
    Probe,
    api,
    gateway_probe,
    look_at,
    queue_probe,
    table_probe,
)
from runtime.gateways.transport import HttpResponse, HttpTransport
from runtime.platform.audit import AuditLine, AuditTrail
from runtime.platform.auth import Role
from runtime.platform.clock import FixedClock
from runtime.platform.telemetry import MaskingFormatter
from tests.events import Answer, Context, caller, rest_event

CLOCK = FixedClock(datetime(2026, 4, 1, 6, 30, tzinfo=UTC))
_services = count()


def new_logger(stream: StringIO | None = None) -> Logger:
    return Logger(
        service=f"health-{next(_services)}", stream=stream or StringIO(), logger_formatter=MaskingFormatter()
    )


def failing(error: Exception) -> Callable[[], str]:
    def look() -> str:
        raise error

    return look


LOOKS = {
    "pass": lambda: "works",
    "warn": failing(NeedsAttention("3 messages")),
    "raise": failing(OSError("secret host")),
}


def look(*probes: Probe) -> DeepHealth:
    return look_at(probes, environment="dev", clock=CLOCK, logger=new_logger())


@given(st.lists(st.tuples(st.sampled_from(sorted(LOOKS)), st.booleans()), max_size=6))
def test_the_worst_probe_decides_and_every_probe_is_told(kinds: list[tuple[str, bool]]) -> None:
    health = look(*(Probe(f"p{number}", vital, LOOKS[kind]) for number, (kind, vital) in enumerate(kinds)))
    expected = ["pass" if k == "pass" else "fail" if k == "raise" and vital else "warn" for k, vital in kinds]
    assert [check.status for check in health.checks] == expected
    assert [check.name for check in health.checks] == [f"p{number}" for number in range(len(kinds))]
    assert health.status == ("fail" if "fail" in expected else "warn" if "warn" in expected else "pass")


def test_what_a_dependency_says_when_it_fails_is_not_passed_on() -> None:
    (check,) = look(Probe("table", True, LOOKS["raise"])).checks
    assert check.detail == "does not answer (OSError)"


def test_how_long_it_took_is_told() -> None:
    clock = FixedClock(datetime(2026, 4, 1, tzinfo=UTC))

    def slow() -> str:
        clock.advance(seconds=1.25)
        return "works"

    (check,) = look_at(
        [Probe("slow", True, slow)], environment="dev", clock=clock, logger=new_logger()
    ).checks
    assert check.duration_ms == 1250


class Lines:
    def __init__(self) -> None:
        self.lines: list[AuditLine] = []

    def append(self, line: AuditLine) -> None:
        self.lines.append(line)


def ask(path: str, *probes: Probe, role: Role | None = Role.OPERATOR) -> tuple[Answer, Lines]:
    lines = Lines()
    routes = api(probes, environment="dev", clock=CLOCK, audit=cast(AuditTrail, lines), logger=new_logger())
    principal = None if role is None else caller("usr-1", role)
    return Answer.of(routes.handle(rest_event("GET", path, principal=principal), Context())), lines


def test_a_shallow_look_needs_nobody_and_touches_nothing() -> None:
    answer, lines = ask("/health", Probe("table", True, LOOKS["raise"]), role=None)
    assert (answer.status, answer.body) == (
        200,
        {"status": "pass", "environment": "dev", "time": "2026-04-01T06:30:00.000Z"},
    )
    assert lines.lines == []


@pytest.mark.parametrize(
    ("kind", "vital", "status", "health"),
    [
        ("pass", True, 200, "pass"),
        ("warn", False, 200, "warn"),
        ("raise", False, 200, "warn"),
        ("raise", True, 503, "fail"),
    ],
)
def test_only_a_vital_failure_is_unavailable(kind: str, vital: bool, status: int, health: str) -> None:
    answer, _ = ask("/health/deep", Probe("it", vital, LOOKS[kind]))
    assert (answer.status, answer.body["status"]) == (status, health)
    assert answer.code is None
    DeepHealth.model_validate(answer.body)


@pytest.mark.parametrize("role", sorted(Role))
def test_a_deep_look_is_for_those_who_run_the_platform(role: Role) -> None:
    allowed = role in {Role.OPERATOR, Role.AUDITOR, Role.ADMIN, Role.SERVICE}
    answer, lines = ask("/health/deep", role=role)
    assert answer.status == (200 if allowed else 403)
    assert len(lines.lines) == (0 if allowed else 1)


def test_a_deep_look_is_not_for_strangers() -> None:
    assert ask("/health/deep", role=None)[0].code == "unauthenticated"


class Queues:
    def __init__(self, waiting: int) -> None:
        self.waiting = waiting

    def get_queue_attributes(self, **_: object) -> dict[str, Any]:
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.waiting)}}


@pytest.mark.parametrize(
    ("waiting", "dead_letters", "status"),
    [(0, False, "pass"), (7, False, "pass"), (0, True, "pass"), (1, True, "warn"), (7, True, "warn")],
)
def test_a_dead_letter_needs_a_person_and_a_waiting_message_does_not(
    waiting: int, dead_letters: bool, status: str
) -> None:
    health = look(queue_probe(Queues(waiting), "queue", "url", should_be_empty=dead_letters))
    assert health.checks[0].status == status
    assert str(waiting) in health.checks[0].detail


def test_a_queue_that_works_is_vital_and_its_dead_letters_are_not() -> None:
    assert queue_probe(None, "q", "url", should_be_empty=False).vital
    assert not queue_probe(None, "q", "url", should_be_empty=True).vital
    assert look(queue_probe(None, "q", "url", should_be_empty=False)).status == "fail"


class Tables:
    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def get_item(self, **_: object) -> dict[str, Any]:
        if self.error:
            raise self.error
        return {}


def test_a_table_that_cannot_be_read_is_a_failure() -> None:
    assert look(table_probe(Tables(), "t", "t", {"pk": "x"})).status == "pass"
    assert look(table_probe(Tables(OSError()), "t", "t", {"pk": "x"})).status == "fail"


class Answering:
    def __init__(self, answer: HttpResponse | Exception) -> None:
        self.answer = answer

    def send(self, *_: object, **__: object) -> HttpResponse:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    ("status", "health"),
    [(200, "pass"), (401, "pass"), (404, "pass"), (429, "pass"), (500, "warn"), (502, "warn"), (503, "warn")],
)
def test_a_gateway_that_refuses_us_is_there_and_one_in_trouble_is_a_warning(status: int, health: str) -> None:
    transport = cast(HttpTransport, Answering(HttpResponse(status, {}, b"")))
    assert look(gateway_probe(transport)).status == health


def test_a_silent_gateway_is_a_warning_and_no_failure() -> None:
    transport = cast(HttpTransport, Answering(TimeoutError()))
    assert look(gateway_probe(transport)).status == "warn"


def test_a_failed_probe_is_logged_by_its_name() -> None:
    stream = StringIO()
    look_at(
        [Probe("ledger table", True, LOOKS["raise"])],
        environment="dev",
        clock=CLOCK,
        logger=new_logger(stream),
    )
    assert json.loads(stream.getvalue())["probe"] == "ledger table"
