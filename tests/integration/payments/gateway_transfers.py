"""Transfers of captured payments at the gateway in memory, by Razorpay's documented rules."""

import json
from typing import Any
from urllib.parse import urlsplit

from runtime.gateways.transport import HttpRequest
from runtime.platform.clock import Clock

OPERATIONS = frozenset(
    {
        *("create_payment_transfer", "list_payment_transfers", "get_transfer"),
        *("create_reversal", "list_reversals", "release_transfer"),
    }
)
TOO_MUCH = "The sum of amount requested for transfer is greater than the captured amount"


class FakeTransfers:
    """The transfers of an account. ``status`` is what a new one begins with; ``instead`` names accounts whose
    transfers are refused, with the gateway's words."""

    def __init__(self, clock: Clock, payments: dict[str, dict[str, Any]]) -> None:
        self._clock = clock
        self._payments = payments
        self.made: dict[str, dict[str, Any]] = {}
        self.reversals: list[dict[str, Any]] = []
        self.status = "processed"
        self.instead: dict[str, str] = {}

    def apply(self, request: HttpRequest) -> tuple[int, dict[str, Any]]:
        path = urlsplit(request.target).path.split("/")
        body = json.loads(request.body or b"{}")
        match request.operation:
            case "create_payment_transfer":
                return self._create(path[3], body["transfers"][0])
            case "list_payment_transfers":
                mine = [each for each in self.made.values() if each["source"] == path[3]]
                return 200, {"entity": "collection", "count": len(mine), "items": mine[::-1]}
            case "create_reversal":
                return self._reverse(self.made[path[3]], body["amount"])
            case "list_reversals":
                mine = [each for each in self.reversals if each["transfer_id"] == path[3]]
                return 200, {"entity": "collection", "count": len(mine), "items": mine[::-1]}
            case "release_transfer":
                self.made[path[3]] |= {"on_hold": body["on_hold"], "on_hold_until": None}
                return 200, self.made[path[3]]
            case _:
                return 200, self.made[path[3]]

    def of(self, account_id: str) -> list[dict[str, Any]]:
        """The transfers to an account, the oldest first."""
        return [each for each in self.made.values() if each["recipient"] == account_id]

    def come_to(self, account_id: str) -> int:
        """What an account has, in paise."""
        return sum(
            each["amount"] - each["amount_reversed"]
            for each in self.of(account_id)
            if each["status"] != "failed"
        )

    def fail(self, transfer_id: str) -> dict[str, Any]:
        """The linked account could not be credited."""
        error = {"code": "BAD_REQUEST_ERROR", "description": "It failed.", "reason": "transfer_failed"}
        self.made[transfer_id] |= {"status": "failed", "error": error}
        return self.made[transfer_id]

    def take_back(self, transfer_id: str, amount: int) -> dict[str, Any]:
        """Somebody reverses a part of a transfer in the dashboard."""
        status, _ = self._reverse(self.made[transfer_id], amount)
        assert status == 200
        return self.made[transfer_id]

    def process(self, transfer_id: str) -> dict[str, Any]:
        """The linked account was credited, and the fee is known."""
        self.made[transfer_id] |= {"status": "processed", **_fee(self.made[transfer_id]["amount"])}
        return self.made[transfer_id]

    def _create(self, payment_id: str, wanted: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if wanted["account"] in self.instead:
            return _refused(self.instead[wanted["account"]])
        if wanted["amount"] < 100:
            return _refused("The transfers.0.amount must be at least 100.")
        payment = self._payments[payment_id]
        live = sum(
            each["amount"] - each["amount_reversed"]
            for each in self.made.values()
            if each["source"] == payment_id and each["status"] != "failed"
        )
        if live + wanted["amount"] > payment["amount"] - payment["amount_refunded"]:
            return _refused(TOO_MUCH)
        transfer_id = f"trf_{len(self.made):014d}"
        self.made[transfer_id] = {
            "id": transfer_id,
            "entity": "transfer",
            "status": self.status,
            "source": payment_id,
            "recipient": wanted["account"],
            "amount": wanted["amount"],
            "currency": wanted["currency"],
            "amount_reversed": 0,
            "notes": wanted["notes"],
            "on_hold": wanted["on_hold"],
            "on_hold_until": wanted.get("on_hold_until"),
            "recipient_settlement_id": None,
            "created_at": int(self._clock.now().timestamp()),
            "error": {"code": None, "description": None, "reason": None, "id": transfer_id},
            **(_fee(wanted["amount"]) if self.status == "processed" else {}),
        }
        return 200, {"entity": "collection", "count": 1, "items": [self.made[transfer_id]]}

    def _reverse(self, transfer: dict[str, Any], amount: int) -> tuple[int, dict[str, Any]]:
        left = transfer["amount"] - transfer["amount_reversed"]
        if transfer["status"] not in ("processed", "partially_reversed"):
            return _refused("The transfer cannot be reversed in its present status")
        if amount > left:
            return _refused("The amount requested for reversal is greater than the transfer amount")
        transfer["amount_reversed"] += amount
        transfer["status"] = "reversed" if amount == left else "partially_reversed"
        reversal = {
            "id": f"rvrsl_{len(self.reversals):014d}",
            "entity": "reversal",
            "transfer_id": transfer["id"],
            "amount": amount,
            "currency": transfer["currency"],
            "notes": [],
            "created_at": int(self._clock.now().timestamp()),
        }
        self.reversals.append(reversal)
        return 200, reversal


def _fee(amount: int) -> dict[str, int]:
    """A quarter of a per cent, and GST on it."""
    fee = amount // 400
    tax = fee * 18 // 100
    return {"fees": fee + tax, "tax": tax}


def _refused(description: str) -> tuple[int, dict[str, Any]]:
    return 400, {"error": {"code": "BAD_REQUEST_ERROR", "description": description}}
