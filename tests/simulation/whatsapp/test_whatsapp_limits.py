"""Meta's limits, on a clock that is moved by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.sandbox.whatsapp import ControlRefused, Limits, WhatsAppSimulator
from checks.sandbox.whatsapp.graph_errors import GraphError
from checks.sandbox.whatsapp.quotas import Quotas
from runtime.gateways.errors import GatewayThrottled
from runtime.gateways.whatsapp.client import TextParameter, WhatsAppClient
from tests.simulation.whatsapp.conftest import NOON


def send(client: WhatsAppClient, to: str = "+919876543210", attempt: int = 0) -> str:
    return client.send_template(
        to_e164=to, template="greeting", language="en", parameters=[TextParameter("A")], attempt=attempt
    )


def refused(quotas: Quotas, to: str, now: float) -> int | None:
    try:
        quotas.admit(to, now)
    except GraphError as error:
        return error.code
    return None


def test_the_eighty_first_message_in_a_second_is_one_too_many() -> None:
    quotas = Quotas(Limits())
    assert [refused(quotas, f"91{number}", NOON) for number in range(80)] == [None] * 80
    assert refused(quotas, "9180", NOON + 0.999) == 130429
    assert refused(quotas, "9180", NOON + 1) is None


def test_a_pair_may_burst_and_then_pays_back() -> None:
    quotas = Quotas(Limits())
    assert [refused(quotas, "91", NOON) for _ in range(45)] == [None] * 45
    assert refused(quotas, "91", NOON) == 131056
    assert refused(quotas, "92", NOON) is None
    assert refused(quotas, "91", NOON + 5.9) == 131056
    assert refused(quotas, "91", NOON + 6) is None
    assert refused(quotas, "91", NOON + 6) == 131056


def test_the_people_of_a_day_are_counted_once_each_and_forgotten_after_a_day() -> None:
    quotas = Quotas(Limits(users_per_day=2))
    assert [refused(quotas, to, NOON) for to in ("91", "92", "91")] == [None] * 3
    assert refused(quotas, "93", NOON + 86_399) == 80007
    assert refused(quotas, "93", NOON + 86_400) is None


def test_without_a_portfolio_limit_everybody_may_be_written_to() -> None:
    quotas = Quotas(Limits(users_per_day=None, messages_per_second=10_000))
    assert all(refused(quotas, f"91{number}", NOON) is None for number in range(3_000))


@given(st.lists(st.floats(0, 30), max_size=200), st.integers(1, 10))
def test_a_pair_never_gets_more_than_its_burst_and_one_per_six_seconds(
    pauses_s: list[float], burst: int
) -> None:
    quotas = Quotas(Limits(pair_burst=burst, messages_per_second=1_000_000))
    now, accepted = NOON, []
    for pause_s in pauses_s:
        now += pause_s
        if refused(quotas, "91", now) is None:
            accepted.append(now)
    for start in accepted:
        for end in (at for at in accepted if at >= start):
            between = sum(1 for at in accepted if start <= at <= end)
            assert between <= burst + (end - start) / 6 + 1e-6


@given(st.lists(st.floats(0, 0.3), max_size=200), st.integers(1, 10))
def test_no_second_holds_more_than_the_throughput(pauses_s: list[float], rate: int) -> None:
    quotas = Quotas(Limits(messages_per_second=rate))
    now, accepted = NOON, []
    for number, pause_s in enumerate(pauses_s):
        now += pause_s
        if refused(quotas, f"91{number}", now) is None:
            accepted.append(now)
    assert all(sum(1 for at in accepted if start <= at < start + 0.999) <= rate for start in accepted)


def test_the_client_meets_the_limits_as_throttling(sim: WhatsAppSimulator, client: WhatsAppClient) -> None:
    sim.control.limits(pair_burst=1)
    send(client)
    with pytest.raises(GatewayThrottled) as caught:
        send(client, attempt=2)
    assert (caught.value.detail.code, caught.value.retry_after_s) == ("131056", 16)
    sim.control.limits(messages_per_second=1)
    with pytest.raises(GatewayThrottled) as caught:
        send(client, "+919876500000")
    assert caught.value.detail.code == "130429"
    sim.control.advance(6)
    send(client)
    sim.control.limits(users_per_day=1, messages_per_second=80)
    with pytest.raises(GatewayThrottled) as caught:
        send(client, "+919876500000")
    assert caught.value.detail.code == "80007"
    assert len(sim.control.messages()) == 2


@pytest.mark.parametrize(
    "limits",
    [
        {"messages_per_second": 0},
        {"pair_burst": 0},
        {"pair_seconds": -1},
        {"users_per_day": 0},
        {"messages_per_second": "many"},
        {"unheard_of": 1},
    ],
)
def test_limits_that_make_no_sense_are_refused(sim: WhatsAppSimulator, limits: dict[str, object]) -> None:
    before = sim.control.call("GET", "limits")
    with pytest.raises(ControlRefused):
        sim.control.limits(**limits)
    assert sim.control.call("GET", "limits") == before
