"""Faults on demand, met by the platform's client: each is of the kind that says what may be done."""

import pytest

from checks.sandbox.whatsapp import ControlRefused, WhatsAppSimulator
from runtime.gateways.errors import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from runtime.gateways.whatsapp.client import TextParameter, WhatsAppClient
from tests.simulation.whatsapp.conftest import client_of

TO = "+919876543210"


def send(client: WhatsAppClient, to: str = TO) -> str:
    return client.send_template(
        to_e164=to, template="greeting", language="en", parameters=[TextParameter("A")]
    )


FAULTS: list[tuple[str, dict[str, object], type[GatewayError], int]] = [
    ("429", {}, GatewayThrottled, 0),
    ("error", {"code": 130429}, GatewayThrottled, 0),
    ("error", {"code": 131057}, GatewayThrottled, 0),
    ("error", {"code": 131026}, GatewayRejected, 0),
    ("error", {"code": 190}, GatewayRejected, 0),
    ("error", {"code": 131016}, GatewayOutcomeUnknown, 0),
    ("500", {}, GatewayOutcomeUnknown, 0),
    ("500", {"after_effect": True}, GatewayOutcomeUnknown, 1),
    ("html", {}, GatewayOutcomeUnknown, 0),
    ("html", {"after_effect": True}, GatewayOutcomeUnknown, 1),
    ("timeout_before", {}, GatewayOutcomeUnknown, 0),
    ("timeout_after", {}, GatewayOutcomeUnknown, 1),
    ("timeout_before", {"hold_ms": 0}, GatewayOutcomeUnknown, 0),
    ("timeout_after", {"hold_ms": 0}, GatewayOutcomeUnknown, 1),
]


@pytest.mark.parametrize(("kind", "how", "error", "sent"), FAULTS)
def test_a_fault_is_met_as_its_kind_and_only_once(
    sim: WhatsAppSimulator, kind: str, how: dict[str, object], error: type[GatewayError], sent: int
) -> None:
    client = client_of(sim, deadline_ms=300)
    sim.control.fault(kind, **how)
    with pytest.raises(error):
        send(client)
    assert len(sim.control.messages()) == sent
    assert sim.control.call("GET", "faults")["items"] == []


def test_a_fault_may_wait_for_one_person(sim: WhatsAppSimulator, client: WhatsAppClient) -> None:
    sim.control.fault("429", to=TO, count=2)
    send(client, "+919876500000")
    with pytest.raises(GatewayThrottled):
        send(client)
    assert sim.control.call("GET", "faults")["items"][0]["count"] == 1
    sim.control.clear_faults()
    send(client)


def test_a_simulator_that_is_gone_sent_nothing(sim: WhatsAppSimulator, client: WhatsAppClient) -> None:
    sim.stop()
    with pytest.raises(GatewayUnavailable):
        send(client)


@pytest.mark.parametrize(
    "wish",
    [
        {"fault": "earthquake"},
        {"fault": "500", "count": 0},
        {"fault": "500", "count": "1"},
        {"fault": "500", "hold_ms": 60_001},
        {"fault": "error", "code": "x"},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(sim: WhatsAppSimulator, wish: dict[str, object]) -> None:
    with pytest.raises(ControlRefused) as caught:
        sim.control.call("POST", "faults", wish)
    assert caught.value.status == 400


def test_faults_are_bounded(sim: WhatsAppSimulator) -> None:
    for _ in range(100):
        sim.faults.plan({"fault": "500"})
    with pytest.raises(ControlRefused):
        sim.control.fault("500")
