"""What one payment costs in calls of AWS, from its creation to its capture and its figures.

The numbers are exact on purpose: each call is paid for and waited for, so one more is a decision that is made
here and seen in review. A transaction is one call; each of its writes is paid twice.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from runtime.payments.analytics.news import News
from runtime.payments.inbox import EventState
from tests.integration.payments.counting import Counting
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.moves import MOVES, Move
from tests.integration.payments.world import World, webhook_body
from tests.integration.tables import Tables
from tests.unit.payments.analytics.samples import fact, message

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

WRITES = "writes in transactions"

DELIVERY = {"put_item": 1}
"""The event is kept. One message to the queue besides."""

READ, BATCH, PUT, UPDATED = "get_item", "batch_get_item", "put_item", "update_item"
ASKED, COMMITTED = "query", "transact_write_items"
APPLICATION = {READ: 3, COMMITTED: 1, WRITES: 6}
"""Event, order pointer, payment; then payment, two journal entries, audit line, event, mark."""

COSTS: dict[str, tuple[dict[str, int], list[str]]] = {
    "a payment is created": ({READ: 1, PUT: 1, COMMITTED: 1, WRITES: 5}, ["create_order"]),
    "a payment is verified": ({READ: 1, COMMITTED: 1, WRITES: 5}, ["get_payment"]),
    "a payment is captured": (
        {READ: 2, PUT: 1, UPDATED: 1, COMMITTED: 2, WRITES: 8},
        ["capture_payment"],
    ),
    "a payment is captured in part": (
        {READ: 6, PUT: 1, COMMITTED: 4, WRITES: 18},
        ["capture_payment", "create_refund"],
    ),
    "a payment is refunded": ({READ: 5, PUT: 1, COMMITTED: 2, WRITES: 11}, ["create_refund"]),
    "a link is made": ({READ: 1, PUT: 1, COMMITTED: 1, WRITES: 4}, ["create_payment_link"]),
    "a plan is agreed": ({READ: 1, PUT: 1, COMMITTED: 1, WRITES: 4}, []),
    "a mandate is registered": (
        {READ: 1, PUT: 1, ASKED: 1, COMMITTED: 2, WRITES: 7},
        ["create_customer", "create_order"],
    ),
    "a method is saved": ({READ: 2, ASKED: 1, COMMITTED: 1, WRITES: 5}, ["get_token"]),
    "a debit is planned": ({READ: 5, PUT: 1, ASKED: 1, COMMITTED: 1, WRITES: 7}, []),
    "a debit is announced": (
        {READ: 5, ASKED: 1, COMMITTED: 2, WRITES: 7},
        ["find_order_by_receipt", "create_order"],
    ),
    "a debit is made": (
        {READ: 5, BATCH: 1, ASKED: 1, COMMITTED: 4, WRITES: 8},
        ["list_order_payments", "create_recurring_payment"],
    ),
    "a payment is split": ({READ: 4, COMMITTED: 1, WRITES: 7}, []),
    "its shares are transferred": (
        {READ: 2, COMMITTED: 2, WRITES: 7},
        ["list_payment_transfers", "create_payment_transfer", "create_payment_transfer"],
    ),
    "a capture is heard of": (APPLICATION, []),
    "a failure is heard of": ({READ: 3, COMMITTED: 1, WRITES: 4}, []),
    "a refund is heard of": ({READ: 4, COMMITTED: 1, WRITES: 7}, []),
    "a paid link is heard of": ({READ: 6, COMMITTED: 2, WRITES: 11}, []),
    "an instalment is heard of": ({READ: 4, COMMITTED: 1, WRITES: 8}, []),
}
"""What each move asks of DynamoDB and of the gateway. Where the gateway is asked for money there are two
transactions: what is to happen is written before, and what was answered after. A debit has a lease and a plan
besides: all that forbids it is read once the lease is taken, and its plan is made of what is kept by then."""

ANALYTICS_OF_A_CREATION = {"get_item": 1, "transact_write_items": 1, WRITES: 5}
"""The mark; then mark, hour and funnel of school and platform."""

ANALYTICS_OF_A_CAPTURE = {"get_item": 1, "transact_write_items": 1, WRITES: 8}
"""As above with the method, and the platform's second."""

ANALYTICS_OF_A_REPETITION = {"get_item": 1}

ANALYTICS_MAX = {"get_item": 1, "transact_write_items": 1, WRITES: 14}
"""A failed card payment that is first heard of: by hour, method, network, issuer, reason and the funnel."""

ANALYTICS_OF_A_REFUND = {"get_item": 1, "transact_write_items": 1, WRITES: 5}
ANALYTICS_OF_A_SETTLEMENT = {"get_item": 1, "transact_write_items": 1, WRITES: 5}
"""The mark; then mark, and of school and platform hour and method, or settlement and funnel."""

REPORT_OF_A_DAY = {"query": 8}
REPORT_OF_A_QUARTER_BY_METHOD = {"query": 2 * 8 * 4}
"""A query for each shard, month and dimension; the total is of the hours."""


class Counted:
    """A DynamoDB client that counts what is asked of it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if name == "exceptions":
            return found
        if name == "get_paginator":
            return self._paginator

        def call(**arguments: Any) -> Any:
            self.calls[name] += 1
            self.calls[WRITES] += len(arguments.get("TransactItems", ()))
            return found(**arguments)

        return call

    def _paginator(self, operation: str) -> Any:
        paginator = self._client.get_paginator(operation)
        return _CountedPages(paginator, operation, self.calls)

    def taken(self) -> dict[str, int]:
        """What was called since it was last asked."""
        calls = {name: count for name, count in self.calls.items() if count}
        self.calls.clear()
        return calls


class _CountedPages:
    """A paginator of which each page is a call."""

    def __init__(self, paginator: Any, operation: str, calls: Counter[str]) -> None:
        self._paginator, self._operation, self._calls = paginator, operation, calls

    def paginate(self, **arguments: Any) -> Any:
        for page in self._paginator.paginate(**arguments):
            self._calls[self._operation] += 1
            yield page


@pytest.fixture
def counted(dynamodb: "DynamoDBClient") -> Counted:
    return Counted(dynamodb)


@pytest.mark.parametrize("move", MOVES, ids=str)
def test_what_a_move_costs(world: World, counted: Counted, move: Move) -> None:
    known = move.prepared(world)
    before = len(world.gateway.calls)
    move.made(world.over(counted), known)
    assert (counted.taken(), world.gateway.calls[before:]) == COSTS[move.name]


def test_a_payment_from_its_event_to_its_capture(world: World, counted: Counted) -> None:
    watched = world.over(counted)
    payment = world.created()
    body = webhook_body("payment.captured", gateway_payment("pay_A", payment.order_id))
    assert watched.deliver(body).status == 200
    assert (counted.taken(), len(world.queue.sent)) == (DELIVERY, 1)

    applied = watched.applier.apply("evt_00000000000001", request_id="req")
    assert (applied, counted.taken()) == (EventState.APPLIED, APPLICATION)
    assert len(world.queue.sent) == 1
    assert world.gateway.calls == ["create_order"]


def test_a_webhook_that_comes_again_costs_little(world: World, counted: Counted) -> None:
    payment = world.created()
    body = webhook_body("payment.captured", gateway_payment("pay_A", payment.order_id))
    world.deliver(body)
    world.applier.apply("evt_00000000000001", request_id="req")
    watched = world.over(counted)
    watched.deliver(body)
    assert (counted.taken(), len(world.queue.sent)) == ({"put_item": 1}, 1)
    watched.applier.apply("evt_00000000000001", request_id="req")
    assert counted.taken() == {"get_item": 1}


def test_the_figures_of_a_payment(world: World, counted: Counted, tables: Tables) -> None:
    counting = Counting(tables, counted)
    _ = counting.tables["payment_rollups"]
    payment = world.created()
    world.tell(
        "evt_00000000000001", "payment.captured", gateway_payment("pay_A", payment.order_id), 1_775_025_000
    )
    told = {
        item["detail_type"]: message(
            item["detail_type"], item["detail"], event_id=item["event_id"], occurred_at=item["occurred_at"]
        )
        for item in tables.items("outbox")
    }
    for news, budget in (
        (News.PENDING, ANALYTICS_OF_A_CREATION),
        (News.CAPTURED, ANALYTICS_OF_A_CAPTURE),
        (News.CAPTURED, ANALYTICS_OF_A_REPETITION),
    ):
        counting.bucket.puts = 0
        assert counting.deliver(told[news]) == []
        assert (counted.taken(), counting.bucket.puts) == (budget, 1)


def test_the_most_that_one_event_costs(counted: Counted, tables: Tables) -> None:
    counting = Counting(tables, counted)
    _ = counting.tables["payment_rollups"]
    worst = fact(
        News.FAILED, method="card", network="Visa", issuer="HDFC", error_reason="card_expired", version=1
    )
    assert counting.tell(worst) == []
    assert counted.taken() == ANALYTICS_MAX


def test_what_happens_to_money_later_costs_as_little(counted: Counted, tables: Tables) -> None:
    counting = Counting(tables, counted)
    _ = counting.tables["payment_rollups"]
    later = {"version": None, "created_at": None}
    assert counting.tell(fact(News.REFUND_PROCESSED, **later)) == []
    assert counted.taken() == ANALYTICS_OF_A_REFUND
    days = {"captured_on": "2026-04-01", "settled_on": "2026-04-07", "net_paise": 43_938}
    assert counting.tell(fact(News.SETTLED, event_id="evt_2", version=None, **days)) == []
    assert counted.taken() == ANALYTICS_OF_A_SETTLEMENT


def test_a_batch_of_a_day_is_one_object(counted: Counted, tables: Tables) -> None:
    counting = Counting(tables, counted)
    _ = counting.tables["payment_rollups"]
    counting.tell(*(fact(event_id=f"evt_{n}", payment_id=f"pmt_{n}") for n in range(10)))
    assert counting.bucket.puts == 1


def test_a_report_of_the_platform_is_a_query_for_each_shard_and_month(
    counted: Counted, tables: Tables
) -> None:
    counting = Counting(tables, counted)
    _ = counting.tables["payment_rollups"]
    counting.ask()
    assert counted.taken() == REPORT_OF_A_DAY
    counting.ask(to="2026-07-01", group_by="method")
    assert counted.taken() == REPORT_OF_A_QUARTER_BY_METHOD
    counting.ask("/settlements", to="2026-04-30")
    counting.ask("/throughput", day="2026-04-01")
    assert counted.taken()["query"] == 16
    counting.ask("/funnel", school_id="sch_1")
    assert counted.taken() == {"query": 1}
