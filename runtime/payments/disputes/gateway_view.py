"""What Razorpay says of a dispute, in the terms of this project: a pure translation."""

from runtime.gateways.razorpay.models import Dispute as GatewayDispute
from runtime.payments.disputes.model import Dispute, DisputeStatus
from runtime.payments.gateway_view import StatusNotKnown


def dispute_from(dispute: GatewayDispute, *, observed_at: int) -> Dispute:
    """The dispute that a gateway dispute is. Raises StatusNotKnown."""
    try:
        status = DisputeStatus(dispute.status)
    except ValueError:
        raise StatusNotKnown(f"dispute status {dispute.status[:40]!r}") from None
    return Dispute(
        dispute_id=dispute.id,
        gateway_payment_id=dispute.payment_id,
        amount_paise=dispute.amount,
        currency=dispute.currency,
        status=status,
        observed_at=observed_at,
        phase=dispute.phase,
        reason_code=dispute.reason_code,
        respond_by=dispute.respond_by,
        amount_deducted_paise=dispute.amount_deducted or 0,
    )
