"""What the planner is told: the debit, its mandate, what was tried, what is announced, what is down.

Moments are timezone-aware. What cannot be meant is refused when it is put together, with a stable code, so
that the planner itself never meets it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from runtime.payments.model import ATTEMPTS_MAX
from runtime.payments.retry.declines import Decline
from runtime.payments.retry.law import Method
from runtime.platform.money import AMOUNT_MAX_PAISE

DOWNTIMES_MAX = 200
"""More than the gateway ever had at once."""

YEAR_MIN, YEAR_MAX = 2000, 2199
"""Mandates run for thirty years at most; no moment that is meant lies outside of these."""

FREQUENCIES = frozenset(
    {
        *("daily", "weekly", "fortnightly", "monthly", "bimonthly"),
        *("quarterly", "half_yearly", "yearly", "as_presented"),
    }
)
"""How often a mandate may be debited (Razorpay, authorisation transactions)."""


_METHODS = frozenset(Method)


class SituationInvalid(ValueError):
    """What the planner was told cannot be; ``code`` is stable, the message repeats no value."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


class MandateStatus(StrEnum):
    """Where a mandate stands, in the gateway's words for its token, and ``expired``."""

    INITIATED = "initiated"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class AttemptOutcome(StrEnum):
    """What is known of an attempt. ``unknown`` covers pending and silent alike: money may have moved."""

    UNKNOWN = "unknown"
    FAILED = "failed"
    SUCCEEDED = "succeeded"


class NoticeStatus(StrEnum):
    """Where the notice of the next debit stands; ``opted_out``: the customer refused this one debit."""

    RAISED = "raised"
    DELIVERED = "delivered"
    FAILED = "failed"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True)
class Debit:
    """What is owed. ``network`` is the card's; ``issuer`` the bank and ``app`` the UPI app or handle, as the
    gateway's downtimes name them."""

    amount_paise: int
    currency: str
    method: Method
    network: str | None = None
    issuer: str | None = None
    app: str | None = None

    def __post_init__(self) -> None:
        _amount(self.amount_paise, "the amount")
        if self.method not in _METHODS:
            raise SituationInvalid("method-unknown", "a mandate is debited by UPI, card, e-mandate or NACH")


@dataclass(frozen=True, slots=True)
class Mandate:
    """The right to debit. ``cycle_start`` and ``cycle_end`` (not included) bound the cycle that is planned
    for, None where the mandate has none; ``last_success_at`` is its last successful debit, for whatever."""

    status: MandateStatus
    frequency: str
    max_amount_paise: int | None = None
    cycle_start: datetime | None = None
    cycle_end: datetime | None = None
    expires_at: datetime | None = None
    last_success_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.frequency not in FREQUENCIES:
            raise SituationInvalid("frequency-unknown", "a mandate has one of the gateway's frequencies")
        if self.max_amount_paise is not None:
            _amount(self.max_amount_paise, "the mandate's maximum")
        _aware(self.cycle_start, self.cycle_end, self.expires_at, self.last_success_at)
        if (self.cycle_start is None) is not (self.cycle_end is None):
            raise SituationInvalid("cycle-incomplete", "a cycle has a start and an end, or there is none")
        if self.cycle_start is not None and self.cycle_end is not None and self.cycle_end <= self.cycle_start:
            raise SituationInvalid("cycle-inverted", "a cycle ends after it starts")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One debit that was tried. ``concluded_at`` is when its outcome was heard, ``initiated_at`` if None.

    ``confirmed`` says that the gateway was asked afterwards and stands by the failure: only then is a failure
    of a kind that leaves the outcome open taken for one. ``polls`` counts the questions, the last of them at
    ``last_polled_at``.
    """

    initiated_at: datetime
    outcome: AttemptOutcome
    decline: Decline | None = None
    concluded_at: datetime | None = None
    confirmed: bool = False
    polls: int = 0
    last_polled_at: datetime | None = None

    def __post_init__(self) -> None:
        _aware(self.initiated_at, self.concluded_at, self.last_polled_at)
        if self.polls < 0:
            raise SituationInvalid("polls-negative", "questions are counted from zero")
        if self.concluded_at is not None and self.concluded_at < self.initiated_at:
            raise SituationInvalid("attempt-inverted", "an attempt concludes after it is initiated")


@dataclass(frozen=True, slots=True)
class Notice:
    """The pre-debit notice. ``debit_at`` is the earliest debit that it names, if it names one."""

    status: NoticeStatus
    amount_paise: int
    raised_at: datetime
    delivered_at: datetime | None = None
    debit_at: datetime | None = None

    def __post_init__(self) -> None:
        _amount(self.amount_paise, "the notice's amount")
        _aware(self.raised_at, self.delivered_at, self.debit_at)
        if (self.status is NoticeStatus.DELIVERED) is not (self.delivered_at is not None):
            raise SituationInvalid("notice-delivery", "a notice has a delivery time when it is delivered")
        if self.delivered_at is not None and self.delivered_at < self.raised_at:
            raise SituationInvalid("notice-inverted", "a notice is delivered after it is raised")


@dataclass(frozen=True, slots=True)
class Downtime:
    """A time at which a method does not work, all of it or one ``instrument``; open where ``ends_at`` is
    None."""

    method: str
    begins_at: datetime
    ends_at: datetime | None = None
    instrument: str | None = None

    def __post_init__(self) -> None:
        _aware(self.begins_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a plan is made of. ``attempts`` are those of this debit on this mandate, oldest first, over
    all cycles. ``manual``: a person asks for it now, which skips the house's patience and never the law."""

    debit: Debit
    mandate: Mandate
    now: datetime
    attempts: tuple[Attempt, ...] = ()
    notice: Notice | None = None
    downtimes: tuple[Downtime, ...] = ()
    manual: bool = False

    def __post_init__(self) -> None:
        _aware(self.now)
        if len(self.attempts) > ATTEMPTS_MAX or len(self.downtimes) > DOWNTIMES_MAX:
            raise SituationInvalid("too-many", "more attempts or downtimes than are ever kept")
        previous = None
        for attempt in self.attempts:
            if attempt.initiated_at > self.now:
                raise SituationInvalid("attempt-in-future", "an attempt was made before now")
            if previous is not None and attempt.initiated_at < previous:
                raise SituationInvalid("attempts-unordered", "attempts are given oldest first")
            previous = attempt.initiated_at

    @property
    def cycle_attempts(self) -> int:
        """How many attempts fall into the cycle; all of them where the mandate has no cycles."""
        start, end = self.mandate.cycle_start, self.mandate.cycle_end
        if start is None or end is None:
            return len(self.attempts)
        return sum(1 for attempt in self.attempts if start <= attempt.initiated_at < end)


def _amount(amount_paise: int, name: str) -> None:
    if isinstance(amount_paise, bool) or not isinstance(amount_paise, int):
        raise SituationInvalid("amount-not-integer", f"{name} is an integer number of paise")
    if not 0 < amount_paise <= AMOUNT_MAX_PAISE:
        raise SituationInvalid("amount-out-of-range", f"{name} is positive and within the platform's limit")


def _aware(*moments: datetime | None) -> None:
    for moment in moments:
        if moment is None:
            continue
        if moment.tzinfo is None:
            raise SituationInvalid("moment-naive", "a moment carries its time zone")
        if not YEAR_MIN <= moment.year <= YEAR_MAX:
            raise SituationInvalid("moment-out-of-range", "a moment lies in this century or the next")
