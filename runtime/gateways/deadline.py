"""How long a call may take in all, however many attempts it needs."""

from runtime.platform.clock import Clock


class Deadline:
    """A moment on the monotonic clock after which nobody waits for the answer any more."""

    def __init__(self, clock: Clock, budget_ms: int) -> None:
        """``budget_ms`` (> 0) from now. Raises ValueError for a budget that is already spent."""
        if budget_ms <= 0:
            raise ValueError("a deadline needs at least one millisecond")
        self._clock = clock
        self._ends_at_s = clock.monotonic_s() + budget_ms / 1000

    def left_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._ends_at_s - self._clock.monotonic_s())

    def left_ms(self) -> int:
        """Whole milliseconds left, never below zero."""
        return int(self.left_s() * 1000)

    def part(self, share: float) -> "Deadline":
        """A deadline for the first ``share`` (0 < share <= 1) of what is left, at least one millisecond."""
        if not 0 < share <= 1:
            raise ValueError("a share lies above 0 and not above 1")
        return Deadline(self._clock, max(1, int(self.left_ms() * share)))
