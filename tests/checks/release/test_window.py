"""The rollback window: from open to closed or rolled back, and nothing else, at any time."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from checks.checklist.model import Status
from checks.release import proofs
from checks.release.records import Closed, Criterion, GoLive, RollbackBegun, RolledBack
from checks.release.window import ENDED, Window, WindowRefused, WindowState
from tests.checks.release.world import NOW, A, B, go_live

LIVE = go_live()
DEADLINE = LIVE.rollback_deadline
SECOND = timedelta(seconds=1)


def closed(at: datetime, **changed: Any) -> Closed:
    facts: dict[str, Any] = {
        "deployment_id": LIVE.deployment_id,
        "go_live_sha256": LIVE.sha256,
        "at": at,
        "by": "owner@hasivu.example",
        "results_sha256": A,
        "criteria": (Criterion(item_id="uptime", status=Status.PASSED),),
    }
    return Closed(**facts | changed)


def begun(at: datetime, live: GoLive = LIVE) -> RollbackBegun:
    return RollbackBegun(
        deployment_id=live.deployment_id, go_live_sha256=live.sha256, at=at, by="o@x", reason="OPS-9"
    )


def rolled_back(begun_at: datetime, at: datetime, live: GoLive = LIVE) -> RolledBack:
    return RolledBack(
        deployment_id=live.deployment_id,
        go_live_sha256=live.sha256,
        begun_sha256=begun(begun_at, live).sha256,
        begun_at=begun_at,
        at=at,
        seconds=1,
        by="o@x",
        reason="OPS-9",
        moved=("hasivu-prod-one",),
        already_back=(),
        without_previous=(),
    )


def test_the_deadline_is_24_hours_after_and_still_in_time() -> None:
    window = Window(go_live=LIVE)
    assert DEADLINE - LIVE.deployed_at == timedelta(hours=24)
    assert window.state(DEADLINE) is WindowState.OPEN
    assert window.state(DEADLINE + SECOND) is WindowState.OVERDUE


def test_a_go_live_with_another_deadline_is_none() -> None:
    with pytest.raises(ValueError, match="24 hours"):
        go_live(rollback_deadline=DEADLINE + SECOND)


def test_closing_at_the_deadline_is_in_time_and_needs_no_reason() -> None:
    Window(go_live=LIVE).may_close(DEADLINE, late_reason="")
    assert Window(go_live=LIVE, closed=closed(DEADLINE)).state(DEADLINE) is WindowState.CLOSED


@pytest.mark.parametrize(
    ("moment", "reason", "code"),
    [(DEADLINE + SECOND, "", "DEADLINE_PASSED"), (DEADLINE, "we slept", "NOT_LATE")],
)
def test_a_late_closing_has_a_reason_and_only_a_late_one(moment: datetime, reason: str, code: str) -> None:
    with pytest.raises(WindowRefused) as refused:
        Window(go_live=LIVE).may_close(moment, late_reason=reason)
    assert refused.value.code == code
    with pytest.raises(WindowRefused, match="late closing"):
        Window(go_live=LIVE, closed=closed(moment, late_reason=reason))


def test_a_closed_window_is_not_rolled_back() -> None:
    window = Window(go_live=LIVE, closed=closed(NOW))
    with pytest.raises(WindowRefused, match="closed"):
        window.may_roll_back(NOW)


def test_an_overdue_window_may_still_be_rolled_back() -> None:
    Window(go_live=LIVE).may_roll_back(DEADLINE + timedelta(days=3))


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ({"closed": closed(NOW, go_live_sha256=B)}, "OTHER_DEPLOYMENT"),
        ({"closed": closed(NOW - SECOND)}, "BEFORE_GO_LIVE"),
        ({"closed": closed(NOW), "begun": begun(NOW)}, "CONTRADICTION"),
        ({"rolled_back": rolled_back(NOW, NOW)}, "CONTRADICTION"),
        ({"begun": begun(NOW), "rolled_back": rolled_back(NOW + SECOND, NOW + SECOND)}, "CONTRADICTION"),
    ],
)
def test_records_that_cannot_all_be_true_are_refused(records: dict[str, Any], code: str) -> None:
    with pytest.raises(WindowRefused) as refused:
        Window(go_live=LIVE, **records)
    assert refused.value.code == code


MOMENTS = st.timedeltas(timedelta(0), timedelta(days=5)).map(lambda passed: NOW + passed)


@given(MOMENTS)
def test_without_a_record_only_time_decides(now: datetime) -> None:
    state = Window(go_live=LIVE).state(now)
    assert state is (WindowState.OPEN if now <= DEADLINE else WindowState.OVERDUE)
    assert proofs.rollback_window(Window(go_live=LIVE), now).status is (
        Status.PASSED if now <= DEADLINE else Status.FAILED
    )


def test_no_go_live_is_not_a_pass() -> None:
    assert proofs.rollback_window(None, NOW).status is Status.NOT_EVALUATED


def test_a_rollback_that_did_not_end_fails() -> None:
    assert proofs.rollback_window(Window(go_live=LIVE, begun=begun(NOW)), NOW).status is Status.FAILED


class AnyOrderOfSteps(RuleBasedStateMachine):
    """Whatever people try, in whatever order and as late as they like."""

    def __init__(self) -> None:
        super().__init__()
        self.live: GoLive = LIVE
        self.now = NOW
        self.window = Window(go_live=LIVE)
        self.ended: WindowState | None = None

    @rule(passed=st.timedeltas(timedelta(0), timedelta(hours=13)))
    def time_passes(self, passed: timedelta) -> None:
        self.now += passed

    @rule(reason=st.sampled_from(["", "the report came late"]))
    def close(self, reason: str) -> None:
        before = self.window.state(self.now)
        try:
            self.window.may_close(self.now, late_reason=reason)
        except WindowRefused:
            assert before not in {WindowState.OPEN, WindowState.OVERDUE} or bool(reason) != (
                self.now > DEADLINE
            )
            return
        self.window = Window(go_live=self.live, closed=closed(self.now, late_reason=reason))
        self.ended = WindowState.CLOSED

    @rule()
    def begin_rollback(self) -> None:
        try:
            self.window.may_roll_back(self.now)
        except WindowRefused:
            assert self.ended is WindowState.CLOSED
            return
        if self.window.begun is None:
            self.window = Window(go_live=self.live, begun=begun(self.now))

    @precondition(lambda self: self.window.begun is not None and self.window.rolled_back is None)
    @rule()
    def end_rollback(self) -> None:
        assert self.window.begun is not None
        self.window = Window(
            go_live=self.live,
            begun=self.window.begun,
            rolled_back=rolled_back(self.window.begun.at, self.now),
        )
        self.ended = WindowState.ROLLED_BACK

    @invariant()
    def an_end_is_an_end(self) -> None:
        state = self.window.state(self.now)
        assert (state in ENDED) == (self.ended is not None)
        if self.ended is not None:
            assert state is self.ended

    @invariant()
    def nobody_forgets_the_deadline(self) -> None:
        untouched = self.window.begun is None and self.ended is None
        overdue = self.window.state(self.now) is WindowState.OVERDUE
        assert overdue == (untouched and self.now > DEADLINE)


TestAnyOrderOfSteps = AnyOrderOfSteps.TestCase
