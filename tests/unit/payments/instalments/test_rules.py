"""Plans sum to the paisa, whatever the amount, the number and the rate."""

from collections.abc import Callable
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import assume, given, reject
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.payments.instalments.amortisation import emi_paise
from runtime.payments.instalments.due_dates import DueDays
from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import Plan, PlanKind
from runtime.payments.instalments.rules import Part, custom_plan, emi_plan, equal_plan, preview
from runtime.payments.refusal import Refused
from tests.unit.payments.instalments.samples import DAYS

AMOUNTS = st.integers(1, 10**12)


def principals(plan: Plan) -> list[int]:
    return [line.principal_paise for line in plan.instalments]


def interests(plan: Plan) -> list[int]:
    return [line.interest_paise for line in plan.instalments]


def emi_by_decimals(principal_paise: int, annual_rate_bps: int, months: int) -> Decimal:
    """The instalment by the present value of an annuity, to 60 digits: another form than the rule's own."""
    with localcontext() as context:
        context.prec = 60
        rate = Decimal(annual_rate_bps) / 120_000
        if not rate:
            return Decimal(principal_paise) / months
        factors = sum((1 + rate) ** -month for month in range(1, months + 1))
        return Decimal(principal_paise) / factors


class TestEqualParts:
    @given(AMOUNTS, st.integers(1, 360))
    def test_sum_exactly_and_differ_by_at_most_one_paisa(self, principal_paise: int, count: int) -> None:
        assume(principal_paise >= count)
        parts = principals(equal_plan(principal_paise, count, DAYS))
        assert len(parts) == count
        assert sum(parts) == principal_paise
        assert max(parts) - min(parts) <= 1
        assert parts == sorted(parts, reverse=True)  # the earliest take the paise that do not divide

    def test_a_rupee_in_three_parts(self) -> None:
        plan = equal_plan(100, 3, DAYS)
        assert principals(plan) == [34, 33, 33]
        assert interests(plan) == [0, 0, 0]

    def test_a_part_of_nothing_is_refused(self) -> None:
        assert principals(equal_plan(3, 3, DAYS)) == [1, 1, 1]
        with pytest.raises(Refused) as refused:
            equal_plan(2, 3, DAYS)
        assert refused.value.code == InstalmentCode.TOO_SMALL

    def test_what_the_gateway_cannot_collect_is_refused(self) -> None:
        assert equal_plan(300, 3, DAYS, least_paise=100).payable_paise == 300
        with pytest.raises(Refused) as refused:
            equal_plan(299, 3, DAYS, least_paise=100)
        assert refused.value.code == InstalmentCode.TOO_SMALL


class TestReducingBalance:
    def test_the_worked_example(self) -> None:
        """₹10,000.00 over 24 months at 24 % a year: 528.71 a month, the first interest 200.00."""
        plan = emi_plan(1_000_000, 2_400, 24, DAYS)
        assert plan.instalment_paise == 52_871
        assert [line.amount_paise for line in plan.instalments[:-1]] == [52_871] * 23
        first = plan.instalments[0]
        assert (first.interest_paise, first.principal_paise) == (20_000, 32_871)
        assert sum(principals(plan)) == 1_000_000
        assert plan.instalments[-1].amount_paise == 52_874

    @pytest.mark.parametrize(
        ("principal_paise", "annual_rate_bps", "months", "emi"),
        [
            (500_000_000, 850, 240, 4_339_116),  # ₹50 lakh at 8.5 % for 20 years: ₹43,391.16
            (10_000_000, 1_200, 12, 888_488),  # ₹1 lakh at 12 % for a year: ₹8,884.88
            (20_000_000, 1_000, 360, 175_514),  # 200,000.00 at 10 % for 30 years: 1,755.14
            (10_000_000, 600, 360, 59_955),  # 100,000.00 at 6 % for 30 years: 599.55
            (10_000_000, 1, 2, 5_000_063),
            (1, 10_000, 1, 1),
        ],
    )
    def test_published_instalments(
        self, principal_paise: int, annual_rate_bps: int, months: int, emi: int
    ) -> None:
        assert emi_paise(principal_paise, annual_rate_bps, months) == emi

    @given(AMOUNTS, st.integers(0, 10_000), st.integers(1, 360))
    def test_the_instalment_is_the_annuity_rounded_half_up(
        self, principal_paise: int, annual_rate_bps: int, months: int
    ) -> None:
        exact = emi_by_decimals(principal_paise, annual_rate_bps, months)
        assume(abs(exact % 1 - Decimal("0.5")) > Decimal("1e-20"))  # sixty digits do not decide a half
        with localcontext() as context:
            context.prec = 60
            expected = int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))
        assert emi_paise(principal_paise, annual_rate_bps, months) == expected

    @given(AMOUNTS, st.integers(0, 10_000), st.integers(1, 360))
    def test_principals_sum_and_every_interest_is_half_up_on_what_is_owed(
        self, principal_paise: int, annual_rate_bps: int, months: int
    ) -> None:
        plan = _plan_or_reject(principal_paise, annual_rate_bps, months)
        owed = principal_paise
        for line in plan.instalments:
            exact = Fraction(owed * annual_rate_bps, 120_000)
            assert line.interest_paise == floor(exact + Fraction(1, 2))
            assert line.principal_paise >= 1
            owed -= line.principal_paise
        assert owed == 0
        assert len(plan.instalments) <= months

    @given(AMOUNTS, st.integers(0, 10_000), st.integers(1, 360))
    def test_all_but_the_last_instalment_are_equal(
        self, principal_paise: int, annual_rate_bps: int, months: int
    ) -> None:
        plan = _plan_or_reject(principal_paise, annual_rate_bps, months)
        amounts = [line.amount_paise for line in plan.instalments]
        assert all(amount == plan.instalment_paise for amount in amounts[:-1])

    @given(st.integers(10**8, 10**12), st.integers(1, 3_600), st.integers(1, 60))
    def test_the_total_interest_is_that_of_the_closed_form_but_for_rounding(
        self, principal_paise: int, annual_rate_bps: int, months: int
    ) -> None:
        """n E - P, with the exact E; rounding moves each month by half a paisa twice, which then grows."""
        plan = emi_plan(principal_paise, annual_rate_bps, months, DAYS)
        closed_form = emi_by_decimals(principal_paise, annual_rate_bps, months) * months - principal_paise
        growth = float((1 + Fraction(annual_rate_bps, 120_000)) ** months)
        assert abs(Decimal(plan.interest_paise) - closed_form) <= ceil(months * growth)

    @given(AMOUNTS, st.integers(1, 360))
    def test_without_interest_it_is_the_amount_by_the_number(self, principal_paise: int, months: int) -> None:
        assume(principal_paise >= months)
        plan = emi_plan(principal_paise, 0, months, DAYS)
        assert plan.interest_paise == 0
        assert plan.instalment_paise == floor(Fraction(principal_paise, months) + Fraction(1, 2))

    def test_one_instalment_is_the_amount_and_a_month_of_interest(self) -> None:
        plan = emi_plan(1_000_001, 1_150, 1, DAYS)
        assert (principals(plan), interests(plan)) == ([1_000_001], [9_583])

    def test_thirty_years_end_exactly(self) -> None:
        plan = emi_plan(1_000_000, 2_400, 360, DAYS)
        assert len(plan.instalments) == 360
        assert sum(principals(plan)) == 1_000_000
        assert plan.instalments[-1].due_on == date(2056, 3, 10)

    @pytest.mark.parametrize(
        ("principal_paise", "annual_rate_bps", "months"),
        [(1, 2_400, 24), (30, 2_000, 360), (25, 2_400, 360), (10_000, 2_400, 360)],
    )
    def test_an_instalment_that_would_be_all_interest_is_refused(
        self, principal_paise: int, annual_rate_bps: int, months: int
    ) -> None:
        with pytest.raises(Refused) as refused:
            emi_plan(principal_paise, annual_rate_bps, months, DAYS)
        assert refused.value.code == InstalmentCode.DO_NOT_AMORTISE

    def test_an_instalment_rounded_up_ends_the_plan_early_and_never_asks_for_less_than_nothing(self) -> None:
        plan = emi_plan(6, 0, 4, DAYS)
        assert principals(plan) == [2, 2, 2]


def _plan_or_reject(principal_paise: int, annual_rate_bps: int, months: int) -> Plan:
    """The plan; an amount whose rounded instalment repays nothing is refused, and no example."""
    emi = emi_paise(principal_paise, annual_rate_bps, months)
    if months > 1 and emi <= floor(Fraction(principal_paise * annual_rate_bps, 120_000) + Fraction(1, 2)):
        with pytest.raises(Refused) as refused:
            emi_plan(principal_paise, annual_rate_bps, months, DAYS)
        assert refused.value.code == InstalmentCode.DO_NOT_AMORTISE
        reject()
    return emi_plan(principal_paise, annual_rate_bps, months, DAYS)


class TestCustomSchedules:
    PARTS = (Part(date(2026, 4, 1), 60_000), Part(date(2026, 7, 15), 25_000), Part(date(2026, 8, 1), 15_000))

    def test_the_parts_are_taken_as_they_are(self) -> None:
        plan = custom_plan(100_000, self.PARTS)
        assert (plan.kind, principals(plan)) == (PlanKind.CUSTOM, [60_000, 25_000, 15_000])
        assert [line.due_on for line in plan.instalments] == [part.due_on for part in self.PARTS]

    @given(st.integers(-99_999, 99_999).filter(bool))
    def test_parts_that_do_not_sum_are_refused_with_the_difference(self, difference: int) -> None:
        with pytest.raises(Refused) as refused:
            custom_plan(100_000 - difference, self.PARTS)
        assert refused.value.code == "instalments-do-not-sum"
        assert f"{abs(difference)} paise {'more' if difference > 0 else 'less'}" in refused.value.reason

    @pytest.mark.parametrize(
        ("parts", "code"),
        [
            ((), InstalmentCode.COUNT_INVALID),
            ((Part(date(2026, 4, 1), 100_000),) * 361, InstalmentCode.COUNT_INVALID),
            ((Part(date(2026, 4, 1), 50_000),) * 2, InstalmentCode.DUE_DATE_INVALID),
            (PARTS[::-1], InstalmentCode.DUE_DATE_INVALID),
            ((Part(date(1999, 12, 31), 100_000),), InstalmentCode.DUE_DATE_INVALID),
            ((Part(date(2101, 1, 1), 100_000),), InstalmentCode.DUE_DATE_INVALID),
            (
                (Part(date(2026, 4, 1), 100_001), Part(date(2026, 5, 1), -1)),
                InstalmentCode.AMOUNT_INVALID,
            ),
            ((Part(date(2026, 4, 1), 100_000), Part(date(2026, 5, 1), 0)), InstalmentCode.AMOUNT_INVALID),
        ],
    )
    def test_schedules_that_cannot_be_are_refused(
        self, parts: tuple[Part, ...], code: InstalmentCode
    ) -> None:
        with pytest.raises(Refused) as refused:
            custom_plan(100_000, parts)
        assert refused.value.code == code


@pytest.mark.parametrize("amount", [0, -1, 10**12 + 1, True, 10.0, "100", None, float("nan")])
def test_only_whole_paise_within_bounds_are_an_amount(amount: Any) -> None:
    makers: list[Callable[[], Plan]] = [
        lambda: equal_plan(amount, 3, DAYS),
        lambda: emi_plan(amount, 1_200, 3, DAYS),
        lambda: custom_plan(amount, TestCustomSchedules.PARTS),
    ]
    for make in makers:
        with pytest.raises(Refused) as refused:
            make()
        assert refused.value.code == InstalmentCode.AMOUNT_INVALID


@pytest.mark.parametrize("rate", [-1, 10_001, True, 24.0])
def test_a_rate_beyond_bounds_is_refused(rate: Any) -> None:
    with pytest.raises(Refused) as refused:
        emi_plan(1_000_000, rate, 24, DAYS)
    assert refused.value.code == InstalmentCode.RATE_INVALID


def test_the_preview_tells_what_it_costs() -> None:
    seen = preview(emi_plan(1_000_000, 2_400, 24, DueDays(date(2026, 1, 31))))
    assert (seen.instalment_paise, seen.last_instalment_paise, seen.count) == (52_871, 52_874, 24)
    assert seen.payable_paise == 23 * 52_871 + 52_874 == seen.principal_paise + seen.interest_paise
    assert (seen.first_due_on, seen.last_due_on) == (date(2026, 1, 31), date(2027, 12, 31))


def test_a_stored_plan_that_does_not_sum_is_not_read() -> None:
    plan = equal_plan(100_000, 3, DAYS)
    assert Plan.model_validate(plan.model_dump(mode="json")) == plan
    with pytest.raises(ValidationError, match="sum to what the plan is over"):
        Plan.model_validate(plan.model_dump(mode="json") | {"principal_paise": 100_001})
