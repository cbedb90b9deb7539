"""Splits beside everything else: what they cost, how they are reconciled, and how they are swept."""

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from runtime.functions.payments_reconciliation_worker import sweep_splits
from runtime.payments.reconciliation.expectations import expectations_of
from runtime.payments.splits.sweep import SplitSweep
from tests.events import Context
from tests.integration.payments.reconciling import Reconciling, recon_row
from tests.integration.payments.splitting import (
    CATERER,
    OF_CATERER,
    PAID,
    deliver,
    messages,
    run,
    set_terms,
    split_of,
    tell_of_transfer,
)
from tests.integration.payments.test_call_budget import APPLICATION, WRITES, Counted
from tests.integration.payments.test_races import at_once
from tests.integration.payments.test_refunds import refund
from tests.integration.payments.world import World, webhook_body

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.integration.tables import Tables

SETTLED_ON = date(2026, 4, 7)

OF_A_SCHOOL_WITHOUT_TERMS = {"get_item": 1}
"""The terms, once the payment is captured and off its path. One message of the queue besides."""

SPLITTING = {"get_item": 4, "transact_write_items": 1, WRITES: 7}
"""Terms, payment, split, returns; then payment, split with pointer, journal entry, audit line, two events."""

TRANSFERRING = {"get_item": 2, "transact_write_items": 2, WRITES: 5}
"""The split, its lease, the split again; then split, the entries of two transfers, audit line."""

TRANSFER_TOLD = {"get_item": 3, "transact_write_items": 1, WRITES: 4}
"""Event, pointer, split; then split, the entry of the fee, audit line, mark."""


def test_a_payment_without_terms_costs_what_it_cost(world: World, dynamodb: "DynamoDBClient") -> None:
    counted = Counted(dynamodb)
    watched = world.over(counted)
    payment = world.created()
    captured = world.gateway.pay(str(payment.order_id), PAID)
    world.deliver(webhook_body("payment.captured", captured), event_id="evt_1")
    watched.applier.apply("evt_1", request_id="req")
    assert counted.taken() == APPLICATION
    calls = list(world.gateway.calls)
    assert deliver(watched, *messages(world)) == []
    assert (counted.taken(), world.gateway.calls) == (OF_A_SCHOOL_WITHOUT_TERMS, calls)


def test_what_a_split_costs(world: World, dynamodb: "DynamoDBClient") -> None:
    counted = Counted(dynamodb)
    watched = world.over(counted)
    world.gateway.transfers.status = "pending"
    set_terms(world)
    world.paid()
    (captured,) = messages(world)
    deliver(watched, captured)
    assert counted.taken() == SPLITTING
    (due,) = [body for body in messages(world) if body != captured]
    before = len(world.gateway.calls)
    deliver(watched, due)
    assert world.gateway.calls[before:] == ["list_payment_transfers", *["create_payment_transfer"] * 2]
    assert counted.taken() == TRANSFERRING
    (transfer,) = world.gateway.transfers.of(CATERER)
    tell_of_transfer(
        watched, "evt_t", "transfer.processed", world.gateway.transfers.process(transfer["id"]), 9
    )
    told = counted.taken()
    assert told.pop("put_item") == 1
    assert told == TRANSFER_TOLD


class TestReconciliation:
    @pytest.fixture
    def books(self, tables: "Tables", dynamodb: "DynamoDBClient") -> Reconciling:
        world = Reconciling(tables, dynamodb)
        set_terms(world)
        world.captured()
        run(world)
        return world

    def row(self, world: Reconciling) -> dict[str, Any]:
        """The gateway's row for the caterer's transfer."""
        (transfer,) = world.gateway.transfers.of(CATERER)
        fee, tax = transfer["fees"], transfer["tax"]
        return {
            **recon_row(transfer["id"]),
            "type": "transfer",
            "amount": OF_CATERER,
            "debit": OF_CATERER + fee,
            "credit": 0,
            "fee": fee,
            "tax": tax,
            "payment_id": PAID,
        }

    def status(self, world: Reconciling, row: dict[str, Any]) -> dict[str, Any]:
        """What a run says of the caterer's transfer."""
        world.settle(recon_row(), row, amount=0)
        world.go_to(SETTLED_ON)
        answer = world.run()
        assert answer.status == 200, answer.text
        found = world.ask(
            "GET",
            "/v1/reconciliations/{reconciliation_id}/exceptions",
            reconciliation_id=answer.body["reconciliation_id"],
            query={"limit": "100"},
        )
        return {each["group_id"]: each for each in found.body["items"]}

    def test_a_transfer_finds_its_expectation_with_its_fee(self, books: Reconciling) -> None:
        row = self.row(books)
        assert not [name for name in self.status(books, row) if row["entity_id"] in name]

    def test_a_split_that_differs_is_named(self, books: Reconciling) -> None:
        row = self.row(books)
        found = self.status(books, row | {"fee": row["fee"] + 1, "debit": row["debit"] + 1})
        (named,) = [each for name, each in found.items() if row["entity_id"] in name]
        assert (named["statuses"], named["reasons"]) == (["split_mismatch"], ["fee-differs"])

    def test_a_share_that_differs_is_named(self, books: Reconciling) -> None:
        row = self.row(books)
        found = self.status(books, row | {"amount": row["amount"] + 1, "debit": row["debit"] + 1})
        (named,) = [each for name, each in found.items() if row["entity_id"] in name]
        assert (named["statuses"], named["reasons"]) == (["over"], ["amount-over"])

    def test_a_transfer_that_is_booked_again_is_expected_once(self, books: Reconciling) -> None:
        (transfer,) = books.gateway.transfers.of(CATERER)
        (entry,) = [
            each
            for each in books.journal.entries_of(date(2026, 4, 1))
            if each.entry_id == f"transfer:{transfer['id']}"
        ]
        again = type(entry)(f"{entry.entry_id}:2", entry.business_date, "", entry.currency, entry.lines)
        assert [each.entity_id for each in expectations_of([entry, again])] == [transfer["id"]]


class TestSweep:
    def test_nothing_due_costs_a_query_for_each_bucket(
        self, world: World, dynamodb: "DynamoDBClient"
    ) -> None:
        counted = Counted(dynamodb)
        watched = world.over(counted)
        splits = SplitSweep(watched.split_worker, world.clock, world.logger)
        assert sweep_splits(splits, world.logger, Context())["finished"]
        assert counted.taken() == {"query": 2}

    def test_without_time_nothing_is_begun(self, world: World) -> None:
        set_terms(world)
        payment = world.paid()
        deliver(world, *messages(world))
        splits = SplitSweep(world.split_worker, world.clock, world.logger)
        report = sweep_splits(splits, world.logger, Context(remaining_ms=10_000))
        assert (report["looked_at"], report["finished"]) == (0, False)
        deliver(world, messages(world)[-1], remaining_ms=6_000)
        assert deliver(world, messages(world)[-1], remaining_ms=5_999), "it comes again"
        assert world.gateway.transfers.made == {}
        assert split_of(world, payment.payment_id).due_at is not None

    def test_one_that_breaks_the_code_holds_up_nobody(self, world: World) -> None:
        set_terms(world)
        for number in (1, 2):
            payment = world.created()
            paid = world.gateway.pay(str(payment.order_id), f"pay_0000000000000{number}")
            world.tell(f"evt_{number}", "payment.captured", paid, 1)
        deliver(world, *messages(world))
        nobody: Any = None
        broken = world.split_worker.__class__(world.recorder, nobody, world.clock, world.logger)
        report = SplitSweep(broken, world.clock, world.logger).sweep(
            request_id="req", remaining_ms=lambda: 20_000, may_go_on=lambda: True
        )
        assert (report.looked_at, report.failed) == (2, 2)
        assert "a split could not be worked on" in world.log.getvalue()

    def test_a_sweep_that_fails_lets_the_payments_be_swept(self, world: World) -> None:
        nobody: Any = None
        report = sweep_splits(SplitSweep(nobody, world.clock, world.logger), world.logger, Context())
        assert report == {"failed": True}


def test_refunds_and_workers_at_once_neither_lose_nor_repeat(world: World) -> None:
    set_terms(world)
    payment = world.paid()
    bodies = messages(world)
    at_once(
        *[lambda: deliver(world, *bodies)] * 4,
        *[
            lambda key=key: refund(world, payment, key=key, amount_paise=1_000)
            for key in ("key-0000000a", "key-0000000b", "key-0000000c")
        ],
    )
    run(world)
    world.clock.advance(seconds=3_600)
    run(world)
    SplitSweep(world.split_worker, world.clock, world.logger).sweep(
        request_id="req", remaining_ms=lambda: 20_000, may_go_on=lambda: True
    )
    record = split_of(world, payment.payment_id)
    assert record.split is not None
    assert record.split.reversed_paise == 3_000
    assert world.gateway.transfers.come_to(CATERER) == record.split.unreversed_paise()[CATERER]
    assert json.loads(bodies[0])["detail-type"] == "PaymentCaptured"
