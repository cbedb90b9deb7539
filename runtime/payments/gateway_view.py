"""What Razorpay says of a payment, in the terms of this project: a pure translation.

Only what may be kept is taken over: of a card its network, issuer and last four digits; of a UPI handle its
first letter; of the payer's e-mail and telephone nothing.
"""

from runtime.gateways.razorpay.models import Payment as GatewayPayment
from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.payments.model import Attempt, AttemptStatus
from runtime.payments.rules import mask_vpa
from runtime.platform.currencies import BOOKS_CURRENCY
from runtime.platform.telemetry import mask_text


class StatusNotKnown(ValueError):
    """The gateway uses a status that its documentation does not name; a person must look."""


def attempt_from(payment: GatewayPayment, *, observed_at: int) -> Attempt:
    """The attempt that a gateway payment is. Raises StatusNotKnown."""
    try:
        status = AttemptStatus(payment.status)
    except ValueError:
        raise StatusNotKnown(f"payment status {payment.status[:40]!r}") from None
    card = payment.card
    failed = status is AttemptStatus.FAILED
    # A captured payment that was refunded in full reads "refunded"; one that expired uncaptured does too, but
    # has no fee. The flag `captured` is not trusted: samples show it true on failed payments.
    was_captured = status is AttemptStatus.CAPTURED or (
        status is AttemptStatus.REFUNDED and payment.fee is not None
    )
    return Attempt(
        gateway_payment_id=payment.id,
        status=status,
        amount_paise=payment.amount,
        currency=payment.currency,
        observed_at=observed_at,
        was_captured=was_captured,
        amount_refunded_paise=payment.amount_refunded or 0,
        base_amount_paise=base_paise(payment) if was_captured else None,
        fee_paise=payment.fee,
        tax_paise=payment.tax,
        method=payment.method,
        card_network=card.network if card else None,
        card_issuer=card.issuer if card else None,
        card_last4=card.last4 if card else None,
        bank=payment.bank,
        wallet=payment.wallet,
        vpa_masked=mask_vpa(payment.vpa),
        error_code=payment.error_code if failed else None,
        error_reason=payment.error_reason if failed else None,
        error_source=payment.error_source if failed else None,
        error_step=payment.error_step if failed else None,
        error_description=mask_text(payment.error_description)
        if failed and payment.error_description
        else None,
        rrn=payment.acquirer_data.rrn,
        token_id=payment.token_id,
        customer_id=payment.customer_id,
    )


def base_paise(told: GatewayPayment | GatewayRefund) -> int | None:
    """What the gateway says that money in another currency is in rupees, in paise; None where it does not
    say so, or says it in another currency than that of the books, or speaks of rupees anyway."""
    if told.currency == BOOKS_CURRENCY or told.base_currency != BOOKS_CURRENCY:
        return None
    return told.base_amount or None
