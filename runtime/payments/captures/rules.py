"""What of a payment can be captured, and how much of it kept: pure rules."""

from datetime import date

from runtime.payments.model import Attempt, AttemptStatus, Payment
from runtime.payments.money_rules import MoneyRule, value_on
from runtime.payments.rules import matches
from runtime.platform.errors import (
    ALREADY_CAPTURED,
    AMOUNT_BELOW_MINIMUM,
    CAPTURE_EXCEEDS_AUTHORIZATION,
    CAPTURE_REST_TOO_SMALL,
    PAYMENT_NOT_AUTHORIZED,
    Problem,
)


def attempt_to_capture(payment: Payment) -> Attempt:
    """The authorised attempt for what was asked. Of several the first by name; the others go back to the
    payer. Raises Problem ``already-captured`` and ``payment-not-authorized``."""
    if any(attempt.was_captured for attempt in payment.attempts.values()):
        raise Problem(ALREADY_CAPTURED, "The money of this payment was taken before.")
    for attempt in payment.attempts.values():
        if attempt.status is AttemptStatus.AUTHORIZED and matches(payment, attempt):
            return attempt
    raise Problem(PAYMENT_NOT_AUTHORIZED, "No bank has authorised this payment, or no longer.")


def kept_paise(attempt: Attempt, asked_paise: int | None, on: date) -> int:
    """How much of ``attempt`` is to be kept; ``on`` is the day in India.

    Raises Problem ``amount-below-minimum``, ``capture-exceeds-authorization`` and ``capture-rest-too-small``:
    what is not kept has to be large enough to be refunded.
    """
    if asked_paise is None:
        return attempt.amount_paise
    minimum_paise = value_on(MoneyRule.REFUND_MIN_PAISE, on)
    if asked_paise < minimum_paise:
        raise Problem(AMOUNT_BELOW_MINIMUM, f"The least that can be kept is {minimum_paise} paise.")
    if asked_paise > attempt.amount_paise:
        raise Problem(CAPTURE_EXCEEDS_AUTHORIZATION, f"{attempt.amount_paise} paise are authorised.")
    if 0 < attempt.amount_paise - asked_paise < minimum_paise:
        raise Problem(CAPTURE_REST_TOO_SMALL, f"The rest must be nothing, or {minimum_paise} paise and more.")
    return asked_paise
