"""Whether the cost of a function grows with the size of what it is given, and not with its square."""

import time
from collections.abc import Callable

PARTS = 4
GROWTH_MAX = 8
"""Four times as long a text may cost eight times as much: linear is four, quadratic sixteen."""
SLACK_S = 0.2


def _least_s(function: Callable[[str], object], text: str) -> float:
    def took_s() -> float:
        began_s = time.process_time()
        function(text)
        return time.process_time() - began_s

    return min(took_s() for _ in range(2))


def grows_linearly(function: Callable[[str], object], text: str) -> bool:
    """Compared in one run: how fast the machine is and who else works on it matters to both sides."""
    part = _least_s(function, text[: len(text) // PARTS])
    whole = _least_s(function, text)
    return whole <= GROWTH_MAX * part + SLACK_S
