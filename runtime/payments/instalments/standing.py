"""Where a plan stands at a moment: what is paid, due, overdue and to come, line by line."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from runtime.payments.instalments.allocation import allocate_receipts, ordered_lines
from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import Instalment, Plan, Portion
from runtime.payments.refusal import Refused
from runtime.platform.clock import business_date


class LineStatus(StrEnum):
    """Where a line stands on a day."""

    PAID = "paid"
    OVERDUE = "overdue"
    DUE = "due"
    UPCOMING = "upcoming"


@dataclass(frozen=True, slots=True)
class LineStanding:
    """A line, what of it is paid, and what is still asked for (paise)."""

    line: Instalment
    paid: Portion
    status: LineStatus

    @property
    def interest_paise(self) -> int:
        """Interest still to be paid."""
        return self.line.interest_paise - self.paid.interest_paise

    @property
    def principal_paise(self) -> int:
        """Principal still to be paid."""
        return self.line.principal_paise - self.paid.principal_paise

    @property
    def amount_paise(self) -> int:
        """All that is still to be paid of the line."""
        return self.interest_paise + self.principal_paise


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a plan stands: every line in the order in which it is paid, and the excess."""

    lines: tuple[LineStanding, ...]
    excess_paise: int

    @property
    def overdue_paise(self) -> int:
        """What should have been paid before today."""
        return self._sum({LineStatus.OVERDUE})

    @property
    def due_paise(self) -> int:
        """What is to be paid by the end of today: the overdue included."""
        return self._sum({LineStatus.OVERDUE, LineStatus.DUE})

    @property
    def outstanding_paise(self) -> int:
        """What is still to be paid in all, interest agreed for coming months included."""
        return self._sum(set(LineStatus))

    @property
    def is_paid(self) -> bool:
        """Whether nothing is left to be paid."""
        return self.outstanding_paise == 0

    @property
    def next_line(self) -> LineStanding | None:
        """The line that the next payment covers first, or None when the plan is paid."""
        return next((standing for standing in self.lines if standing.amount_paise), None)

    def _sum(self, statuses: set[LineStatus]) -> int:
        return sum(standing.amount_paise for standing in self.lines if standing.status in statuses)


def standing(plan: Plan, at: datetime) -> Standing:
    """Where ``plan`` stands at a moment (timezone-aware); the day is that in India."""
    today = require_business_date(at)
    allocation = allocate_receipts(plan)
    lines = tuple(
        LineStanding(line, paid, _status(line, paid, today))
        for line in ordered_lines(plan.instalments)
        for paid in (allocation.paid[line.number],)
    )
    return Standing(lines, allocation.excess_paise)


def require_business_date(at: datetime) -> date:
    """The day in India. Raises Refused ``instalment-moment-invalid`` for a moment without an offset."""
    if at.tzinfo is None:
        raise Refused(InstalmentCode.MOMENT_INVALID, "A moment needs its offset from UTC.")
    return business_date(at)


def _status(line: Instalment, paid: Portion, today: date) -> LineStatus:
    if paid.amount_paise >= line.amount_paise:
        return LineStatus.PAID
    if line.due_on < today:
        return LineStatus.OVERDUE
    return LineStatus.DUE if line.due_on == today else LineStatus.UPCOMING
