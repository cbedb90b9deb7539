"""What a change of a table costs: keys, types of keys, indexes, expiry, streams, recovery."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checks.diff.compare import shown
from checks.diff.switches import lower

Properties = Mapping[str, Any]
Told = tuple[str, str, str, str]
"""kind, what changes, what follows, how to get there safely"""
MIGRATE = "Make a second one beside it, copy what the first holds, switch over, then remove the first."


def table(before: Properties, after: Properties) -> Iterator[Told]:
    if before.get("KeySchema") != after.get("KeySchema"):
        yield (
            "key-schema",
            f"KeySchema: {_keys(before)} → {_keys(after)}",
            "The table is replaced by an empty one.",
            MIGRATE,
        )
    yield from _attribute_types(before, after)
    yield from _indexes(before, after)
    if before.get("LocalSecondaryIndexes") != after.get("LocalSecondaryIndexes"):
        yield (
            "local-index",
            "LocalSecondaryIndexes change",
            "They exist from a table's creation or never: the table is replaced.",
            "Use a global secondary index.",
        )
    was, becomes = (at(side, "TimeToLiveSpecification") for side in (before, after))
    if becomes and was != becomes:
        yield (
            "expiry",
            f"TimeToLiveSpecification: {show(was)} → {show(becomes)}",
            "Items whose attribute lies in the past are deleted. The attribute cannot change in one step.",
            "Look at what the attribute holds in every item; turn TTL off in one deployment, on in the next.",
        )
    was, becomes = (at(side, "StreamSpecification") for side in (before, after))
    if was and was != becomes:
        yield (
            "stream",
            f"StreamSpecification: {show(was)} → {show(becomes)}",
            "The stream is a new one: what its readers had not read yet never reaches them.",
            "Stop the writers, let the readers catch up, then deploy.",
        )
    yield from _recovery(before, after)


def _attribute_types(before: Properties, after: Properties) -> Iterator[Told]:
    """The type of a key attribute: a replacement that the specification does not know."""
    types, types_now = _types(before), _types(after)
    for name in sorted(_key_attributes(before) & _key_attributes(after)):
        if types.get(name) != types_now.get(name):
            yield (
                "key-type",
                f"the key attribute {name}: type {types.get(name)} → {types_now.get(name)}",
                "The table, or its index, is replaced; items with the old type are in neither.",
                "Add a new attribute with the new type and an index over it.",
            )


def _indexes(before: Properties, after: Properties) -> Iterator[Told]:
    old, new = (
        {index["IndexName"]: index for index in side.get("GlobalSecondaryIndexes", ())}
        for side in (before, after)
    )
    for name in sorted(old.keys() & new.keys()):
        for part in ("KeySchema", "Projection"):
            if old[name].get(part) != new[name].get(part):
                yield (
                    "index",
                    f"the index {name}: {part} {show(old[name].get(part))} → {show(new[name].get(part))}",
                    "DynamoDB cannot change an index: it is deleted and filled again; queries fail so long.",
                    "Add an index with another name, switch the readers, then remove this one.",
                )
    for name in sorted(old.keys() - new.keys()):
        yield (
            "index",
            f"the index {name} is removed",
            "Whoever still queries it fails.",
            "Switch readers first.",
        )
    if len(old.keys() ^ new.keys()) > 1:
        yield (
            "index",
            f"{len(old.keys() ^ new.keys())} indexes are added or removed at once",
            "DynamoDB takes one at a time: the deployment fails.",
            "One index a deployment.",
        )


def _recovery(before: Properties, after: Properties) -> Iterator[Told]:
    path = ("PointInTimeRecoverySpecification", "PointInTimeRecoveryEnabled")
    days = ("PointInTimeRecoverySpecification", "RecoveryPeriodInDays")
    if at(before, *path) is True and at(after, *path) is not True:
        yield (
            "recovery",
            "point-in-time recovery is turned off",
            "Every recovery point of the last days is lost at once; turned on again, it begins at nothing.",
            "Leave it on.",
        )
    elif lower(at(before, *days), at(after, *days)):
        yield (
            "recovery",
            f"point-in-time recovery: {at(before, *days)} → {at(after, *days)} days",
            "Older recovery points are lost.",
            "",
        )
    yield from deletion_protection(before, after)


def deletion_protection(before: Properties, after: Properties) -> Iterator[Told]:
    for name, on in (("DeletionProtectionEnabled", True), ("DeletionProtection", "ACTIVE")):
        if before.get(name) == on and after.get(name) != on:
            yield (
                "deletion-protection",
                f"{name} is turned off",
                "One call deletes it with all it holds.",
                "",
            )


def at(value: Any, *path: str) -> Any:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def show(value: Any) -> str:
    return "none" if value is None else shown(value) or "none"


def _types(properties: Properties) -> dict[str, str]:
    return {
        item["AttributeName"]: item["AttributeType"] for item in properties.get("AttributeDefinitions", ())
    }


def _keys(properties: Properties) -> str:
    return ", ".join(f"{key['AttributeName']} {key['KeyType']}" for key in properties.get("KeySchema", ()))


def _key_attributes(properties: Properties) -> set[str]:
    schemas = [
        properties.get("KeySchema", ()),
        *(
            index.get("KeySchema", ())
            for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
            for index in properties.get(kind, ())
        ),
    ]
    return {key["AttributeName"] for schema in schemas for key in schema}
