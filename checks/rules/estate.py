"""The templates of one environment as a whole: resources by type, references followed across stacks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

Template = dict[str, Any]


class _Members(dict[str, Any]):
    """A mapping of a template that can be looked for in a set, where it is in none."""

    def __hash__(self) -> int:  # type: ignore[override]  # a template's values are never changed once read
        return len(self)


class _Items(list[Any]):
    """The same for a list."""

    def __hash__(self) -> int:  # type: ignore[override]  # as above
        return len(self)


def _read(value: Any) -> Any:
    """``value`` with all its mappings and lists as ones that have a hash: what stands where a text is
    expected must be a finding, not an error."""
    if isinstance(value, _Members | _Items):
        return value  # read already; nobody changes it
    if isinstance(value, dict):
        return _Members((str(key), _read(inner)) for key, inner in value.items())
    if isinstance(value, list):
        return _Items(_read(inner) for inner in value)
    return value


COMMITTED_CONTRACT = Path(__file__).resolve().parents[2] / "runtime" / "openapi.json"


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one stack's template."""

    stack: str
    logical_id: str
    kind: str
    body: Mapping[str, Any] = field(hash=False, compare=False)

    @property
    def properties(self) -> Mapping[str, Any]:
        """The resource's properties; empty where they are missing or no mapping."""
        properties = self.body.get("Properties")
        return properties if isinstance(properties, dict) else {}

    def get(self, path: str) -> Any:
        """The property at a dotted ``path`` (``Rules.0.Status``); None where anything on the way is missing.

        A path that begins with ``/`` starts at the resource's body: ``/DeletionPolicy``.
        """
        found: Any = self.body if path.startswith("/") else self.properties
        for step in path.removeprefix("/").split("."):
            if isinstance(found, dict):
                found = found.get(step)
            elif isinstance(found, list) and step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        return found

    def items(self, path: str) -> list[Any]:
        """The list at ``path``; a single value as a list of one; empty where there is nothing."""
        found = self.get(path)
        if found is None:
            return []
        return found if isinstance(found, list) else [found]

    @property
    def name(self) -> str:
        """The resource as :meth:`Estate.text` writes a Ref to it."""
        return f"<{self.stack}.{self.logical_id}>"


_REFERENCE = re.compile(r"<([A-Za-z0-9-]+)\.([A-Za-z0-9]+)((?:\.[A-Za-z0-9]+)*)>")
_SUB = re.compile(r"\$\{([A-Za-z0-9:]+)(?:\.([A-Za-z0-9.]+))?\}")


class Estate:
    """The templates of one environment.

    ``contract`` is the API's contract that the estate must deploy: the committed one unless given.
    ``account`` is the account that it is for, where that is known before the deployment.
    ``templates`` maps a stack (its construct id) to its template, ``stack_names`` the same ids to the names
    that references across stacks use (``hasivu-prod-data``; made from the ids unless given), and
    ``termination_protection`` the ids to whether the stack refuses to be deleted (None: not known).
    """

    def __init__(
        self,
        templates: Mapping[str, Template],
        *,
        environment: str,
        stack_names: Mapping[str, str] | None = None,
        termination_protection: Mapping[str, bool] | None = None,
        contract: Mapping[str, Any] | None = None,
        account: str | None = None,
    ) -> None:
        self.templates: dict[str, Template] = {
            stack: _read(template) for stack, template in templates.items()
        }
        self.looked_at: Resource | None = None
        self.environment = environment
        self.account = account
        self.termination_protection = None if termination_protection is None else dict(termination_protection)
        self._contract = contract
        names = stack_names or {stack: f"hasivu-{environment}-{stack.lower()}" for stack in templates}
        self._stack_names = dict(names)
        self._stack_of_name = {name: stack for stack, name in names.items()}

    def with_templates(self, templates: Mapping[str, Template]) -> Estate:
        """The same environment with other ``templates``."""
        return Estate(
            templates,
            environment=self.environment,
            stack_names=self._stack_names,
            termination_protection=self.termination_protection,
            contract=self._contract,
            account=self.account,
        )

    @cached_property
    def contract(self) -> Mapping[str, Any]:
        """The OpenAPI document that the runtime generates."""
        if self._contract is not None:
            return self._contract
        committed: Mapping[str, Any] = json.loads(COMMITTED_CONTRACT.read_text(encoding="utf-8"))
        return committed

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Every resource of every stack."""
        return tuple(
            Resource(stack, logical_id, str(body.get("Type")), body)
            for stack, template in self.templates.items()
            for logical_id, body in template.get("Resources", {}).items()
        )

    @cached_property
    def _by_kind(self) -> dict[str, list[Resource]]:
        by_kind: dict[str, list[Resource]] = {}
        for resource in self.resources:
            by_kind.setdefault(resource.kind, []).append(resource)
        return by_kind

    @cached_property
    def _by_place(self) -> dict[tuple[str, str], Resource]:
        return {(resource.stack, resource.logical_id): resource for resource in self.resources}

    def of(self, *kinds: str) -> Iterator[Resource]:
        """Every resource of the CloudFormation types ``kinds``."""
        for kind in kinds:
            for resource in self._by_kind.get(kind, ()):
                self.looked_at = resource
                yield resource

    def text(self, value: Any, stack: str) -> str:
        """``value`` of a template of ``stack`` as text, references as ``<Stack.LogicalId.Attribute>``.

        What cannot be known before the deployment stays visible as ``<AWS::Region>`` or ``<?...>``.
        """
        match value:
            case str():
                return value
            case bool() | int() | float():
                return json.dumps(value)
            case {"Fn::Join": [str(between), list(parts)]}:
                return between.join(self.text(part, stack) for part in parts)
            case {"Fn::GetStackOutput": {"StackName": name, "OutputName": str(output)}}:
                return self._text_of_output(self.text(name, stack), output)
            case {"Fn::Select": [index, {"Fn::Split": [str(between), inner]}]}:
                return self._selected(self.text(inner, stack), between, int(index))
            case {"Fn::Sub": _}:
                return self._text_of_sub(value["Fn::Sub"], stack)
        return _text_of_reference(value, stack)

    def _text_of_output(self, stack_name: str, output: str) -> str:
        producer = self._stack_of_name.get(stack_name, "")
        found = self.templates.get(producer, {}).get("Outputs", {}).get(output)
        if found is None:
            return f"<?output {stack_name} {output}>"
        return self.text(found.get("Value"), producer)

    @staticmethod
    def _selected(text: str, between: str, index: int) -> str:
        parts = text.split(between)
        if "<" not in text and index < len(parts):
            return parts[index]
        return f"{text}[{between}{index}]"

    def _text_of_sub(self, value: Any, stack: str) -> str:
        template, variables = value if isinstance(value, list) else (value, {})

        def substituted(found: re.Match[str]) -> str:
            name, attribute = found.group(1), found.group(2)
            if name in variables:
                return self.text(variables[name], stack)
            return self.text({"Fn::GetAtt": [name, attribute]} if attribute else {"Ref": name}, stack)

        return _SUB.sub(substituted, template)

    def texts(self, value: Any, stack: str) -> list[str]:
        """One value or a list of them as texts."""
        if value is None:
            return []
        return [self.text(item, stack) for item in (value if isinstance(value, list) else [value])]

    def named(self, kind: str, name_property: str, name: str) -> Resource | None:
        """The resource of ``kind`` whose physical name is ``name`` (``{env}``: the environment)."""
        wanted = name.replace("{env}", self.environment)
        return next((item for item in self.of(kind) if item.get(name_property) == wanted), None)

    def ours(self, resource: Resource, path: str, *kinds: str) -> bool:
        """Whether the property at ``path`` refers to a resource of the estate, of one of ``kinds``."""
        found = self.target(resource.get(path), resource.stack)
        return found is not None and found.kind in kinds

    def target(self, value: Any, stack: str) -> Resource | None:
        """The resource that ``value`` refers to first; None where it is none of the estate's."""
        return next(iter(self.targets(value, stack)), None)

    def targets(self, value: Any, stack: str) -> list[Resource]:
        """Every resource of the estate that ``value`` refers to, anywhere inside its text."""
        found = _REFERENCE.findall(self.text(value, stack))
        places = [(place_stack, logical_id) for place_stack, logical_id, _ in found]
        return [self._by_place[place] for place in places if place in self._by_place]

    def named_in(self, value: Any, stack: str) -> set[Resource]:
        """Every resource that is referred to anywhere inside ``value``, however deeply nested."""
        found = set(self.targets(value, stack)) if isinstance(value, str) or is_intrinsic(value) else set()
        for inner in _members(value):
            found |= self.named_in(inner, stack)
        return found


def _text_of_reference(value: Any, stack: str) -> str:
    match value:
        case {"Ref": str(name)}:
            return f"<{name}>" if name.startswith("AWS::") else f"<{stack}.{name}>"
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"<{stack}.{name}.{attribute}>"
        case {"Fn::GetAtt": str(dotted)}:
            return f"<{stack}.{dotted}>"
    return f"<?{json.dumps(value, sort_keys=True, default=str)}>"


def is_intrinsic(value: Any) -> bool:
    """Whether ``value`` is a function of CloudFormation: a reference, a join and their like."""
    if not (isinstance(value, dict) and len(value) == 1):
        return False
    (name,) = value
    return bool(name == "Ref" or name.startswith("Fn::"))


def _members(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


REFERENCES = ("Ref", "Fn::GetAtt", "Fn::GetStackOutput", "Fn::ImportValue")


def literals_in(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every string inside ``value`` that is written there, and no name of what is referred to."""
    if isinstance(value, dict) and any(name in value for name in REFERENCES):
        return
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from literals_in(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from literals_in(inner, f"{path}.{index}" if path else str(index))


def strings_in(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every string inside ``value``, with its dotted path below ``path``."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings_in(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings_in(inner, f"{path}.{index}" if path else str(index))
