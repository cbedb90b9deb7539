"""A reversal of a transfer: expected by its name, matched with one row, in one status, to the paisa."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.model import JournalEntry
from runtime.payments.reconciliation.expectations import expectation_of, expectations_of
from runtime.payments.reconciliation.gateway_rows import row_from
from runtime.payments.reconciliation.model import Expectation, Finding, GatewayRow, Leg, Reason, Status
from runtime.payments.splits.accounting import reversal_entry, transfer_entries_due
from runtime.payments.splits.record import Transfer, TransferStatus
from tests.unit.payments.reconciliation.facts import (
    LATER,
    UNSETTLED,
    WEDNESDAY,
    World,
    line,
    raw_row,
    settlement,
)

REVERSAL, PAISE = "rvrsl_A", 70_000


def transfer(**changes: Any) -> Transfer:
    """A transfer of ₹1,000.00, of which ₹700.00 were reversed."""
    values: dict[str, Any] = {
        "transfer_id": "trf_A",
        "account_id": "acc_A",
        "amount_paise": 100_000,
        "currency": "INR",
        "status": TransferStatus.PARTIALLY_REVERSED,
        "observed_at": 1,
        "reversed_paise": PAISE,
        "reversals": {REVERSAL: PAISE},
    }
    return Transfer(**values | changes)


def booked(*words: Transfer) -> list[JournalEntry]:
    """What was booked of a transfer after each of some words."""
    entries: list[JournalEntry] = []
    for word in words:
        names = [entry.entry_id for entry in entries]
        entries += transfer_entries_due(word, names, WEDNESDAY, gateway_payment_id="pay_A")
    return entries


def expected(*words: Transfer) -> list[Expectation]:
    return [each for each in expectations_of(booked(*words)) if each.kind == "reversal"]


def reversal_row(entity_id: str = REVERSAL, **changes: Any) -> GatewayRow:
    values: dict[str, Any] = {
        "type": "reversal",
        "amount": PAISE,
        "credit": PAISE,
        "fee": 0,
        "tax": 0,
        "payment_id": "pay_A",
        "order_id": None,
    }
    return row_from(raw_row(entity_id, **values | changes))


def found(world: World, leg: Leg = Leg.GATEWAY) -> Finding:
    return world.found()[leg, REVERSAL]


def test_a_reversal_that_is_booked_by_its_name_is_expected() -> None:
    (expectation,) = expected(transfer())
    assert expectation == Expectation(
        entity_id=REVERSAL,
        kind="reversal",
        amount_paise=PAISE,
        currency="INR",
        made_on=WEDNESDAY,
        fee_paise=0,
        tax_paise=0,
        related_id="pay_A",
    )
    by_id = {entry.entry_id: entry for entry in booked(transfer())}
    assert expectation_of(REVERSAL, by_id.get) == expectation


def test_what_only_a_total_tells_of_is_not_expected_until_it_has_a_name() -> None:
    unnamed = transfer(reversals={})
    assert expected(unnamed) == []
    assert expected(unnamed, transfer()) == expected(transfer())
    ids = [entry.entry_id for entry in booked(unnamed, transfer(), transfer())]
    assert ids[-3:] == [
        f"transfer-reversal:trf_A:{PAISE}",
        f"reversal:{REVERSAL}",
        f"transfer-reversal-named:trf_A:{PAISE}",
    ]


def test_it_is_posted_with_its_settlement() -> None:
    world = World(
        expected(transfer()), [reversal_row()], [settlement(amount_paise=PAISE)], [line(amount_paise=PAISE)]
    )
    assert set(world.statuses().values()) == {Status.POSTED_AUTO}


def test_it_is_awaited_for_two_working_days_and_is_then_missing() -> None:
    world = World(expected(transfer()))
    assert world.statuses(WEDNESDAY) == {f"expectation {REVERSAL}": Status.EXPECTED}
    assert world.statuses(LATER) == {f"expectation {REVERSAL}": Status.MISSING}
    shown = World(expected(transfer()), [reversal_row(**UNSETTLED)])
    assert set(shown.statuses(WEDNESDAY).values()) == {Status.PARTIALLY_RECONCILED}


def test_one_that_nobody_knows_is_over() -> None:
    unknown = found(World([], [reversal_row()]))
    assert (unknown.status, unknown.reasons) == (Status.OVER, (Reason.ROW_NOT_EXPECTED,))
    assert unknown.difference_paise == PAISE
    other = World(expected(transfer()), [reversal_row("rvrsl_B")])
    assert other.statuses() == {"expectation rvrsl_A": Status.MISSING, "gateway rvrsl_B": Status.OVER}


@pytest.mark.parametrize(
    ("changes", "status", "reason", "difference_paise"),
    [
        ({"amount": PAISE + 1, "credit": PAISE + 1}, Status.OVER, Reason.AMOUNT_OVER, 1),
        ({"amount": PAISE - 1, "credit": PAISE - 1}, Status.UNDER, Reason.AMOUNT_UNDER, -1),
        ({"credit": 0, "debit": PAISE}, Status.DATA_MISMATCH, Reason.DIRECTION_DIFFERS, -2 * PAISE),
        ({"payment_id": "pay_B"}, Status.DATA_MISMATCH, Reason.RELATED_DIFFERS, 0),
        ({"currency": "USD"}, Status.CURRENCY_MISMATCH, Reason.CURRENCY_DIFFERS, 0),
        ({"credit": PAISE - 10, "fee": 10}, Status.SPLIT_MISMATCH, Reason.FEE_DIFFERS, -10),
        ({"credit": PAISE - 10}, Status.SPLIT_MISMATCH, Reason.ROW_DOES_NOT_ADD_UP, -10),
    ],
)
def test_a_row_that_differs_says_in_what(
    changes: dict[str, Any], status: Status, reason: Reason, difference_paise: int
) -> None:
    judged = found(World(expected(transfer()), [reversal_row(**changes)]))
    assert (judged.status, reason in judged.reasons) == (status, True)
    assert judged.difference_paise == difference_paise


@pytest.mark.parametrize("word", ["reversal", "adjustment", "transfer", "refund"])
def test_its_row_is_read_by_its_name_whatever_its_type(word: str) -> None:
    assert reversal_row(type=word) == reversal_row()


def test_an_adjustment_without_its_name_is_not_taken_for_it() -> None:
    statuses = World(
        expected(transfer()), [reversal_row("adj_A", type="adjustment", payment_id=None)]
    ).statuses()
    assert statuses == {"expectation rvrsl_A": Status.MISSING, "gateway adj_A": Status.OVER}


AMOUNTS = st.dictionaries(st.sampled_from([f"rvrsl_{letter}" for letter in "ABCDE"]), st.integers(100, 9_999))


@given(ours=AMOUNTS, theirs=AMOUNTS, unnamed_paise=st.integers(0, 5_000))
def test_every_paisa_of_every_reversal_is_in_one_status(
    ours: dict[str, int], theirs: dict[str, int], unnamed_paise: int
) -> None:
    reversed_paise = sum(ours.values()) + unnamed_paise
    word = transfer(reversed_paise=reversed_paise, reversals=ours)
    rows = [reversal_row(name, amount=paise, credit=paise, **UNSETTLED) for name, paise in theirs.items()]
    world = World(expected(word), rows)
    judged = world.found(WEDNESDAY)
    for name in ours.keys() | theirs.keys():
        mine, shown = judged.get((Leg.EXPECTATION, name)), judged.get((Leg.GATEWAY, name))
        assert (mine.amount_paise if mine else None, shown.amount_paise if shown else None) == (
            ours.get(name),
            theirs.get(name),
        )
        either = mine or shown
        assert either is not None
        assert {each.status for each in (mine, shown) if each} == {either.status}
        assert either.status is _wanted(ours.get(name), theirs.get(name))
    for totals in world.reconcile(WEDNESDAY).totals():
        assert totals.conserves


def _wanted(ours: int | None, theirs: int | None) -> Status:
    if theirs is None:
        return Status.EXPECTED
    if ours is None or theirs > ours:
        return Status.OVER
    return Status.UNDER if theirs < ours else Status.PARTIALLY_RECONCILED


def test_the_entry_names_the_payment() -> None:
    entry = reversal_entry(REVERSAL, "acc_A", PAISE, "INR", WEDNESDAY, gateway_payment_id="pay_A")
    assert (entry.entry_id, entry.reference) == (f"reversal:{REVERSAL}", "pay_A")
