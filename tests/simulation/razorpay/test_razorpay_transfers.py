"""Route: splitting payments between linked accounts, holds, reversals, the direct transfer's header."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from razorpay.errors import BadRequestError

from checks.sandbox.razorpay import RazorpaySimulator

Http = Callable[..., tuple[int, Any]]
SCHOOL, CATERER = "acc_School00000001", "acc_Caterer0000001"
DAY = 86_400
KEY = {"X-Transfer-Idempotency": "transfer key 1"}


def test_an_orders_transfers_start_with_its_capture(sim: RazorpaySimulator, sdk: Any) -> None:
    split = [
        {"account": SCHOOL, "amount": 3_000, "currency": "INR", "notes": {"for": "school"}},
        {"account": CATERER, "amount": 6_000, "currency": "INR", "on_hold": True},
    ]
    order = sdk.order.create({"amount": 10_000, "currency": "INR", "payment_capture": 1, "transfers": split})
    assert [transfer["status"] for transfer in order["transfers"]] == ["created", "created"]
    payment_id = sim.control.checkout(order["id"], {"method": "upi"})["razorpay_payment_id"]
    sim.control.advance(2)
    transfers = sdk.order.fetch(order["id"])["transfers"]
    assert [transfer["status"] for transfer in transfers] == ["processed", "processed"]
    assert [transfer["source"] for transfer in transfers] == [order["id"], order["id"]]
    assert sdk.payment.transfers(payment_id)["count"] == 2
    assert sdk.payment.fetch(payment_id)["amount_transferred"] == 9_000
    assert len(sim.control.events("transfer.processed")) == 2


def test_transfers_never_exceed_what_was_captured(sdk: Any, paid: Callable[..., Any]) -> None:
    with pytest.raises(BadRequestError, match="greater than the captured amount"):
        sdk.order.create(
            {"amount": 1_000, "currency": "INR", "transfers": [{"account": SCHOOL, "amount": 1_001}]}
        )
    payment = paid(amount=10_000)
    sdk.payment.transfer(payment["id"], {"transfers": [{"account": SCHOOL, "amount": 6_000}]})
    sdk.payment.refund(payment["id"], {"amount": 1_000})
    with pytest.raises(BadRequestError, match="greater than the captured amount"):
        sdk.payment.transfer(payment["id"], {"transfers": [{"account": SCHOOL, "amount": 3_001}]})
    made = sdk.payment.transfer(payment["id"], {"transfers": [{"account": SCHOOL, "amount": 3_000}]})
    assert made["items"][0]["recipient"] == SCHOOL


def test_a_transfer_has_the_documented_shape(sdk: Any, paid: Callable[..., Any]) -> None:
    made = sdk.payment.transfer(
        paid()["id"], {"transfers": [{"account": SCHOOL, "amount": 1_000, "currency": "INR"}]}
    )["items"][0]
    assert made["id"].startswith("trf_")
    assert (made["status"], made["on_hold"], made["recipient_settlement_id"]) == ("pending", False, None)
    assert made["error"]["id"] == made["id"]
    assert made["error"]["code"] is None
    assert sdk.transfer.fetch(made["id"]) == made
    assert sdk.transfer.all()["items"] == [made]


def test_a_transfer_on_hold_is_settled_when_it_is_released(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    held = {"account": CATERER, "amount": 1_000, "on_hold": True}
    transfer_id = sdk.payment.transfer(paid()["id"], {"transfers": [held]})["items"][0]["id"]
    sim.control.advance(10 * DAY)
    assert sdk.transfer.fetch(transfer_id)["settlement_status"] == "on_hold"
    sdk.transfer.edit(transfer_id, {"on_hold": False})
    sim.control.settle()
    settled = sdk.transfer.fetch(transfer_id)
    assert settled["settlement_status"] == "settled"
    assert settled["recipient_settlement_id"].startswith("setl_")
    listed = sdk.transfer.all({"recipient_settlement_id": settled["recipient_settlement_id"]})
    assert listed["count"] == 1
    with pytest.raises(BadRequestError, match="already settled"):
        sdk.transfer.edit(transfer_id, {"on_hold": True})


def test_a_hold_until_a_moment_ends_then(sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]) -> None:
    until = sim.control.now() + 20 * DAY
    held = {"account": CATERER, "amount": 1_000, "on_hold_until": until}
    transfer_id = sdk.payment.transfer(paid()["id"], {"transfers": [held]})["items"][0]["id"]
    sdk.transfer.edit(transfer_id, {"on_hold_until": until})
    sim.control.advance(20 * DAY - 1)
    assert sdk.transfer.fetch(transfer_id)["recipient_settlement_id"] is None
    sim.control.advance(1)
    assert sdk.transfer.fetch(transfer_id)["recipient_settlement_id"] is not None


def test_reversals_take_back_in_parts(sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]) -> None:
    payment = paid(amount=10_000)
    wanted = {"transfers": [{"account": SCHOOL, "amount": 5_000}]}
    transfer_id = sdk.payment.transfer(payment["id"], wanted)["items"][0]["id"]
    with pytest.raises(BadRequestError, match="cannot be reversed"):
        sdk.transfer.reverse(transfer_id, {"amount": 100})
    sim.control.advance(2)
    first = sdk.transfer.reverse(transfer_id, {"amount": 2_000})
    assert (first["entity"], first["transfer_id"], first["amount"]) == ("reversal", transfer_id, 2_000)
    assert sdk.transfer.fetch(transfer_id)["status"] == "partially_reversed"
    with pytest.raises(BadRequestError, match="greater than the transfer amount"):
        sdk.transfer.reverse(transfer_id, {"amount": 3_001})
    sdk.transfer.reverse(transfer_id, {})
    after = sdk.transfer.fetch(transfer_id)
    assert (after["status"], after["amount_reversed"]) == ("reversed", 5_000)
    assert sdk.transfer.reversals(transfer_id)["count"] == 2
    rows = [each for each in sim.gw.each("postings") if each["type"] == "reversal"]
    assert [(each["credit"], each["debit"], each["payment_id"]) for each in rows] == [
        (2_000, 0, payment["id"]),
        (3_000, 0, payment["id"]),
    ]
    assert rows[0]["id"] == first["id"], "a row under the reversal's own identifier"
    assert sdk.payment.fetch(payment["id"])["amount_transferred"] == 0


def test_a_refund_can_reverse_all_transfers(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    payment = paid(amount=10_000)
    wanted = {"transfers": [{"account": SCHOOL, "amount": 4_000}, {"account": CATERER, "amount": 5_000}]}
    sdk.payment.transfer(payment["id"], wanted)
    sim.control.advance(2)
    sdk.payment.refund(payment["id"], {"reverse_all": 1})
    assert {transfer["status"] for transfer in sdk.transfer.all()["items"]} == {"reversed"}


def test_a_failed_transfer_says_why(sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]) -> None:
    payment = paid()
    wanted = {"transfers": [{"account": SCHOOL, "amount": 1_000}]}
    transfer_id = sdk.payment.transfer(payment["id"], wanted)["items"][0]["id"]
    failed = sim.control.act("transfers", transfer_id, "fail")
    assert (failed["status"], failed["error"]["reason"]) == ("failed", "transfer_failed")
    assert sim.control.events("transfer.failed")
    assert sdk.payment.fetch(payment["id"])["amount_transferred"] == 0


def test_the_header_protects_direct_transfers_only(http: Http, paid: Callable[..., Any]) -> None:
    body = {"account": SCHOOL, "amount": 1_000, "currency": "INR"}
    first, again = (http("POST", "/v1/transfers", body, headers=KEY) for _ in range(2))
    assert first == again
    assert http("POST", "/v1/transfers", {**body, "amount": 1_001}, headers=KEY)[0] == 400
    path, wanted = f"/v1/payments/{paid()['id']}/transfers", {"transfers": [body]}
    one, two = (http("POST", path, wanted, headers=KEY)[1]["items"][0]["id"] for _ in range(2))
    assert one != two


@pytest.mark.parametrize("key", ["abc", "x" * 37, "no/slash"])
def test_the_transfer_key_has_rules(http: Http, key: str) -> None:
    body = {"account": SCHOOL, "amount": 1_000, "currency": "INR"}
    assert http("POST", "/v1/transfers", body, headers={"X-Transfer-Idempotency": key})[0] == 400
    assert http("GET", "/v1/transfers")[1]["count"] == 0


@pytest.mark.parametrize(
    "wanted",
    [
        {"account": "acc_1", "amount": 1_000},
        {"account": SCHOOL, "amount": 99},
        {"account": SCHOOL, "amount": 1_000, "currency": "EUR"},
        {"account": SCHOOL, "amount": 1_000, "linked_account_notes": ["absent"]},
        {"amount": 1_000},
    ],
)
def test_a_bad_transfer_is_refused(http: Http, paid: Callable[..., Any], wanted: dict[str, Any]) -> None:
    payment = paid()
    assert http("POST", f"/v1/payments/{payment['id']}/transfers", {"transfers": [wanted]})[0] == 400
    assert http("GET", "/v1/transfers")[1]["count"] == 0


def test_a_transfer_below_the_minimum_is_refused_in_razorpays_words(
    sdk: Any, paid: Callable[..., Any]
) -> None:
    wanted = [{"account": SCHOOL, "amount": 1_000}, {"account": CATERER, "amount": 99}]
    with pytest.raises(BadRequestError, match=r"transfers\.1\.amount must be at least 100"):
        sdk.payment.transfer(paid()["id"], {"transfers": wanted})


def test_a_transfer_needs_the_balance_where_that_is_enforced(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    payment = paid(amount=10_000)
    sim.control.advance(10 * DAY)
    sim.control.settle()
    sim.gw.config = replace(sim.gw.config, enforce_balance=True)
    with pytest.raises(BadRequestError, match="insufficient balance"):
        sdk.payment.transfer(payment["id"], {"transfers": [{"account": SCHOOL, "amount": 1_000}]})
    paid(amount=50_000)
    assert sdk.payment.transfer(payment["id"], {"transfers": [{"account": SCHOOL, "amount": 1_000}]})


def test_every_transfer_of_a_payment_is_listed_however_many(sdk: Any, paid: Callable[..., Any]) -> None:
    payment = paid(amount=10_000)
    for _ in range(12):
        sdk.payment.transfer(payment["id"], {"transfers": [{"account": SCHOOL, "amount": 100}]})
    assert sdk.payment.transfers(payment["id"])["count"] == 12
