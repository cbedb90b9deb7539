"""Payments, captures, recurring debits and refunds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from runtime.gateways.razorpay import requests
from runtime.gateways.razorpay.api import Page, RazorpayApi
from runtime.gateways.razorpay.models import Payment, RecurringPayment, Refund

REFUND_IDEMPOTENCY_HEADER: Final = "X-Refund-Idempotency"


class Payments(RazorpayApi):
    """``/v1/payments`` and ``/v1/refunds``."""

    def get_payment(self, payment_id: str) -> Payment:
        """One payment, as it is now."""
        return self._get(Payment, "get_payment", f"/v1/payments/{requests.identifier(payment_id)}")

    def list_payments(
        self,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        skip: int = 0,
        count: int = 100,
    ) -> Page[Payment]:
        """Payments created between the two moments, the newest first; ``count`` is at most 100."""
        query = requests.period(since, until)
        return self._list(Payment, "list_payments", "/v1/payments", query, skip=skip, count=count)

    def capture_payment(self, payment_id: str, *, amount_paise: int, currency: str) -> Payment:
        """Take the money of an authorised payment: the full authorised amount, never a part of it.

        A second capture is refused by Razorpay (GatewayRejected); after an unknown outcome fetch the
        payment and look at its status.
        """
        fields = {
            "amount": requests.amount(amount_paise, at_least_paise=1),
            "currency": requests.currency_code(currency),
        }
        path = f"/v1/payments/{requests.identifier(payment_id)}/capture"
        return self._write(Payment, "capture_payment", path, fields)

    def create_recurring_payment(
        self,
        *,
        email: str,
        contact: str,
        amount_paise: int,
        currency: str,
        order_id: str,
        customer_id: str,
        token_id: str,
        description: str,
        notes: Mapping[str, str] | None = None,
    ) -> RecurringPayment:
        """Debit a mandate for an order. The answer is a receipt; the result comes by webhook or sweep.

        There is no idempotency: after an unknown outcome look at the order's payments.
        """
        if len(description) > requests.DESCRIPTION_LENGTH_MAX:
            raise ValueError(f"a description has at most {requests.DESCRIPTION_LENGTH_MAX} characters")
        fields = {
            "email": email,
            "contact": contact,
            "amount": requests.amount(amount_paise),
            "currency": requests.currency_code(currency),
            "order_id": requests.identifier(order_id),
            "customer_id": requests.identifier(customer_id),
            "token": requests.identifier(token_id),
            "recurring": True,
            "description": description,
            "notes": requests.notes_object(notes),
        }
        return self._write(
            RecurringPayment, "create_recurring_payment", "/v1/payments/create/recurring", fields
        )

    def create_refund(
        self,
        payment_id: str,
        *,
        amount_paise: int,
        idempotency_key: str,
        speed: Literal["normal", "optimum"] = "normal",
        receipt: str | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> Refund:
        """Give back ``amount_paise`` >= 1 of a captured payment, once per ``idempotency_key``.

        The key has 10 to 64 letters, digits, hyphens or underscores; keep it before the call. The same
        key with another body is refused. After an unknown outcome repeat with the same key.
        """
        fields = {
            "amount": requests.amount(amount_paise, at_least_paise=1),
            "speed": speed,
            "receipt": requests.receipt_text(receipt) if receipt is not None else None,
            "notes": requests.notes_object(notes),
        }
        return self._write(
            Refund,
            "create_refund",
            f"/v1/payments/{requests.identifier(payment_id)}/refund",
            fields,
            idempotency=(REFUND_IDEMPOTENCY_HEADER, requests.refund_key(idempotency_key)),
        )

    def get_refund(self, refund_id: str) -> Refund:
        """One refund, as it is now."""
        return self._get(Refund, "get_refund", f"/v1/refunds/{requests.identifier(refund_id)}")

    def list_payment_refunds(self, payment_id: str, *, skip: int = 0, count: int = 100) -> Page[Refund]:
        """The refunds of one payment; ``count`` is at most 100."""
        path = f"/v1/payments/{requests.identifier(payment_id)}/refunds"
        return self._list(Refund, "list_payment_refunds", path, skip=skip, count=count)
