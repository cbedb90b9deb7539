"""Peppers: a rotation adds one, and drops one only when no key can need it any more."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.access.peppers import API_KEY_LIFETIME_MAX, FIRST, PEPPERS_MAX, Peppers, PeppersInvalid

NOW = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
MADE_BY_THE_STACK = {"pepper": "f" * 64}


def pepper(number: int) -> str:
    return f"{number:064d}"


def test_what_the_stack_made_is_the_first_version() -> None:
    peppers = Peppers.of(MADE_BY_THE_STACK)
    assert (peppers.current, peppers.by_version) == (FIRST, {FIRST: "f" * 64})


def test_a_rotation_adds_a_version_and_keeps_the_first() -> None:
    peppers = Peppers.of(MADE_BY_THE_STACK).superseded_by(pepper(1), now=NOW)
    assert peppers.document() == {
        "peppers": {FIRST: "f" * 64, "20260401T063000Z": pepper(1)},
        "current": "20260401T063000Z",
    }
    assert Peppers.of(peppers.document()) == peppers


def test_a_version_is_named_in_utc_wherever_it_is_made() -> None:
    in_india = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    one, other = (Peppers.of(MADE_BY_THE_STACK).superseded_by(pepper(1), now=now) for now in (NOW, in_india))
    assert one == other


def test_a_pepper_goes_when_the_last_key_under_it_has_expired() -> None:
    """On 1 April it is superseded. A key made minutes later under it, from a cache, lives for a year."""
    peppers = Peppers.of(MADE_BY_THE_STACK).superseded_by(pepper(1), now=NOW)
    year_later = NOW + API_KEY_LIFETIME_MAX
    assert FIRST in peppers.superseded_by(pepper(2), now=year_later).by_version
    late = peppers.superseded_by(pepper(2), now=year_later + timedelta(days=1))
    assert set(late.by_version) == {"20260401T063000Z", late.current}


@given(st.lists(st.integers(1, 200), min_size=1, max_size=20))
def test_whatever_the_pace_no_live_key_loses_its_pepper(days_between: list[int]) -> None:
    now, peppers = NOW, Peppers.of(MADE_BY_THE_STACK)
    superseded_at: dict[str, datetime] = {}
    for number, days in enumerate(days_between, start=1):
        now += timedelta(days=days)
        superseded_at[peppers.current] = now
        peppers = peppers.superseded_by(pepper(number), now=now)
    for version, at in superseded_at.items():
        if now < at + API_KEY_LIFETIME_MAX:
            assert version in peppers.by_version
    assert peppers.by_version[peppers.current] == pepper(len(days_between))


@pytest.mark.parametrize(
    "document",
    [
        {}, {"pepper": ""}, {"pepper": None}, {"pepper": 5}, {"peppers": {}, "current": FIRST},
        {"peppers": {FIRST: ""}, "current": FIRST}, {"peppers": {FIRST: "a"}, "current": "2"},
        {"peppers": {FIRST: "a"}}, {"peppers": ["a"], "current": FIRST},
        {"peppers": {str(number): "a" for number in range(PEPPERS_MAX + 1)}, "current": "1"},
    ],
)  # fmt: skip
def test_what_holds_no_peppers_is_an_error_that_shows_none(document: dict[str, Any]) -> None:
    with pytest.raises(PeppersInvalid) as caught:
        Peppers.of(document)
    assert "a" not in str(caught.value).split()


@pytest.mark.parametrize("next_one", ["short", "f" * 64])
def test_a_new_pepper_is_long_and_new(next_one: str) -> None:
    with pytest.raises(PeppersInvalid):
        Peppers.of(MADE_BY_THE_STACK).superseded_by(next_one, now=NOW)


def test_there_is_one_rotation_in_a_second_and_none_before_the_last() -> None:
    peppers = Peppers.of(MADE_BY_THE_STACK).superseded_by(pepper(1), now=NOW)
    for now in (NOW, NOW - timedelta(hours=1)):
        with pytest.raises(PeppersInvalid, match="newer"):
            peppers.superseded_by(pepper(2), now=now)


def test_a_successor_adds_one_pepper_and_changes_none() -> None:
    before = Peppers.of(MADE_BY_THE_STACK)
    after = before.superseded_by(pepper(1), now=NOW)
    before.hold_successor(after)
    for wrong in (
        before,
        Peppers({FIRST: "g" * 64, after.current: pepper(1)}, after.current),
        Peppers({**after.by_version, "20250101T000000Z": pepper(3)}, after.current),
        Peppers(after.by_version, FIRST),
    ):
        with pytest.raises(PeppersInvalid):
            before.hold_successor(wrong)


def test_nothing_shows_a_pepper() -> None:
    assert "f" * 8 not in repr(Peppers.of(MADE_BY_THE_STACK))
