"""A payment in another currency is worth what the gateway says, and nothing before it says so."""

from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.razorpay.models import Payment as GatewayPayment
from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.ledger.accounts import bank, exchange_difference
from runtime.ledger.model import JournalEntry, credit, debit, trial_balance
from runtime.payments.accounting import entries_due
from runtime.payments.gateway_view import attempt_from, base_paise
from runtime.payments.model import Attempt, AttemptStatus, PaymentStatus
from runtime.payments.refunds.gateway_view import refund_from
from runtime.payments.rules import awaits_base, hear, merge_attempt, swept_as
from runtime.payments.sweeps.rules import BASE_UNKNOWN_MAX, is_open, is_open_too_long, is_resolved
from runtime.platform.clock import from_iso
from tests.unit.payments.samples import CREATED_AT, attempt, payment

CAPTURED, FAILED, AUTHORIZED = AttemptStatus.CAPTURED, AttemptStatus.FAILED, AttemptStatus.AUTHORIZED
ASKED = payment(amount_paise=5_400, currency="USD")
BASE_PAISE = 452_331
DAY = from_iso(CREATED_AT).date()


def foreign(status: AttemptStatus = CAPTURED, base: int | None = None, **changes: Any) -> Attempt:
    return attempt(status, amount_paise=5_400, currency="USD", base_amount_paise=base, **changes)


WAITING = hear(ASKED, foreign())
TOLD = hear(WAITING, foreign(base=BASE_PAISE))


@st.composite
def words(draw: st.DrawFn) -> Attempt:
    """What the gateway may say of one attempt in dollars: a capture with or without what it is worth."""
    status = draw(st.sampled_from(AttemptStatus))
    was_captured = status is CAPTURED
    base = draw(st.sampled_from([None, BASE_PAISE])) if was_captured else None
    moment = draw(st.integers(1_775_025_000, 1_775_025_003))
    return foreign(status, base, was_captured=was_captured, observed_at=moment)


class TestStatus:
    def test_a_capture_of_unknown_worth_is_unknown_and_swept(self) -> None:
        assert (WAITING.status, swept_as(WAITING)) == (PaymentStatus.UNKNOWN, PaymentStatus.UNKNOWN)
        assert awaits_base(WAITING)
        assert entries_due(WAITING, DAY) == ()

    def test_once_told_it_is_captured_and_no_longer_swept(self) -> None:
        assert (TOLD.status, swept_as(TOLD), awaits_base(TOLD)) == (PaymentStatus.CAPTURED, None, False)

    @given(st.lists(words(), min_size=1, max_size=6), st.data())
    def test_neither_order_nor_repetition_counts(self, said: list[Attempt], data: st.DataObject) -> None:
        again = data.draw(st.permutations(said + data.draw(st.lists(st.sampled_from(said), max_size=4))))
        assert reduce(hear, again, ASKED) == reduce(hear, said, ASKED)

    @given(st.lists(words(), min_size=1, max_size=6))
    def test_the_books_are_in_rupees_or_there_are_none(self, said: list[Attempt]) -> None:
        heard = reduce(hear, said, ASKED)
        entries = entries_due(heard, DAY)
        captured = any(word.was_captured for word in said)
        told = any(word.base_amount_paise for word in said)
        assert {entry.currency for entry in entries} <= {"INR"}
        owed = trial_balance(entries).balances_paise.get("school_payable:sch_1", 0)
        assert owed == (-BASE_PAISE if captured and told else 0)

    def test_what_was_told_first_stays(self) -> None:
        merged = merge_attempt(
            foreign(base=BASE_PAISE), foreign(base=BASE_PAISE + 1, observed_at=1_775_030_000)
        )
        assert merged.base_amount_paise == BASE_PAISE

    def test_another_currency_than_was_asked_is_a_conflict_that_is_swept(self) -> None:
        conflicted = hear(payment(), foreign())
        assert conflicted.status is PaymentStatus.CONFLICTED
        assert swept_as(conflicted) is PaymentStatus.UNKNOWN
        healed = hear(conflicted, foreign(base=BASE_PAISE))
        assert (healed.status, swept_as(healed)) == (PaymentStatus.CONFLICTED, None)
        assert trial_balance(entries_due(healed, DAY)).balances_paise["suspense:sch_1"] == -BASE_PAISE

    def test_what_failed_is_swept_as_failed_and_rupees_await_nothing(self) -> None:
        assert swept_as(hear(ASKED, foreign(FAILED))) is PaymentStatus.FAILED
        assert swept_as(hear(payment(), attempt(CAPTURED))) is None
        assert not awaits_base(hear(ASKED, foreign(AUTHORIZED)))


class TestSweep:
    def test_it_is_resolved_once_its_worth_is_told(self) -> None:
        assert is_open(WAITING)
        assert not is_resolved(WAITING, WAITING)
        assert is_resolved(WAITING, TOLD)
        conflicted = hear(payment(), foreign())
        assert is_open(conflicted)
        assert not is_resolved(conflicted, conflicted)

    def test_a_day_without_its_worth_is_too_long(self) -> None:
        captured_at = from_iso(CREATED_AT).fromtimestamp(1_775_025_000, from_iso(CREATED_AT).tzinfo)
        assert not is_open_too_long(WAITING, captured_at + BASE_UNKNOWN_MAX)
        assert is_open_too_long(WAITING, captured_at + 2 * BASE_UNKNOWN_MAX)


class TestTold:
    @pytest.mark.parametrize(
        ("changes", "paise"),
        [
            ({"currency": "USD", "base_amount": 7_129, "base_currency": "INR"}, 7_129),
            ({"currency": "USD", "base_amount": 7_129}, None),
            ({"currency": "USD", "base_amount": 7_129, "base_currency": "SGD"}, None),
            ({"currency": "USD", "base_amount": 0, "base_currency": "INR"}, None),
            ({"currency": "INR", "base_amount": 100}, None),
        ],
    )
    def test_what_money_is_worth(self, changes: dict[str, object], paise: int | None) -> None:
        told = {"id": "pay_Donb2t6WkJYhfU", "amount": 100, "status": "captured", "fee": 207} | changes
        assert base_paise(GatewayPayment.model_validate(told)) == paise
        assert attempt_from(GatewayPayment.model_validate(told), observed_at=1).base_amount_paise == paise
        refund = {
            "id": "rfnd_00000000000001",
            "payment_id": "pay_1",
            "amount": 100,
            "status": "processed",
        } | changes
        assert refund_from(GatewayRefund.model_validate(refund), observed_at=1).base_amount_paise == paise

    def test_an_authorisation_is_worth_nothing_yet(self) -> None:
        told = {"id": "pay_1", "amount": 100, "currency": "USD", "status": "authorized"}
        told |= {"base_amount": 7_129, "base_currency": "INR"}
        assert attempt_from(GatewayPayment.model_validate(told), observed_at=1).base_amount_paise is None


def test_the_journal_takes_rupees_only() -> None:
    lines = (debit(bank("settlements"), 100), credit(exchange_difference("razorpay"), 100))
    with pytest.raises(ValueError, match="INR alone"):
        JournalEntry("entry", DAY, "In dollars", "USD", lines)
