"""Plans, payments and moments for the tests of instalments."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import strategies as st

from runtime.payments.instalments.due_dates import DueDays
from runtime.payments.instalments.model import GivenBack, Plan, Receipt
from runtime.payments.instalments.rules import Part, custom_plan, emi_plan, equal_plan
from runtime.payments.refusal import Refused

FIRST_DUE_ON = date(2026, 4, 10)
DAYS = DueDays(FIRST_DUE_ON)
NOON = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
"""Noon in India on the first of April 2026."""


def noon(day: date) -> datetime:
    """Noon in India."""
    return datetime(day.year, day.month, day.day, 6, 30, tzinfo=UTC)


def receipt(amount_paise: int, payment_id: str = "pay_1", *, at: datetime = NOON) -> Receipt:
    return Receipt(payment_id=payment_id, amount_paise=amount_paise, received_at=at)


def given_back(
    amount_paise: int, payment_id: str = "pay_1", refund_id: str = "rfd_1", *, at: datetime = NOON
) -> GivenBack:
    return GivenBack(refund_id=refund_id, payment_id=payment_id, amount_paise=amount_paise, given_at=at)


@st.composite
def plans(draw: st.DrawFn, *, least_paise: int = 1_000) -> Plan:
    """Any kind of plan over ₹10 to ₹1,00,000 in up to a dozen parts."""
    count = draw(st.integers(1, 12))
    principal_paise = draw(st.integers(least_paise, 10_000_000))
    kind = draw(st.sampled_from(["equal", "reducing", "custom"]))
    if kind == "equal":
        return equal_plan(principal_paise, count, DAYS)
    if kind == "reducing":
        try:
            return emi_plan(principal_paise, draw(st.integers(0, 4_800)), count, DAYS)
        except Refused:
            return equal_plan(principal_paise, count, DAYS)
    cuts = draw(st.lists(st.integers(1, principal_paise - 1), max_size=count - 1, unique=True))
    edges = [0, *sorted(cuts), principal_paise]
    return custom_plan(
        principal_paise,
        [
            Part(FIRST_DUE_ON + timedelta(days=20 * position), upper - lower)
            for position, (lower, upper) in enumerate(pairwise(edges))
        ],
    )


@st.composite
def receipts(draw: st.DrawFn, *, days: int = 400) -> list[Receipt]:
    """Up to eight payments of any size on any day of the plan, some at the same moment."""
    amounts = draw(st.lists(st.integers(1, 4_000_000), max_size=8))
    return [
        receipt(
            amount, f"pay_{position}", at=noon(FIRST_DUE_ON + timedelta(days=draw(st.integers(-30, days))))
        )
        for position, amount in enumerate(amounts)
    ]
