"""What Razorpay says of a refund, in the terms of this project: a pure translation."""

from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.payments.gateway_view import StatusNotKnown, base_paise
from runtime.payments.refunds.model import Refund, RefundStatus
from runtime.platform.ids import is_id

REQUEST_PREFIX = "rfd"
"""Our refunds are ``rfd_`` and a ULID; it is the refund's ``receipt`` at the gateway."""


def refund_from(refund: GatewayRefund, *, observed_at: int, request_id: str | None = None) -> Refund:
    """The refund that a gateway refund is. Raises StatusNotKnown.

    ``request_id`` is given where the word is the answer to our own call; else the receipt tells, if it is one
    of ours. A bank names a refund by ARN for cards, by RRN for UPI, by UTR for netbanking.
    """
    try:
        status = RefundStatus(refund.status or "")
    except ValueError:
        raise StatusNotKnown(f"refund status {(refund.status or '')[:40]!r}") from None
    receipt = refund.receipt if refund.receipt and is_id(refund.receipt, REQUEST_PREFIX) else None
    acquirer = refund.acquirer_data
    return Refund(
        gateway_refund_id=refund.id,
        amount_paise=refund.amount,
        currency=refund.currency,
        status=status,
        observed_at=observed_at,
        request_id=request_id or receipt,
        speed_requested=refund.speed_requested,
        speed_processed=refund.speed_processed,
        arn=acquirer.arn or acquirer.rrn or acquirer.utr,
        was_failed=status is RefundStatus.FAILED,
        base_amount_paise=base_paise(refund),
    )
