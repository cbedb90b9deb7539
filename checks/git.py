"""What git says of this repository."""

from __future__ import annotations

import subprocess
from pathlib import Path

from checks.toolchain import REPOSITORY

_TIMEOUT_S = 60


def said(*arguments: str, repository: Path = REPOSITORY) -> str | None:
    """What git answers, without the blanks around it; None where it is not there or does not know."""
    try:
        found = subprocess.run(
            ["git", *arguments],  # noqa: S607  (git is the person's own, found on PATH like make)
            cwd=repository,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
