"""Planting one weakness in the templates of an estate."""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from checks.rules.estate import Resource

Body = dict[str, Any]
Templates = dict[str, Body]
Change = Callable[[Body], None]
Where = Callable[[Mapping[str, Any]], bool]


def _anywhere(properties: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True)
class Weakness:
    """One weakness: what is done to the first resource of ``kind`` whose properties satisfy ``where``.

    ``rule_id`` names it in the sound estate; in a real one any rule may. ``change`` works on the resource's
    body. ``beside`` adds a resource ``Planted`` instead; with ``section`` the change works on the whole
    template. ``witness`` is a kind of which some resource is named where the weak one is not itself.
    """

    rule_id: str
    title: str
    kind: str = ""
    change: Change | None = None
    where: Where = _anywhere
    beside: Body | None = None
    gone: bool = False
    section: Change | None = None
    witness: str = ""

    def __str__(self) -> str:
        return f"{self.rule_id} {self.title}"

    def plant(self, templates: Templates) -> tuple[Templates, frozenset[str]] | None:
        """The templates with the weakness, and the logical ids one of which must be named; None if there is
        nothing to weaken."""
        if self.section is not None or self.beside is not None:
            stack = _stack_of(templates, self.kind)
            if self.section is not None:
                weak = templates | {stack: _plain(templates[stack])}
                self.section(weak[stack])
                return weak, self._named(weak, stack)
            weak = _copied(templates, stack)
            weak[stack]["Resources"]["Planted"] = copy.deepcopy(self.beside)
            return weak, frozenset({"Planted"}) | self._witnesses(weak)
        found = next(self._candidates(templates), None)
        if found is None:
            return None
        weak = _copied(templates, found.stack, found.logical_id)
        resources = weak[found.stack]["Resources"]
        if self.gone:
            del resources[found.logical_id]
            # Whoever referred to it is as good a witness.
            return weak, frozenset({found.logical_id}) | self._witnesses(weak)
        assert self.change is not None
        self.change(resources[found.logical_id])
        return weak, frozenset({found.logical_id}) | self._witnesses(weak)

    def _candidates(self, templates: Templates) -> Iterator[Resource]:
        for stack, template in templates.items():
            for logical_id, body in template["Resources"].items():
                if body["Type"] == self.kind and self.where(body.get("Properties", {})):
                    yield Resource(stack, logical_id, self.kind, body)

    def _witnesses(self, templates: Templates) -> frozenset[str]:
        if not self.witness:
            return frozenset()
        return frozenset(
            logical_id
            for template in templates.values()
            for logical_id, body in template["Resources"].items()
            if body["Type"] == self.witness
        )

    def _named(self, templates: Templates, stack: str) -> frozenset[str]:
        names = {
            stack,
            "Planted",
            *templates[stack].get("Parameters", {}),
            *templates[stack].get("Outputs", {}),
        }
        return frozenset(names) | self._witnesses(templates)


def _stack_of(templates: Templates, kind: str) -> str:
    """The first stack that has a resource of ``kind``; the first one for no kind."""
    for stack, template in templates.items():
        if not kind or any(body["Type"] == kind for body in template["Resources"].values()):
            return stack
    return next(iter(templates))


def _copied(templates: Templates, stack: str, *logical_ids: str) -> Templates:
    """The templates with the resources of ``stack`` to be added to and removed from, and with those of
    ``logical_ids`` to be changed; all the others are shared."""
    resources = dict(templates[stack]["Resources"])
    resources |= {logical_id: _plain(resources[logical_id]) for logical_id in logical_ids}
    return templates | {stack: templates[stack] | {"Resources": resources}}


def _plain(value: Any) -> Any:
    """A copy of ``value`` to be changed: an estate reads it again, and what was put into it."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


# What can be done to a body. A path is dotted; it starts at the properties, with "/" at the body.


def _holder(body: Body, path: str) -> tuple[Any, str | int]:
    found: Any = body if path.startswith("/") else body.setdefault("Properties", {})
    *steps, last = path.removeprefix("/").split(".")
    for step in steps:
        found = found[int(step)] if isinstance(found, list) else found.setdefault(step, {})
    return found, int(last) if isinstance(found, list) else last


def put(path: str, value: Any) -> Change:
    """Set ``path`` to ``value``."""

    def change(body: Body) -> None:
        holder, last = _holder(body, path)
        holder[last] = copy.deepcopy(value)

    return change


def drop(path: str) -> Change:
    """Remove what stands at ``path``."""

    def change(body: Body) -> None:
        holder, last = _holder(body, path)
        del holder[last]

    return change


def add(path: str, value: Any) -> Change:
    """Append ``value`` to the list at ``path``, which may be missing or a single value."""

    def change(body: Body) -> None:
        holder, last = _holder(body, path)
        present = holder.get(last, []) if isinstance(holder, dict) else holder[last]
        holder[last] = [*(present if isinstance(present, list) else [present]), copy.deepcopy(value)]

    return change


def every(*changes: Change) -> Change:
    """Do all of ``changes``."""

    def change(body: Body) -> None:
        for one in changes:
            one(body)

    return change


def each(path: str, name: str, value: Any) -> Change:
    """Set ``name`` to ``value`` in every member of the list at ``path``."""

    def change(body: Body) -> None:
        holder, last = _holder(body, path)
        for member in holder[last]:
            member[name] = copy.deepcopy(value)

    return change


def named(path: str, end: str) -> Where:
    """Whether the text at ``path`` of the properties ends with ``end``."""

    def where(properties: Mapping[str, Any]) -> bool:
        return str(properties.get(path, "")).endswith(end)

    return where


def having(*names: str) -> Where:
    """Whether the properties have all of ``names``."""

    def where(properties: Mapping[str, Any]) -> bool:
        return all(name in properties for name in names)

    return where


def reading(metric: str) -> Where:
    """Whether an alarm looks at ``metric``, alone, and not only for the deployments of a function."""

    def where(properties: Mapping[str, Any]) -> bool:
        return properties.get("MetricName") == metric and ":live" not in str(properties.get("Dimensions"))

    return where


def computing(metric: str) -> Where:
    """Whether an alarm computes something from ``metric``."""

    def where(properties: Mapping[str, Any]) -> bool:
        return f"'MetricName': '{metric}'" in str(properties.get("Metrics"))

    return where
