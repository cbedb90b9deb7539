"""Working days of Indian banks, and what is counted in them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from runtime.payments.reconciliation.terms import Terms, holding_on, shipped_terms

IsBankHoliday = Callable[[date], bool]
_CLOSED_DAYS_MAX: Final = 60
"""Banks are never closed for longer; a calendar that says so is wrong."""
_DAY: Final = timedelta(days=1)


@dataclass(slots=True)
class WorkingDays:
    """Counts working days. ``is_bank_holiday`` says of a day whether banks are closed on it; weekends are in
    the terms."""

    is_bank_holiday: IsBankHoliday
    all_terms: tuple[Terms, ...] = field(default_factory=lambda: shipped_terms().terms)
    _terms: dict[date, Terms] = field(default_factory=dict)
    _after: dict[tuple[date, int], date] = field(default_factory=dict)

    def terms_on(self, day: date) -> Terms:
        """The terms of ``day``; before the first ones, the first ones."""
        terms = self._terms.get(day)
        if terms is None:
            terms = self._terms[day] = holding_on(self.all_terms, day)
        return terms

    def is_working_day(self, day: date) -> bool:
        """Whether banks and the gateway work on ``day``."""
        return day.weekday() not in self.terms_on(day).weekend and not self.is_bank_holiday(day)

    def after(self, day: date, count: int) -> date:
        """The ``count``-th working day after ``day``; for 0, ``day`` or the next working day.

        Raises ValueError for a calendar in which banks never open.
        """
        known = self._after.get((day, count))
        if known is not None:
            return known
        result, left, closed = day, count, 0
        while left or not self.is_working_day(result):
            result += _DAY
            if self.is_working_day(result):
                left, closed = max(left - 1, 0), 0
            else:
                closed += 1
            if closed > _CLOSED_DAYS_MAX:
                raise ValueError("the calendar of bank holidays has no working day")
        self._after[day, count] = result
        return result

    def between(self, start: date, end: date) -> int:
        """How many working days lie after ``start`` up to and with ``end``; 0 where ``end`` is not later."""
        return sum(
            self.is_working_day(start + timedelta(days=step)) for step in range(1, (end - start).days + 1)
        )

    def row_due(self, kind: str, made_on: date) -> date:
        """The last day on which the gateway's row for what was made on ``made_on`` is in time."""
        terms = self.terms_on(made_on)
        return self.after(made_on, terms.row_within.get(kind, terms.row_within_otherwise))

    def credit_due(self, settled_on: date) -> date:
        """The last day on which the bank's credit of a settlement is in time."""
        return self.after(settled_on, self.terms_on(settled_on).credit_within)

    def explanation_due(self, booked_on: date) -> date:
        """The last day on which a bank line may still wait for its settlement."""
        return self.after(booked_on, self.terms_on(booked_on).line_explained_within)
