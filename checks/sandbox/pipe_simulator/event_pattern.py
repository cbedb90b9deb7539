"""EventBridge's event patterns, as far as filters of pipes use them; an unknown operator is refused.

Source: Amazon EventBridge user guide, "Amazon EventBridge event patterns" and "comparison operators".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class PatternUnsupported(ValueError):
    """A pattern uses an operator that the simulator does not know."""


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """Whether every field of the pattern matches: fields not named are ignored, alternatives are a list."""
    for key, expected in pattern.items():
        present = isinstance(event, Mapping) and key in event
        actual = event[key] if present else None
        if isinstance(expected, Mapping):
            if not matches(expected, actual):
                return False
        elif isinstance(expected, list):
            if not any(_alternative(item, actual, present=present) for item in expected):
                return False
        else:
            raise PatternUnsupported(f"{key}: a pattern's leaf is a list of alternatives")
    return True


def _alternative(expected: Any, actual: Any, *, present: bool) -> bool:
    if isinstance(expected, Mapping):
        operator, argument = next(iter(expected.items()))
        if operator == "exists":
            return present is argument
        values = actual if isinstance(actual, list) else [actual]
        return present and any(_operator(operator, argument, value) for value in values)
    return present and (expected in actual if isinstance(actual, list) else expected == actual)


def _operator(operator: str, argument: Any, value: Any) -> bool:
    match operator:
        case "prefix":
            return isinstance(value, str) and value.startswith(argument)
        case "suffix":
            return isinstance(value, str) and value.endswith(argument)
        case "equals-ignore-case":
            return isinstance(value, str) and value.lower() == argument.lower()
        case "anything-but":
            return value not in (argument if isinstance(argument, list) else [argument])
        case _:
            raise PatternUnsupported(f"the operator {operator!r} is not known to the pipe simulator")
