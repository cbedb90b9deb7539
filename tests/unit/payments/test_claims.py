"""Money is set aside exactly while a claim is open, however often that changes."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.accounts import refunds_payable, school_payable
from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.claims import Claim, claim_entries


def due(is_open: bool, booked: list[str]) -> tuple[JournalEntry, ...]:
    claim = Claim("refund-requested:a", "refund-closed:a", is_open, 500, "A refund")
    return claim_entries(
        claim,
        booked,
        owed=school_payable("sch_1"),
        held=refunds_payable("sch_1"),
        business_day=date(2026, 4, 1),
    )


@given(st.lists(st.booleans(), max_size=12))
def test_the_balance_is_that_of_the_present_state(states: list[bool]) -> None:
    entries: list[JournalEntry] = []
    for is_open in states:
        entries.extend(due(is_open, [entry.entry_id for entry in entries]))
        held = trial_balance(entries).balances_paise.get("refunds_payable:sch_1", 0)
        assert held == (-500 if is_open else 0)
        assert due(is_open, [entry.entry_id for entry in entries]) == ()
    names = [entry.entry_id for entry in entries]
    assert len(set(names)) == len(names)


def test_a_claim_that_opens_again_has_a_number() -> None:
    booked: list[str] = []
    for is_open in (True, False, True, False):
        booked.extend(entry.entry_id for entry in due(is_open, booked))
    assert booked == [
        "refund-requested:a",
        "refund-closed:a",
        "refund-requested:a:2",
        "refund-closed:a:2",
    ]


def test_a_claim_that_was_never_open_is_never_closed() -> None:
    assert due(False, []) == ()
    assert due(False, ["refund-requested:ab"]) == ()
