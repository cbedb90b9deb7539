"""Reading the bus: what is an event of ours, and what belongs into the dead-letter queue."""

import json
from typing import Any

import pytest

from runtime.notifications.events import EventUnreadable, read_event
from runtime.payments.events import status_event
from runtime.payments.links.reminders.events import reminder_event
from runtime.payments.links.reminders.model import Occasion
from runtime.payments.links.reminders.rules import with_reminder
from runtime.payments.model import AttemptStatus, PaymentStatus
from runtime.payments.refunds.model import Refund, RefundStatus
from runtime.payments.refunds.rules import hear
from runtime.payments.returns.events import return_events
from runtime.payments.returns.model import ReturnsChange
from runtime.payments.returns.rules import no_returns
from runtime.platform.clock import from_iso
from tests.unit.payments.links.test_link_rules import LINK_ID, a_link
from tests.unit.payments.samples import CREATED_AT, attempt, payment


def envelope(**changes: Any) -> dict[str, Any]:
    """EventBridge's envelope around an outbox item, as the topic delivers it."""
    event = status_event(payment(status=PaymentStatus.CAPTURED), attempt(AttemptStatus.CAPTURED))
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": event.detail_type,
        "source": event.source,
        "account": "123456789012",
        "time": "2026-04-01T06:30:00Z",
        "region": "ap-south-1",
        "resources": [],
        "detail": {
            "event_id": "evt_1",
            "occurred_at": "2026-04-01T06:30:00.000Z",
            "subject": event.subject,
            "detail": json.dumps(dict(event.detail) | changes),
        },
    }


def test_what_payments_tell_is_what_is_read() -> None:
    news = read_event(json.dumps(envelope()))
    assert (news.detail_type, news.payer_id, news.amount_paise, news.currency) == (
        "PaymentCaptured",
        "usr_1",
        45_000,
        "INR",
    )
    assert news.message_key == "PaymentCaptured:pmt_01JQR4ZZZZZZZZZZZZZZZZZZZZ:pay_A"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        "{}",
        json.dumps(envelope() | {"detail": "text"}),
        json.dumps(envelope() | {"detail": {"detail": "{"}}),
        json.dumps(envelope() | {"detail": {"detail": "[]"}}),
        json.dumps(envelope() | {"detail": {"detail": {}}}),
        json.dumps(envelope() | {"detail-type": 7}),
        json.dumps(envelope(payer_id=None)),
        json.dumps(envelope(payer_id="")),
        json.dumps(envelope(message_key=["x"])),
        json.dumps(envelope(amount_paise=450.0)),
        json.dumps(envelope(amount_paise="45000")),
        json.dumps(envelope(amount_paise=True)),
    ],
)
def test_anything_else_is_named_as_unreadable_without_showing_it(text: str) -> None:
    with pytest.raises(EventUnreadable, match=r"^not an event of ours \(\w+\)$"):
        read_event(text)


def test_what_payments_tell_of_a_refund_is_read_with_the_amount_of_the_refund() -> None:
    before = no_returns(payment(), attempt(AttemptStatus.CAPTURED))
    heard = Refund(
        gateway_refund_id="rfnd_1",
        amount_paise=10_000,
        currency="INR",
        status=RefundStatus.PROCESSED,
        observed_at=1_775_025_000,
    )
    after = before.model_copy(update={"book": hear(before.book, heard)})
    (event,) = return_events(payment(), ReturnsChange(before, after))
    told = envelope() | {"detail-type": event.detail_type}
    told["detail"] = told["detail"] | {"detail": json.dumps(dict(event.detail))}
    news = read_event(json.dumps(told))
    assert (news.detail_type, news.amount_paise, news.message_key) == (
        "RefundProcessed",
        10_000,
        "RefundProcessed:rfnd_1",
    )
    assert (news.payer_id, news.description) == ("usr_1", "Lunches in April")


def told_of_a_reminder(**changes: Any) -> dict[str, Any]:
    """A reminder of a link as the topic delivers it."""
    link = a_link(
        captured_paise=15_000, short_url="https://rzp.io/rzp/1", expires_at="2026-04-30T18:29:59.000Z"
    )
    event = reminder_event(with_reminder(link, Occasion.PLANNED, from_iso(CREATED_AT)))
    told = envelope() | {"detail-type": event.detail_type}
    return told | {"detail": told["detail"] | {"detail": json.dumps(dict(event.detail) | changes)}}


def test_what_links_tell_of_a_reminder_is_read_with_what_is_still_due() -> None:
    news = read_event(json.dumps(told_of_a_reminder()))
    assert (news.detail_type, news.subject, news.amount_paise) == ("LinkReminderDue", LINK_ID, 30_000)
    assert (news.page, news.ends_at) == ("https://rzp.io/rzp/1", "2026-04-30T18:29:59.000Z")
    assert news.message_key == f"LinkReminderDue:{LINK_ID}:1"


def test_a_link_without_a_page_or_an_end_is_read_too() -> None:
    news = read_event(json.dumps(told_of_a_reminder(short_url=None, expires_at=None)))
    assert (news.page, news.ends_at) == (None, None)


@pytest.mark.parametrize(
    "changes", [{"short_url": 7}, {"expires_at": ""}, {"due_paise": "1"}, {"link_id": None}]
)
def test_a_reminder_that_is_none_is_unreadable(changes: dict[str, Any]) -> None:
    with pytest.raises(EventUnreadable):
        read_event(json.dumps(told_of_a_reminder(**changes)))
