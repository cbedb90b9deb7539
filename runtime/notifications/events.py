"""Reading events off the bus, as the topic hands them to the queue."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


class EventUnreadable(ValueError):
    """The message is not an event of ours. It belongs into the dead-letter queue, where a person reads it."""


@dataclass(frozen=True, slots=True)
class News:
    """What an event tells, as far as a person is to hear of it. ``subject`` is what it is about: a payment's
    identifier, or a payment link's. A link has the ``page`` on which it is paid, and an end (RFC 3339)."""

    detail_type: str
    message_key: str
    subject: str
    school_id: str
    payer_id: str
    amount_paise: int
    currency: str
    description: str
    page: str | None = None
    ends_at: str | None = None


def read_event(message: str) -> News:
    """The news in an SQS message: EventBridge's envelope, whose ``detail`` is the outbox item with its own
    ``detail`` as JSON text (a Pipe does not parse it). Raises EventUnreadable."""
    try:
        envelope = json.loads(message)
        detail_type = _text(envelope["detail-type"])
        detail: Mapping[str, Any] = json.loads(envelope["detail"]["detail"])
        return _READERS.get(detail_type, _of_a_payment)(detail_type, detail)
    except (ValueError, TypeError, KeyError) as error:
        raise EventUnreadable(f"not an event of ours ({type(error).__name__})") from None


def _of_a_payment(detail_type: str, detail: Mapping[str, Any]) -> News:
    return News(
        subject=_text(detail["payment_id"]),
        amount_paise=_integer(detail["amount_paise"]),
        **_told(detail_type, detail),
    )


def _of_a_link(detail_type: str, detail: Mapping[str, Any]) -> News:
    page, ends_at = detail["short_url"], detail["expires_at"]
    return News(
        subject=_text(detail["link_id"]),
        amount_paise=_integer(detail["due_paise"]),
        page=None if page is None else _text(page),
        ends_at=None if ends_at is None else _text(ends_at),
        **_told(detail_type, detail),
    )


_READERS: dict[str, Callable[[str, Mapping[str, Any]], News]] = {"LinkReminderDue": _of_a_link}
"""How a detail is read that is not a payment's, by the event's type."""


def _told(detail_type: str, detail: Mapping[str, Any]) -> dict[str, str]:
    """What every event that people hear of has."""
    names = ("message_key", "school_id", "payer_id", "currency", "description")
    return {"detail_type": detail_type} | {name: _text(detail[name]) for name in names}


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is missing")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a number is missing")
    return value
