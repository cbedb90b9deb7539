"""What follows from a plan: the state, and when the debit is looked at again."""

from datetime import timedelta
from typing import Any

import pytest

from runtime.payments.debits.model import RetryState
from runtime.payments.debits.standing import LOOK_AGAIN_AFTER, LOOKED_AT_FOR, is_news, with_plan
from runtime.platform.clock import iso
from tests.unit.payments.debits.samples import NOW, ago, one_try, plan, record

AT = iso(NOW + timedelta(days=2))
NOTIFY = iso(NOW + timedelta(hours=1))
DAILY = iso(NOW + LOOK_AGAIN_AFTER)


@pytest.mark.parametrize(
    ("made", "cancelled", "state", "due_at"),
    [
        (plan(at=AT, notify_at=NOTIFY), False, "planned", NOTIFY),
        (plan(at=AT), False, "planned", AT),
        (plan(at=AT), True, "cancelled", None),
        (plan("poll", at=AT, reason="outcome_unknown"), False, "polling", AT),
        (plan("poll", at=AT, reason="outcome_unknown"), True, "polling", AT),
        (plan("ask_customer", reason="mandate_paused", remedy="resume_mandate"), False, "waiting", DAILY),
        (plan("ask_customer", reason="mandate_paused", remedy="resume_mandate"), True, "cancelled", None),
        (plan("ask_customer", reason="hard_decline", remedy="new_mandate"), False, "waiting", None),
        (plan("stop", reason="outcome_unknown"), False, "stopped", DAILY),
        (plan("stop", reason="outcome_unknown"), True, "cancelled", DAILY),
        (plan("stop", reason="attempts_exhausted"), False, "stopped", None),
        (plan("stop", reason="paid"), False, "paid", None),
        (plan("stop", reason="paid"), True, "paid", None),
    ],
)
def test_each_plan_has_its_state_and_its_moment(
    made: Any, cancelled: bool, state: str, due_at: str | None
) -> None:
    known = record(cancelled_at=ago(hours=1) if cancelled else None, woken=True, lease_until=AT)
    after = with_plan(known, made, NOW)
    assert (after.state.value, after.due_at) == (state, due_at)
    assert (after.woken, after.lease_until, after.plan) == (False, None, made)


def test_nothing_is_looked_at_for_ever() -> None:
    paused = plan("ask_customer", reason="mandate_paused", remedy="resume_mandate")
    old = record(created_at=iso(NOW - LOOKED_AT_FOR))
    assert with_plan(old, paused, NOW).due_at is None
    assert with_plan(old, plan(at=AT), NOW).due_at == AT


def test_news_is_another_plan_state_or_try_and_nothing_else() -> None:
    known = record()
    assert is_news(None, known)
    assert not is_news(known, known.model_copy(update={"lease_until": AT, "woken": True, "due_at": AT}))
    assert not is_news(known, known.model_copy(update={"plan": plan(planned_at=AT)}))
    assert is_news(known, known.model_copy(update={"plan": plan(at=AT)}))
    assert is_news(known, known.model_copy(update={"state": RetryState.PAID}))
    assert is_news(known, known.model_copy(update={"tries": (one_try(),)}))
