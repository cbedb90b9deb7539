"""The books of refunds: balanced, every fact once, the same balances in any order."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.accounts import school_payable
from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.refunds.accounting import refund_entries_due
from runtime.payments.refunds.model import Refund, RefundBook, RefundRequest, RefundStatus
from runtime.payments.refunds.rules import balance
from tests.unit.payments.refunds.samples import book, facts, refund
from tests.unit.payments.refunds.test_rules import take

DAY = date(2026, 4, 1)
OWED, HELD, RECEIVABLE = "school_payable:sch_1", "refunds_payable:sch_1", "gateway_receivable:razorpay"
REQUEST = RefundRequest(request_id="rfd_A", amount_paise=10_000)
PENDING = refund()
PROCESSED = refund(status=RefundStatus.PROCESSED)
FAILED = refund(status=RefundStatus.FAILED)


def due(known: RefundBook) -> tuple[JournalEntry, ...]:
    return refund_entries_due(known, owed=school_payable("sch_1"), school_id="sch_1", business_day=DAY)


def booked(history: list[Refund | RefundRequest | int]) -> tuple[RefundBook, list[JournalEntry]]:
    """The book after ``history`` and its entries, booked word by word as a recorder does."""
    known, entries = book(), list[JournalEntry]()
    for fact in history:
        known = take(known, fact)
        new = due(known)
        entries.extend(new)
        names = (entry.entry_id for entry in new)
        known = known.model_copy(update={"journal": (*known.journal, *names)})
    return known, entries


def balances(entries: list[JournalEntry]) -> dict[str, int]:
    books = trial_balance(entries)
    assert books.balances
    return {name: paise for name, paise in books.balances_paise.items() if paise}


@given(facts(), st.data())
def test_the_balances_follow_from_what_was_said_not_from_when(
    said: list[Refund | RefundRequest | int], data: st.DataObject
) -> None:
    repeated = said + (data.draw(st.lists(st.sampled_from(said), max_size=5)) if said else [])
    known, entries = booked(data.draw(st.permutations(repeated)))
    now = balance(known)
    gone = now.refunded_paise + now.external_paise
    expected = {OWED: gone + now.pending_paise, HELD: -now.pending_paise, RECEIVABLE: -gone}
    assert balances(entries) == {name: paise for name, paise in expected.items() if paise}


@given(facts())
def test_no_fact_is_booked_twice(said: list[Refund | RefundRequest | int]) -> None:
    known, entries = booked(said)
    names = [entry.entry_id for entry in entries]
    assert sorted(set(names)) == sorted(names)
    assert due(known) == ()


@pytest.mark.parametrize(
    ("history", "names"),
    [
        ([REQUEST], ["refund-requested:rfd_A"]),
        ([REQUEST, PENDING], ["refund-requested:rfd_A"]),
        (
            [REQUEST, PENDING, PROCESSED],
            ["refund-requested:rfd_A", "refund-closed:rfd_A", "refund-processed:rfnd_1"],
        ),
        ([REQUEST, PENDING, FAILED], ["refund-requested:rfd_A", "refund-closed:rfd_A"]),
        ([PROCESSED], ["refund-processed:rfnd_1"]),
        ([FAILED], []),
        (
            [refund("rfnd_3"), refund("rfnd_3", status=RefundStatus.PROCESSED)],
            ["refund-requested:rfnd_3", "refund-closed:rfnd_3", "refund-processed:rfnd_3"],
        ),
        (
            [5_000, refund("rfnd_3", status=RefundStatus.PROCESSED)],
            ["refund-external:pay_A:1:5000", "refund-processed:rfnd_3", "refund-external:pay_A:2:0"],
        ),
        (
            [REQUEST, PENDING, refund("rfnd_4")],
            ["refund-requested:rfd_A", "refund-requested:rfnd_4"],
        ),
    ],
)
def test_each_entry_names_its_fact(history: list[Refund | RefundRequest | int], names: list[str]) -> None:
    assert [entry.entry_id for entry in booked(history)[1]] == names


def test_a_refund_on_its_way_is_owed_to_the_payer() -> None:
    assert balances(booked([REQUEST, PENDING])[1]) == {OWED: 10_000, HELD: -10_000}


def test_a_processed_refund_comes_out_of_what_the_gateway_holds() -> None:
    assert balances(booked([REQUEST, PENDING, PROCESSED])[1]) == {OWED: 10_000, RECEIVABLE: -10_000}


def test_a_failed_refund_is_owed_to_the_school_again() -> None:
    assert balances(booked([REQUEST, PENDING, FAILED])[1]) == {}


def test_a_refund_that_was_processed_after_all_is_booked_after_all() -> None:
    assert balances(booked([REQUEST, FAILED, PROCESSED])[1]) == {OWED: 10_000, RECEIVABLE: -10_000}


def test_a_refund_of_another_amount_than_was_asked_for_is_booked_by_its_own() -> None:
    other = PENDING.model_copy(update={"amount_paise": 9_000})
    assert balances(booked([REQUEST, other])[1]) == {OWED: 9_000, HELD: -9_000}
