"""What is not satisfied as SARIF 2.1.0, for code scanning.

A result is a proof that speaks against the environment, once for each resource. Its place in the repository
is the environment's file, which decides what is deployed there; the resource is its logical location. What
was not looked at is `open`, what waits for a person is `review`: neither is left out, neither is a failure.
Source: OASIS, Static Analysis Results Interchange Format 2.1.0, 3.27.9 (kind), 3.27.10 (level), 3.35.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from checks.checklist.model import ItemResult, ProofResult, Results, Status, Subject, Waiver, WaiverState
from checks.escaping import visible
from checks.report import view, wording
from checks.report.compare import place

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KIND: Final = {
    Status.FAILED: "fail",
    Status.ERROR: "fail",
    Status.WAIVED: "fail",
    Status.NOT_EVALUATED: "open",
    Status.MANUAL_PENDING: "review",
}


def sarif(results: Results) -> str:
    """The SARIF log."""
    proofs = view.in_the_way(results)
    items = _items_by_proof(results)
    waivers = {each.waiver_id: each for each in results.waivers}
    log = {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "hasivu check",
                        "semanticVersion": _version(results),
                        "rules": [_rule(proof) for proof in proofs],
                    }
                },
                "automationDetails": {"id": f"hasivu/{results.environment}/"},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": all(
                            proof.status is not Status.ERROR for proof in results.proofs
                        ),
                        "endTimeUtc": results.generated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    }
                ],
                "properties": {
                    "environment": results.environment,
                    "commit": results.commit,
                    "assemblySha256": results.assembly_sha256,
                    "resultsSha256": results.sha256,
                    "verdict": wording.verdict(results.go),
                },
                "results": [
                    result
                    for index, proof in enumerate(proofs)
                    for result in _results(results, index, proof, items.get(proof.proof_id, []), waivers)
                ],
            }
        ],
    }
    return json.dumps(log, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _version(results: Results) -> str:
    return results.tools.get("hasivu", "0.0.0")


def _items_by_proof(results: Results) -> dict[str, list[ItemResult]]:
    found: dict[str, list[ItemResult]] = {}
    for item in results.items:
        for proof_id in item.proofs:
            found.setdefault(proof_id, []).append(item)
    return found


def _rule(proof: ProofResult) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": proof.proof_id,
        "shortDescription": {"text": _text(proof.title)},
        "fullDescription": {"text": _text(f"Expected: {proof.expected}")},
        "properties": {"tags": [proof.level.name.lower(), *proof.controls]},
    }
    if proof.remedy:
        rule["help"] = {"text": _text(proof.remedy)}
    return rule


def _results(
    results: Results,
    index: int,
    proof: ProofResult,
    items: list[ItemResult],
    waivers: dict[str, Waiver],
) -> Iterator[dict[str, Any]]:
    kind = _KIND[proof.status]
    blocking = any(item.blocking for item in items)
    level = ("error" if blocking else "warning") if kind == "fail" else "none"
    for subject in proof.against or (None,):
        result: dict[str, Any] = {
            "ruleId": proof.proof_id,
            "ruleIndex": index,
            "kind": kind,
            "level": level,
            "message": {"text": _text(_message(proof, subject))},
            "locations": [_location(results, subject)],
            "partialFingerprints": {"hasivuIdentity/v1": _fingerprint(proof, subject)},
            "properties": {"items": [item.item_id for item in items], "onEmulator": proof.on_emulator},
        }
        suppressions = _suppressions(proof, items, waivers)
        if suppressions:
            result["suppressions"] = suppressions
        yield result


def _message(proof: ProofResult, subject: Subject | None) -> str:
    where = f" ({subject.stack}/{subject.logical_id}, {subject.kind})" if subject else ""
    return f"{proof.title}: {proof.observed}{where}"


def _location(results: Results, subject: Subject | None) -> dict[str, Any]:
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": f"environments/{quote(results.environment, safe='')}.toml"},
            "region": {"startLine": 1},
        }
    }
    if subject is not None:
        location["logicalLocations"] = [
            {
                "name": visible(subject.logical_id),
                "fullyQualifiedName": visible(f"{subject.stack}/{subject.logical_id}"),
                "kind": "resource",
                "properties": {"type": visible(subject.kind), "place": visible(subject.place)},
            }
        ]
    return location


def _fingerprint(proof: ProofResult, subject: Subject | None) -> str:
    identity = f"{proof.proof_id}\n{place(subject) if subject else ''}"
    return hashlib.sha256(identity.encode()).hexdigest()


def _suppressions(
    proof: ProofResult, items: list[ItemResult], waivers: dict[str, Waiver]
) -> list[dict[str, str]]:
    """The waivers that count for the proof itself, or for every item that rests on it."""
    if proof.status is Status.WAIVED:
        waived = {proof.proof_id, *(item.item_id for item in items)}
        named = [
            each for each in waivers.values() if each.waives in waived and each.state is WaiverState.IN_FORCE
        ]
    elif items and all(item.status is Status.WAIVED for item in items):
        named = [waivers[item.waiver_id] for item in items if item.waiver_id in waivers]
    else:
        return []
    return [
        {
            "kind": "external",
            "status": "accepted",
            "justification": _text(f"{each.reason} ({each.owner}, {each.ticket}, until {each.expires})"),
        }
        for each in named
    ]


def _text(text: str) -> str:
    """A message: it is never empty. Braces mean something there only where it has arguments."""
    return visible(text) or "–"
