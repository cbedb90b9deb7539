"""`make audit`: every locked package held against the known vulnerabilities, recorded for the checklist.

uv asks OSV about uv.lock, npm asks its registry about package-lock.json. Where one of them does not answer,
nobody knows anything, and nothing is recorded.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from checks.checklist.digests import source_sha256
from checks.errors import ExitCode, HasivuError
from checks.evidence.run_record import FOLDER, record
from checks.toolchain import REPOSITORY, npm_command, tool_environment, uv_binary

KIND: Final = "dependency-audit"
QUARANTINED: Final = "quarantined"
"""The status of a package that its index holds to be harmful; ``archived`` and ``deprecated`` harm nobody."""

_TIMEOUT_S: Final = 300
_SAID_MAX: Final = 300
_UNANSWERED: Final = (AttributeError, LookupError, OSError, subprocess.TimeoutExpired, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Audited:
    """What one tool found: how many packages are locked, how many were looked up, and what is wrong."""

    locked: int
    looked_up: int
    found: tuple[str, ...]
    noted: tuple[str, ...] = ()
    """What is no vulnerability and good to know: packages that nobody maintains any more."""


def of_uv(said: Mapping[str, Any], lock: str) -> Audited:
    """What ``uv audit`` said of ``lock``, the text of uv.lock. Error: LookupError, TypeError, ValueError."""
    locked = [each for each in tomllib.loads(lock)["package"] if "registry" in each["source"]]
    statuses = [(f"{each['name']}: {each['status']}", each["status"]) for each in said["adverse_statuses"]]
    found = [
        f"{each['dependency']['name']} {each['dependency']['version']}: {each['display_id']}"
        for each in said["vulnerabilities"]
    ]
    return Audited(
        locked=len(locked),
        looked_up=int(said["summary"]["audited_packages"]),
        found=(*found, *(text for text, status in statuses if status == QUARANTINED)),
        noted=tuple(text for text, status in statuses if status != QUARANTINED),
    )


def of_npm(said: Mapping[str, Any], lock: str) -> Audited:
    """What ``npm audit`` said of ``lock``, the text of package-lock.json. Error: as :func:`of_uv`."""
    locked = [path for path in json.loads(lock)["packages"] if path]
    found = [f"{name}: {each['severity']}" for name, each in said["vulnerabilities"].items()]
    return Audited(
        locked=len(locked), looked_up=int(said["metadata"]["dependencies"]["total"]), found=tuple(found)
    )


@dataclass(frozen=True, slots=True)
class Tool:
    """A command that says as JSON what is known of a lock file: 0 nothing, 1 something."""

    command: tuple[str, ...]
    lock: str
    read: Callable[[Mapping[str, Any], str], Audited]


def tools(*, osv: str = "https://api.osv.dev", registry: str | None = None) -> dict[str, Tool]:
    """What is asked, by the language whose packages it is about. ``registry``: npm's own unless given."""
    preview = ("--preview-features", "audit-command,json-output")
    uv = (str(uv_binary()), "audit", "--frozen", "--output-format", "json", "--service-url", osv, *preview)
    npm = (*npm_command(), "audit", "--json", *(() if registry is None else ("--registry", registry)))
    return {"python": Tool(uv, "uv.lock", of_uv), "node": Tool(npm, "package-lock.json", of_npm)}


def run(asked: Mapping[str, Tool], *, repository: Path = REPOSITORY) -> dict[str, Audited]:
    """What is known of every locked package, kept and recorded.

    Error: `AUDIT_UNANSWERED`, with nothing recorded, where a tool could not look.
    """
    sources, began_at = source_sha256(repository), datetime.now(UTC)
    audited = {name: _audited(tool, repository) for name, tool in asked.items()}
    document = {
        name: {
            "locked": each.locked,
            "looked_up": each.looked_up,
            "found": sorted(each.found),
            "noted": sorted(each.noted),
        }
        for name, each in audited.items()
    }
    file = repository / FOLDER / KIND / "results.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    record(
        KIND,
        source_sha256=sources,
        began_at=began_at,
        ended_at=datetime.now(UTC),
        tool="uv, npm",
        tool_version=version("uv"),
        passed=not any(each.found for each in audited.values()),
        files=[file],
        repository=repository,
    )
    return audited


def _audited(tool: Tool, repository: Path) -> Audited:
    said = ""
    try:
        ended = subprocess.run(
            tool.command,
            cwd=repository,
            env=tool_environment(),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        said = (ended.stderr or ended.stdout).strip()[-_SAID_MAX:]
        lock = (repository / tool.lock).read_text(encoding="utf-8")
        return tool.read(json.loads(ended.stdout), lock)
    except _UNANSWERED as error:
        raise HasivuError(
            "AUDIT_UNANSWERED",
            f"Nobody could say what is known of {tool.lock}, so that nothing is recorded.",
            detail=said or type(error).__name__,
            next_step="run `make audit` where api.osv.dev and the npm registry can be reached",
            exit_code=ExitCode.CHECK_FAILED,
        ) from error


def main() -> int:
    """Run it, say what was found, and end with 1 where something was."""
    try:
        audited = run(tools())
    except HasivuError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    for name, each in audited.items():
        sys.stdout.write(f"{name}: {each.looked_up} of {each.locked} packages looked up\n")
        sys.stdout.writelines(f"  {text}\n" for text in (*each.found, *each.noted))
    return int(any(each.found for each in audited.values()))


if __name__ == "__main__":
    sys.exit(main())
