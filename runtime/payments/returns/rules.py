"""How the returns of a gateway payment and the payment itself belong together: pure rules."""

from runtime.payments.disputes.model import DisputeStatus
from runtime.payments.disputes.rules import disputed_paise
from runtime.payments.model import Attempt, Payment, ReturnTotals
from runtime.payments.refunds.model import RefundBook
from runtime.payments.refunds.rules import balance, hear_total
from runtime.payments.returns.model import Returns


def captured_attempts(payment: Payment) -> tuple[Attempt, ...]:
    """The attempts that brought money, of which money can go back."""
    return tuple(
        attempt for attempt in payment.attempts.values() if attempt.was_captured and attempt.amount_paise
    )


def no_returns(payment: Payment, attempt: Attempt) -> Returns:
    """The returns of an attempt of which nothing went back yet."""
    return Returns(
        payment_id=payment.payment_id,
        school_id=payment.school_id,
        payer_id=payment.payer_id,
        book=RefundBook(
            gateway_payment_id=attempt.gateway_payment_id, currency=attempt.currency, captured_paise=0
        ),
    )


def followed(returns: Returns, attempt: Attempt) -> Returns:
    """``returns`` with what the attempt itself tells: how much was captured, and the gateway's own total.

    A word about a refund may come before the one about the capture; until then there is nothing to refund.
    What expired uncaptured goes back to the payer without ever having been ours.
    """
    if not attempt.was_captured:
        return returns
    book = returns.book.model_copy(
        update={
            "captured_paise": attempt.amount_paise,
            "captured_base_paise": returns.book.captured_base_paise or attempt.worth_paise or 0,
        }
    )
    return returns.model_copy(update={"book": hear_total(book, attempt.amount_refunded_paise)})


def lost_minor(returns: Returns) -> tuple[int, ...]:
    """What the disputes that were lost took, each in minor units of the payment's currency."""
    return tuple(
        dispute.amount_paise for dispute in returns.disputes.values() if dispute.status is DisputeStatus.LOST
    )


def totals(returns: Returns) -> ReturnTotals:
    """What went back, is going back, and is contested."""
    now = balance(returns.book)
    return ReturnTotals(
        refunded_paise=now.refunded_paise + now.external_paise,
        pending_paise=now.pending_paise,
        disputed_paise=disputed_paise(returns.disputes.values()),
    )


def attempt_refundable_paise(payment: Payment, attempt: Attempt) -> int:
    """What of an attempt can still be refunded; never negative."""
    if not attempt.was_captured:
        return 0
    gone = payment.returns.get(attempt.gateway_payment_id, ReturnTotals())
    return max(0, attempt.amount_paise - gone.refunded_paise - gone.pending_paise - gone.disputed_paise)


def payment_totals(payment: Payment) -> ReturnTotals:
    """The totals over every attempt that brought money."""
    all_totals = [
        payment.returns.get(attempt.gateway_payment_id, ReturnTotals())
        for attempt in captured_attempts(payment)
    ]
    return ReturnTotals(
        refunded_paise=sum(each.refunded_paise for each in all_totals),
        pending_paise=sum(each.pending_paise for each in all_totals),
        disputed_paise=sum(each.disputed_paise for each in all_totals),
    )


def refundable_paise(payment: Payment) -> int:
    """What of a payment can still be refunded, over every attempt that brought money."""
    return sum(attempt_refundable_paise(payment, attempt) for attempt in captured_attempts(payment))
