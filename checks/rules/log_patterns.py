"""CloudWatch's filter patterns for JSON lines, read and applied as CloudWatch does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
Of it: comparison of texts (``*`` for any) and numbers, EXISTS, IS, ``&&``, ``||`` and parentheses.
A line without the field that a term asks for does not match the term, whatever it compares.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Mapping
from typing import Any

Line = Mapping[str, Any]
Predicate = Callable[[Line], bool]

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[(){}]|&&|\|\|)|(?P<field>\$\.[\w.]+)|(?P<operator>!=|<=|>=|=|<|>)"
    r'|"(?P<text>[^"]*)"|(?P<word>[\w.*-]+))'
)
_ABSENT = object()
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}
_ORDERS: Mapping[str, Callable[[float, float], bool]] = {
    "<": lambda found, asked: found < asked,
    "<=": lambda found, asked: found <= asked,
    ">": lambda found, asked: found > asked,
    ">=": lambda found, asked: found >= asked,
}


def matcher(pattern: str) -> Predicate:
    """Whether a JSON line matches ``pattern``. Raises ValueError for a pattern that cannot be read."""
    reading = _Reading(pattern)
    reading.expect("{")
    predicate = reading.either()
    reading.expect("}")
    reading.end()
    return predicate


class _Reading:
    """A pattern as its tokens, read from left to right."""

    def __init__(self, pattern: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        stripped = pattern.rstrip()
        while place < len(stripped):
            found = _TOKEN.match(stripped, place)
            if found is None or found.lastgroup is None:
                raise ValueError(f"not a filter pattern from {stripped[place:]!r} on")
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        self._next = 0

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _take(self, kind: str) -> str:
        found, text = self._peek()
        if found != kind:
            raise ValueError(f"expected a {kind}, found {text or 'the end'!r}")
        self._next += 1
        return text

    def expect(self, mark: str) -> None:
        if self._take("mark") != mark:
            raise ValueError(f"expected {mark!r}")

    def end(self) -> None:
        self._take("end")

    def either(self) -> Predicate:
        terms = [self._both()]
        while self._peek() == ("mark", "||"):
            self.expect("||")
            terms.append(self._both())
        return lambda line: any(term(line) for term in terms)

    def _both(self) -> Predicate:
        terms = [self._term()]
        while self._peek() == ("mark", "&&"):
            self.expect("&&")
            terms.append(self._term())
        return lambda line: all(term(line) for term in terms)

    def _term(self) -> Predicate:
        if self._peek() == ("mark", "("):
            self.expect("(")
            inner = self.either()
            self.expect(")")
            return inner
        steps = self._take("field").removeprefix("$.").split(".")
        if self._peek()[0] == "operator":
            return self._comparison(steps, self._take("operator"))
        return self._property(steps, self._take("word"))

    def _comparison(self, steps: list[str], operator: str) -> Predicate:
        kind, asked = self._peek()
        self._take("text" if kind == "text" else "word")
        if operator in _ORDERS:
            limit, order = float(asked), _ORDERS[operator]
            return lambda line: _is_number(found := _at(line, steps)) and order(found, limit)
        wanted = operator == "="
        return lambda line: (found := _at(line, steps)) is not _ABSENT and _says(found, asked) is wanted

    def _property(self, steps: list[str], word: str) -> Predicate:
        if word == "EXISTS":
            return lambda line: _at(line, steps) is not _ABSENT
        second = self._take("word")
        if (word, second) == ("NOT", "EXISTS"):
            return lambda line: _at(line, steps) is _ABSENT
        if word == "IS" and second in _CONSTANTS:
            constant = _CONSTANTS[second]
            return lambda line: _at(line, steps) is constant
        raise ValueError(f"{word} {second} is no property")


def _at(line: Line, steps: list[str]) -> Any:
    found: Any = line
    for step in steps:
        if not isinstance(found, Mapping) or step not in found:
            return _ABSENT
        found = found[step]
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _says(found: Any, asked: str) -> bool:
    text = str(found).lower() if isinstance(found, bool) else str(found)
    return fnmatch.fnmatchcase(text, asked.replace("[", "[[]").replace("?", "[?]"))
