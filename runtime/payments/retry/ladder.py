"""Which of the allowed slots is best: the predictor, and the static ladder that serves until there is one."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from runtime.payments.retry.law import Constraint, minute_of_day
from runtime.payments.retry.minutes import DAY, ist_day, start_of_day
from runtime.payments.retry.policy import LadderPolicy
from runtime.payments.retry.situation import Situation

CACHE_MAX = 20_000
"""Slots whose score is kept; some years of them."""


class Predictor(Protocol):
    """Scores slots. Where the scores do not depend on ``situation.now``, a later plan never comes earlier."""

    @property
    def constraint(self) -> Constraint:
        """How its choice is explained."""
        ...

    def scores(self, situation: Situation, slots: Sequence[int]) -> Sequence[float]:
        """One score for each slot (minutes since the epoch, ascending); the highest wins, the earlier of
        equals. It is given allowed slots only."""
        ...


class StaticLadder:
    """Money is likeliest there in the first days of a month and in the morning, and waiting costs."""

    def __init__(self, policy: LadderPolicy) -> None:
        self._policy = policy
        self._morning_until = minute_of_day(policy.morning_until)
        self._late_from = minute_of_day(policy.late_from)
        self._known: dict[int, int] = {}
        self.constraint = Constraint(
            "best_slot",
            "Of the allowed times this is the likeliest: early in the month, in the morning, and soon.",
            policy.source,
        )

    def scores(self, situation: Situation, slots: Sequence[int]) -> list[int]:
        known = self._known
        try:
            return [known[slot] for slot in slots]
        except KeyError:
            if len(known) > CACHE_MAX:
                known.clear()
            for slot in slots:
                known[slot] = self._score(slot)
            return [known[slot] for slot in slots]

    def _score(self, slot: int) -> int:
        policy = self._policy
        day = ist_day(slot)
        score = policy.per_day_later * day
        in_day = (slot - start_of_day(day)) % DAY
        if in_day < self._morning_until:
            score += policy.morning
        elif in_day >= self._late_from:
            score += policy.late
        of_month = date.fromordinal(day).day
        return score + (policy.payday[of_month - 1] if of_month <= len(policy.payday) else 0)
