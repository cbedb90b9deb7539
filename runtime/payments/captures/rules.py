"""What of a payment can be captured, and how much of it kept: pure rules."""

from datetime import date

from runtime.payments.model import Attempt, AttemptStatus, Payment
from runtime.payments.refunds.rules import amount_words, refund_min_minor, step_words
from runtime.payments.rules import matches
from runtime.platform.currencies import currency
from runtime.platform.errors import (
    ALREADY_CAPTURED,
    AMOUNT_BELOW_MINIMUM,
    AMOUNT_STEP_INVALID,
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
    """How much of ``attempt`` is to be kept, in minor units of its currency (paise of INR); ``on`` is the day
    in India.

    Raises Problem ``amount-below-minimum``, ``amount-step-invalid``, ``capture-exceeds-authorization`` and
    ``capture-rest-too-small``: what is not kept has to be large enough to be refunded.
    """
    if asked_paise is None:
        return attempt.amount_paise
    least_minor = refund_min_minor(attempt.currency, on)
    least = amount_words(least_minor, attempt.currency)
    if asked_paise < least_minor:
        raise Problem(AMOUNT_BELOW_MINIMUM, f"The least that can be kept is {least}.")
    if not currency(attempt.currency).takes(asked_paise):
        raise Problem(AMOUNT_STEP_INVALID, step_words(attempt.currency))
    if asked_paise > attempt.amount_paise:
        authorised = amount_words(attempt.amount_paise, attempt.currency)
        raise Problem(CAPTURE_EXCEEDS_AUTHORIZATION, f"{authorised} are authorised.")
    if 0 < attempt.amount_paise - asked_paise < least_minor:
        raise Problem(CAPTURE_REST_TOO_SMALL, f"The rest must be nothing, or {least} and more.")
    return asked_paise
