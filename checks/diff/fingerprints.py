"""Placeholder bundles that differ exactly where the real ones would: `fingerprints.py CHECKOUT FOLDER`.

A diff needs no built code, only to know which code changed. So each bundle is one file with a hash of what
the real one is made of: a function's modules by the import graph, a layer's locked requirements. Run as a
script, because the import graph of another checkout needs that checkout's packages first on the path.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

from checks.bundles import functions
from checks.bundles.layers import targets
from checks.toolchain import uv_binary

_TIMEOUT_S = 120


def main(checkout: Path, folder: Path) -> None:
    """Write the bundles of `checkout` to `folder`, in the layout of the built ones."""
    sys.path.insert(0, str(checkout))
    graph = functions.import_graph()
    for name, module in functions.function_modules(checkout).items():
        digest = hashlib.sha256()
        for relative in functions.source_files(module, graph, repository=checkout):
            digest.update(f"{relative.as_posix()}\0".encode())
            digest.update(hashlib.sha256((checkout / relative).read_bytes()).digest())
        _write(folder / "functions" / name / "runtime", digest.hexdigest())
    for layer in _layers(checkout):
        requirements = _requirements(checkout, layer)
        for target in targets():
            digest = hashlib.sha256(f"{target.name}\0{requirements}".encode())
            _write(folder / "layers" / target.name / layer / "python", digest.hexdigest())


def _layers(checkout: Path) -> list[str]:
    project = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project.get("dependency-groups", {})
    return [name.removeprefix("layer-") for name in groups if name.startswith("layer-")]


def _requirements(checkout: Path, layer: str) -> str:
    """What uv.lock says a layer holds, with the hash of every file."""
    exported = subprocess.run(
        [
            *(str(uv_binary()), "export", "--frozen", "--offline", "--only-group", f"layer-{layer}"),
            *("--no-emit-project", "--no-header", "--no-annotate", "--quiet"),
        ],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=True,
    )
    return exported.stdout


def _write(folder: Path, content: str) -> None:
    folder.mkdir(parents=True)
    (folder / "fingerprint").write_text(content + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
