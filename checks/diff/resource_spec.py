"""Which property's change replaces a resource: read from the specification that the CDK command line ships.

`node_modules/aws-cdk/db.json.gz` is the CDK's own extract of the CloudFormation registry, pinned with the
command line by package-lock.json. It also says which resource types hold state.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from checks.errors import ExitCode, HasivuError
from checks.toolchain import REPOSITORY

Replacement = Literal["yes", "maybe", "no"]

DATABASE = REPOSITORY / "node_modules" / "aws-cdk" / "db.json.gz"

_ALSO_STATEFUL = frozenset(
    {
        "AWS::CloudTrail::Trail",
        "AWS::Cognito::UserPoolClient",
        "AWS::Events::Archive",
        "AWS::Events::EventBus",
        "AWS::SNS::Topic",
    }
)
"""What the specification does not count: it has subscribers, clients or a history that a new one lacks."""

STRENGTH: dict[Replacement, int] = {"no": 0, "maybe": 1, "yes": 2}


class ResourceSpec:
    """The specification, asked by resource type and path."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._resources = {item["cloudFormationType"]: item for item in schema["resource"]["entities"]}
        self._types = {item["$id"]: item for item in schema["typeDefinition"]["entities"]}

    def knows(self, resource_type: str) -> bool:
        return resource_type in self._resources

    def is_stateful(self, resource_type: str) -> bool:
        """Whether deleting a resource of this type loses something that a new one does not have."""
        found = self._resources.get(resource_type, {})
        return bool(found.get("isStateful")) or resource_type in _ALSO_STATEFUL

    def replacement(self, resource_type: str, path: Sequence[str | int]) -> Replacement:
        """What a change at `path` below Properties does. An unknown type or property: `no`."""
        strongest: Replacement = "no"
        containers: list[dict[str, Any]] = [self._resources.get(resource_type, {})]
        for part in path:
            if isinstance(part, int):
                continue
            properties = [c["properties"][part] for c in containers if part in c.get("properties", {})]
            for found in properties:
                says: Replacement = found.get("causesReplacement", "no")
                strongest = max(strongest, says, key=STRENGTH.__getitem__)
            if properties:  # otherwise the part is the key of a map: its values have the same type
                containers = [t for found in properties for t in self._definitions(found["type"])]
        return strongest

    def name_properties(self, resource_type: str) -> tuple[str, ...]:
        """The properties that together name the physical resource, where the template gives a name."""
        properties = self._resources.get(resource_type, {}).get("properties", {})
        return tuple(
            name
            for name, found in sorted(properties.items())
            if found.get("causesReplacement") == "yes" and name.endswith("Name")
        )

    def _definitions(self, kind: dict[str, Any]) -> Iterator[dict[str, Any]]:
        match kind["type"]:
            case "ref":
                yield self._types[kind["reference"]["$ref"]]
            case "array" | "map":
                yield from self._definitions(kind["element"])
            case "union":
                for member in kind["types"]:
                    yield from self._definitions(member)


@cache
def read_spec(database: Path = DATABASE) -> ResourceSpec:
    """The specification of the pinned command line. Error: `TOOL_MISSING`."""
    try:
        with gzip.open(database) as file:
            return ResourceSpec(json.load(file)["schema"])
    except (OSError, ValueError, KeyError) as error:
        raise HasivuError(
            "TOOL_MISSING",
            f"{database} does not hold the CloudFormation specification of the CDK command line.",
            next_step="run `make tools`, which installs it from the committed lock files",
            exit_code=ExitCode.TOOLCHAIN,
        ) from error
