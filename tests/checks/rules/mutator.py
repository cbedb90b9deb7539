"""Changes of every property of every resource, without a thought: left out, turned round, enlarged."""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checks.rules.estate import is_intrinsic
from tests.checks.rules.planting import Body, Templates

STRANGER = "arn:aws:iam::999999999999:role/stranger"
TURNED = {
    "Enabled": "Disabled",
    "ENABLED": "DISABLED",
    "Allow": "Deny",
    "Deny": "Allow",
    "ON": "OFF",
    "OFF": "ON",
    "RUNNING": "STOPPED",
    "Retain": "Delete",
    "ACTIVE": "INACTIVE",
    "true": "false",
    "false": "true",
}
ATTRIBUTES = ("Properties", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy")
OPEN: Body = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Mutation:
    """``change`` of what stands at ``path`` of one resource. Without a path the resource itself goes."""

    stack: str
    logical_id: str
    kind: str
    path: Path
    change: str

    @property
    def species(self) -> str:
        """What it does, wherever: ``AWS::SQS::Queue RedrivePolicy.maxReceiveCount thousandfold``."""
        steps = [step for step in self.path[1:] if isinstance(step, str)]
        steps = ["{path}" if step.startswith("/") else step for step in steps]  # one of the API's is as good
        return f"{self.kind} {'.'.join(steps) or '/'.join(map(str, self.path))} {self.change}"

    def apply(self, templates: Templates) -> Templates:
        """The templates with the change; only what is changed is new."""
        template = dict(templates[self.stack])
        resources = dict(template["Resources"])
        if self.path:
            resources[self.logical_id] = _changed(resources[self.logical_id], self.path, self.change)
        else:
            del resources[self.logical_id]
        return templates | {self.stack: template | {"Resources": resources}}


def species_of(templates: Templates) -> dict[str, list[Mutation]]:
    """Every change that can be made to ``templates``, by what it does."""
    found: dict[str, list[Mutation]] = defaultdict(list)
    for stack, template in templates.items():
        for logical_id, body in template["Resources"].items():
            places = [((), None), *_places(body)]
            for path, value in places:
                for change in changes(value) if path else ("gone",):
                    one = Mutation(stack, logical_id, body["Type"], path, change)
                    found[one.species].append(one)
    return found


def _places(body: Body) -> Iterator[tuple[Path, Any]]:
    for name in ATTRIBUTES:
        if name in body:
            yield from _inside(body[name], (name,))


def _inside(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    yield path, value
    if is_intrinsic(value):
        return
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for name, inner in members:
        yield from _inside(inner, (*path, name))


def changes(value: Any) -> dict[str, Any]:
    """What can be made of ``value``, by the name of the change; ``dropped`` has nothing in its place."""
    made: dict[str, Any] = {"dropped": None}
    if isinstance(value, bool):
        made["turned"] = not value
    elif isinstance(value, int | float):
        made |= {"thousandfold": value * 1000, "a thousandth": type(value)(value // 1000)}
    elif isinstance(value, str):
        made |= {"turned": TURNED.get(value, value), "anything": "*", "empty": ""}
        made["abroad"] = value.replace("ap-south-1", "us-east-1").replace("ap-south-2", "us-east-1")
    elif is_intrinsic(value):
        made |= {"anything": "*", "a stranger's": STRANGER}
    elif isinstance(value, list):
        made["empty"] = []
    elif isinstance(value, dict):
        made["empty"] = {}
        if isinstance(value.get("Statement"), list):
            made["open"] = value | {"Statement": [*value["Statement"], OPEN]}
    return {name: new for name, new in made.items() if name == "dropped" or not _same(new, value)}


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _changed(value: Any, path: Path, change: str) -> Any:
    """``value`` with the change at ``path``; what lies beside the path is shared."""
    step, *rest = path
    new: Any = list(value) if isinstance(value, list) else dict(value)
    if rest:
        new[step] = _changed(value[step], tuple(rest), change)
    elif change == "dropped":
        del new[step]
    else:
        new[step] = changes(value[step])[change]
    return new
