"""The estates that are really deployed, synthesised once for a session."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.conftest import TODAY, placeholder_bundles  # first: it silences CloudFormation's own checks

# isort: split
from app import build
from checks.rules.assembly import read_estate
from checks.rules.estate import Estate
from stacks.house_app import HouseApp

__all__ = ["deployed", "placeholder_bundles"]


@pytest.fixture(scope="session")
def deployed(placeholder_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Estate]:
    """The estate of an environment, from placeholder bundles."""
    known: dict[str, Estate] = {}

    def estate_of(environment: str) -> Estate:
        if environment not in known:
            output = tmp_path_factory.mktemp(f"rules-{environment}")
            context = {"env": environment, "bundles": str(placeholder_bundles)}
            app = HouseApp(context=context, output=output)
            build(app, today=TODAY)
            app.synth()
            known[environment] = read_estate(output, environment=environment)
        return known[environment]

    return estate_of
