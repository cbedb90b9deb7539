"""What follows from a plan: the state of a debit, and when it is looked at again. Pure rules."""

from datetime import datetime, timedelta

from runtime.payments.debits.model import PlanKind, PlanRecord, RetryRecord, RetryState
from runtime.payments.retry.declines import Remedy
from runtime.payments.retry.plan import Reason
from runtime.platform.clock import from_iso, iso

LOOK_AGAIN_AFTER = timedelta(days=1)
"""How soon a debit is looked at again that waits for what nobody may tell us: a mandate that is resumed, an
outcome that another look at the gateway has brought."""

LOOKED_AT_FOR = timedelta(days=60)
"""How long. No cycle is still open then that a debit of it could be made in, but for the longest."""

_STATES = {
    PlanKind.RETRY: RetryState.PLANNED,
    PlanKind.POLL: RetryState.POLLING,
    PlanKind.ASK_CUSTOMER: RetryState.WAITING,
    PlanKind.STOP: RetryState.STOPPED,
}


def with_plan(record: RetryRecord, plan: PlanRecord, now: datetime) -> RetryRecord:
    """``record`` with a plan just made: its state, when it is due, and nobody at work on it.

    A cancelled debit is still asked about while an outcome is unknown; it is not tried again.
    """
    state = _state(record, plan)
    return record.model_copy(
        update={
            "plan": plan,
            "state": state,
            "due_at": _due_at(record, plan, state, now),
            "woken": False,
            "lease_until": None,
            "updated_at": iso(now),
        }
    )


def is_news(before: RetryRecord | None, after: RetryRecord) -> bool:
    """Whether a change is one that others hear of: another plan, another state, another try."""
    if before is None or (before.state, len(before.tries)) != (after.state, len(after.tries)):
        return True
    moment = {"planned_at": ""}
    return before.plan.model_copy(update=moment) != after.plan.model_copy(update=moment)


def _state(record: RetryRecord, plan: PlanRecord) -> RetryState:
    if plan.reason == Reason.PAID.value:
        return RetryState.PAID
    state = _STATES[plan.kind]
    if record.cancelled_at is not None and state is not RetryState.POLLING:
        return RetryState.CANCELLED
    return state


def _due_at(record: RetryRecord, plan: PlanRecord, state: RetryState, now: datetime) -> str | None:
    if state in (RetryState.PLANNED, RetryState.POLLING):
        return plan.notify_at or plan.at
    if now >= from_iso(record.created_at) + LOOKED_AT_FOR:
        return None
    paused = state is RetryState.WAITING and plan.remedy == Remedy.RESUME_MANDATE.value
    unknown = state is not RetryState.PAID and plan.reason == Reason.OUTCOME_UNKNOWN.value
    return iso(now + LOOK_AGAIN_AFTER) if paused or unknown else None
