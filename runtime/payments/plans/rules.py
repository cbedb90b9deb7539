"""How payments towards a plan, and refunds of them, are taken into it: pure rules."""

from datetime import UTC, datetime

from runtime.ledger.accounts import school_payable
from runtime.payments.accounting import credited_account
from runtime.payments.instalments.effect import Effect
from runtime.payments.instalments.model import GivenBack, Plan, Receipt
from runtime.payments.instalments.prepayment import prepay
from runtime.payments.instalments.receipts import give_back, receive, take_refund_back
from runtime.payments.model import Attempt, Payment
from runtime.payments.refunds.model import RefundBook, RefundStatus
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


def with_refunds(plan: Plan, payment: Payment, book: RefundBook) -> Plan:
    """``plan`` with the refunds of one of its payments as they are known now: new ones given back, and those
    that failed taken out again; the same plan where that is so already.

    Refunds of a capture that is in suspense are none of the plan's. Raises Refused as
    :func:`~runtime.payments.instalments.receipts.give_back` does.
    """
    if not _credits_school(payment, book.gateway_payment_id):
        return plan
    known = {given.refund_id for given in plan.refunds if given.payment_id == payment.payment_id}
    there = {
        refund_id: refund
        for refund_id, refund in book.refunds.items()
        if refund.status is not RefundStatus.FAILED
    }
    for refund_id in sorted(known - set(there)):
        plan = take_refund_back(plan, refund_id)
    for refund_id in sorted(set(there) - known):
        plan = give_back(
            plan,
            GivenBack(
                refund_id=refund_id,
                payment_id=payment.payment_id,
                amount_paise=there[refund_id].amount_paise,
                given_at=datetime.fromtimestamp(there[refund_id].observed_at, UTC),
            ),
        )
    return plan


def _credits_school(payment: Payment, gateway_payment_id: str) -> bool:
    try:
        account = credited_account(payment, gateway_payment_id)
    except ValueError:
        return False  # it is not captured yet
    return account == school_payable(payment.school_id)


def _is_received(payment: Payment, attempt: Attempt) -> bool:
    return attempt.was_captured and attempt.amount_paise > 0 and matches(payment, attempt)
