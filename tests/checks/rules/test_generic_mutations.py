"""Whatever is changed in production's templates without a thought, some rule names it."""

import random
from collections.abc import Callable

from checks.rules.estate import Estate
from tests.checks.rules.mutator import species_of
from tests.checks.rules.naming import Namer
from tests.checks.rules.neutral import is_neutral

SEED = 20_261_126
SAMPLED = 300
"""Of some 4,500 species: as many as fit into a minute."""

KILLED_MIN = 0.98
"""Of all species, some 4,500, less than one in a hundred goes unnamed."""


def test_changes_that_weaken_are_named(deployed: Callable[[str], Estate]) -> None:
    clean = deployed("prod")
    chance = random.Random(SEED)  # noqa: S311 -- a sample that is the same every time
    species = {name: found for name, found in species_of(clean.templates).items() if not is_neutral(name)}
    namer = Namer(clean)

    survived = []
    for name in chance.sample(sorted(species), SAMPLED):
        mutation = chance.choice(species[name])
        if namer.first(mutation.apply(clean.templates), mutation.kind) is None:
            survived.append(f"{name}: {mutation.stack}/{mutation.logical_id} {mutation.path}")

    assert len(survived) <= SAMPLED * (1 - KILLED_MIN), "\n".join(survived)
