"""What published lists of rules look for in our kinds of resources is named by a house rule."""

from collections.abc import Callable

from checks.rules.estate import Estate
from tests.checks.rules import (
    weaknesses_published,
    weaknesses_published_account,
    weaknesses_published_edge,
    weaknesses_published_keys,
    weaknesses_published_watch,
    weaknesses_published_work,
)
from tests.checks.rules.naming import Namer

PUBLISHED = (
    *weaknesses_published.WEAKNESSES,
    *weaknesses_published_account.WEAKNESSES,
    *weaknesses_published_edge.WEAKNESSES,
    *weaknesses_published_keys.WEAKNESSES,
    *weaknesses_published_watch.WEAKNESSES,
    *weaknesses_published_work.WEAKNESSES,
)
PLANTED_MIN = 450


def test_every_published_weakness_is_named(deployed: Callable[[str], Estate]) -> None:
    namer = Namer(deployed("prod"))
    planted, survived = 0, []
    for weakness in PUBLISHED:
        weak = weakness.plant(namer.clean.templates)
        assert weak is not None, f"{weakness}: production has nothing to weaken"
        planted += 1
        kind = weakness.kind or str((weakness.beside or {}).get("Type"))
        if namer.first(weak[0], kind) is None:
            survived.append(str(weakness))

    assert planted >= PLANTED_MIN
    assert survived == []
