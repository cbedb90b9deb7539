"""`make lint`: the checks of the code itself, each run to its end, shown, and recorded for the checklist."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from checks.checklist.digests import source_sha256
from checks.evidence.run_record import FOLDER, record
from checks.toolchain import REPOSITORY

BIN: Final = Path(sys.executable).parent
_TIMEOUT_S: Final = 600

COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "ruff": ("ruff", "check", "."),
    "format": ("ruff", "format", "--check", "."),
    "static-security": (
        "ruff",
        "check",
        "--select",
        "S",
        "--ignore",
        "S603",
        "runtime",
        "stacks",
        "checks",
        "app.py",
    ),
    "mypy": ("mypy",),
    "import-contracts": ("lint-imports",),
}
"""What runs, by the name under which the checklist knows it."""

_DISTRIBUTIONS: Final = {"ruff": "ruff", "mypy": "mypy", "lint-imports": "import-linter"}


def run(commands: Mapping[str, Sequence[str]] = COMMANDS, *, repository: Path = REPOSITORY) -> bool:
    """Run all of them, print what each says, write the record; whether all passed."""
    sources, began_at = source_sha256(repository), datetime.now(UTC)
    results = {}
    for name, command in commands.items():
        result = subprocess.run(
            [str(BIN / command[0]), *command[1:]],
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        sys.stdout.write(result.stdout + result.stderr)
        tool = command[0]
        results[name] = {
            "command": " ".join(command),
            "exit_code": result.returncode,
            "said": (result.stdout + result.stderr).replace(f"{repository}/", "").splitlines()[-5:],
            "version": version(_DISTRIBUTIONS[tool]) if tool in _DISTRIBUTIONS else "",
        }
    passed = all(result["exit_code"] == 0 for result in results.values())
    file = repository / FOLDER / "lint" / "results.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    record(
        "lint",
        source_sha256=sources,
        began_at=began_at,
        ended_at=datetime.now(UTC),
        tool="ruff, mypy, import-linter",
        tool_version=", ".join(version(name) for name in ("ruff", "mypy", "import-linter")),
        passed=passed and source_sha256(repository) == sources,
        files=[file],
        repository=repository,
    )
    return passed


if __name__ == "__main__":
    sys.exit(0 if run() else 1)
