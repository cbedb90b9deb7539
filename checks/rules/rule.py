"""A house rule: one function over the estate, with an id that never changes and the controls it serves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from checks.rules.estate import Estate, Resource

SHOWN_CHARACTERS_MAX = 160


class Severity(StrEnum):
    """How bad a finding is. The gate fails on both."""

    ERROR = "error"
    WARNING = "warning"


DEPLOYED = frozenset({"dev", "staging", "prod"})
"""Environments on AWS. The sandbox's emulator keeps no data that anyone would miss."""

EVERYWHERE = DEPLOYED | {"sandbox"}
SHIELDED = frozenset({"staging", "prod"})
"""Environments that stand as production does."""

PROD = frozenset({"prod"})


@dataclass(frozen=True, slots=True)
class Breach:
    """Where a rule is broken: the resource, the property, and what stands there (never a secret)."""

    stack: str
    logical_id: str
    path: str
    value: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A breach with the rule that it breaks."""

    rule_id: str
    severity: Severity
    title: str
    stack: str
    logical_id: str
    path: str
    value: str
    remedy: str
    controls: tuple[str, ...]

    @property
    def evidence(self) -> str:
        """The property and its value."""
        return f"{self.path} = {self.value}" if self.path else self.value


Check = Callable[[Estate], Iterator[Breach]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What must hold. ``check`` yields where it does not; ``environments`` says where it is asked at all."""

    rule_id: str
    title: str
    remedy: str
    controls: tuple[str, ...]
    severity: Severity
    environments: frozenset[str]
    check: Check

    def findings(self, estate: Estate) -> Iterator[Finding]:
        """Every breach in ``estate``; none where the rule does not apply to its environment."""
        if estate.environment not in self.environments:
            return
        for breach in self.check(estate):
            yield Finding(
                self.rule_id,
                self.severity,
                self.title,
                breach.stack,
                breach.logical_id,
                breach.path,
                breach.value,
                self.remedy,
                self.controls,
            )


_REGISTERED: dict[str, Rule] = {}
_ID = re.compile(r"HASIVU-[A-Z0-9]{2,4}-\d{1,2}")


def rule(
    rule_id: str,
    *controls: str,
    remedy: str,
    severity: Severity = Severity.ERROR,
    environments: frozenset[str] = EVERYWHERE,
) -> Callable[[Check], Check]:
    """Register a function as the house rule ``rule_id``; the first line of its docstring is its title."""

    def register(check: Check) -> Check:
        if not _ID.fullmatch(rule_id) or rule_id in _REGISTERED:
            raise ValueError(f"{rule_id} is no free rule id")
        title = (check.__doc__ or "").strip().splitlines()[0].removesuffix(".")
        _REGISTERED[rule_id] = Rule(rule_id, title, remedy, controls, severity, environments, check)
        return check

    return register


def registered() -> tuple[Rule, ...]:
    """Every rule of the modules that were imported, in the order of their ids."""

    def order(rule_id: str) -> tuple[str, int]:
        subject, _, number = rule_id.rpartition("-")
        return subject, int(number)

    return tuple(_REGISTERED[rule_id] for rule_id in sorted(_REGISTERED, key=order))


def at(resource: Resource, path: str, *, shown: Any = None) -> Breach:
    """A breach at ``path`` of ``resource``; ``shown`` stands for the value where the value must not be."""
    value = shown if shown is not None else resource.get(path)
    return Breach(resource.stack, resource.logical_id, path, show(value))


def show(value: Any) -> str:
    """``value`` on one line, cut to a length that a report can carry; ``absent`` for None."""
    if value is None:
        return "absent"
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN_CHARACTERS_MAX else f"{text[:SHOWN_CHARACTERS_MAX]}…"
