"""Statuses: signed, at least once, in any order, in envelopes of any size, retried for seven days."""

import itertools

import pytest

from checks.sandbox.whatsapp import ControlRefused, SimulatorConfig, Timings, WhatsAppSimulator
from runtime.gateways.whatsapp.client import TextParameter, WhatsAppClient
from tests.simulation.whatsapp.conftest import NOON, Receiver, Start, client_of


def send(client: WhatsAppClient, reference: str | None = None) -> str:
    return client.send_template(
        to_e164="+919876543210",
        template="greeting",
        language="en",
        parameters=[TextParameter("A")],
        reference=reference,
    )


@pytest.fixture
def told(sim: WhatsAppSimulator, receiver: Receiver) -> WhatsAppSimulator:
    sim.control.webhook(url=receiver.url)
    return sim


def test_a_message_is_sent_delivered_and_read(told: WhatsAppSimulator, receiver: Receiver) -> None:
    wamid = send(client_of(told), "ntf_1")
    told.control.advance(10)
    facts = receiver.facts()
    assert [fact.status for fact in facts] == ["sent", "delivered", "read"]
    assert {(fact.message_id, fact.reference, fact.recipient.digits) for fact in facts} == {
        (wamid, "ntf_1", "919876543210")
    }
    assert receiver.forged == 0
    assert [fact.at.timestamp() - NOON for fact in facts] == [0, 1, 5]
    assert [step["status"] for step in told.control.messages()[0]["statuses"]] == [
        "sent",
        "delivered",
        "read",
    ]


def test_nothing_is_told_before_it_happens(told: WhatsAppSimulator, receiver: Receiver) -> None:
    send(client_of(told))
    assert told.control.drain() == 0
    told.control.advance(1)
    assert [fact.status for fact in receiver.facts()] == ["sent"]


def test_who_has_read_receipts_off_is_never_seen_reading(start: Start, receiver: Receiver) -> None:
    simulator = start(config=SimulatorConfig(timings=Timings(read_seconds=None)), webhook_url=receiver.url)
    send(client_of(simulator))
    simulator.control.advance(86_400)
    assert [fact.status for fact in receiver.facts()] == ["sent", "delivered"]


def test_a_phone_that_is_not_reached_fails_with_a_reason(told: WhatsAppSimulator, receiver: Receiver) -> None:
    told.control.fault("undelivered", code=131026)
    send(client_of(told))
    told.control.advance(10)
    facts = receiver.facts()
    assert [fact.status for fact in facts] == ["sent", "failed"]
    assert [error.code for error in facts[1].errors] == [131026]


def test_a_running_clock_tells_by_itself(start: Start, receiver: Receiver) -> None:
    timings = Timings(sent_seconds=0.05, delivered_seconds=0.05, read_seconds=0.05)
    simulator = start(clock=None, config=SimulatorConfig(timings=timings), webhook_url=receiver.url)
    send(client_of(simulator))
    for _ in range(200):
        if len(receiver.bodies) == 3:
            break
        simulator.control.drain()
    assert {fact.status for fact in receiver.facts()} == {"sent", "delivered", "read"}


def test_what_is_not_acknowledged_comes_again_with_growing_pauses(
    told: WhatsAppSimulator, receiver: Receiver
) -> None:
    receiver.answers = [500, 503, 302, 200]
    send(client_of(told))
    told.control.advance(1)
    assert len(receiver.bodies) == 1
    told.control.advance(59.4)
    assert len([fact for fact in receiver.facts() if fact.status == "sent"]) == 1
    told.control.advance(3600)
    sent = [fact for fact in receiver.facts() if fact.status == "sent"]
    assert len(sent) >= 2
    assert len(set(sent)) == 1


def test_what_is_never_acknowledged_is_given_up_after_seven_days(
    told: WhatsAppSimulator, receiver: Receiver
) -> None:
    receiver.answers = [500] * 1_000
    send(client_of(told))
    told.control.advance(30 * 86_400)
    assert told.control.health()["counts"]["pending"] == 0
    tries = len(receiver.bodies)
    assert 3 * 10 <= tries <= 3 * 16
    told.control.advance(30 * 86_400)
    assert len(receiver.bodies) == tries


def test_a_webhook_that_is_gone_is_tried_again(start: Start) -> None:
    silent = Receiver()
    silent.close()
    simulator = start(webhook_url=silent.url)
    send(client_of(simulator))
    simulator.control.advance(10)
    assert simulator.control.health()["counts"]["pending"] == 3


@pytest.mark.parametrize("batch", [2, 3, 5, 9])
def test_many_statuses_may_share_an_envelope(told: WhatsAppSimulator, receiver: Receiver, batch: int) -> None:
    told.control.webhook(mode="hold")
    for _ in range(3):
        send(client_of(told))
    told.control.advance(10)
    assert receiver.bodies == []
    deliveries = told.control.release(batch=batch)
    assert len(deliveries) == len(receiver.bodies) == -(-9 // batch)
    assert all(delivery["status"] == 200 for delivery in deliveries)
    assert len(set(receiver.facts())) == 9
    assert receiver.forged == 0


def test_held_statuses_come_in_the_order_asked_for_and_more_than_once(
    told: WhatsAppSimulator, receiver: Receiver
) -> None:
    told.control.webhook(mode="hold")
    send(client_of(told))
    told.control.advance(10)
    told.control.release(order="reverse", duplicates=1)
    assert [fact.status for fact in receiver.facts()] == ["read"] * 2 + ["delivered"] * 2 + ["sent"] * 2
    assert told.control.release() == []


def test_a_shuffle_is_the_same_for_the_same_seed(start: Start, receiver: Receiver) -> None:
    orders = []
    for seed in (1, 1, 2):
        simulator = start(webhook_url=receiver.url)
        simulator.control.webhook(mode="hold")
        for _ in range(4):
            send(client_of(simulator))
        simulator.control.advance(10)
        deliveries = simulator.control.release(order="shuffle", seed=seed)
        orders.append(list(itertools.chain.from_iterable(delivery["statuses"] for delivery in deliveries)))
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_statuses_may_come_unordered_doubled_and_batched_by_themselves(
    told: WhatsAppSimulator, receiver: Receiver
) -> None:
    told.control.webhook(unordered=True, duplicates=1, batch=4)
    for _ in range(4):
        send(client_of(told))
    told.account.clock.set(NOON + 10)
    told.control.drain()
    facts = receiver.facts()
    assert len(facts) == 24
    assert len(set(facts)) == 12
    assert len(receiver.bodies) == 6
    in_order = sorted(facts, key=lambda fact: fact.at)
    assert facts != in_order


def test_without_an_address_statuses_wait_to_be_released(sim: WhatsAppSimulator, receiver: Receiver) -> None:
    send(client_of(sim))
    sim.control.advance(10)
    assert sim.control.release()[0]["error"] == "no webhook url"
    sim.control.webhook(url=receiver.url)
    sim.control.advance(120)
    assert {fact.status for fact in receiver.facts()} == {"sent", "delivered", "read"}


def test_the_address_is_verified_by_the_handshake(told: WhatsAppSimulator, start: Start) -> None:
    assert told.control.call("POST", "webhook/verify")["verified"] is True
    assert told.control.call("POST", "webhook/verify", {"challenge": "<script>"})["verified"] is False
    stranger = start(verify_token="another", webhook_url=told.account.webhook.url)
    assert stranger.control.call("POST", "webhook/verify")["status"] == 403
    gone = Receiver()
    gone.close()
    stranger.control.webhook(url=gone.url)
    assert stranger.control.call("POST", "webhook/verify")["verified"] is False


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "https://example.org/"},
        {"url": "file:///etc/passwd"},
        {"url": "http://127.0.0.1.example.org/"},
        {"mode": "sometimes"},
        {"batch": 0},
        {"batch": "2"},
        {"duplicates": 21},
    ],
)
def test_webhook_settings_that_make_no_sense_are_refused(
    told: WhatsAppSimulator, settings: dict[str, object]
) -> None:
    before = told.control.call("GET", "webhook")
    with pytest.raises(ControlRefused):
        told.control.webhook(**settings)
    assert told.control.call("GET", "webhook") == before


def test_the_secret_can_be_changed_and_is_never_shown(told: WhatsAppSimulator, receiver: Receiver) -> None:
    shown = told.control.webhook(secret="another-secret")
    assert shown["secret_set"] is True
    assert "another-secret" not in str(shown)
    send(client_of(told))
    told.control.advance(1)
    assert receiver.forged == 1
