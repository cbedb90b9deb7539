"""Deadlines and pauses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.backoff import Backoff
from runtime.gateways.deadline import Deadline
from runtime.platform.clock import FixedClock
from tests.unit.gateways.fakes import START


@given(budget_ms=st.integers(1, 10**6), waited_ms=st.integers(0, 2 * 10**6))
def test_what_is_left_shrinks_to_nothing_and_no_further(budget_ms: int, waited_ms: int) -> None:
    clock = FixedClock(START)
    deadline = Deadline(clock, budget_ms)
    clock.advance(seconds=waited_ms / 1000)
    assert 0 <= deadline.left_ms() <= budget_ms
    assert abs(deadline.left_ms() - max(0, budget_ms - waited_ms)) <= 1


@given(budget_ms=st.integers(1, 10**6), share=st.floats(0.01, 1))
def test_a_part_ends_no_later_than_the_whole(budget_ms: int, share: float) -> None:
    whole = Deadline(FixedClock(START), budget_ms)
    assert 0 <= whole.part(share).left_ms() <= max(1, whole.left_ms())


@pytest.mark.parametrize("budget_ms", [0, -5])
def test_a_spent_budget_is_no_deadline(budget_ms: int) -> None:
    with pytest.raises(ValueError, match="millisecond"):
        Deadline(FixedClock(START), budget_ms)


@pytest.mark.parametrize("share", [0, -1, 1.1])
def test_a_share_is_a_share(share: float) -> None:
    with pytest.raises(ValueError, match="share"):
        Deadline(FixedClock(START), 10).part(share)


@given(repeat=st.integers(0, 10_000), random=st.floats(0, 1, exclude_max=True))
def test_a_pause_never_exceeds_the_doubling_nor_the_cap(repeat: int, random: float) -> None:
    backoff = Backoff(base_s=0.1, pause_max_s=2.0)
    pause_s = backoff.pause_s(repeat, lambda: random)
    assert 0 <= pause_s <= min(2.0, 0.1 * 2.0 ** min(repeat, 30))


def test_full_jitter_spreads_over_the_whole_range() -> None:
    values = iter((0.0, 0.5, 1.0))
    assert [Backoff().pause_s(2, lambda: next(values)) for _ in range(3)] == [0.0, 0.2, 0.4]
