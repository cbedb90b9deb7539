"""The circuit breaker, as properties of any history of calls."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.gateways.breaker import BreakerState, CircuitBreaker
from runtime.gateways.errors import GatewayUnavailable
from runtime.platform.clock import FixedClock
from tests.unit.gateways.fakes import START

FAILURES_MAX = 3
OPEN_S = 30.0


def breaker() -> tuple[CircuitBreaker, FixedClock]:
    clock = FixedClock(START)
    return CircuitBreaker(gateway="razorpay", clock=clock, failures_max=FAILURES_MAX, open_s=OPEN_S), clock


def call(circuit: CircuitBreaker, *, reached: bool | None) -> bool:
    """Make a call that ends so; whether it was let through."""
    try:
        with circuit.passage("op") as passage:
            if reached is True:
                passage.provider_answered()
            elif reached is False:
                passage.provider_failed()
    except GatewayUnavailable as error:
        return not error.circuit_open
    return True


def state_of(circuit: CircuitBreaker) -> BreakerState:
    return circuit.state


def opened() -> tuple[CircuitBreaker, FixedClock]:
    circuit, clock = breaker()
    for _ in range(FAILURES_MAX):
        call(circuit, reached=False)
    return circuit, clock


@given(st.lists(st.sampled_from([True, None]), max_size=50))
def test_without_failures_it_never_opens(outcomes: list[bool | None]) -> None:
    circuit, _ = breaker()
    assert all(call(circuit, reached=outcome) for outcome in outcomes)
    assert state_of(circuit) is BreakerState.CLOSED


@given(st.lists(st.booleans(), max_size=60))
def test_it_opens_exactly_after_a_run_of_failures(outcomes: list[bool]) -> None:
    circuit, _ = breaker()
    run = 0
    for outcome in outcomes:
        if run == FAILURES_MAX:
            assert state_of(circuit) is BreakerState.OPEN
            assert not call(circuit, reached=outcome)
            continue
        assert state_of(circuit) is BreakerState.CLOSED
        assert call(circuit, reached=outcome)
        run = 0 if outcome else run + 1


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from([True, False, None])), max_size=60))
def test_at_any_time_the_state_says_whether_a_call_passes(history: list[tuple[float, bool | None]]) -> None:
    circuit, clock = breaker()
    for pause_s, outcome in history:
        clock.advance(seconds=pause_s)
        state = state_of(circuit)
        assert call(circuit, reached=outcome) is (state is not BreakerState.OPEN)
        if state is BreakerState.HALF_OPEN and outcome is not None:
            assert state_of(circuit) is (BreakerState.CLOSED if outcome else BreakerState.OPEN)


@given(st.floats(0, OPEN_S, exclude_max=True))
def test_while_open_nothing_passes(waited_s: float) -> None:
    circuit, clock = opened()
    clock.advance(seconds=waited_s)
    assert state_of(circuit) is BreakerState.OPEN
    assert not call(circuit, reached=True)


def test_after_the_pause_one_call_probes_and_the_others_wait() -> None:
    circuit, clock = opened()
    clock.advance(seconds=OPEN_S)
    with circuit.passage("probe") as passage:
        assert not call(circuit, reached=True)
        passage.provider_answered()
    assert state_of(circuit) is BreakerState.CLOSED
    assert call(circuit, reached=True)


def test_a_failed_probe_opens_it_for_the_whole_pause_again() -> None:
    circuit, clock = opened()
    clock.advance(seconds=OPEN_S)
    assert call(circuit, reached=False)
    clock.advance(seconds=OPEN_S - 1)
    assert state_of(circuit) is BreakerState.OPEN
    clock.advance(seconds=1)
    assert state_of(circuit) is BreakerState.HALF_OPEN


def test_a_probe_that_breaks_off_makes_room_for_another() -> None:
    circuit, clock = opened()
    clock.advance(seconds=OPEN_S)
    with contextlib.suppress(KeyError), circuit.passage("probe"):
        raise KeyError
    assert state_of(circuit) is BreakerState.HALF_OPEN
    assert call(circuit, reached=True)


@pytest.mark.parametrize("reached", [True, False])
def test_a_call_from_before_does_not_decide_for_the_probe(reached: bool) -> None:
    """It was sent to a provider that has failed since; only the probe speaks of the present."""
    circuit, clock = breaker()
    with circuit.passage("slow") as slow:
        for _ in range(FAILURES_MAX):
            call(circuit, reached=False)
        clock.advance(seconds=OPEN_S - 1)
        if reached:
            slow.provider_answered()
        else:
            slow.provider_failed()
    assert state_of(circuit) is BreakerState.OPEN
    clock.advance(seconds=1)
    assert state_of(circuit) is BreakerState.HALF_OPEN


@pytest.mark.parametrize(("failures_max", "open_s"), [(0, 1.0), (1, 0.0), (1, -1.0)])
def test_a_breaker_that_cannot_work_is_refused(failures_max: int, open_s: float) -> None:
    with pytest.raises(ValueError, match="breaker"):
        CircuitBreaker(gateway="x", clock=FixedClock(START), failures_max=failures_max, open_s=open_s)
