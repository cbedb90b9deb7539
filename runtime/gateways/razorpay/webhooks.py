"""Razorpay's webhook events, read from the raw body once its signature is verified.

An event is a snapshot taken when it happened: it comes at least once, in any order, and may contradict
the state fetched now. The payload names the entities it carries; ``contains`` is not to be trusted (an
official sample omits one). Some events have ``created_at`` inside the payload instead of beside it.
"""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from pydantic import Field, ValidationError

from runtime.gateways.razorpay.fields import Entity, Text, UnixSeconds
from runtime.gateways.razorpay.models import (
    Dispute,
    Downtime,
    Invoice,
    Order,
    OrderNotification,
    Payment,
    PaymentLink,
    Refund,
    Settlement,
    Subscription,
    Token,
    Transfer,
)

BODY_SIZE_MAX_BYTES = 512 * 1024
"""The largest documented event has some eight kilobytes; API Gateway would take ten megabytes."""

_MODELLED: Mapping[str, str] = {
    "payment": "payment",
    "order": "order",
    "refund": "refund",
    "dispute": "dispute",
    "token": "token",
    "transfer": "transfer",
    "settlement": "settlement",
    "payment_link": "payment_link",
    "notification": "notification",
    "subscription": "subscription",
    "invoice": "invoice",
    "payment.downtime": "downtime",
}


class MalformedWebhook(ValueError):
    """The body is not an event: not JSON, not of the documented shape, or too large. Refuse it (400)."""

    code = "webhook_malformed"


class WebhookEvent(Entity):
    """One event. The entities it carries are typed; those we have no use for are named in ``others``."""

    event: str = Field(min_length=1, max_length=100)
    account_id: Text = None
    created_at: UnixSeconds = None
    payment: Payment | None = None
    order: Order | None = None
    refund: Refund | None = None
    dispute: Dispute | None = None
    token: Token | None = None
    transfer: Transfer | None = None
    settlement: Settlement | None = None
    payment_link: PaymentLink | None = None
    notification: OrderNotification | None = None
    subscription: Subscription | None = None
    invoice: Invoice | None = None
    downtime: Downtime | None = None
    others: tuple[str, ...] = ()


def parse_event(raw_body: bytes) -> WebhookEvent:
    """The event in ``raw_body``. Raises MalformedWebhook; its text never shows the body."""
    if len(raw_body) > BODY_SIZE_MAX_BYTES:
        raise MalformedWebhook(f"the body is larger than {BODY_SIZE_MAX_BYTES} bytes")
    try:
        envelope = json.loads(raw_body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise MalformedWebhook("the body is not JSON") from None
    payload = envelope.get("payload") if isinstance(envelope, dict) else None
    if not isinstance(payload, dict) or envelope.get("entity") != "event":
        raise MalformedWebhook("the body is not a Razorpay event")
    fields: dict[str, Any] = {
        "event": envelope.get("event"),
        "account_id": envelope.get("account_id"),
        "created_at": envelope.get("created_at", payload.get("created_at")),
        "others": tuple(name for name in payload if name not in _MODELLED and name != "created_at"),
    }
    for name, field in _MODELLED.items():
        if name in payload:
            fields[field] = _entity(payload[name])
    try:
        return WebhookEvent.model_validate(fields)
    except ValidationError as error:
        places = sorted({".".join(str(step) for step in problem["loc"]) for problem in error.errors()})
        raise MalformedWebhook(
            f"the event does not have the documented shape at: {', '.join(places)}"
        ) from None


def _entity(wrapped: object) -> object:
    return wrapped.get("entity", wrapped) if isinstance(wrapped, dict) else wrapped


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and infinities are no JSON")
