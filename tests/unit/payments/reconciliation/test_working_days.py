"""Working days are counted by the bank's calendar and by the terms of their day."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.payments.reconciliation.terms import (
    ForceLimits,
    Terms,
    holding_on,
    shipped_terms,
)
from runtime.payments.reconciliation.working_days import WorkingDays

REPUBLIC_DAY = date(2026, 1, 26)
DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


def days() -> WorkingDays:
    return WorkingDays({REPUBLIC_DAY, date(2028, 2, 29), date(2026, 12, 31)}.__contains__)


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2026, 1, 5), 2, date(2026, 1, 7)),
        (date(2026, 1, 8), 2, date(2026, 1, 12)),
        (date(2026, 1, 9), 2, date(2026, 1, 13)),
        (date(2026, 1, 23), 2, date(2026, 1, 28)),
        (date(2026, 1, 10), 0, date(2026, 1, 12)),
        (date(2026, 1, 12), 0, date(2026, 1, 12)),
        (date(2028, 2, 28), 1, date(2028, 3, 1)),
        (date(2026, 12, 30), 1, date(2027, 1, 1)),
    ],
)
def test_worked_examples(start: date, count: int, end: date) -> None:
    assert days().after(start, count) == end
    assert days().between(start, end) == (count or (end != start))


@given(DAYS, st.integers(0, 30))
def test_after_and_between_undo_each_other(start: date, count: int) -> None:
    calendar = days()
    end = calendar.after(start, count)
    assert calendar.is_working_day(end)
    assert end >= start
    if count:
        assert calendar.between(start, end) == count


@given(DAYS, st.integers(0, 10))
def test_it_never_gets_earlier_with_more_days(start: date, count: int) -> None:
    assert days().after(start, count) <= days().after(start, count + 1)


def test_nothing_lies_between_a_day_and_an_earlier_one() -> None:
    assert days().between(REPUBLIC_DAY, REPUBLIC_DAY - timedelta(days=9)) == 0


def test_a_calendar_without_working_days_is_an_error_and_not_a_wait() -> None:
    with pytest.raises(ValueError, match="no working day"):
        WorkingDays(lambda _: True).after(date(2026, 1, 1), 1)


def test_kinds_have_their_terms_and_new_kinds_have_terms_too() -> None:
    made = date(2026, 1, 5)
    assert days().row_due("payment", made) == days().row_due("reward", made) == date(2026, 1, 7)
    assert days().credit_due(made) == date(2026, 1, 6)
    assert days().explanation_due(made) == date(2026, 1, 7)


def terms(valid_from: date, **changes: object) -> Terms:
    values = shipped_terms().terms[0].model_dump() | {"valid_from": valid_from}
    return Terms.model_validate(values | changes)


def test_what_was_made_is_judged_by_the_terms_of_its_day() -> None:
    before = terms(date(2026, 1, 1), valid_until=date(2026, 6, 30), row_within={"payment": 3})
    after = terms(date(2026, 7, 1), row_within={"payment": 1}, weekend=[6])
    calendar = WorkingDays(lambda _: False, (before, after))
    assert calendar.row_due("payment", date(2026, 6, 30)) == date(2026, 7, 3)
    assert calendar.row_due("payment", date(2026, 7, 1)) == date(2026, 7, 2)
    assert calendar.row_due("payment", date(2026, 7, 3)) == date(2026, 7, 4)
    assert calendar.terms_on(date(2025, 1, 1)) is before


def test_of_rules_that_overlap_the_newest_holds() -> None:
    old, new = terms(date(2020, 1, 1)), terms(date(2026, 1, 1))
    assert holding_on((old, new), date(2026, 1, 1)) is new
    assert holding_on((new, old), date(2025, 12, 31)) is old


def test_every_shipped_rule_names_its_source() -> None:
    rules = shipped_terms()
    assert all(rule.source for rule in (*rules.terms, *rules.force))


def test_an_administrator_may_approve_at_least_what_finance_may() -> None:
    with pytest.raises(ValidationError, match="at least what finance may"):
        ForceLimits(source="s", valid_from=REPUBLIC_DAY, finance_max_paise=2, admin_max_paise=1)
