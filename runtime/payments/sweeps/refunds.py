"""Refunds whose outcome is not known: the gateway is asked for all of a payment's refunds, then concluded.

Fetch before retry: a request is sent again only when the gateway's whole list does not show its receipt, and
under the same idempotency key. So it goes out once, whatever died on the way, and a refund that was decided
on does go out.
"""

from dataclasses import dataclass

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.payments.refunds.rules import open_requests
from runtime.payments.returns.desk import PAGE_MAX, RefundDesk, RefundOrder
from runtime.payments.returns.model import Returns
from runtime.payments.sweeps.merging import Merger
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.errors import Problem


@dataclass(frozen=True, slots=True)
class RefundLook:
    """Looks at the returns of one gateway payment."""

    merger: Merger
    gateway: RazorpayClient

    def look(self, returns: Returns, request_id: str) -> Returns:
        """The returns after all that the gateway says of them. Raises GatewayError."""
        gateway_payment_id = returns.book.gateway_payment_id
        found = self._list(gateway_payment_id)
        after = self.merger.merge_refunds(returns.payment_id, gateway_payment_id, found, request_id)
        if after is None:
            raise LookupError("a payment that has returns is never removed")
        shown = {refund.receipt for refund in found}
        for request in open_requests(after.book):
            if request.request_id not in shown:
                after = self._ask_again(after, request.request_id, request.amount_paise, request_id)
        return after

    def _list(self, gateway_payment_id: str) -> list[GatewayRefund]:
        found: list[GatewayRefund] = []
        while True:
            page = self.gateway.list_payment_refunds(gateway_payment_id, skip=len(found), count=PAGE_MAX)
            found.extend(page.items)
            if page.is_last:
                return found

    def _ask_again(self, returns: Returns, refund_id: str, amount_paise: int, request_id: str) -> Returns:
        merger = self.merger
        terms = returns.terms.get(refund_id)
        if terms is None:
            merger.logger.error("a refund is held of which nobody knows the terms", refund_id=refund_id)
            return returns
        order = RefundOrder(
            refund_id=refund_id,
            payment_id=returns.payment_id,
            gateway_payment_id=returns.book.gateway_payment_id,
            amount_paise=amount_paise,
            terms=terms,
            line=AuditLine(
                actor_id=merger.actor,
                action="refunds.sweep",
                subject=returns.payment_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                school_id=returns.school_id,
                details={"refund_id": refund_id, "amount_paise": amount_paise},
            ),
        )
        desk = RefundDesk(merger.recorder, self.gateway, merger.clock, merger.logger)
        try:
            return desk.ask(order, perhaps_asked=True, also=lambda _returns, _problem: ())
        except Problem as refused:  # its amount is free again
            merger.logger.warning("a refund was refused", refund_id=refund_id, code=refused.kind.code)
            found = merger.recorder.repository.returns.get(returns.payment_id, order.gateway_payment_id)
            return found or returns
