"""An account on disk, so that a sandbox that was stopped goes on where it was."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any


class StateUnreadable(Exception):
    """The saved account cannot be read. Its message says what to do."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} cannot be read ({why}). Move it away, or reset the sandbox, and start again."
        )


def write(path: Path, text: str) -> Path:
    """Replaces the file in one step, so that it is never half of an account; its owner alone can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    return path


def restore(path: Path, take_over: Callable[[dict[str, Any]], None], *, format_number: int) -> bool:
    """Gives the saved account to `take_over`; False if there is none.

    Raises StateUnreadable for what is not JSON, has another `format`, or is not what `take_over` expects. The
    message names the kind of trouble only: what is saved holds personal data.
    """
    if not path.exists():
        return False
    try:
        account = json.loads(path.read_text(encoding="utf-8"))
        if account["format"] != format_number:
            raise StateUnreadable(path, f"its format is not {format_number}")
        take_over(account)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise StateUnreadable(path, type(problem).__name__) from problem
    return True
