"""The facts of a plan: payments received towards it, and refunds of them. Each is taken in once."""

from datetime import datetime

from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import RECEIPTS_MAX, GivenBack, Plan, Receipt
from runtime.payments.refusal import Refused, require_whole
from runtime.platform.money import AMOUNT_MAX_PAISE


def receive(plan: Plan, receipt: Receipt) -> Plan:
    """``plan`` with a payment; the same plan when it is known already.

    Raises Refused ``instalment-payment-reused`` when the payment is known with another amount or moment,
    ``instalment-amount-invalid`` and ``instalment-payments-too-many``.
    """
    known = _receipt(plan, receipt.payment_id)
    if known is not None:
        if known.model_copy(update={"settled": None}) != receipt:
            raise Refused(
                InstalmentCode.PAYMENT_REUSED, "The payment is known with another amount or moment."
            )
        return plan
    _check_paise(receipt.amount_paise)
    if len(plan.receipts) >= RECEIPTS_MAX:
        raise Refused(InstalmentCode.TOO_MANY_PAYMENTS, f"A plan takes at most {RECEIPTS_MAX} payments.")
    return plan.model_copy(update={"receipts": tuple(sorted((*plan.receipts, receipt), key=_receipt_order))})


def give_back(plan: Plan, refund: GivenBack) -> Plan:
    """``plan`` with a refund of one of its payments; the same plan when it is known already.

    Raises Refused ``instalment-payment-unknown``, ``instalment-refund-over-payment`` when more would be given
    back than the payment was, ``instalment-refund-reused`` and ``instalment-payments-too-many``.
    """
    known = next((given for given in plan.refunds if given.refund_id == refund.refund_id), None)
    if known is not None:
        if known.model_copy(update={"settled": None}) != refund:
            raise Refused(InstalmentCode.REFUND_REUSED, "The refund is known with another amount or moment.")
        return plan
    _check_paise(refund.amount_paise)
    receipt = _receipt(plan, refund.payment_id)
    if receipt is None:
        raise Refused(InstalmentCode.PAYMENT_UNKNOWN, "The plan knows no such payment.")
    given_paise = sum(given.amount_paise for given in plan.refunds if given.payment_id == refund.payment_id)
    if given_paise + refund.amount_paise > receipt.amount_paise:
        raise Refused(
            InstalmentCode.REFUND_OVER_PAYMENT,
            f"Of the payment, {receipt.amount_paise - given_paise} paise are left to give back.",
        )
    if len(plan.refunds) >= RECEIPTS_MAX:
        raise Refused(InstalmentCode.TOO_MANY_PAYMENTS, f"A plan takes at most {RECEIPTS_MAX} refunds.")
    return plan.model_copy(update={"refunds": tuple(sorted((*plan.refunds, refund), key=_refund_order))})


def take_refund_back(plan: Plan, refund_id: str) -> Plan:
    """``plan`` as if the refund had never been made: what becomes of one that failed.

    Raises Refused ``instalment-refund-unknown``.
    """
    left = tuple(given for given in plan.refunds if given.refund_id != refund_id)
    if len(left) == len(plan.refunds):
        raise Refused(InstalmentCode.REFUND_UNKNOWN, "The plan knows no such refund.")
    return plan.model_copy(update={"refunds": left})


def _receipt(plan: Plan, payment_id: str) -> Receipt | None:
    return next((receipt for receipt in plan.receipts if receipt.payment_id == payment_id), None)


def _receipt_order(receipt: Receipt) -> tuple[datetime, str]:
    return (receipt.received_at, receipt.payment_id)


def _refund_order(refund: GivenBack) -> tuple[datetime, str]:
    return (refund.given_at, refund.refund_id)


def _check_paise(amount_paise: int) -> None:
    require_whole(
        amount_paise, 1, AMOUNT_MAX_PAISE, code=InstalmentCode.AMOUNT_INVALID, name="amount in paise"
    )
