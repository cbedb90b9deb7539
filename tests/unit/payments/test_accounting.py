"""The books of a payment: every fact once, every entry balanced, the same balances in any order."""

from datetime import date
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.accounting import capture_id, credited_account, entries_due, fee_id
from runtime.payments.model import Attempt, AttemptStatus, Payment
from runtime.payments.rules import hear
from tests.unit.payments.samples import AMOUNT_PAISE, attempt, payment

DAY = date(2026, 4, 1)
CAPTURED = AttemptStatus.CAPTURED
RECEIVABLE, PAYABLE, SUSPENSE = "gateway_receivable:razorpay", "school_payable:sch_1", "suspense:sch_1"
FEES, GST = "gateway_fees:razorpay", "input_gst"

KINDS = {
    "pay_A": attempt(CAPTURED, "pay_A"),
    "pay_B": attempt(CAPTURED, "pay_B", fee_paise=900, tax_paise=137),
    "pay_less": attempt(CAPTURED, "pay_less", amount_paise=AMOUNT_PAISE - 100, fee_paise=0, tax_paise=0),
    "pay_more": attempt(CAPTURED, "pay_more", amount_paise=AMOUNT_PAISE + 100, fee_paise=500, tax_paise=None),
}


@st.composite
def histories(draw: st.DrawFn) -> list[Attempt]:
    """Words about up to four attempts; before the capture none knows a fee, later ones may omit it."""
    names = draw(st.lists(st.sampled_from(sorted(KINDS)), max_size=10))
    return [
        draw(
            st.sampled_from(
                [
                    KINDS[name],
                    KINDS[name].model_copy(update={"fee_paise": None, "tax_paise": None}),
                    KINDS[name].model_copy(
                        update={"status": AttemptStatus.REFUNDED, "amount_refunded_paise": AMOUNT_PAISE}
                    ),
                    attempt(AttemptStatus.FAILED, name, amount_paise=KINDS[name].amount_paise),
                    attempt(AttemptStatus.AUTHORIZED, name, amount_paise=KINDS[name].amount_paise),
                ]
            )
        )
        for name in names
    ]


def booked(history: list[Attempt]) -> tuple[Payment, list[JournalEntry]]:
    """The payment after ``history``, and its entries, booked word by word as the recorder does."""
    entries: list[JournalEntry] = []

    def step(known: Payment, word: Attempt) -> Payment:
        after = hear(known, word)
        due = entries_due(after, DAY)
        entries.extend(due)
        return after.model_copy(update={"journal": (*after.journal, *(entry.entry_id for entry in due))})

    return reduce(step, history, payment()), entries


def balances_expected(history: list[Attempt]) -> dict[str, int]:
    """The balances by the definition of the accounts, without regard to order."""
    captured = {word.gateway_payment_id for word in history if word.was_captured}
    fees_known = {
        word.gateway_payment_id for word in history if word.fee_paise and word.gateway_payment_id in captured
    }
    answering = sorted(captured & {"pay_A", "pay_B"})
    expected = dict.fromkeys((RECEIVABLE, PAYABLE, SUSPENSE, FEES, GST), 0)
    for name in captured:
        amount = KINDS[name].amount_paise
        expected[RECEIVABLE] += amount
        expected[PAYABLE if answering and name == answering[0] else SUSPENSE] -= amount
    for name in fees_known:
        fee, tax = KINDS[name].fee_paise or 0, KINDS[name].tax_paise or 0
        expected[RECEIVABLE] -= fee
        expected[FEES] += fee - tax
        expected[GST] += tax
    return {account: balance for account, balance in expected.items() if balance}


@given(st.data())
def test_the_balances_follow_from_what_was_said_not_from_when(data: st.DataObject) -> None:
    history = data.draw(histories())
    repeated = history + (data.draw(st.lists(st.sampled_from(history), max_size=5)) if history else [])
    _, entries = booked(data.draw(st.permutations(repeated)))
    books = trial_balance(entries)
    assert books.balances
    assert {name: paise for name, paise in books.balances_paise.items() if paise} == balances_expected(
        history
    )


@given(histories())
def test_no_fact_is_booked_twice(history: list[Attempt]) -> None:
    after, entries = booked(history)
    names = [entry.entry_id for entry in entries]
    assert sorted(set(names)) == sorted(names)
    assert entries_due(after, DAY) == ()


def test_a_capture_is_owed_to_the_school_less_nothing() -> None:
    _, (capture, fee) = booked([KINDS["pay_A"]])
    assert (capture.entry_id, fee.entry_id) == ("capture:pay_A", "fee:pay_A")
    assert trial_balance([capture]).balances_paise == {RECEIVABLE: AMOUNT_PAISE, PAYABLE: -AMOUNT_PAISE}
    assert trial_balance([fee]).balances_paise == {FEES: 900, GST: 162, RECEIVABLE: -1_062}


@pytest.mark.parametrize("status", [AttemptStatus.CREATED, AttemptStatus.FAILED, AttemptStatus.AUTHORIZED])
def test_only_a_capture_moves_money(status: AttemptStatus) -> None:
    assert booked([attempt(status)])[1] == []


def test_an_expired_authorisation_moves_no_money() -> None:
    expired = attempt(AttemptStatus.REFUNDED, was_captured=False, fee_paise=None, tax_paise=None)
    assert booked([expired])[1] == []


def test_a_second_capture_waits_in_suspense() -> None:
    _, entries = booked([KINDS["pay_B"], KINDS["pay_A"]])
    assert trial_balance(entries).balances_paise[SUSPENSE] == -AMOUNT_PAISE
    assert trial_balance(entries).balances_paise[PAYABLE] == -AMOUNT_PAISE


def test_an_unexplained_capture_waits_in_suspense_whole() -> None:
    _, entries = booked([KINDS["pay_less"]])
    assert trial_balance(entries).balances_paise == {
        RECEIVABLE: AMOUNT_PAISE - 100,
        SUSPENSE: -(AMOUNT_PAISE - 100),
    }


def test_a_fee_that_comes_later_is_booked_then_and_only_then() -> None:
    without_fee = KINDS["pay_A"].model_copy(update={"fee_paise": None, "tax_paise": None})
    _, entries = booked([without_fee, KINDS["pay_A"]])
    assert [entry.entry_id for entry in entries] == [capture_id(without_fee), fee_id(without_fee)]


@pytest.mark.parametrize(
    ("fee_paise", "tax_paise", "balances"),
    [
        (1_062, 162, {FEES: 900, GST: 162, RECEIVABLE: -1_062}),
        (1_062, None, {FEES: 1_062, RECEIVABLE: -1_062}),
        (1_062, 0, {FEES: 1_062, RECEIVABLE: -1_062}),
        (100, 100, {GST: 100, RECEIVABLE: -100}),
        (100, 101, {GST: 100, RECEIVABLE: -100}),
    ],
)
def test_the_tax_is_a_part_of_the_fee(
    fee_paise: int, tax_paise: int | None, balances: dict[str, int]
) -> None:
    _, entries = booked([attempt(CAPTURED, fee_paise=fee_paise, tax_paise=tax_paise)])
    assert trial_balance(entries[1:]).balances_paise == balances


def test_a_fee_of_nothing_is_no_entry() -> None:
    assert len(booked([attempt(CAPTURED, fee_paise=0, tax_paise=0)])[1]) == 1


def test_a_refund_debits_the_account_that_its_capture_credited() -> None:
    after, _ = booked([KINDS["pay_less"], KINDS["pay_B"], KINDS["pay_A"]])
    credited = {name: credited_account(after, name).name for name in ("pay_less", "pay_B", "pay_A")}
    assert credited == {"pay_less": SUSPENSE, "pay_B": PAYABLE, "pay_A": SUSPENSE}


def test_a_capture_that_is_not_booked_credited_nothing() -> None:
    with pytest.raises(ValueError, match="not booked"):
        credited_account(payment(), "pay_A")
