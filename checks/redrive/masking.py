"""What of a message may be shown: its shape, its ids and kinds; no value that could be about a person."""

from __future__ import annotations

import json
import re
from typing import Any

SHOWN_KEYS = frozenset(
    {
        *(
            "id",
            "entity",
            "event",
            "event_id",
            "type",
            "kind",
            "status",
            "source",
            "detail_type",
            "detail-type",
        ),
        *("payment_id", "order_id", "refund_id", "entry_id", "school_id", "notification_id"),
        *("occurred_at", "created_at", "currency", "error_code", "attempt"),
    }
)
_HARMLESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:+-]{0,79}")
_PHONE_OR_CARD = re.compile(r"\d{7,}")
_ADDRESS = re.compile(r"\S+@\S+")
_DEPTH_MAX = 6
_ITEMS_MAX = 20
_LENGTH_MAX = 600


def masked_body(body: str) -> str:
    """A message's body with every value hidden that is not known to be harmless, on one line."""
    try:
        document = json.loads(body)
    except ValueError:
        return f"({len(body.encode())} bytes that are not JSON)"
    text = json.dumps(_masked(document, key="", depth=0), ensure_ascii=False)
    return text if len(text) <= _LENGTH_MAX else f"{text[: _LENGTH_MAX - 1]}…"


def masked_reason(text: str) -> str:
    """An error's text without long numbers and addresses, on one line."""
    line = " ".join(text.split())
    line = _ADDRESS.sub("(address)", _PHONE_OR_CARD.sub("(number)", line))
    return line if len(line) <= _LENGTH_MAX else f"{line[: _LENGTH_MAX - 1]}…"


def _masked(value: Any, *, key: str, depth: int) -> Any:
    if isinstance(value, dict | list) and depth >= _DEPTH_MAX:
        return "…"
    if isinstance(value, dict):
        return {
            _shown_name(str(name)): _masked(item, key=str(name), depth=depth + 1)
            for name, item in list(value.items())[:_ITEMS_MAX]
        }
    if isinstance(value, list):
        return [_masked(item, key=key, depth=depth + 1) for item in value[:_ITEMS_MAX]]
    if isinstance(value, str) and value[:1] in ("{", "["):  # a document inside a document, as events carry it
        try:
            return _masked(json.loads(value), key=key, depth=depth + 1)
        except ValueError:
            return f"({len(value)} characters)"
    return value if value is None or isinstance(value, bool) else _scalar(value, key)


def _scalar(value: Any, key: str) -> Any:
    text = str(value)
    if key in SHOWN_KEYS and _HARMLESS.fullmatch(text) and not _PHONE_OR_CARD.search(text):
        return value
    return f"({len(text)} characters)" if isinstance(value, str) else "(number)"


def _shown_name(name: str) -> str:
    """A key is a name of ours, or it is data that somebody used as a key."""
    return name if re.fullmatch(r"[A-Za-z_-]{1,40}", name) else "(key)"
