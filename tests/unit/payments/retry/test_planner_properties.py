"""Whatever the situation, a plan breaks no rule, says why, and is the same for the same situation."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from runtime.payments.retry.plan import Plan, Retry
from runtime.payments.retry.situation import Situation
from tests.unit.payments.retry.lawful import broken
from tests.unit.payments.retry.situations import (
    PLANNER,
    any_situation,
    at_the_latest,
    codes,
    no_chance,
    seeded,
    situations,
)

PLANS: TypeAdapter[Plan] = TypeAdapter(Plan)
MANY = settings(max_examples=500, suppress_health_check=[HealthCheck.filter_too_much], deadline=None)


@settings(MANY, max_examples=3_000)
@given(situations(), st.integers(0, 1_000))
def test_a_planned_debit_breaks_nothing(asked: Situation, seed: int) -> None:
    chance = seeded(seed).randrange if seed % 2 else at_the_latest
    plan = PLANNER.plan(asked, chance)
    if isinstance(plan, Retry):
        assert broken(plan, asked) == []
        assert plan.amount_paise == asked.debit.amount_paise


@MANY
@given(situations(), st.integers(0, 1_000))
def test_the_same_situation_has_the_same_plan(asked: Situation, seed: int) -> None:
    first = PLANNER.plan(asked, seeded(seed).randrange)
    assert PLANNER.plan(asked, seeded(seed).randrange) == first


@MANY
@given(situations())
def test_every_plan_says_why_and_can_be_kept(asked: Situation) -> None:
    plan = PLANNER.plan(asked, no_chance)
    assert plan.because
    assert all(why.code and why.sentence.endswith(".") and why.source for why in plan.because)
    assert len(codes(plan)) == len(plan.because), "every constraint is named once"
    kept = PLANS.dump_json(plan)
    assert PLANS.dump_json(PLANS.validate_json(kept)) == kept


WITHOUT: dict[str, tuple[Callable[[Situation], Situation], set[str]]] = {
    "downtimes": (lambda asked: replace(asked, downtimes=()), {"downtime"}),
    "expiry": (
        lambda asked: replace(asked, mandate=replace(asked.mandate, expires_at=None)),
        {"mandate_expiry"},
    ),
    "cycle": (
        lambda asked: replace(asked, mandate=replace(asked.mandate, cycle_start=None, cycle_end=None)),
        {"cycle_start", "cycle_end", "last_day_of_cycle"},
    ),
    "attempts": (
        lambda asked: replace(asked, attempts=()),
        {"backoff", "reinitiation_minutes", "decline_wait", "earliest"},
    ),
}


@pytest.mark.parametrize("name", WITHOUT)
@MANY
@given(asked=situations())
def test_what_moved_the_debit_is_named(name: str, asked: Situation) -> None:
    """Where the plan would be another one without it, it is among the reasons."""
    remove, its_codes = WITHOUT[name]
    plan, free = PLANNER.plan(asked, no_chance), PLANNER.plan(remove(asked), no_chance)
    assume(isinstance(plan, Retry) and isinstance(free, Retry))
    assert isinstance(plan, Retry)
    assert isinstance(free, Retry)
    if plan.at != free.at:
        assert codes(plan) & its_codes


@MANY
@given(situations(), st.integers(0, 60 * 24 * 5))
def test_later_never_plans_for_earlier_than_itself(asked: Situation, minutes: int) -> None:
    later = replace(asked, now=asked.now + timedelta(minutes=minutes))
    plan = PLANNER.plan(later, no_chance)
    if isinstance(plan, Retry):
        assert plan.at >= later.now
        assert plan.notify_at is None or later.now <= plan.notify_at < plan.at


@MANY
@given(situations(simple=True), st.integers(0, 60 * 24 * 5))
def test_a_later_plan_never_comes_before_an_earlier_one(asked: Situation, minutes: int) -> None:
    """As long as no notice runs and every downtime has an end, time only takes slots away."""
    later = replace(asked, now=asked.now + timedelta(minutes=minutes))
    first, second = PLANNER.plan(asked, no_chance), PLANNER.plan(later, no_chance)
    if isinstance(first, Retry) and isinstance(second, Retry):
        assert second.at >= first.at


@MANY
@given(situations())
def test_a_manual_request_is_never_later_than_a_patient_one(asked: Situation) -> None:
    by_hand = PLANNER.plan(replace(asked, manual=True), no_chance)
    patient = PLANNER.plan(replace(asked, manual=False), no_chance)
    if isinstance(patient, Retry):
        assert isinstance(by_hand, Retry)
        assert by_hand.at <= patient.at


@MANY
@given(situations())
def test_a_debit_at_its_planned_moment_passes_the_last_check(asked: Situation) -> None:
    """Unless a notice has to be given first, or time itself changes what is known."""
    plan = PLANNER.plan(asked, no_chance)
    if isinstance(plan, Retry) and plan.notify_at is None and asked.notice is not None:
        forbidden = {why.code for why in PLANNER.check(replace(asked, now=plan.at))}
        assert forbidden <= ({"notice_missing"} if asked.notice.delivered_at is None else set())


def test_the_situations_of_these_tests_are_worth_planning() -> None:
    """A property over plans that never come proves nothing."""
    kinds = Counter(
        type(PLANNER.plan(any_situation(seeded(seed)), no_chance)).__name__ for seed in range(1_000)
    )
    assert kinds["Retry"] > 300
    assert min(kinds[name] for name in ("AskCustomer", "Poll", "Stop")) > 50
