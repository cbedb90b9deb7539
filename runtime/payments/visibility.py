"""Which payments a caller may see: its own, and those of its schools."""

from runtime.payments.model import Payment
from runtime.payments.repository import PaymentRepository
from runtime.platform.auth import Principal
from runtime.platform.errors import PAYMENT_NOT_FOUND, Problem
from runtime.platform.ids import is_id


def may_see(principal: Principal, *, payer_id: str, school_id: str) -> bool:
    """Whether the caller may see what ``payer_id`` pays at the school."""
    own = payer_id == principal.principal_id
    return own or (not principal.is_only_parent and principal.may_see_school(school_id))


def visible_payment(repository: PaymentRepository, principal: Principal, payment_id: str) -> Payment:
    """The payment if the caller may see it. What it may not see does not exist for it: both raise Problem
    ``payment-not-found``."""
    payment = repository.get(payment_id) if is_id(payment_id, "pmt") else None
    if payment is None or not may_see(principal, payer_id=payment.payer_id, school_id=payment.school_id):
        raise Problem(PAYMENT_NOT_FOUND, "No payment of yours has that identifier.")
    return payment
