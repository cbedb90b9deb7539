"""Every paisa is in exactly one status, whatever the order, however often, and whatever contradicts."""

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.payments.reconciliation.decisions import Decisions
from runtime.payments.reconciliation.matching import Outcome
from runtime.payments.reconciliation.model import (
    EXCEPTIONS,
    POSTED,
    WAITING,
    Decision,
    Leg,
    Reason,
    SettlementFact,
    Status,
)
from runtime.payments.reconciliation.pairs import Pairs
from runtime.payments.reconciliation.payouts import Payouts
from tests.unit.payments.reconciliation.facts import (
    LATER,
    SETTLED,
    UNSETTLED,
    WEDNESDAY,
    Month,
    World,
    expectation,
    line,
    row,
    settlement,
    whole,
    working_days,
    worlds,
)

AUTO, OVER, UNDER, MISSING, EXPECTED = (
    Status.POSTED_AUTO,
    Status.OVER,
    Status.UNDER,
    Status.MISSING,
    Status.EXPECTED,
)
PARTIAL, DATA, CURRENCY, SPLIT = (
    Status.PARTIALLY_RECONCILED,
    Status.DATA_MISMATCH,
    Status.CURRENCY_MISMATCH,
    Status.SPLIT_MISMATCH,
)
FRIDAY, MONDAY, TUESDAY = SETTLED, date(2026, 4, 6), date(2026, 4, 7)


def of_pair(world: World, today: date = LATER) -> tuple[Status, tuple[Reason, ...]]:
    """The verdict on pay_A, which both of its legs share."""
    found = world.found(today)
    pair = [found[leg, "pay_A"] for leg in (Leg.EXPECTATION, Leg.GATEWAY) if (leg, "pay_A") in found]
    assert len({(finding.status, finding.reasons, finding.facts) for finding in pair}) == 1
    return pair[0].status, pair[0].reasons


class TestWholeChain:
    def test_what_agrees_on_every_leg_is_posted(self) -> None:
        assert set(whole().statuses().values()) == {AUTO}
        assert set(whole().statuses(FRIDAY).values()) == {AUTO}

    @given(st.integers(0, 2**32))
    @settings(max_examples=30)
    def test_a_month_that_adds_up_is_posted_to_the_paisa(self, seed: int) -> None:
        outcome = Month(seed).world.reconcile(date(2026, 5, 31))
        assert list(outcome.exceptions()) == []
        assert all(set(total.statuses) == {AUTO} and total.conserves for total in outcome.totals())

    def test_the_documented_sample_is_read_and_adds_up(self) -> None:
        """Razorpay, "fetch settlement recon details": four rows of settlement setl_DGlQ1Rj8os78Ec."""
        told: dict[str, Any] = {
            "settlement_id": "setl_DGlQ1Rj8os78Ec",
            "settlement_utr": "1568176960vxp0rj",
            "created_at": 1_567_692_556,
        }
        payment, refund, transfer, adjustment = (
            {"type": "payment", "credit": 97_100, "amount": 100_000, "fee": 2_900, "tax": 0},
            {"type": "refund", "debit": 242_500, "credit": 0, "amount": 242_500, "fee": 0, "tax": 0},
            {"type": "transfer", "debit": 100_296, "credit": 0, "amount": 100_000, "fee": 296, "tax": 46},
            {"type": "adjustment", "credit": 1_012, "amount": 1_012, "fee": 0, "tax": 0},
        )
        made = date(2019, 9, 5)
        net = 97_100 - 242_500 - 100_296 + 1_012
        world = World(
            [
                expectation("pay_DEXrnipqTmWVGE", fee_paise=2_900, tax_paise=0, made_on=made),
                expectation(
                    "rfnd_DGRcGzZSLyEdg1",
                    kind="refund",
                    amount_paise=242_500,
                    fee_paise=0,
                    tax_paise=0,
                    related_id="pay_DEXq1pACSqFxtS",
                ),
                expectation(
                    "trf_DEUoCEtdsJgvl7", kind="transfer", fee_paise=296, tax_paise=46, related_id=""
                ),
            ],
            [
                row("pay_DEXrnipqTmWVGE", **told | payment),
                row("rfnd_DGRcGzZSLyEdg1", **told | refund | {"payment_id": "pay_DEXq1pACSqFxtS"}),
                row("trf_DEUoCEtdsJgvl7", **told | transfer),
                row("adj_EhcHONhX4ChgNC", **told | adjustment | {"settlement_utr": None}),
            ],
            [settlement("setl_DGlQ1Rj8os78Ec", amount_paise=net, utr="1568176960vxp0rj")],
            [line(amount_paise=net, references=("1568176960VXP0RJ",))],
        )
        found = world.statuses()
        assert found.pop("gateway adj_EhcHONhX4ChgNC") is OVER
        assert set(found.values()) == {AUTO}


class TestExpectationAndRow:
    def test_what_we_expect_waits_two_working_days_and_is_then_missing(self) -> None:
        world = World([expectation()])
        assert of_pair(world, FRIDAY) == (EXPECTED, (Reason.ROW_AWAITED,))
        assert of_pair(world, date(2026, 4, 4)) == (MISSING, (Reason.ROW_OVERDUE,))

    def test_weekends_and_bank_holidays_do_not_count(self) -> None:
        """Captured on Friday 10 April; 11 and 12 are a weekend, 14 a holiday: due on Wednesday 15."""
        world = World([expectation(made_on=date(2026, 4, 10))])
        assert of_pair(world, date(2026, 4, 15))[0] is EXPECTED
        assert of_pair(world, date(2026, 4, 16))[0] is MISSING

    def test_what_was_called_off_is_void_and_must_not_move(self) -> None:
        called_off = [expectation(is_void=True)]
        assert of_pair(World(called_off)) == (Status.VOID, (Reason.EXPECTATION_VOID,))
        assert of_pair(World(called_off, [row()])) == (DATA, (Reason.VOID_BUT_MOVED,))

    def test_a_row_that_nobody_expected_is_over(self) -> None:
        assert of_pair(World([], [row()])) == (OVER, (Reason.ROW_NOT_EXPECTED,))
        odd = World([], [row(credit=1)])
        assert of_pair(odd) == (OVER, (Reason.ROW_NOT_EXPECTED, Reason.ROW_DOES_NOT_ADD_UP))

    @pytest.mark.parametrize(
        ("changes", "verdict"),
        [
            ({"currency": "USD"}, (CURRENCY, (Reason.CURRENCY_DIFFERS,))),
            ({"type": "adjustment"}, (DATA, (Reason.KIND_DIFFERS,))),
            ({"order_id": "order_B"}, (DATA, (Reason.RELATED_DIFFERS,))),
            ({"amount": 100_001, "credit": 97_641}, (OVER, (Reason.AMOUNT_OVER,))),
            ({"amount": 99_999, "credit": 97_639}, (UNDER, (Reason.AMOUNT_UNDER,))),
            ({"credit": 97_639}, (SPLIT, (Reason.ROW_DOES_NOT_ADD_UP,))),
            ({"fee": 2_361, "credit": 97_639}, (SPLIT, (Reason.FEE_DIFFERS,))),
            ({"tax": 361}, (SPLIT, (Reason.TAX_DIFFERS,))),
            ({"tax": 2_361}, (SPLIT, (Reason.ROW_DOES_NOT_ADD_UP, Reason.TAX_DIFFERS))),
            (
                {"currency": "USD", "order_id": "order_B", "amount": 1, "credit": 97_640},
                (
                    CURRENCY,
                    (
                        Reason.CURRENCY_DIFFERS,
                        Reason.RELATED_DIFFERS,
                        Reason.AMOUNT_UNDER,
                        Reason.ROW_DOES_NOT_ADD_UP,
                    ),
                ),
            ),
            ({"type": "refund", "debit": 100_000, "credit": 0, "order_id": None}, None),
        ],
    )
    def test_a_row_that_differs_says_in_what(
        self, changes: dict[str, Any], verdict: tuple[Status, tuple[Reason, ...]] | None
    ) -> None:
        expected = verdict or (DATA, (Reason.KIND_DIFFERS, Reason.DIRECTION_DIFFERS))
        assert of_pair(World([expectation()], [row(**changes)])) == expected

    @pytest.mark.parametrize(
        "unknown",
        [
            {"fee_paise": None},
            {"tax_paise": None},
            {"related_id": ""},
            {"fee_paise": None, "tax_paise": None},
        ],
    )
    def test_what_we_do_not_know_cannot_differ(self, unknown: dict[str, Any]) -> None:
        world = whole()
        world.expectations = [expectation(**unknown)]
        assert set(world.statuses().values()) == {AUTO}

    @pytest.mark.parametrize("fee_too", [True, False])
    def test_a_refund_debits_its_amount_and_may_debit_its_fee(self, fee_too: bool) -> None:
        refund = {"type": "refund", "credit": 0, "amount": 1_000, "fee": 59, "tax": 9, "payment_id": "pay_Z"}
        debit = 1_059 if fee_too else 1_000
        expected = expectation(
            "rfnd_A", kind="refund", amount_paise=1_000, fee_paise=59, tax_paise=9, related_id="pay_Z"
        )
        world = World([expected], [row("rfnd_A", **refund, debit=debit, **UNSETTLED)])
        found = world.found(FRIDAY)
        assert found[Leg.GATEWAY, "rfnd_A"].status is PARTIAL
        assert found[Leg.GATEWAY, "rfnd_A"].amount_paise == -debit
        assert found[Leg.EXPECTATION, "rfnd_A"].amount_paise == -1_000

    def test_an_adjustment_has_the_direction_that_we_expect(self) -> None:
        taken = row("adj_A", type="adjustment", debit=500, credit=0, amount=500, fee=0, tax=0, **UNSETTLED)
        for amount, status in ((-500, PARTIAL), (500, DATA)):
            expected = expectation(
                "adj_A", kind="adjustment", amount_paise=amount, fee_paise=0, tax_paise=0, related_id=""
            )
            assert World([expected], [taken]).statuses(FRIDAY)["gateway adj_A"] is status

    def test_a_type_that_razorpay_adds_is_reconciled_too(self) -> None:
        expected = expectation(
            "rew_A", kind="reward", amount_paise=70, fee_paise=0, tax_paise=0, related_id=""
        )
        added = row("rew_A", type="reward", credit=70, amount=70, fee=0, tax=0, **UNSETTLED)
        assert World([expected], [added]).statuses(FRIDAY)["gateway rew_A"] is PARTIAL

    def test_rows_that_contradict_each_other_are_all_shown(self) -> None:
        world = World([expectation()], [row(), row(amount=200_000, credit=197_640)])
        findings = [finding for finding in world.found().values() if finding.leg is Leg.GATEWAY]
        assert len(findings) == 2
        assert {finding.status for finding in findings} == {DATA}
        assert sum(finding.amount_paise for finding in findings) == 97_640 + 197_640

    def test_a_row_in_two_settlements_contradicts_itself(self) -> None:
        world = World([expectation()], [row(), row(settlement_id="setl_B")])
        assert {finding.reasons for finding in world.found().values()} == {(Reason.ROWS_CONTRADICT,)}

    def test_expectations_that_contradict_each_other_are_all_shown(self) -> None:
        world = World([expectation(), expectation(amount_paise=5)], [row()])
        assert len(world.found()) == 3
        assert {finding.reasons for finding in world.found().values()} == {(Reason.EXPECTATIONS_CONTRADICT,)}

    def test_what_is_learned_later_is_no_contradiction(self) -> None:
        unknowing = expectation(fee_paise=None, tax_paise=None, related_id="")
        world = whole()
        world.expectations = [unknowing, expectation(), unknowing]
        world.rows = [row(**UNSETTLED, on_hold=True), row(), row(**UNSETTLED), row(settled=False)]
        assert set(world.statuses().values()) == {AUTO}
        totals = {total.leg: total for total in world.reconcile().totals()}
        assert totals[Leg.EXPECTATION].repeated.count == 2
        assert totals[Leg.GATEWAY].repeated.count == 3
        assert all(total.conserves for total in totals.values())


class TestWaitingForTheMoney:
    def test_a_row_waits_for_its_settlement_until_its_time_is_over(self) -> None:
        world = World([expectation()], [row(**UNSETTLED)])
        assert of_pair(world, FRIDAY) == (PARTIAL, (Reason.SETTLEMENT_AWAITED,))
        assert of_pair(world, MONDAY) == (MISSING, (Reason.SETTLEMENT_OVERDUE,))

    def test_what_is_on_hold_waits(self) -> None:
        world = World([expectation()], [row(**UNSETTLED, on_hold=True)])
        assert of_pair(world) == (PARTIAL, (Reason.ON_HOLD,))

    def test_a_settlement_that_we_do_not_know_yet_is_waited_for(self) -> None:
        world = World([expectation()], [row()])
        assert of_pair(world, FRIDAY) == (PARTIAL, (Reason.SETTLEMENT_NOT_KNOWN,))
        assert of_pair(world, MONDAY) == (MISSING, (Reason.SETTLEMENT_OVERDUE,))

    def test_a_row_follows_its_settlement(self) -> None:
        world = World([expectation()], [row()], [settlement()])
        assert of_pair(world, LATER) == (PARTIAL, (Reason.SETTLEMENT_OPEN,))

    def test_a_row_of_a_settlement_that_failed_waits_for_another(self) -> None:
        world = World([expectation()], [row()], [settlement(status="failed")])
        assert of_pair(world) == (PARTIAL, (Reason.SETTLEMENT_OPEN,))
        assert world.statuses()["settlement setl_A"] is Status.VOID

    def test_a_day_that_nobody_told_is_never_late(self) -> None:
        ancient = expectation(made_on=date(1999, 1, 1))
        world = World([ancient], [row(**UNSETTLED, created_at=None)])
        assert of_pair(world) == (PARTIAL, (Reason.SETTLEMENT_AWAITED,))


class TestSettlementAndBank:
    def money(self, world: World, today: date = LATER) -> set[tuple[str, Status, tuple[Reason, ...]]]:
        return {
            (finding.leg.value, finding.status, finding.reasons)
            for finding in world.found(today).values()
            if finding.leg in (Leg.SETTLEMENT, Leg.BANK)
        }

    def test_a_credit_is_awaited_for_a_working_day(self) -> None:
        world = World([], [], [settlement()])
        assert self.money(world, MONDAY) == {("settlement", EXPECTED, (Reason.CREDIT_AWAITED,))}
        assert self.money(world, TUESDAY) == {("settlement", MISSING, (Reason.CREDIT_OVERDUE,))}

    def test_without_a_utr_no_credit_can_be_found(self) -> None:
        world = World([], [], [settlement(utr="")], [line()])
        assert ("settlement", MISSING, (Reason.CREDIT_OVERDUE, Reason.UTR_NOT_KNOWN)) in self.money(world)
        assert ("bank", OVER, (Reason.LINE_NOT_EXPECTED,)) in self.money(world)
        assert ("settlement", EXPECTED, (Reason.CREDIT_AWAITED, Reason.UTR_NOT_KNOWN)) in self.money(
            world, FRIDAY
        )

    def test_the_money_is_here_and_the_rows_are_awaited(self) -> None:
        world = World([], [], [settlement()], [line()])
        assert ("settlement", PARTIAL, (Reason.ROWS_AWAITED,)) in self.money(world, MONDAY)
        assert ("settlement", MISSING, (Reason.ROWS_OVERDUE,)) in self.money(world, TUESDAY)
        assert ("bank", AUTO, ()) in self.money(world)

    @pytest.mark.parametrize(
        ("paise", "today", "verdict"),
        [
            (97_641, LATER, (OVER, (Reason.AMOUNT_OVER,))),
            (97_639, MONDAY, (PARTIAL, (Reason.CREDIT_PARTIAL,))),
            (97_639, TUESDAY, (UNDER, (Reason.AMOUNT_UNDER,))),
            (-1, MONDAY, (UNDER, (Reason.CREDIT_RETURNED,))),
        ],
    )
    def test_a_credit_of_another_amount(
        self, paise: int, today: date, verdict: tuple[Status, tuple[Reason, ...]]
    ) -> None:
        world = World([], [row()], [settlement()], [line(amount_paise=paise)])
        assert self.money(world, today) == {("settlement", *verdict), ("bank", *verdict)}
        assert world.found(today)[Leg.BANK, "line_A"].difference_paise == paise - 97_640

    def test_several_settlements_arrive_as_one_credit(self) -> None:
        rows = [row("pay_A"), row("pay_B", settlement_id="setl_B")]
        settlements = [settlement(), settlement("setl_B")]
        world = World([expectation(), expectation("pay_B")], rows, settlements, [line(amount_paise=195_280)])
        assert set(world.statuses().values()) == {AUTO}
        world.lines = [line(amount_paise=195_279)]
        assert {found.status for found in world.found().values()} == {UNDER, PARTIAL}

    def test_one_settlement_arrives_as_several_credits(self) -> None:
        world = whole()
        world.lines = [line("line_A", amount_paise=97_000), line("line_B", amount_paise=640)]
        assert set(world.statuses().values()) == {AUTO}

    def test_a_batch_credit_that_names_several_utrs_is_held_against_all_of_them(self) -> None:
        settlements = [settlement(), settlement("setl_B", utr="AXISCN0000000002")]
        rows = [row(), row("pay_B", settlement_id="setl_B", settlement_utr="AXISCN0000000002")]
        batch = line(amount_paise=195_280, references=("AXISCN1153863727", "axiscn-0000000002", "OTHER00001"))
        world = World([expectation(), expectation("pay_B")], rows, settlements, [batch])
        assert set(world.statuses().values()) == {AUTO}
        assert len({found.group_id for found in world.found().values() if found.leg is Leg.BANK}) == 1

    def test_settlements_that_take_money_from_us(self) -> None:
        taken = row("adj_A", type="adjustment", debit=500, credit=0, amount=500, fee=0, tax=0)
        expected = expectation(
            "adj_A", kind="adjustment", amount_paise=-500, fee_paise=0, tax_paise=0, related_id=""
        )
        world = World([expected], [taken], [settlement(amount_paise=-500)], [line(amount_paise=-500)])
        assert set(world.statuses().values()) == {AUTO}
        world.lines = [line(amount_paise=-600)]
        assert world.statuses()["bank line_A"] is OVER
        world.lines = [line(amount_paise=-400)]
        assert world.statuses()["bank line_A"] is UNDER

    def test_a_settlement_of_nothing_needs_no_credit(self) -> None:
        assert self.money(World([], [], [settlement(amount_paise=0)])) == {("settlement", AUTO, ())}

    @pytest.mark.parametrize(
        ("changes", "verdict"),
        [
            ({"credit": 97_639}, (SPLIT, (Reason.ROWS_DO_NOT_ADD_UP,))),
            ({"settlement_utr": "AXISCN0000000009"}, (DATA, (Reason.UTR_DIFFERS,))),
            ({"currency": "USD"}, (CURRENCY, (Reason.CURRENCY_DIFFERS,))),
        ],
    )
    def test_rows_that_do_not_explain_their_settlement(
        self, changes: dict[str, Any], verdict: tuple[Status, tuple[Reason, ...]]
    ) -> None:
        world = World([], [row(**changes)], [settlement()], [line()])
        assert self.money(world) == {("settlement", *verdict), ("bank", AUTO, ())}

    def test_a_settlement_that_misses_a_row_names_the_difference(self) -> None:
        world = World([], [row()], [settlement(amount_paise=100_000)], [line(amount_paise=100_000)])
        assert world.found()[Leg.SETTLEMENT, "setl_A"].difference_paise == 100_000 - 97_640

    def test_a_line_in_another_currency(self) -> None:
        world = World([], [row()], [settlement()], [line(currency="USD")])
        assert {status for _, status, _ in self.money(world)} == {CURRENCY}

    def test_settlements_that_contradict_each_other(self) -> None:
        for other in (settlement(amount_paise=1), settlement(utr="AXISCN0000000002")):
            world = World([], [row()], [settlement(), other], [line()])
            assert {(status, reasons) for _, status, reasons in self.money(world)} == {
                (DATA, (Reason.SETTLEMENTS_CONTRADICT,))
            }

    def test_a_settlement_is_known_better_with_time(self) -> None:
        world = whole()
        world.settlements = [settlement(), settlement(status="created", utr=""), settlement(status="odd")]
        assert set(world.statuses().values()) == {AUTO}
        assert all(total.conserves for total in world.reconcile().totals())

    def test_a_failed_settlement_is_void_when_its_money_went_back(self) -> None:
        failed = settlement(status="failed")
        back = [line("line_A"), line("line_B", amount_paise=-97_640)]
        assert {status for _, status, _ in self.money(World([], [], [failed], back))} == {Status.VOID}
        assert {status for _, status, _ in self.money(World([], [], [failed], back[:1]))} == {DATA}

    def test_a_failed_settlement_beside_a_good_one_does_not_count(self) -> None:
        world = whole()
        world.settlements.append(settlement("setl_F", status="failed", amount_paise=5))
        assert world.statuses()["settlement setl_F"] is Status.VOID
        assert world.statuses()["settlement setl_A"] is AUTO

    def test_a_line_waits_for_its_settlement_and_is_then_over(self) -> None:
        assert self.money(World(lines=[line()]), TUESDAY) == {
            ("bank", EXPECTED, (Reason.SETTLEMENT_AWAITED,))
        }
        assert self.money(World(lines=[line()]), LATER) == {("bank", OVER, (Reason.LINE_NOT_EXPECTED,))}


class TestDecisions:
    def decided(self, world: World, item: tuple[Leg, str], outcome: Status) -> Decision:
        finding = world.found()[item]
        return Decision(finding.group_id, finding.facts, outcome, "a good reason")

    @pytest.mark.parametrize("outcome", [Status.POSTED_MANUAL, Status.POSTED_FORCED, Status.VOID])
    def test_a_decision_stands_on_its_facts(self, outcome: Status) -> None:
        world = World([expectation()])
        decision = self.decided(world, (Leg.EXPECTATION, "pay_A"), outcome)
        assert world.statuses(decisions=(decision,)) == {"expectation pay_A": outcome}
        (total,) = world.reconcile(decisions=(decision,)).totals()
        assert set(total.statuses) == {outcome}

    def test_a_new_fact_makes_it_outdated(self) -> None:
        world = World([expectation()])
        decision = self.decided(world, (Leg.EXPECTATION, "pay_A"), Status.VOID)
        world.rows = [row(amount=5, credit=5, fee=0, tax=0)]
        found = world.found(decisions=(decision,))[Leg.EXPECTATION, "pay_A"]
        assert (found.status, found.reasons[-1]) == (UNDER, Reason.DECISION_OUTDATED)

    def test_time_alone_does_not(self) -> None:
        world = World([expectation()])
        decision = self.decided(world, (Leg.EXPECTATION, "pay_A"), Status.VOID)
        assert world.statuses(FRIDAY, (decision,)) == {"expectation pay_A": Status.VOID}

    def test_what_closed_by_itself_needs_no_decision(self) -> None:
        decision = self.decided(whole(), (Leg.EXPECTATION, "pay_A"), Status.POSTED_FORCED)
        assert whole().statuses(decisions=(decision,))["expectation pay_A"] is AUTO

    def test_only_what_is_closed_can_be_archived(self) -> None:
        decision = self.decided(whole(), (Leg.EXPECTATION, "pay_A"), Status.ARCHIVED)
        money = self.decided(whole(), (Leg.BANK, "line_A"), Status.ARCHIVED)
        assert set(whole().statuses(decisions=(decision, money)).values()) == {Status.ARCHIVED}
        missing = World([expectation()])
        late = self.decided(missing, (Leg.EXPECTATION, "pay_A"), Status.ARCHIVED)
        assert missing.statuses(decisions=(late,)) == {"expectation pay_A": MISSING}

    def test_rows_follow_a_settlement_that_was_posted_by_force_and_not_one_that_was_voided(self) -> None:
        world = World([expectation()], [row()], [settlement()], [line(amount_paise=97_000)])
        for outcome, follows in ((Status.POSTED_FORCED, AUTO), (Status.VOID, PARTIAL)):
            decision = self.decided(world, (Leg.BANK, "line_A"), outcome)
            statuses = world.statuses(decisions=(decision,))
            assert statuses["settlement setl_A"] is statuses["bank line_A"] is outcome
            assert statuses["gateway pay_A"] is follows

    def test_of_several_decisions_on_the_same_facts_the_strongest_stands(self) -> None:
        world = World([expectation()])
        decisions = [
            self.decided(world, (Leg.EXPECTATION, "pay_A"), outcome)
            for outcome in (Status.VOID, Status.POSTED_FORCED, Status.POSTED_MANUAL)
        ]
        for order in (decisions, decisions[::-1]):
            assert world.statuses(decisions=tuple(order)) == {"expectation pay_A": Status.POSTED_FORCED}

    @pytest.mark.parametrize("outcome", [AUTO, MISSING, EXPECTED, OVER])
    def test_a_decision_closes(self, outcome: Status) -> None:
        with pytest.raises(ValueError, match="posts by hand or by force"):
            Decision("g", "f", outcome, "r")


def sums(amounts: Iterable[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    by_currency: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))
    for currency, paise in amounts:
        count, total = by_currency[currency]
        by_currency[currency] = count + 1, total + paise
    return dict(by_currency)


def told(world: World) -> dict[Leg, dict[str, tuple[int, int]]]:
    """What came in, by the definition of the legs."""
    signs = {"refund": -1, "transfer": -1}
    return {
        Leg.EXPECTATION: sums(
            (fact.currency, signs.get(fact.kind, 1) * fact.amount_paise) for fact in world.expectations
        ),
        Leg.GATEWAY: sums((fact.currency, fact.credit_paise - fact.debit_paise) for fact in world.rows),
        Leg.SETTLEMENT: sums((fact.currency, fact.amount_paise) for fact in world.settlements),
        Leg.BANK: sums((fact.currency, fact.amount_paise) for fact in world.lines),
    }


class TestAnyWorld:
    @given(worlds())
    def test_no_paisa_is_lost_or_made(self, world: World) -> None:
        totals = world.reconcile().totals()
        assert all(total.conserves for total in totals)
        came_in: dict[Leg, dict[str, tuple[int, int]]] = {leg: {} for leg in Leg}
        for total in totals:
            came_in[total.leg][total.currency] = (total.inputs.count, total.inputs.paise)
        assert came_in == told(world)

    @given(worlds())
    def test_the_totals_are_those_of_the_findings(self, world: World) -> None:
        outcome = world.reconcile()
        counted = {
            (total.leg, total.currency, status): (sum_.count, sum_.paise)
            for total in outcome.totals()
            for status, sum_ in total.statuses.items()
        }
        shown: dict[Any, tuple[int, int]] = defaultdict(lambda: (0, 0))
        for finding in outcome.findings():
            key = (finding.leg, finding.currency, finding.status)
            shown[key] = (shown[key][0] + 1, shown[key][1] + finding.amount_paise)
        assert counted == shown

    @given(worlds(), st.integers(0, 2**32))
    def test_the_order_of_the_facts_does_not_matter(self, world: World, seed: int) -> None:
        one, other = world.reconcile(), world.shuffled(seed).reconcile()
        assert list(one.findings()) == list(other.findings())
        assert one.totals() == other.totals()

    @given(worlds(), st.integers(0, 2**32))
    def test_facts_told_again_change_nothing(self, world: World, seed: int) -> None:
        again = world.with_also(world).shuffled(seed).reconcile()
        assert list(again.findings()) == list(world.reconcile().findings())
        assert all(total.conserves for total in again.totals())

    @given(worlds(), worlds())
    def test_what_was_posted_is_never_awaited_again(self, world: World, news: World) -> None:
        before = world.found()
        after = world.with_also(news).found()
        for item, finding in before.items():
            if finding.status is AUTO and item in after:
                assert after[item].status in {AUTO, PARTIAL, *EXCEPTIONS - {MISSING}} or (
                    item[0] is Leg.SETTLEMENT and Reason.ROWS_OVERDUE in after[item].reasons
                )

    @given(worlds())
    def test_time_alone_never_takes_back_what_was_posted(self, world: World) -> None:
        early, late = world.found(WEDNESDAY), world.found(date(2027, 4, 1))
        assert early.keys() == late.keys()
        for item, finding in early.items():
            assert finding.facts == late[item].facts
            if finding.status not in WAITING:
                assert late[item].status is finding.status
            else:
                assert late[item].status in {finding.status, MISSING, UNDER, OVER}

    @given(worlds())
    def test_a_decision_on_every_matter_closes_every_matter(self, world: World) -> None:
        findings = world.found().values()
        decisions = tuple(
            Decision(finding.group_id, finding.facts, Status.POSTED_FORCED, "all of it")
            for finding in findings
        )
        after = world.found(decisions=decisions).values()
        assert {finding.status for finding in after} <= {*POSTED, Status.VOID}
        assert all(total.conserves for total in world.reconcile(decisions=decisions).totals())

    @given(st.integers(0, 2**32), st.data())
    @settings(max_examples=25)
    def test_a_row_that_is_lost_from_a_month_is_found_missing(self, seed: int, data: st.DataObject) -> None:
        world = Month(seed, payments=20).world
        lost = data.draw(st.sampled_from(world.rows))
        world.rows.remove(lost)
        exceptions = {
            (finding.leg, finding.item_id): finding
            for finding in world.reconcile(date(2026, 6, 30)).exceptions()
        }
        assert exceptions[Leg.EXPECTATION, lost.entity_id].status is MISSING
        difference = exceptions[Leg.SETTLEMENT, lost.settlement_id].difference_paise
        assert difference == lost.credit_paise - lost.debit_paise
        assert len(exceptions) == 2

    @given(st.integers(0, 2**32), st.data(), st.integers(-50, 50).filter(bool))
    @settings(max_examples=25)
    def test_a_credit_that_is_off_by_paise_is_found(self, seed: int, data: st.DataObject, off: int) -> None:
        world = Month(seed, payments=20).world
        index = data.draw(st.integers(0, len(world.lines) - 1))
        wrong = world.lines[index]
        world.lines[index] = wrong.model_copy(update={"amount_paise": wrong.amount_paise + off})
        exceptions = list(world.reconcile(date(2026, 6, 30)).exceptions())
        assert {finding.leg for finding in exceptions} == {Leg.SETTLEMENT, Leg.BANK}
        assert {finding.difference_paise for finding in exceptions} == {off}


@given(worlds(), st.integers(0, 2**32))
def test_rows_may_come_before_what_was_expected(world: World, seed: int) -> None:
    """The streams may be taken in piece by piece, in any order of pieces."""
    pairs = Pairs()
    payouts = Payouts(pairs.currencies)
    pieces: list[Callable[[], None]] = [
        *(partial(pairs.take, [fact]) for fact in world.rows),
        *(partial(pairs.expect, [fact]) for fact in world.expectations),
        partial(payouts.take_lines, world.lines),
        partial(payouts.take_settlements, world.settlements),
    ]
    random.Random(seed).shuffle(pieces)  # noqa: S311
    for take in pieces:
        take()
    outcome = Outcome(pairs, payouts, LATER, working_days(), Decisions(()))
    assert list(outcome.findings()) == list(world.reconcile().findings())
    assert outcome.totals() == world.reconcile().totals()


def test_a_pair_that_agrees_in_its_head_and_does_not_add_up_is_counted_as_it_is() -> None:
    for total in World([expectation()], [row(credit=97_639)]).reconcile().totals():
        assert set(total.statuses) == {SPLIT}


def test_names_are_bounded() -> None:
    world = World(
        settlements=[SettlementFact(f"s{n}", 1, "processed", SETTLED, "", f"C{n}") for n in range(70_000)]
    )
    with pytest.raises(ValueError, match="more different names"):
        world.reconcile()
