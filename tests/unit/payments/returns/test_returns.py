"""Refunds, disputes and the payment together: books and balance follow from what was said, not from when."""

from datetime import date
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.accounting import entries_due
from runtime.payments.disputes.model import Dispute, DisputeStatus
from runtime.payments.disputes.rules import merge_dispute
from runtime.payments.model import Attempt, AttemptStatus, Payment
from runtime.payments.refunds.model import Refund, RefundStatus
from runtime.payments.refunds.rules import hear as hear_refund
from runtime.payments.returns.accounting import booked
from runtime.payments.returns.events import counted_as, return_events
from runtime.payments.returns.model import Returns, ReturnsChange
from runtime.payments.returns.rules import followed, no_returns, refundable_paise, totals
from runtime.payments.rules import hear
from tests.unit.payments.samples import AMOUNT_PAISE, attempt, payment

DAY = date(2026, 4, 1)
FEE_PAISE = 1_062

Word = Attempt | Refund | Dispute


def refund(number: int, status: RefundStatus, amount_paise: int) -> Refund:
    return Refund(
        gateway_refund_id=f"rfnd_{number}",
        amount_paise=amount_paise,
        currency="INR",
        status=status,
        observed_at=1_775_025_000 + number,
    )


def dispute(status: DisputeStatus) -> Dispute:
    return Dispute(
        dispute_id="disp_1",
        gateway_payment_id="pay_A",
        amount_paise=9_000,
        currency="INR",
        status=status,
        observed_at=1_775_025_000,
    )


WORDS = st.one_of(
    st.builds(
        lambda status, total: attempt(status, amount_refunded_paise=total),
        st.sampled_from([AttemptStatus.AUTHORIZED, AttemptStatus.CAPTURED]),
        st.sampled_from([0, 3_000, 10_000]),
    ),
    st.builds(
        lambda number, status: refund(number, status, 3_000 * number),
        st.integers(1, 3),
        st.sampled_from(RefundStatus),
    ),
    st.builds(dispute, st.sampled_from(DisputeStatus)),
)


class Recorded:
    """A payment and its returns, taken in word by word as the recorder does."""

    def __init__(self) -> None:
        self.payment: Payment = hear(payment(), attempt(AttemptStatus.CREATED))
        self.returns: Returns = no_returns(self.payment, self.payment.attempts["pay_A"])
        self.entries: list[JournalEntry] = []
        self.told: list[str] = []
        self.counted: list[str] = []

    def take(self, word: Word) -> None:
        after, returns = self.payment, self.returns
        if isinstance(word, Attempt):
            after = hear(after, word)
        elif isinstance(word, Refund):
            returns = returns.model_copy(update={"book": hear_refund(returns.book, word)})
        else:
            merged = merge_dispute(returns.disputes.get(word.dispute_id), word)
            returns = returns.model_copy(update={"disputes": {word.dispute_id: merged}})
        own = entries_due(after, DAY)
        after = after.model_copy(update={"journal": (*after.journal, *(each.entry_id for each in own))})
        returns, more = booked(followed(returns, after.attempts["pay_A"]), after, DAY)
        change = ReturnsChange(self.returns, returns)
        self.told.extend(event.detail_type for event in return_events(after, change))
        self.counted.extend(metric.name for metric in counted_as(change))
        self.entries.extend((*own, *more))
        self.payment = after.model_copy(update={"returns": {"pay_A": totals(returns)}})
        self.returns = returns

    def end(self) -> tuple[Any, ...]:
        books = trial_balance(self.entries)
        assert books.balances
        shown = {name: paise for name, paise in books.balances_paise.items() if paise}
        return shown, totals(self.returns), refundable_paise(self.payment), self.payment.status


@given(st.lists(WORDS, max_size=8), st.data())
@settings(max_examples=200)
def test_any_order_and_any_repetition_end_in_the_same_books_and_the_same_balance(
    said: list[Word], data: st.DataObject
) -> None:
    first, second = Recorded(), Recorded()
    for word in said:
        first.take(word)
    repeated = said + (data.draw(st.lists(st.sampled_from(said), max_size=4)) if said else [])
    for word in data.draw(st.permutations(repeated)):
        second.take(word)
    assert first.end() == second.end()


@given(st.lists(WORDS, max_size=8))
def test_the_books_say_what_the_balance_says(said: list[Word]) -> None:
    recorded = Recorded()
    for word in said:
        recorded.take(word)
    shown, now, refundable, _ = recorded.end()
    if not recorded.payment.attempts["pay_A"].was_captured:
        assert (shown, refundable) == ({}, 0)
        return
    lost = sum(each.amount_paise for each in recorded.returns.disputes.values() if each.status == "lost")
    gone = now.refunded_paise + now.pending_paise + now.disputed_paise
    assert shown.get("gateway_receivable:razorpay", 0) == AMOUNT_PAISE - FEE_PAISE - now.refunded_paise - lost
    assert shown.get("refunds_payable:sch_1", 0) == -now.pending_paise
    assert shown.get("chargeback_reserve:sch_1", 0) == lost - now.disputed_paise
    assert shown.get("school_payable:sch_1", 0) == gone - AMOUNT_PAISE
    assert refundable == max(0, AMOUNT_PAISE - gone)


@given(st.lists(WORDS, max_size=10))
def test_no_news_is_told_twice_and_no_entry_is_booked_twice(said: list[Word]) -> None:
    recorded = Recorded()
    for word in (*said, *said):
        recorded.take(word)
    names = [entry.entry_id for entry in recorded.entries]
    assert len(names) == len(set(names))
    assert recorded.told.count("RefundProcessed") <= 3
    assert recorded.counted.count("DisputeOpened") <= 1
    for name in ("DisputeOpened", "DisputeUnderReview", "DisputeClosed", "DisputeWon", "DisputeLost"):
        assert recorded.told.count(name) <= 1


def test_a_view_without_returns_can_be_refunded_in_full() -> None:
    captured = hear(payment(), attempt(AttemptStatus.CAPTURED))
    assert refundable_paise(captured) == AMOUNT_PAISE
    assert refundable_paise(hear(payment(), attempt(AttemptStatus.AUTHORIZED))) == 0
