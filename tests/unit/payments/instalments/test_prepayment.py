"""Paying early: principal comes forward, interest falls, nothing is lost, and closing closes."""

from datetime import date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runtime.payments.instalments.allocation import allocate_receipts
from runtime.payments.instalments.amortisation import emi_paise
from runtime.payments.instalments.day_count import accrued_fraction
from runtime.payments.instalments.due_dates import DueDays, Roll
from runtime.payments.instalments.effect import Effect
from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import (
    PREPAYMENTS_MAX,
    DayCount,
    Instalment,
    LineKind,
    Plan,
    Receipt,
)
from runtime.payments.instalments.prepayment import foreclose, foreclosure, prepay
from runtime.payments.instalments.receipts import give_back, receive, take_refund_back
from runtime.payments.instalments.rules import Part, custom_plan, emi_plan, equal_plan, preview
from runtime.payments.instalments.standing import standing
from runtime.payments.refusal import Refused
from tests.unit.payments.instalments.samples import (
    DAYS,
    FIRST_DUE_ON,
    given_back,
    noon,
    plans,
    receipt,
    receipts,
)
from tests.unit.payments.instalments.test_allocation import with_receipts

EMI = emi_plan(1_000_000, 2_400, 24, DAYS)
ON_THE_FIRST_DAY = noon(date(2026, 3, 10))
"""Nothing has accrued: the first month begins on 10 March."""
EFFECTS = st.sampled_from(Effect)


def agreed(plan: Plan) -> list[Instalment]:
    return [line for line in plan.instalments if line.kind is LineKind.INSTALMENT]


class TestReducingTenure:
    def test_the_instalment_stays_and_the_plan_is_shorter(self) -> None:
        plan = prepay(EMI, receipt(400_000, at=ON_THE_FIRST_DAY), Effect.REDUCE_TENURE)
        amounts = [line.amount_paise for line in agreed(plan)]
        assert amounts[:-1] == [52_871] * (len(amounts) - 1)
        assert 0 < amounts[-1] <= 52_871
        assert len(amounts) == 13  # -ln(1 - 6000 × 0.02 / 528.71) / ln(1.02) is 12.99
        assert plan.interest_paise < EMI.interest_paise

    def test_it_is_the_loan_of_what_remains(self) -> None:
        """Prepaid on the first day, it is ₹6,000.00 repaid at the agreed instalment, month by month."""
        plan = prepay(EMI, receipt(400_000, at=ON_THE_FIRST_DAY), Effect.REDUCE_TENURE)
        owed, rows = 600_000, []
        while owed:
            interest = (owed * 4 + 100) // 200  # 2 % a month, half-up
            principal = min(52_871 - interest, owed)
            rows.append((principal, interest))
            owed -= principal
        assert [(line.principal_paise, line.interest_paise) for line in agreed(plan)] == rows

    def test_without_interest_the_last_parts_go_first(self) -> None:
        plan = prepay(equal_plan(90_000, 3, DAYS), receipt(40_000, at=ON_THE_FIRST_DAY), Effect.REDUCE_TENURE)
        assert [line.principal_paise for line in agreed(plan)] == [30_000, 20_000]


class TestReducingTheInstalment:
    def test_the_number_stays_and_the_instalment_is_that_of_what_remains(self) -> None:
        plan = prepay(EMI, receipt(400_000, at=ON_THE_FIRST_DAY), Effect.REDUCE_INSTALMENT)
        fresh = emi_plan(600_000, 2_400, 24, DAYS)
        assert plan.instalment_paise == fresh.instalment_paise
        assert agreed(plan) == list(fresh.instalments)

    def test_without_interest_all_parts_shrink_in_proportion(self) -> None:
        parts = [Part(date(2026, 4, 10), 60_000), Part(date(2026, 5, 10), 30_000)]
        plan = custom_plan(90_000, parts)
        plan = prepay(plan, receipt(45_001, at=ON_THE_FIRST_DAY), Effect.REDUCE_INSTALMENT)
        assert [line.principal_paise for line in agreed(plan)] == [29_999, 15_000]

    @given(st.integers(100, 10**9), st.integers(2, 60), st.data())
    def test_equal_parts_stay_equal_to_the_paisa(
        self, principal_paise: int, count: int, data: st.DataObject
    ) -> None:
        prepaid = data.draw(st.integers(1, principal_paise - 1))
        assume(principal_paise >= count)
        plan = equal_plan(principal_paise, count, DAYS)
        plan = prepay(plan, receipt(prepaid, at=ON_THE_FIRST_DAY), Effect.REDUCE_INSTALMENT)
        parts = [line.principal_paise for line in agreed(plan)]
        assert sum(parts) == principal_paise - prepaid
        assert max(parts) - min(parts) <= 1


class TestWithinTheMonth:
    def test_interest_accrued_on_what_comes_forward_is_due_with_the_next_instalment(self) -> None:
        """₹5,000.00 after ten days: 5000 × 24 % × 10 / 365 = 32.88; a month on 5,000.00 is 100.00."""
        plan = prepay(EMI, receipt(500_000, at=noon(date(2026, 3, 20))), Effect.REDUCE_INSTALMENT)
        assert agreed(plan)[0].interest_paise == 10_000 + 3_288

    def test_two_prepayments_in_a_month_lose_no_interest(self) -> None:
        first = prepay(EMI, receipt(300_000, "pay_1", at=noon(date(2026, 3, 20))), Effect.REDUCE_INSTALMENT)
        second = prepay(
            first, receipt(200_000, "pay_2", at=noon(date(2026, 3, 25))), Effect.REDUCE_INSTALMENT
        )
        # a month on 5,000.00; ten days on 3,000.00: 19.73; fifteen days on 2,000.00: 19.73 (19.726 each)
        assert agreed(second)[0].interest_paise == 10_000 + round(
            Fraction(300_000 * 24 * 10, 36_500)
        ) + round(Fraction(200_000 * 24 * 15, 36_500))

    def test_a_payment_first_covers_what_is_overdue(self) -> None:
        at = noon(date(2026, 5, 1))
        plan = prepay(EMI, receipt(152_871, at=at), Effect.REDUCE_TENURE)
        brought_forward = [line for line in plan.instalments if line.kind is LineKind.PREPAYMENT]
        assert [line.principal_paise for line in brought_forward] == [100_000]
        assert plan.instalments[0] == EMI.instalments[0]
        assert standing(plan, at).due_paise == 0

    def test_what_was_paid_ahead_stays_paid(self) -> None:
        ahead = receive(EMI, receipt(53_000, "pay_1", at=noon(date(2026, 3, 12))))
        for effect in Effect:
            plan = prepay(ahead, receipt(200_000, "pay_2", at=noon(date(2026, 4, 20))), effect)
            paid = allocate_receipts(plan)
            assert paid.covered["pay_1"] == allocate_receipts(ahead).covered["pay_1"]
            assert paid.paid[2].interest_paise == 129
            assert paid.excess_paise == 0

    @given(plans(least_paise=10_000), EFFECTS, st.data())
    def test_whatever_was_paid_and_given_back_before_nothing_is_lost(
        self, plan: Plan, effect: Effect, data: st.DataObject
    ) -> None:
        """The worth of a plan is what closes it. A prepayment lowers that by itself, but for a paisa that the
        interest accrued up to the day rounds; what earlier payments covered stays as it was."""
        at = noon(FIRST_DUE_ON - timedelta(days=30))
        for number in range(data.draw(st.integers(1, 5))):
            at += timedelta(days=data.draw(st.integers(0, 60)))
            amount = data.draw(st.integers(1, plan.principal_paise))
            before = plan
            if data.draw(st.booleans()) and plan.receipts:
                chosen = data.draw(st.sampled_from(plan.receipts))
                left = chosen.amount_paise - sum(
                    given.amount_paise for given in plan.refunds if given.payment_id == chosen.payment_id
                )
                if left:
                    refund = given_back(min(left, amount), chosen.payment_id, f"rfd_{number}", at=at)
                    plan = give_back(plan, refund)
                continue
            try:
                plan = prepay(plan, receipt(amount, f"pay_{number}", at=at), effect)
            except Refused:
                plan = receive(plan, receipt(amount, f"pay_{number}", at=at))
                continue
            excess = standing(plan, at).excess_paise - standing(before, at).excess_paise
            fell = foreclosure(before, at).amount_paise - foreclosure(plan, at).amount_paise
            assert abs(fell - (amount - excess)) <= 1
            assert plan.interest_paise <= before.interest_paise
            assert all(line.interest_paise >= 0 and line.principal_paise >= 0 for line in plan.instalments)
            earlier, later = allocate_receipts(before), allocate_receipts(plan)
            assert all(
                later.held[each.payment_id] == earlier.held[each.payment_id] for each in before.receipts
            )
            assert later.given_back == earlier.given_back

    def test_what_earlier_payments_covered_does_not_move_when_a_refund_has_left_a_gap(self) -> None:
        """The first payment is refunded in full, the second still covers the instalments behind it."""
        plan = with_receipts(
            EMI,
            [
                receipt(105_742, "pay_1", at=noon(date(2026, 3, 11))),
                receipt(105_742, "pay_2", at=noon(date(2026, 3, 12))),
            ],
        )
        plan = give_back(plan, given_back(105_742, "pay_1", at=noon(date(2026, 3, 13))))
        for effect in Effect:
            after = prepay(plan, receipt(300_000, "pay_3", at=noon(date(2026, 3, 20))), effect)
            held = dict(allocate_receipts(after).held)
            assert [portion.number for portion in held.pop("pay_3").portions] == [25]
            assert held == allocate_receipts(plan).held

    def test_a_prepayment_heard_late_leaves_a_later_one_as_it_is(self) -> None:
        effect = Effect.REDUCE_INSTALMENT
        later = prepay(EMI, receipt(200_000, "pay_2", at=noon(date(2026, 3, 20))), effect)
        both = prepay(later, receipt(100_000, "pay_1", at=noon(date(2026, 3, 15))), effect)
        assert both.instalment_paise == emi_paise(700_000, 2_400, 24)
        brought_forward = {
            line.due_on: line.principal_paise for line in both.instalments if line.kind is LineKind.PREPAYMENT
        }
        assert brought_forward == {date(2026, 3, 20): 200_000, date(2026, 3, 15): 100_000}

    def test_rounding_twice_never_asks_for_more_interest_than_was_agreed(self) -> None:
        plan = emi_plan(1_000, 1_000, 3, DAYS, day_count=DayCount.ACTUAL_ACTUAL)
        after = prepay(plan, receipt(100, at=noon(date(2026, 4, 9))), Effect.REDUCE_TENURE)
        assert agreed(after)[0].interest_paise == plan.instalments[0].interest_paise

    def test_a_refund_that_fails_after_a_prepayment_covers_again_what_is_open(self) -> None:
        paid = receive(EMI, receipt(52_871, "pay_1", at=ON_THE_FIRST_DAY))
        refunded = give_back(paid, given_back(52_871, "pay_1", at=noon(date(2026, 3, 11))))
        plan = prepay(refunded, receipt(200_000, "pay_2", at=noon(date(2026, 3, 12))), Effect.REDUCE_TENURE)
        restored = take_refund_back(plan, "rfd_1")
        covered = allocate_receipts(restored).covered["pay_1"]
        assert covered.amount_paise == 52_871
        assert [portion.number for portion in covered.portions] == [1]
        now = noon(date(2026, 3, 13))
        assert standing(restored, now).outstanding_paise == standing(plan, now).outstanding_paise - 52_871

    def test_a_plan_made_anew_is_stored_and_read_again(self) -> None:
        paid = receive(EMI, receipt(60_000, "pay_1", at=ON_THE_FIRST_DAY))
        paid = give_back(paid, given_back(30_000, "pay_1", at=noon(date(2026, 3, 11))))
        plan = prepay(paid, receipt(200_000, "pay_2", at=noon(date(2026, 3, 12))), Effect.REDUCE_TENURE)
        assert Plan.model_validate_json(plan.model_dump_json()) == plan
        assert receive(plan, receipt(60_000, "pay_1", at=ON_THE_FIRST_DAY)) is plan
        assert give_back(plan, given_back(30_000, "pay_1", at=noon(date(2026, 3, 11)))) is plan


class TestRefusals:
    def test_a_payment_that_only_covers_what_is_due_is_no_prepayment(self) -> None:
        at = noon(date(2026, 4, 10))
        with pytest.raises(Refused) as refused:
            prepay(EMI, receipt(52_871, at=at), Effect.REDUCE_TENURE)
        assert refused.value.code == InstalmentCode.NOTHING_TO_PREPAY

    def test_a_known_prepayment_changes_nothing(self) -> None:
        once = prepay(EMI, receipt(400_000, at=ON_THE_FIRST_DAY), Effect.REDUCE_TENURE)
        assert prepay(once, receipt(400_000, at=ON_THE_FIRST_DAY), Effect.REDUCE_INSTALMENT) is once
        with pytest.raises(Refused) as refused:
            prepay(once, receipt(400_001, at=ON_THE_FIRST_DAY), Effect.REDUCE_TENURE)
        assert refused.value.code == InstalmentCode.PAYMENT_REUSED

    def test_a_plan_takes_only_so_many_prepayments(self) -> None:
        plan = equal_plan(1_000_000, 2, DAYS)
        for each in range(PREPAYMENTS_MAX):
            plan = prepay(plan, receipt(100, f"pay_{each}", at=ON_THE_FIRST_DAY), Effect.REDUCE_TENURE)
        with pytest.raises(Refused) as refused:
            prepay(plan, receipt(100, "pay_more", at=ON_THE_FIRST_DAY), Effect.REDUCE_TENURE)
        assert refused.value.code == InstalmentCode.TOO_MANY_PAYMENTS


class TestForeclosure:
    AT = noon(date(2026, 4, 20))
    """Ten days into the second month; the first instalment is overdue."""

    def test_it_asks_for_what_is_due_the_principal_and_the_interest_up_to_the_day(self) -> None:
        """9,671.29 × 24 % × 10 / 365 = 63.59."""
        asked = foreclosure(EMI, self.AT)
        assert (asked.due_paise, asked.principal_paise, asked.interest_paise) == (52_871, 967_129, 6_359)
        assert asked.amount_paise == 52_871 + 967_129 + 6_359

    @pytest.mark.parametrize(
        ("day_count", "interest_paise"),
        [
            (DayCount.ACTUAL_365, 6_359),  # 967129 × 24 % × 10 / 365
            (DayCount.ACTUAL_ACTUAL, 6_448),  # 19342.58 × 10 / 30
            (DayCount.THIRTY_360, 6_448),
        ],
    )
    def test_by_every_day_count(self, day_count: DayCount, interest_paise: int) -> None:
        plan = emi_plan(1_000_000, 2_400, 24, DAYS, day_count=day_count)
        assert foreclosure(plan, self.AT).interest_paise == interest_paise

    def test_on_the_due_day_before_anything_of_the_next_month_it_asks_for_no_more_interest(self) -> None:
        asked = foreclosure(EMI, noon(FIRST_DUE_ON))
        assert (asked.due_paise, asked.interest_paise) == (52_871, 0)

    def test_the_interest_never_exceeds_that_of_the_month(self) -> None:
        last_day = noon(date(2026, 6, 9))  # 30 of 31 days: 30/365 of a year is not yet more than a twelfth
        assert foreclosure(EMI, last_day).interest_paise <= EMI.instalments[2].interest_paise

    def test_it_asks_only_for_interest_that_was_not_paid_ahead(self) -> None:
        paid = receive(EMI, receipt(53_000, at=noon(date(2026, 4, 10))))
        asked = foreclosure(paid, self.AT)
        assert (asked.due_paise, asked.principal_paise, asked.interest_paise) == (0, 967_129, 6_359 - 129)

    def test_paying_what_it_asks_closes_the_plan(self) -> None:
        asked = foreclosure(EMI, self.AT)
        closed = foreclose(EMI, receipt(asked.amount_paise, at=self.AT))
        assert standing(closed, self.AT).is_paid
        assert standing(closed, self.AT).excess_paise == 0
        assert preview(closed).payable_paise == asked.amount_paise

    def test_a_paisa_less_does_not(self) -> None:
        asked = foreclosure(EMI, self.AT)
        with pytest.raises(Refused, match=f"closed by {asked.amount_paise} paise") as refused:
            foreclose(EMI, receipt(asked.amount_paise - 1, at=self.AT))
        assert refused.value.code == InstalmentCode.FORECLOSURE_SHORT

    def test_a_prepayment_that_suffices_closes_the_plan_and_the_rest_is_excess(self) -> None:
        asked = foreclosure(EMI, self.AT)
        closed = prepay(EMI, receipt(asked.amount_paise + 11, at=self.AT), Effect.REDUCE_TENURE)
        assert standing(closed, self.AT).is_paid
        assert standing(closed, self.AT).excess_paise == 11

    def test_a_prepayment_of_all_principal_leaves_the_accrued_interest_for_the_due_day(self) -> None:
        at = noon(date(2026, 3, 20))
        plan = prepay(EMI, receipt(1_000_000, at=at), Effect.REDUCE_TENURE)
        assert [(line.principal_paise, line.interest_paise) for line in agreed(plan)] == [(0, 6_575)]
        assert standing(plan, at).outstanding_paise == 6_575

    def test_when_only_overdue_lines_are_left_it_asks_for_those(self) -> None:
        at = noon(date(2030, 1, 1))
        asked = foreclosure(EMI, at)
        assert (asked.due_paise, asked.principal_paise, asked.interest_paise) == (EMI.payable_paise, 0, 0)
        closed = foreclose(EMI, receipt(asked.amount_paise, at=at))
        assert standing(closed, at).is_paid

    def test_a_known_foreclosure_changes_nothing(self) -> None:
        paid = receipt(foreclosure(EMI, self.AT).amount_paise, at=self.AT)
        closed = foreclose(EMI, paid)
        assert foreclose(closed, paid) is closed

    def test_a_plan_closed_by_one_payment_is_previewed_by_that(self) -> None:
        closed = foreclose(EMI, receipt(1_000_000, at=ON_THE_FIRST_DAY))
        assert (preview(closed).count, preview(closed).interest_paise) == (1, 0)

    def test_giving_the_closing_payment_back_owes_it_again(self) -> None:
        asked = foreclosure(EMI, self.AT)
        closed = foreclose(EMI, receipt(asked.amount_paise, at=self.AT))
        open_again = give_back(closed, given_back(asked.amount_paise, at=self.AT))
        assert standing(open_again, self.AT).outstanding_paise == asked.amount_paise

    @given(plans(), receipts(days=300), st.integers(-40, 400))
    def test_what_it_asks_always_closes_and_is_never_more_than_the_plan(
        self, plan: Plan, received: list[Receipt], day: int
    ) -> None:
        at = noon(FIRST_DUE_ON + timedelta(days=day))
        before = with_receipts(plan, [each for each in received if each.received_at <= at])
        asked = foreclosure(before, at)
        assert 0 <= asked.amount_paise <= standing(before, at).outstanding_paise
        if asked.amount_paise:
            closed = foreclose(before, receipt(asked.amount_paise, "pay_close", at=at))
            assert standing(closed, at).is_paid
            assert standing(closed, at).excess_paise == standing(before, at).excess_paise

    @given(plans(), st.integers(-40, 300), st.integers(0, 60))
    def test_it_costs_no_less_to_wait(self, plan: Plan, day: int, later: int) -> None:
        first, second = (noon(FIRST_DUE_ON + timedelta(days=each)) for each in (day, day + later))
        assert foreclosure(plan, first).amount_paise <= foreclosure(plan, second).amount_paise + 1

    def test_a_due_day_that_moved_leaves_both_months_accruing(self) -> None:
        days = DueDays(FIRST_DUE_ON, roll=Roll.FOLLOWING, is_banking_day=lambda day: day.day != 10)
        plan = emi_plan(1_000_000, 2_400, 24, days)
        asked = foreclosure(plan, noon(FIRST_DUE_ON))
        assert (asked.due_paise, asked.interest_paise) == (0, 20_000)


class TestDayCount:
    START, END = date(2026, 1, 31), date(2026, 2, 28)

    @pytest.mark.parametrize(
        ("day", "day_count", "fraction"),
        [
            (date(2026, 1, 30), DayCount.ACTUAL_365, Fraction(0)),
            (date(2026, 1, 31), DayCount.ACTUAL_365, Fraction(0)),
            (date(2026, 2, 1), DayCount.ACTUAL_365, Fraction(12, 365)),
            (date(2026, 2, 1), DayCount.ACTUAL_ACTUAL, Fraction(1, 28)),
            (date(2026, 2, 1), DayCount.THIRTY_360, Fraction(1, 30)),
            (date(2026, 2, 28), DayCount.ACTUAL_365, Fraction(1)),
            (date(2026, 3, 31), DayCount.THIRTY_360, Fraction(1)),
        ],
    )
    def test_from_the_first_day_to_the_last(self, day: date, day_count: DayCount, fraction: Fraction) -> None:
        assert accrued_fraction(self.START, self.END, day, day_count) == fraction

    def test_thirty_days_of_a_long_month_are_all_of_it(self) -> None:
        month = (date(2026, 1, 30), date(2026, 3, 1))
        assert accrued_fraction(*month, date(2026, 1, 31), DayCount.THIRTY_360) == 0
        assert accrued_fraction(*month, date(2026, 2, 28), DayCount.THIRTY_360) == Fraction(28, 30)

    @given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(0, 31), st.sampled_from(DayCount))
    def test_it_only_grows_and_stays_between_nothing_and_all(
        self, start: date, days: int, day_count: DayCount
    ) -> None:
        end = start + timedelta(days=31)
        now = accrued_fraction(start, end, start + timedelta(days=days), day_count)
        later = accrued_fraction(start, end, start + timedelta(days=days + 1), day_count)
        assert 0 <= now <= later <= 1

    def test_a_month_without_days_accrues_nothing(self) -> None:
        assert accrued_fraction(self.START, self.START, self.END, DayCount.ACTUAL_365) == 0


def test_a_moment_must_have_an_offset() -> None:
    with pytest.raises(Refused):
        foreclosure(EMI, datetime(2026, 4, 10))  # noqa: DTZ001  (the point of the test)
