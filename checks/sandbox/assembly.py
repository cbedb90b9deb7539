"""The copy of an assembly that the emulator can deploy.

The synthesised templates stay as they are, for the checks and for AWS. In the copy, the resources of the
gap list are left out, and with them every reference to them; all that was left out is reported.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checks.sandbox.emulator_gaps import Gap, StatementGap, gap_of, statement_gap_of

_SUB_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[^}!]+)?\}")
_GONE = object()


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """Something of `stack` that is not in the emulator: a resource, or a place that referred to one."""

    stack: str
    what: str
    reason: str


@dataclass(frozen=True)
class Filtered:
    """A template as the emulator gets it, and what is missing from it."""

    template: dict[str, Any]
    left_out: tuple[LeftOut, ...]


def filter_template(template: Mapping[str, Any], *, stack: str) -> Filtered:
    """Leave out what the gap list names and whatever refers to it, and nothing else."""
    resources: dict[str, Any] = {}
    left_out: list[LeftOut] = []
    for name, body in template.get("Resources", {}).items():
        gap: Gap | StatementGap | None = gap_of(body)
        kept: Mapping[str, Any] | None = body if gap is None else None
        what = body.get("Type", "")
        if gap is None:
            kept, gap = _without_statements(body)
            what = f"statement of {what}"
        if gap is not None:
            left_out.append(
                LeftOut(stack=stack, what=f"{what} {name}", reason=f"{gap.reason}; {gap.instead}")
            )
        if kept is not None:
            resources[name] = kept
    gone = frozenset(template.get("Resources", {})) - resources.keys()
    places: list[str] = []
    cleaned = _without({**template, "Resources": resources}, gone, path=(), places=places)
    left_out += [LeftOut(stack=stack, what=place, reason="refers to what is left out") for place in places]
    return Filtered(cleaned, tuple(left_out))


def copy_for_emulator(assembly: Path, copy: Path) -> list[LeftOut]:
    """Write `copy`, the deployable twin of `assembly`, and return what it lacks."""
    if copy.exists():
        shutil.rmtree(copy)
    shutil.copytree(assembly, copy, symlinks=True)
    manifest_path = copy / "manifest.json"
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    left_out: list[LeftOut] = []
    for name, artifact in sorted(stack_artifacts(manifest)):
        template_path = copy / artifact["properties"]["templateFile"]
        before = template_path.read_bytes()
        filtered = filter_template(json.loads(before), stack=name)
        if not filtered.left_out:
            continue
        left_out += filtered.left_out
        after = json.dumps(filtered.template, indent=1).encode()
        template_path.write_bytes(after)
        _rename_template_asset(copy, artifact, template_path.name, hashlib.sha256(after).hexdigest())
    manifest_path.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    return left_out


def stack_artifacts(manifest: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Stack name → artifact, for every stack in an assembly's manifest."""
    for name, artifact in manifest["artifacts"].items():
        if artifact["type"] == "aws:cloudformation:stack":
            yield artifact["properties"].get("stackName", name), artifact


def _rename_template_asset(copy: Path, artifact: dict[str, Any], template: str, sha256: str) -> None:
    """Give the changed template another key in the bootstrap bucket: what is there is not replaced."""
    properties = artifact["properties"]
    before = properties.get("stackTemplateAssetObjectUrl")
    if before is None:
        return
    assets_path = copy / template.replace(".template.json", ".assets.json")
    assets = json.loads(assets_path.read_text(encoding="utf-8"))
    for entry in assets["files"].values():
        if entry["source"]["path"] == template:
            for destination in entry["destinations"].values():
                folder, slash, _ = destination["objectKey"].rpartition("/")
                destination["objectKey"] = f"{folder}{slash}{sha256}.json"
    assets_path.write_text(json.dumps(assets, indent=2), encoding="utf-8")
    properties["stackTemplateAssetObjectUrl"] = f"{before.rpartition('/')[0]}/{sha256}.json"


def _without_statements(
    body: Mapping[str, Any],
) -> tuple[Mapping[str, Any] | None, Gap | StatementGap | None]:
    """A resource policy without the statements of the gap list; no policy at all if none is left."""
    properties = body.get("Properties", {})
    document = properties.get("PolicyDocument", {})
    found = [(item, statement_gap_of(body.get("Type", ""), item)) for item in document.get("Statement", ())]
    gap = next((gap for _, gap in found if gap is not None), None)
    if gap is None:
        return body, None
    statements = [item for item, its_gap in found if its_gap is None]
    if not statements:
        return None, gap
    cleaned = {**properties, "PolicyDocument": {**document, "Statement": statements}}
    return {**body, "Properties": cleaned}, gap


def _without(node: Any, gone: frozenset[str], *, path: tuple[str, ...], places: list[str]) -> Any:
    """`node` without references to `gone`: an element or the value of a key goes with its reference."""
    if isinstance(node, Mapping):
        if _refers(node, gone):
            return _GONE
        kept: dict[str, Any] = {}
        for key, value in node.items():
            if key == "DependsOn":
                remaining = [name for name in _as_list(value) if name not in gone]
                if remaining:
                    kept[key] = remaining
                continue
            within: list[str] = []
            cleaned = _without(value, gone, path=(*path, key), places=within)
            if key == "UpdatePolicy" and within:
                cleaned, within = _GONE, []  # half of a policy is none
            places += within
            if cleaned is _GONE:
                if _is_intrinsic(node):
                    return _GONE
                places.append("/".join((*path, key)))
            else:
                kept[key] = cleaned
        return _GONE if path[:1] == ("Outputs",) and len(path) == 2 and "Value" not in kept else kept
    if isinstance(node, list):
        cleaned_items = [_without(item, gone, path=path, places=places) for item in node]
        if path and path[-1].startswith("Fn::") and any(item is _GONE for item in cleaned_items):
            return _GONE
        kept_items = [item for item in cleaned_items if item is not _GONE]
        if len(kept_items) < len(node):
            places.append("/".join(path))
        return kept_items
    return node


def _refers(node: Mapping[str, Any], gone: frozenset[str]) -> bool:
    if node.keys() == {"Ref"}:
        return node["Ref"] in gone
    if node.keys() == {"Fn::GetAtt"}:
        target = node["Fn::GetAtt"]
        return (target[0] if isinstance(target, list) else str(target).partition(".")[0]) in gone
    if node.keys() == {"Fn::Sub"}:
        text = node["Fn::Sub"][0] if isinstance(node["Fn::Sub"], list) else node["Fn::Sub"]
        return any(name in gone for name in _SUB_REFERENCE.findall(text))
    return False


def _is_intrinsic(node: Mapping[str, Any]) -> bool:
    return len(node) == 1 and next(iter(node)).startswith("Fn::")


def _as_list(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [value]
