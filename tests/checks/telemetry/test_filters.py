"""The metric filters match the lines that the functions write, and only those that they should."""

import io
import json
import logging
from typing import Any

import pytest
from aws_lambda_powertools import Logger
from botocore import exceptions

from checks.rules.log_patterns import matcher
from runtime.platform.api import Api, Request, Response, Route
from runtime.platform.telemetry import new_logger
from stacks.observability_filters import (
    AUDIT_FAILURE,
    CONNECTION_ERRORS,
    CONNECTION_FAILURE,
    LOGGED_FAILURE,
    TOO_MANY_REQUESTS,
)
from tests.events import Context, rest_event

ROUTE = Route("GET", "/thing", "thing.get", "Get a thing", "A thing.", response=None)


def matches(pattern: str, line: dict[str, Any]) -> bool:
    return matcher(pattern)(line)


class Log:
    """A function's log, read back."""

    def __init__(self, service: str) -> None:
        self._stream = io.StringIO()
        self.logger: Logger = new_logger(service)
        for handler in self.logger.handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(self._stream)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]


class Unwritable:
    """An audit trail that cannot be written."""

    def append(self, line: object) -> None:
        raise exceptions.EndpointConnectionError(endpoint_url="https://dynamodb.ap-south-1.amazonaws.com")


def answered(log: Log, failure: Exception | None) -> list[dict[str, Any]]:
    def handle(request: Request) -> Response:
        if failure:
            raise failure
        return Response(200)

    audit: Any = Unwritable()
    Api([(ROUTE, handle)], audit=audit, logger=log.logger).handle(rest_event("GET", "/thing"), Context())
    return log.lines()


def test_an_answer_of_500_is_a_logged_failure_of_its_service() -> None:
    (line,) = answered(Log("filters-500"), KeyError("nothing"))

    assert matches(LOGGED_FAILURE, line)
    assert line["service"] == "filters-500"
    assert not matches(CONNECTION_FAILURE, line)


def test_an_answer_of_200_is_none() -> None:
    log = Log("filters-200")
    log.logger.info("all is well", error="none")

    assert not any(matches(LOGGED_FAILURE, line) for line in [*answered(log, None), *log.lines()])


@pytest.mark.parametrize("name", CONNECTION_ERRORS)
def test_an_aws_service_that_does_not_answer_is_a_connection_failure(name: str) -> None:
    kind = getattr(exceptions, name)
    failure = kind(endpoint_url="https://dynamodb.ap-south-1.amazonaws.com", error="reset")

    (line,) = answered(Log(f"filters-{name}"), failure)

    assert matches(CONNECTION_FAILURE, line)
    assert matches(LOGGED_FAILURE, line)


def test_a_probe_that_gets_no_answer_is_a_connection_failure_too() -> None:
    log = Log("filters-probe")
    log.logger.warning("a probe failed", probe="payments table", error="ConnectTimeoutError")

    (line,) = log.lines()
    assert matches(CONNECTION_FAILURE, line)
    assert not matches(LOGGED_FAILURE, line)


def test_a_refusal_that_the_audit_trail_does_not_take_is_counted() -> None:
    log = Log("filters-audit")
    audit: Any = Unwritable()
    Api([], audit=audit, logger=log.logger).handle(rest_event("GET", "/nowhere"), Context())

    assert [matches(AUDIT_FAILURE, line) for line in log.lines()] == [False, True]


def test_only_429_of_the_access_log_is_a_throttled_request() -> None:
    assert matches(TOO_MANY_REQUESTS, {"status": "429"})
    assert not matches(TOO_MANY_REQUESTS, {"status": "200"})
