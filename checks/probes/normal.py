"""Templates and APIs say one thing in several ways: what counts as the same, and where two differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_SHOWN = 90


def parsed(value: Any) -> Any:
    """A document that is written as text, as what it says; anything else as it is."""
    if isinstance(value, str) and value[:1] in "{[":
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def is_a_placeholder(value: object) -> bool:
    """Whether a template leaves a value to the deployment: a name that nobody can have (RFC 2606)."""
    return str(value).endswith(".invalid")


def scalar(value: Any) -> Any:
    """``30``, ``30.0`` and ``"30"`` are one; so are ``True`` and ``"true"``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if isinstance(value, str):
        lowered = value.lower()
        if lowered in ("true", "false"):
            return lowered
        return value.removesuffix(".0") if value.replace(".", "", 1).isdigit() else value
    return value


def policy(value: Any) -> Any:
    """A policy document in one form: single values as lists, principals as ARNs, ``Sid`` and ``Id`` away."""
    document = parsed(value)
    if document in (None, ""):
        return []
    if not isinstance(document, Mapping):
        return document
    statements = document.get("Statement") or []
    return [_statement(item) for item in (statements if isinstance(statements, list) else [statements])]


def _statement(item: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in item.items():
        if key == "Sid":
            continue
        if key in ("Principal", "NotPrincipal"):
            found[key] = _principals(value)
        elif key == "Condition":
            found[key] = {
                operator: {name: _list(asked) for name, asked in tests.items()}
                for operator, tests in value.items()
            }
        elif key == "Effect":
            found[key] = value
        else:
            found[key] = _list(value)
    return found


def _principals(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return {"AWS": [value]}
    return {family: [_account(name) for name in _list(names)] for family, names in value.items()}


def _account(name: Any) -> Any:
    """AWS gives an account's number for its root user, and the other way round."""
    text = str(name)
    return f"arn:aws:iam::{text}:root" if text.isdigit() and len(text) == 12 else name


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


class Difference(NamedTuple):
    """Where two values differ, and how: ``how`` quotes both."""

    path: str
    how: str


def differences(expected: Any, running: Any, *, exact: bool = False, path: str = "") -> Iterator[Difference]:
    """Where ``running`` is not as ``expected``.

    The order of lists does not count, their length does. What runs may have more members than the template
    names, as AWS adds its own defaults, unless ``exact``.
    """
    if isinstance(expected, Mapping):
        if not isinstance(running, Mapping):
            yield _difference(path, expected, running)
            return
        for key, value in expected.items():
            yield from differences(
                value, running.get(key), exact=exact, path=f"{path}.{key}" if path else str(key)
            )
        if exact:
            for key in sorted(set(running) - set(expected)):
                yield Difference(f"{path}.{key}".lstrip("."), "is only in what runs")
    elif isinstance(expected, list | tuple):
        yield from _of_lists(list(expected), running, exact=exact, path=path)
    elif scalar(expected) != scalar(running):
        yield _difference(path, expected, running)


def _of_lists(expected: list[Any], running: Any, *, exact: bool, path: str) -> Iterator[Difference]:
    left = list(running) if isinstance(running, list | tuple) else [] if running is None else [running]
    missing = []
    for item in expected:
        # What is equal outright comes first: a list of one is also as good as its only member.
        alike = (i for i, other in enumerate(left) if not any(differences(item, other, exact=exact)))
        index = left.index(item) if item in left else next(alike, None)
        if index is None:
            missing.append(item)
        else:
            left.pop(index)
    for item in missing:
        if len(missing) == len(left) == 1:
            yield from differences(item, left[0], exact=exact, path=path)
            return
        yield Difference(path, f"lacks {_short(item)}")
    for item in left:
        yield Difference(path, f"has {_short(item)}, which the template has not")


def _difference(path: str, expected: Any, running: Any) -> Difference:
    return Difference(path, f"runs as {_short(running)}, the template says {_short(expected)}")


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
