"""Debited without confirmation: when it is reversed at the latest, and what every later day costs."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.retry.law import LawUnknown
from runtime.payments.retry.tat import KIND_BY_METHOD, claim, claim_at, reversal_due
from runtime.platform.clock import IST

DEBITED = date(2026, 3, 27)  # a Friday; the next days hold a weekend, two holidays and the month's end


@pytest.mark.parametrize(
    ("kind", "due_on"),
    [
        ("card_not_present", date(2026, 4, 1)),
        ("upi_to_merchant", date(2026, 4, 1)),
        ("upi_transfer", date(2026, 3, 28)),
        ("imps_transfer", date(2026, 3, 28)),
        ("nach", date(2026, 3, 28)),
    ],
)
def test_days_are_calendar_days(kind: str, due_on: date) -> None:
    assert reversal_due(kind, DEBITED) == due_on


@pytest.mark.parametrize(
    ("as_of", "days_late", "paise"),
    [
        (date(2026, 3, 27), 0, 0),
        (date(2026, 4, 1), 0, 0),  # T+5, still in time
        (date(2026, 4, 2), 1, 100_00),  # T+6
        (date(2026, 4, 11), 10, 1_000_00),
    ],
)
def test_every_day_after_the_fifth_costs_a_hundred_rupees(as_of: date, days_late: int, paise: int) -> None:
    found = claim("upi_to_merchant", DEBITED, as_of=as_of)
    assert (found.days_late, found.compensation_paise, found.overdue) == (days_late, paise, days_late > 0)
    assert "629" in found.source


def test_a_reversal_ends_the_count() -> None:
    found = claim("card_not_present", DEBITED, as_of=date(2026, 5, 1), reversed_on=date(2026, 4, 3))
    assert (found.days_late, found.compensation_paise, found.overdue) == (2, 200_00, False)
    assert found.reversed_on == date(2026, 4, 3)


def test_a_reversal_in_time_costs_nothing() -> None:
    found = claim("card_not_present", DEBITED, as_of=date(2026, 5, 1), reversed_on=date(2026, 4, 1))
    assert (found.days_late, found.compensation_paise) == (0, 0)


def test_a_reversal_to_come_has_not_come() -> None:
    found = claim("card_not_present", DEBITED, as_of=date(2026, 4, 3), reversed_on=date(2026, 4, 9))
    assert (found.days_late, found.reversed_on, found.overdue) == (2, None, True)


def test_a_leap_day_counts() -> None:
    assert reversal_due("upi_to_merchant", date(2028, 2, 27)) == date(2028, 3, 3)
    assert reversal_due("upi_to_merchant", date(2027, 2, 27)) == date(2027, 3, 4)


def test_the_day_of_a_debit_is_the_day_in_india() -> None:
    before_midnight = datetime(2026, 3, 27, 23, 59, tzinfo=IST)
    after_midnight = before_midnight + timedelta(minutes=1)
    as_of = datetime(2026, 4, 2, 0, 0, tzinfo=IST)
    reversed_at = datetime(2026, 4, 1, 23, 59, tzinfo=IST)
    assert claim_at("upi_to_merchant", before_midnight, as_of=as_of).days_late == 1
    assert claim_at("upi_to_merchant", after_midnight, as_of=as_of).days_late == 0
    in_time = claim_at("upi_to_merchant", before_midnight, as_of=as_of, reversed_at=reversed_at)
    assert in_time.days_late == 0


@given(
    st.sampled_from(sorted(set(KIND_BY_METHOD.values()))),
    st.dates(date(2019, 10, 15), date(2040, 1, 1)),
    st.integers(0, 400),
    st.none() | st.integers(0, 400),
)
def test_what_is_owed_only_grows_and_stops_with_the_reversal(
    kind: str, debited_on: date, days: int, reversed_after: int | None
) -> None:
    as_of = debited_on + timedelta(days=days)
    reversed_on = None if reversed_after is None else debited_on + timedelta(days=reversed_after)
    today = claim(kind, debited_on, as_of=as_of, reversed_on=reversed_on)
    tomorrow = claim(kind, debited_on, as_of=as_of + timedelta(days=1), reversed_on=reversed_on)
    assert tomorrow.compensation_paise - today.compensation_paise in (0, 100_00)
    assert today.compensation_paise == 100_00 * today.days_late
    if today.reversed_on is not None:
        assert tomorrow == today


def test_what_the_annex_does_not_name_is_not_made_up() -> None:
    with pytest.raises(LawUnknown, match="no turnaround is on record for netbanking"):
        reversal_due("netbanking", DEBITED)
    with pytest.raises(LawUnknown, match="2019-10-14"):
        reversal_due("nach", date(2019, 10, 14))
    assert not {"netbanking", "wallet"} & set(KIND_BY_METHOD)


@pytest.mark.parametrize(
    ("as_of", "reversed_on"), [(date(2026, 3, 26), None), (date(2026, 4, 1), date(2026, 3, 26))]
)
def test_nothing_happens_before_the_debit(as_of: date, reversed_on: date | None) -> None:
    with pytest.raises(ValueError, match="before it happened"):
        claim("nach", DEBITED, as_of=as_of, reversed_on=reversed_on)
