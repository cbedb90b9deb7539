"""A directory as a bundle: what is stripped from it, how it is hashed, and how it takes its place."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

# 1980-01-01T00:00:00Z, the earliest time in a zip archive. Nothing in a bundle may tell when it was built.
FIXED_TIME_S = 315_532_800

_STRIPPED_AT_TOP = ("bin", ".lock")  # scripts carry the path of the machine's interpreter in their first line
_STRIPPED_ANYWHERE = ("__pycache__", "tests")


def strip(root: Path) -> None:
    """Remove from an installed tree what differs between machines or never runs in Lambda."""
    for name in _STRIPPED_AT_TOP:
        _remove(root / name)
    for directory, names, _ in os.walk(root):
        for name in [name for name in names if name in _STRIPPED_ANYWHERE]:
            _remove(Path(directory, name))
            names.remove(name)
    for record in root.glob("*.dist-info/RECORD"):
        _forget_scripts(record)


def _forget_scripts(record: Path) -> None:
    """Drop what a wheel's list of files says of its scripts: their hash is one of the interpreter's path."""
    lines = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(b"".join(line for line in lines if not line.startswith((b"bin/", b"../../bin/"))))


def fix(root: Path) -> None:
    """Give every file and directory below and including `root` the same mode and time on every machine."""
    for directory, _, files in os.walk(root, topdown=False):
        for name in files:
            path = Path(directory, name)
            path.chmod(0o644)
            os.utime(path, (FIXED_TIME_S, FIXED_TIME_S))
        Path(directory).chmod(0o755)
        os.utime(directory, (FIXED_TIME_S, FIXED_TIME_S))


def files_of(root: Path) -> list[Path]:
    """Every file below `root`, relative to it, in the order of their POSIX paths."""
    found = (path.relative_to(root) for path in root.rglob("*") if path.is_file())
    return sorted(found, key=lambda path: path.as_posix())


def sha256_of(root: Path) -> str:
    """One hash over names and contents; modes and times do not count, as they do not for the CDK."""
    digest = hashlib.sha256()
    for relative in files_of(root):
        content = hashlib.sha256((root / relative).read_bytes()).hexdigest()
        digest.update(f"{relative.as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def size_bytes_of(root: Path) -> int:
    """The unzipped size of all files, the size that Lambda's limit of 250 MB is about."""
    return sum((root / relative).stat().st_size for relative in files_of(root))


def put_in_place(staged: Path, final: Path) -> None:
    """Replace `final` by `staged`, so that a reader never finds half a bundle for longer than a rename."""
    final.parent.mkdir(parents=True, exist_ok=True)
    _remove(final)
    staged.rename(final)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
