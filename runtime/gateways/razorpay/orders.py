"""Orders, and the one guarantee Razorpay does not give: one receipt, one order."""

from collections.abc import Mapping
from typing import Final

from runtime.gateways.deadline import Deadline
from runtime.gateways.errors import ErrorDetail, GatewayError, GatewayOutcomeUnknown, GatewayRejected
from runtime.gateways.razorpay import requests
from runtime.gateways.razorpay.api import GATEWAY, Page, RazorpayApi
from runtime.gateways.razorpay.models import Order, Payment
from runtime.gateways.razorpay.requests import AMOUNT_MIN_PAISE, CaptureOptions, MandateTerms, NoticeTerms

RECEIPT_PAGES_MAX: Final = 5
"""Pages of 100 orders read for one receipt. More than a handful of orders with one receipt is a fault."""

CREATE_SHARE: Final = 0.6
"""The share of the time left that a creation may use; the rest is for finding out what became of it."""


class Orders(RazorpayApi):
    """``/v1/orders``."""

    def create_order(
        self,
        *,
        amount_paise: int,
        currency: str,
        receipt: str,
        notes: Mapping[str, str] | None = None,
        capture: CaptureOptions | None = None,
        mandate: MandateTerms | None = None,
        notice: NoticeTerms | None = None,
        deadline: Deadline | None = None,
    ) -> Order:
        """A new order of ``amount_paise`` >= 100 (or what the ``mandate`` that it registers allows);
        with a ``notice`` it announces a debit.

        Two calls make two orders: see :meth:`create_order_once`.

        Raises ValueError before the call for what Razorpay would refuse, and GatewayError.
        """
        least_paise = AMOUNT_MIN_PAISE if mandate is None else mandate.order_min_paise
        fields = {
            "amount": requests.amount(amount_paise, at_least_paise=least_paise),
            "currency": requests.currency_code(currency),
            "receipt": requests.receipt_text(receipt),
            "notes": requests.notes_object(notes),
            "payment": capture.as_fields() if capture is not None else None,
            **(mandate.as_fields() if mandate is not None else {}),
            **(notice.as_fields() if notice is not None else {}),
        }
        return self._write(Order, "create_order", "/v1/orders", fields, deadline=deadline)

    def create_order_once(
        self,
        *,
        amount_paise: int,
        currency: str,
        receipt: str,
        notes: Mapping[str, str] | None = None,
        capture: CaptureOptions | None = None,
        mandate: MandateTerms | None = None,
        notice: NoticeTerms | None = None,
        receipt_is_new: bool = False,
    ) -> Order:
        """The order of ``receipt``, created if there is none: fetch before retry.

        Razorpay takes no idempotency key for orders, so the receipt is the key. It is looked up before
        anything is created (``receipt_is_new`` spares that to a caller whose own records prove that the
        receipt was never sent) and again when the outcome of the creation is unknown.

        Raises GatewayOutcomeUnknown where even the second look did not find the order: it may still
        come into being, so nothing is created a second time here. Call again later; the look that
        comes first then finds it. Raises GatewayRejected (status None, code ``RECEIPT_CONFLICT``) where
        the receipt belongs to an order of another amount or currency.
        """
        whole = self._deadline()
        if not receipt_is_new:
            found = self.find_order_by_receipt(receipt, deadline=whole)
            if found is not None:
                return _same_order(found, amount_paise, currency)
        try:
            return self.create_order(
                amount_paise=amount_paise,
                currency=currency,
                receipt=receipt,
                notes=notes,
                capture=capture,
                mandate=mandate,
                notice=notice,
                deadline=whole.part(CREATE_SHARE),
            )
        except GatewayOutcomeUnknown as unknown:
            found = self._found_after(unknown, receipt, whole)
            return _same_order(found, amount_paise, currency)

    def find_order_by_receipt(self, receipt: str, *, deadline: Deadline | None = None) -> Order | None:
        """The order with exactly this receipt, or None.

        Where there are several (a creation that was thought lost arrived late), the earliest wins, by
        ``created_at`` and then ``id``. Every look by everyone gives the same one, and it is the one that
        a look made in between has already given to a payer; a later order stays unpaid and harmless.
        """
        deadline = deadline or self._deadline()
        query = (("receipt", requests.receipt_text(receipt)),)
        matching: list[Order] = []
        for number in range(RECEIPT_PAGES_MAX):
            page = self._list(
                Order, "find_order_by_receipt", "/v1/orders", query, skip=number * 100, deadline=deadline
            )
            matching += [order for order in page.items if order.receipt == receipt]
            if page.is_last:
                break
        return min(matching, key=lambda order: (order.created_at or 0, order.id), default=None)

    def get_order(self, order_id: str) -> Order:
        """One order."""
        return self._get(Order, "get_order", f"/v1/orders/{requests.identifier(order_id)}")

    def list_orders(self, *, skip: int = 0, count: int = 100) -> Page[Order]:
        """Orders, the newest first; ``count`` is at most 100."""
        return self._list(Order, "list_orders", "/v1/orders", skip=skip, count=count)

    def list_order_payments(self, order_id: str) -> tuple[Payment, ...]:
        """Every attempt to pay one order, failed ones too."""
        path = f"/v1/orders/{requests.identifier(order_id)}/payments"
        return self._all(Payment, "list_order_payments", path)

    def _found_after(self, unknown: GatewayOutcomeUnknown, receipt: str, deadline: Deadline) -> Order:
        """The order that a creation of unknown outcome made. Raises that very error where none is seen."""
        try:
            found = self.find_order_by_receipt(receipt, deadline=deadline)
        except GatewayError:
            raise unknown from None
        if found is None:
            raise unknown
        return found


def _same_order(found: Order, amount_paise: int, currency: str) -> Order:
    if (found.amount, found.currency) == (amount_paise, currency):
        return found
    raise GatewayRejected(
        gateway=GATEWAY,
        operation="create_order",
        status=None,
        detail=ErrorDetail(
            code="RECEIPT_CONFLICT",
            description="the receipt belongs to an order of another amount or currency",
            field="receipt",
        ),
    )
