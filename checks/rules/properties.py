"""Properties: each is one that the rules know. What nobody thought of cannot be added in silence."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from checks.rules.estate import Estate, is_intrinsic
from checks.rules.rule import Breach, at, rule

KNOWN = Path(__file__).with_name("known_properties.toml")
ATTRIBUTES = frozenset(
    {"Type", "Properties", "Metadata", "DependsOn", "DeletionPolicy", "UpdateReplacePolicy", "Condition"}
)
"""What a resource may have beside its properties (a condition is GOV-4's). Others are listed with a slash."""

ANYTHING = "*"


@cache
def known_properties() -> Mapping[str, frozenset[str]]:
    """The known properties of each kind, dotted, lists left out: ``Targets.DeadLetterConfig.Arn``.

    One that ends in ``.*`` holds a document of its own (a policy, a pattern), which other rules read.
    """
    kinds: Mapping[str, list[str]] = tomllib.loads(KNOWN.read_text(encoding="utf-8"))
    return {kind: frozenset(_and_above(paths)) for kind, paths in kinds.items()}


def _and_above(paths: list[str]) -> Iterator[str]:
    for path in paths:
        steps = path.split(".")
        yield from (".".join(steps[:length]) for length in range(1, len(steps) + 1))


@rule(
    "HASIVU-GOV-9",
    "PCI DSS 2.2.4",
    "PCI DSS 2.2.6",
    "SOX CM-3",
    remedy="Add it to checks/rules/known_properties.toml, together with the rule that its value needs.",
)
def every_property_is_known(estate: Estate) -> Iterator[Breach]:
    """A resource has only properties that the rules know."""
    for resource in estate.resources:
        known = known_properties().get(resource.kind)
        if known is None:
            continue  # GOV-1 names the kind
        for path in _paths(resource.properties, "", known):
            yield at(resource, path, shown="a property that no rule knows")
        for name, value in resource.body.items():
            if name not in ATTRIBUTES:
                for path in _paths({name: value}, "/", known):
                    yield at(resource, path, shown="an attribute that no rule knows")


def _paths(value: Any, above: str, known: frozenset[str]) -> Iterator[str]:
    """Each property inside ``value`` that is unknown, but nothing below it."""
    if isinstance(value, list):
        for inner in value:
            yield from _paths(inner, above, known)
    elif isinstance(value, Mapping) and not is_intrinsic(value):
        for name, inner in value.items():
            path = f"{above}.{name}" if above.strip("/") else f"{above}{name}"
            if path not in known:
                yield path
            elif f"{path}.{ANYTHING}" not in known:
                yield from _paths(inner, path, known)
