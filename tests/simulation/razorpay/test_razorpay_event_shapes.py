"""Every event that the simulator sends has the shape of the documented sample of the same name."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from checks.sandbox.razorpay import RazorpaySimulator

SAMPLES = Path(__file__).parents[4] / "shared" / "razorpay" / "webhooks"
DAY = 86_400
NETBANKING = {"method": "netbanking", "bank": "HDFC"}
CARD = {"method": "card", "number": "4100280000001007"}
UPI = {"method": "upi", "vpa": "success@razorpay"}
SCHOOL = "acc_School00000001"
WITHOUT_SAMPLE = {"payment_link.partially_paid", "transfer.processed", "transfer.failed"}

Body = dict[str, Any]


class Story:
    """Does everything once, with the instruments that the samples show."""

    def __init__(self, sim: RazorpaySimulator, sdk: Any) -> None:
        self.sim, self.sdk, self.control = sim, sdk, sim.control

    def pay(self, instrument: Body) -> str:
        order = self.sdk.order.create(
            {"amount": 10_000, "currency": "INR", "payment_capture": 1, "receipt": "r"}
        )
        answer = self.control.checkout(order["id"], instrument)
        if "error" in answer:
            return str(answer["error"]["metadata"]["payment_id"])
        return str(answer["razorpay_payment_id"])

    def tell(self) -> None:
        self._payments_and_refunds()
        self._disputes()
        self._links()
        self._mandates()
        self._transfers()
        for body in ({"action": "start"}, {"action": "update"}, {"action": "resolve"}):
            known = self.sdk.payment.fetchDownTime()["items"]
            self.control.call("POST", "downtimes", {**body, **({"id": known[0]["id"]} if known else {})})
        self.control.advance(3 * DAY)

    def _payments_and_refunds(self) -> None:
        self.pay({**NETBANKING, "outcome": "failure"})
        payment_id = self.pay(NETBANKING)
        failing = self.sdk.payment.refund(payment_id, {"amount": 100})
        self.control.act("refunds", failing["id"], "fail")
        instant = self.sdk.payment.refund(payment_id, {"amount": 100, "speed": "optimum"})
        self.control.act("refunds", instant["id"], "downgrade")
        self.control.advance(5)

    def _disputes(self) -> None:
        for verdict in ("won", "lost", "closed"):
            dispute = self.control.act("payments", self.pay(CARD), "dispute", amount=500)
            evidence = {"action": "submit", "billing_proof": ["doc_00000000000001"]}
            self.sdk.dispute.contest(dispute["id"], evidence)
            self.control.act("disputes", dispute["id"], "action-required")
            self.control.act("disputes", dispute["id"], "decide", verdict=verdict)

    def _links(self) -> None:
        wanted = {"amount": 1_000, "callback_url": "https://a.example/", "callback_method": "get"}
        paid = self.sdk.payment_link.create({**wanted, "accept_partial": True, "reference_id": "1"})
        self.control.pay_link(paid["id"], instrument=UPI, amount=400)
        self.control.pay_link(paid["id"], instrument=UPI)
        self.sdk.payment_link.cancel(self.sdk.payment_link.create(wanted)["id"])
        self.sdk.payment_link.create({**wanted, "expire_by": self.control.now() + DAY})

    def _mandates(self) -> None:
        customer = self.sdk.customer.create({"name": "P", "email": "p@example.com"})

        def register(method: str, instrument: Body) -> Body:
            terms = {"max_amount": 50_000, "frequency": "monthly"}
            order = {"amount": 0 if method == "emandate" else 100, "currency": "INR", "method": method}
            made = self.sdk.order.create({**order, "customer_id": customer["id"], "token": terms})
            self.control.checkout(made["id"], instrument)
            token: Body = self.sdk.token.all(customer["id"])["items"][0]
            return token

        emandate = register("emandate", {"method": "emandate", "bank": "HDFC"})
        self.control.act("tokens", emandate["id"], "confirm")
        register("emandate", {"method": "emandate", "bank": "HDFC", "outcome": "failure"})
        upi = register("upi", UPI)
        for delivered in (True, False):
            announced = self.sdk.order.create(
                {"amount": 1_000, "currency": "INR", "notification": {"token_id": upi["id"]}}
            )["notification"]
            if delivered:
                self.control.advance(60)
            else:
                self.control.act("notifications", announced["id"], "fail")
        self.control.act("tokens", upi["id"], "pause")
        self.control.act("tokens", upi["id"], "cancel")

    def _transfers(self) -> None:
        split = {"transfers": [{"account": SCHOOL, "amount": 1_000}] * 2}
        made = self.sdk.payment.transfer(self.pay(NETBANKING), split)["items"]
        self.control.act("transfers", made[0]["id"], "fail")


def kind_of(value: Any) -> str:
    return type(value).__name__


def differences(ours: Body, sample: Body, where: str) -> list[str]:
    """Members missing, extra, or of another type (null fits all; notes are a list or an object)."""
    found = [f"{where}.{name} is missing" for name in sample.keys() - ours.keys()]
    found += [f"{where}.{name} is not in the sample" for name in ours.keys() - sample.keys()]
    for name in ours.keys() & sample.keys() - {"notes"}:
        one, other = ours[name], sample[name]
        if one is not None and other is not None and kind_of(one) != kind_of(other):
            found.append(f"{where}.{name} is {kind_of(one)}, in the sample {kind_of(other)}")
    return found


def against_sample(ours: Body, sample: Body) -> list[str]:
    found = differences(ours, sample, "event")
    if ours["contains"] != sample["contains"]:
        found.append(f"contains is {ours['contains']}, in the sample {sample['contains']}")
    found += differences(ours["payload"], sample["payload"], "payload")
    for kind, shown in sample["payload"].items():
        if isinstance(shown, dict) and kind in ours["payload"]:
            found += differences(ours["payload"][kind], shown, kind)
            found += differences(ours["payload"][kind]["entity"], shown["entity"], f"{kind}.entity")
    return found


@pytest.fixture
def told(sim: RazorpaySimulator, sdk: Any) -> dict[str, list[Body]]:
    Story(sim, sdk).tell()
    bodies: dict[str, list[Body]] = {}
    for event in sim.control.events():
        bodies.setdefault(event["event"], []).append(json.loads(event["body"]))
    return bodies


def documented(name: str) -> Body:
    sample: Body = json.loads((SAMPLES / f"{name}.01.json").read_text(encoding="utf-8"))
    return sample


def like_the_sample(bodies: list[Body], sample: Body) -> list[Body]:
    """Those about the same kind of instrument: a UPI token has no bank details."""
    kinds = [kind for kind in ("token", "payment") if kind in sample["payload"]]
    return [
        body
        for body in bodies
        if all(
            body["payload"][kind]["entity"]["method"] == sample["payload"][kind]["entity"]["method"]
            for kind in kinds
        )
    ]


def test_every_event_has_the_members_of_its_sample(told: dict[str, list[Body]]) -> None:
    if not SAMPLES.is_dir():
        pytest.skip(
            "The documented webhook samples are not beside this repository (../shared/razorpay/webhooks)."
        )
    problems: dict[str, list[str]] = {}
    for name in sorted(told.keys() - WITHOUT_SAMPLE):
        sample = documented(name)
        alike = like_the_sample(told[name], sample)
        assert alike, f"no {name} about the instrument of the sample"
        found = [difference for body in alike for difference in against_sample(body, sample)]
        if found:
            problems[name] = sorted(set(found))
    assert problems == {}


def test_all_events_of_the_simulated_subjects_are_sent(told: dict[str, list[Body]]) -> None:
    assert told.keys() == WITHOUT_SAMPLE | {
        "order.paid",
        "order.notification.delivered",
        "order.notification.failed",
        "payment.authorized",
        "payment.captured",
        "payment.failed",
        "payment.downtime.started",
        "payment.downtime.updated",
        "payment.downtime.resolved",
        "payment.dispute.created",
        "payment.dispute.action_required",
        "payment.dispute.under_review",
        "payment.dispute.won",
        "payment.dispute.lost",
        "payment.dispute.closed",
        "payment_link.paid",
        "payment_link.cancelled",
        "payment_link.expired",
        "refund.created",
        "refund.processed",
        "refund.failed",
        "refund.speed_changed",
        "settlement.processed",
        "token.confirmed",
        "token.rejected",
        "token.paused",
        "token.cancelled",
    }


def test_card_upi_and_mandate_details_are_added_where_a_payment_has_them(
    sim: RazorpaySimulator, paid: Callable[..., Any]
) -> None:
    paid(instrument=CARD)
    paid(instrument=UPI)
    bodies = [json.loads(event["body"]) for event in sim.control.events("payment.captured")]
    by_card, by_upi = (body["payload"]["payment"]["entity"] for body in bodies)
    assert (by_card["card"]["last4"], by_card["card_id"]) == ("1007", by_card["card"]["id"])
    assert by_upi["upi"]["vpa"] == "success@razorpay"
    assert "card" not in by_upi
