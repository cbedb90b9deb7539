"""Payment links."""

from collections.abc import Mapping
from datetime import datetime

from runtime.gateways.razorpay import requests
from runtime.gateways.razorpay.api import RazorpayApi
from runtime.gateways.razorpay.models import PaymentLink


class PaymentLinks(RazorpayApi):
    """``/v1/payment_links``."""

    def create_payment_link(
        self,
        *,
        amount_paise: int,
        currency: str,
        reference_id: str,
        description: str,
        customer: Mapping[str, str] | None = None,
        first_min_partial_amount_paise: int | None = None,
        expire_by: datetime | None = None,
        callback_url: str | None = None,
        notes: Mapping[str, str] | None = None,
    ) -> PaymentLink:
        """A link over ``amount_paise`` >= 100; partial payments where a first minimum is given.

        ``reference_id`` (1 to 40 characters) is our unique reference. Razorpay sends neither SMS nor
        e-mail and no reminders: what parents hear is ours. ``callback_url`` is opened with GET.
        """
        if len(description) > requests.DESCRIPTION_LENGTH_MAX:
            raise ValueError(f"a description has at most {requests.DESCRIPTION_LENGTH_MAX} characters")
        if expire_by is not None and expire_by.tzinfo is None:
            raise ValueError("an expiry needs a timezone-aware moment")
        first_paise = first_min_partial_amount_paise
        if first_paise is not None and requests.amount(first_paise) > amount_paise:
            raise ValueError("the first part cannot be more than the whole")
        fields = {
            "amount": requests.amount(amount_paise),
            "currency": requests.currency_code(currency),
            "accept_partial": first_paise is not None,
            "first_min_partial_amount": first_paise,
            "reference_id": requests.receipt_text(reference_id),
            "description": description,
            "customer": dict(customer) if customer is not None else None,
            "notify": {"sms": False, "email": False},
            "reminder_enable": False,
            "expire_by": int(expire_by.timestamp()) if expire_by is not None else None,
            "callback_url": callback_url,
            "callback_method": "get" if callback_url is not None else None,
            "notes": requests.notes_object(notes),
        }
        return self._write(PaymentLink, "create_payment_link", "/v1/payment_links", fields)

    def get_payment_link(self, payment_link_id: str) -> PaymentLink:
        """One link, as it is now."""
        path = f"/v1/payment_links/{requests.identifier(payment_link_id)}"
        return self._get(PaymentLink, "get_payment_link", path)

    def cancel_payment_link(self, payment_link_id: str) -> PaymentLink:
        """Take a link back. One that is paid already is refused (GatewayRejected)."""
        path = f"/v1/payment_links/{requests.identifier(payment_link_id)}/cancel"
        return self._write(PaymentLink, "cancel_payment_link", path, {})
