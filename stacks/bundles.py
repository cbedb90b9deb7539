"""Where the built Lambda bundles are. They are built before synth; synth only points at them."""

from dataclasses import dataclass
from pathlib import Path

BUNDLES = Path("build/lambda")
"""Where the build puts them, relative to the project's root."""


class BundleMissing(RuntimeError):
    """A bundle has not been built; says which and what to run."""

    code = "bundle-missing"

    def __init__(self, bundle: Path) -> None:
        super().__init__(f"the Lambda bundle {bundle} is missing or empty: run `make build` first")


@dataclass(frozen=True, slots=True)
class Bundles:
    """The bundles under ``root`` whose layers were built for ``target`` (``arm64`` or ``host``)."""

    root: Path
    target: str

    def function(self, name: str) -> str:
        """The path of the code of the function ``name``. Raises BundleMissing."""
        return _existing(self.root / "functions" / name)

    def layer(self, name: str) -> str:
        """The path of the dependency layer ``name``. Raises BundleMissing."""
        return _existing(self.root / "layers" / self.target / name)


def _existing(bundle: Path) -> str:
    if not bundle.is_dir() or not any(bundle.iterdir()):
        raise BundleMissing(bundle)
    return str(bundle)
