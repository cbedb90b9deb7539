"""The catalogue of planted weaknesses: every kind that we could think of."""

from tests.checks.rules import (
    weaknesses_access,
    weaknesses_canaries,
    weaknesses_capacity,
    weaknesses_closed,
    weaknesses_data,
    weaknesses_decided,
    weaknesses_edge,
    weaknesses_firewall,
    weaknesses_governance,
    weaknesses_history,
    weaknesses_meaning,
    weaknesses_rotation,
    weaknesses_watch,
    weaknesses_words,
    weaknesses_work,
)
from tests.checks.rules.planting import Weakness

WEAKNESSES: tuple[Weakness, ...] = (
    *weaknesses_access.WEAKNESSES,
    *weaknesses_data.WEAKNESSES,
    *weaknesses_decided.WEAKNESSES,
    *weaknesses_governance.WEAKNESSES,
    *weaknesses_history.WEAKNESSES,
    *weaknesses_meaning.WEAKNESSES,
    *weaknesses_rotation.WEAKNESSES,
    *weaknesses_words.WEAKNESSES,
    *weaknesses_work.WEAKNESSES,
    *weaknesses_canaries.WEAKNESSES,
    *weaknesses_capacity.WEAKNESSES,
    *weaknesses_closed.WEAKNESSES,
    *weaknesses_firewall.WEAKNESSES,
    *weaknesses_edge.WEAKNESSES,
    *weaknesses_watch.WEAKNESSES,
)
