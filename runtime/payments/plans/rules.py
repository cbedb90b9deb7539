"""How a payment towards a plan is received into it: pure rules."""

from datetime import UTC, datetime

from runtime.payments.instalments.effect import Effect
from runtime.payments.instalments.model import Plan, Receipt
from runtime.payments.instalments.prepayment import prepay
from runtime.payments.instalments.receipts import receive
from runtime.payments.model import Attempt, Payment
from runtime.payments.refusal import Refused
from runtime.payments.rules import matches


def receipt_of(payment: Payment) -> Receipt | None:
    """The receipt of a payment towards its plan; None while no capture answers to what was asked.

    A second capture, or one of another amount, is no receipt: that money is in suspense. The moment is that
    of the word by which the capture became known.
    """
    moments = [attempt.observed_at for attempt in payment.attempts.values() if _is_received(payment, attempt)]
    if payment.plan_id is None or not moments:
        return None
    return Receipt(
        payment_id=payment.payment_id,
        amount_paise=payment.amount_paise,
        received_at=datetime.fromtimestamp(min(moments), UTC),
    )


def with_receipt(plan: Plan, receipt: Receipt, effect: Effect | None) -> Plan:
    """``plan`` after a payment; the same plan when it is known already.

    With an ``effect`` the payment brings principal forward, as far as it exceeds what is due by then; one
    that exceeds nothing is an ordinary payment. Raises Refused as
    :func:`~runtime.payments.instalments.receipts.receive` does.
    """
    if any(known.payment_id == receipt.payment_id for known in plan.receipts):
        return plan
    if effect is not None:
        try:
            return prepay(plan, receipt, effect)
        except Refused:
            pass
    return receive(plan, receipt)


def _is_received(payment: Payment, attempt: Attempt) -> bool:
    return attempt.was_captured and attempt.amount_paise > 0 and matches(payment, attempt)
