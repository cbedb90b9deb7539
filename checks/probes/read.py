"""Readers: from a question to an API to one value of its answer, in CloudFormation's words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from checks.probes.account import Account
from checks.probes.model import Line, Probe, Read
from checks.probes.running import Live

Argument = str | Callable[[Live], Any] | list[str]


def physical_id(live: Live) -> str:
    """The name that AWS knows the resource by."""
    return live.physical_id


def prop(path: str) -> Callable[[Live], Any]:
    """The template's property at ``path`` as an argument of a question."""
    return lambda live: live.expected(path)


def arguments_of(live: Live, arguments: Mapping[str, Argument]) -> dict[str, Any]:
    """The arguments of a question about ``live``."""
    return {name: value(live) if callable(value) else value for name, value in arguments.items()}


def answer(
    service: str, operation: str, path: str = "", *, absent: tuple[str, ...] = (), **arguments: Argument
) -> Read:
    """What the answer to ``operation`` has at the dotted ``path``; None where it has nothing there.

    ``absent`` are the codes by which AWS says that there is no such configuration.
    """

    def read(account: Account, live: Live) -> Any:
        given = arguments_of(live, arguments)
        found = account.ask(service, operation, region=live.region, absent=absent, **given)
        return within(found, path)

    return read


def member(
    service: str,
    operation: str,
    key: str,
    name: str,
    path: str = "",
    *,
    of: Callable[[Live], Any] = physical_id,
    **arguments: Argument,
) -> Read:
    """The member of a list whose ``name`` is that of the resource, at ``path``. Raises Missing."""

    def read(account: Account, live: Live) -> Any:
        given = arguments_of(live, arguments)
        wanted = of(live)
        for item in account.all(service, operation, key, region=live.region, **given):
            if item.get(name) == wanted:
                return within(item, path)
        raise Missing(f"{wanted} is not among {key}")

    return read


class Missing(Exception):
    """The list of what runs has no such member."""


def within(found: Any, path: str) -> Any:
    """The value at a dotted ``path``; None where anything on the way is missing."""
    for step in filter(None, path.split(".")):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found


def then(read: Read, change: Callable[[Any], Any]) -> Read:
    """What ``read`` reads, changed; None stays None."""

    def changed(account: Account, live: Live) -> Any:
        found = read(account, live)
        return None if found is None else change(found)

    return changed


def upper(value: Any) -> Any:
    """``value`` with keys in CloudFormation's spelling: ``metricName`` becomes ``MetricName``."""
    if isinstance(value, Mapping):
        return {f"{key[:1].upper()}{key[1:]}": upper(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [upper(inner) for inner in value]
    return value


def lines_of(
    kind: str, probe: Probe, read: Callable[[str], Read], *paths: str, **options: Any
) -> tuple[Line, ...]:
    """Lines for ``paths`` whose names are the same on both sides: ``read(path)`` is their reader."""
    return tuple(Line(kind=kind, path=path, probe=probe, read=read(path), **options) for path in paths)
