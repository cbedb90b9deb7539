"""An exception goes its way with an owner, a trail and four eyes, and never a way that is not allowed."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.reconciliation.ageing import AgeBucket, age_bucket, age_days
from runtime.payments.reconciliation.exception_model import (
    MATCHER,
    Action,
    ReconciliationException,
    Refusal,
    Resolution,
    State,
    TransitionRefused,
)
from runtime.payments.reconciliation.exceptions import (
    TRAIL_MAX,
    approve_force,
    assign,
    comment,
    decision_of,
    explain,
    open_exception,
    post_manually,
    recheck,
    reject_force,
    request_force,
    void,
)
from runtime.payments.reconciliation.model import Finding, Leg, Status
from tests.unit.payments.reconciliation.facts import (
    LATER,
    WEDNESDAY,
    World,
    expectation,
    line,
    row,
    settlement,
    working_days,
)

NOON = datetime(2026, 4, 20, 6, 30, tzinfo=UTC)
REASON = "the bank confirmed it by letter"
OWNER, OTHER = "usr_asha", "usr_bala"


def findings_of(world: World, group_id: str, today: date = LATER) -> list[Finding]:
    return [finding for finding in world.found(today).values() if finding.group_id == group_id]


UNDERPAID = World([expectation()], [row()], [settlement()], [line(amount_paise=97_000)])
MATTER = "utr:AXISCN1153863727"


def opened(world: World = UNDERPAID, group_id: str = MATTER) -> ReconciliationException:
    return open_exception(findings_of(world, group_id), NOON)


def owned(exception: ReconciliationException | None = None) -> ReconciliationException:
    return assign(exception or opened(), owner=OWNER, actor=OTHER, at=NOON)


def requested() -> ReconciliationException:
    return request_force(owned(), difference_paise=-640, reason=REASON, actor=OWNER, at=NOON)


def with_difference(paise: int) -> ReconciliationException:
    return owned().model_copy(update={"difference_paise": paise})


def refused(step: Callable[[], object]) -> Refusal:
    with pytest.raises(TransitionRefused) as caught:
        step()
    return caught.value.code


class TestTheWay:
    def test_it_opens_with_what_the_match_found(self) -> None:
        exception = opened()
        assert (exception.state, exception.difference_paise) == (State.OPEN, -640)
        assert exception.statuses == (Status.UNDER,)
        assert exception.trail[0].actor == MATCHER

    def test_the_same_matter_is_the_same_exception(self) -> None:
        assert opened().exception_id == opened().exception_id

    def test_an_owner_posts_by_hand_what_agrees(self) -> None:
        done = post_manually(with_difference(0), reason=REASON, actor=OWNER, at=NOON)
        assert (done.state, done.resolution) == (State.RESOLVED, Resolution.POSTED_MANUAL)
        decision = decision_of(done)
        assert decision is not None
        assert (decision.outcome, decision.facts, decision.reason) == (
            Status.POSTED_MANUAL,
            done.facts,
            REASON,
        )

    @pytest.mark.parametrize(
        ("step", "resolution"), [(void, Resolution.VOID), (explain, Resolution.EXPLAINED)]
    )
    def test_an_owner_voids_or_explains(self, step: Any, resolution: Resolution) -> None:
        done = step(owned(), reason=REASON, actor=OWNER, at=NOON)
        assert done.resolution is resolution
        decision = decision_of(done)
        assert decision is not None
        assert decision.outcome is Status.VOID

    def test_two_people_post_by_force(self) -> None:
        asked = requested()
        assert (asked.state, decision_of(asked)) == (State.AWAITING_APPROVAL, None)
        done = approve_force(asked, actor=OTHER, is_admin=False, at=NOON)
        assert (done.state, done.resolution, done.request) == (State.RESOLVED, Resolution.POSTED_FORCED, None)
        assert [posting.difference_paise for posting in done.forced] == [-640]
        decision = decision_of(done)
        assert decision is not None
        assert UNDERPAID.statuses(decisions=(decision,))["bank line_A"] is Status.POSTED_FORCED

    def test_a_request_can_be_turned_down_and_made_again(self) -> None:
        back = reject_force(requested(), reason=REASON, actor=OTHER, at=NOON)
        assert (back.state, back.request, back.owner) == (State.ASSIGNED, None, OWNER)
        assert request_force(back, difference_paise=-640, reason=REASON, actor=OWNER, at=NOON).request

    def test_every_step_is_in_the_trail(self) -> None:
        done = approve_force(requested(), actor=OTHER, is_admin=False, at=NOON)
        said = comment(done, text="letter filed", actor=OTHER, at=NOON)
        assert [(entry.action, entry.actor) for entry in said.trail] == [
            (Action.OPENED, MATCHER),
            (Action.ASSIGNED, OTHER),
            (Action.FORCE_REQUESTED, OWNER),
            (Action.FORCE_APPROVED, OTHER),
            (Action.COMMENTED, OTHER),
        ]
        assert said.version == 5

    def test_it_can_change_hands(self) -> None:
        assert assign(owned(), owner=OTHER, actor=OTHER, at=NOON).owner == OTHER
        assert assign(requested(), owner=OTHER, actor=OTHER, at=NOON).state is State.AWAITING_APPROVAL

    def test_what_is_said_is_masked(self) -> None:
        said = comment(opened(), text="call 9876543210 or ravi@okhdfc", actor=OWNER, at=NOON)
        assert "9876543210" not in said.model_dump_json()
        assert "ravi" not in said.model_dump_json()


class TestRefusals:
    @pytest.mark.parametrize("step", [void, explain, post_manually])
    def test_nobody_resolves_what_is_not_theirs(self, step: Any) -> None:
        assert refused(lambda: step(opened(), reason=REASON, actor=OWNER, at=NOON)) is Refusal.NOT_ASSIGNED
        assert refused(lambda: step(owned(), reason=REASON, actor=OTHER, at=NOON)) is Refusal.NOT_OWNER
        assert (
            refused(lambda: step(requested(), reason=REASON, actor=OWNER, at=NOON))
            is Refusal.AWAITING_APPROVAL
        )

    def test_a_difference_is_not_posted_by_hand(self) -> None:
        assert (
            refused(lambda: post_manually(owned(), reason=REASON, actor=OWNER, at=NOON))
            is Refusal.NEEDS_FORCE
        )

    def test_nothing_is_not_posted_by_force(self) -> None:
        def step() -> object:
            return request_force(with_difference(0), difference_paise=0, reason=REASON, actor=OWNER, at=NOON)

        assert refused(step) is Refusal.NOTHING_TO_FORCE

    @pytest.mark.parametrize("changes", [{"currency": "USD"}, {"statuses": (Status.CURRENCY_MISMATCH,)}])
    def test_another_currency_is_not_posted_by_force(self, changes: dict[str, Any]) -> None:
        foreign = owned().model_copy(update=changes)

        def step() -> object:
            return request_force(foreign, difference_paise=-640, reason=REASON, actor=OWNER, at=NOON)

        assert refused(step) is Refusal.FORCE_CURRENCY

    def test_who_asks_names_the_amount(self) -> None:
        def step() -> object:
            return request_force(owned(), difference_paise=640, reason=REASON, actor=OWNER, at=NOON)

        assert refused(step) is Refusal.FORCE_AMOUNT

    @pytest.mark.parametrize("actor", [OWNER, OWNER.upper()])
    def test_who_asked_does_not_approve(self, actor: str) -> None:
        assert (
            refused(lambda: approve_force(requested(), actor=actor, is_admin=True, at=NOON))
            is Refusal.SAME_PERSON
        )

    def test_who_asked_does_not_approve_after_the_owner_changed(self) -> None:
        moved = assign(requested(), owner=OTHER, actor=OTHER, at=NOON)
        assert (
            refused(lambda: approve_force(moved, actor=OWNER, is_admin=True, at=NOON)) is Refusal.SAME_PERSON
        )

    @pytest.mark.parametrize(
        ("paise", "finance", "admin"),
        [
            (-1_000_000, True, True),
            (1_000_001, False, True),
            (10_000_000, False, True),
            (-10_000_001, False, False),
        ],
    )
    def test_force_has_its_limits(self, paise: int, finance: bool, admin: bool) -> None:
        exception = with_difference(paise)
        if not admin:

            def step() -> object:
                return request_force(exception, difference_paise=paise, reason=REASON, actor=OWNER, at=NOON)

            assert refused(step) is Refusal.FORCE_LIMIT
            return
        asked = request_force(exception, difference_paise=paise, reason=REASON, actor=OWNER, at=NOON)
        assert approve_force(asked, actor=OTHER, is_admin=True, at=NOON).state is State.RESOLVED
        if finance:
            assert approve_force(asked, actor=OTHER, is_admin=False, at=NOON).state is State.RESOLVED
        else:
            code = refused(lambda: approve_force(asked, actor=OTHER, is_admin=False, at=NOON))
            assert code is Refusal.FORCE_LIMIT

    def test_nothing_was_asked_for(self) -> None:
        assert (
            refused(lambda: approve_force(owned(), actor=OTHER, is_admin=True, at=NOON))
            is Refusal.NOTHING_TO_APPROVE
        )
        assert (
            refused(lambda: reject_force(owned(), reason=REASON, actor=OTHER, at=NOON))
            is Refusal.NOTHING_TO_APPROVE
        )

    @pytest.mark.parametrize("reason", ["", "because", " a " * 5, "\n" * 50])
    def test_a_reason_says_something(self, reason: str) -> None:
        assert refused(lambda: void(owned(), reason=reason, actor=OWNER, at=NOON)) is Refusal.REASON
        assert (
            refused(lambda: reject_force(requested(), reason=reason, actor=OTHER, at=NOON)) is Refusal.REASON
        )

        def ask() -> object:
            return request_force(owned(), difference_paise=-640, reason=reason, actor=OWNER, at=NOON)

        assert refused(ask) is Refusal.REASON
        assert refused(lambda: comment(owned(), text=" ", actor=OWNER, at=NOON)) is Refusal.REASON

    def test_texts_and_trails_are_bounded(self) -> None:
        assert (
            refused(lambda: comment(owned(), text="x" * 2_001, actor=OWNER, at=NOON)) is Refusal.TEXT_TOO_LONG
        )
        full = owned()
        full = full.model_copy(update={"trail": full.trail * (TRAIL_MAX // 2)})
        assert refused(lambda: comment(full, text="more", actor=OWNER, at=NOON)) is Refusal.TRAIL_FULL
        news = findings_of(
            World([expectation()], [row()], [settlement()], [line(amount_paise=96_000)]), MATTER
        )
        assert recheck(full, news, NOON).trail[-1].action is Action.FACTS_CHANGED

    @pytest.mark.parametrize("name", ["", " ", " usr", "usr\n", "x" * 129, MATCHER])
    def test_a_step_is_somebodys(self, name: str) -> None:
        assert refused(lambda: comment(owned(), text="hello", actor=name, at=NOON)) is Refusal.ACTOR
        assert refused(lambda: assign(opened(), owner=name, actor=OTHER, at=NOON)) is Refusal.ACTOR

    def test_time_does_not_run_backwards(self) -> None:
        earlier = NOON - timedelta(seconds=1)
        assert refused(lambda: comment(owned(), text="hello", actor=OWNER, at=earlier)) is Refusal.BACKWARDS

    def test_what_is_resolved_stays_resolved(self) -> None:
        done = void(owned(), reason=REASON, actor=OWNER, at=NOON)
        for step in (
            lambda: void(done, reason=REASON, actor=OWNER, at=NOON),
            lambda: assign(done, owner=OTHER, actor=OTHER, at=NOON),
            lambda: request_force(done, difference_paise=-640, reason=REASON, actor=OWNER, at=NOON),
            lambda: approve_force(done, actor=OTHER, is_admin=True, at=NOON),
        ):
            assert refused(step) is Refusal.RESOLVED

    def test_findings_are_of_one_matter(self) -> None:
        everything = list(UNDERPAID.found().values())
        assert refused(lambda: open_exception(everything, NOON)) is Refusal.OTHER_MATTER
        other = findings_of(UNDERPAID, "pay_A")
        assert refused(lambda: recheck(opened(), other, NOON)) is Refusal.OTHER_MATTER
        with pytest.raises(ValueError, match="has findings"):
            open_exception([], NOON)


class TestNewFacts:
    REST = World(
        [expectation()],
        [row()],
        [settlement()],
        [line(amount_paise=97_000), line("line_B", amount_paise=640)],
    )
    MORE = World(
        [expectation()],
        [row()],
        [settlement()],
        [line(amount_paise=97_000), line("line_B", amount_paise=600)],
    )

    def test_nothing_new_changes_nothing(self) -> None:
        for exception in (opened(), owned(), requested()):
            assert recheck(exception, findings_of(UNDERPAID, MATTER), NOON) is exception

    def test_a_decided_matter_that_the_match_respects_stays_as_it_is(self) -> None:
        done = approve_force(requested(), actor=OTHER, is_admin=False, at=NOON)
        decision = decision_of(done)
        assert decision is not None
        found = UNDERPAID.found(decisions=(decision,))
        after = [finding for finding in found.values() if finding.group_id == MATTER]
        assert recheck(done, after, NOON) is done
        assert recheck(done, findings_of(UNDERPAID, MATTER), NOON) is done

    def test_the_rest_of_the_money_resolves_it(self) -> None:
        for exception in (opened(), owned(), requested()):
            done = recheck(exception, findings_of(self.REST, MATTER), NOON)
            assert (done.state, done.resolution, done.request) == (State.RESOLVED, Resolution.MATCHED, None)
            assert decision_of(done) is None
            assert recheck(done, findings_of(self.REST, MATTER), NOON) is done

    def test_a_new_fact_takes_back_a_request(self) -> None:
        after = recheck(requested(), findings_of(self.MORE, MATTER), NOON)
        assert (after.state, after.request, after.difference_paise) == (State.ASSIGNED, None, -40)
        assert recheck(opened(), findings_of(self.MORE, MATTER), NOON).state is State.OPEN

    @pytest.mark.parametrize("step", [void, explain])
    def test_a_new_fact_that_contradicts_opens_it_again(self, step: Any) -> None:
        done = step(owned(), reason=REASON, actor=OWNER, at=NOON)
        again = recheck(done, findings_of(self.MORE, MATTER), NOON)
        assert (again.state, again.owner, again.resolution, again.resolved_at) == (
            State.OPEN,
            None,
            None,
            None,
        )
        assert again.trail[-1].action is Action.REOPENED

    def test_a_forced_posting_ends_when_the_money_comes(self) -> None:
        done = approve_force(requested(), actor=OTHER, is_admin=False, at=NOON)
        after = recheck(done, findings_of(self.REST, MATTER), NOON)
        assert (after.state, after.resolution) == (State.RESOLVED, Resolution.MATCHED)
        assert len(after.forced) == 1

    def test_what_matched_and_no_longer_does_is_opened_again(self) -> None:
        done = recheck(opened(), findings_of(self.REST, MATTER), NOON)
        assert recheck(done, findings_of(self.MORE, MATTER), NOON).state is State.OPEN

    def test_what_is_open_of_a_matter_counts(self) -> None:
        """The credit is here, the settlement does not explain it: the bank's side is closed."""
        world = World([], [row(credit=97_000)], [settlement()], [line()])
        exception = opened(world)
        assert exception.statuses == (Status.SPLIT_MISMATCH,)
        assert exception.difference_paise == 640


class TestAge:
    @pytest.mark.parametrize(
        ("today", "age", "bucket"),
        [
            (date(2026, 4, 1), 0, AgeBucket.UP_TO_1),
            (date(2026, 4, 2), 1, AgeBucket.UP_TO_1),
            (date(2026, 4, 5), 2, AgeBucket.UP_TO_3),
            (date(2026, 4, 6), 3, AgeBucket.UP_TO_3),
            (date(2026, 4, 7), 4, AgeBucket.UP_TO_7),
            (date(2026, 4, 10), 7, AgeBucket.UP_TO_7),
            (date(2026, 4, 13), 8, AgeBucket.UP_TO_30),
            (date(2026, 4, 14), 8, AgeBucket.UP_TO_30),
            (date(2026, 5, 14), 30, AgeBucket.UP_TO_30),
            (date(2026, 5, 15), 31, AgeBucket.OLDER),
        ],
    )
    def test_it_is_counted_in_working_days(self, today: date, age: int, bucket: AgeBucket) -> None:
        """From Wednesday 1 April; 14 April is a holiday."""
        exception = opened().model_copy(update={"opened_at": "2026-03-31T18:30:00.000Z"})
        assert age_days(exception, today, working_days()) == age
        assert age_bucket(exception, today, working_days()) is bucket

    def test_what_is_resolved_ages_no_more(self) -> None:
        resolved = opened().model_copy(
            update={"opened_at": "2026-04-01T06:30:00.000Z", "resolved_at": "2026-04-02T18:29:59.000Z"}
        )
        assert age_days(resolved, date(2027, 1, 1), working_days()) == 1


STEPS: list[Callable[[ReconciliationException, str, datetime], ReconciliationException]] = [
    lambda exception, actor, at: assign(exception, owner=actor, actor=actor, at=at),
    lambda exception, actor, at: comment(exception, text="a word", actor=actor, at=at),
    lambda exception, actor, at: post_manually(exception, reason=REASON, actor=actor, at=at),
    lambda exception, actor, at: void(exception, reason=REASON, actor=actor, at=at),
    lambda exception, actor, at: request_force(
        exception, difference_paise=exception.difference_paise, reason=REASON, actor=actor, at=at
    ),
    lambda exception, actor, at: approve_force(exception, actor=actor, is_admin=False, at=at),
    lambda exception, actor, at: reject_force(exception, reason=REASON, actor=actor, at=at),
    lambda exception, actor, at: recheck(exception, findings_of(UNDERPAID, MATTER), at),
    lambda exception, actor, at: recheck(exception, findings_of(TestNewFacts.MORE, MATTER), at),
    lambda exception, actor, at: recheck(exception, findings_of(TestNewFacts.REST, MATTER), at),
]


@given(st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.sampled_from([OWNER, OTHER])), max_size=15))
def test_whatever_is_tried_no_force_without_two_people_and_no_step_without_a_trail(
    tried: list[tuple[int, str]],
) -> None:
    exception = opened()
    for minute, (number, actor) in enumerate(tried):
        before = exception
        with suppress(TransitionRefused):
            exception = STEPS[number](exception, actor, NOON + timedelta(minutes=minute))
        if exception is not before:
            assert exception.version == before.version + 1
            assert exception.trail[:-1] == before.trail
        if len(exception.forced) > len(before.forced):
            assert before.request is not None
            assert before.request.requested_by != exception.trail[-1].actor
        assert (exception.state is State.RESOLVED) == (exception.resolution is not None)
        assert (exception.state is State.RESOLVED) == (exception.resolved_at is not None)
        assert (exception.state is State.AWAITING_APPROVAL) == (exception.request is not None)
        assert ReconciliationException.model_validate_json(exception.model_dump_json()) == exception


def test_opened_on_a_wednesday() -> None:
    assert WEDNESDAY.weekday() == 2
    assert {finding.leg for finding in findings_of(UNDERPAID, MATTER)} == {Leg.SETTLEMENT, Leg.BANK}
