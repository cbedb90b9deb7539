"""One command at a time works on one sandbox folder."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from checks.errors import ExitCode, HasivuError


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold the lock file at `path`; the kernel lets go of it if this process dies. Error: `SANDBOX_BUSY`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise _busy(path.parent, lock.read().strip()) from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _busy(directory: Path, holder: str) -> HasivuError:
    return HasivuError(
        "SANDBOX_BUSY",
        f"Another command (process {holder or 'unknown'}) is at work on the sandbox in {directory}.",
        next_step="wait until it has finished, or use another folder with --dir",
        exit_code=ExitCode.SANDBOX,
    )
