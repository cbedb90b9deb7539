"""Which resource of one side is which of the other, where the logical ids differ."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checks.diff.assembly import Assembly
from checks.diff.resource_spec import ResourceSpec

PUBLISHED = {
    "AWS::Lambda::Version": "FunctionName",
    "AWS::ApiGateway::Deployment": "RestApiId",
    "AWS::Lambda::LayerVersion": "LayerName",
}
"""Snapshots that CloudFormation makes anew by design, with the property that says of what. Their logical ids
or properties change with every release; nothing is lost with an old one."""

Place = tuple[str, str]
"""(stack, logical id)"""


def publications(base: Assembly, head: Assembly) -> dict[Place, str]:
    """Each head snapshot whose logical id is new → the base id that it takes the place of."""
    renames: dict[Place, str] = {}
    for stack_id in base.keys() & head.keys():
        before, after = base[stack_id].resources, head[stack_id].resources
        gone: dict[tuple[str, str], list[str]] = defaultdict(list)
        for logical_id in before.keys() - after.keys():
            if (subject := _published(before[logical_id])) is not None:
                gone[subject].append(logical_id)
        come: dict[tuple[str, str], list[str]] = defaultdict(list)
        for logical_id in after.keys() - before.keys():
            if (subject := _published(after[logical_id])) is not None:
                come[subject].append(logical_id)
        for subject, old in gone.items():
            renames |= {
                (stack_id, new): old_id
                for new, old_id in zip(sorted(come.get(subject, ())), sorted(old), strict=False)
            }
    return renames


def _published(body: dict[str, Any]) -> tuple[str, str] | None:
    resource_type = body.get("Type", "")
    if resource_type not in PUBLISHED:
        return None
    of = body.get("Properties", {}).get(PUBLISHED[resource_type])
    return resource_type, json.dumps(of, sort_keys=True)


@dataclass(frozen=True)
class Move:
    """A physical resource that another logical id claims: in another stack, or in the same one."""

    source: Place
    target: Place


def moves(base: Assembly, head: Assembly, spec: ResourceSpec) -> list[Move]:
    """What left one place and came to another: same type and same physical name, or same content.

    Content counts for what holds state; elsewhere two equal resources are only alike.
    """
    come: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for place, body in _unmatched(head, base):
        for mark in _marks(body, spec):
            come[mark].append(place)
    found: list[Move] = []
    taken: set[Place] = set()
    for place, body in sorted(_unmatched(base, head), key=lambda item: item[0]):
        candidates = [
            target for mark in _marks(body, spec) for target in come.get(mark, ()) if target not in taken
        ]
        if candidates:
            target = min(candidates, key=lambda to: (to[1] != place[1], to))
            taken.add(target)
            found.append(Move(place, target))
    return found


def physical_name(resource_type: str, properties: dict[str, Any], spec: ResourceSpec) -> str | None:
    """The name that the template gives to the physical resource; None where CloudFormation makes one."""
    named = [properties[name] for name in spec.name_properties(resource_type) if name in properties]
    if all(isinstance(name, str) and name.startswith("<") for name in named):
        return None  # no name at all, or only that of another resource which it belongs to
    return " ".join(name if isinstance(name, str) else json.dumps(name, sort_keys=True) for name in named)


def _unmatched(side: Assembly, other: Assembly) -> Iterator[tuple[Place, dict[str, Any]]]:
    for stack_id, stack in side.items():
        others = other[stack_id].resources if stack_id in other else {}
        for logical_id, body in stack.resources.items():
            if logical_id not in others or others[logical_id].get("Type") != body.get("Type"):
                yield (stack_id, logical_id), body


def _marks(body: dict[str, Any], spec: ResourceSpec) -> Iterator[tuple[str, str]]:
    resource_type = body.get("Type", "")
    properties = body.get("Properties", {})
    name = physical_name(resource_type, properties, spec)
    if name is not None:
        yield resource_type, f"name {name}"
    elif spec.is_stateful(resource_type):
        yield resource_type, json.dumps(properties, sort_keys=True)
