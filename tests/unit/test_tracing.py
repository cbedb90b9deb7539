"""Coverage does not look into calls of the SDK, and looks on as soon as they end."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from coverage import Coverage
from coverage.tracer import CTracer

from tests.tracing import CALL, sdk_untraced

AS_SHIPPED = getattr(BaseClient, CALL)
"""Read when tests are collected: those of a worker that have run by then leave the SDK untraced."""


@pytest.fixture
def tracer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What traces this thread and the SDK: coverage, whether the tests are measured or not."""
    monkeypatch.setattr(BaseClient, CALL, AS_SHIPPED)
    monkeypatch.setenv("COVERAGE_CORE", "ctrace")
    coverage = Coverage(data_file=None, config_file=False)
    with coverage.collect():
        found: Any = sys.gettrace()
        assert isinstance(found, CTracer)
        yield found


def asked(*, fails: bool = False) -> list[object]:
    """Ask a client for something; gives what traced within the call."""
    client: Any = boto3.client(
        "sqs", region_name="ap-south-1", aws_access_key_id="key", aws_secret_access_key="secret"
    )
    within: list[object] = []
    client.meta.events.register("before-parameter-build.sqs", lambda **_: within.append(sys.gettrace()))
    with Stubber(client) as stubbed:
        if fails:
            stubbed.add_client_error("get_queue_url")
        else:
            stubbed.add_response("get_queue_url", {"QueueUrl": "https://queue"})
        with suppress(ClientError):
            client.get_queue_url(QueueName="q")
    return within


@pytest.mark.parametrize("fails", [False, True])
def test_a_call_is_not_traced_and_its_caller_is(tracer: Any, *, fails: bool) -> None:
    assert asked(fails=fails) == [tracer], "what is to be suspended is there"
    with sdk_untraced():
        assert asked(fails=fails) == [None]
        assert [sys.gettrace()] == [tracer]
    assert asked(fails=fails) == [tracer]
