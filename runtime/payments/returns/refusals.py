"""Why a refund is refused, as a caller hears it: by our own rules, or by what the gateway says."""

from runtime.gateways.errors import ErrorDetail
from runtime.payments.refunds.errors import RefundCode
from runtime.payments.refusal import Refused
from runtime.platform.errors import (
    ALREADY_REFUNDED,
    AMOUNT_ABOVE_MAXIMUM,
    AMOUNT_BELOW_MINIMUM,
    AMOUNT_STEP_INVALID,
    GATEWAY_BALANCE_LOW,
    GATEWAY_REJECTED,
    REFUND_EXCEEDS_BALANCE,
    REFUND_WINDOW_OVER,
    REFUNDS_TOO_MANY,
    Problem,
    ProblemType,
)

_BY_RULE: dict[str, ProblemType] = {
    RefundCode.AMOUNT_INVALID: AMOUNT_ABOVE_MAXIMUM,
    RefundCode.NO_STEP: AMOUNT_STEP_INVALID,
    RefundCode.BELOW_MINIMUM: AMOUNT_BELOW_MINIMUM,
    RefundCode.OVER_BALANCE: REFUND_EXCEEDS_BALANCE,
    RefundCode.TOO_MANY: REFUNDS_TOO_MANY,
}

_BY_WORDS: tuple[tuple[str, ProblemType], ...] = (
    ("fully refunded", ALREADY_REFUNDED),
    ("greater than amount captured", REFUND_EXCEEDS_BALANCE),
    ("enough balance", GATEWAY_BALANCE_LOW),
    ("6 months", REFUND_WINDOW_OVER),
    ("six months", REFUND_WINDOW_OVER),
)
"""Parts of Razorpay's descriptions (Errors, Refunds). It gives no code of its own for these."""

REFUSED_BY_GATEWAY = (
    ALREADY_REFUNDED,
    REFUND_EXCEEDS_BALANCE,
    GATEWAY_BALANCE_LOW,
    REFUND_WINDOW_OVER,
    GATEWAY_REJECTED,
)


def problem_of_rule(refused: Refused, amount_paise: int, refundable_paise: int) -> Problem:
    """The problem that a refusal of ``amount_paise`` is, while ``refundable_paise`` can be refunded."""
    kind = AMOUNT_BELOW_MINIMUM if amount_paise <= 0 else _BY_RULE[refused.code]
    if kind is REFUND_EXCEEDS_BALANCE:
        return Problem(kind, refused.reason, extensions={"refundable_paise": refundable_paise})
    return Problem(kind, refused.reason)


def problem_of_gateway(detail: ErrorDetail) -> Problem:
    """The problem that the gateway's refusal is; ``gateway-rejected`` for one that is not known here."""
    said = (detail.description or "").lower()
    kind = next((kind for words, kind in _BY_WORDS if words in said), GATEWAY_REJECTED)
    return Problem(kind, "The gateway refused the refund. Nothing went back, and its amount is free again.")
