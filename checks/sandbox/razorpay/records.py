"""The shape in which the simulator keeps what the gateway knows.

An entity is a plain JSON object, exactly as the API shows it, plus private members whose names start with
an underscore (what the simulator must remember but Razorpay does not show). `notes` are kept as an object
and shown as `[]` when empty, as Razorpay does.
"""

import json
from collections.abc import Iterable
from typing import Any

Record = dict[str, Any]


def public(record: Record, *, without: Iterable[str] = ()) -> Record:
    """The entity as the API shows it: no private members, empty `notes` as `[]`."""
    hidden = frozenset(without)
    shown = {name: value for name, value in record.items() if not name.startswith("_") and name not in hidden}
    if "notes" in shown:
        shown["notes"] = shown["notes"] or []
    return shown


def collection(items: list[Record]) -> Record:
    """Razorpay's list shape."""
    return {"entity": "collection", "count": len(items), "items": items}


def compact_json(value: Any) -> str:
    """JSON as Razorpay writes it: compact, ASCII, slashes escaped.

    A receiver that verifies a signature over re-serialised JSON instead of the raw bytes fails on it, as
    it would in production.
    """
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True).replace("/", "\\/")
