"""The books: every entry balances, every account has a name and a side, and nothing is half booked."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.accounts import (
    Account,
    AccountKind,
    gateway_fees,
    gateway_receivable,
    input_gst,
    school_payable,
    suspense,
)
from runtime.ledger.model import LINES_MAX, JournalEntry, JournalLine, credit, debit, totals, trial_balance
from runtime.platform.money import AMOUNT_MAX_PAISE, allocate

DAY = date(2026, 4, 1)
RECEIVABLE, PAYABLE = gateway_receivable("razorpay"), school_payable("sch_1")
amounts = st.integers(1, 10**9)
accounts = st.sampled_from(
    [RECEIVABLE, PAYABLE, school_payable("sch_2"), suspense("sch_1"), gateway_fees("razorpay"), input_gst()]
)


def entry(*lines: JournalLine, entry_id: str = "capture:pay_1") -> JournalEntry:
    return JournalEntry(entry_id, DAY, "x", "INR", lines)


@st.composite
def balanced_entries(draw: st.DrawFn) -> JournalEntry:
    """An entry whose one side is split at random over accounts of the other."""
    amount = draw(st.integers(100, 10**9))
    parts = [
        part for part in allocate(amount, draw(st.lists(st.integers(1, 9), min_size=1, max_size=6))) if part
    ]
    lines = [debit(draw(accounts), amount), *(credit(draw(accounts), part) for part in parts)]
    return entry(*draw(st.permutations(lines)), entry_id=draw(st.text("abc", min_size=1)))


@given(balanced_entries())
def test_a_balanced_entry_is_an_entry(made: JournalEntry) -> None:
    debits, credits_ = totals(made.lines)
    assert debits == credits_ > 0


@given(amounts, amounts)
def test_an_entry_that_does_not_balance_does_not_exist(one: int, other: int) -> None:
    lines = (debit(RECEIVABLE, one), credit(PAYABLE, other))
    if one == other:
        entry(*lines)
    else:
        with pytest.raises(ValueError, match="does not balance"):
            entry(*lines)


def test_an_entry_has_at_least_two_lines_and_not_too_many() -> None:
    with pytest.raises(ValueError, match="between 2 and 50"):
        entry()
    with pytest.raises(ValueError, match="between 2 and 50"):
        entry(debit(RECEIVABLE, 1))
    many = [debit(RECEIVABLE, LINES_MAX - 1), *[credit(PAYABLE, 1)] * (LINES_MAX - 1)]
    assert len(entry(*many).lines) == LINES_MAX
    with pytest.raises(ValueError, match="between 2 and 50"):
        entry(debit(RECEIVABLE, LINES_MAX), *[credit(PAYABLE, 1)] * LINES_MAX)


@pytest.mark.parametrize("amount", [1.0, "1", True, None])
def test_a_line_takes_whole_paise_only(amount: Any) -> None:
    with pytest.raises(TypeError):
        debit(RECEIVABLE, amount)
    with pytest.raises(TypeError):
        credit(RECEIVABLE, amount)


@pytest.mark.parametrize(
    ("debit_paise", "credit_paise"),
    [(0, 0), (1, 1), (-1, 0), (0, -1), (-1, 1), (5, 3), (AMOUNT_MAX_PAISE + 1, 0)],
)
def test_a_line_is_one_side_and_positive(debit_paise: int, credit_paise: int) -> None:
    with pytest.raises(ValueError, match="either a debit or a credit"):
        JournalLine(RECEIVABLE, debit_paise, credit_paise)


def test_the_largest_amount_can_be_booked() -> None:
    assert debit(RECEIVABLE, AMOUNT_MAX_PAISE).debit_paise == AMOUNT_MAX_PAISE


@given(st.lists(balanced_entries(), max_size=8), st.randoms(use_true_random=False))
def test_balanced_entries_make_balanced_books_in_any_order(entries: list[JournalEntry], random: Any) -> None:
    books = trial_balance(entries)
    assert books.balances
    assert books.debits_paise == books.credits_paise
    assert sum(books.balances_paise.values()) == 0
    assert books.entries == len(entries)
    shuffled = list(entries)
    random.shuffle(shuffled)
    again = trial_balance(iter(shuffled))
    assert again == books


def test_a_trial_balance_tells_debits_less_credits_by_account() -> None:
    books = trial_balance(
        [
            entry(debit(RECEIVABLE, 45000), credit(PAYABLE, 45000)),
            entry(
                debit(gateway_fees("razorpay"), 900),
                debit(input_gst(), 162),
                credit(RECEIVABLE, 1062),
                entry_id="fee:pay_1",
            ),
        ]
    )
    assert books.balances_paise == {
        "gateway_receivable:razorpay": 43938,
        "school_payable:sch_1": -45000,
        "gateway_fees:razorpay": 900,
        "input_gst": 162,
    }
    assert (books.debits_paise, books.credits_paise, books.entries) == (46062, 46062, 2)


def test_empty_books_balance() -> None:
    books = trial_balance([])
    assert books.balances
    assert (books.debits_paise, books.entries, books.balances_paise) == (0, 0, {})


@pytest.mark.parametrize(
    ("account", "name", "kind"),
    [
        (gateway_receivable("razorpay"), "gateway_receivable:razorpay", AccountKind.ASSET),
        (school_payable("sch_1"), "school_payable:sch_1", AccountKind.LIABILITY),
        (suspense("sch_1"), "suspense:sch_1", AccountKind.LIABILITY),
        (gateway_fees("razorpay"), "gateway_fees:razorpay", AccountKind.EXPENSE),
        (input_gst(), "input_gst", AccountKind.ASSET),
    ],
)
def test_every_account_of_the_chart_has_its_name_and_side(
    account: Account, name: str, kind: AccountKind
) -> None:
    assert account == Account(name, kind)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a",
        "Cash",
        "cash:",
        "cash:a b",
        "cash:a:b",
        "cash:a\n",
        ":x",
        "cash:" + "x" * 65,
        "9cash",
        "cash\n",
    ],
)
def test_a_malformed_account_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="account name"):
        Account(name, AccountKind.ASSET)


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_\-]{0,63}", fullmatch=True))
def test_every_school_that_the_api_accepts_can_be_booked(school_id: str) -> None:
    assert school_payable(school_id).name.endswith(f":{school_id}")
    assert suspense(school_id) != school_payable(school_id)
