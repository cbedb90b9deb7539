"""An assembly as it is compared: references, account and names written so that only real changes differ.

Every intrinsic that points somewhere becomes text: `<Data.Ledger.Arn>`, also across stacks, whatever the
export or output in between is called. Asset hashes become `asset-…`, the account its pseudo parameter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Template = dict[str, Any]
Renames = Mapping[tuple[str, str], str]
"""(stack, logical id) → the logical id that it counts as."""

ACCOUNT = "<account>"
PLACEHOLDER_ACCOUNT = "000000000000"
"""Stands in where an environment names no account; like any own account it is written as ACCOUNT."""

_ASSET = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_PSEUDO = {"AWS::AccountId": ACCOUNT, "AWS::Partition": "aws", "AWS::URLSuffix": "amazonaws.com"}
_SUB_PART = re.compile(r"\$\{(?!!)([^}]+)\}")


@dataclass(frozen=True, kw_only=True)
class Stack:
    """One stack of an assembly. `id` is its construct id: the same in every environment."""

    id: str
    name: str
    account: str | None
    region: str
    termination_protection: bool
    template: Template

    @property
    def resources(self) -> dict[str, dict[str, Any]]:
        resources: dict[str, dict[str, Any]] = self.template.get("Resources", {})
        return resources

    def path_of(self, logical_id: str) -> str:
        """The construct path below the stack, or the logical id where the template does not say."""
        metadata = self.resources.get(logical_id, {}).get("Metadata", {})
        path = str(metadata.get("aws:cdk:path", "")).removeprefix(f"{self.id}/").removesuffix("/Resource")
        return path or logical_id


Assembly = dict[str, Stack]


def read_assembly(folder: Path) -> Assembly:
    """The stacks in `folder` by construct id, templates untouched; none where there is no assembly."""
    manifest_file = folder / "manifest.json"
    if not manifest_file.is_file():
        return {}
    manifest = json.loads(manifest_file.read_text(encoding="utf-8"))
    stacks = {}
    for stack_id, artifact in manifest["artifacts"].items():
        if artifact["type"] != "aws:cloudformation:stack":
            continue
        properties = artifact["properties"]
        account, _, region = artifact["environment"].removeprefix("aws://").partition("/")
        stacks[stack_id] = Stack(
            id=stack_id,
            name=properties.get("stackName", stack_id),
            account=account if account.isdigit() else None,
            region=region,
            termination_protection=bool(properties.get("terminationProtection")),
            template=json.loads((folder / properties["templateFile"]).read_text(encoding="utf-8")),
        )
    return stacks


def comparable(assembly: Assembly, renames: Renames | None = None) -> Assembly:
    """The same stacks with everything that points somewhere as text."""
    writer = _Writer(assembly, renames or {})
    return {
        stack_id: Stack(
            id=stack.id,
            name=stack.name,
            account=stack.account,
            region=stack.region,
            termination_protection=stack.termination_protection,
            template=writer.template(stack),
        )
        for stack_id, stack in assembly.items()
    }


@dataclass
class _Writer:
    assembly: Assembly
    renames: Renames
    _stack_of_name: dict[str, str] = field(init=False)
    _exports: dict[str, tuple[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._stack_of_name = {stack.name: stack.id for stack in self.assembly.values()}
        self._exports = {
            name: (stack.id, output["Value"])
            for stack in self.assembly.values()
            for output in stack.template.get("Outputs", {}).values()
            if isinstance(name := output.get("Export", {}).get("Name"), str)
        }

    def template(self, stack: Stack) -> Template:
        written = {
            section: self.value(content, stack.id)
            for section, content in stack.template.items()
            if section != "Resources"
        }
        written["Resources"] = {
            self.renames.get((stack.id, logical_id), logical_id): {
                key: content if key in ("Metadata", "Type") else self.value(content, stack.id)
                for key, content in body.items()
            }
            for logical_id, body in stack.resources.items()
        }
        return written

    def value(self, value: Any, stack: str, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._plain(value, stack)
        if isinstance(value, list):
            return [self.value(item, stack, depth) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1 and depth < _DEPTH_MAX:
            (name, argument), *_ = value.items()
            text = self._intrinsic(name, argument, stack, depth + 1)
            if text is not None:
                return text
        return {key: self.value(item, stack, depth) for key, item in value.items()}

    def _intrinsic(self, name: str, argument: Any, stack: str, depth: int) -> str | None:
        """An intrinsic as text; None where it has no text of its own and is compared as it is written."""
        text: str | None = None
        match name, argument:
            case "Ref" | "Fn::GetAtt", str():
                text = self._reference(argument, stack)
            case "Fn::GetAtt", [str(target), str(attribute)]:
                text = self._reference(f"{target}.{attribute}", stack)
            case "Fn::Join", [str(between), list(parts)]:
                text = between.join(_text(self.value(part, stack, depth)) for part in parts)
            case "Fn::Sub", str():
                text = _SUB_PART.sub(lambda part: self._reference(part[1], stack), argument)
            case "Fn::Select", [int() | str() as index, {"Fn::Split": [str(between), inner]}]:
                text = f"{_text(self.value(inner, stack, depth))}[{between}{index}]"
            case "Fn::ImportValue", str() if argument in self._exports:
                producer, exported = self._exports[argument]
                text = _text(self.value(exported, producer, depth))
            case "Fn::GetStackOutput", {"StackName": str(producer_name), "OutputName": str(output)}:
                text = self._output(producer_name, output, depth)
        return text if text is None else self._plain(text, stack)

    def _output(self, producer_name: str, output: str, depth: int) -> str | None:
        producer = self._stack_of_name.get(producer_name)
        if producer is None:
            return None
        outputs = self.assembly[producer].template.get("Outputs", {})
        if output not in outputs:
            return None
        return _text(self.value(outputs[output]["Value"], producer, depth))

    def _reference(self, target: str, stack: str) -> str:
        if target in _PSEUDO:
            return _PSEUDO[target]
        if target == "AWS::Region":
            return self.assembly[stack].region
        logical_id, dot, attribute = target.partition(".")
        logical_id = self.renames.get((stack, logical_id), logical_id)
        return f"<{stack}.{logical_id}{dot}{attribute}>"

    def _plain(self, text: str, stack: str) -> str:
        account = self.assembly[stack].account
        if account is not None:
            text = text.replace(account, ACCOUNT)
        return _ASSET.sub(lambda found: f"asset-{found[0][:12]}", text)


_DEPTH_MAX = 32
"""Outputs that refer to each other in a circle end here instead of never."""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
