"""Payment links, and the one guarantee Razorpay does not give: one reference, one link."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from runtime.gateways.deadline import Deadline
from runtime.gateways.errors import ErrorDetail, GatewayError, GatewayOutcomeUnknown, GatewayRejected
from runtime.gateways.razorpay import requests
from runtime.gateways.razorpay.api import GATEWAY, Answer, RazorpayApi
from runtime.gateways.razorpay.models import PaymentLink
from runtime.gateways.transport import HttpRequest

CREATE_SHARE: Final = 0.6
"""The share of the time left that a creation may use; the rest is for finding out what became of it."""


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
        accept_partial: bool = False,
        first_min_partial_amount_paise: int | None = None,
        expire_by: datetime | None = None,
        callback_url: str | None = None,
        notes: Mapping[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> PaymentLink:
        """A link over ``amount_paise`` >= 100; in parts if ``accept_partial`` or a first minimum is given.

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
            "accept_partial": accept_partial or first_paise is not None,
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
        return self._write(PaymentLink, "create_payment_link", "/v1/payment_links", fields, deadline=deadline)

    def create_payment_link_once(
        self,
        *,
        amount_paise: int,
        currency: str,
        reference_id: str,
        description: str,
        accept_partial: bool = False,
        first_min_partial_amount_paise: int | None = None,
        expire_by: datetime | None = None,
        callback_url: str | None = None,
        reference_is_new: bool = False,
    ) -> PaymentLink:
        """The link of ``reference_id``, created if there is none: fetch before retry.

        ``reference_is_new`` spares the first look to a caller whose own records prove that the reference was
        never sent. Razorpay refuses a second link under one reference, so a creation that was thought lost
        and arrives late cannot make another; that refusal is answered with the link that is there.

        Raises GatewayOutcomeUnknown where even the second look did not find the link, and GatewayRejected
        (status None, code ``REFERENCE_CONFLICT``) where the reference belongs to a link over another amount.
        """
        whole = self._deadline()
        found = None if reference_is_new else self.find_payment_link(reference_id, deadline=whole)
        if found is not None:
            return _same_link(found, amount_paise, currency)
        try:
            return self.create_payment_link(
                amount_paise=amount_paise,
                currency=currency,
                reference_id=reference_id,
                description=description,
                accept_partial=accept_partial,
                first_min_partial_amount_paise=first_min_partial_amount_paise,
                expire_by=expire_by,
                callback_url=callback_url,
                deadline=whole.part(CREATE_SHARE),
            )
        except (GatewayOutcomeUnknown, GatewayRejected) as error:
            if isinstance(error, GatewayRejected) and error.detail.field != "reference_id":
                raise
            found = self._link_after(error, reference_id, whole)
            return _same_link(found, amount_paise, currency)

    def find_payment_link(self, reference_id: str, *, deadline: Deadline | None = None) -> PaymentLink | None:
        """The link with exactly this reference, or None."""
        query = (("reference_id", requests.receipt_text(reference_id)),)
        request = HttpRequest("find_payment_link", "GET", "/v1/payment_links", False, query, self._headers())
        found = self._call(_links, request, deadline or self._deadline())
        matching = (link for link in found if link.reference_id == reference_id)
        return min(matching, key=lambda link: (link.created_at or 0, link.id), default=None)

    def get_payment_link(self, payment_link_id: str) -> PaymentLink:
        """One link, as it is now."""
        path = f"/v1/payment_links/{requests.identifier(payment_link_id)}"
        return self._get(PaymentLink, "get_payment_link", path)

    def cancel_payment_link(self, payment_link_id: str) -> PaymentLink:
        """Take a link back. One that is paid already, in whole or part, is refused (GatewayRejected)."""
        path = f"/v1/payment_links/{requests.identifier(payment_link_id)}/cancel"
        return self._write(PaymentLink, "cancel_payment_link", path, {})

    def _link_after(self, error: GatewayError, reference_id: str, deadline: Deadline) -> PaymentLink:
        """The link that a creation made after all. Raises that very error where none is seen."""
        try:
            found = self.find_payment_link(reference_id, deadline=deadline)
        except GatewayError:
            raise error from None
        if found is None:
            raise error
        return found


def _links(answer: Answer) -> tuple[PaymentLink, ...]:
    """The links of a list; Razorpay gives them under a name of their own, not as a collection."""
    items = answer.get("payment_links")
    if not isinstance(items, list):
        raise ValueError("a list of payment links has payment_links")
    return tuple(PaymentLink.model_validate(item) for item in items)


def _same_link(found: PaymentLink, amount_paise: int, currency: str) -> PaymentLink:
    if (found.amount, found.currency) == (amount_paise, currency):
        return found
    raise GatewayRejected(
        gateway=GATEWAY,
        operation="create_payment_link",
        status=None,
        detail=ErrorDetail(
            code="REFERENCE_CONFLICT",
            description="the reference belongs to a link over another amount or currency",
            field="reference_id",
        ),
    )
