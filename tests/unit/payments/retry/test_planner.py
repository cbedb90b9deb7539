"""Debits planned by hand: what comes next, when, and what the explanation says."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from runtime.payments.retry.declines import Remedy
from runtime.payments.retry.law import Constraint, LawUnknown, Method
from runtime.payments.retry.plan import AskCustomer, Poll, PollSubject, Reason, Retry, Stop
from runtime.payments.retry.planner import Planner
from runtime.payments.retry.situation import (
    AttemptOutcome,
    Downtime,
    MandateStatus,
    Notice,
    NoticeStatus,
    Situation,
)
from runtime.platform.clock import IST
from tests.unit.payments.retry.situations import (
    PLANNER,
    at_the_latest,
    codes,
    debit,
    decline,
    delivered,
    failed,
    ist,
    mandate,
    no_chance,
    planned,
    retried,
    situation,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CARD = debit(Method.CARD, network="Visa", issuer="HDFC")
EMANDATE = debit(Method.EMANDATE, issuer="HDFC")


class TestScheduled:
    def test_without_money_it_is_tried_the_next_morning(self) -> None:
        plan = retried(attempts=(failed(),), notice=delivered())
        assert plan.at.astimezone(IST) == ist(2026, 11, 6, 6, 15)
        assert (plan.attempt_no, plan.cycle_attempt_no, plan.notify_at) == (2, 2, None)
        assert {"backoff", "peak_hours", "best_slot"} <= codes(plan)

    def test_the_first_days_of_a_month_are_worth_waiting_for(self) -> None:
        """Failed on Thursday 28 January: not the next morning but Monday 1 February, within the cycle."""
        terms = mandate(cycle_start=ist(2027, 1, 15), cycle_end=ist(2027, 2, 15))
        at = ist(2027, 1, 28, 8, 15)
        plan = retried(now=at + HOUR, mandate=terms, attempts=(failed(at=at),))
        assert plan.at.astimezone(IST) == ist(2027, 2, 1, 6, 15)
        assert plan.notify_at == plan.at - timedelta(hours=48)

    def test_each_failure_makes_the_house_wait_longer(self) -> None:
        once = retried(attempts=(failed(),))
        again = retried(attempts=(failed(at=ist(2026, 11, 4, 8, 15)), failed()))
        assert again.at - failed().initiated_at >= timedelta(hours=68)
        assert again.at > once.at

    def test_patience_gives_way_when_the_cycle_ends(self) -> None:
        """A third failure would wait until the 8th, but the cycle's last allowed day is the 7th."""
        attempts = tuple(failed(at=ist(2026, 11, day, 8, 15)) for day in (3, 4, 5))
        terms = mandate(cycle_end=ist(2026, 11, 9))
        plan = retried(attempts=attempts, mandate=terms, notice=delivered(ist(2026, 11, 4, 22)))
        assert plan.at.astimezone(IST).date() == ist(2026, 11, 6).date()
        assert "last_day_of_cycle" in codes(plan)

    def test_a_daily_limit_is_waited_for_a_whole_day(self) -> None:
        plan = retried(attempts=(failed("transaction_daily_limit_exceeded"),), notice=delivered())
        assert plan.at >= failed().initiated_at + DAY
        assert "decline_wait" in codes(plan)

    def test_a_first_debit_is_planned_with_its_notice(self) -> None:
        plan = retried()
        assert plan.attempt_no == 1
        assert plan.notify_at is not None
        assert plan.at - plan.notify_at >= timedelta(hours=26)
        assert {"notice_minutes", "notice_lead_minutes"} <= codes(plan)


class TestTechnical:
    @pytest.mark.parametrize(
        ("failures", "backoff"), [(1, timedelta(hours=1)), (2, timedelta(hours=3)), (3, timedelta(hours=6))]
    )
    def test_it_is_tried_soon_and_then_less_soon(self, failures: int, backoff: timedelta) -> None:
        hour = {1: 13, 2: 13, 3: 1}[failures]
        at = ist(2026, 11, 5, hour)
        attempts = tuple(failed("bank_technical_error", at=at, concluded_at=at) for _ in range(failures))
        plan = retried(now=at, attempts=attempts, notice=delivered())
        assert plan.at == at + backoff

    def test_a_peak_hour_moves_it_to_the_end_of_the_peak(self) -> None:
        at = ist(2026, 11, 5, 9, 30)
        plan = retried(now=at, attempts=(failed("server_error", at=at, concluded_at=at),), notice=delivered())
        assert plan.at.astimezone(IST) == ist(2026, 11, 5, 13)
        peak = next(why for why in plan.because if why.code == "peak_hours")
        assert peak.until is not None
        assert peak.until.astimezone(IST) == ist(2026, 11, 5, 13)
        assert "NPCI" in peak.source

    def test_a_downtime_is_waited_for(self) -> None:
        at = ist(2026, 11, 5, 13)
        down = Downtime("upi", at, ist(2026, 11, 5, 15, 30), "hdfc")
        plan = retried(
            now=at,
            debit=debit(issuer="HDFC"),
            attempts=(failed("bank_not_available", at=at, concluded_at=at),),
            notice=delivered(),
            downtimes=(down,),
        )
        assert plan.at.astimezone(IST) == ist(2026, 11, 5, 15, 30)
        assert "downtime" in codes(plan)

    @pytest.mark.parametrize("other", [{"instrument": "ICIC"}, {"method": "wallet"}, {"method": "card"}])
    def test_another_bank_s_downtime_is_none_of_ours(self, other: dict[str, str]) -> None:
        at = ist(2026, 11, 5, 13)
        values: dict[str, Any] = {"method": "upi", "begins_at": at, "ends_at": at + DAY, "instrument": "HDFC"}
        plan = retried(
            now=at,
            debit=debit(issuer="HDFC"),
            attempts=(failed("bank_not_available", at=at, concluded_at=at),),
            notice=delivered(),
            downtimes=(Downtime(**values | other),),
        )
        assert plan.at == at + HOUR

    def test_a_downtime_that_ends_before_it_begins_is_none(self) -> None:
        at = ist(2026, 11, 5, 13)
        plan = retried(
            now=at,
            attempts=(failed("server_error", at=at, concluded_at=at),),
            notice=delivered(),
            downtimes=(Downtime("upi", at + HOUR, at),),
        )
        assert plan.at == at + HOUR

    def test_a_downtime_without_an_end_is_taken_to_last_four_hours(self) -> None:
        at = ist(2026, 11, 5, 1)
        plan = retried(
            now=at,
            attempts=(failed("server_error", at=at, concluded_at=at),),
            notice=delivered(),
            downtimes=(Downtime("upi", at - HOUR),),
        )
        assert plan.at.astimezone(IST) == ist(2026, 11, 5, 5)


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


class TestMandate:
    @pytest.mark.parametrize("manual", [False, True])
    @pytest.mark.parametrize(
        ("status", "remedy"),
        [
            (MandateStatus.PAUSED, Remedy.RESUME_MANDATE),
            (MandateStatus.CANCELLED, Remedy.NEW_MANDATE),
            (MandateStatus.REJECTED, Remedy.NEW_MANDATE),
            (MandateStatus.EXPIRED, Remedy.NEW_MANDATE),
        ],
    )
    def test_one_that_does_not_stand_is_not_debited(
        self, status: MandateStatus, remedy: Remedy, manual: bool
    ) -> None:
        plan = planned(mandate=mandate(status=status), manual=manual)
        assert isinstance(plan, AskCustomer)
        assert plan.remedy is remedy

    def test_one_that_the_bank_has_not_confirmed_is_looked_at_again(self) -> None:
        plan = planned(mandate=mandate(status=MandateStatus.INITIATED))
        assert isinstance(plan, Poll)
        assert (plan.subject, plan.at) == (PollSubject.MANDATE, ist(2026, 11, 6, 12))

    def test_one_whose_day_has_come_has_expired(self) -> None:
        plan = planned(mandate=mandate(expires_at=ist(2026, 11, 5, 12)))
        assert isinstance(plan, AskCustomer)
        assert plan.reason is Reason.MANDATE_ENDED

    def test_the_last_debit_comes_before_it_expires(self) -> None:
        plan = retried(mandate=mandate(expires_at=ist(2026, 11, 6, 14, 30)))
        assert plan.at < ist(2026, 11, 6, 14, 30)
        assert "mandate_expiry" in codes(plan)

    def test_a_cycle_that_is_over_has_no_slot(self) -> None:
        plan = planned(now=ist(2026, 12, 1))
        assert isinstance(plan, Stop)
        assert (plan.reason, codes(plan)) == (Reason.NO_SLOT, {"cycle_end"})

    def test_a_cycle_to_come_is_waited_for(self) -> None:
        plan = retried(now=ist(2026, 10, 20))
        assert plan.at >= ist(2026, 11, 1)
        assert "cycle_start" in codes(plan)

    def test_without_cycles_every_attempt_counts(self) -> None:
        terms = mandate(frequency="as_presented", cycle_start=None, cycle_end=None)
        attempts = tuple(failed(at=ist(2026, 8, day, 8)) for day in (2, 3, 4, 5))
        plan = planned(mandate=terms, attempts=attempts)
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.ATTEMPTS_EXHAUSTED


class TestDeclines:
    @pytest.mark.parametrize("manual", [False, True])
    @pytest.mark.parametrize("later", [(), (failed("insufficient_funds", at=ist(2026, 11, 5, 9)),)])
    def test_after_a_hard_one_there_is_never_another_debit(
        self, manual: bool, later: tuple[Any, ...]
    ) -> None:
        plan = planned(attempts=(failed("card_expired"), *later), manual=manual, debit=CARD)
        assert isinstance(plan, AskCustomer)
        assert (plan.reason, plan.remedy) == (Reason.HARD_DECLINE, Remedy.NEW_METHOD)

    def test_where_nothing_can_be_done_nothing_is_asked(self) -> None:
        plan = planned(attempts=(failed("payment_risk_check_failed"),))
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.HARD_DECLINE

    def test_the_customer_is_asked_and_may_then_ask_for_a_debit(self) -> None:
        plan = planned(attempts=(failed("authentication_failed"),), notice=delivered())
        assert isinstance(plan, AskCustomer)
        assert plan.remedy is Remedy.CUSTOMER_ACTION
        by_hand = retried(attempts=(failed("authentication_failed"),), notice=delivered(), manual=True)
        assert by_hand.at.astimezone(IST) == ist(2026, 11, 5, 13)

    @pytest.mark.parametrize("manual", [False, True])
    @pytest.mark.parametrize(
        ("reason", "stops"),
        [("input_validation_failed", Reason.OUR_BUG), ("upi_dummy_payment", Reason.NOT_A_FAILURE)],
    )
    def test_what_is_no_failure_of_the_customer_is_not_tried_again(
        self, reason: str, stops: Reason, manual: bool
    ) -> None:
        plan = planned(attempts=(failed(reason),), manual=manual)
        assert isinstance(plan, Stop)
        assert plan.reason is stops

    def test_banks_that_do_not_say_why_are_asked_three_times(self) -> None:
        days = [ist(2026, 11, day, 8) for day in (2, 3, 4)]
        assert retried(attempts=tuple(failed("payment_failed", at=at) for at in days[:2])).attempt_no == 3
        plan = planned(attempts=tuple(failed("payment_failed", at=at) for at in days))
        assert isinstance(plan, AskCustomer)
        assert (plan.reason, plan.remedy) == (Reason.OPAQUE_DECLINES, Remedy.NEW_METHOD)

    def test_a_failure_without_any_word_is_an_opaque_one(self) -> None:
        days = [ist(2026, 11, day, 8) for day in (2, 3, 4)]
        plan = planned(attempts=tuple(failed(at=at, decline=None) for at in days))
        assert isinstance(plan, AskCustomer)
        assert plan.reason is Reason.OPAQUE_DECLINES

    def test_no_debit_is_tried_without_end(self) -> None:
        attempts = tuple(failed(at=ist(2026, month, 3, 8)) for month in range(3, 11))
        plan = planned(attempts=attempts)
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.TRIES_EXHAUSTED

    def test_a_debit_that_succeeded_is_done(self) -> None:
        paid = failed(outcome=AttemptOutcome.SUCCEEDED, decline=None)
        plan = planned(attempts=(paid, failed("server_error", at=ist(2026, 11, 5, 9))), manual=True)
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.PAID


class TestUnknown:
    AT = ist(2026, 11, 5, 8)

    def unknown(self, **changes: Any) -> Any:
        values: dict[str, Any] = {"outcome": AttemptOutcome.UNKNOWN, "decline": None, "concluded_at": None}
        return failed(at=self.AT, **values | changes)

    @pytest.mark.parametrize("manual", [False, True])
    def test_nothing_is_debited_while_the_outcome_is_open(self, manual: bool) -> None:
        plan = planned(now=self.AT, attempts=(self.unknown(),), manual=manual)
        assert isinstance(plan, Poll)
        assert (plan.at, plan.subject) == (self.AT + timedelta(minutes=2), PollSubject.PAYMENT)

    def test_nor_while_an_earlier_one_is(self) -> None:
        plan = planned(attempts=(self.unknown(), failed("server_error", at=self.AT + HOUR)))
        assert isinstance(plan, Poll)

    @pytest.mark.parametrize(("polls", "wait"), [(1, HOUR), (2, DAY)])
    def test_the_questions_become_rarer(self, polls: int, wait: timedelta) -> None:
        asked = self.unknown(polls=polls, last_polled_at=self.AT + timedelta(minutes=2))
        plan = planned(now=self.AT + timedelta(minutes=3), attempts=(asked,))
        assert isinstance(plan, Poll)
        assert plan.at == self.AT + wait

    def test_two_questions_are_90_seconds_apart_at_least(self) -> None:
        now = self.AT + 3 * HOUR
        asked = self.unknown(polls=1, last_polled_at=now - timedelta(seconds=10))
        plan = planned(now=now, attempts=(asked,))
        assert isinstance(plan, Poll)
        assert plan.at - (now - timedelta(seconds=10)) >= timedelta(seconds=90)
        assert "status_check_gap_seconds" in codes(plan)

    def test_after_three_questions_a_person_decides(self) -> None:
        plan = planned(attempts=(self.unknown(polls=3, last_polled_at=self.AT + HOUR),))
        assert isinstance(plan, Stop)
        assert plan.reason is Reason.OUTCOME_UNKNOWN
        assert "status_checks" in codes(plan)

    def test_a_failure_that_leaves_it_open_is_asked_about_until_it_is_confirmed(self) -> None:
        plan = planned(attempts=(failed("payment_timed_out"),))
        assert isinstance(plan, Poll)
        assert {"outcome_unknown", "decline_poll"} == codes(plan)
        confirmed = failed("payment_timed_out", confirmed=True)
        assert retried(attempts=(confirmed,), notice=delivered()).attempt_no == 2


class TestManual:
    def test_the_house_s_patience_is_skipped_and_the_law_is_not(self) -> None:
        attempts = (failed(at=ist(2026, 11, 5, 8, 15)),)
        patient = retried(attempts=attempts, notice=delivered())
        by_hand = retried(attempts=attempts, notice=delivered(), manual=True)
        assert by_hand.at.astimezone(IST) == ist(2026, 11, 5, 13)
        assert by_hand.at < patient.at
        assert "backoff" not in codes(by_hand)
        assert "peak_hours" in codes(by_hand)


class TestChance:
    def test_a_debit_leaves_some_minutes_after_its_slot(self) -> None:
        asked = situation(attempts=(failed(),), notice=delivered())
        moved = PLANNER.plan(asked, at_the_latest)
        still = PLANNER.plan(asked, no_chance)
        assert moved.at - still.at == timedelta(minutes=5)  # type: ignore[union-attr]
        assert "jitter" in codes(moved)
        assert "jitter" not in codes(still)

    @pytest.mark.parametrize("minutes", range(1, 7))
    @pytest.mark.parametrize("what", ["expiry", "cycle", "downtime"])
    def test_however_late_it_leaves_it_is_in_time(self, what: str, minutes: int) -> None:
        """The best slot is at 06:15; something closes within the minutes that chance may add."""
        closes = ist(2026, 11, 6, 6, 15) + timedelta(minutes=minutes)
        by_name: dict[str, dict[str, Any]] = {
            "expiry": {"mandate": mandate(expires_at=closes)},
            "cycle": {"mandate": mandate(cycle_end=closes), "debit": CARD},
            "downtime": {"downtimes": (Downtime("upi", closes, closes + DAY),)},
        }
        asked = situation(
            now=ist(2026, 11, 6, 0, 30),
            attempts=(failed(at=ist(2026, 11, 4, 8, 15)),),
            notice=delivered(ist(2026, 11, 3, 12)),
            **by_name[what],
        )
        plan = PLANNER.plan(asked, at_the_latest)
        assert isinstance(plan, Retry)
        assert plan.at < closes or (what == "downtime" and plan.at >= closes + DAY)
        assert (plan.at == ist(2026, 11, 6, 6, 20)) is (minutes == 6)

    @pytest.mark.parametrize("said", [-1, 6])
    def test_chance_keeps_to_its_range(self, said: int) -> None:
        with pytest.raises(ValueError, match="from 0 to n - 1"):
            PLANNER.plan(situation(), lambda n: said)


class Favourite:
    """A predictor that likes one hour of the day."""

    constraint = Constraint("favourite", "It likes that hour.", "a test")

    def __init__(self, hour: int, scores: int | None = None) -> None:
        self._hour = hour
        self._scores = scores

    def scores(self, situation: Situation, slots: Sequence[int]) -> Sequence[float]:
        found = [1.0 if (slot + 330) % 1440 // 60 == self._hour else 0.0 for slot in slots]
        return found[: self._scores]


class TestPredictor:
    def test_within_the_law_it_decides(self) -> None:
        plan = Planner(predictor=Favourite(15)).plan(situation(), no_chance)
        assert plan.at.astimezone(IST).hour == 15  # type: ignore[union-attr]
        assert "favourite" in codes(plan)

    def test_beyond_the_law_it_does_not(self) -> None:
        """18:45 is among the house's slots, and a peak hour."""
        plan = Planner(predictor=Favourite(18)).plan(situation(), no_chance)
        assert plan.at.astimezone(IST).hour != 18  # type: ignore[union-attr]
        by_card = Planner(predictor=Favourite(18)).plan(situation(debit=CARD), no_chance)
        assert by_card.at.astimezone(IST).hour == 18  # type: ignore[union-attr]

    def test_it_scores_every_slot(self) -> None:
        with pytest.raises(ValueError, match="one score for each slot"):
            Planner(predictor=Favourite(15, scores=3)).plan(situation(), no_chance)


class TestCheck:
    """Right before a debit is sent."""

    MORNING = ist(2026, 11, 6, 6, 15)

    def test_a_lawful_moment_passes(self) -> None:
        asked = situation(now=self.MORNING, attempts=(failed(),), notice=delivered())
        assert PLANNER.check(asked) == ()

    @pytest.mark.parametrize(
        ("changes", "code"),
        [
            ({"notice": None}, "notice_missing"),
            ({"notice": Notice(NoticeStatus.RAISED, 45_000, ist(2026, 11, 3))}, "notice_missing"),
            ({"notice": delivered(ist(2026, 11, 5, 6))}, "notice_lead_minutes"),
            ({"notice": delivered(ist(2026, 10, 20))}, "notice_lead_minutes"),
            ({"mandate": mandate(status=MandateStatus.PAUSED)}, "mandate_paused"),
            ({"mandate": mandate(cycle_end=ist(2026, 11, 7))}, "last_day_of_cycle"),
            ({"mandate": mandate(cycle_start=ist(2026, 11, 7))}, "cycle_start"),
            ({"now": ist(2026, 11, 6, 11)}, "peak_hours"),
            ({"debit": CARD}, "reinitiation_minutes"),
            ({"debit": debit(amount_paise=15_000_01)}, "afa_free_ceiling_paise"),
        ],
    )
    def test_what_changed_since_the_plan_is_found(self, changes: dict[str, Any], code: str) -> None:
        values: dict[str, Any] = {"now": self.MORNING, "attempts": (failed(),), "notice": delivered()}
        assert code in {why.code for why in PLANNER.check(situation(**values | changes))}


def test_before_the_first_law_on_record_nothing_is_planned() -> None:
    with pytest.raises(LawUnknown):
        planned(now=ist(2019, 1, 1))


def test_what_is_kept_is_bounded_and_changes_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [situation(now=ist(2026, 11, day)) for day in range(1, 20)]
    plans = [PLANNER.plan(each, no_chance) for each in asked]
    monkeypatch.setattr("runtime.payments.retry.slots.CACHE_MAX", 2)
    monkeypatch.setattr("runtime.payments.retry.ladder.CACHE_MAX", 2)
    forgetful = Planner()
    assert [forgetful.plan(each, no_chance) for each in asked] == plans
