"""Which open payments and returns a sweep looks at, and what it concludes: pure rules."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from runtime.payments.model import OPEN_STATUSES, Attempt, AttemptStatus, Payment, PaymentStatus
from runtime.payments.refunds.rules import open_requests, to_be_asked
from runtime.payments.returns.model import Returns
from runtime.payments.rules import awaits_base, derive_status, hear
from runtime.platform.clock import from_iso, iso

QUIET_FOR: Final = timedelta(minutes=10)
"""So long a payment is left to its payer and to the gateway's events. Razorpay itself takes a silent bank for
a failure after ten minutes."""

FRESH_FOR: Final = timedelta(days=3)
"""So long Razorpay goes on asking a silent bank (payments, "late authorisation"). What is open for longer is
mostly a checkout that somebody left; it is looked at too, but apart, so that it never delays the fresh."""

ORDER_UNKNOWN_MAX: Final = timedelta(hours=1)
BASE_UNKNOWN_MAX: Final = timedelta(days=1)
"""Razorpay converts at the time of the payment; what it has not told a day later a person must ask about."""

ATTEMPT_UNANSWERED_MAX: Final = timedelta(days=4)
"""A day more than the gateway asks the bank. What is open after that a person must ask about."""

REFUND_UNANSWERED_MAX: Final = timedelta(hours=1)
"""One look finds out whether the gateway has a refund. What several looks did not is for a person."""
REFUND_PENDING_MAX: Final = timedelta(days=15)
"""Twice what Razorpay gives banks for a refund (five to seven working days). What one in another currency
took is in the gateway's rows of the settlement before that."""

Open = Payment | Returns
_RETURNS: Final = "returns"

_UNANSWERED: Final = frozenset({AttemptStatus.CREATED, AttemptStatus.AUTHORIZED})
_BEGINNING: Final = "0000"


@dataclass(frozen=True, slots=True)
class Lane:
    """Open payments of one status, or returns, ``fresh`` or not, oldest first.

    A sweep takes from all lanes in turn.
    """

    status: PaymentStatus | Literal["returns"]
    fresh: bool

    @property
    def name(self) -> str:
        """Under which its position is kept."""
        return f"{self.status}-{'fresh' if self.fresh else 'old'}"

    def bounds(self, now: datetime) -> tuple[str, str]:
        """From when to when what is in the lane was last changed, both included."""
        if self.fresh:
            fresh_for = ATTEMPT_UNANSWERED_MAX if self.status is PaymentStatus.FAILED else FRESH_FOR
            return iso(now - fresh_for), iso(now - QUIET_FOR)
        return _BEGINNING, iso(now - FRESH_FOR - timedelta(milliseconds=1))


_OPEN: Final = sorted(OPEN_STATUSES, key=list(PaymentStatus).index, reverse=True)
LANES: Final = (
    Lane(_RETURNS, fresh=True),
    *(Lane(status, fresh=True) for status in _OPEN),
    Lane(PaymentStatus.FAILED, fresh=True),
    Lane(_RETURNS, fresh=False),
    *(Lane(status, fresh=False) for status in _OPEN),
)
"""Those with a payer's money in them first. What failed is asked about as long as a bank may answer late;
what comes after that the reconciliation finds among the gateway's rows."""


def told_of(payment: Payment, attempt: Attempt) -> Payment:
    """The payment after what the gateway said when it was asked; the same object when it said nothing new.

    That the same was true a little later is no news: otherwise every sweep would change what it looks at.
    """
    after = hear(payment, attempt)
    known = payment.attempts.get(attempt.gateway_payment_id)
    if after is payment or known is None:
        return after
    merged = after.attempts[attempt.gateway_payment_id]
    return payment if merged.model_copy(update={"observed_at": known.observed_at}) == known else after


def with_order(payment: Payment, order_id: str) -> Payment:
    """The payment with the order that turned out to be its own."""
    ordered = payment.model_copy(update={"order_id": order_id, "order_outcome_unknown": False})
    return ordered.model_copy(update={"status": derive_status(ordered)})


def without_order(payment: Payment, now: datetime) -> Payment:
    """The payment, for which the gateway shows no order; the same object while one may still turn up.

    Nobody holds an order that was never answered, so nobody can pay it. A caller who repeats its call gets
    one; it is looked for before it is made (ADR 0007).
    """
    if not payment.order_outcome_unknown or now - from_iso(payment.created_at) <= ORDER_UNKNOWN_MAX:
        return payment
    known = payment.model_copy(update={"order_outcome_unknown": False})
    return known.model_copy(update={"status": derive_status(known)})


def is_resolved(before: Open, after: Open) -> bool:
    """Whether a look found out what became of a payment or of returns: it is no longer open, no longer
    unknown, or no longer failed."""
    if isinstance(after, Returns):
        return not to_be_asked(after.book)
    if isinstance(before, Returns):
        raise TypeError("returns do not become a payment")
    if awaits_base(after):
        return False
    if before.status is PaymentStatus.FAILED:
        return after.status is not PaymentStatus.FAILED
    if before.status is PaymentStatus.UNKNOWN:
        return after.status is not PaymentStatus.UNKNOWN
    return after.status not in OPEN_STATUSES


def is_open(found: Open) -> bool:
    """Whether something about it is still to be found out. What failed is only looked at."""
    return isinstance(found, Returns) or found.status in OPEN_STATUSES or awaits_base(found)


def is_open_too_long(payment: Open, now: datetime) -> bool:
    """Whether somebody's money may be where nobody knows, for longer than the gateway takes to find out."""
    if isinstance(payment, Returns):
        return _are_open_too_long(payment, now)
    if awaits_base(payment):
        untold_since = now.timestamp() - BASE_UNKNOWN_MAX.total_seconds()
        return any(each.awaits_base and each.observed_at < untold_since for each in payment.attempts.values())
    if payment.status is PaymentStatus.UNKNOWN:
        return now - from_iso(payment.created_at) > ORDER_UNKNOWN_MAX
    if payment.status not in OPEN_STATUSES:
        return False
    unheard_since = now.timestamp() - ATTEMPT_UNANSWERED_MAX.total_seconds()
    return any(
        attempt.status in _UNANSWERED and attempt.observed_at < unheard_since
        for attempt in payment.attempts.values()
    )


def _are_open_too_long(returns: Returns, now: datetime) -> bool:
    terms = [returns.terms.get(request.request_id) for request in open_requests(returns.book)]
    if any(asked and now - from_iso(asked.requested_at) > REFUND_UNANSWERED_MAX for asked in terms):
        return True
    unheard_since = now.timestamp() - REFUND_PENDING_MAX.total_seconds()
    return any(
        refund.is_on_its_way and refund.observed_at < unheard_since
        for refund in returns.book.refunds.values()
    )
