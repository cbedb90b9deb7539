"""Settlements on T+2 working days of India, and the algebra of the recon rows."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from razorpay.errors import BadRequestError

from checks.sandbox.razorpay import (
    FeeSchedule,
    RazorpaySimulator,
    SimulatorClock,
    SimulatorConfig,
    checkout,
    disputes,
    orders,
    refunds,
    settlements,
    transfers,
)
from checks.sandbox.razorpay.conductor import Conductor
from checks.sandbox.razorpay.errors import ApiError, ControlError
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.identity import IdSource
from checks.sandbox.razorpay.jobs import HANDLERS
from checks.sandbox.razorpay.settlement_calendar import INDIA, is_working_day, settlement_due

DAY = 86_400
MONDAY_NOON = 1_767_594_600
SCHOOL = "acc_School00000001"


def india(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, tzinfo=INDIA).timestamp())


@pytest.mark.parametrize(
    ("captured", "settled"),
    [
        (india(2026, 1, 5, 12), india(2026, 1, 7, 9)),
        (india(2026, 1, 5, 0, 1), india(2026, 1, 7, 9)),
        (india(2026, 1, 4, 23, 59), india(2026, 1, 6, 9)),
        (india(2026, 1, 8, 12), india(2026, 1, 12, 9)),
        (india(2026, 1, 9, 12), india(2026, 1, 13, 9)),
        (india(2026, 1, 23, 12), india(2026, 1, 28, 9)),
    ],
    ids=["monday", "just-after-midnight", "just-before", "thursday", "friday", "before-republic-day"],
)
def test_money_settles_two_working_days_after_its_capture(captured: int, settled: int) -> None:
    holidays = frozenset({date(2026, 1, 26)})
    due = settlement_due(captured, working_days=2, holidays=holidays, settlement_time=time(9, 0))
    assert datetime.fromtimestamp(due, INDIA) == datetime.fromtimestamp(settled, INDIA)


@given(st.integers(1_700_000_000, 1_900_000_000), st.integers(1, 5))
def test_a_settlement_is_never_on_a_holiday_and_never_early(captured: int, working_days: int) -> None:
    holidays = frozenset({date(2026, 1, 26), date(2026, 8, 15), date(2026, 10, 2)})
    due = settlement_due(captured, working_days=working_days, holidays=holidays, settlement_time=time(9, 0))
    first = datetime.fromtimestamp(captured, UTC).astimezone(INDIA).date()
    last = datetime.fromtimestamp(due, UTC).astimezone(INDIA).date()
    between = [first + timedelta(days=step) for step in range(1, (last - first).days + 1)]
    assert is_working_day(last, holidays)
    assert sum(is_working_day(day, holidays) for day in between) == working_days


def test_the_settlement_comes_by_itself_and_is_announced(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    paid(amount=10_000)
    due = india(2026, 1, 7, 9)
    sim.control.call("POST", "clock", {"set": due - 1})
    assert sdk.settlement.all()["count"] == 0
    sim.control.advance(1)
    settlement = sdk.settlement.all()["items"][0]
    assert settlement == {
        "id": settlement["id"],
        "entity": "settlement",
        "amount": 10_000 - 236,
        "status": "processed",
        "fees": 236,
        "tax": 36,
        "utr": settlement["utr"],
        "created_at": due,
    }
    assert sdk.settlement.fetch(settlement["id"]) == settlement
    assert len(sim.control.events("settlement.processed")) == 1


def test_the_rows_of_a_settlement_are_as_documented_and_add_up(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    card = {"method": "card", "number": "5500670000001002"}
    payment = paid(amount=100_000, instrument=card, receipt="invoice-9", notes={"child": "c-1"})
    refund = sdk.payment.refund(payment["id"], {"amount": 20_000})
    transfer = sdk.payment.transfer(payment["id"], {"transfers": [{"account": SCHOOL, "amount": 50_000}]})
    dispute = sim.control.act("payments", payment["id"], "dispute", amount=1_000)
    sdk.dispute.accept(dispute["id"])
    sim.control.advance(3 * DAY)
    settlement = sdk.settlement.all()["items"][0]
    report = sdk.settlement.report({"year": 2026, "month": 1, "day": 7})
    rows = {row["type"]: row for row in report["items"]}
    assert report["count"] == 4
    assert sum(row["credit"] - row["debit"] for row in report["items"]) == settlement["amount"]
    assert {row["settlement_id"] for row in report["items"]} == {settlement["id"]}
    assert (rows["payment"]["credit"], rows["payment"]["fee"], rows["payment"]["tax"]) == (97_640, 2_360, 360)
    assert rows["payment"]["order_receipt"] == "invoice-9"
    assert isinstance(rows["payment"]["notes"], str)
    assert (rows["payment"]["payment_id"], rows["payment"]["method"]) == (None, "card")
    assert (rows["payment"]["card_network"], rows["payment"]["card_type"]) == ("MasterCard", "credit")
    assert (rows["refund"]["entity_id"], rows["refund"]["debit"]) == (refund["id"], 20_000)
    assert rows["refund"]["payment_id"] == payment["id"]
    assert rows["transfer"]["entity_id"] == transfer["items"][0]["id"]
    assert rows["transfer"]["debit"] == 50_000 + rows["transfer"]["fee"]
    assert (rows["adjustment"]["debit"], rows["adjustment"]["dispute_id"]) == (1_000, dispute["id"])
    assert rows["adjustment"]["settlement_utr"] is None
    assert "credit_type" not in rows["adjustment"]
    assert rows["payment"]["settlement_utr"] == settlement["utr"]


def test_several_settlements_reach_the_bank_as_one_credit(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    for amount in (10_000, 20_000, 30_000):
        paid(amount=amount)
    made = sim.control.settle(force=True, split=3)
    assert len(made) == 3
    assert len({settlement["utr"] for settlement in made}) == 1
    statement = sim.control.call("GET", "bank-statement")["items"]
    assert statement == [
        {
            "utr": made[0]["utr"],
            "value_date": "2026-01-05",
            "amount_paise": sum(settlement["amount"] for settlement in made),
        }
    ]


def test_what_is_not_worth_anything_waits(sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]) -> None:
    payment = paid(amount=10_000)
    sim.control.settle(force=True)
    sdk.payment.refund(payment["id"], {})
    assert sim.control.settle(force=True) == []
    paid(amount=20_000)
    settlement = sim.control.settle(force=True)[0]
    assert settlement["amount"] == 20_000 - 472 - 10_000


def test_recon_is_paged_and_its_dates_are_checked(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    for _ in range(3):
        paid()
    sim.control.settle(force=True)
    assert sdk.settlement.report({"year": 2026, "month": 1, "count": 2})["count"] == 2
    assert sdk.settlement.report({"year": 2026, "month": 1, "count": 2, "skip": 2})["count"] == 1
    assert sdk.settlement.report({"year": 2026, "month": 2})["count"] == 0
    for query, message in (
        ({"year": 26, "month": 1}, "The year must be 4 digits"),
        ({"year": 2026, "month": 13}, "not a valid month"),
        ({"year": 2026}, "month field is required"),
        ({"year": 2026, "month": 1, "count": 1001}, "may not be greater than 1000"),
    ):
        with pytest.raises(BadRequestError, match=message):
            sdk.settlement.report(query)


def test_fees_can_be_set_by_method(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any]
) -> None:
    sim = start(config=SimulatorConfig(fees=FeeSchedule(payment_basis_points_by_method={"upi": 0})))
    sdk = sdk_for(sim)
    order = sdk.order.create({"amount": 10_000, "currency": "INR", "payment_capture": 1})
    payment_id = sim.control.checkout(order["id"], {"method": "upi"})["razorpay_payment_id"]
    assert sdk.payment.fetch(payment_id)["fee"] == 0


class Account:
    """The gateway without HTTP, so that thousands of steps take a moment."""

    def __init__(self) -> None:
        config = SimulatorConfig(fees=FeeSchedule(instant_refund_paise=300))
        clock = SimulatorClock(frozen_at=MONDAY_NOON)
        self.gw = Gateway(config, clock, IdSource("property"), key_id="k", key_secret="s")
        self.conductor = Conductor(self.gw, HANDLERS)
        self.captured: list[str] = []

    def step(self, act: str, amount: int, pick: int) -> None:
        """One thing that happens; what the gateway refuses does not happen."""
        try:
            getattr(self, act)(amount, pick)
        except (ApiError, ControlError):
            return

    def pay(self, amount: int, pick: int) -> None:
        method = ("upi", "netbanking", "wallet")[pick % 3]
        wanted = {"amount": amount, "currency": "INR", "payment_capture": 1}
        order = orders.create(self.gw, wanted)
        answer = checkout.pay(self.gw, {"order_id": order["id"], "instrument": {"method": method}})
        self.captured.append(answer["razorpay_payment_id"])

    def refund(self, amount: int, pick: int) -> None:
        speed = "optimum" if pick % 2 else "normal"
        refunds.create(self.gw, self._one(pick), {"amount": amount, "speed": speed})

    def fail_refund(self, amount: int, pick: int) -> None:
        made = list(self.gw.books["refunds"])
        if made:
            refunds.fail(self.gw, made[pick % len(made)])

    def transfer(self, amount: int, pick: int) -> None:
        wanted = {"transfers": [{"account": SCHOOL, "amount": amount}]}
        transfers.from_payment(self.gw, self._one(pick), wanted)

    def reverse(self, amount: int, pick: int) -> None:
        made = list(self.gw.books["transfers"])
        if made:
            transfers.reverse(self.gw, made[pick % len(made)], {"amount": amount})

    def dispute(self, amount: int, pick: int) -> None:
        made = disputes.open_dispute(self.gw, self._one(pick), {"amount": amount})
        disputes.decide(self.gw, made["id"], ("won", "lost")[pick % 2])

    def wait(self, amount: int, pick: int) -> None:
        self.conductor.move_clock(self.gw.now() + (pick + 1) * DAY // 2)

    def settle(self, amount: int, pick: int) -> None:
        settlements.run(self.gw, everything=bool(pick % 2), parts=1 + pick % 3)

    def _one(self, pick: int) -> str:
        return self.captured[pick % len(self.captured)] if self.captured else "pay_none"


ACTS = ("pay", "pay", "refund", "fail_refund", "transfer", "reverse", "dispute", "wait", "settle")
STEPS = st.tuples(st.sampled_from(ACTS), st.integers(100, 200_000), st.integers(0, 9))


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=40))
def test_whatever_happens_the_rows_add_up_and_nothing_is_settled_twice_or_forgotten(
    steps: list[tuple[str, int, int]],
) -> None:
    account = Account()
    for step in steps:
        account.step(*step)
    gw = account.gw
    account.conductor.move_clock(gw.now() + 30 * DAY)
    assert gw.failed_jobs == 0
    rows: list[dict[str, Any]] = []
    for year, month in {(2026, m) for m in range(1, 13)}:
        query = {"year": str(year), "month": str(month), "count": "1000"}
        rows += settlements.recon(gw, query)["items"]
    for settlement in gw.books["settlements"].values():
        mine = [row for row in rows if row["settlement_id"] == settlement["id"]]
        assert settlement["amount"] == sum(row["credit"] - row["debit"] for row in mine) > 0
        assert settlement["fees"] == sum(row["fee"] for row in mine)
        assert settlement["tax"] == sum(row["tax"] for row in mine)
    unsettled = [p for p in gw.books["postings"].values() if p["settled_at"] is None]
    assert len(rows) + len(unsettled) == len(gw.books["postings"])
    assert len({row["entity_id"] for row in rows}) == len(rows)
    for row in rows:
        expected = {"payment": row["amount"] - row["fee"], "refund": -row["amount"] - row["fee"]}
        expected["transfer"] = -row["amount"] - row["fee"]
        net = row["credit"] - row["debit"]
        assert net == expected.get(row["type"], net)
        assert 0 <= row["tax"] <= row["fee"]
        assert min(row["credit"], row["debit"]) == 0
    bank = sum(line["amount_paise"] for line in settlements.bank_statement(gw))
    left = sum(posting["credit"] - posting["debit"] for posting in unsettled)
    assert bank + left == sum(p["credit"] - p["debit"] for p in gw.books["postings"].values())


@settings(max_examples=60, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=40))
def test_whatever_happens_no_payment_gives_more_than_it_got(steps: list[tuple[str, int, int]]) -> None:
    account = Account()
    for step in steps:
        account.step(*step)
    gw = account.gw
    for payment in gw.books["payments"].values():
        mine = [r for r in gw.books["refunds"].values() if r["payment_id"] == payment["id"]]
        counted = sum(r["amount"] for r in mine if r["status"] != "failed")
        assert payment["amount_refunded"] == counted <= payment["amount"]
        assert 0 <= payment["amount_transferred"] <= payment["amount"]
        whole = counted == payment["amount"]
        assert (payment["status"] == "refunded") is whole
        assert payment["refund_status"] == ("full" if whole else "partial" if counted else None)
