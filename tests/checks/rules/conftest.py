"""The estates that are really deployed."""

from collections.abc import Callable

import pytest

from checks.rules.assembly import read_estate
from checks.rules.estate import Estate
from tests.assemblies import Assemblies, assemblies, placeholder_bundles, shared_root

__all__ = ["assemblies", "placeholder_bundles", "shared_root"]


@pytest.fixture(scope="session")
def deployed(assemblies: Assemblies) -> Callable[[str], Estate]:
    """The estate of an environment, from placeholder bundles."""
    known: dict[str, Estate] = {}

    def estate_of(environment: str) -> Estate:
        if environment not in known:
            known[environment] = read_estate(assemblies(environment), environment=environment)
        return known[environment]

    return estate_of
