"""Children of the sandbox: each in its own process group, recognised again, ended with all it started."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from checks.sandbox.state import ServiceRecord

_POLL_S = 0.05
_LOG_BYTES_MAX = 20 * 1024 * 1024  # looked at when a child starts; the log before is kept beside it
_PROC = Path("/proc")


@dataclass(frozen=True)
class _Stat:
    """The fields of /proc/<pid>/stat that matter here (proc(5))."""

    pid: int
    state: str
    group: int
    started_ticks: int

    @property
    def lives(self) -> bool:
        return self.state not in ("Z", "X")


def start(
    command: Sequence[str], *, environment: Mapping[str, str], log: Path, marker: str, url: str | None = None
) -> ServiceRecord:
    """Start `command` in a new session, its output added to `log`. `marker` is part of its command line."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))
    appending = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        command[0],
        list(command),
        dict(environment),
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), appending, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )
    stat = _stat(pid)
    return ServiceRecord(pid=pid, started_ticks=stat.started_ticks if stat else 0, marker=marker, url=url)


def is_running(record: ServiceRecord) -> bool:
    """Whether this very process lives: same pid, same start time, and the marker in its command line."""
    _reap(record.pid)
    stat = _stat(record.pid)
    if stat is None or not stat.lives or stat.started_ticks != record.started_ticks:
        return False
    try:
        command = (_PROC / str(record.pid) / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return False
    # Right after its start a process has no command line yet; its pid and start time identify it already.
    return not command or record.marker in command.replace("\0", " ")


def stop(record: ServiceRecord, *, grace_s: float) -> None:
    """End the process and everything it started.

    First it alone is asked, so that it can save its state and end its own children; then the rest of its
    group; what still lives after `grace_s` seconds is killed. A process that is not ours is left alone.
    """
    if is_running(record):
        _signal(os.kill, record.pid, signal.SIGTERM)
        _wait_until(lambda: not is_running(record), grace_s)
    elif (other := _stat(record.pid)) is not None and other.lives:
        return  # the pid was given to somebody else, and with it perhaps the group
    for how, patience_s in ((signal.SIGTERM, grace_s / 2), (signal.SIGKILL, grace_s)):
        if not _group_members(record.pid):
            break
        _signal(os.killpg, record.pid, how)
        _wait_until(lambda: not _group_members(record.pid), patience_s)
    _reap(record.pid)


def _group_members(group: int) -> list[int]:
    found = []
    for entry in _PROC.iterdir():
        stat = _stat(int(entry.name)) if entry.name.isdigit() else None
        if stat is not None and stat.group == group and stat.lives:
            found.append(stat.pid)
    return found


def _stat(pid: int) -> _Stat | None:
    try:
        text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The second field, the name in parentheses, may itself hold blanks and parentheses.
    fields = text[text.rindex(")") + 2 :].split()
    return _Stat(pid=pid, state=fields[0], group=int(fields[2]), started_ticks=int(fields[19]))


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def _signal(send: Callable[[int, int], None], target: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        send(target, number)


def _wait_until(condition: Callable[[], bool], patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_S)
