"""What is heard of notices and tries ends the same in any order and however often it is said."""

from datetime import timedelta
from itertools import permutations, product

import pytest

from runtime.payments.debits.model import NoticeState, Refused, RetryRecord, RetryState
from runtime.payments.debits.rules import NEVER_MADE_AFTER, hear_notice, look_at
from runtime.payments.model import AttemptStatus
from runtime.platform.clock import iso
from tests.unit.payments.debits.samples import NOW, ORDER, ago, attempt, notice, one_try, record

WORDS = [NoticeState.RAISED, NoticeState.DELIVERED, NoticeState.FAILED]


def heard(known: RetryRecord, status: NoticeState, order_id: str = ORDER) -> RetryRecord:
    return hear_notice(known, order_id, status, delivered_at=NOW, debit_at=NOW + timedelta(hours=25))


class TestNotices:
    @pytest.mark.parametrize("length", [1, 2, 3])
    def test_any_permutation_and_repetition_ends_the_same(self, length: int) -> None:
        for words in product(WORDS, repeat=length):
            ends = set()
            for order in permutations(words):
                known = record(notices=(notice(),))
                for status in order:
                    known = heard(known, status)
                ends.add(known.model_dump_json())
            assert len(ends) == 1

    def test_a_delivery_is_kept_with_its_moment_and_the_first_debit(self) -> None:
        (after,) = heard(record(notices=(notice(),)), NoticeState.DELIVERED).notices
        assert (after.delivered_at, after.debit_at) == (iso(NOW), iso(NOW + timedelta(hours=25)))

    def test_a_moment_that_was_named_stays(self) -> None:
        (after,) = heard(record(notices=(notice(debit_at=ago(hours=1)),)), NoticeState.DELIVERED).notices
        assert after.debit_at == ago(hours=1)

    def test_one_that_failed_after_all_covers_nothing(self) -> None:
        known = heard(record(notices=(notice(),)), NoticeState.DELIVERED)
        (after,) = heard(known, NoticeState.FAILED).notices
        assert (after.status, after.delivered_at) == (NoticeState.FAILED, None)

    def test_what_is_no_news_gives_the_same_object(self) -> None:
        known = heard(record(notices=(notice(),)), NoticeState.DELIVERED)
        assert heard(known, NoticeState.DELIVERED) is known
        assert heard(known, NoticeState.FAILED, "order_of_somebody") is known


class TestLooking:
    def test_a_payment_that_no_try_is_known_by_belongs_to_the_open_one(self) -> None:
        known = record(
            tries=(one_try(1, gateway_payment_id="pay_1", confirmed=True), one_try(2)),
        )
        listed = [("pay_1", attempt("pay_1")), ("pay_2", attempt("pay_2", "created"))]
        after = look_at(known, ORDER, listed, NOW)
        assert [one.gateway_payment_id for one in after.tries] == ["pay_1", "pay_2"]

    def test_a_failure_that_the_gateway_stands_by_is_confirmed_and_no_other(self) -> None:
        for status in AttemptStatus:
            known = record(tries=(one_try(gateway_payment_id="pay_1"),))
            (after,) = look_at(known, ORDER, [("pay_1", attempt("pay_1", status.value))], NOW).tries
            assert after.confirmed is (status is AttemptStatus.FAILED)
            assert (after.polls, after.last_polled_at) == (1, iso(NOW))

    @pytest.mark.parametrize(("seconds", "made"), [(-1, True), (0, False), (1, False)])
    def test_what_is_not_listed_for_an_hour_was_never_made(self, seconds: int, made: bool) -> None:
        asked_at = NOW - NEVER_MADE_AFTER - timedelta(seconds=seconds)
        (after,) = look_at(record(tries=(one_try(initiated_at=iso(asked_at)),)), ORDER, [], NOW).tries
        assert after.not_made is not made

    def test_what_is_listed_was_made_however_long_ago(self) -> None:
        known = record(tries=(one_try(initiated_at=ago(days=3)),))
        (after,) = look_at(known, ORDER, [("pay_1", attempt("pay_1", "captured"))], NOW).tries
        assert (after.not_made, after.gateway_payment_id) == (False, "pay_1")

    def test_tries_of_other_orders_and_those_that_are_over_stay_as_they_are(self) -> None:
        known = record(
            tries=(one_try(1, order_id="order_X"), one_try(2, not_made=True), one_try(3, refused=Refused())),
        )
        assert look_at(known, ORDER, [("pay_1", attempt("pay_1"))], NOW) == known

    def test_a_confirmed_failure_is_not_counted_again(self) -> None:
        known = record(tries=(one_try(gateway_payment_id="pay_1", confirmed=True),))
        assert look_at(known, ORDER, [("pay_1", attempt("pay_1"))], NOW) == known


@pytest.mark.parametrize("state", RetryState)
@pytest.mark.parametrize("tried", [False, True])
def test_a_cycle_is_freed_only_by_what_was_given_up_untried(state: RetryState, tried: bool) -> None:
    known = record(state=state, tries=(one_try(),) if tried else (one_try(not_made=True),))
    assert known.frees_its_cycle is (not tried and state in (RetryState.STOPPED, RetryState.CANCELLED))
