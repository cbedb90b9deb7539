"""A function's bundle: its module, everything that module imports of the runtime, and their data files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import grimp

from checks.bundles import tree
from checks.errors import ExitCode, HasivuError

PACKAGE = "runtime"
_FUNCTIONS = "functions"
_NOT_DATA = (".py", ".pyc", ".pyi")


def function_modules(repository: Path) -> dict[str, str]:
    """Function name → module, for every module of runtime/functions (`health-check` → `…health_check`)."""
    folder = repository / PACKAGE / _FUNCTIONS
    stems = sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))
    return {stem.replace("_", "-"): f"{PACKAGE}.{_FUNCTIONS}.{stem}" for stem in stems}


def import_closure(module: str, imported_by: Callable[[str], set[str]]) -> set[str]:
    """Every module that importing `module` runs.

    `imported_by` gives what one module imports, at any depth. Importing `a.b.c` also runs `a` and `a.b`,
    so a package's own imports count as soon as anything inside it is imported.
    """
    closure: set[str] = set()
    waiting = {module}
    while waiting:
        current = waiting.pop()
        closure.add(current)
        package, _, _ = current.rpartition(".")
        reached = imported_by(current) | ({package} if package else set())
        waiting |= reached - closure
    return closure


def import_graph() -> grimp.ImportGraph:
    """Which module of the runtime imports which, read from the sources. Error: `RUNTIME_UNREADABLE`."""
    try:
        return grimp.build_graph(PACKAGE, cache_dir=None, exclude_type_checking_imports=True)
    except grimp.exceptions.SourceSyntaxError as error:
        raise HasivuError(
            "RUNTIME_UNREADABLE",
            f"{error.filename} is not Python (line {error.lineno}).",
            next_step="put that line right, then build again",
            exit_code=ExitCode.BUILD,
        ) from None


def source_files(module: str, graph: grimp.ImportGraph, *, repository: Path) -> list[Path]:
    """The files of a function's bundle, relative to the repository, sorted.

    A package's data files come along when one of its own modules does; a package that is only on the way
    to another brings nothing but its `__init__.py`.
    """
    files: set[Path] = set()
    for name in import_closure(module, graph.find_modules_directly_imported_by):
        location = repository.joinpath(*name.split("."))
        if (location / "__init__.py").is_file():
            files.add(location / "__init__.py")
        else:
            files.add(location.with_suffix(".py"))
            files |= _data_files(location.parent)
    return sorted(path.relative_to(repository) for path in files)


def copy(files: list[Path], *, repository: Path, into: Path) -> None:
    """Copy the named files to the same places below `into`, fixed."""
    for relative in files:
        target = into / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(repository / relative, target)
    tree.fix(into)


def _data_files(package: Path) -> set[Path]:
    """Data of one package: files that are not code, also in folders below that are no packages themselves."""
    found: set[Path] = set()
    for path in package.iterdir():
        if path.is_file() and path.suffix not in _NOT_DATA:
            found.add(path)
        elif path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").is_file():
            found |= _data_files(path)
    return found
