"""A dispute sets money aside until it is decided, whatever order its words come in."""

from datetime import UTC, date, datetime
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.razorpay.models import Dispute as GatewayDispute
from runtime.ledger.accounts import school_payable
from runtime.ledger.model import JournalEntry, trial_balance
from runtime.payments.disputes.accounting import dispute_entries_due
from runtime.payments.disputes.gateway_view import dispute_from
from runtime.payments.disputes.model import UNDECIDED, Dispute, DisputeStatus
from runtime.payments.disputes.rules import (
    CONTRADICTED,
    disputed_paise,
    merge_dispute,
    seconds_to_respond,
)
from runtime.payments.gateway_view import StatusNotKnown
from runtime.payments.refusal import Refused

DAY = date(2026, 4, 1)
OWED, RESERVE, RECEIVABLE = "school_payable:sch_1", "chargeback_reserve:sch_1", "gateway_receivable:razorpay"


def dispute(status: DisputeStatus = DisputeStatus.OPEN, **changes: Any) -> Dispute:
    values: dict[str, Any] = {
        "dispute_id": "disp_1",
        "gateway_payment_id": "pay_A",
        "amount_paise": 45_000,
        "currency": "INR",
        "status": status,
        "observed_at": 1_775_025_000,
    }
    return Dispute(**values | changes)


def words() -> st.SearchStrategy[Dispute]:
    return st.builds(
        dispute,
        st.sampled_from(DisputeStatus),
        observed_at=st.integers(1_775_025_000, 1_775_025_003),
        phase=st.sampled_from([None, "chargeback", "pre_arbitration"]),
        respond_by=st.sampled_from([None, 1_775_100_000]),
        amount_deducted_paise=st.sampled_from([0, 45_000]),
    )


def booked(said: list[Dispute]) -> tuple[Dispute | None, list[JournalEntry]]:
    known: Dispute | None = None
    entries: list[JournalEntry] = []
    for word in said:
        known = merge_dispute(known, word)
        entries.extend(
            dispute_entries_due(
                known,
                [entry.entry_id for entry in entries],
                owed=school_payable("sch_1"),
                school_id="sch_1",
                business_day=DAY,
                amount_paise=known.amount_paise,
            )
        )
    return known, entries


class TestMerge:
    @given(words(), words(), words())
    def test_depends_on_neither_order_nor_grouping_nor_repetition(
        self, first: Dispute, second: Dispute, third: Dispute
    ) -> None:
        merged = merge_dispute(merge_dispute(first, second), third)
        assert merged == merge_dispute(first, merge_dispute(second, third))
        assert merged == merge_dispute(merge_dispute(third, first), second)
        assert all(merge_dispute(merged, word) == merged for word in (first, second, third))

    def test_what_is_lost_stays_lost(self) -> None:
        won_later = dispute(DisputeStatus.WON, observed_at=1_775_099_999)
        assert merge_dispute(dispute(DisputeStatus.LOST), won_later).status is DisputeStatus.LOST

    @pytest.mark.parametrize(
        "change", [{"amount_paise": 1}, {"currency": "USD"}, {"gateway_payment_id": "pay_B"}]
    )
    def test_words_that_differ_in_what_a_dispute_is_are_refused(self, change: dict[str, Any]) -> None:
        with pytest.raises(Refused) as refused:
            merge_dispute(dispute(), dispute(**change))
        assert refused.value.code == CONTRADICTED


class TestBooks:
    @given(st.lists(words(), min_size=1, max_size=6), st.data())
    def test_the_balances_follow_from_what_was_said_not_from_when(
        self, said: list[Dispute], data: st.DataObject
    ) -> None:
        known, entries = booked(data.draw(st.permutations(said)))
        assert known == reduce(merge_dispute, said[1:], said[0])
        books = trial_balance(entries)
        assert books.balances
        expected: dict[str, int] = {}
        if known.status in UNDECIDED:
            expected = {OWED: 45_000, RESERVE: -45_000}
        elif known.status is DisputeStatus.LOST:
            expected = {OWED: 45_000, RECEIVABLE: -45_000}
        assert {name: paise for name, paise in books.balances_paise.items() if paise} == expected
        names = [entry.entry_id for entry in entries]
        assert sorted(set(names)) == sorted(names)

    @pytest.mark.parametrize(
        ("end", "names"),
        [
            (DisputeStatus.UNDER_REVIEW, ["dispute-reserved:disp_1"]),
            (DisputeStatus.CLOSED, ["dispute-reserved:disp_1", "dispute-released:disp_1"]),
            (DisputeStatus.WON, ["dispute-reserved:disp_1", "dispute-released:disp_1"]),
            (
                DisputeStatus.LOST,
                ["dispute-reserved:disp_1", "dispute-released:disp_1", "dispute-lost:disp_1"],
            ),
        ],
    )
    def test_reserve_on_created_release_on_won_loss_on_lost(
        self, end: DisputeStatus, names: list[str]
    ) -> None:
        assert [entry.entry_id for entry in booked([dispute(), dispute(end)])[1]] == names


def test_what_is_contested_or_lost_is_not_refunded_as_well() -> None:
    counted = [status for status in DisputeStatus if disputed_paise([dispute(status)])]
    assert counted == [DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST]
    assert disputed_paise([dispute(), dispute(DisputeStatus.LOST, amount_paise=1)]) == 45_001


def test_the_time_to_respond_runs_only_while_it_is_open() -> None:
    at = datetime.fromtimestamp(1_775_100_000, UTC)
    assert seconds_to_respond(dispute(respond_by=1_775_100_060), at) == 60
    assert seconds_to_respond(dispute(respond_by=1_775_099_940), at) == -60
    assert seconds_to_respond(dispute(), at) is None
    assert seconds_to_respond(dispute(DisputeStatus.WON, respond_by=1_775_100_060), at) is None


GATEWAY_DISPUTE = {
    "id": "disp_1",
    "payment_id": "pay_A",
    "amount": 45_000,
    "amount_deducted": None,
    "currency": "INR",
    "status": "under_review",
    "phase": "chargeback",
    "reason_code": "goods_or_services_not_received",
    "respond_by": 1_775_100_000,
}


def test_the_gateways_dispute_is_taken_over() -> None:
    taken = dispute_from(GatewayDispute.model_validate(GATEWAY_DISPUTE), observed_at=7)
    assert taken == dispute(
        DisputeStatus.UNDER_REVIEW,
        observed_at=7,
        phase="chargeback",
        reason_code="goods_or_services_not_received",
        respond_by=1_775_100_000,
    )


def test_a_status_that_is_not_documented_is_not_guessed() -> None:
    with pytest.raises(StatusNotKnown, match="dispute status 'arbitrated'"):
        dispute_from(GatewayDispute.model_validate(GATEWAY_DISPUTE | {"status": "arbitrated"}), observed_at=7)
