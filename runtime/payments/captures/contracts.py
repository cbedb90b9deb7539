"""What callers of the capture operation send and get."""

from pydantic import Field

from runtime.payments.returns.contracts import RefundView
from runtime.platform.api import Contract


class CapturePayment(Contract):
    """Take the money of an authorised payment: all of it, or less."""

    amount_paise: int | None = Field(
        default=None,
        description=(
            "What to keep, in paise or the minor units of the payment's currency; left out, all of it. The "
            "gateway captures whole authorisations only, so the rest is refunded at once."
        ),
    )


class CaptureView(Contract):
    """What a capture did. `captured_paise` is what the gateway took, the whole authorisation; `kept_paise` is
    what was asked for, and `refund` gives the difference back."""

    payment_id: str
    gateway_payment_id: str
    captured_paise: int
    kept_paise: int
    currency: str
    refund: RefundView | None
