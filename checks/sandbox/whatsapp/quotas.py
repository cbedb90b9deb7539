"""Meta's limits on sending, kept by counting. What was refused does not count."""

from collections import deque
from typing import Any

from checks.sandbox.whatsapp.config import DAY_SECONDS, Limits
from checks.sandbox.whatsapp.graph_errors import GraphError


class Quotas:
    """Decides at a moment whether one more message to a person may go."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._accepted_at: deque[float] = deque()
        self._pair_paid_at: dict[str, float] = {}
        self._last_to: dict[str, float] = {}

    def admit(self, to: str, now: float) -> None:
        """Count one message to `to` at `now`. Raises GraphError 130429, 131056 or 80007, counting nothing.

        Meta documents no code for the portfolio limit; the account's rate limit (80007) stands for it.
        """
        while self._accepted_at and self._accepted_at[0] <= now - 1:
            self._accepted_at.popleft()
        if len(self._accepted_at) >= self.limits.messages_per_second:
            raise GraphError(130429)
        paid_at = max(self._pair_paid_at.get(to, now), now)
        if paid_at - now > (self.limits.pair_burst - 1) * self.limits.pair_seconds:
            raise GraphError(131056)
        self._forget_yesterday(now)
        users_max = self.limits.users_per_day
        if users_max is not None and to not in self._last_to and len(self._last_to) >= users_max:
            raise GraphError(80007, "The portfolio has reached its limit of people within 24 hours.")
        self._accepted_at.append(now)
        self._pair_paid_at[to] = paid_at + self.limits.pair_seconds
        self._last_to[to] = now

    def _forget_yesterday(self, now: float) -> None:
        for to in [to for to, at in self._last_to.items() if at <= now - DAY_SECONDS]:
            del self._last_to[to]
        for to in [to for to, at in self._pair_paid_at.items() if at <= now]:
            del self._pair_paid_at[to]

    def saved(self) -> dict[str, Any]:
        return {
            "accepted_at": list(self._accepted_at),
            "pair_paid_at": self._pair_paid_at,
            "last_to": self._last_to,
        }

    def restore(self, saved: dict[str, Any]) -> None:
        self._accepted_at = deque(float(at) for at in saved["accepted_at"])
        self._pair_paid_at = {str(to): float(at) for to, at in saved["pair_paid_at"].items()}
        self._last_to = {str(to): float(at) for to, at in saved["last_to"].items()}
