"""How a plan of instalments is made: pure rules, in whole paise.

Whatever the amount, the number and the rate, the principals of the lines sum to the amount exactly. A plan
can be looked at before it is agreed (:func:`preview`); making it moves nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from runtime.payments.instalments.amortisation import Bound, Row, amortise, emi_paise
from runtime.payments.instalments.due_dates import DueDays, Period, periods, require_year
from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import (
    INSTALMENTS_MAX,
    RATE_MAX_BPS,
    DayCount,
    Instalment,
    LineKind,
    Plan,
    PlanKind,
)
from runtime.payments.refusal import Refused, require_whole
from runtime.platform.money import AMOUNT_MAX_PAISE, allocate


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a schedule of the payer's own: paise > 0, due on a day in India."""

    due_on: date
    amount_paise: int


@dataclass(frozen=True, slots=True)
class Preview:
    """A plan at a glance, in paise: the usual instalment, the last one, and what it all costs."""

    instalment_paise: int
    last_instalment_paise: int
    count: int
    principal_paise: int
    interest_paise: int
    payable_paise: int
    first_due_on: date
    last_due_on: date


def equal_plan(principal_paise: int, count: int, days: DueDays, *, least_paise: int = 1) -> Plan:
    """A plan without interest in ``count`` (1..360) parts that differ by at most one paisa.

    The paise that do not divide go one each to the earliest parts. ``least_paise`` is the smallest instalment
    that can be collected (100 at Razorpay). Raises Refused ``instalment-amount-invalid``,
    ``instalment-count-invalid``, ``instalment-due-date-invalid``, ``instalment-too-small``.
    """
    _check_amount(principal_paise)
    spans = periods(days, count)
    rows = [Row(principal_paise=part) for part in allocate(principal_paise, [1] * count)]
    lines = _lines(spans, rows)
    _check_least(lines, least_paise)
    return Plan(kind=PlanKind.EQUAL_PRINCIPAL, principal_paise=principal_paise, instalments=lines)


def emi_plan(
    principal_paise: int,
    annual_rate_bps: int,
    count: int,
    days: DueDays,
    *,
    day_count: DayCount = DayCount.ACTUAL_365,
    least_paise: int = 1,
) -> Plan:
    """A plan with a reducing balance: ``count`` (1..360) instalments at ``annual_rate_bps`` (0..10000).

    The instalment is rounded half-up to the paisa, and so is every month's interest on what is still owed;
    the last instalment takes what rounding left. Where the rounded instalment repays early, the plan is
    shorter than asked. Every period counts as a full month, the first one too; ``day_count`` matters only for
    interest within a month. Raises Refused as :func:`equal_plan` does, and ``instalment-rate-invalid`` and
    ``instalments-do-not-amortise`` (amounts so small that the rounded instalment is all interest).
    """
    _check_amount(principal_paise)
    require_whole(annual_rate_bps, 0, RATE_MAX_BPS, code=InstalmentCode.RATE_INVALID, name="yearly rate")
    spans = periods(days, count)
    instalment_paise = emi_paise(principal_paise, annual_rate_bps, count)
    rows = amortise(principal_paise, annual_rate_bps, instalment_paise, [Bound()] * count)
    lines = _lines(spans, rows)
    _check_least(lines, least_paise)
    return Plan(
        kind=PlanKind.REDUCING_BALANCE,
        principal_paise=principal_paise,
        annual_rate_bps=annual_rate_bps,
        day_count=day_count,
        instalment_paise=instalment_paise,
        instalments=lines,
    )


def custom_plan(principal_paise: int, parts: Sequence[Part], *, least_paise: int = 1) -> Plan:
    """A plan without interest by a schedule of the payer's own, day by day.

    Raises Refused ``instalments-do-not-sum`` when the parts are not the amount to the paisa,
    ``instalment-due-date-invalid`` when the days do not ascend, and as :func:`equal_plan` does.
    """
    _check_amount(principal_paise)
    require_whole(
        len(parts), 1, INSTALMENTS_MAX, code=InstalmentCode.COUNT_INVALID, name="number of instalments"
    )
    for part in parts:
        _check_amount(part.amount_paise)
        require_year(part.due_on)
    if any(later.due_on <= earlier.due_on for earlier, later in pairwise(parts)):
        raise Refused(InstalmentCode.DUE_DATE_INVALID, "Every due day must be later than the one before.")
    difference = sum(part.amount_paise for part in parts) - principal_paise
    if difference:
        word = "more" if difference > 0 else "less"
        raise Refused(
            InstalmentCode.DO_NOT_SUM, f"The instalments are {abs(difference)} paise {word} than the amount."
        )
    spans = [Period(part.due_on, part.due_on, part.due_on) for part in parts]
    lines = _lines(spans, [Row(principal_paise=part.amount_paise) for part in parts])
    _check_least(lines, least_paise)
    return Plan(kind=PlanKind.CUSTOM, principal_paise=principal_paise, instalments=lines)


def preview(plan: Plan) -> Preview:
    """What a plan asks for, before anything is agreed or after. Of its lines only the instalments are
    counted, not what was brought forward; a plan that was closed by a single payment has that line alone."""
    agreed = [line for line in plan.instalments if line.kind is LineKind.INSTALMENT] or plan.instalments
    first, last = agreed[0], agreed[-1]
    return Preview(
        instalment_paise=first.amount_paise,
        last_instalment_paise=last.amount_paise,
        count=len(agreed),
        principal_paise=plan.principal_paise,
        interest_paise=plan.interest_paise,
        payable_paise=plan.payable_paise,
        first_due_on=first.due_on,
        last_due_on=last.due_on,
    )


def _lines(spans: Sequence[Period], rows: Sequence[Row]) -> tuple[Instalment, ...]:
    return tuple(
        Instalment(
            number=number,
            due_on=span.due_on,
            accrues_from=span.starts_on,
            accrues_to=span.ends_on,
            principal_paise=row.principal_paise,
            interest_paise=row.interest_paise,
        )
        for number, (span, row) in enumerate(zip(spans, rows, strict=False), start=1)
    )


def _check_amount(amount_paise: int) -> None:
    require_whole(
        amount_paise, 1, AMOUNT_MAX_PAISE, code=InstalmentCode.AMOUNT_INVALID, name="amount in paise"
    )


def _check_least(lines: Sequence[Instalment], least_paise: int) -> None:
    if any(line.amount_paise < least_paise for line in lines):
        raise Refused(
            InstalmentCode.TOO_SMALL, f"An instalment would be less than {least_paise} paise; ask for fewer."
        )
