"""Whatever order words about refunds come in, and however often, the balance is the same and never beyond."""

from datetime import date
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.refunds.errors import RefundCode
from runtime.payments.refunds.model import REFUNDS_MAX, Refund, RefundBook, RefundRequest, RefundStatus
from runtime.payments.refunds.rules import (
    balance,
    hear,
    hear_request,
    hear_total,
    is_past_window,
    merge_refund,
    open_requests,
    refused,
    reserve,
    to_be_fetched,
    unanswered,
)
from runtime.payments.refusal import Refused
from tests.unit.payments.refunds.samples import CAPTURED_PAISE, book, facts, refund, words

DAY = date(2026, 4, 1)
PENDING, FAILED, PROCESSED = RefundStatus.PENDING, RefundStatus.FAILED, RefundStatus.PROCESSED


def take(known: RefundBook, fact: Refund | RefundRequest | int) -> RefundBook:
    if isinstance(fact, Refund):
        return hear(known, fact)
    return hear_request(known, fact) if isinstance(fact, RefundRequest) else hear_total(known, fact)


def heard(said: list[Refund | RefundRequest | int]) -> RefundBook:
    return reduce(take, said, book())


class TestMerge:
    @given(words(), words())
    def test_does_not_depend_on_the_order(self, first: Refund, second: Refund) -> None:
        assert merge_refund(merge_refund(None, first), second) == merge_refund(
            merge_refund(None, second), first
        )

    @given(words(), words(), words())
    def test_does_not_depend_on_the_grouping(self, first: Refund, second: Refund, third: Refund) -> None:
        left = merge_refund(merge_refund(first, second), third)
        assert left == merge_refund(first, merge_refund(second, third))

    @given(words(), words())
    def test_the_same_word_again_changes_nothing(self, first: Refund, second: Refund) -> None:
        once = merge_refund(merge_refund(None, first), second)
        assert merge_refund(once, second) == once
        assert merge_refund(once, first) == once

    def test_the_banks_reference_may_come_late_and_is_kept(self) -> None:
        late = merge_refund(refund(status=PROCESSED), refund(status=PROCESSED, arn="74332745"))
        assert merge_refund(late, refund(status=PROCESSED, observed_at=1_775_099_999)).arn == "74332745"

    def test_the_speed_only_goes_down(self) -> None:
        instant = refund(speed_requested="optimum", speed_processed="instant")
        normal = refund(speed_processed="normal", observed_at=1_774_000_000)
        merged = merge_refund(instant, normal)
        assert (merged.speed_requested, merged.speed_processed) == ("optimum", "normal")
        assert merge_refund(normal, instant).speed_processed == "normal"

    def test_processed_outranks_failed_and_the_contradiction_is_kept(self) -> None:
        merged = merge_refund(refund(status=PROCESSED), refund(status=FAILED, observed_at=1_775_099_999))
        assert merged.status is PROCESSED
        assert merged.is_contradicted
        assert not merge_refund(None, refund(status=FAILED)).is_contradicted

    @pytest.mark.parametrize("change", [{"amount_paise": 1}, {"currency": "USD"}])
    def test_words_that_differ_in_what_a_refund_is_are_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(Refused) as no:
            merge_refund(refund(), refund(**change))
        assert no.value.code == RefundCode.CONTRADICTED


class TestAnyOrder:
    @given(facts(), st.data())
    def test_any_permutation_with_any_repetition_gives_the_same_book(
        self, said: list[Refund | RefundRequest | int], data: st.DataObject
    ) -> None:
        repeated = said + (data.draw(st.lists(st.sampled_from(said), max_size=6)) if said else [])
        assert heard(data.draw(st.permutations(repeated))) == heard(said)

    @given(facts())
    def test_what_is_known_already_changes_nothing(self, said: list[Refund | RefundRequest | int]) -> None:
        known = heard(said)
        assert all(take(known, fact) is known for fact in said)

    @given(facts())
    def test_the_balance_covers_the_gateways_total_but_for_what_failed(
        self, said: list[Refund | RefundRequest | int]
    ) -> None:
        known = heard(said)
        failed = sum(each.amount_paise for each in known.refunds.values() if each.status is FAILED)
        now = balance(known)
        assert now.committed_paise >= known.refunded_at_gateway_paise - failed
        assert now.refundable_paise == max(0, CAPTURED_PAISE - now.committed_paise)
        assert now.overdrawn_paise == max(0, now.committed_paise - CAPTURED_PAISE)
        assert RefundBook.model_validate_json(known.model_dump_json()) == known


class TestConservation:
    @given(st.data())
    def test_refunded_and_pending_never_exceed_the_capture(self, data: st.DataObject) -> None:
        """We ask, the gateway answers or is silent, its words come in any order: nothing is refunded twice.

        The gateway is honest: it makes a refund once, within what it captured, and never changes its mind.
        """
        known = book()
        at_gateway: dict[str, int] = {}
        waiting: list[Refund | int] = []
        for number in range(data.draw(st.integers(1, 10))):
            request_id, amount = f"rfd_{number}", data.draw(st.integers(100, CAPTURED_PAISE))
            free = balance(known).refundable_paise
            if amount > free:
                with pytest.raises(Refused) as no:
                    reserve(known, request_id, amount, DAY)
                assert no.value.code == RefundCode.OVER_BALANCE
            else:
                known = reserve(known, request_id, amount, DAY)
                waiting += self._gateway_answers(data, at_gateway, request_id, amount)
                known = unanswered(known, request_id)
            heard_now = data.draw(st.lists(st.sampled_from(waiting), max_size=4)) if waiting else []
            for word in heard_now:
                known = take(known, word)
                now = balance(known)
                assert now.committed_paise <= CAPTURED_PAISE
                assert now.overdrawn_paise == 0
        for word in waiting:
            known = take(known, word)
        held = sum(request.amount_paise for request in open_requests(known))
        assert balance(known).committed_paise == sum(at_gateway.values()) + held

    @staticmethod
    def _gateway_answers(
        data: st.DataObject, at_gateway: dict[str, int], request_id: str, amount: int
    ) -> list[Refund | int]:
        assert sum(at_gateway.values()) + amount <= CAPTURED_PAISE  # it would never have to say no
        fate = data.draw(st.sampled_from(["never arrived", "processed", "failed"]))
        if fate == "never arrived":
            return []
        word = Refund(
            gateway_refund_id=f"rfnd_{request_id}",
            amount_paise=amount,
            currency="INR",
            status=PENDING,
            observed_at=1,
            request_id=request_id,
        )
        if fate == "failed":
            return [word, word.model_copy(update={"status": FAILED, "was_failed": True})]
        at_gateway[request_id] = amount
        return [word, word.model_copy(update={"status": PROCESSED}), sum(at_gateway.values())]


class TestReserving:
    def test_the_amount_is_held_before_anybody_is_asked(self) -> None:
        known = reserve(book(), "rfd_A", 30_000, DAY)
        assert (balance(known).pending_paise, balance(known).refundable_paise) == (30_000, 15_000)
        with pytest.raises(Refused, match="15000 paise can still be refunded"):
            reserve(known, "rfd_B", 15_001, DAY)
        assert balance(reserve(known, "rfd_B", 15_000, DAY)).refundable_paise == 0

    def test_a_known_request_changes_nothing_but_not_with_another_amount(self) -> None:
        known = reserve(book(), "rfd_A", 30_000, DAY)
        assert reserve(known, "rfd_A", 30_000, DAY) is known
        with pytest.raises(Refused) as no:
            reserve(known, "rfd_A", 30_001, DAY)
        assert no.value.code == RefundCode.ID_REUSED
        with pytest.raises(Refused):
            hear_request(known, RefundRequest(request_id="rfd_A", amount_paise=1))

    def test_silence_frees_nothing_and_asks_for_a_fetch(self) -> None:
        known = unanswered(reserve(book(), "rfd_A", 10_000, DAY), "rfd_A")
        assert balance(known).pending_paise == 10_000
        assert to_be_fetched(known)
        assert not to_be_fetched(hear(known, refund()))

    def test_a_refusal_and_a_failure_free_the_amount(self) -> None:
        known = reserve(book(), "rfd_A", 10_000, DAY)
        assert balance(refused(known, "rfd_A")).refundable_paise == CAPTURED_PAISE
        assert balance(hear(known, refund(status=FAILED))).refundable_paise == CAPTURED_PAISE

    def test_a_refund_that_appears_after_a_refusal_counts(self) -> None:
        known = hear(refused(reserve(book(), "rfd_A", 10_000, DAY), "rfd_A"), refund())
        assert balance(known).pending_paise == 10_000

    def test_a_request_and_its_refund_are_one(self) -> None:
        known = hear(reserve(book(), "rfd_A", 10_000, DAY), refund(status=PROCESSED))
        assert (balance(known).refunded_paise, balance(known).pending_paise) == (10_000, 0)

    def test_what_a_bank_contests_is_not_refunded_as_well(self) -> None:
        with pytest.raises(Refused, match="5000 paise can still"):
            reserve(book(), "rfd_A", 5_001, DAY, disputed_paise=40_000)
        with pytest.raises(Refused, match=" 0 paise can still"):
            reserve(book(), "rfd_A", 100, DAY, disputed_paise=50_000)

    @pytest.mark.parametrize(
        ("amount", "code"),
        [
            (0, RefundCode.AMOUNT_INVALID),
            (-5, RefundCode.AMOUNT_INVALID),
            (True, RefundCode.AMOUNT_INVALID),
            (100.0, RefundCode.AMOUNT_INVALID),
            (99, RefundCode.BELOW_MINIMUM),
            (CAPTURED_PAISE + 1, RefundCode.OVER_BALANCE),
        ],
    )
    def test_what_cannot_be_refunded_is_refused(self, amount: Any, code: RefundCode) -> None:
        with pytest.raises(Refused) as no:
            reserve(book(), "rfd_A", amount, DAY)
        assert no.value.code == code

    def test_a_request_that_is_not_known_has_no_outcome(self) -> None:
        for outcome in (refused, unanswered):
            with pytest.raises(Refused) as no:
                outcome(book(), "rfd_A")
            assert no.value.code == RefundCode.UNKNOWN


class TestExternalRefunds:
    def test_a_refund_of_the_dashboard_counts(self) -> None:
        known = hear(book(), refund("rfnd_3", status=PROCESSED))
        assert balance(known).refunded_paise == 5_000

    def test_the_gateways_total_counts_before_its_refund_is_known(self) -> None:
        known = hear_total(book(), 5_000)
        assert (balance(known).external_paise, balance(known).refundable_paise) == (5_000, 40_000)
        assert to_be_fetched(known)
        known = hear(known, refund("rfnd_3", status=PROCESSED))
        assert (balance(known).external_paise, balance(known).refunded_paise) == (0, 5_000)
        assert not to_be_fetched(known)

    def test_a_request_without_an_answer_explains_the_total(self) -> None:
        known = hear_total(reserve(book(), "rfd_A", 10_000, DAY), 10_000)
        assert balance(known).external_paise == 0
        assert balance(refused(known, "rfd_A")).external_paise == 10_000

    def test_a_total_older_than_a_failure_is_no_external_refund(self) -> None:
        known = hear(hear_total(book(), 10_000), refund(status=FAILED))
        assert balance(known).external_paise == 0
        assert balance(known).refundable_paise == CAPTURED_PAISE

    def test_a_gateway_that_gave_more_than_it_took_is_seen(self) -> None:
        known = hear_total(book(), CAPTURED_PAISE + 7)
        assert (balance(known).refundable_paise, balance(known).overdrawn_paise) == (0, 7)


class TestBounds:
    def test_another_currency_is_refused(self) -> None:
        with pytest.raises(Refused) as no:
            hear(book(), refund(currency="USD"))
        assert no.value.code == RefundCode.CURRENCY_DIFFERS

    @pytest.mark.parametrize("amount", [-1, 10**12 + 1])
    def test_amounts_beyond_bounds_are_refused(self, amount: int) -> None:
        with pytest.raises(Refused):
            hear(book(), refund(amount_paise=amount))
        with pytest.raises(Refused):
            hear_total(book(), amount)

    def test_a_payment_has_only_so_many_refunds(self) -> None:
        each = [
            refund().model_copy(update={"gateway_refund_id": f"rfnd_{n}"}) for n in range(REFUNDS_MAX + 1)
        ]
        full = book(refunds={word.gateway_refund_id: word for word in each[:-1]})
        with pytest.raises(Refused) as no:
            hear(full, each[-1])
        assert no.value.code == RefundCode.TOO_MANY
        asked = [RefundRequest(request_id=f"rfd_{n}", amount_paise=100) for n in range(REFUNDS_MAX + 1)]
        full = book(requests={request.request_id: request for request in asked[:-1]})
        with pytest.raises(Refused) as no:
            hear_request(full, asked[-1])
        assert no.value.code == RefundCode.TOO_MANY


@pytest.mark.parametrize(
    ("captured_on", "last_day"),
    [
        (date(2026, 4, 1), date(2026, 10, 1)),
        (date(2025, 8, 31), date(2026, 2, 28)),
        (date(2023, 8, 31), date(2024, 2, 29)),
    ],
)
def test_banks_take_refunds_for_six_months(captured_on: date, last_day: date) -> None:
    assert not is_past_window(captured_on, last_day)
    assert is_past_window(captured_on, date.fromordinal(last_day.toordinal() + 1))
