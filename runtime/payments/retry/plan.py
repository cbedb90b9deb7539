"""What the planner answers: try again at a moment, ask the customer, ask the gateway, or stop; always why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from runtime.payments.retry.declines import Remedy
from runtime.payments.retry.law import Constraint


class Reason(StrEnum):
    """Why there is no next debit, or why the gateway is asked first. A code never changes its meaning."""

    PAID = "paid"
    OUTCOME_UNKNOWN = "outcome_unknown"
    NOT_A_FAILURE = "not_a_failure"
    OUR_BUG = "our_bug"
    HARD_DECLINE = "hard_decline"
    CUSTOMER_DECLINE = "customer_decline"
    OPAQUE_DECLINES = "opaque_declines"
    MANDATE_NOT_CONFIRMED = "mandate_not_confirmed"
    MANDATE_PAUSED = "mandate_paused"
    MANDATE_ENDED = "mandate_ended"
    CURRENCY_NOT_ALLOWED = "currency_not_allowed"
    ABOVE_NETWORK_CEILING = "above_network_ceiling"
    ABOVE_MANDATE = "above_mandate"
    AUTHENTICATION_REQUIRED = "authentication_required"
    OPTED_OUT = "opted_out"
    CYCLE_PAID = "cycle_paid"
    ATTEMPTS_EXHAUSTED = "attempts_exhausted"
    TRIES_EXHAUSTED = "tries_exhausted"
    NO_SLOT = "no_slot"
    CALENDAR_UNKNOWN = "calendar_unknown"


class PollSubject(StrEnum):
    """What is asked for at the gateway."""

    PAYMENT = "payment"
    MANDATE = "mandate"


@dataclass(frozen=True, slots=True)
class Retry:
    """Debit ``amount_paise`` at ``at``; first raise a notice at ``notify_at``, unless one covers it.

    ``attempt_no`` counts over the debit, ``cycle_attempt_no`` within the mandate's cycle, both from 1.
    ``because`` names what moved the moment.
    """

    at: datetime
    notify_at: datetime | None
    attempt_no: int
    cycle_attempt_no: int
    amount_paise: int
    because: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class AskCustomer:
    """No debit until the customer has done what ``remedy`` says."""

    reason: Reason
    remedy: Remedy
    because: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Poll:
    """No debit; ask the gateway at ``at`` what became of the payment or the mandate."""

    reason: Reason
    at: datetime
    subject: PollSubject
    because: tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """No further debit of this kind; a person or another process decides."""

    reason: Reason
    because: tuple[Constraint, ...]


Plan = Retry | AskCustomer | Poll | Stop
