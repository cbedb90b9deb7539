"""The books of reconciliation: cash once, differences by two people only, the same in any order."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.reconciliation.accounting import (
    forced_entries,
    forced_id,
    received_entries,
    received_id,
    reversal_id,
)
from runtime.payments.reconciliation.exception_model import ReconciliationException
from runtime.payments.reconciliation.exceptions import (
    approve_force,
    assign,
    decision_of,
    open_exception,
    recheck,
    request_force,
)
from runtime.payments.reconciliation.model import Decision
from tests.unit.payments.reconciliation.facts import (
    LATER,
    SETTLED,
    Month,
    World,
    expectation,
    line,
    row,
    settlement,
    whole,
    worlds,
)

NOON = datetime(2026, 4, 20, 6, 30, tzinfo=UTC)
BANK, GATEWAY = "bank:bank_main", "gateway_receivable:razorpay"
DIFFERENCE = "reconciliation_difference:razorpay"


def received(
    world: World, booked: Iterable[str] = (), decisions: tuple[Decision, ...] = ()
) -> list[JournalEntry]:
    lines = {fact.line_id: fact for fact in world.lines}
    findings = world.reconcile(LATER, decisions).findings()
    return list(received_entries(findings, lines, "bank_main", frozenset(booked)))


def forced(world: World, group_id: str) -> ReconciliationException:
    findings = [finding for finding in world.found().values() if finding.group_id == group_id]
    exception = assign(open_exception(findings, NOON), owner="a", actor="b", at=NOON)
    asked = request_force(
        exception,
        difference_paise=exception.difference_paise,
        reason="agreed with the gateway",
        actor="a",
        at=NOON,
    )
    return approve_force(asked, actor="b", is_admin=True, at=NOON)


def balances(entries: Iterable[JournalEntry]) -> dict[str, int]:
    books = trial_balance(entries)
    assert books.balances
    return {account: paise for account, paise in books.balances_paise.items() if paise}


def test_a_credit_reduces_what_the_gateway_owes_on_the_day_it_came() -> None:
    (entry,) = received(whole())
    assert (entry.entry_id, entry.business_date) == (received_id("line_A"), SETTLED)
    assert balances([entry]) == {BANK: 97_640, GATEWAY: -97_640}


def test_a_line_that_takes_money_is_booked_the_other_way() -> None:
    world = World([], [], [settlement(amount_paise=-500)], [line(amount_paise=-500)])
    assert balances(received(world)) == {BANK: -500, GATEWAY: 500}


def test_each_line_is_booked_once() -> None:
    assert received(whole(), [received_id("line_A")]) == []


def test_cash_is_cash_also_while_it_does_not_match() -> None:
    world = World([expectation()], [row()], [settlement()], [line(amount_paise=97_000)])
    assert balances(received(world)) == {BANK: 97_000, GATEWAY: -97_000}


def test_a_line_that_is_of_no_settlement_is_not_the_gateways() -> None:
    assert received(World(lines=[line()])) == []


def test_a_difference_is_lost_only_by_force() -> None:
    """The gateway owes 97,640 paise and pays 97,000; two people let 640 go."""
    world = World([expectation()], [row()], [settlement()], [line(amount_paise=97_000)])
    exception = forced(world, "utr:AXISCN1153863727")
    entries = [*received(world), *forced_entries(exception, (), LATER)]
    assert balances(entries) == {BANK: 97_000, GATEWAY: -97_640, DIFFERENCE: 640}
    assert entries[-1].entry_id == forced_id(exception, 1)
    assert list(forced_entries(exception, {forced_id(exception, 1)}, LATER)) == []


def test_too_much_is_kept_only_by_force() -> None:
    world = World([expectation()], [row()], [settlement()], [line(amount_paise=98_000)])
    entries = [*received(world), *forced_entries(forced(world, "utr:AXISCN1153863727"), (), LATER)]
    assert balances(entries) == {BANK: 98_000, GATEWAY: -97_640, DIFFERENCE: -360}


def test_money_of_no_settlement_can_be_kept_by_force() -> None:
    world = World(lines=[line(amount_paise=500)])
    exception = forced(world, "line:line_A")
    decision = decision_of(exception)
    assert decision is not None
    entries = [*received(world, decisions=(decision,)), *forced_entries(exception, (), LATER)]
    assert balances(entries) == {BANK: 500, DIFFERENCE: -500}


def test_a_fee_that_is_higher_than_booked_is_lost_only_by_force() -> None:
    """We booked a fee of 2,360 paise and the gateway took 2,400; its settlement paid 97,600."""
    world = World(
        [expectation()],
        [row(fee=2_400, credit=97_600)],
        [settlement(amount_paise=97_600)],
        [line(amount_paise=97_600)],
    )
    entries = [*received(world), *forced_entries(forced(world, "pay_A"), (), LATER)]
    assert balances(entries) == {BANK: 97_600, GATEWAY: -97_640, DIFFERENCE: 40}


def test_a_settlement_that_its_rows_do_not_explain_is_evened_out_by_force() -> None:
    world = World([expectation()], [row()], [settlement(amount_paise=97_600)], [line(amount_paise=97_600)])
    entries = [*received(world), *forced_entries(forced(world, "utr:AXISCN1153863727"), (), LATER)]
    assert balances(entries) == {BANK: 97_600, GATEWAY: -97_640, DIFFERENCE: 40}


def test_a_forced_posting_is_turned_back_when_the_money_comes_after_all() -> None:
    world = World([expectation()], [row()], [settlement()], [line(amount_paise=97_000)])
    exception = forced(world, "utr:AXISCN1153863727")
    booked = [*received(world), *forced_entries(exception, (), LATER)]
    world.lines.append(line("line_B", amount_paise=640))
    news = [finding for finding in world.found().values() if finding.group_id == exception.group_id]
    after = recheck(exception, news, NOON)
    ids = {entry.entry_id for entry in booked}
    booked += [*received(world, ids), *forced_entries(after, ids, date(2026, 4, 21))]
    assert booked[-1].entry_id == reversal_id(after, 1)
    assert balances(booked) == {BANK: 97_640, GATEWAY: -97_640}
    assert list(forced_entries(after, {entry.entry_id for entry in booked}, LATER)) == []


def test_what_was_forced_twice_is_booked_as_it_stands_last() -> None:
    world = World([expectation()], [row()], [settlement()], [line(amount_paise=97_000)])
    first = forced(world, "utr:AXISCN1153863727")
    world.lines.append(line("line_B", amount_paise=600))
    news = [finding for finding in world.found().values() if finding.group_id == first.group_id]
    again = assign(recheck(first, news, NOON), owner="a", actor="b", at=NOON)
    asked = request_force(again, difference_paise=-40, reason="agreed with the gateway", actor="a", at=NOON)
    second = approve_force(asked, actor="b", is_admin=False, at=NOON)
    entries = [*received(world), *forced_entries(second, (), LATER)]
    assert balances(entries) == {BANK: 97_600, GATEWAY: -97_640, DIFFERENCE: 40}
    assert len({entry.entry_id for entry in entries}) == len(entries)


@pytest.mark.parametrize("seed", range(5))
def test_after_a_month_the_bank_has_what_the_gateway_settled(seed: int) -> None:
    world = Month(seed).world
    paid = sum(fact.amount_paise for fact in world.settlements)
    assert balances(received(world)) == ({BANK: paid, GATEWAY: -paid} if paid else {})


def test_a_line_in_another_currency_is_not_booked() -> None:
    in_rupees = World([expectation()], [row()], [settlement()], [line()])
    assert len(received(in_rupees)) == 1
    in_dollars = World([expectation()], [row()], [settlement()], [line(currency="USD")])
    assert received(in_dollars) == []


@given(worlds(), st.integers(0, 2**32), st.integers(0, 6), st.integers(0, 6))
def test_the_books_do_not_depend_on_what_was_known_first(
    world: World, seed: int, settlements_first: int, lines_first: int
) -> None:
    """Whatever part of the money is known on the first day, after the second the books are the same."""
    at_once = {entry.entry_id: entry for entry in received(world)}
    shuffled = world.shuffled(seed)
    early = World(
        shuffled.expectations,
        shuffled.rows,
        shuffled.settlements[:settlements_first],
        shuffled.lines[:lines_first],
    )
    by_and_by = {entry.entry_id: entry for entry in received(early)}
    for entry in received(shuffled, by_and_by):
        assert entry.entry_id not in by_and_by
        by_and_by[entry.entry_id] = entry
    assert by_and_by == at_once
    assert trial_balance(by_and_by.values()).balances
