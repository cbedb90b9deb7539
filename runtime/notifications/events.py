"""Reading events off the bus, as the topic hands them to the queue."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class EventUnreadable(ValueError):
    """The message is not an event of ours. It belongs into the dead-letter queue, where a person reads it."""


@dataclass(frozen=True, slots=True)
class PaymentNews:
    """What an event tells about a payment, as far as a person is to hear of it."""

    detail_type: str
    message_key: str
    payment_id: str
    school_id: str
    payer_id: str
    amount_paise: int
    currency: str
    description: str


def read_event(message: str) -> PaymentNews:
    """The news in an SQS message: EventBridge's envelope, whose ``detail`` is the outbox item with its own
    ``detail`` as JSON text (a Pipe does not parse it). Raises EventUnreadable."""
    try:
        envelope = json.loads(message)
        detail: Mapping[str, Any] = json.loads(envelope["detail"]["detail"])
        return PaymentNews(
            detail_type=_text(envelope["detail-type"]),
            message_key=_text(detail["message_key"]),
            payment_id=_text(detail["payment_id"]),
            school_id=_text(detail["school_id"]),
            payer_id=_text(detail["payer_id"]),
            amount_paise=_integer(detail["amount_paise"]),
            currency=_text(detail["currency"]),
            description=_text(detail["description"]),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise EventUnreadable(f"not an event of ours ({type(error).__name__})") from None


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is missing")
    return value


def _integer(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a number is missing")
    return value
