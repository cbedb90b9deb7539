"""What payments cover and refunds give back: oldest first, interest before principal, nothing lost."""

from datetime import UTC, date, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from runtime.payments.instalments.allocation import allocate_receipts
from runtime.payments.instalments.errors import InstalmentCode
from runtime.payments.instalments.model import RECEIPTS_MAX, GivenBack, Plan, Portion, Receipt
from runtime.payments.instalments.receipts import give_back, receive, take_refund_back
from runtime.payments.instalments.rules import emi_plan, equal_plan
from runtime.payments.instalments.standing import LineStatus, Standing, standing
from runtime.payments.refusal import Refused
from runtime.platform.clock import IST
from tests.unit.payments.instalments.samples import (
    DAYS,
    FIRST_DUE_ON,
    NOON,
    given_back,
    noon,
    plans,
    receipt,
    receipts,
)

LATER = NOON + timedelta(days=800)
EMI = emi_plan(1_000_000, 2_400, 24, DAYS)
"""528.71 a month from 10 April 2026; interest of 200.00, 193.43, … within."""


def with_receipts(plan: Plan, received: list[Receipt]) -> Plan:
    return reduce(receive, received, plan)


def waterfall(plan: Plan, total_paise: int) -> tuple[dict[int, Portion], int]:
    """The oracle: one sum of money over all lines, oldest first, interest before principal."""
    paid: dict[int, Portion] = {}
    for line in plan.instalments:
        interest = min(total_paise, line.interest_paise)
        principal = min(total_paise - interest, line.principal_paise)
        paid[line.number] = Portion(line.number, interest, principal)
        total_paise -= interest + principal
    return paid, total_paise


class TestCovering:
    def test_interest_comes_before_principal(self) -> None:
        covered = allocate_receipts(receive(EMI, receipt(20_100))).covered["pay_1"]
        assert covered.portions == (Portion(1, 20_000, 100),)

    def test_less_than_the_interest_covers_interest_only(self) -> None:
        covered = allocate_receipts(receive(EMI, receipt(19_999))).covered["pay_1"]
        assert covered.portions == (Portion(1, 19_999, 0),)

    def test_more_than_is_due_pays_the_next_instalment_ahead(self) -> None:
        covered = allocate_receipts(receive(EMI, receipt(53_000))).covered["pay_1"]
        assert covered.portions == (Portion(1, 20_000, 32_871), Portion(2, 129, 0))
        assert covered.excess_paise == 0

    def test_more_than_the_whole_plan_is_excess(self) -> None:
        plan = receive(EMI, receipt(EMI.payable_paise + 7))
        assert allocate_receipts(plan).excess_paise == 7
        assert standing(plan, NOON).is_paid
        assert standing(plan, NOON).next_line is None

    def test_the_oldest_overdue_instalment_is_paid_first(self) -> None:
        plan = receive(EMI, receipt(52_871 + 1, at=noon(date(2026, 6, 15))))
        now = standing(plan, noon(date(2026, 6, 15)))
        assert [line.status for line in now.lines[:4]] == [
            LineStatus.PAID,
            LineStatus.OVERDUE,
            LineStatus.OVERDUE,
            LineStatus.UPCOMING,
        ]
        assert now.overdue_paise == 2 * 52_871 - 1
        assert now.next_line is not None
        assert now.next_line.line.number == 2

    @given(plans(), receipts())
    def test_without_refunds_the_lines_follow_from_the_sum_alone(
        self, plan: Plan, received: list[Receipt]
    ) -> None:
        allocation = allocate_receipts(with_receipts(plan, received))
        total = sum(each.amount_paise for each in received)
        assert (dict(allocation.paid), allocation.excess_paise) == waterfall(plan, total)

    @given(plans(), receipts(), st.data())
    def test_it_does_not_matter_in_which_order_payments_become_known(
        self, plan: Plan, received: list[Receipt], data: st.DataObject
    ) -> None:
        repeated = received + (data.draw(st.lists(st.sampled_from(received), max_size=4)) if received else [])
        shuffled = with_receipts(plan, data.draw(st.permutations(repeated)))
        assert shuffled == with_receipts(plan, received)

    def test_a_known_payment_changes_nothing_but_not_with_another_amount(self) -> None:
        plan = receive(EMI, receipt(100))
        assert receive(plan, receipt(100)) is plan
        for other in (receipt(101), receipt(100, at=LATER)):
            with pytest.raises(Refused) as refused:
                receive(plan, other)
            assert refused.value.code == InstalmentCode.PAYMENT_REUSED

    @pytest.mark.parametrize("amount_paise", [0, -1, 10**12 + 1])
    def test_no_payment_of_nothing(self, amount_paise: int) -> None:
        with pytest.raises(Refused) as refused:
            receive(EMI, receipt(amount_paise))
        assert refused.value.code == InstalmentCode.AMOUNT_INVALID

    def test_a_plan_takes_only_so_many_payments(self) -> None:
        full = with_receipts(EMI, [receipt(1, f"pay_{each}") for each in range(RECEIPTS_MAX)])
        with pytest.raises(Refused) as refused:
            receive(full, receipt(1, "pay_more"))
        assert refused.value.code == InstalmentCode.TOO_MANY_PAYMENTS

    def test_a_payment_without_an_offset_is_no_payment(self) -> None:
        with pytest.raises(ValidationError):
            receipt(1, at=datetime(2026, 4, 1))  # noqa: DTZ001  (the point of the test)


class TestGivingBack:
    PAID = with_receipts(EMI, [receipt(52_871), receipt(60_000, "pay_2", at=NOON + timedelta(days=30))])
    """Instalments 1 and 2 are paid, 71.29 of the third ahead."""

    def test_the_last_that_was_covered_is_given_back_first_and_principal_before_interest(self) -> None:
        plan = give_back(self.PAID, given_back(30_000, "pay_2", at=LATER))
        returned = allocate_receipts(plan).given_back["rfd_1"]
        assert returned.portions == (Portion(2, 0, 22_871), Portion(3, 7_129, 0))
        plan = give_back(plan, given_back(30_000, "pay_2", "rfd_2", at=LATER))
        second = allocate_receipts(plan).given_back["rfd_2"]
        interest = EMI.instalments[1].interest_paise
        assert second.portions == (Portion(2, interest, 30_000 - interest),)

    def test_the_excess_is_given_back_before_anything_else(self) -> None:
        plan = receive(EMI, receipt(EMI.payable_paise + 500))
        plan = give_back(plan, given_back(600, at=LATER))
        returned = allocate_receipts(plan).given_back["rfd_1"]
        assert (returned.excess_paise, returned.portions) == (500, (Portion(24, 0, 100),))
        assert allocate_receipts(plan).excess_paise == 0

    def test_only_the_payments_own_portions_are_given_back(self) -> None:
        plan = give_back(self.PAID, given_back(52_871, "pay_1", at=LATER))
        now = standing(plan, LATER)
        assert [line.amount_paise for line in now.lines[:3]] == [52_871, 0, 52_871 - 7_129]
        again = receive(plan, receipt(52_871, "pay_3", at=LATER + timedelta(days=1)))
        assert [line.amount_paise for line in standing(again, LATER).lines[:3]] == [0, 0, 45_742]

    @given(plans(), receipts(), st.data())
    def test_giving_everything_back_restores_the_plan_as_it_was(
        self, plan: Plan, received: list[Receipt], data: st.DataObject
    ) -> None:
        paid = with_receipts(plan, received)
        for number, each in enumerate(data.draw(st.permutations(received))):
            first = data.draw(st.integers(0, each.amount_paise))
            for part, amount in enumerate((first, each.amount_paise - first)):
                if amount:
                    refund = given_back(amount, each.payment_id, f"rfd_{number}_{part}", at=LATER)
                    paid = give_back(paid, refund)
        allocation = allocate_receipts(paid)
        assert allocation.excess_paise == 0
        assert all(portion.amount_paise == 0 for portion in allocation.paid.values())

    @given(plans(), receipts(), st.data())
    def test_every_paisa_is_in_a_line_in_the_excess_or_given_back(
        self, plan: Plan, received: list[Receipt], data: st.DataObject
    ) -> None:
        paid = with_receipts(plan, received)
        for number, each in enumerate(received):
            amount = data.draw(st.integers(0, each.amount_paise))
            if amount:
                moment = each.received_at + timedelta(days=data.draw(st.integers(-5, 60)))
                paid = give_back(paid, given_back(amount, each.payment_id, f"rfd_{number}", at=moment))
        allocation = allocate_receipts(paid)
        returned = sum(refund.amount_paise for refund in paid.refunds)
        for refund in paid.refunds:
            assert allocation.given_back[refund.refund_id].amount_paise == refund.amount_paise
        for each in received:
            assert allocation.covered[each.payment_id].amount_paise == each.amount_paise
        lines = sum(portion.amount_paise for portion in allocation.paid.values())
        assert lines + allocation.excess_paise == sum(each.amount_paise for each in received) - returned
        for line in plan.instalments:
            portion = allocation.paid[line.number]
            assert 0 <= portion.interest_paise <= line.interest_paise
            assert 0 <= portion.principal_paise <= line.principal_paise

    @given(plans(), receipts(), st.data())
    def test_a_refund_that_failed_leaves_no_trace(
        self, plan: Plan, received: list[Receipt], data: st.DataObject
    ) -> None:
        paid = with_receipts(plan, [*received, receipt(1_000, "pay_last")])
        refunded = give_back(paid, given_back(data.draw(st.integers(1, 1_000)), "pay_last"))
        later = receipt(5_000, "pay_later", at=LATER)
        assert take_refund_back(refunded, "rfd_1") == paid
        assert take_refund_back(receive(refunded, later), "rfd_1") == receive(paid, later)

    def test_a_known_refund_changes_nothing_but_not_with_another_amount(self) -> None:
        plan = give_back(self.PAID, given_back(100))
        assert give_back(plan, given_back(100)) is plan
        with pytest.raises(Refused) as refused:
            give_back(plan, given_back(101))
        assert refused.value.code == InstalmentCode.REFUND_REUSED

    @pytest.mark.parametrize(
        ("refund", "code"),
        [
            (given_back(52_872), InstalmentCode.REFUND_OVER_PAYMENT),
            (given_back(1, "pay_unknown"), InstalmentCode.PAYMENT_UNKNOWN),
            (given_back(0), InstalmentCode.AMOUNT_INVALID),
        ],
    )
    def test_what_cannot_be_given_back_is_refused(self, refund: GivenBack, code: InstalmentCode) -> None:
        with pytest.raises(Refused) as refused:
            give_back(self.PAID, refund)
        assert refused.value.code == code

    def test_two_refunds_together_never_exceed_the_payment(self) -> None:
        plan = give_back(self.PAID, given_back(52_000))
        with pytest.raises(Refused, match="871 paise are left"):
            give_back(plan, given_back(872, refund_id="rfd_2"))
        assert give_back(plan, given_back(871, refund_id="rfd_2")).refunds[1].amount_paise == 871

    def test_a_refund_that_is_not_known_cannot_be_taken_back(self) -> None:
        with pytest.raises(Refused) as refused:
            take_refund_back(self.PAID, "rfd_1")
        assert refused.value.code == InstalmentCode.REFUND_UNKNOWN

    def test_a_plan_takes_only_so_many_refunds(self) -> None:
        plan = receive(EMI, receipt(10_000))
        for each in range(RECEIPTS_MAX):
            plan = give_back(plan, given_back(1, refund_id=f"rfd_{each}"))
        with pytest.raises(Refused) as refused:
            give_back(plan, given_back(1, refund_id="rfd_more"))
        assert refused.value.code == InstalmentCode.TOO_MANY_PAYMENTS


class TestStanding:
    PLAN = equal_plan(90_000, 3, DAYS)

    def on(self, moment: datetime) -> Standing:
        return standing(self.PLAN, moment)

    def test_the_day_turns_at_midnight_in_india(self) -> None:
        last_moment = datetime(2026, 4, 10, 23, 59, 59, tzinfo=IST)
        assert last_moment.astimezone(UTC).date() == date(2026, 4, 10)
        assert self.on(last_moment).lines[0].status is LineStatus.DUE
        midnight = datetime(2026, 4, 10, 18, 30, tzinfo=UTC)  # the eleventh in India, the tenth in UTC
        assert self.on(midnight).lines[0].status is LineStatus.OVERDUE
        early = datetime(2026, 4, 9, 18, 30, tzinfo=UTC)  # the tenth in India, the ninth in UTC
        assert self.on(early).lines[0].status is LineStatus.DUE

    def test_the_sums_say_what_is_overdue_due_and_outstanding(self) -> None:
        now = standing(self.PLAN, noon(date(2026, 5, 10)))
        assert (now.overdue_paise, now.due_paise, now.outstanding_paise) == (30_000, 60_000, 90_000)
        assert not now.is_paid

    def test_a_moment_without_an_offset_is_refused(self) -> None:
        with pytest.raises(Refused) as refused:
            standing(self.PLAN, datetime(2026, 4, 10))  # noqa: DTZ001  (the point of the test)
        assert refused.value.code == InstalmentCode.MOMENT_INVALID

    @given(plans(), receipts(), st.integers(-40, 500))
    def test_paid_and_outstanding_are_the_plan(self, plan: Plan, received: list[Receipt], day: int) -> None:
        now = standing(with_receipts(plan, received), noon(FIRST_DUE_ON + timedelta(days=day)))
        total = sum(each.amount_paise for each in received)
        assert now.outstanding_paise == plan.payable_paise - (total - now.excess_paise)
        assert 0 <= now.overdue_paise <= now.due_paise <= now.outstanding_paise
