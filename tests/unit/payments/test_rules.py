"""Whatever order words come in, and however often, the payment is the same."""

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.model import ATTEMPTS_MAX, Attempt, AttemptStatus, Payment, PaymentStatus
from runtime.payments.rules import derive_status, hear, mask_vpa, merge_attempt
from tests.unit.payments.samples import ALL_KINDS, AMOUNT_PAISE, attempt, payment, words

CREATED, FAILED = AttemptStatus.CREATED, AttemptStatus.FAILED
AUTHORIZED, CAPTURED, REFUNDED = AttemptStatus.AUTHORIZED, AttemptStatus.CAPTURED, AttemptStatus.REFUNDED


def heard(*attempts: Attempt, of: Payment | None = None) -> Payment:
    return reduce(hear, attempts, of or payment())


class TestMerge:
    @given(words(), words())
    def test_does_not_depend_on_the_order(self, first: Attempt, second: Attempt) -> None:
        assert merge_attempt(first, second) == merge_attempt(second, first)

    @given(words(), words(), words())
    def test_does_not_depend_on_the_grouping(self, first: Attempt, second: Attempt, third: Attempt) -> None:
        left = merge_attempt(merge_attempt(first, second), third)
        assert left == merge_attempt(first, merge_attempt(second, third))

    @given(words(), words())
    def test_the_same_word_again_changes_nothing(self, first: Attempt, second: Attempt) -> None:
        once = merge_attempt(merge_attempt(None, first), second)
        assert merge_attempt(once, second) == once
        assert merge_attempt(once, first) == once

    @given(st.lists(words(), min_size=1, max_size=6))
    def test_a_capture_is_never_forgotten(self, said: list[Attempt]) -> None:
        merged = reduce(merge_attempt, said[1:], merge_attempt(None, said[0]))
        assert merged.was_captured == any(word.was_captured for word in said)

    @given(st.lists(words(), min_size=1, max_size=6))
    def test_a_fee_once_known_stays_known(self, said: list[Attempt]) -> None:
        merged = reduce(merge_attempt, said[1:], merge_attempt(None, said[0]))
        fees = [word.fee_paise for word in said if word.fee_paise is not None]
        assert merged.fee_paise == max(fees, default=None)

    def test_a_captured_word_counts_as_captured_even_unflagged(self) -> None:
        assert merge_attempt(None, attempt(CAPTURED, was_captured=False)).was_captured

    def test_words_about_two_attempts_are_never_merged(self) -> None:
        with pytest.raises(ValueError, match="two different attempts"):
            merge_attempt(attempt(FAILED, "pay_A"), attempt(FAILED, "pay_B"))

    def test_of_two_words_equally_far_the_newer_is_kept(self) -> None:
        older = attempt(FAILED, observed_at=1, error_reason="payment_timed_out")
        newer = attempt(FAILED, observed_at=2, error_reason="payment_cancelled")
        assert merge_attempt(newer, older).error_reason == "payment_cancelled"


class TestAnyOrder:
    @given(st.data())
    def test_any_permutation_with_any_repetition_gives_the_same_payment(self, data: st.DataObject) -> None:
        said = data.draw(st.lists(words(ALL_KINDS), max_size=8))
        repeated = said + (data.draw(st.lists(st.sampled_from(said), max_size=6)) if said else [])
        shuffled = data.draw(st.permutations(repeated))
        assert heard(*shuffled) == heard(*said)

    @given(st.lists(words(ALL_KINDS), max_size=8))
    def test_what_is_known_already_changes_nothing(self, said: list[Attempt]) -> None:
        known = heard(*said)
        assert all(hear(known, word) is known for word in said)

    @given(st.lists(words(ALL_KINDS), max_size=8), words(ALL_KINDS))
    def test_money_once_seen_is_never_unseen(self, said: list[Attempt], another: Attempt) -> None:
        with_money = {PaymentStatus.CAPTURED, PaymentStatus.CONFLICTED}
        before = heard(*said)
        captured = any(known.was_captured for known in before.attempts.values())
        if captured:
            assert hear(before, another).status in with_money

    @given(st.lists(words(ALL_KINDS), max_size=8))
    def test_captured_means_exactly_one_capture_of_what_was_asked(self, said: list[Attempt]) -> None:
        captures = {word.gateway_payment_id for word in said if word.was_captured}
        is_captured = heard(*said).status is PaymentStatus.CAPTURED
        assert is_captured == (len(captures) == 1 and captures <= {"pay_A", "pay_B"})


class TestStatus:
    def test_failed_then_captured_is_captured(self) -> None:
        assert heard(attempt(FAILED), attempt(CAPTURED)).status is PaymentStatus.CAPTURED

    def test_captured_then_a_late_failed_stays_captured(self) -> None:
        after = heard(attempt(CAPTURED), attempt(FAILED, observed_at=1_775_099_999))
        assert after.status is PaymentStatus.CAPTURED

    def test_captured_before_authorized_is_captured(self) -> None:
        assert heard(attempt(CAPTURED), attempt(AUTHORIZED)).status is PaymentStatus.CAPTURED

    def test_failed_then_authorized_late_is_authorized(self) -> None:
        assert heard(attempt(FAILED), attempt(AUTHORIZED)).status is PaymentStatus.AUTHORIZED

    def test_a_second_attempt_after_a_failed_one_pays(self) -> None:
        after = heard(attempt(FAILED, "pay_A"), attempt(CAPTURED, "pay_B"))
        assert after.status is PaymentStatus.CAPTURED

    def test_two_captures_are_a_conflict(self) -> None:
        after = heard(attempt(CAPTURED, "pay_A"), attempt(CAPTURED, "pay_B"))
        assert after.status is PaymentStatus.CONFLICTED

    @pytest.mark.parametrize("status", [AUTHORIZED, CAPTURED])
    @pytest.mark.parametrize(
        "other",
        [{"amount_paise": AMOUNT_PAISE - 1}, {"amount_paise": AMOUNT_PAISE + 1}, {"currency": "USD"}],
        ids=["less", "more", "currency"],
    )
    def test_money_that_was_not_asked_for_is_a_conflict(
        self, status: AttemptStatus, other: dict[str, Any]
    ) -> None:
        assert heard(attempt(status, **other)).status is PaymentStatus.CONFLICTED

    def test_a_failed_attempt_at_another_amount_is_no_conflict(self) -> None:
        assert heard(attempt(FAILED, amount_paise=1)).status is PaymentStatus.FAILED

    def test_refunded_after_a_capture_was_a_payment(self) -> None:
        assert heard(attempt(REFUNDED)).status is PaymentStatus.CAPTURED

    def test_refunded_after_expiry_was_never_a_payment(self) -> None:
        expired = attempt(REFUNDED, was_captured=False, fee_paise=None, tax_paise=None)
        assert heard(attempt(AUTHORIZED), expired).status is PaymentStatus.FAILED

    def test_an_opened_attempt_is_pending(self) -> None:
        assert heard(attempt(CREATED)).status is PaymentStatus.PENDING

    def test_an_opened_attempt_after_a_failed_one_is_pending(self) -> None:
        after = heard(attempt(FAILED, "pay_A"), attempt(CREATED, "pay_B"))
        assert after.status is PaymentStatus.PENDING

    @pytest.mark.parametrize(
        ("known", "status"),
        [
            ({"order_id": None}, PaymentStatus.CREATED),
            ({"order_id": None, "order_outcome_unknown": True}, PaymentStatus.UNKNOWN),
            ({"order_id": "order_A"}, PaymentStatus.PENDING),
            ({"order_id": "order_A", "order_outcome_unknown": True}, PaymentStatus.PENDING),
        ],
    )
    def test_without_attempts_the_order_decides(
        self, known: dict[str, object], status: PaymentStatus
    ) -> None:
        assert derive_status(payment(**known)) is status


class TestLimit:
    def full(self) -> Payment:
        return heard(*(attempt(FAILED, f"pay_{number:03d}") for number in range(ATTEMPTS_MAX)))

    def test_failed_attempts_beyond_the_limit_are_not_kept(self) -> None:
        full = self.full()
        assert hear(full, attempt(FAILED, "pay_beyond")) is full

    @pytest.mark.parametrize("status", [AUTHORIZED, CAPTURED])
    def test_money_is_kept_beyond_every_limit(self, status: AttemptStatus) -> None:
        after = hear(self.full(), attempt(status, "pay_beyond"))
        assert after.attempts["pay_beyond"].status is status

    def test_a_known_attempt_still_changes_at_the_limit(self) -> None:
        assert hear(self.full(), attempt(CAPTURED, "pay_000")).status is PaymentStatus.CAPTURED


@pytest.mark.parametrize(
    ("vpa", "masked"),
    [("ravi.k@okhdfc", "r***@okhdfc"), ("r@upi", "r***@upi"), ("odd", "o***"), ("", None), (None, None)],
)
def test_of_a_upi_handle_the_first_letter_and_the_bank_are_kept(vpa: str | None, masked: str | None) -> None:
    assert mask_vpa(vpa) == masked
