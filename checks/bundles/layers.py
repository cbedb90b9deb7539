"""A dependency layer: one dependency group of pyproject.toml, installed from uv.lock for one target."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from checks import toolchain
from checks.bundles import tree
from checks.errors import ExitCode, HasivuError

LAYERS = ("core", "jwt")
"""The layers, each named after its dependency group `layer-<name>`."""

LAYERS_OF = {"api-authorizer": ("core", "jwt")}
"""Functions that need more than the core layer, with all that they need."""


def layers_of(function: str) -> tuple[str, ...]:
    """The layers without which `function` cannot be imported."""
    return LAYERS_OF.get(function, ("core",))


_TIMEOUT_S = 300
_RECIPE = "2"  # part of every key: raised when the way a layer is built changes


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a layer runs: uv's arguments that choose its wheels, and what distinguishes it in a key."""

    name: str
    arguments: tuple[str, ...]

    @property
    def identity(self) -> str:
        return " ".join((self.name, *self.arguments))


def targets() -> tuple[Target, ...]:
    """Lambda's arm64 on Python 3.14, and this machine for the sandbox, from the same lock.

    Lambda's python3.14 runs on Amazon Linux 2023 (glibc 2.34), which loads manylinux2014 wheels too.
    """
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    arm64 = ("--python-platform", "aarch64-manylinux2014", "--python-version", "3.14")
    return (
        Target(name="arm64", arguments=arm64),
        Target(name="host", arguments=("--python-version", version)),
    )


def key_of(layer: str, target: Target, *, lock: Path) -> str:
    """What a layer depends on: the lock, its group, its target and, for the host, the machine."""
    machine = f"{platform.system()}-{platform.machine()}" if target.name == "host" else ""
    parts = (_RECIPE, layer, target.identity, machine, hashlib.sha256(lock.read_bytes()).hexdigest())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def install(layer: str, target: Target, *, repository: Path, into: Path) -> None:
    """Install the wheels of `layer-<layer>` for `target` below `into`/python, stripped and fixed.

    Every file is checked against the hash in uv.lock; nothing is compiled or built from source.
    """
    requirements = into / "requirements.txt"
    into.mkdir(parents=True)
    export = ("export", "--frozen", "--only-group", f"layer-{layer}", "--no-emit-project", "--no-header")
    _uv(*export, "--output-file", str(requirements), repository=repository, doing=f"export layer-{layer}")
    packages = into / "python"
    _uv(
        *("pip", "install", "--require-hashes", "--only-binary", ":all:", "--no-deps"),
        *("--no-installer-metadata", "--no-compile-bytecode", "--python", sys.executable),
        *target.arguments,
        *("--target", str(packages), "--requirements", str(requirements)),
        repository=repository,
        doing=f"install layer {layer} for {target.name}",
    )
    requirements.unlink()
    tree.strip(packages)
    tree.fix(into)


def _uv(*arguments: str, repository: Path, doing: str) -> None:
    command = [str(toolchain.uv_binary()), *arguments, "--quiet", "--no-progress"]
    try:
        result = subprocess.run(
            command, cwd=repository, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        raise _failed(doing, f"uv did not finish within {_TIMEOUT_S} s") from None
    if result.returncode != 0:
        raise _failed(doing, result.stderr.strip())


def _failed(doing: str, detail: str) -> HasivuError:
    return HasivuError(
        "LAYER_BUILD_FAILED",
        f"uv could not {doing}.",
        detail=detail,
        next_step="see that the registry can be reached and that `uv lock --check` passes, then build again",
        exit_code=ExitCode.BUILD,
    )
