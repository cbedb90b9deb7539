"""Webhook bodies: one or many statuses in the documented envelope, and their signature."""

import hashlib
import hmac
from typing import Any

from checks.sandbox.whatsapp.config import SimulatorConfig

Record = dict[str, Any]

STATUSES_PER_CHANGE = 2
CHANGES_PER_ENTRY = 2


def envelope(events: list[Record], *, config: SimulatorConfig, phone_number_id: str) -> Record:
    """Many statuses are spread over several changes and entries, as Meta may do."""
    metadata = {"display_phone_number": config.display_phone_number, "phone_number_id": phone_number_id}
    changes = [
        {
            "field": "messages",
            "value": {
                "messaging_product": "whatsapp",
                "metadata": metadata,
                "statuses": [_status(event) for event in part],
            },
        }
        for part in _parts(events, STATUSES_PER_CHANGE)
    ]
    entries = [{"id": config.account_id, "changes": part} for part in _parts(changes, CHANGES_PER_ENTRY)]
    return {"object": "whatsapp_business_account", "entry": entries}


def signature(body: bytes, app_secret: str) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(app_secret.encode(), body, hashlib.sha256).hexdigest()


def _status(event: Record) -> Record:
    status: Record = {
        "id": event["message_id"],
        "status": event["status"],
        "timestamp": str(int(event["at"])),
        "recipient_id": event["recipient_id"],
    }
    if event["reference"] is not None:
        status["biz_opaque_callback_data"] = event["reference"]
    if event["errors"]:
        status["errors"] = event["errors"]
    elif event["status"] in ("sent", "delivered"):
        status["pricing"] = {"billable": True, "pricing_model": "PMP", "category": "utility"}
    return status


def _parts(items: list[Record], size: int) -> list[list[Record]]:
    return [items[start : start + size] for start in range(0, len(items), size)]
