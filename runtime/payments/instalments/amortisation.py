"""Principal and interest of a reducing balance: the arithmetic alone, in whole paise.

The rate is a nominal yearly one in basis points, a twelfth of it for every month (monthly rests).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.refusal import Refused
from runtime.platform.money import round_half_up

_BPS_MONTHS = 10_000 * 12
"""A month's interest is ``balance * rate_bps / _BPS_MONTHS``."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one month asks for, or what was paid of it, in paise."""

    principal_paise: int = 0
    interest_paise: int = 0


@dataclass(frozen=True, slots=True)
class Bound:
    """What a month may not undercut or exceed when its plan is made anew, in paise.

    ``paid`` was paid of it already; ``accrued_paise`` is interest on principal that has left the balance
    since; ``interest_max_paise`` is the interest that was agreed for it.
    """

    paid: Row = Row()
    accrued_paise: int = 0
    interest_max_paise: int | None = None


def emi_paise(principal_paise: int, annual_rate_bps: int, months: int) -> int:
    """The equated monthly instalment, rounded half-up to the paisa.

    ``P i (1+i)^n / ((1+i)^n - 1)`` with ``i`` a twelfth of the yearly rate; ``P / n`` without interest.
    """
    if annual_rate_bps == 0:
        return round_half_up(Fraction(principal_paise, months))
    growth = Fraction(_BPS_MONTHS + annual_rate_bps, _BPS_MONTHS)
    grown, whole = growth.numerator**months, growth.denominator**months
    return round_half_up(Fraction(principal_paise * annual_rate_bps * grown, _BPS_MONTHS * (grown - whole)))


def month_interest(balance_paise: int, annual_rate_bps: int) -> Fraction:
    """A month's interest on a balance, exact, in paise."""
    return Fraction(balance_paise * annual_rate_bps, _BPS_MONTHS)


def amortise(
    balance_paise: int, annual_rate_bps: int, instalment_paise: int, bounds: Sequence[Bound]
) -> tuple[Row, ...]:
    """The rows that repay ``balance_paise`` by ``instalment_paise`` a month; at most one for each bound.

    Interest is rounded half-up every month, on what is still owed. The last row takes what is left, so the
    principals sum exactly; its amount differs from the others by what rounding gathered. Where the
    instalment was rounded up and the balance is gone early, there are fewer rows. Interest that had accrued
    on principal since repaid comes on top of the instalment. Raises Refused ``instalments-do-not-amortise``
    when an instalment before the last would repay nothing.
    """
    rows: list[Row] = []
    owed_to_later = sum(bound.paid.principal_paise for bound in bounds)
    for position, bound in enumerate(bounds):
        owed_to_later -= bound.paid.principal_paise
        free_paise = balance_paise - owed_to_later
        regular = round_half_up(month_interest(balance_paise, annual_rate_bps))
        interest_paise = max(bound.paid.interest_paise, _capped(regular, bound))
        if position == len(bounds) - 1:
            principal_paise = balance_paise
        else:
            if free_paise and instalment_paise <= regular:
                raise Refused(
                    InstalmentCode.DO_NOT_AMORTISE,
                    "An instalment would be all interest and repay nothing; ask for fewer instalments.",
                )
            wanted = instalment_paise - max(bound.paid.interest_paise, regular)
            principal_paise = max(bound.paid.principal_paise, min(wanted, free_paise))
        rows.append(Row(principal_paise, interest_paise))
        balance_paise -= principal_paise
    while rows and rows[-1] == Row():
        rows.pop()
    return tuple(rows)


def _capped(regular_paise: int, bound: Bound) -> int:
    """The month's interest with what had accrued before, but never more than was agreed for the month."""
    interest_paise = regular_paise + bound.accrued_paise
    if bound.interest_max_paise is None:
        return interest_paise
    return min(interest_paise, bound.interest_max_paise)
