"""Disputes: opened by the bank, accepted or contested by the merchant, decided by the bank. And downtimes."""

from collections.abc import Callable
from typing import Any

import pytest
from razorpay.errors import BadRequestError

from checks.sandbox.razorpay import ControlRefused, RazorpaySimulator

DAY = 86_400
DOCUMENT = "doc_00000000000001"


@pytest.fixture
def dispute(sim: RazorpaySimulator, paid: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    return lambda **wanted: sim.control.act("payments", paid(amount=10_000)["id"], "dispute", **wanted)


def test_a_dispute_is_open_and_announced(
    sim: RazorpaySimulator, sdk: Any, dispute: Callable[..., Any]
) -> None:
    made = dispute(amount=4_000, reason_code="duplicate", phase="chargeback")
    assert made["id"].startswith("disp_")
    assert (made["status"], made["amount"], made["amount_deducted"]) == ("open", 4_000, 0)
    assert made["respond_by"] == sim.control.now() + 7 * DAY
    assert sdk.dispute.fetch(made["id"]) == made
    assert sdk.dispute.fetch(made["id"], {"expand[]": "payment"})["payment"]["id"] == made["payment_id"]
    assert sdk.dispute.all()["items"] == [made]
    assert sim.control.events("payment.dispute.created")


def test_accepting_loses_the_amount(sim: RazorpaySimulator, sdk: Any, dispute: Callable[..., Any]) -> None:
    made = dispute(amount=4_000)
    lost = sdk.dispute.accept(made["id"])
    assert (lost["status"], lost["amount_deducted"]) == ("lost", 4_000)
    assert sim.control.settle(force=True)[0]["amount"] == 10_000 - 236 - 4_000
    with pytest.raises(BadRequestError, match="Action not allowed when dispute is in lost status"):
        sdk.dispute.accept(made["id"])


def test_contesting_is_a_draft_until_it_is_submitted(
    sim: RazorpaySimulator, sdk: Any, dispute: Callable[..., Any]
) -> None:
    made = dispute()
    draft = sdk.dispute.contest(
        made["id"], {"amount": 5_000, "summary": "served", "billing_proof": [DOCUMENT]}
    )
    assert (draft["status"], draft["evidence"]["amount"], draft["evidence"]["submitted_at"]) == (
        "open",
        5_000,
        None,
    )
    others = [{"type": "receipt_signed_by_customer", "document_ids": [DOCUMENT]}]
    sent = sdk.dispute.contest(made["id"], {"others": others, "action": "submit"})
    assert (sent["status"], sent["evidence"]["summary"]) == ("under_review", "served")
    assert sent["evidence"]["submitted_at"] == sim.control.now()
    with pytest.raises(BadRequestError, match="dispute is in under_review status"):
        sdk.dispute.accept(made["id"])
    won = sim.control.act("disputes", made["id"], "decide", verdict="won")
    assert (won["status"], won["amount_deducted"]) == ("won", 0)
    assert [event["event"] for event in sim.control.events() if "dispute" in event["event"]] == [
        "payment.dispute.created",
        "payment.dispute.under_review",
        "payment.dispute.won",
    ]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"action": "submit"}, "At least one document"),
        ({"action": "forget"}, "The selected action is invalid"),
        ({"amount": 10_001}, "contest amount cannot be greater than dispute amount"),
        ({"billing_proof": ["a-file"]}, "Invalid file id provided"),
        ({"proof": []}, "proof is/are not required and should not be sent"),
        ({"summary": "s" * 1_001}, "may not be greater than 1000"),
    ],
)
def test_bad_evidence_is_refused(
    sdk: Any, dispute: Callable[..., Any], body: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadRequestError, match=message):
        sdk.dispute.contest(dispute()["id"], body)


def test_after_the_deadline_nothing_can_be_done(
    sim: RazorpaySimulator, sdk: Any, dispute: Callable[..., Any]
) -> None:
    made = dispute()
    sim.control.advance(8 * DAY)
    with pytest.raises(BadRequestError, match="deadline to respond has elapsed"):
        sdk.dispute.accept(made["id"])


def test_a_fraud_inquiry_is_closed(sim: RazorpaySimulator, sdk: Any, dispute: Callable[..., Any]) -> None:
    made = dispute(phase="fraud")
    sim.control.act("disputes", made["id"], "action-required")
    assert sim.control.act("disputes", made["id"], "decide", verdict="closed")["status"] == "closed"
    with pytest.raises(ControlRefused):
        sim.control.act("disputes", made["id"], "decide", verdict="won")


def test_only_captured_payments_are_disputed(sim: RazorpaySimulator, sdk: Any) -> None:
    order = sdk.order.create({"amount": 5_000, "currency": "INR"})
    payment_id = sim.control.checkout(order["id"], {"method": "upi"})["razorpay_payment_id"]
    with pytest.raises(ControlRefused):
        sim.control.act("payments", payment_id, "dispute")


def test_a_downtime_starts_changes_and_ends(sim: RazorpaySimulator, sdk: Any) -> None:
    wanted = {"method": "upi", "instrument": {"vpa_handle": "oksbi"}, "severity": "medium"}
    started = sim.control.call("POST", "downtimes", wanted)
    assert sdk.payment.fetchDownTime()["items"] == [started]
    updated = sim.control.call(
        "POST", "downtimes", {"action": "update", "id": started["id"], "severity": "high"}
    )
    assert sdk.payment.fetchDownTimeById(started["id"]) == updated
    resolved = sim.control.call("POST", "downtimes", {"action": "resolve", "id": started["id"]})
    assert (resolved["status"], resolved["severity"]) == ("resolved", "high")
    assert sdk.payment.fetchDownTime()["count"] == 0
    assert [event["event"] for event in sim.control.events()] == [
        "payment.downtime.started",
        "payment.downtime.updated",
        "payment.downtime.resolved",
    ]
