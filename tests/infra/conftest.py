"""One synthesised assembly per environment and session, from placeholder bundles."""

import os

# Read once by the Node process that jsii starts on the first import of aws_cdk.
os.environ["CDK_VALIDATION"] = "false"

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from app import build
from runtime.platform.settings import SETTINGS_BY_FUNCTION, FunctionSettings
from stacks.environment import ENVIRONMENT_NAMES
from stacks.house_app import ROOT, HouseApp
from tests.infra.assembly import Assembly, read_assembly

TODAY = date(2026, 11, 25)
CONTRACT = ROOT / "runtime" / "openapi.json"
ENVIRONMENTS = ROOT / "environments"
PATHS = {"aws:cdk:enable-path-metadata": "true"}
"""As deployed: the probes know alarms by their places."""
NOT_BUILT = frozenset(name for name, model in SETTINGS_BY_FUNCTION.items() if model is FunctionSettings)

Synthesise = Callable[..., Assembly]


@pytest.fixture(scope="session")
def placeholder_bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bundles in the built ones' layout whose content does not matter."""
    root = tmp_path_factory.mktemp("bundles")
    layers = [f"layers/{target}/{layer}/python" for target in ("arm64", "host") for layer in ("core", "jwt")]
    functions = [f"functions/{name}/runtime" for name in SETTINGS_BY_FUNCTION]
    for folder in (*layers, *functions):
        (root / folder).mkdir(parents=True)
        (root / folder / "placeholder.py").write_text(f'"""{folder}"""\n', encoding="utf-8")
    return root


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
def assembly(request: pytest.FixtureRequest, synthesise: Synthesise) -> Assembly:
    """The assembly of each environment in turn."""
    return synthesise(request.param)


@pytest.fixture(scope="session")
def sandbox(synthesise: Synthesise) -> Assembly:
    return synthesise("sandbox")


@pytest.fixture(scope="session")
def prod(synthesise: Synthesise) -> Assembly:
    return synthesise("prod")
