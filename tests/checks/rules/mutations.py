"""The catalogue of planted weaknesses: every kind that we could think of."""

from tests.checks.rules import (
    weaknesses_access,
    weaknesses_data,
    weaknesses_edge,
    weaknesses_watch,
    weaknesses_work,
)
from tests.checks.rules.planting import Weakness

WEAKNESSES: tuple[Weakness, ...] = (
    *weaknesses_access.WEAKNESSES,
    *weaknesses_data.WEAKNESSES,
    *weaknesses_work.WEAKNESSES,
    *weaknesses_edge.WEAKNESSES,
    *weaknesses_watch.WEAKNESSES,
)
