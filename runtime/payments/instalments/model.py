"""A plan of instalments: what was agreed, what was paid towards it, and what was given back."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime, model_validator

from runtime.payments.model import Frozen

INSTALMENTS_MAX = 360
"""Thirty years of months: no plan is meant to be longer."""

RATE_MAX_BPS = 10_000
"""100 % a year. No lender may ask for more; a rate above it is a slip of the decimal point."""

RECEIPTS_MAX = 500
"""Payments, and refunds, that one plan can carry: more than one for every month of the longest plan."""

PREPAYMENTS_MAX = 60


class PlanKind(StrEnum):
    """How the amount is spread over the instalments."""

    EQUAL_PRINCIPAL = "equal_principal"
    REDUCING_BALANCE = "reducing_balance"
    CUSTOM = "custom"


class LineKind(StrEnum):
    """Whether a line was agreed from the start, or is principal that the payer brought forward."""

    INSTALMENT = "instalment"
    PREPAYMENT = "prepayment"


class DayCount(StrEnum):
    """Which part of a month's interest has accrued on a day within the month; never more than all of it.

    ``actual/365``: days gone by over 365, of the yearly rate (the Indian lender's usual count).
    ``actual/actual``: days gone by over the days of that month (ICMA rule 251).
    ``30/360``: as if every month had thirty days (ISDA 2006, 4.16(f)).
    """

    ACTUAL_365 = "actual/365"
    ACTUAL_ACTUAL = "actual/actual"
    THIRTY_360 = "30/360"


class Instalment(Frozen):
    """One line of a plan, in paise. Its interest accrues from ``accrues_from`` up to ``accrues_to``.

    ``due_on`` is the day in India by which it is to be paid: ``accrues_to`` itself, or the banking day that
    it was moved to. ``accrued_paise`` is the part of the interest that had accrued on principal repaid within
    the month. ``number`` identifies the line in its plan; prepayments are numbered after the last
    instalment agreed. No payment received before ``since`` counts towards the line.
    """

    number: int
    due_on: date
    accrues_from: date
    accrues_to: date
    principal_paise: int
    interest_paise: int = 0
    accrued_paise: int = 0
    kind: LineKind = LineKind.INSTALMENT
    since: AwareDatetime | None = None

    @property
    def amount_paise(self) -> int:
        """What the line asks for: principal and interest."""
        return self.principal_paise + self.interest_paise


@dataclass(frozen=True, slots=True)
class Portion:
    """Paise of one line's interest and principal."""

    number: int
    interest_paise: int = 0
    principal_paise: int = 0

    @property
    def amount_paise(self) -> int:
        """Both."""
        return self.interest_paise + self.principal_paise


@dataclass(frozen=True, slots=True)
class Covered:
    """What a payment covered, or a refund gave back: portions in the order in which lines are paid, and the
    excess."""

    portions: tuple[Portion, ...] = ()
    excess_paise: int = 0

    @property
    def amount_paise(self) -> int:
        """All of it."""
        return self.excess_paise + sum(portion.amount_paise for portion in self.portions)


class Receipt(Frozen):
    """A captured payment towards a plan: paise > 0 and the moment at which it was received.

    ``settled`` is what it still covered when the plan was last made anew, after the refunds settled then; it
    does not change with the lines.
    """

    payment_id: str
    amount_paise: int
    received_at: AwareDatetime
    settled: Covered | None = None


class GivenBack(Frozen):
    """A refund, in whole or part, of a payment towards a plan; ``settled`` is what it gave back, once the
    plan was made anew."""

    refund_id: str
    payment_id: str
    amount_paise: int
    given_at: AwareDatetime
    settled: Covered | None = None


class Plan(Frozen):
    """A plan over ``principal_paise``. Its lines' principals sum to that exactly, always.

    ``annual_rate_bps`` is the yearly rate in hundredths of a per cent: 2400 is 24 %. ``instalment_paise`` is
    the EMI of a plan with a reducing balance, else None. What every payment covers is not stored: it follows
    from the receipts and refunds (allocation.py), whatever order they became known in.
    """

    kind: PlanKind
    principal_paise: int
    annual_rate_bps: int = 0
    day_count: DayCount = DayCount.ACTUAL_365
    instalment_paise: int | None = None
    instalments: tuple[Instalment, ...]
    receipts: tuple[Receipt, ...] = ()
    refunds: tuple[GivenBack, ...] = ()

    @model_validator(mode="after")
    def _sums(self) -> "Plan":
        if sum(line.principal_paise for line in self.instalments) != self.principal_paise:
            raise ValueError("the principals of a plan sum to what the plan is over")
        return self

    @property
    def interest_paise(self) -> int:
        """All interest of the plan."""
        return sum(line.interest_paise for line in self.instalments)

    @property
    def payable_paise(self) -> int:
        """All that the plan asks for."""
        return self.principal_paise + self.interest_paise
