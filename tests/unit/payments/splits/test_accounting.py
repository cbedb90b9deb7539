"""The books of a split: what was captured is owed to its receivers, and a refund takes it back."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.accounts import school_payable
from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.splits.accounting import (
    refund_share_entry,
    refund_share_return_entry,
    reversal_entry,
    split_entry,
    transfer_entry,
)
from runtime.payments.splits.model import Split
from runtime.payments.splits.rules import reverse, split_payment
from tests.unit.payments.splits.test_rules import FEE, TERMS, splits

DAY = date(2026, 4, 1)
OWED = school_payable("sch_1")


def balances(*entries: JournalEntry) -> dict[str, int]:
    books = trial_balance(entries)
    assert books.balances
    return {name: paise for name, paise in books.balances_paise.items() if paise}


def test_a_split_owes_everybody_their_part() -> None:
    split = split_payment(100_000, TERMS.model_copy(update={"fee": FEE}), DAY)
    entry = split_entry(split, "pay_A", OWED, "INR", DAY)
    assert entry.entry_id == "split:pay_A"
    assert balances(entry) == {
        "school_payable:sch_1": 100_000,
        "platform_fees": -2_000,
        "output_gst": -360,
        "linked_account_payable:acc_caterer": -68_348,
        "linked_account_payable:acc_school": -29_292,
    }


def test_a_split_without_a_fee_books_none() -> None:
    assert balances(split_entry(split_payment(1_000, TERMS, DAY), "pay_A", OWED, "INR", DAY)) == {
        "school_payable:sch_1": 1_000,
        "linked_account_payable:acc_caterer": -700,
        "linked_account_payable:acc_school": -300,
    }


def test_a_transfer_and_its_reversal_are_each_others_opposite() -> None:
    transfer = transfer_entry("trf_1", "acc_school", 500, "INR", DAY)
    assert balances(transfer) == {
        "linked_account_payable:acc_school": 500,
        "gateway_receivable:razorpay": -500,
    }
    assert balances(transfer, reversal_entry("rvrsl_1", "acc_school", 500, "INR", DAY)) == {}


@given(splits(), st.data())
def test_a_refund_gives_the_paying_account_what_it_pays(split: Split, data: st.DataObject) -> None:
    refund_paise = data.draw(st.integers(1, split.captured_paise))
    reversal = reverse(split, "rfd_1", refund_paise).reversals[0]
    entry = refund_share_entry(reversal, OWED, "INR", DAY)
    assert entry.entry_id == "refund-shares:rfd_1"
    assert balances(entry)["school_payable:sch_1"] == -refund_paise
    assert balances(entry).get("refund_costs", 0) == reversal.borne_paise


@given(splits(), st.data())
def test_a_refund_that_failed_leaves_the_books_as_they_were(split: Split, data: st.DataObject) -> None:
    reversal = reverse(split, "rfd_1", data.draw(st.integers(1, split.captured_paise))).reversals[0]
    taken = refund_share_entry(reversal, OWED, "INR", DAY)
    returned = refund_share_return_entry(reversal, OWED, "INR", DAY)
    assert returned.entry_id == "refund-shares-returned:rfd_1"
    assert balances(taken, returned) == {}


def test_after_a_full_refund_nothing_is_owed_to_any_receiver() -> None:
    split = split_payment(100_000, TERMS.model_copy(update={"fee": FEE}), DAY)
    reversal = reverse(split, "rfd_1", 100_000).reversals[0]
    after = balances(
        split_entry(split, "pay_A", OWED, "INR", DAY), refund_share_entry(reversal, OWED, "INR", DAY)
    )
    assert after == {"platform_fees": -2_000, "output_gst": -360, "refund_costs": 2_360}
