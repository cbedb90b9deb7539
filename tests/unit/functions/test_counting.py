"""The authoriser and the health check count what their alarms wait for."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.functions import api_authorizer, health_check
from runtime.functions.api_authorizer import Unauthorized, authorise
from runtime.platform.clock import SystemClock
from runtime.platform.metrics import Metrics
from runtime.platform.telemetry import new_logger
from tests.events import Context

HEALTH_SETTINGS = {
    "HASIVU_ENV": "test",
    "POWERTOOLS_SERVICE_NAME": "health-check",
    "AUDIT_TABLE": "audit",
    "PAYMENTS_TABLE": "payments",
    "LEDGER_TABLE": "ledger",
    "WEBHOOK_QUEUE_URL": "w",
    "NOTIFICATIONS_QUEUE_URL": "n",
    "WEBHOOK_DLQ_URL": "wd",
    "NOTIFICATIONS_DLQ_URL": "nd",
    "RAZORPAY_BASE_URL_PARAMETER": "/base-url",
}


def labels(text: str, metric: str, label: str) -> list[str]:
    """The labels under which ``metric`` was counted in what was written."""
    documents = [json.loads(line) for line in text.splitlines()]
    return [document[label] for document in documents if metric in document]


@pytest.mark.parametrize(
    ("credential", "scheme"),
    [("Bearer x.y.z", "bearer"), ("ApiKey hk_test_1_2", "apikey"), ("Basic abc", "other"), ("", "other")],
)
def test_a_refused_caller_is_counted_by_scheme(credential: str, scheme: str) -> None:
    lines: list[str] = []
    audit: Any = SimpleNamespace(append=lambda line: None)
    event = {"authorizationToken": credential, "methodArn": "arn:aws:execute-api:r:a:api/live/GET/x"}

    with pytest.raises(Unauthorized):
        authorise(
            event,
            Context(),
            schemes={},
            audit=audit,
            logger=new_logger("api-authorizer"),
            metrics=Metrics("test", SystemClock(), lines.append),
        )

    assert labels("".join(lines), api_authorizer.CALLER_REFUSED.name, "scheme") == [scheme]


class Weather:
    """DynamoDB, SQS and the gateway, in good or bad weather."""

    def __init__(self, *, tables_answer: bool = True, dead_letters: int = 0) -> None:
        self._tables_answer = tables_answer
        self._dead_letters = dead_letters

    def get_item(self, **_: object) -> dict[str, object]:
        if not self._tables_answer:
            raise TimeoutError
        return {}

    def get_queue_attributes(self, *, QueueUrl: str, **_: object) -> dict[str, dict[str, str]]:
        waiting = self._dead_letters if QueueUrl.endswith("d") else 0
        return {"Attributes": {"ApproximateNumberOfMessages": str(waiting)}}


@pytest.mark.parametrize(
    ("weather", "health"),
    [
        (Weather(), "pass"),
        (Weather(dead_letters=1), "warn"),
        (Weather(tables_answer=False), "fail"),
    ],
)
def test_a_scheduled_check_is_counted_by_its_outcome(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], weather: Weather, health: str
) -> None:
    monkeypatch.setattr("runtime.platform.aws.dynamodb", lambda: weather)
    monkeypatch.setattr("runtime.platform.aws.sqs", lambda: weather)
    monkeypatch.setattr(
        "runtime.platform.aws.parameter_reader", lambda: lambda name: "https://api.razorpay.com"
    )
    refused = SimpleNamespace(status=401)
    monkeypatch.setattr(
        health_check, "HttpTransport", lambda **_: SimpleNamespace(send=lambda request, timeout_ms: refused)
    )

    health_check.wire(HEALTH_SETTINGS)({}, Context())

    assert labels(capsys.readouterr().out, health_check.HEALTH_CHECKED.name, "health") == [health]
