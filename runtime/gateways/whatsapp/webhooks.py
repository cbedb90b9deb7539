"""WhatsApp's webhook: the handshake, the signature, and what became of our messages.

Meta delivers at least once, in any order, several entries, changes and statuses in one body, and
retries for up to seven days: a status is a fact about a message, never a step to wait for.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

from runtime.gateways.errors import said

BODY_SIZE_MAX_BYTES: Final = 3 * 1024 * 1024
"""Meta documents payloads of up to three megabytes."""

STATUSES_MAX: Final = 10_000
SECRETS_MAX: Final = 8
_SIGNATURE_PREFIX: Final = "sha256="
_CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{1,200}")


class MalformedWebhook(ValueError):
    """The body is not WhatsApp's envelope. Refuse it (400)."""

    code = "webhook_malformed"


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """A telephone number as WhatsApp writes it: digits, country first. Shown with its last digits only."""

    digits: str

    def __str__(self) -> str:
        return f"***{self.digits[-4:]}" if len(self.digits) > 4 else "***"

    def __repr__(self) -> str:
        return f"PhoneNumber({self})"


@dataclass(frozen=True, slots=True)
class StatusError:
    """Why a message failed: Meta's ``code`` (131026 undeliverable, 131047 window closed, ...)."""

    code: int
    title: str | None = None
    details: str | None = None


@dataclass(frozen=True, slots=True)
class MessageStatus:
    """One fact about one message: ``sent``, ``delivered``, ``read``, ``failed``, or one Meta adds later.

    ``reference`` is what we gave when sending; it finds messages whose outcome was unknown.
    """

    message_id: str
    status: str
    at: datetime
    recipient: PhoneNumber
    phone_number_id: str | None = None
    reference: str | None = None
    errors: tuple[StatusError, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class StatusBatch:
    """What one body held: its statuses, and how many could not be read (a fact for the log)."""

    statuses: tuple[MessageStatus, ...]
    unreadable: int


def challenge_answer(query: Mapping[str, str], verify_token: str) -> str | None:
    """What to answer to the handshake (``GET``) as plain text, or None: answer 403.

    Raises ValueError where no token is configured: everybody would know it.
    """
    if not verify_token:
        raise ValueError("configure the verify token of the WhatsApp webhook")
    known = _equal(query.get("hub.verify_token", ""), verify_token)
    challenge = query.get("hub.challenge", "")
    if query.get("hub.mode") != "subscribe" or not known or not _CHALLENGE.fullmatch(challenge):
        return None
    return challenge


def signature_is_valid(raw_body: bytes, header: str, app_secrets: Collection[str]) -> bool:
    """Whether ``X-Hub-Signature-256`` is the HMAC-SHA256 of the body with one of the live app secrets.

    All secrets are tried whatever matches. Raises ValueError for none, too many, or an empty one.
    """
    if not 1 <= len(app_secrets) <= SECRETS_MAX or not all(app_secrets):
        raise ValueError(f"between 1 and {SECRETS_MAX} app secrets must be live, none of them empty")
    valid = False
    for secret in app_secrets:
        signature = hmac.new(secret.encode(), raw_body, hashlib.sha256).hexdigest()
        valid |= _equal(header, _SIGNATURE_PREFIX + signature)
    return valid


def parse_statuses(raw_body: bytes) -> StatusBatch:
    """Every status in the body. A status of unknown shape is counted, not a reason to lose the others.

    Raises MalformedWebhook for anything but the documented envelope.
    """
    if len(raw_body) > BODY_SIZE_MAX_BYTES:
        raise MalformedWebhook(f"the body is larger than {BODY_SIZE_MAX_BYTES} bytes")
    try:
        envelope = json.loads(raw_body)
    except (ValueError, RecursionError):
        raise MalformedWebhook("the body is not JSON") from None
    if not isinstance(envelope, dict) or envelope.get("object") != "whatsapp_business_account":
        raise MalformedWebhook("the body is not an envelope of a WhatsApp business account")
    statuses: list[MessageStatus] = []
    unreadable = 0
    for number, (raw, phone_number_id) in enumerate(_raw_statuses(envelope)):
        if number >= STATUSES_MAX:
            raise MalformedWebhook(f"the body holds more than {STATUSES_MAX} statuses")
        status = _status(raw, phone_number_id)
        if status is None:
            unreadable += 1
        else:
            statuses.append(status)
    return StatusBatch(tuple(statuses), unreadable)


def _raw_statuses(envelope: dict[str, Any]) -> Iterator[tuple[object, str | None]]:
    for entry in _objects(envelope.get("entry")):
        for change in _objects(entry.get("changes")):
            value = change.get("value")
            if change.get("field") != "messages" or not isinstance(value, dict):
                continue
            metadata = value.get("metadata")
            phone_number_id = metadata.get("phone_number_id") if isinstance(metadata, dict) else None
            statuses = value.get("statuses")
            for raw in statuses if isinstance(statuses, list) else ():
                yield raw, phone_number_id if isinstance(phone_number_id, str) else None


def _objects(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list. Raises MalformedWebhook where there is no list: the envelope is another."""
    if not isinstance(value, list):
        raise MalformedWebhook("the envelope has no entries or an entry no changes")
    return (item for item in value if isinstance(item, dict))


def _status(raw: object, phone_number_id: str | None) -> MessageStatus | None:
    if not isinstance(raw, dict):
        return None
    message_id, status, recipient = raw.get("id"), raw.get("status"), raw.get("recipient_id")
    if not (_is_text(message_id) and _is_text(status) and _is_text(recipient)):
        return None
    at = _moment(raw.get("timestamp"))
    if at is None:
        return None
    reference = raw.get("biz_opaque_callback_data")
    errors = raw.get("errors")
    return MessageStatus(
        message_id=message_id,
        status=status,
        at=at,
        recipient=PhoneNumber(recipient),
        phone_number_id=phone_number_id,
        reference=reference if _is_text(reference) else None,
        errors=tuple(_errors(errors)) if isinstance(errors, list) else (),
    )


def _errors(raw_errors: list[Any]) -> Iterator[StatusError]:
    for raw in raw_errors:
        if isinstance(raw, dict) and isinstance(raw.get("code"), int):
            data = raw.get("error_data")
            details = data.get("details") if isinstance(data, dict) else None
            yield StatusError(raw["code"], said(raw.get("title")), said(details) or said(raw.get("message")))


def _moment(timestamp: object) -> datetime | None:
    """The moment of a timestamp: seconds since 1970, as a number or (as documented) as a text."""
    text = str(timestamp)
    if isinstance(timestamp, (str, int)) and text.isascii() and text.isdigit() and len(text) <= 10:
        return datetime.fromtimestamp(int(text), UTC)
    return None


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= 512


def _equal(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
