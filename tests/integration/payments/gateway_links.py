"""The payment links of a Razorpay account in memory."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runtime.gateways.transport import HttpRequest
from runtime.platform.clock import Clock

OPERATIONS = frozenset(
    {"create_payment_link", "find_payment_link", "get_payment_link", "cancel_payment_link"}
)
KNOWN_ALREADY = {
    "error": {
        "code": "BAD_REQUEST_ERROR",
        "description": "payment link creation with reference ID already attempted",
        "field": "reference_id",
    }
}
NOT_CANCELLABLE = {
    "error": {
        "code": "BAD_REQUEST_ERROR",
        "description": "cannot cancel or expire an already paid/partially paid link",
    }
}


class FakeLinks:
    """What Razorpay does with payment links: one per reference, cancelled only while nothing was paid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.all: list[dict[str, Any]] = []

    def apply(self, request: HttpRequest) -> tuple[int, dict[str, Any]]:
        """The status and the body of the answer."""
        parts = urlsplit(request.target)
        if request.operation == "create_payment_link":
            return self._create(json.loads(request.body or b"{}"))
        if request.operation == "find_payment_link":
            reference = parse_qs(parts.query)["reference_id"][0]
            return 200, {"payment_links": [link for link in self.all if link["reference_id"] == reference]}
        link_id = parts.path.removesuffix("/cancel").rpartition("/")[2]
        (link,) = [link for link in self.all if link["id"] == link_id]
        if request.operation == "cancel_payment_link":
            if link["status"] != "created":
                return 400, NOT_CANCELLABLE
            link["status"] = "cancelled"
        return 200, link

    def _create(self, fields: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if any(link["reference_id"] == fields["reference_id"] for link in self.all):
            return 400, KNOWN_ALREADY
        number = len(self.all)
        link = fields | {
            "id": f"plink_{number:014d}",
            "status": "created",
            "amount_paid": 0,
            "short_url": f"https://rzp.io/rzp/{number:08d}",
            "created_at": int(self._clock.now().timestamp()),
        }
        self.all.append(link)
        return 200, link


def link_entity(link: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A link as an event describes it."""
    return {**link, "order_id": f"order_L{link['id'].removeprefix('plink_')[1:]}"} | changes


def link_body(
    event: str,
    link: dict[str, Any],
    payment: dict[str, Any] | None = None,
    *,
    created_at: int = 1_775_025_000,
) -> bytes:
    """An event about a link, and the payment that it brings, as Razorpay sends it."""
    payload: dict[str, Any] = {"payment_link": {"entity": link}}
    if payment is not None:
        order = {
            "id": payment["order_id"],
            "entity": "order",
            "amount": link["amount"],
            "currency": "INR",
            "receipt": link["reference_id"],
            "status": "attempted",
            "created_at": created_at,
        }
        payload |= {"order": {"entity": order}, "payment": {"entity": payment}}
    return json.dumps(
        {
            "entity": "event",
            "account_id": "acc_SandboxHasivu0",
            "event": event,
            "contains": list(payload),
            "payload": payload,
            "created_at": created_at,
        }
    ).encode()
