"""The CDK's ``validation-report.json``, and the acknowledgements of an assembly, as plain values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPORT = "validation-report.json"
ACKNOWLEDGED = "aws:cdk:acknowledged-rules"


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """What a pack found on a construct and nobody acknowledged."""

    pack: str
    rule: str
    severity: str
    construct: str
    description: str
    evidence: str
    remedy: str
    controls: str


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A finding that an acknowledgement covers: ``acknowledged_at`` is the construct that says so."""

    pack: str
    rule: str
    construct: str
    acknowledged_id: str
    acknowledged_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """An acknowledgement as the assembly's metadata has it, whether or not it covers anything."""

    construct: str
    rule_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class PackReport:
    """One pack's part of the report; ``error`` says why it crashed."""

    name: str
    conclusion: str
    error: str
    open: tuple[OpenFinding, ...]
    suppressed: tuple[Suppressed, ...]

    def places(self) -> Iterator[str]:
        """The path of each construct that the pack found something about, accepted or not."""
        yield from (item.construct for item in self.open)
        yield from (item.construct for item in self.suppressed)


def read_report(assembly: Path) -> tuple[PackReport, ...]:
    """The report of the assembly in ``assembly``. Raises FileNotFoundError, KeyError and ValueError."""
    document = json.loads((assembly / REPORT).read_text(encoding="utf-8"))
    return tuple(_pack(item) for item in document["pluginReports"])


def _pack(item: Mapping[str, Any]) -> PackReport:
    name = item["pluginName"]
    return PackReport(
        name,
        item["conclusion"],
        str((item.get("metadata") or {}).get("error", "")),
        tuple(found for violation in item.get("violations") or [] for found in _open(name, violation)),
        tuple(
            Suppressed(
                name,
                violation["ruleName"],
                place,
                str(violation.get("acknowledgedId", "")),
                str(violation.get("acknowledgedAt", "")),
                str(violation.get("reason", "")),
            )
            for violation in item.get("suppressedViolations") or []
            for place, _paths in _places(violation)
        ),
    )


def _open(pack: str, violation: Mapping[str, Any]) -> Iterator[OpenFinding]:
    metadata = violation.get("ruleMetadata") or {}
    for place, paths in _places(violation):
        yield OpenFinding(
            pack,
            violation["ruleName"],
            str(violation.get("severity") or "error"),
            place,
            str(violation.get("description") or ""),
            str(metadata.get("evidence") or ", ".join(paths)),
            str(violation.get("suggestedFix") or ""),
            str(metadata.get("controls") or ""),
        )


def _places(violation: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """Each construct that violates, with the properties; an unplaced violation is one place without name."""
    for item in violation.get("violatingConstructs") or [{}]:
        resource = item.get("cloudFormationResource") or {}
        yield (
            str(item.get("constructPath") or resource.get("logicalId") or ""),
            [str(path) for path in resource.get("propertyPaths") or []],
        )


def read_acknowledgements(assembly: Path) -> tuple[Acknowledged, ...]:
    """Every acknowledgement that the assembly's metadata holds, also those inside of its manifest."""
    found = []
    documents = [*assembly.rglob("*.metadata.json"), assembly / "manifest.json"]
    for document in documents:
        for construct, entries in _metadata(json.loads(document.read_text(encoding="utf-8"))):
            for entry in entries:
                if entry.get("type") == ACKNOWLEDGED:
                    for rule_id, reason in entry["data"].items():
                        found.append(Acknowledged(construct.strip("/"), rule_id, str(reason)))
    return tuple(dict.fromkeys(found))


def _metadata(document: Mapping[str, Any]) -> Iterator[tuple[str, list[Mapping[str, Any]]]]:
    if "artifacts" in document:
        for artifact in document["artifacts"].values():
            yield from (artifact.get("metadata") or {}).items()
    else:
        yield from ((path, entries) for path, entries in document.items() if isinstance(entries, list))


def resource_counts(assembly: Path) -> dict[str, int]:
    """How many resources each stack of the assembly has."""
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    counts = {}
    for stack, artifact in sorted(manifest["artifacts"].items()):
        if artifact["type"] == "aws:cloudformation:stack":
            template = json.loads(
                (assembly / artifact["properties"]["templateFile"]).read_text(encoding="utf-8")
            )
            counts[stack] = len(template.get("Resources", {}))
    return counts
