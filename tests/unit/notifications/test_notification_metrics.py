"""Messages to people are counted by how their sending ended."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.gateways.whatsapp.webhooks import MessageStatus, PhoneNumber
from runtime.notifications.dispatcher import Dispatcher, Sending
from runtime.notifications.events import News, read_event
from runtime.notifications.metrics import METRICS
from runtime.notifications.repository import State
from runtime.platform.clock import FixedClock
from runtime.platform.metrics import Metrics
from runtime.platform.telemetry import new_logger

NOON = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)


class Everything:
    """Stands for a part that is only asked to do what it does."""

    def __init__(self, **answers: Any) -> None:
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        return lambda *arguments, **named: self._answers.get(name)


class Ending(Dispatcher):
    """A dispatcher whose sending ends as it is told."""

    def _send(self, name: str, message: object, contact: object, attempt: int) -> Sending:
        return self.schools.ending  # type: ignore[attr-defined,no-any-return]  # the test's own schools


def dispatcher(lines: list[str], *, ending: Sending | None = None, progressed: bool = True) -> Dispatcher:
    school = SimpleNamespace(name="Green Valley School")
    parts: dict[str, Any] = {
        "notifications": Everything(claim=True, progress=progressed, find_by_provider_message="n"),
        "contacts": Everything(),
        "schools": SimpleNamespace(get=lambda school_id: school, ending=ending),
        "whatsapp": None,
        "mailer": None,
        "audit": Everything(),
    }
    return Ending(**parts, logger=new_logger("test"), metrics=Metrics("test", FixedClock(NOON), lines.append))


def news() -> News:
    detail = {
        "payment_id": "pmt_1",
        "school_id": "sch_1",
        "payer_id": "usr_1",
        "amount_paise": 45_000,
        "currency": "INR",
        "description": "Lunches in April",
        "status": "captured",
        "version": 2,
        "message_key": "PaymentCaptured:pmt_1:pay_1",
    }
    event = {
        "source": "hasivu.payments",
        "detail-type": "PaymentCaptured",
        "detail": {
            "event_id": "evt_1",
            "occurred_at": "2026-04-01T06:30:00.000Z",
            "subject": "pmt_1",
            "detail": json.dumps(detail),
        },
    }
    return read_event(json.dumps(event))


def counted(lines: list[str]) -> list[tuple[str, str | None]]:
    found = []
    for line in lines:
        document = json.loads(line)
        (directive,) = document["_aws"]["CloudWatchMetrics"]
        found.append((directive["Metrics"][0]["Name"], document.get("channel")))
    return found


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (Sending(State.SENT, "whatsapp"), ("NotificationSent", "whatsapp")),
        (Sending(State.SENT, "mail"), ("NotificationSent", "mail")),
        (Sending(State.UNKNOWN, "mail"), ("NotificationOutcomeUnknown", "mail")),
        (Sending(State.UNDELIVERABLE, "none"), ("NotificationUndeliverable", None)),
        (Sending(State.WITHHELD, "none"), ("NotificationWithheld", None)),
    ],
)
def test_a_sending_is_counted_by_its_end(ending: Sending, expected: tuple[str, str | None]) -> None:
    lines: list[str] = []

    dispatcher(lines, ending=ending).dispatch(news(), attempt=0, request_id="req")

    assert counted(lines) == [expected]


@pytest.mark.parametrize(
    ("status", "progressed", "expected"),
    [
        ("failed", True, [("NotificationFailedLater", None)]),
        ("failed", False, []),
        ("delivered", True, []),
    ],
)
def test_a_message_that_failed_afterwards_is_counted_once(
    status: str, progressed: bool, expected: list[tuple[str, str | None]]
) -> None:
    lines: list[str] = []
    said = MessageStatus("wamid.1", status, NOON, PhoneNumber("919876543210"), reference="n")

    dispatcher(lines, progressed=progressed).keep_status(said)

    assert counted(lines) == expected


def test_every_metric_of_notifications_appears_above() -> None:
    assert {metric.name for metric in METRICS} == {
        "NotificationSent",
        "NotificationOutcomeUnknown",
        "NotificationUndeliverable",
        "NotificationWithheld",
        "NotificationFailedLater",
    }
