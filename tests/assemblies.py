"""The assembly of each environment as the command line makes it, from placeholder bundles.

Synthesis is dear, and the same for all: whichever worker of a test run needs an assembly first makes it, and
the others read it. Nobody changes what is shared; a test that does, or that wants another context,
synthesises its own.
"""

import fcntl
import os
from collections.abc import Callable
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

import pytest

from app import build
from runtime.platform.settings import SETTINGS_BY_FUNCTION
from stacks.house_app import HouseApp

TODAY = date(2026, 11, 25)
PATHS = {"aws:cdk:enable-path-metadata": "true"}
"""As deployed: the probes know alarms by their places."""

Assemblies = Callable[[str], Path]


@pytest.fixture(scope="session")
def shared_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this test run see."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def placeholder_bundles(shared_root: Path) -> Path:
    """Bundles in the built ones' layout whose content does not matter."""
    layers = [f"layers/{target}/{layer}/python" for target in ("arm64", "host") for layer in ("core", "jwt")]
    functions = [f"functions/{name}/runtime" for name in SETTINGS_BY_FUNCTION]

    def made(root: Path) -> None:
        for folder in (*layers, *functions):
            (root / folder).mkdir(parents=True)
            (root / folder / "placeholder.py").write_text(f'"""{folder}"""\n', encoding="utf-8")

    return _once(shared_root / "bundles", made)


@pytest.fixture(scope="session")
def assemblies(placeholder_bundles: Path, shared_root: Path) -> Assemblies:
    """Where the assembly of an environment is."""

    def assembly_of(environment: str) -> Path:
        def made(output: Path) -> None:
            context = {"env": environment, "bundles": str(placeholder_bundles)} | PATHS
            app = HouseApp(context=context, output=output)
            build(app, today=TODAY)
            app.synth()

        return _once(shared_root / f"assembly-{environment}", made)

    return assembly_of


def _once(folder: Path, make: Callable[[Path], None]) -> Path:
    """``folder`` as ``make`` fills it, by one process while the others wait; as a whole or not at all."""
    with folder.with_name(f"{folder.name}.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            begun = Path(mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
            make(begun)
            begun.rename(folder)
    return folder
