"""What was checked, as digests: the assembly, the sources it was made of, and the questions that were asked.

A digest changes when what it stands for changes, and for no other reason: neither the machine, nor the
folder, nor the time, nor a synth with checks instead of one without is in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from checks.bundles.tree import sha256_of
from checks.errors import ExitCode, HasivuError
from checks.toolchain import REPOSITORY

_DECIDING: Final = ("stackName", "terminationProtection", "tags", "parameters", "assumeRoleArn")
"""What the manifest says of a stack beside its template, and what a deployment does by it."""

SOURCE_FOLDERS: Final = ("runtime", "stacks", "checks", "environments", "tests")
SOURCE_FILES: Final = ("app.py", "cdk.json", "pyproject.toml", "uv.lock", "package-lock.json", "Makefile")
_CATALOGUE: Final = ("checks/checklist", "checks/probes", "checks/release", "checks/rules")
_MADE_BY_RUNNING: Final = ("__pycache__", ".benchmarks")


def assembly_sha256(folder: Path) -> str:
    """The digest of what a deployment of the cloud assembly in ``folder`` would put into an account.

    Counted are each stack's template as data, what the manifest decides about it, and what each of its
    assets holds, read anew: a file that is changed under an asset's old name is seen.
    Error: ``ASSEMBLY_UNREADABLE`` where it is none, or a part of it is missing.
    """
    try:
        document = _assembly(folder)
    except (AttributeError, KeyError, OSError, TypeError, ValueError) as error:
        raise HasivuError(
            "ASSEMBLY_UNREADABLE",
            f"{folder.name} is no whole cloud assembly: {type(error).__name__}.",
            detail=str(error).replace(f"{folder}/", ""),
            next_step="make it anew with `hasivu synth --env ENV`",
            exit_code=ExitCode.BUILD,
        ) from error
    return _sha256(document)


def _assembly(folder: Path) -> dict[str, Any]:
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    stacks = {
        name: {
            "environment": artifact["environment"],
            "decided": {key: artifact["properties"].get(key) for key in _DECIDING},
            "template": json.loads(
                (folder / artifact["properties"]["templateFile"]).read_text(encoding="utf-8")
            ),
        }
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    if not stacks:
        raise ValueError("no stack in it")
    return {"stacks": stacks, "assets": _assets(folder, manifest)}


def _assets(folder: Path, manifest: dict[str, Any]) -> dict[str, str]:
    """What every asset of the stacks holds, by the name under which the templates know it."""
    found: dict[str, str] = {}
    for artifact in manifest["artifacts"].values():
        if artifact["type"] != "cdk:asset-manifest":
            continue
        listed = json.loads((folder / artifact["properties"]["file"]).read_text(encoding="utf-8"))
        for name, asset in listed["files"].items():
            path = asset["source"]["path"]
            if not path.endswith(".template.json"):
                found[name] = _content(folder / path)
        if listed.get("dockerImages"):
            raise ValueError("it has container images, which are not in the assembly")
    return found


def _content(path: Path) -> str:
    if path.is_dir():
        return sha256_of(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def source_sha256(repository: Path = REPOSITORY) -> str:
    """The digest of everything that decides what is built, deployed and tested.

    Documents, waivers, records and sign-offs are not in it: to write one down changes nothing that ran.
    """
    files = [repository / name for name in SOURCE_FILES]
    files += _below(repository, SOURCE_FOLDERS)
    return _sha256_of_files(repository, files)


def catalogue_sha256(repository: Path = REPOSITORY) -> str:
    """The digest of what is asked: items, frameworks, rules and probes, and how they are judged."""
    return _sha256_of_files(repository, _below(repository, _CATALOGUE))


def _below(repository: Path, folders: Iterable[str]) -> Iterator[Path]:
    for folder in folders:
        for path in (repository / folder).rglob("*"):
            if not any(part in _MADE_BY_RUNNING for part in path.parts):
                yield path


def _sha256_of_files(repository: Path, files: Iterable[Path]) -> str:
    listed = {
        path.relative_to(repository).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.is_file()
    }
    return _sha256(listed)


def _sha256(document: dict[str, Any]) -> str:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()
