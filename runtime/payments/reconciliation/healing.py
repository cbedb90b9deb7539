"""What the gateway's rows show and our books do not: the gateway is asked, and what it says is merged.

A payment that failed and was captured weeks later, a refund made in the dashboard, a dispute that was lost:
where their events never came, the rows tell that there is something to ask about. Merged as any event is, it
is booked once, and is expected from then on.
"""

from dataclasses import dataclass
from datetime import datetime

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayRejected
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Payment as GatewayPayment
from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.gateways.razorpay.requests import is_identifier
from runtime.payments.links.model import PaymentLink
from runtime.payments.model import Payment
from runtime.payments.recorder import PaymentChanged
from runtime.payments.sweeps.merging import Merger
from runtime.platform.clock import IST, business_date
from runtime.platform.currencies import BOOKS_CURRENCY
from runtime.platform.ids import is_id


@dataclass(frozen=True, slots=True)
class Debit:
    """What the gateway says of a payment that our books do not know: how and when the payer was debited."""

    method: str
    debited_on: str


@dataclass(frozen=True, slots=True)
class Healer:
    """Asks about entities by their identifiers. What it finds is in the books afterwards."""

    merger: Merger
    gateway: RazorpayClient
    logger: Logger

    def heal(self, entity_id: str, request_id: str, *, row_paise: int | None = None) -> Debit | None:
        """Ask about a payment, a refund or a dispute; gives the debit of a payment, ours or not.

        ``row_paise`` is the amount of its row, where that is in rupees. Of a refund in another currency the
        row is where the gateway tells what it took, if the refund itself does not say so.
        What the gateway does not know, or what never keeps still, stays as it is. Raises GatewayError where
        the gateway does not answer.
        """
        kind = entity_id.partition("_")[0] if is_identifier(entity_id) else ""
        try:
            if kind == "pay":
                found = self.gateway.get_payment(entity_id)
                self._payment(found, request_id)
                return _debit(found)
            if kind == "rfnd":
                refund = _in_rupees(self.gateway.get_refund(entity_id), row_paise)
                payment = self._payment(self.gateway.get_payment(refund.payment_id), request_id)
                if payment is not None:
                    self.merger.merge_refunds(payment.payment_id, refund.payment_id, [refund], request_id)
            if kind == "disp":
                dispute = self.gateway.get_dispute(entity_id)
                payment = self._payment(self.gateway.get_payment(dispute.payment_id), request_id)
                if payment is not None:
                    self.merger.merge_dispute(payment.payment_id, dispute, request_id)
        except (GatewayRejected, PaymentChanged) as error:
            self.logger.warning("a row stays unexplained", entity_id=entity_id, error=type(error).__name__)
        return None

    def _payment(self, found: GatewayPayment, request_id: str) -> Payment | None:
        """Our payment that an attempt pays, with the attempt merged; None where it is not ours."""
        if found.order_id is None:
            return None
        payment = self.merger.recorder.repository.get_by_order(found.order_id, found.id)
        if payment is not None:
            return self.merger.merge(payment, found, request_id)
        link = self._link(found.order_id)
        return None if link is None else self.merger.merge_part(link, found, request_id)

    def _link(self, order_id: str) -> PaymentLink | None:
        """The payment link behind an order: known by it, or by the order's receipt, which is our identifier.
        Of a link of which no event ever came nobody told the order."""
        links = self.merger.recorder.repository.links
        link = links.get_by_order(order_id)
        if link is not None or not is_identifier(order_id):
            return link
        try:
            receipt = self.gateway.get_order(order_id).receipt
        except GatewayRejected:
            return None
        return links.get(receipt) if receipt and is_id(receipt, "plk") else None


def _in_rupees(refund: GatewayRefund, row_paise: int | None) -> GatewayRefund:
    """``refund`` with what its row says it took, where it does not say so itself."""
    if refund.currency == BOOKS_CURRENCY or refund.base_amount is not None or row_paise is None:
        return refund
    return refund.model_copy(update={"base_amount": row_paise, "base_currency": BOOKS_CURRENCY})


def _debit(found: GatewayPayment) -> Debit | None:
    if found.created_at is None:
        return None
    debited_on = business_date(datetime.fromtimestamp(found.created_at, IST))
    return Debit(found.method or "", debited_on.isoformat())
