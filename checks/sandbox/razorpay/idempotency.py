"""Idempotency where Razorpay has it: refunds and direct transfers. Nowhere else.

The same key with the same request answers with the first answer again; with another body it is refused
with 400; while the first request is still at work, with 409. Only successes are remembered.
"""

import hashlib
import json
import re
from dataclasses import dataclass

from checks.sandbox.razorpay.errors import not_applicable
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.records import Record

OTHER_REQUEST = "Different request with the same idempotency key has already been processed."
IN_FLIGHT = "Another request with the same idempotency key is still in progress."


@dataclass(frozen=True)
class KeyRule:
    """The header and what a key may look like."""

    header: str
    shortest: int
    longest: int
    allowed: re.Pattern[str]
    allowed_text: str

    def check(self, key: str) -> None:
        if len(key) < self.shortest:
            raise not_applicable(
                f"The idempotency key must be at least {self.shortest} characters long.", status=400
            )
        if len(key) > self.longest:
            raise not_applicable(
                f"The idempotency key may not be greater than {self.longest} characters.", status=400
            )
        if not self.allowed.fullmatch(key):
            raise not_applicable(f"The idempotency key must only contain {self.allowed_text}", status=400)


REFUND_RULE = KeyRule(
    "X-Refund-Idempotency",
    10,
    255,
    re.compile(r"[A-Za-z0-9_-]+"),
    "alphanumeric characters, underscores, and hyphens",
)
TRANSFER_RULE = KeyRule(
    "X-Transfer-Idempotency",
    4,
    36,
    re.compile(r"[A-Za-z0-9_ -]+"),
    "alphanumeric characters, underscores, hyphens, and spaces",
)


def fingerprint(path: str, body: Record) -> str:
    """The request as far as it matters: where it went and what it said."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(f"{path}\n{canonical}".encode()).hexdigest()


def claim(gw: Gateway, rule: KeyRule, key: str, print_: str) -> str | None:
    """Reserves the key for this request; the earlier answer if there is one. ApiError 400 or 409."""
    rule.check(key)
    slot = f"{rule.header}:{key}"
    known = gw.idempotency.get(slot)
    if known is None:
        _make_room(gw)
        gw.idempotency[slot] = {"fingerprint": print_, "answer": None}
        return None
    if known["fingerprint"] != print_:
        raise not_applicable(OTHER_REQUEST, status=400)
    if known["answer"] is None:
        raise not_applicable(IN_FLIGHT, status=409)
    return str(known["answer"])


def _make_room(gw: Gateway) -> None:
    """Forgets the oldest answered key once there are too many."""
    if len(gw.idempotency) >= gw.config.limits.idempotency_keys:
        answered = (slot for slot, known in gw.idempotency.items() if known["answer"] is not None)
        gw.idempotency.pop(next(answered, ""), None)


def conclude(gw: Gateway, rule: KeyRule, key: str, answer: str | None) -> None:
    """Remembers the answer, or frees the key when the request was refused."""
    slot = f"{rule.header}:{key}"
    if answer is None:
        gw.idempotency.pop(slot, None)
    elif slot in gw.idempotency:
        gw.idempotency[slot]["answer"] = answer


def forget_in_flight(gw: Gateway) -> None:
    """After a restart nothing is at work any more."""
    for slot in [slot for slot, known in gw.idempotency.items() if known["answer"] is None]:
        del gw.idempotency[slot]
