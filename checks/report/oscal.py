"""Items, controls, proofs and evidence as OSCAL assessment results 1.1.2, for auditors' tools.

OSCAL's findings know only `satisfied` and `not-satisfied`. Our status is kept as the reason and as a
property, so that what nobody looked at can be told from what failed. UUIDs are version 5 of the results'
digest and a name: the same results are the same document.
Source: NIST, OSCAL assessment-results model; https://pages.nist.gov/OSCAL/.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, time
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID, uuid5

from checks.checklist.model import (
    SATISFIED,
    ControlResult,
    Evidence,
    ItemResult,
    Level,
    ProofResult,
    Results,
    Status,
)
from checks.escaping import visible
from checks.report import wording
from checks.report.compare import place
from checks.report.model import Release, Report, SignOff
from checks.report.view import CHECKLIST
from runtime.platform.clock import IST

VERSION: Final = "1.1.2"
NAMESPACE: Final = "https://hasivu.in/ns/oscal"
_ROOT: Final = UUID("6d1f6f0e-3f0b-5e0a-9d7b-0b6f5a3c9e11")
_METHODS: Final = {
    Level.TEMPLATE: ["EXAMINE"],
    Level.LIVE: ["EXAMINE", "TEST"],
    Level.RUN: ["TEST"],
    Level.PERSON: ["INTERVIEW"],
}
_REASON: Final = {Status.PASSED: "pass", Status.ATTESTED: "pass", Status.FAILED: "fail"}


class _Names:
    """UUIDs of one document."""

    def __init__(self, results: Results) -> None:
        self._space = uuid5(_ROOT, results.sha256)

    def __call__(self, *parts: str) -> str:
        return str(uuid5(self._space, "\n".join(parts)))


def oscal(report: Report) -> str:
    """The assessment results; the release's decisions are its attestations."""
    results = report.settled
    names = _Names(results)
    at = _moment(results.generated_at)
    known = {proof.proof_id for proof in results.proofs}
    result: dict[str, Any] = {
        "uuid": names("result"),
        "title": f"Checks of {visible(results.environment)}",
        "description": f"{wording.CLAIM} Verdict for going live: {wording.verdict(results.go)}.",
        "start": at,
        "end": at,
        "props": [
            _prop("environment", results.environment),
            _prop("verdict", wording.verdict(results.go)),
            _prop("commit", results.commit),
            _prop("source-sha256", results.source_sha256),
            _prop("assembly-sha256", results.assembly_sha256),
            *(
                [_prop("live-assembly-sha256", results.live_assembly_sha256)]
                if results.live_assembly_sha256
                else []
            ),
            _prop("catalogue-sha256", results.catalogue_sha256),
            _prop("waivers-sha256", results.waivers_sha256),
            _prop("results-sha256", results.sha256),
            _prop("emulator", "yes" if results.emulator else "no"),
        ],
        "reviewed-controls": {"control-selections": [{"include-all": {}}]},
    }
    observations = [_observation(names, results, proof) for proof in results.proofs]
    findings = [_item(names, item, known) for item in results.items]
    findings += [_control(names, control, known) for control in results.controls]
    if observations:
        result["observations"] = observations
    if findings:
        result["findings"] = findings
    parties: list[dict[str, Any]] = []
    if report.release is not None:
        result["props"] += _release_props(report.release)
        parties = _parties(names, report.release)
        result["attestations"] = _attestations(names, report.release)
    document: dict[str, Any] = {
        "uuid": names("document"),
        "metadata": {
            "title": f"Assessment results of {visible(results.environment)}",
            "last-modified": at,
            "version": results.sha256[:12],
            "oscal-version": VERSION,
            **_people(report.release, parties),
        },
        "import-ap": {"href": f"#{names('plan')}"},
        "results": [result],
        "back-matter": {
            "resources": [_plan(names, results), *(_resource(names, each) for each in results.evidence)]
        },
    }
    return json.dumps({"assessment-results": document}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _release_props(release: Release) -> list[dict[str, str]]:
    """The deployment and its rollback window."""
    props = [_prop("release-judged-at", _moment(release.judged_at))]
    props += [_prop("release-against", each) for each in release.against]
    if release.deployment_id:
        props.append(_prop("deployment-id", release.deployment_id))
    rollback = release.rollback
    if rollback is not None:
        props += [
            _prop("rollback-deployment-id", rollback.deployment_id),
            _prop("rollback-window", rollback.state.value),
            _prop("rollback-deadline", _moment(rollback.deadline)),
            _prop("rollback-command", rollback.command),
        ]
        if rollback.ended_at is not None:
            props.append(_prop("rollback-window-ended", _moment(rollback.ended_at)))
    return props


def _people(release: Release | None, parties: list[dict[str, Any]]) -> dict[str, Any]:
    """The roles that decide, and who signed."""
    if release is None or not release.sign_offs:
        return {}
    roles = [{"id": token(sign.role), "title": visible(sign.role)} for sign in release.sign_offs]
    return {"roles": roles} | ({"parties": parties} if parties else {})


def _parties(names: _Names, release: Release) -> list[dict[str, Any]]:
    people = sorted({sign.name for sign in release.sign_offs if sign.name})
    return [{"uuid": names("party", name), "type": "person", "name": visible(name)} for name in people]


def _attestations(names: _Names, release: Release) -> list[dict[str, Any]]:
    """One for each role. One that counts for nothing says so."""
    return [
        _signed_by(names, sign)
        | {
            "parts": [
                {
                    "name": "sign-off",
                    "title": visible(sign.role),
                    "props": [
                        _prop("state", sign.state.value),
                        _prop("decision", sign.decision),
                        _prop("required", "yes" if sign.required else "no"),
                        *([_prop("signed-at", _moment(sign.signed_at))] if sign.signed_at else []),
                    ],
                    "prose": _block(
                        f"{sign.role}: {wording.SIGN_OFF[sign.state]}", *sign.reasons, *sign.conditions
                    ),
                }
            ],
        }
        for sign in release.sign_offs
    ]


def _signed_by(names: _Names, sign: SignOff) -> dict[str, Any]:
    if not sign.name:
        return {}
    return {
        "responsible-parties": [{"role-id": token(sign.role), "party-uuids": [names("party", sign.name)]}]
    }


def _plan(names: _Names, results: Results) -> dict[str, Any]:
    return {
        "uuid": names("plan"),
        "title": CHECKLIST,
        "description": "What is asked: items, frameworks and rules, by their digest.",
        "rlinks": [
            {"href": "results.json", "hashes": [{"algorithm": "SHA-256", "value": results.sha256}]},
        ],
        "props": [_prop("catalogue-sha256", results.catalogue_sha256)],
    }


def _resource(names: _Names, evidence: Evidence) -> dict[str, Any]:
    return {
        "uuid": names("evidence", evidence.path),
        "title": visible(evidence.path),
        "description": visible(evidence.proves) or visible(evidence.kind) or "evidence",
        "props": [
            _prop("kind", evidence.kind),
            _prop("size", str(evidence.size)),
            _prop("tool", f"{evidence.tool} {evidence.tool_version}".strip()),
            _prop("collected-at", _moment(evidence.collected_at)),
        ],
        "rlinks": [
            {"href": _href(evidence.path), "hashes": [{"algorithm": "SHA-256", "value": evidence.sha256}]}
        ],
    }


def _observation(names: _Names, results: Results, proof: ProofResult) -> dict[str, Any]:
    files = {each.path: each for each in results.evidence}
    used = [files[path] for path in proof.evidence if path in files]
    observation: dict[str, Any] = {
        "uuid": names("proof", proof.proof_id),
        "title": visible(proof.title) or visible(proof.proof_id),
        "description": _block(f"Expected: {proof.expected}", f"Observed: {proof.observed}"),
        "methods": _METHODS[proof.level],
        "collected": _moment(max((each.collected_at for each in used), default=results.generated_at)),
        "props": [
            _prop("proof-id", proof.proof_id),
            _prop("level", proof.level.value),
            _prop("status", proof.status.value),
            _prop("looked-at", str(proof.looked_at)),
            _prop("on-emulator", "yes" if proof.on_emulator else "no"),
        ],
    }
    ends = [each.valid_until for each in used if each.valid_until is not None]
    if ends:
        observation["expires"] = _moment(datetime.combine(min(ends), time(23, 59, 59), tzinfo=IST))
    if proof.against:
        names_ = ", ".join(f"{each.kind} {place(each)}" for each in proof.against)
        observation["remarks"] = _block(f"Against it: {names_}", proof.remedy)
    if used:
        observation["relevant-evidence"] = [
            {
                "href": f"#{names('evidence', each.path)}",
                "description": visible(each.proves) or visible(each.path),
            }
            for each in used
        ]
    return observation


def _item(names: _Names, item: ItemResult, known: set[str]) -> dict[str, Any]:
    finding = _finding(names("item", item.item_id), token(item.item_id), item.text, item, names, known)
    finding["props"] += [
        _prop("blocking", "yes" if item.blocking else "no"),
        _prop("owner", item.owner),
        _prop("section", " / ".join(item.section)),
    ]
    if item.remedy:
        finding["remarks"] = _block(item.remedy)
    return finding


def _control(names: _Names, control: ControlResult, known: set[str]) -> dict[str, Any]:
    name = f"{control.framework} {control.control_id}"
    finding = _finding(names("control", name), token(name), control.meaning, control, names, known)
    finding["props"].append(_prop("framework", control.framework))
    return finding


def _finding(
    uuid: str, target: str, title: str, subject: ItemResult | ControlResult, names: _Names, known: set[str]
) -> dict[str, Any]:
    status: dict[str, str] = {
        "state": "satisfied" if subject.status in SATISFIED else "not-satisfied",
        "reason": _REASON.get(subject.status, "other"),
    }
    if subject.reason:
        status["remarks"] = _block(subject.reason)
    finding: dict[str, Any] = {
        "uuid": uuid,
        "title": visible(title) or target,
        "description": _block(subject.reason or wording.STATUS_MEANING[subject.status]),
        "target": {"type": "objective-id", "target-id": target, "status": status},
        "props": [
            _prop("status", subject.status.value),
            _prop("required", "+".join(subject.required) or "none"),
            _prop("proven", "+".join(subject.proven) or "none"),
        ],
    }
    related = [
        {"observation-uuid": names("proof", proof_id)}
        for proof_id in dict.fromkeys(subject.proofs)
        if proof_id in known
    ]
    if related:
        finding["related-observations"] = related
    return finding


def token(name: str) -> str:
    """``name`` as one of OSCAL's tokens; different names are different tokens."""
    plain = re.sub(
        r"[^A-Za-z0-9.\-_]", lambda match: "_" if match.group() in " /" else f"_{ord(match.group()):x}", name
    )
    return plain if re.match(r"[A-Za-z_]", plain) else f"_{plain}"


def _prop(name: str, value: str) -> dict[str, str]:
    """A property; its value is one line and never empty."""
    return {"name": name, "ns": NAMESPACE, "value": " ".join(visible(value).split()) or "none"}


def _block(*lines: str) -> str:
    """Markup-multiline: a line each, as plain words."""
    return "\n\n".join(_plain(line) for line in lines if line) or "–"


def _plain(text: str) -> str:
    """Words in which Markdown finds nothing: OSCAL's texts are Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>#|!~^$])", r"\\\1", " ".join(visible(text).split()))


def _href(path: str) -> str:
    """A relative reference, percent-encoded."""
    return quote(path, safe="/-._~")


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
