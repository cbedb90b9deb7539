"""Which payments a caller may see: its own, and those of its schools. What it may not see does not exist."""

from runtime.payments.model import Payment
from runtime.payments.repository import PaymentRepository
from runtime.platform.auth import Principal
from runtime.platform.errors import PAYMENT_NOT_FOUND, Problem
from runtime.platform.ids import is_id


def visible_payment(payments: PaymentRepository, principal: Principal, payment_id: str) -> Payment:
    """The payment, if the caller may see it. Raises Problem ``payment-not-found``."""
    payment = payments.get(payment_id) if is_id(payment_id, "pmt") else None
    if payment is not None:
        own = payment.payer_id == principal.principal_id
        if own or (not principal.is_only_parent and principal.may_see_school(payment.school_id)):
            return payment
    raise Problem(PAYMENT_NOT_FOUND, "No payment of yours has that identifier.")
