"""Webhooks: signed over the raw body, at least once, in any order, with the secret of their time."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import urllib3
from razorpay.errors import SignatureVerificationError

from checks.sandbox.razorpay import ControlRefused, RazorpaySimulator, SimulatorConfig, WebhookPolicy

SECRET = "webhook-secret-of-the-tests"
MINUTE, HOUR, DAY = 60, 3_600, 86_400
PAID = ["payment.authorized", "payment.captured", "order.paid"]


@pytest.fixture
def pay(sim: RazorpaySimulator, paid: Callable[..., Any], receiver: Any) -> Callable[..., dict[str, Any]]:
    sim.control.webhook(url=receiver.url)

    def one(**wanted: Any) -> dict[str, Any]:
        payment: dict[str, Any] = paid(**wanted)
        sim.control.drain()
        return payment

    return one


def test_events_are_signed_over_the_raw_body_and_carry_an_id(
    sim: RazorpaySimulator, sdk: Any, receiver: Any, pay: Callable[..., Any]
) -> None:
    payment = pay()
    assert receiver.names() == PAID
    for webhook in receiver.received:
        assert sdk.utility.verify_webhook_signature(webhook["body"], webhook["signature"], SECRET)
        with pytest.raises(SignatureVerificationError):
            sdk.utility.verify_webhook_signature(webhook["body"] + " ", webhook["signature"], SECRET)
    assert len({webhook["event_id"] for webhook in receiver.received}) == 3
    body = json.loads(receiver.received[1]["body"])
    assert (body["entity"], body["contains"]) == ("event", ["payment"])
    assert body["account_id"].startswith("acc_")
    assert body["payload"]["payment"]["entity"]["id"] == payment["id"]
    states = {(event["state"], event["attempts"][0]["status"]) for event in sim.control.events()}
    assert states == {("delivered", 200)}


def test_a_receiver_that_reserialises_the_body_fails_the_signature(
    sim: RazorpaySimulator, sdk: Any, receiver: Any, pay: Callable[..., Any]
) -> None:
    pay(notes={"page": "https://example.com/a"})
    webhook = receiver.received[0]
    rewritten = json.dumps(json.loads(webhook["body"]), separators=(",", ":"))
    with pytest.raises(SignatureVerificationError):
        sdk.utility.verify_webhook_signature(rewritten, webhook["signature"], SECRET)


def test_a_failure_is_retried_with_growing_pauses_and_the_same_id(
    sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any]
) -> None:
    sim.control.webhook(events=["order.paid"])
    receiver.statuses = [500, 404, 302]
    pay()
    sim.control.advance(HOUR)
    (event,) = [event for event in sim.control.events() if event["state"] == "delivered"]
    begun = event["created_at"]
    assert [(attempt["at"] - begun, attempt["status"]) for attempt in event["attempts"]] == [
        (0, 500),
        (1 * MINUTE, 404),
        (3 * MINUTE, 302),
        (7 * MINUTE, 200),
    ]
    assert {webhook["event_id"] for webhook in receiver.received} == {event["id"]}
    assert len({webhook["body"] for webhook in receiver.received}) == 1


def test_an_answer_that_takes_too_long_is_a_failure(
    start: Callable[..., RazorpaySimulator], sdk_for: Callable[..., Any], receiver: Any
) -> None:
    config = SimulatorConfig(webhooks=WebhookPolicy(timeout_seconds=0.2))
    sim = start(config=config, webhook_url=receiver.url)
    receiver.wait_seconds = 0.6
    order = sdk_for(sim).order.create({"amount": 5_000, "currency": "INR"})
    sim.control.checkout(order["id"], {"method": "upi"})
    sim.control.drain()
    (event,) = sim.control.events()
    assert (event["state"], event["attempts"][0]["error"]) == ("pending", "timeout")
    receiver.wait_seconds = 0.0
    sim.control.advance(HOUR)
    (event,) = sim.control.events()
    assert (event["state"], event["attempts"][-1]["status"]) == ("delivered", 200)
    assert len({webhook["event_id"] for webhook in receiver.received}) == 1


def test_five_seconds_are_too_long_by_default() -> None:
    assert SimulatorConfig().webhooks.timeout_seconds == 5.0
    assert SimulatorConfig().webhooks.give_up_seconds == DAY


def test_after_a_day_of_failures_the_webhook_is_disabled(
    sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any], paid: Callable[..., Any]
) -> None:
    sim.control.webhook(events=["order.paid"])
    receiver.statuses = [503] * 1_000
    pay()
    sim.control.advance(DAY - 1)
    assert sim.control.call("GET", "webhook")["enabled"] is True
    sim.control.advance(1)
    assert sim.control.call("GET", "webhook")["enabled"] is False
    (event,) = sim.control.events("order.paid")
    assert event["state"] == "failed"
    attempts = len(event["attempts"])
    assert 8 <= attempts <= 15
    paid()
    sim.control.advance(DAY)
    first, second = sim.control.events("order.paid")
    assert (len(first["attempts"]), second["state"]) == (attempts, "skipped")
    receiver.statuses = []
    sim.control.webhook()
    paid()
    sim.control.drain()
    assert [event["state"] for event in sim.control.events("order.paid")] == [
        "failed",
        "skipped",
        "delivered",
    ]


def test_a_dead_receiver_is_a_failure_too(
    sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any]
) -> None:
    receiver.close()
    pay()
    event = sim.control.events("order.paid")[0]
    assert event["state"] == "pending"
    assert event["attempts"][0]["status"] is None


def test_a_retry_keeps_the_secret_of_its_event_after_a_rotation(
    sim: RazorpaySimulator, sdk: Any, receiver: Any, pay: Callable[..., Any]
) -> None:
    sim.control.webhook(events=["order.paid"])
    receiver.statuses = [500]
    pay()
    sim.control.webhook(secret="the-new-secret")
    sim.control.advance(MINUTE)
    pay()
    failed, retried, fresh = receiver.received
    assert retried["event_id"] == failed["event_id"]
    assert retried["signature"] == failed["signature"]
    assert sdk.utility.verify_webhook_signature(retried["body"], retried["signature"], SECRET)
    assert sdk.utility.verify_webhook_signature(fresh["body"], fresh["signature"], "the-new-secret")
    assert "the-new-secret" not in str(sim.control.call("GET", "webhook"))


@pytest.mark.parametrize(
    ("how", "names"),
    [
        ({}, PAID),
        ({"order": "reverse"}, PAID[::-1]),
        ({"duplicates": 1}, [name for name in PAID for _ in range(2)]),
    ],
)
def test_held_events_are_released_in_any_order_and_number(
    sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any], how: dict[str, Any], names: list[str]
) -> None:
    sim.control.webhook(mode="hold")
    pay()
    assert receiver.received == []
    assert {event["state"] for event in sim.control.events()} == {"held"}
    deliveries = sim.control.release(**how)
    assert receiver.names() == names
    assert {delivery["status"] for delivery in deliveries} == {200}
    assert {event["state"] for event in sim.control.events()} == {"delivered"}


def test_duplicates_have_one_event_id(sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any]) -> None:
    sim.control.webhook(mode="hold")
    pay()
    sim.control.release(duplicates=2)
    ids = [webhook["event_id"] for webhook in receiver.received]
    assert (len(ids), len(set(ids))) == (9, 3)


def test_a_shuffle_is_the_same_under_a_seed(
    sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any]
) -> None:
    sim.control.webhook(mode="hold")
    orders = []
    for _ in range(2):
        pay()
        receiver.received.clear()
        sim.control.release(order="shuffle", seed=5, duplicates=1)
        orders.append(receiver.names())
    assert orders[0] == orders[1]
    assert orders[0] != [name for name in PAID for _ in range(2)]


def test_events_are_released_by_id(sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any]) -> None:
    sim.control.webhook(mode="hold")
    pay()
    wanted = [event["id"] for event in sim.control.events()][1:]
    sim.control.release(order=wanted[::-1])
    assert receiver.names() == ["order.paid", "payment.captured"]
    with pytest.raises(ControlRefused):
        sim.control.release(order=["nothing"])


def test_an_event_is_delivered_again_on_request(
    sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any]
) -> None:
    pay()
    event_id = sim.control.events("order.paid")[0]["id"]
    assert sim.control.act("events", event_id, "redeliver")["status"] == 200
    assert [webhook["event_id"] for webhook in receiver.received].count(event_id) == 2


def test_any_body_can_be_signed_and_sent(sim: RazorpaySimulator, sdk: Any, receiver: Any) -> None:
    sim.control.webhook(url=receiver.url)
    receiver.statuses = [202]
    sent = sim.control.send({"entity": "event", "event": "qr_code.closed"}, event_id="EVT00000000001")
    assert (sent["status"], sent["event_id"]) == (202, "EVT00000000001")
    webhook = receiver.received[0]
    assert webhook["event_id"] == "EVT00000000001"
    assert sdk.utility.verify_webhook_signature(webhook["body"], webhook["signature"], SECRET)
    exact = '{ "event" : "exact.text" }'
    sim.control.send(exact, signature="forged")
    assert (receiver.received[1]["body"], receiver.received[1]["signature"]) == (exact, "forged")
    assert sim.control.events() == []


def test_only_wanted_events_are_delivered(
    sim: RazorpaySimulator, receiver: Any, pay: Callable[..., Any]
) -> None:
    sim.control.webhook(events=["payment.captured"])
    pay()
    assert receiver.names() == ["payment.captured"]
    assert [event["state"] for event in sim.control.events()] == ["skipped", "delivered", "skipped"]


def test_the_receiver_may_call_the_api_while_it_is_called(
    sim: RazorpaySimulator, sdk: Any, receiver: Any, pay: Callable[..., Any]
) -> None:
    class Curious(list[Any]):
        def append(self, webhook: Any) -> None:
            entity = json.loads(webhook["body"])["payload"]["payment"]["entity"]
            webhook["status_by_api"] = sdk.payment.fetch(entity["id"])["status"]
            super().append(webhook)

    receiver.received = Curious()
    pay()
    assert {webhook["status_by_api"] for webhook in receiver.received} == {"captured"}


@pytest.mark.parametrize(
    ("quirk", "event", "member", "value"),
    [
        ("captured_as_string", "payment.captured", "captured", "1"),
        ("empty_error_code", "payment.captured", "error_code", ""),
        ("authorized_says_captured", "payment.authorized", "captured", True),
        ("notes_null", "payment.captured", "notes", None),
    ],
)
def test_measured_quirks_can_be_switched_on(
    sim: RazorpaySimulator, paid: Callable[..., Any], quirk: str, event: str, member: str, value: Any
) -> None:
    def shown() -> Any:
        paid()
        return json.loads(sim.control.events(event)[-1]["body"])["payload"]["payment"]["entity"][member]

    assert shown() != value
    sim.control.call("PUT", "quirks", {"quirks": [quirk]})
    assert shown() == value
    with pytest.raises(ControlRefused):
        sim.control.call("PUT", "quirks", {"quirks": ["no such"]})


def test_captured_can_come_before_authorized(sim: RazorpaySimulator, paid: Callable[..., Any]) -> None:
    sim.control.call("PUT", "quirks", {"quirks": ["captured_before_authorized"]})
    paid()
    events = sim.control.events()
    assert [event["event"] for event in events] == ["payment.captured", "order.paid", "payment.authorized"]
    assert json.loads(events[2]["body"])["payload"]["payment"]["entity"]["status"] == "authorized"


def test_created_at_stands_where_the_samples_have_it_unless_told_otherwise(
    sim: RazorpaySimulator, sdk: Any, paid: Callable[..., Any]
) -> None:
    def body() -> Any:
        refund = sdk.payment.refund(paid(instrument={"method": "upi"})["id"], {"speed": "optimum"})
        sim.control.act("refunds", refund["id"], "downgrade")
        return json.loads(sim.control.events("refund.speed_changed")[-1]["body"])

    documented = body()
    assert "created_at" not in documented
    assert isinstance(documented["payload"]["created_at"], int)
    sim.control.call("PUT", "quirks", {"quirks": ["uniform_envelope"]})
    assert isinstance(body()["created_at"], int)


def test_the_customer_quirk_names_created_at_with_a_space(sim: RazorpaySimulator, sdk: Any) -> None:
    sim.control.call("PUT", "quirks", {"quirks": ["customer_created_at_space"]})
    assert "created_at " in sdk.customer.create({"name": "A", "email": "a@example.com"})


@pytest.mark.parametrize("settings", [{"url": "ftp://127.0.0.1/"}, {"mode": "sometimes"}])
def test_webhook_settings_are_checked(sim: RazorpaySimulator, settings: dict[str, Any]) -> None:
    with pytest.raises(ControlRefused):
        sim.control.webhook(**settings)


def test_the_control_api_refuses_other_sites_and_other_hosts(sim: RazorpaySimulator) -> None:
    pool = urllib3.PoolManager(retries=False)
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Host": "evil.example"}):
        assert pool.request("POST", f"{sim.url}/_control/reset", headers=headers).status == 403
    assert pool.request("GET", f"{sim.url}/_control/nothing").status == 404
    assert pool.request("GET", f"{sim.url}/_control/health", headers={"Sec-Fetch-Site": "none"}).status == 200
