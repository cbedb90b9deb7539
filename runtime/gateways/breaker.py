"""A circuit breaker: after a run of failures a provider is left alone for a while, then tried once.

Only unavailability counts (no connection, no answer in time, a 5xx): a 4xx is an answer. The pattern
is Michael Nygard's (*Release It!*, chapter 5).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Lock

from runtime.gateways.errors import GatewayUnavailable
from runtime.platform.clock import Clock


class BreakerState(StrEnum):
    """CLOSED lets every call through, OPEN none, HALF_OPEN one at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Passage:
    """One call that was let through; whoever makes it says how it went."""

    def __init__(self) -> None:
        self.reached: bool | None = None

    def provider_answered(self) -> None:
        """The provider answered, be it with a refusal."""
        self.reached = True

    def provider_failed(self) -> None:
        """The provider was not reached, did not answer in time, or answered with a 5xx."""
        self.reached = False


class CircuitBreaker:
    """Opens after ``failures_max`` failures in a row, for ``open_s`` seconds; then one call probes."""

    def __init__(self, *, gateway: str, clock: Clock, failures_max: int = 5, open_s: float = 30.0) -> None:
        """``failures_max`` >= 1; ``open_s`` > 0. Raises ValueError otherwise."""
        if failures_max < 1 or open_s <= 0:
            raise ValueError("a breaker needs at least one failure and a positive pause")
        self._gateway = gateway
        self._clock = clock
        self._failures_max = failures_max
        self._open_s = open_s
        self._lock = Lock()
        self._failures = 0
        self._opened_at_s: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """The state at this moment."""
        with self._lock:
            return self._state()

    @contextmanager
    def passage(self, operation: str) -> Iterator[Passage]:
        """Let one call through and learn how it went.

        Raises GatewayUnavailable with ``circuit_open`` where no call may pass now. A call that ends
        without a word about the provider (say, an exception before it was sent) changes nothing.
        """
        probe = self._admit(operation)
        passage = Passage()
        try:
            yield passage
        finally:
            self._settle(passage, probe)

    def _state(self) -> BreakerState:
        if self._opened_at_s is None:
            return BreakerState.CLOSED
        waited_s = self._clock.monotonic_s() - self._opened_at_s
        return BreakerState.HALF_OPEN if waited_s >= self._open_s else BreakerState.OPEN

    def _admit(self, operation: str) -> bool:
        """Whether the call is the probe. Raises GatewayUnavailable where none may pass."""
        with self._lock:
            state = self._state()
            if state is BreakerState.CLOSED:
                return False
            if state is BreakerState.OPEN or self._probing:
                raise GatewayUnavailable(
                    "circuit open after repeated failures",
                    gateway=self._gateway,
                    operation=operation,
                    circuit_open=True,
                )
            self._probing = True
            return True

    def _settle(self, passage: Passage, probe: bool) -> None:
        with self._lock:
            if probe:
                self._probing = False
            if passage.reached is True:
                self._answered(probe)
            elif passage.reached is False:
                self._failed(probe)

    def _answered(self, probe: bool) -> None:
        # A call from before the circuit opened may come home late; only the probe may close it.
        if probe or self._opened_at_s is None:
            self._failures = 0
            self._opened_at_s = None

    def _failed(self, probe: bool) -> None:
        if probe:
            self._opened_at_s = self._clock.monotonic_s()
        elif self._opened_at_s is None:
            self._failures += 1
            if self._failures >= self._failures_max:
                self._opened_at_s = self._clock.monotonic_s()
