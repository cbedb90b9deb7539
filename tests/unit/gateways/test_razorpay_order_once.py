"""Fetch before retry: one receipt, one order, wherever the world breaks."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.breaker import CircuitBreaker
from runtime.gateways.errors import GatewayError, GatewayOutcomeUnknown, GatewayRejected
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Order
from runtime.platform.clock import FixedClock
from tests.unit.gateways.fakes import START, Bench, OrderAccount, reply, unknown

RECEIPT = "pmt_01ARZ3NDEKTSV4RRFFQ69G5FAV"
PROMPT_FAULTS = [
    "none",
    "refused",
    "429",
    "500 before",
    "timeout before",
    "timeout after",
    "500 after",
    "html after",
]


def order(
    number: int, *, receipt: str = RECEIPT, created_at: int = 0, amount: int = 100
) -> dict[str, object]:
    return {
        "id": f"order_{number:014d}",
        "amount": amount,
        "currency": "INR",
        "receipt": receipt,
        "status": "created",
        "created_at": created_at,
    }


class Payer:
    """A caller that tries again, as a queue does, until it has its order."""

    def __init__(self, faults: list[str]) -> None:
        self.clock = FixedClock(START)
        self.account = OrderAccount(self.clock, faults)
        self.client = RazorpayClient(
            key_id="k",
            key_secret="s",
            clock=self.clock,
            transport=self.account,
            breaker=CircuitBreaker(gateway="razorpay", clock=self.clock, failures_max=1_000),
            sleep=lambda seconds: self.clock.advance(seconds=seconds),
        )

    def until_done(self, *, new_at_first: bool = False) -> list[Order]:
        """Every order that a try gave, the last being the one after all faults have passed."""
        given_orders: list[Order] = []
        for attempt in itertools.count():
            assert attempt < 50, "it never came to an end"
            try:
                given_orders.append(self.once(receipt_is_new=new_at_first and attempt == 0))
            except GatewayError:
                continue
            if self.account.faults_left == 0:
                return given_orders
        raise AssertionError

    def once(self, *, receipt_is_new: bool = False) -> Order:
        return self.client.create_order_once(
            amount_paise=100, currency="INR", receipt=RECEIPT, receipt_is_new=receipt_is_new
        )


@pytest.mark.parametrize("new_at_first", [False, True])
@pytest.mark.parametrize("fault", PROMPT_FAULTS)
@pytest.mark.parametrize("position", range(4))
def test_a_fault_at_any_position_leaves_exactly_one_order(
    fault: str, position: int, new_at_first: bool
) -> None:
    payer = Payer(["none"] * position + [fault])
    orders = payer.until_done(new_at_first=new_at_first)
    assert len(payer.account.orders) == 1
    assert {found.id for found in orders} == {payer.account.orders[0]["id"]}


@given(st.lists(st.sampled_from(PROMPT_FAULTS), max_size=15), st.booleans())
def test_any_series_of_faults_leaves_exactly_one_order(faults: list[str], new_at_first: bool) -> None:
    payer = Payer(faults)
    orders = payer.until_done(new_at_first=new_at_first)
    assert len(payer.account.orders) == 1
    assert {found.id for found in orders} == {payer.account.orders[0]["id"]}


@given(st.lists(st.sampled_from([*PROMPT_FAULTS, "late"]), max_size=15))
def test_orders_that_arrive_late_do_not_make_callers_disagree(faults: list[str]) -> None:
    """No client can prevent a creation that lands after its look; afterwards all see the earliest."""
    payer = Payer(faults)
    payer.until_done()
    settled = {payer.once().id for _ in range(3)}
    earliest = min(payer.account.orders, key=lambda kept: (kept["created_at"], kept["id"]))
    assert settled == {earliest["id"]}


def test_an_order_that_was_lost_is_found_in_the_same_call() -> None:
    payer = Payer(["none", "timeout after"])
    assert payer.once().receipt == RECEIPT
    assert len(payer.account.orders) == 1


def test_where_the_order_is_not_seen_the_outcome_stays_unknown_and_nothing_is_created() -> None:
    payer = Payer(["none", "timeout before"])
    with pytest.raises(GatewayOutcomeUnknown):
        payer.once()
    assert payer.account.orders == []


def test_where_even_the_second_look_fails_the_outcome_stays_unknown() -> None:
    bench = Bench([unknown(), *[reply(500, raw=b"<html>")] * 4])
    with pytest.raises(GatewayOutcomeUnknown) as caught:
        bench.client.create_order_once(amount_paise=100, currency="INR", receipt=RECEIPT, receipt_is_new=True)
    assert caught.value.operation == "test"


def test_the_creation_leaves_time_for_the_second_look() -> None:
    bench = Bench([unknown(), reply(200, {"items": [order(1)]})])
    bench.client.create_order_once(amount_paise=100, currency="INR", receipt=RECEIPT, receipt_is_new=True)
    creation_ms, look_ms = bench.transport.timeouts_ms
    assert creation_ms == 6_000
    assert look_ms > 0


def test_a_new_receipt_is_not_looked_up_first() -> None:
    bench = Bench([reply(200, order(1))])
    bench.client.create_order_once(amount_paise=100, currency="INR", receipt=RECEIPT, receipt_is_new=True)
    assert [request.method for request in bench.transport.requests] == ["POST"]


@pytest.mark.parametrize(("amount", "receipt_is_new"), [(200, False), (200, True)])
def test_a_receipt_of_another_amount_is_a_conflict_not_an_answer(amount: int, receipt_is_new: bool) -> None:
    found = reply(200, {"items": [order(1, amount=amount)]})
    bench = Bench([unknown(), found] if receipt_is_new else [found])
    with pytest.raises(GatewayRejected) as caught:
        bench.client.create_order_once(
            amount_paise=100, currency="INR", receipt=RECEIPT, receipt_is_new=receipt_is_new
        )
    assert caught.value.status is None
    assert caught.value.detail.code == "RECEIPT_CONFLICT"


def test_a_refused_creation_is_refused_without_another_look() -> None:
    bench = Bench([reply(400, {"error": {"code": "BAD_REQUEST_ERROR"}})])
    with pytest.raises(GatewayRejected):
        bench.client.create_order_once(amount_paise=100, currency="INR", receipt=RECEIPT, receipt_is_new=True)


@given(st.permutations([order(3, created_at=7), order(1, created_at=7), order(9, created_at=5)]))
def test_of_several_orders_the_earliest_wins_in_whatever_order_they_come(found: list[object]) -> None:
    bench = Bench([reply(200, {"items": found})])
    winner = bench.client.find_order_by_receipt(RECEIPT)
    assert winner is not None
    assert winner.id == f"order_{9:014d}"


def test_an_order_whose_receipt_only_resembles_ours_is_not_ours() -> None:
    bench = Bench(
        [reply(200, {"items": [order(1, receipt=RECEIPT.lower()), order(2, receipt=RECEIPT + "1")]})]
    )
    assert bench.client.find_order_by_receipt(RECEIPT) is None


def test_the_look_reads_on_until_a_page_is_not_full_and_not_for_ever() -> None:
    full = reply(200, {"items": [order(number, created_at=9) for number in range(100)]})
    bench = Bench([full, reply(200, {"items": [order(500, created_at=1)]})])
    found = bench.client.find_order_by_receipt(RECEIPT)
    assert found is not None
    assert found.created_at == 1
    assert [dict(request.query)["skip"] for request in bench.transport.requests] == [0, 100]
    bench = Bench([full] * 10)
    assert bench.client.find_order_by_receipt(RECEIPT) is not None
    assert len(bench.transport.requests) == 5
