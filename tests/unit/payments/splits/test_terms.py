"""Which terms are in force on a day, whatever was set, and in which order."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.refusal import Refused
from runtime.payments.splits.model import SplitTerms
from runtime.payments.splits.terms import VERSIONS_MAX, SchoolTerms, in_force, with_version

DAY, NOW = date(2026, 4, 1), datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
FIRST, SECOND = SplitTerms(remainder_to="acc_1"), SplitTerms(remainder_to="acc_2")


def then(agreed: SchoolTerms, terms: SplitTerms | None, days: int) -> SchoolTerms:
    return with_version(
        agreed,
        terms,
        effective_from=DAY + timedelta(days=days),
        set_by="usr_1",
        set_at=NOW,
    )


def on(agreed: SchoolTerms, days: int) -> SplitTerms | None:
    version = in_force(agreed, DAY + timedelta(days=days))
    return version.terms if version is not None else None


NONE_YET = SchoolTerms(school_id="sch_1")


def test_nothing_is_in_force_before_the_first() -> None:
    agreed = then(NONE_YET, FIRST, 1)
    assert (on(NONE_YET, 0), on(agreed, 0), on(agreed, 1), on(agreed, 99)) == (None, None, FIRST, FIRST)


def test_the_last_that_was_set_for_a_day_counts() -> None:
    agreed = then(then(then(NONE_YET, FIRST, 0), FIRST, 5), SECOND, 0)
    assert (on(agreed, 0), on(agreed, 4), on(agreed, 5)) == (SECOND, SECOND, FIRST)
    assert on(then(agreed, SECOND, 5), 5) == SECOND


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
    for days in range(VERSIONS_MAX):
        agreed = then(agreed, FIRST if days % 2 else SECOND, days)
    with pytest.raises(Refused, match="split-terms-too-many"):
        then(agreed, SECOND, VERSIONS_MAX + 1)
    assert on(agreed, 0) == SECOND
