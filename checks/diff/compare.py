"""Resource by resource: what CloudFormation would do, and to which of them it would do harm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.diff.assembly import Assembly, Stack
from checks.diff.model import Effect, Finding, PropertyChange, ResourceChange, Risk
from checks.diff.pairing import PUBLISHED, Move, physical_name
from checks.diff.resource_spec import STRENGTH, Replacement, ResourceSpec

_COMPARED = ("CreationPolicy", "DeletionPolicy", "UpdatePolicy", "UpdateReplacePolicy", "Condition")
_KEPT = frozenset({"Retain", "RetainExceptOnCreate"})
_BARE_GRANTS = frozenset({"AWS::Lambda::Permission"})
"""Made anew on every change, before the old one goes; what they allow is told as a permission."""

_ABSENT = object()
_SECRET_NAME = re.compile(r"(?i)(secret|password|passwd|token|pepper|private_?key)")
_POINTS_ELSEWHERE = re.compile(r"(?i)(arn|id|name|parameter|url|validity|units)$")

Path = tuple[str | int, ...]


def resource_changes(
    base: Assembly, head: Assembly, *, moved: list[Move], published: frozenset[str], spec: ResourceSpec
) -> tuple[list[ResourceChange], list[Finding]]:
    """Every change of every stack, with the finding of each that destroys. Both sides comparable."""
    targets = {move.source: move.target for move in moved}
    arrived = set(targets.values())
    changes: list[ResourceChange] = []
    findings: list[Finding] = []
    for stack_id in sorted(base.keys() | head.keys()):
        before, after = base.get(stack_id), head.get(stack_id)
        old = before.resources if before else {}
        new = after.resources if after else {}
        for logical_id in sorted(old.keys() | new.keys()):
            place = (stack_id, logical_id)
            if logical_id not in new and before is not None:
                change, finding = _gone(before, logical_id, targets.get(place), head, spec)
                findings.append(finding)
            elif logical_id not in old and after is not None:
                if place in arrived:
                    continue
                change = _change(after, logical_id, Effect.ADDED, spec)
            elif before is not None and after is not None:
                compared = _compared(before, after, logical_id, published=published, spec=spec)
                if compared is None:
                    continue
                change = compared
                findings.extend(_replaced(change, old[logical_id], new[logical_id], spec))
            changes.append(change)
    return changes, findings


def differences(before: Any, after: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Every leaf that differs: its path and both values, `_ABSENT` where a side has none.

    Lists of unlike length differ element by element from the first unlike one; the order counts.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(before.get(key, _ABSENT), after.get(key, _ABSENT), (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            yield from differences(
                before[index] if index < len(before) else _ABSENT,
                after[index] if index < len(after) else _ABSENT,
                (*path, index),
            )
    elif not same(before, after):
        yield path, before, after


def same(before: Any, after: Any) -> bool:
    """Equal to CloudFormation, which takes `"5"` for 5 and `"true"` for true."""
    if before is after:
        return True
    if before is _ABSENT or after is _ABSENT:
        return False
    return bool(before == after or _scalar(before) == _scalar(after))


def _scalar(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def shown(value: Any, path: Path = ()) -> str | None:
    """A value as text; None for an absent one, and never a literal that its path calls a secret."""
    if value is _ABSENT:
        return None
    if _is_secret(path, value):
        return "(not shown)"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _is_secret(path: Path, value: Any) -> bool:
    names = [part for part in path if isinstance(part, str)]
    return (
        isinstance(value, str)
        and not value.startswith("<")
        and bool(names)
        and _SECRET_NAME.search(names[-1]) is not None
        and _POINTS_ELSEWHERE.search(names[-1]) is None
    )


def _change(stack: Stack, logical_id: str, effect: Effect, spec: ResourceSpec, **more: Any) -> ResourceChange:
    resource_type = stack.resources[logical_id].get("Type", "")
    return ResourceChange(
        stack=stack.id,
        logical_id=logical_id,
        name=stack.path_of(logical_id),
        resource_type=resource_type,
        effect=effect,
        stateful=spec.is_stateful(resource_type),
        **more,
    )


def _gone(
    stack: Stack, logical_id: str, target: tuple[str, str] | None, head: Assembly, spec: ResourceSpec
) -> tuple[ResourceChange, Finding]:
    """A resource that its stack has no more: destroyed, orphaned, or claimed by another logical id."""
    body = stack.resources[logical_id]
    policy = body.get("DeletionPolicy", "Delete")
    kept = policy in _KEPT
    stateful = spec.is_stateful(body.get("Type", ""))
    fate = "kept by its deletion policy, but no stack's any more" if kept else "deleted"
    name = physical_name(body.get("Type", ""), body.get("Properties", {}), spec)
    if target is None:
        change = _change(stack, logical_id, Effect.REMOVED, spec, note=fate)
        consequence = "What it holds is gone." if stateful and not kept else ""
        if stateful and kept and name:
            consequence = f"A later resource named {name} cannot be created while the orphan exists."
        return change, _finding(
            change, "removed", f"{change.resource_type} is {fate}", consequence, loses_data=stateful
        )
    to_stack, to_id = target
    to = f"{to_stack}/{head[to_stack].path_of(to_id)}"
    change = _change(stack, logical_id, Effect.MOVED, spec, note=f"to {to}")
    clash = f" The new one cannot be created while {name} exists." if name else ""
    kind = "moved" if to_stack != stack.id else "logical-id"
    return change, _finding(
        change,
        kind,
        f"{change.resource_type} moves to {to} (logical id {to_id})",
        f"CloudFormation does not move: this one is {fate}, and an empty one is created.{clash}",
        "Keep the logical id and the stack, or move it with `cdk refactor`.",
        loses_data=stateful,
    )


def _compared(
    before: Stack, after: Stack, logical_id: str, *, published: frozenset[str], spec: ResourceSpec
) -> ResourceChange | None:
    """The change of a resource that both sides have; None where it is the same."""
    old, new = before.resources[logical_id], after.resources[logical_id]
    resource_type = new.get("Type", "")
    if old.get("Type") != resource_type:
        kinds = PropertyChange(path="Type", before=old.get("Type"), after=resource_type, replaces=True)
        return _change(before, logical_id, Effect.REPLACED, spec, properties=(kinds,))
    properties = []
    replaced: Replacement = "no"
    code_only = True
    for path, value, other in differences(old.get("Properties", {}), new.get("Properties", {})):
        replacement = spec.replacement(resource_type, path)
        replaced = max(replaced, replacement, key=STRENGTH.__getitem__)
        code_only = code_only and path[0] in ("Code", "Content")
        properties.append(_property(path, value, other, replaces=replacement != "no"))
    for key in _COMPARED:
        if old.get(key) != new.get(key):
            code_only = False
            properties.append(_property((key,), old.get(key, _ABSENT), new.get(key, _ABSENT)))
    if not properties:
        if f"{after.id}/{logical_id}" not in published:
            return None
        return _change(after, logical_id, Effect.PUBLISHED, spec)
    return _change(
        after, logical_id, _effect(resource_type, replaced, code_only), spec, properties=tuple(properties)
    )


def _effect(resource_type: str, replaced: Replacement, code_only: bool) -> Effect:
    if resource_type in PUBLISHED:
        return Effect.PUBLISHED
    if replaced == "yes":
        return Effect.REPLACED
    if replaced == "maybe":
        return Effect.MAY_BE_REPLACED
    return Effect.CODE if code_only else Effect.UPDATED


def _property(path: Path, before: Any, after: Any, *, replaces: bool = False) -> PropertyChange:
    return PropertyChange(
        path=".".join(map(str, path)), before=shown(before, path), after=shown(after, path), replaces=replaces
    )


def _replaced(
    change: ResourceChange, old: Mapping[str, Any], new: Mapping[str, Any], spec: ResourceSpec
) -> Iterator[Finding]:
    if change.effect not in (Effect.REPLACED, Effect.MAY_BE_REPLACED) or change.resource_type in _BARE_GRANTS:
        return
    name = physical_name(old.get("Type", ""), old.get("Properties", {}), spec)
    same_name = name is not None and name == physical_name(
        new.get("Type", ""), new.get("Properties", {}), spec
    )
    kept = {old.get("UpdateReplacePolicy"), new.get("UpdateReplacePolicy")} <= _KEPT
    because = ", ".join(item.path for item in change.properties if item.replaces)
    consequence = "The old one stays, orphaned; the new one is empty." if kept else "The old one is deleted."
    if same_name:
        consequence = f"CloudFormation cannot replace what is named {name}: the deployment fails."
    yield _finding(
        change,
        "replaced",
        f"{change.resource_type} {'may be' if change.effect is Effect.MAY_BE_REPLACED else 'is'} replaced "
        f"because of {because}",
        consequence if change.stateful or same_name else "",
        "Leave it as it is, or make a second one and move what the first holds." if change.stateful else "",
        loses_data=change.stateful,
    )


def _finding(
    change: ResourceChange, kind: str, what: str, consequence: str = "", remedy: str = "", *, loses_data: bool
) -> Finding:
    return Finding(
        risk=Risk.DESTRUCTIVE,
        kind=kind,
        stack=change.stack,
        subject=change.name,
        what=what,
        consequence=consequence,
        remedy=remedy,
        loses_data=loses_data,
    )
