"""The synthesised assemblies, read, and how to synthesise others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app import build
from runtime.platform.settings import SETTINGS_BY_FUNCTION, FunctionSettings
from stacks.environment import ENVIRONMENT_NAMES
from stacks.house_app import ROOT, HouseApp
from tests.assemblies import PATHS, TODAY, Assemblies, assemblies, placeholder_bundles, shared_root
from tests.infra.assembly import Assembly, read_assembly

__all__ = ["assemblies", "placeholder_bundles", "shared_root"]

CONTRACT = ROOT / "runtime" / "openapi.json"
ENVIRONMENTS = ROOT / "environments"
NOT_BUILT = frozenset(name for name, model in SETTINGS_BY_FUNCTION.items() if model is FunctionSettings)

Synthesise = Callable[..., Assembly]


@pytest.fixture(scope="session")
def synthesise(placeholder_bundles: Path, tmp_path_factory: pytest.TempPathFactory) -> Synthesise:
    """Synthesise an environment; ``contract_file``, ``environments`` and further context are optional."""

    def synthesise(
        environment: str,
        *,
        contract_file: Path = CONTRACT,
        environments: Path = ENVIRONMENTS,
        **context: str,
    ) -> Assembly:
        output = tmp_path_factory.mktemp(environment)
        app = HouseApp(
            context={"env": environment, "bundles": str(placeholder_bundles)} | PATHS | context,
            output=output,
        )
        build(app, today=TODAY, contract_file=contract_file, environments=environments)
        app.synth()
        return read_assembly(environment, output)

    return synthesise


@pytest.fixture(scope="session", params=ENVIRONMENT_NAMES)
def assembly(request: pytest.FixtureRequest, assemblies: Assemblies) -> Assembly:
    """The assembly of each environment in turn."""
    return read_assembly(request.param, assemblies(request.param))


@pytest.fixture(scope="session")
def sandbox(assemblies: Assemblies) -> Assembly:
    return read_assembly("sandbox", assemblies("sandbox"))


@pytest.fixture(scope="session")
def prod(assemblies: Assemblies) -> Assembly:
    return read_assembly("prod", assemblies("prod"))
