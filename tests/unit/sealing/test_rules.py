"""What the next checkpoint says."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.clock import FixedClock
from runtime.platform.ids import UlidIds
from runtime.sealing.model import Checkpoint, seal_key
from runtime.sealing.rules import SETTLES_AFTER, days_to_read, first_unsettled, next_checkpoint

NOW = datetime(2026, 4, 10, 12, tzinfo=UTC)


def line(day: str, number: int) -> dict[str, object]:
    return {"day": day, "audit_id": f"aud_{number:026d}", "action": "payments.create"}


def test_checkpoints_follow_each_other() -> None:
    first = next_checkpoint(None, "log", [line("2026-04-10", 1), line("2026-04-10", 2)], NOW)
    silent = next_checkpoint(first, "log", [], NOW + timedelta(minutes=5))
    third = next_checkpoint(silent, "log", [line("2026-04-10", 3)], NOW + timedelta(minutes=10))
    assert [each.sequence for each in (first, silent, third)] == [0, 1, 2]
    assert [each.size for each in (first, silent, third)] == [2, 2, 3]
    assert (first.previous, silent.previous, third.previous) == (None, first.digest, silent.digest)
    assert (silent.lines, silent.root) == (None, first.root)
    assert third.until == {"2026-04-10": "aud_00000000000000000000000003"}


def test_days_that_can_get_no_more_lines_are_forgotten() -> None:
    first = next_checkpoint(None, "log", [line("2026-04-09", 1), line("2026-04-10", 2)], NOW)
    later = next_checkpoint(first, "log", [], NOW + timedelta(days=2))
    assert set(first.until) == {"2026-04-09", "2026-04-10"}
    assert set(later.until) == {"2026-04-10"}


def test_the_days_to_read_are_those_of_india() -> None:
    before_midnight = datetime(2026, 4, 10, 18, 34, tzinfo=UTC)  # 00:04 on the eleventh in India
    assert days_to_read(before_midnight)[-1] == date(2026, 4, 10)
    assert days_to_read(before_midnight + timedelta(minutes=2))[-1] == date(2026, 4, 11)


@given(st.integers(0, 10_000), st.integers(0, 2**80 - 1))
def test_a_line_is_settled_exactly_when_it_is_old_enough(age_s: int, chance: int) -> None:
    made = UlidIds(FixedClock(NOW - timedelta(seconds=age_s)), lambda bits: chance).new("aud")
    assert (made < first_unsettled(NOW)) is (timedelta(seconds=age_s) > SETTLES_AFTER)


def test_a_frontier_of_another_root_is_refused() -> None:
    checkpoint = next_checkpoint(None, "log", [line("2026-04-10", 1)], NOW)
    forged = checkpoint.model_copy(update={"root": "0" * 64})
    with pytest.raises(ValueError, match="not that of the frontier"):
        _ = Checkpoint.model_validate(forged.model_dump(by_alias=True)).tree


def test_a_thousand_seals_are_in_a_folder() -> None:
    assert (seal_key(999), seal_key(12_345)) == ("seals/000000000/999.json", "seals/000000012/345.json")
