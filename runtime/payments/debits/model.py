"""The retry record of a debit, as it is stored and reasoned about: notices, tries, and the plan with its why.

What became of a try at the gateway is known by the payment's attempts; the record keeps what they do not:
when it was asked for, how often it was asked about, and that it may have been asked for and never confirmed.
"""

from enum import StrEnum

from runtime.payments.model import Frozen


class RetryState(StrEnum):
    """Where a debit stands. Only ``planned`` leads to another try by itself."""

    PLANNED = "planned"
    POLLING = "polling"
    WAITING = "waiting"
    """The customer has to do something first."""
    STOPPED = "stopped"
    PAID = "paid"
    CANCELLED = "cancelled"


class PlanKind(StrEnum):
    """What the planner answers."""

    RETRY = "retry"
    ASK_CUSTOMER = "ask_customer"
    POLL = "poll"
    STOP = "stop"


class NoticeState(StrEnum):
    """Where the pre-debit notice of an order stands."""

    RAISED = "raised"
    DELIVERED = "delivered"
    FAILED = "failed"


class Because(Frozen):
    """One thing that decided: its stable code, a sentence for a person, the source behind it, and the moment
    (RFC 3339) that it set."""

    code: str
    sentence: str
    source: str
    until: str | None = None


class PlanRecord(Frozen):
    """What happens next, and why. ``at`` and ``notify_at`` are RFC 3339; what does not belong to the kind is
    None."""

    kind: PlanKind
    at: str | None = None
    notify_at: str | None = None
    attempt_no: int | None = None
    cycle_attempt_no: int | None = None
    reason: str | None = None
    remedy: str | None = None
    subject: str | None = None
    because: tuple[Because, ...] = ()
    planned_at: str


class Notice(Frozen):
    """A pre-debit notice: the order that carries it, and the earliest debit that it names."""

    order_id: str
    receipt: str
    status: NoticeState = NoticeState.RAISED
    raised_at: str
    delivered_at: str | None = None
    debit_at: str | None = None


class Refused(Frozen):
    """Why the gateway refused a try at once, in its own words."""

    code: str | None = None
    reason: str | None = None
    source: str | None = None
    step: str | None = None


class Try(Frozen):
    """One debit that was asked for, written before it is. Without a ``gateway_payment_id`` and without
    ``refused`` its outcome is unknown, until it is known that it was never made (``not_made``)."""

    number: int
    order_id: str
    initiated_at: str
    gateway_payment_id: str | None = None
    refused: Refused | None = None
    not_made: bool = False
    confirmed: bool = False
    polls: int = 0
    last_polled_at: str | None = None


class RetryRecord(Frozen):
    """Everything about the tries of one debit.

    ``due_at`` is when it is looked at next; ``woken`` that news came since the plan was made; ``lease_until``
    that somebody is at it; ``manual`` that a person asked for the next try. ``version`` counts changes, for
    optimistic locking; 0 is not stored yet.
    """

    payment_id: str
    mandate_id: str
    state: RetryState
    plan: PlanRecord
    notices: tuple[Notice, ...] = ()
    tries: tuple[Try, ...] = ()
    due_at: str | None = None
    woken: bool = False
    lease_until: str | None = None
    cancelled_at: str | None = None
    manual: bool = False
    created_at: str
    updated_at: str
    version: int = 0

    @property
    def made(self) -> tuple[Try, ...]:
        """The tries that count: those that reached the gateway, or may have."""
        return tuple(one for one in self.tries if not one.not_made)

    @property
    def frees_its_cycle(self) -> bool:
        """Whether another debit may take this one's place in the cycle: it was given up before its first
        try, so that no attempt of the cycle is spent."""
        return self.state in (RetryState.CANCELLED, RetryState.STOPPED) and not self.made
