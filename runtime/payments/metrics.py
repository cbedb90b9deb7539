"""What is counted of payments and of the gateway's events. The stacks' alarms and dashboards read these."""

from runtime.payments.events import DETAIL_TYPES
from runtime.payments.model import PaymentStatus
from runtime.platform import errors
from runtime.platform.metrics import OTHER, Metric, Unit

_METHODS = frozenset(
    {
        "card",
        "upi",
        "netbanking",
        "wallet",
        "emi",
        "cardless_emi",
        "paylater",
        "bank_transfer",
        "emandate",
        OTHER,
    }
)
"""How people pay, in Razorpay's words (payments entity, ``method``)."""

_SOURCES = frozenset(
    {"customer", "business", "bank", "issuer_bank", "beneficiary_bank", "gateway", "internal", OTHER}
)
"""Where a payment failed, in Razorpay's words (error object, ``source``)."""

_LABELS: dict[PaymentStatus, tuple[str, frozenset[str]]] = {
    PaymentStatus.CAPTURED: ("method", _METHODS),
    PaymentStatus.FAILED: ("source", _SOURCES),
}

CREATED = Metric(DETAIL_TYPES[PaymentStatus.CREATED])
"""A payment was made, whatever its first status: one that has its order at once begins as pending."""

BY_STATUS: dict[PaymentStatus, Metric] = {
    status: Metric(name, Unit.COUNT, *_LABELS.get(status, (None, frozenset())))
    for status, name in DETAIL_TYPES.items()
    if status is not PaymentStatus.CREATED
}
"""A payment reached a status; named as the event that tells of it."""

TIME_TO_CAPTURE = Metric("PaymentTimeToCapture", Unit.MILLISECONDS)
"""From the payment's creation to its capture: mostly the payer's own time."""

DISPUTE_OPENED = Metric("DisputeOpened")
"""A dispute became known that is not decided: somebody has to give evidence before its deadline."""

REFUND_FAILED = Metric("RefundFailed")
"""A refund that the gateway had taken did not reach the payer: somebody has to pay it back otherwise."""

SPLIT_STOPPED = Metric("SplitStopped")
"""A split waits for a person: a transfer failed or was refused, or the terms could not be applied."""

LINK_REMINDED = Metric("LinkReminded", Unit.COUNT, "occasion", frozenset({"planned", "by_hand"}))
"""It was decided to remind the payer of a link; what was sent is counted among the messages."""

WEBHOOK_RECEIVED = Metric("WebhookReceived", Unit.COUNT, "delivery", frozenset({"first", "repeated"}))
WEBHOOK_REFUSED = Metric(
    "WebhookRefused",
    Unit.COUNT,
    "reason",
    frozenset(
        kind.code
        for kind in (
            errors.BODY_MALFORMED,
            errors.BODY_TOO_LARGE,
            errors.SIGNATURE_INVALID,
            errors.SIGNATURE_MISSING,
            errors.WEBHOOK_EVENT_ALTERED,
            errors.WEBHOOK_EVENT_UNKNOWN,
        )
    )
    | {OTHER},
)
WEBHOOK_APPLIED = Metric(
    "WebhookApplied", Unit.COUNT, "result", frozenset({"applied", "no_change", "not_ours", "not_handled"})
)
WEBHOOK_DELAY = Metric("WebhookDelay", Unit.MILLISECONDS)
"""From keeping an event to having applied it."""

SWEPT_RESOLVED = Metric("SweptResolved")
"""A sweep found out what became of a payment: its event never came, or came later than the sweep."""
SWEPT_STILL_OPEN = Metric("SweptStillOpen")
SWEPT_TOO_LONG = Metric("SweptTooLong")
"""A sweep found a payment open for longer than the gateway takes to find out; every sweep counts it again."""

SWEEP_RAN = Metric("SweepRan")
"""A sweep came to its end, whatever it found. Where it is not counted any more the clock has stopped."""
MATCH_RAN = Metric("MatchRan")
"""Gateway, ledger and bank were matched as of today."""

METRICS = (
    SWEEP_RAN,
    MATCH_RAN,
    SWEPT_RESOLVED,
    SWEPT_STILL_OPEN,
    SWEPT_TOO_LONG,
    CREATED,
    *BY_STATUS.values(),
    TIME_TO_CAPTURE,
    DISPUTE_OPENED,
    REFUND_FAILED,
    SPLIT_STOPPED,
    LINK_REMINDED,
    WEBHOOK_RECEIVED,
    WEBHOOK_REFUSED,
    WEBHOOK_APPLIED,
    WEBHOOK_DELAY,
)
