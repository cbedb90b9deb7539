"""Which terms are in force on a day, whatever was set, and in which order."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.refusal import Refused
from runtime.payments.splits.model import SplitTerms
from runtime.payments.splits.terms import CHANGES_AHEAD_MAX, VERSIONS_MAX, SchoolTerms, in_force, with_version
from runtime.platform.clock import business_date

DAY, NOON = date(2026, 4, 1), datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
FIRST, SECOND = SplitTerms(remainder_to="acc_1"), SplitTerms(remainder_to="acc_2")


def then(agreed: SchoolTerms, terms: SplitTerms | None, days: int, *, at: datetime = NOON) -> SchoolTerms:
    """Set at noon in India of the first day, unless told otherwise, from a day on."""
    return with_version(agreed, terms, effective_from=DAY + timedelta(days=days), set_by="usr_1", set_at=at)


def on(agreed: SchoolTerms, days: int) -> SplitTerms | None:
    """What is in force at noon of a day."""
    return at_moment(agreed, NOON + timedelta(days=days))


def at_moment(agreed: SchoolTerms, moment: datetime) -> SplitTerms | None:
    version = in_force(agreed, moment)
    return version.terms if version is not None else None


NONE_YET = SchoolTerms(school_id="sch_1")


def test_nothing_is_in_force_before_the_first() -> None:
    agreed = then(NONE_YET, FIRST, 1)
    assert (on(NONE_YET, 0), on(agreed, 0), on(agreed, 1), on(agreed, 99)) == (None, None, FIRST, FIRST)


def test_the_last_that_was_set_for_a_day_counts() -> None:
    agreed = then(then(then(NONE_YET, FIRST, 0), FIRST, 5), SECOND, 0)
    assert (on(agreed, 0), on(agreed, 4), on(agreed, 5)) == (SECOND, SECOND, FIRST)
    assert on(then(agreed, SECOND, 5), 5) == SECOND


def test_terms_for_a_day_to_come_begin_with_the_day_in_india() -> None:
    agreed = then(NONE_YET, FIRST, 1)
    midnight = datetime(2026, 4, 1, 18, 30, tzinfo=UTC)
    assert at_moment(agreed, midnight - timedelta(milliseconds=1)) is None
    assert at_moment(agreed, midnight) == FIRST


def test_terms_for_today_begin_when_they_are_set_and_leave_what_was_before_as_it_was() -> None:
    ended_at = NOON + timedelta(hours=2)
    agreed = then(then(NONE_YET, FIRST, 0), None, 0, at=ended_at)
    assert at_moment(agreed, NOON - timedelta(milliseconds=1)) is None
    assert at_moment(agreed, NOON) == FIRST
    assert at_moment(agreed, ended_at - timedelta(milliseconds=1)) == FIRST
    assert at_moment(agreed, ended_at) is None


@given(
    st.lists(
        st.tuples(st.sampled_from([FIRST, SECOND, None]), st.integers(0, 3), st.integers(0, 90_000)),
        max_size=20,
    ),
    st.integers(0, 400_000),
)
def test_what_is_set_later_never_changes_what_was_in_force_before(
    settings: list[tuple[SplitTerms | None, int, int]], asked_s: int
) -> None:
    """An event that is handled late meets the terms that it would have met at once."""
    agreed, now, asked = NONE_YET, NOON, NOON + timedelta(seconds=asked_s)
    at_once: SplitTerms | None = None
    for terms, days, waited_s in settings:
        now += timedelta(seconds=waited_s)
        agreed = then(agreed, terms, (business_date(now) - DAY).days + days, at=now)
        if now <= asked:
            at_once = at_moment(agreed, asked)
        assert at_moment(agreed, asked) == at_once


def test_the_same_again_is_no_version() -> None:
    agreed = then(NONE_YET, FIRST, 0)
    assert then(agreed, FIRST, 0) is agreed
    assert then(agreed, FIRST, 3) is not agreed, "what is set for a day stays, whatever changes before it"


def test_an_end_drops_what_was_to_come() -> None:
    agreed = then(then(then(NONE_YET, FIRST, 0), SECOND, 9), None, 3)
    assert (on(agreed, 2), on(agreed, 3), on(agreed, 9)) == (FIRST, None, None)
    assert then(then(NONE_YET, SECOND, 9), None, 0).versions != then(NONE_YET, SECOND, 9).versions


@given(st.lists(st.tuples(st.sampled_from([FIRST, SECOND, None]), st.integers(0, 9)), max_size=90))
def test_what_was_set_is_in_force_however_much_was_set(
    settings: list[tuple[SplitTerms | None, int]],
) -> None:
    agreed = NONE_YET
    expected: dict[int, SplitTerms | None] = {}
    for terms, days in settings:
        agreed = then(agreed, terms, days)
        if terms is None:
            expected = {day: kept for day, kept in expected.items() if day <= days}
        expected[days] = terms
        assert len(agreed.versions) <= VERSIONS_MAX
        for day in range(10):
            begun = [each for each in expected if each <= day]
            assert on(agreed, day) == (expected[max(begun)] if begun else None)
        numbers = [version.number for version in agreed.versions]
        assert numbers == sorted(set(numbers))


def test_more_changes_ahead_than_are_kept_are_refused() -> None:
    agreed = NONE_YET
    for days in range(CHANGES_AHEAD_MAX + 1):
        agreed = then(agreed, FIRST if days % 2 else SECOND, days)
    with pytest.raises(Refused, match="split-terms-too-many"):
        then(agreed, SECOND, CHANGES_AHEAD_MAX + 1)
    assert on(agreed, 0) == SECOND
    changed = then(agreed, FIRST, 0, at=NOON + timedelta(hours=1))
    assert (at_moment(changed, NOON), on(changed, 1)) == (SECOND, FIRST), "what was before has its room"
