"""Route: shares paid on to linked accounts, and taken back."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from runtime.gateways.razorpay import requests
from runtime.gateways.razorpay.api import RazorpayApi
from runtime.gateways.razorpay.models import Reversal, Transfer, TransfersMade

TRANSFER_IDEMPOTENCY_HEADER: Final = "X-Transfer-Idempotency"


class Transfers(RazorpayApi):
    """``/v1/transfers``."""

    def create_transfer(
        self,
        *,
        account_id: str,
        amount_paise: int,
        currency: str,
        idempotency_key: str,
        notes: Mapping[str, str] | None = None,
        on_hold_until: datetime | None = None,
    ) -> Transfer:
        """Pay ``amount_paise`` >= 100 from our balance to a linked account, once per ``idempotency_key``.

        The key has 4 to 36 letters, digits, hyphens, underscores or spaces. It holds for these direct
        transfers only. After an unknown outcome repeat with the same key.
        """
        if on_hold_until is not None and on_hold_until.tzinfo is None:
            raise ValueError("a hold needs a timezone-aware moment")
        fields = {
            "account": requests.identifier(account_id),
            "amount": requests.amount(amount_paise),
            "currency": requests.currency_code(currency),
            "notes": requests.notes_object(notes),
            "on_hold": True if on_hold_until is not None else None,
            "on_hold_until": int(on_hold_until.timestamp()) if on_hold_until is not None else None,
        }
        return self._write(
            Transfer,
            "create_transfer",
            "/v1/transfers",
            fields,
            idempotency=(TRANSFER_IDEMPOTENCY_HEADER, requests.transfer_key(idempotency_key)),
        )

    def create_payment_transfer(
        self,
        payment_id: str,
        *,
        account_id: str,
        amount_paise: int,
        currency: str,
        notes: Mapping[str, str] | None = None,
        on_hold: bool = False,
        on_hold_until: int | None = None,
    ) -> Transfer:
        """Pay ``amount_paise`` >= 100 of a captured payment to a linked account.

        ``on_hold`` without ``on_hold_until`` (unix seconds) holds it back until it is released by hand. There
        is no idempotency: after an unknown outcome fetch the payment's transfers before any repeat. Raises
        GatewayOutcomeUnknown too where the answer does not hold the one transfer that was asked for.
        """
        wanted = {
            "account": requests.identifier(account_id),
            "amount": requests.amount(amount_paise),
            "currency": requests.currency_code(currency),
            "notes": requests.notes_object(notes),
            "on_hold": on_hold or on_hold_until is not None,
            "on_hold_until": on_hold_until,
        }
        fields = {"transfers": [{name: value for name, value in wanted.items() if value is not None}]}
        path = f"/v1/payments/{requests.identifier(payment_id)}/transfers"
        return self._write(TransfersMade, "create_payment_transfer", path, fields).items[0]

    def release_transfer(self, transfer_id: str) -> Transfer:
        """End the hold of a transfer; a repetition finds it ended."""
        path = f"/v1/transfers/{requests.identifier(transfer_id)}"
        return self._write(Transfer, "release_transfer", path, {"on_hold": False}, method="PATCH")

    def get_transfer(self, transfer_id: str) -> Transfer:
        """One transfer, as it is now."""
        return self._get(Transfer, "get_transfer", f"/v1/transfers/{requests.identifier(transfer_id)}")

    def list_payment_transfers(self, payment_id: str) -> tuple[Transfer, ...]:
        """The shares into which one payment was split."""
        path = f"/v1/payments/{requests.identifier(payment_id)}/transfers"
        return self._all(Transfer, "list_payment_transfers", path)

    def create_reversal(
        self, transfer_id: str, *, amount_paise: int, notes: Mapping[str, str] | None = None
    ) -> Reversal:
        """Take ``amount_paise`` >= 100 of a transfer back.

        There is no idempotency: after an unknown outcome fetch the transfer and compare
        ``amount_reversed``.
        """
        fields = {"amount": requests.amount(amount_paise), "notes": requests.notes_object(notes)}
        path = f"/v1/transfers/{requests.identifier(transfer_id)}/reversals"
        return self._write(Reversal, "create_reversal", path, fields)

    def list_reversals(self, transfer_id: str) -> tuple[Reversal, ...]:
        """The reversals of one transfer."""
        path = f"/v1/transfers/{requests.identifier(transfer_id)}/reversals"
        return self._all(Reversal, "list_reversals", path)
