"""Signed webhooks, delivered at least once.

A failure is no answer within five seconds, no connection, or a status other than 2xx. Failures are retried
with growing pauses for 24 hours after the event was made; after that the webhook is disabled. An event
keeps its id and its signature for all its attempts, so one made before a rotation still carries the old
secret. Source: Razorpay's webhook documentation (delivery, validation, best practices).
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from typing import Any

import urllib3

from checks.sandbox.razorpay import event_shapes
from checks.sandbox.razorpay.errors import ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record, compact_json

ATTEMPT_JOB = "webhook.attempt"
GIVE_UP_JOB = "webhook.give_up"
ANSWER_BYTES = 4_096


def signature_of(secret: str, raw: bytes) -> str:
    """HMAC-SHA256 over the raw body, in hex (`X-Razorpay-Signature`)."""
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Delivery:
    """One HTTP request to be made."""

    event_id: str
    url: str
    body: bytes
    signature: str


@dataclass(frozen=True)
class Receipt:
    """What came of a delivery. `status` is None if nothing was received in time."""

    status: int | None
    error: str | None
    took_ms: int

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def emit(gw: Gateway, event: str, **entities: Record) -> Record:
    """Records the event with a snapshot of its entities and, unless held back, puts it on its way.

    Entity kinds are given as keywords in the order of `contains`; `downtime` stands for `payment.downtime`.
    """
    named = {("payment.downtime" if kind == "downtime" else kind): e for kind, e in entities.items()}
    body = event_shapes.envelope(
        event, named, account_id=gw.config.account_id, created_at=gw.now(), quirks=gw.quirks
    )
    return _record(gw, event, gw.ids.bare(), compact_json(body))


def _record(gw: Gateway, event: str, event_id: str, body: str) -> Record:
    _make_room(gw)
    record: Record = {
        "id": event_id,
        "event": event,
        "body": body,
        "created_at": gw.now(),
        "state": "skipped",
        "attempts": [],
        "_signature": signature_of(gw.webhook.secret, body.encode()) if gw.webhook.secret else None,
    }
    gw.books["events"][event_id] = record
    wanted = gw.webhook.events is None or event in gw.webhook.events
    if gw.webhook.mode == "hold" and wanted:
        record["state"] = "held"
    elif gw.webhook.url and gw.webhook.enabled and wanted:
        record["state"] = "pending"
        gw.later(0, ATTEMPT_JOB, event_id=event_id)
    return record


def _make_room(gw: Gateway) -> None:
    """Forgets the oldest settled event once there are too many."""
    book = gw.books["events"]
    if len(book) >= gw.config.limits.events:
        oldest = next((e for e in book.values() if e["state"] not in {"pending", "held"}), None)
        book.pop(str((oldest or next(iter(book.values())))["id"]))


def prepare(gw: Gateway, event_id: str, *, by_hand: bool = False) -> Delivery | None:
    """The request for the next attempt, or None if there is nothing to deliver any more."""
    record = gw.books["events"].get(event_id)
    if record is None or gw.webhook.url is None:
        return None
    if not by_hand and (record["state"] != "pending" or not gw.webhook.enabled):
        return None
    raw = str(record["body"]).encode()
    if record["_signature"] is None:
        record["_signature"] = signature_of(gw.webhook.secret, raw)
    return Delivery(event_id, gw.webhook.url, raw, str(record["_signature"]))


def deliver(pool: urllib3.PoolManager, delivery: Delivery, timeout_seconds: float) -> Receipt:
    """Makes the request. Holds no lock: the receiver may call the API meanwhile."""
    started = time.monotonic()
    status: int | None = None
    error: str | None = None
    try:
        response = pool.request(
            "POST",
            delivery.url,
            body=delivery.body,
            headers={
                "Content-Type": "application/json",
                "User-Agent": "Razorpay-Webhook/v1",
                "X-Razorpay-Signature": delivery.signature,
                "x-razorpay-event-id": delivery.event_id,
            },
            timeout=urllib3.Timeout(total=timeout_seconds),
            retries=False,
            redirect=False,
            preload_content=False,
        )
        status = response.status
        response.read(ANSWER_BYTES)
        response.close()
    except urllib3.exceptions.TimeoutError:
        error = "timeout"
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
        error = type(problem).__name__
    return Receipt(status, error, int((time.monotonic() - started) * 1000))


def conclude(gw: Gateway, event_id: str, receipt: Receipt) -> None:
    """Writes the attempt down and decides whether there is another."""
    record = gw.books["events"].get(event_id)
    if record is None:
        return
    record["attempts"].append(
        {"at": gw.now(), "status": receipt.status, "error": receipt.error, "took_ms": receipt.took_ms}
    )
    if receipt.accepted:
        record["state"] = "delivered"
        return
    if record["state"] == "delivered":
        return
    policy = gw.config.webhooks
    failures = len(record["attempts"])
    pause = policy.first_retry_seconds * policy.retry_factor ** min(failures - 1, 16)
    gives_up_at = record["created_at"] + policy.give_up_seconds
    record["state"] = "pending"
    if gw.now() + pause < gives_up_at:
        gw.later(pause, ATTEMPT_JOB, event_id=event_id)
    else:
        gw.at(max(gives_up_at, gw.now()), GIVE_UP_JOB, event_id=event_id)


def give_up(gw: Gateway, args: Record) -> None:
    """24 hours of failures: the event is lost for good and the webhook is disabled."""
    record = gw.books["events"].get(str(args["event_id"]))
    if record is None or record["state"] != "pending":
        return
    record["state"] = "failed"
    gw.webhook.enabled = False
    for other in gw.books["events"].values():
        if other["state"] == "pending":
            other["state"] = "failed"


def configure(gw: Gateway, wanted: Record) -> Record:
    """Applies a PUT of the webhook settings; enabling is part of it. The secret is never shown."""
    hook = gw.webhook
    if "url" in wanted:
        url = wanted["url"]
        if url is not None and not str(url).startswith(("http://", "https://")):
            raise ControlError("The webhook url must start with http:// or https://.")
        hook.url = None if url is None else str(url)
    if wanted.get("secret"):
        hook.secret = str(wanted["secret"])
    if "events" in wanted:
        events = wanted["events"]
        hook.events = None if events in (None, "*") else frozenset(str(name) for name in events)
    if wanted.get("mode", hook.mode) not in {"deliver", "hold"}:
        raise ControlError('The webhook mode is "deliver" or "hold".')
    hook.mode = str(wanted.get("mode", hook.mode))
    hook.enabled = bool(wanted.get("enabled", True))
    return settings(gw)


def settings(gw: Gateway) -> Record:
    hook = gw.webhook
    return {
        "url": hook.url,
        "secret_set": bool(hook.secret),
        "events": "*" if hook.events is None else sorted(hook.events),
        "mode": hook.mode,
        "enabled": hook.enabled,
    }


def shown(record: Record) -> Record:
    """An event for the control API."""
    return {name: value for name, value in record.items() if not name.startswith("_")}


def foreign_delivery(gw: Gateway, wanted: Record) -> Delivery:
    """A delivery of any given body, signed unless a signature is given; nothing is recorded or retried."""
    url = wanted.get("url") or gw.webhook.url
    if not url:
        raise ControlError("There is no webhook url. PUT /_control/webhook first, or give url.")
    given: Any = wanted.get("body")
    if given is None:
        raise ControlError("Give body: the event as an object, or as the exact text to send.")
    raw = (given if isinstance(given, str) else compact_json(given)).encode()
    secret = str(wanted.get("secret") or gw.webhook.secret)
    signature = wanted.get("signature")
    return Delivery(
        event_id=str(wanted.get("event_id") or gw.ids.bare()),
        url=str(url),
        body=raw,
        signature=signature_of(secret, raw) if signature is None else str(signature),
    )
