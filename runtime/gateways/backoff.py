"""Pauses between attempts: exponential with full jitter, so that many callers do not return together.

The scheme is "full jitter" of the AWS Architecture Blog, "Exponential Backoff And Jitter".
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """At most ``attempts_max`` attempts; before the n-th repeat a pause between 0 and ``base_s * 2**n``."""

    attempts_max: int = 4
    base_s: float = 0.1
    pause_max_s: float = 2.0

    def pause_s(self, repeat: int, random: Callable[[], float]) -> float:
        """The pause before the ``repeat``-th repeat (0 is the first); ``random`` gives 0 <= r < 1."""
        return random() * min(self.pause_max_s, self.base_s * 2.0 ** min(repeat, 30))
