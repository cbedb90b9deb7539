"""What each method, the notice and the amount allow, planned by hand."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from runtime.payments.retry.declines import Remedy
from runtime.payments.retry.law import Method
from runtime.payments.retry.plan import AskCustomer, Poll, Reason, Stop
from runtime.payments.retry.situation import (
    Downtime,
    Notice,
    NoticeStatus,
)
from runtime.platform.clock import IST
from tests.unit.payments.retry.situations import (
    PLANNER,
    codes,
    debit,
    decline,
    delivered,
    failed,
    ist,
    mandate,
    planned,
    retried,
    situation,
)

HOUR = timedelta(hours=1)
CARD = debit(Method.CARD, network="Visa", issuer="HDFC")
EMANDATE = debit(Method.EMANDATE, issuer="HDFC")


class TestUpi:
    @pytest.mark.parametrize(
        ("clock", "allowed"),
        [
            ((9, 59), True),
            ((10, 0), False),
            ((12, 59), False),
            ((13, 0), True),
            ((16, 59), True),
            ((17, 0), False),
            ((21, 30), False),
            ((21, 31), True),
            ((0, 0), True),
        ],
    )
    def test_peak_hours_are_closed_to_the_minute(self, clock: tuple[int, int], allowed: bool) -> None:
        asked = situation(now=ist(2026, 11, 6, *clock), notice=delivered(), manual=True)
        assert ("peak_hours" not in {why.code for why in PLANNER.check(asked)}) is allowed

    def test_before_august_2025_there_were_no_peak_hours(self) -> None:
        now = ist(2025, 7, 31, 11)
        terms = mandate(cycle_start=ist(2025, 7, 10), cycle_end=ist(2025, 8, 10))
        asked = situation(now=now, mandate=terms, notice=delivered(ist(2025, 7, 29, 8)))
        assert PLANNER.check(asked) == ()

    def test_after_four_attempts_the_cycle_is_used_up(self) -> None:
        attempts = tuple(failed(at=ist(2026, 11, day, 8)) for day in (2, 3, 4, 5))
        plan = planned(attempts=attempts)
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.ATTEMPTS_EXHAUSTED
        assert codes(plan) == {"attempts_per_cycle"}

    def test_attempts_of_an_earlier_cycle_do_not_count_in_this_one(self) -> None:
        attempts = tuple(failed(at=ist(2026, 10, day, 8)) for day in (20, 22, 24, 26))
        plan = retried(attempts=attempts)
        assert (plan.attempt_no, plan.cycle_attempt_no) == (5, 1)

    def test_a_cycle_that_was_paid_is_left_alone(self) -> None:
        plan = planned(mandate=mandate(last_success_at=ist(2026, 11, 1)))
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.CYCLE_PAID

    def test_a_success_in_the_cycle_before_does_not_count(self) -> None:
        assert retried(mandate=mandate(last_success_at=ist(2026, 10, 31, 23, 59))).cycle_attempt_no == 1

    def test_nothing_is_created_on_the_last_day_of_a_cycle(self) -> None:
        plan = planned(now=ist(2026, 11, 30, 0, 5), notice=delivered(ist(2026, 11, 28, 1)))
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.NO_SLOT
        assert {"last_day_of_cycle", "cycle_end"} <= codes(plan)

    def test_a_cycle_of_one_day_is_not_all_last_day(self) -> None:
        terms = mandate(frequency="daily", cycle_start=ist(2026, 11, 6), cycle_end=ist(2026, 11, 7))
        plan = retried(mandate=terms, notice=delivered(ist(2026, 11, 5, 1)))
        assert plan.at.astimezone(IST).date() == ist(2026, 11, 6).date()

    def test_a_failure_in_a_peak_hour_is_asked_about_when_the_peak_is_over(self) -> None:
        at = ist(2026, 11, 5, 10, 20)
        plan = planned(now=at + HOUR, attempts=(failed(at=at),), notice=delivered())
        assert isinstance(plan, Poll)
        assert plan.at.astimezone(IST) == ist(2026, 11, 5, 13, 15)
        assert codes(plan) == {"verify_after_peak_minutes"}

    @pytest.mark.parametrize(
        ("asked", "polls"), [(ist(2026, 11, 5, 13, 15), False), (ist(2026, 11, 5, 12, 59), True)]
    )
    def test_the_question_counts_when_it_came_after_the_peak(self, asked: datetime, polls: bool) -> None:
        attempt = failed(at=ist(2026, 11, 5, 10, 20), confirmed=True, polls=1, last_polled_at=asked)
        plan = planned(now=ist(2026, 11, 5, 14), attempts=(attempt,), notice=delivered())
        assert isinstance(plan, Poll) is polls


class TestCards:
    def test_the_next_attempt_waits_36_hours_from_the_last_one_s_start(self) -> None:
        at = ist(2026, 11, 5, 8, 15)
        attempt = failed("bank_technical_error", at=at, concluded_at=at + 3 * HOUR)
        plan = retried(debit=CARD, attempts=(attempt,), notice=delivered())
        assert plan.at == at + timedelta(hours=36)
        assert "reinitiation_minutes" in codes(plan)

    def test_rupay_takes_nothing_above_its_ceiling(self) -> None:
        plan = planned(debit=debit(Method.CARD, network="RuPay", amount_paise=15_000_01))
        assert isinstance(plan, AskCustomer)
        assert (plan.reason, plan.remedy) == (Reason.ABOVE_NETWORK_CEILING, Remedy.NEW_METHOD)

    def test_on_rupay_a_notice_is_not_overridden_while_it_lives(self) -> None:
        """The first notice covers until 8 November 20:00; a longer wait needs a second one after it."""
        rupay = debit(Method.CARD, network="RuPay")
        at = ist(2026, 11, 4, 20)
        changes: dict[str, Any] = {
            "now": ist(2026, 11, 5, 12),
            "attempts": (failed(at=at), failed(at=at), failed(at=at)),
            "notice": delivered(ist(2026, 11, 4, 8), debit_at=ist(2026, 11, 5, 20)),
        }
        plan = retried(debit=rupay, **changes)
        assert plan.notify_at is not None
        assert plan.notify_at >= ist(2026, 11, 8, 20)
        assert {"notice_not_overridden", "notice_covers_minutes"} <= codes(plan)
        by_visa = retried(debit=CARD, **changes)
        assert by_visa.notify_at is not None
        assert by_visa.notify_at < ist(2026, 11, 8, 20)


class TestBankMandates:
    def test_they_are_presented_in_the_morning_of_a_working_day(self) -> None:
        """Failed on Thursday 5 November, heard on Friday: three days later is Monday the 9th, a working day
        between a Sunday and a bank holiday."""
        attempt = failed(at=ist(2026, 11, 5, 8), concluded_at=ist(2026, 11, 6, 7))
        plan = retried(debit=EMANDATE, now=ist(2026, 11, 6, 12), attempts=(attempt,))
        assert plan.at.astimezone(IST) == ist(2026, 11, 9, 8, 15)
        assert {"reinitiation_minutes", "bank_working_days"} <= codes(plan)

    def test_a_bank_holiday_is_passed_over(self) -> None:
        attempt = failed(at=ist(2026, 11, 5, 8), concluded_at=ist(2026, 11, 6, 8, 30))
        plan = retried(debit=EMANDATE, now=ist(2026, 11, 6, 12), attempts=(attempt,))
        assert plan.at.astimezone(IST) == ist(2026, 11, 11, 6, 15)

    def test_an_amount_above_the_reserve_bank_s_ceiling_is_allowed(self) -> None:
        assert retried(debit=debit(Method.EMANDATE, amount_paise=18_000_00)).amount_paise == 18_000_00

    def test_a_year_without_a_calendar_is_said_to_be_unknown(self) -> None:
        terms = mandate(cycle_start=ist(2028, 1, 1), cycle_end=ist(2028, 2, 1))
        plan = planned(debit=EMANDATE, now=ist(2027, 12, 31), mandate=terms)
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.CALENDAR_UNKNOWN
        assert "bank_calendar_unknown" in codes(plan)

    def test_a_provisional_year_is_flagged(self) -> None:
        terms = mandate(cycle_start=ist(2027, 1, 1), cycle_end=ist(2027, 2, 1))
        plan = retried(debit=EMANDATE, now=ist(2027, 1, 3), mandate=terms)
        assert "bank_calendar_provisional" in codes(plan)

    def test_a_bank_that_is_down_for_netbanking_is_down_for_its_mandates(self) -> None:
        down = Downtime("netbanking", ist(2026, 11, 6), ist(2026, 11, 10), "HDFC")
        plan = retried(debit=EMANDATE, downtimes=(down,))
        assert plan.at >= ist(2026, 11, 10)
        assert "downtime" in codes(plan)

    def test_a_mandate_that_the_bank_has_not_activated_waits_five_days(self) -> None:
        attempt = failed(decline=decline("payment_mandate_not_active", "emandate"))
        plan = retried(debit=EMANDATE, attempts=(attempt,))
        assert plan.at >= ist(2026, 11, 10, 8, 17)
        assert "decline_wait" in codes(plan)


class TestNotice:
    def test_it_has_to_be_delivered_25_hours_before_a_upi_debit(self) -> None:
        told = ist(2026, 11, 5, 11)
        plan = retried(manual=True, notice=delivered(told))
        assert plan.at.astimezone(IST) == ist(2026, 11, 6, 13)  # 12:00 is a peak hour
        assert {"notice_lead_minutes", "peak_hours"} <= codes(plan)

    def test_one_on_its_way_is_allowed_an_hour(self) -> None:
        raised = Notice(NoticeStatus.RAISED, 45_000, ist(2026, 11, 5, 11, 50))
        plan = retried(manual=True, notice=raised)
        assert plan.at.astimezone(IST) == ist(2026, 11, 6, 13, 50)
        assert plan.notify_at is None
        assert "notice_delivery_minutes" in codes(plan)

    @pytest.mark.parametrize(
        "notice",
        [
            None,
            Notice(NoticeStatus.RAISED, 45_000, ist(2026, 11, 4, 11, 59)),
            Notice(NoticeStatus.FAILED, 45_000, ist(2026, 11, 3)),
            delivered(amount_paise=44_999),
        ],
        ids=["none", "raised and never delivered", "failed", "of another amount"],
    )
    def test_without_one_that_covers_the_debit_a_new_one_goes_out(self, notice: Notice | None) -> None:
        plan = retried(manual=True, notice=notice)
        assert plan.notify_at is not None
        assert plan.notify_at.astimezone(IST) == ist(2026, 11, 5, 12)
        assert plan.at - plan.notify_at == timedelta(hours=26)

    def test_the_debit_that_it_names_is_not_anticipated(self) -> None:
        plan = retried(manual=True, notice=delivered(debit_at=ist(2026, 11, 7, 7)))
        assert plan.at.astimezone(IST) == ist(2026, 11, 7, 7)

    def test_it_covers_for_three_days_and_no_longer(self) -> None:
        old = delivered(ist(2026, 11, 1, 8))
        assert retried(now=ist(2026, 11, 5, 8), manual=True, notice=old).notify_at is None
        assert retried(now=ist(2026, 11, 5, 9, 1), manual=True, notice=old).notify_at is not None

    def test_who_opted_out_of_the_debit_is_asked(self) -> None:
        plan = planned(notice=Notice(NoticeStatus.OPTED_OUT, 45_000, ist(2026, 11, 4)))
        assert isinstance(plan, AskCustomer)
        assert plan.reason is Reason.OPTED_OUT


class TestAmount:
    @pytest.mark.parametrize("method", [Method.UPI, Method.CARD])
    def test_the_ceiling_itself_needs_no_authentication(self, method: Method) -> None:
        assert retried(debit=debit(method, amount_paise=15_000_00)).amount_paise == 15_000_00

    @pytest.mark.parametrize("manual", [False, True])
    def test_a_paisa_above_it_does(self, manual: bool) -> None:
        plan = planned(debit=debit(amount_paise=15_000_01), manual=manual)
        assert isinstance(plan, AskCustomer)
        assert (plan.reason, plan.remedy) == (Reason.AUTHENTICATION_REQUIRED, Remedy.APPROVE)
        assert "RBI" in plan.because[0].source

    def test_the_ceiling_is_that_of_the_day_of_the_debit(self) -> None:
        """Planned on 14 June 2022, when it was ₹5,000.00, for a cycle that begins with ₹15,000.00."""
        terms = mandate(cycle_start=ist(2022, 6, 16), cycle_end=ist(2022, 7, 16))
        now = ist(2022, 6, 14, 8)
        assert retried(debit=debit(amount_paise=15_000_00), now=now, mandate=terms).at >= ist(2022, 6, 16)
        assert isinstance(planned(debit=debit(amount_paise=15_000_01), now=now, mandate=terms), AskCustomer)
        before = mandate(cycle_start=ist(2022, 6, 1), cycle_end=ist(2022, 6, 17))
        assert isinstance(planned(debit=debit(amount_paise=5_000_01), now=now, mandate=before), AskCustomer)

    def test_without_a_slot_the_customer_can_still_authenticate(self) -> None:
        plan = planned(debit=debit(amount_paise=15_000_01), now=ist(2026, 11, 30, 1))
        assert isinstance(plan, AskCustomer)
        assert plan.reason is Reason.AUTHENTICATION_REQUIRED

    def test_above_the_mandate_a_new_one_is_needed(self) -> None:
        plan = planned(mandate=mandate(max_amount_paise=44_999))
        assert isinstance(plan, AskCustomer)
        assert (plan.reason, plan.remedy) == (Reason.ABOVE_MANDATE, Remedy.NEW_MANDATE)

    def test_mandates_are_debited_in_rupees(self) -> None:
        plan = planned(debit=debit(currency="USD"))
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.CURRENCY_NOT_ALLOWED
