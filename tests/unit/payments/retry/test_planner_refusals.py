"""When nothing is debited: the mandate, the declines, and an outcome that is not known."""

from datetime import timedelta
from typing import Any

import pytest

from runtime.payments.retry.declines import Remedy
from runtime.payments.retry.law import Method
from runtime.payments.retry.plan import AskCustomer, Poll, PollSubject, Reason, Stop
from runtime.payments.retry.situation import (
    AttemptOutcome,
    MandateStatus,
)
from runtime.platform.clock import IST
from tests.unit.payments.retry.situations import (
    codes,
    debit,
    delivered,
    failed,
    ist,
    mandate,
    planned,
    retried,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CARD = debit(Method.CARD, network="Visa", issuer="HDFC")


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
