"""What the services and the functions of a sandbox wrote."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from mypy_boto3_lambda import LambdaClient
from mypy_boto3_logs import CloudWatchLogsClient

from checks.errors import ExitCode, HasivuError
from checks.sandbox.layout import Layout
from checks.sandbox.sandbox import SERVICES, Sandbox

_TAIL_LINES = 100
_POLL_S = 0.5
_FILES = (*SERVICES, "bootstrap", "deploy")


def lines(sandbox: Sandbox, name: str | None, *, follow: bool) -> Iterator[str]:
    """The last lines of a service's log or of a function's log group, and then, if `follow`, each new one.

    `name` is a service (`emulator`), a step (`deploy`), a function (`health-check`), or nothing for all
    services. Error: `LOG_UNKNOWN`.
    """
    if name is None:
        return _files(sandbox.layout, _FILES, follow=follow)
    if name in _FILES:
        return _files(sandbox.layout, (name,), follow=follow)
    return _function(sandbox, name, follow=follow)


def _files(layout: Layout, names: tuple[str, ...], *, follow: bool) -> Iterator[str]:
    """Lines of log files, each behind its file's name where there are several."""
    positions: dict[str, int] = {}
    for name in names:
        path = layout.log_of(name)
        if path.exists():
            content = path.read_bytes()
            positions[name] = content.rfind(b"\n") + 1
            for line in content.decode(errors="replace").splitlines()[-_TAIL_LINES:]:
                yield _labelled(name, line, names)
    while follow:
        time.sleep(_POLL_S)
        for name in names:
            for line in _new_lines(layout.log_of(name), name, positions):
                yield _labelled(name, line, names)


def _new_lines(path: Path, name: str, positions: dict[str, int]) -> Iterator[str]:
    if not path.exists():
        return
    with path.open("rb") as file:
        file.seek(positions.get(name, 0))
        added = file.read()
    complete = added[: added.rfind(b"\n") + 1]
    positions[name] = positions.get(name, 0) + len(complete)
    yield from complete.decode(errors="replace").splitlines()


def _labelled(name: str, line: str, names: tuple[str, ...]) -> str:
    return line if len(names) == 1 else f"{name:>9} | {line}"


def _function(sandbox: Sandbox, name: str, *, follow: bool) -> Iterator[str]:
    session = sandbox.session()
    group = _log_group(name, session.client("lambda"))
    client = session.client("logs")
    since_ms, shown = 0, Counter[str]()
    while True:
        # The emulator gives its events no ids: those of the last millisecond seen are told apart by counting.
        read = list(_events(client, group, since_ms))
        latest_ms = max((at_ms for at_ms, _ in read), default=since_ms)
        for _, message in read:
            if shown[message] > 0:
                shown[message] -= 1
            else:
                yield message.rstrip("\n")
        shown = Counter(message for at_ms, message in read if at_ms == latest_ms)
        since_ms = latest_ms
        if not follow:
            return
        time.sleep(_POLL_S)


def _events(client: CloudWatchLogsClient, group: str, since_ms: int) -> Iterator[tuple[int, str]]:
    pages = client.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since_ms)
    for page in pages:
        for event in page["events"]:
            yield event["timestamp"], event["message"]


def _log_group(name: str, client: LambdaClient) -> str:
    known = []
    for page in client.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            short = function["FunctionName"].removeprefix("hasivu-sandbox-")
            known.append(short)
            if name in (short, function["FunctionName"]):
                default = f"/aws/lambda/{function['FunctionName']}"
                return function.get("LoggingConfig", {}).get("LogGroup", default)
    raise HasivuError(
        "LOG_UNKNOWN",
        f"Nothing in this sandbox is called {name}.",
        next_step=f"name one of {', '.join([*_FILES, *sorted(known)])}",
        exit_code=ExitCode.USAGE,
    )
