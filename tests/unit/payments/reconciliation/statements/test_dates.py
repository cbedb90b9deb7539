"""Dates are read by the declared format, at month ends and leap days, and never from another time zone."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.reconciliation.statements.dates import (
    DateWindow,
    date_by_formats,
    date_from_iso,
    within_a_year,
)
from runtime.payments.reconciliation.statements.model import RowBroken, RowFault


@pytest.mark.parametrize(
    ("written", "written_as", "day"),
    [
        ("01/04/2026", "DD/MM/YYYY", date(2026, 4, 1)),
        ("1/4/2026", "DD/MM/YYYY", date(2026, 4, 1)),
        ("29/02/2028", "DD/MM/YYYY", date(2028, 2, 29)),
        ("31-03-26", "DD-MM-YY", date(2026, 3, 31)),
        ("01 Apr 2026", "DD MMM YYYY", date(2026, 4, 1)),
        ("01  SEPT 2026", "DD MMM YYYY", date(2026, 9, 1)),
        ("1-december-26", "DD-MMM-YY", date(2026, 12, 1)),
        ("04.01.2026", "MM.DD.YYYY", date(2026, 4, 1)),
        ("01-04-2026 23:59:59", "DD-MM-YYYY HH:mm:ss", date(2026, 4, 1)),
    ],
)
def test_the_declared_format_decides(written: str, written_as: str, day: date) -> None:
    assert date_by_formats(written, [written_as]) == day


@pytest.mark.parametrize(
    ("written", "written_as"),
    [
        ("29/02/2026", "DD/MM/YYYY"),
        ("31/04/2026", "DD/MM/YYYY"),
        ("04/13/2026", "DD/MM/YYYY"),
        ("00/01/2026", "DD/MM/YYYY"),
        ("01/04/26", "DD/MM/YYYY"),
        ("2026-04-01", "DD/MM/YYYY"),
        ("01 Foo 2026", "DD MMM YYYY"),
        ("\u0967/\u0968/2026", "DD/MM/YYYY"),
        ("", "DD/MM/YYYY"),
        ("1" * 5_000, "DD/MM/YYYY"),
        ("01/04/2026x", "DD/MM/YYYY"),
    ],
)
def test_no_such_day_is_a_broken_row(written: str, written_as: str) -> None:
    with pytest.raises(RowBroken) as refused:
        date_by_formats(written, [written_as])
    assert refused.value.fault is RowFault.DATE_MALFORMED


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_every_day_of_the_century_is_read_back(day: date) -> None:
    assert date_by_formats(f"{day:%d/%m/%y}", ["DD/MM/YY"]) == day
    assert date_by_formats(f"{day:%d %B %Y}", ["DD MMM YYYY"]) == day
    assert date_from_iso(day.isoformat()) == day


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-03-31T18:29:59Z", date(2026, 3, 31)),
        ("2026-03-31T18:30:00Z", date(2026, 4, 1)),
        ("2026-04-01T00:15:00+05:30", date(2026, 4, 1)),
        ("2026-04-01T00:15:00.123+08:00", date(2026, 3, 31)),
        ("2026-04-01T23:59:59", date(2026, 4, 1)),
        ("2026-04-01+05:30", date(2026, 4, 1)),
    ],
)
def test_a_moment_falls_on_its_day_in_india(written: str, day: date) -> None:
    assert date_from_iso(written) == day


@pytest.mark.parametrize(
    "written",
    ["", "20260401", "2026-02-30", "2026-W14-3", "2026-04-01T25:00:00", "0001-01-01T00:00:00+14:00"],
)
def test_no_iso_date_is_a_broken_row(written: str) -> None:
    with pytest.raises(RowBroken) as refused:
        date_from_iso(written)
    assert refused.value.fault is RowFault.DATE_MALFORMED


def test_the_window_is_ten_years_back_and_a_day_ahead() -> None:
    window = DateWindow(date(2026, 4, 10))
    assert window.booked(date(2026, 4, 11)) == date(2026, 4, 11)
    assert window.value(date(2026, 5, 11)) == date(2026, 5, 11)
    for reading, day in [
        (window.booked, date(2026, 4, 12)),
        (window.value, date(2026, 5, 12)),
        (window.booked, date(2016, 3, 1)),
    ]:
        with pytest.raises(RowBroken) as refused:
            reading(day)
        assert refused.value.fault is RowFault.DATE_OUT_OF_RANGE


@pytest.mark.parametrize(
    ("value_on", "month", "day", "booked_on"),
    [
        (date(2025, 12, 31), 1, 2, date(2026, 1, 2)),
        (date(2026, 1, 1), 12, 31, date(2025, 12, 31)),
        (date(2026, 4, 1), 4, 1, date(2026, 4, 1)),
        (date(2028, 2, 28), 2, 29, date(2028, 2, 29)),
    ],
)
def test_an_entry_date_without_a_year_is_the_nearest(
    value_on: date, month: int, day: int, booked_on: date
) -> None:
    assert within_a_year(value_on, month, day) == booked_on


@pytest.mark.parametrize(("month", "day"), [(13, 1), (2, 30), (0, 0)])
def test_an_entry_date_that_is_no_day_is_broken(month: int, day: int) -> None:
    with pytest.raises(RowBroken):
        within_a_year(date(2026, 4, 1), month, day)
