"""Items and controls as OCSF Compliance Findings (class 2003), a list of events for a security data lake.

Source: Open Cybersecurity Schema Framework 1.5.0, class `compliance_finding`.
"""

from __future__ import annotations

import json
from typing import Any, Final

from checks.checklist.model import ControlResult, ItemResult, ProofResult, Results, Status
from checks.escaping import visible
from checks.report import wording
from checks.report.compare import place
from checks.report.view import CHECKLIST

VERSION: Final = "1.5.0"
_CLASS_UID: Final = 2003
_CREATE: Final = 1
_STATUS: Final = {
    Status.PASSED: (1, "Pass"),
    Status.ATTESTED: (1, "Pass"),
    Status.WAIVED: (2, "Warning"),
    Status.FAILED: (3, "Fail"),
}
_OTHER: Final = 99
_SEVERITY: Final = {"informational": (1, "Informational"), "medium": (3, "Medium"), "high": (4, "High")}
_RESOURCES_MAX = 100


def ocsf(results: Results) -> str:
    """A finding for each item and each control; its uid is the same in every run of the environment."""
    proofs = {proof.proof_id: proof for proof in results.proofs}
    events = [_item(results, item, proofs) for item in results.items]
    events += [_control(results, control, proofs) for control in results.controls]
    digest = results.sha256  # of the whole document: made once, not for each event
    for event in events:
        event["metadata"]["uid"] = f"{digest}/{event['finding_info']['uid']}"
    return json.dumps(events, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _item(results: Results, item: ItemResult, proofs: dict[str, ProofResult]) -> dict[str, Any]:
    severity = "informational" if item.status in _PASSING else "high" if item.blocking else "medium"
    event = _event(results, f"{results.environment}/{item.item_id}", item.text, item, severity, proofs)
    event["compliance"] |= {"control": visible(item.item_id), "standards": [CHECKLIST]}
    if item.remedy:
        event["remediation"] = {"desc": visible(item.remedy)}
    return event


def _control(results: Results, control: ControlResult, proofs: dict[str, ProofResult]) -> dict[str, Any]:
    uid = f"{results.environment}/{control.framework}/{control.control_id}"
    severity = "informational" if control.status in _PASSING else "medium"
    event = _event(results, uid, control.meaning, control, severity, proofs)
    event["compliance"] |= {"control": visible(control.control_id), "standards": [visible(control.framework)]}
    return event


_PASSING: Final = frozenset({Status.PASSED, Status.ATTESTED, Status.NOT_APPLICABLE})


def _event(
    results: Results,
    uid: str,
    title: str,
    subject: ItemResult | ControlResult,
    severity: str,
    proofs: dict[str, ProofResult],
) -> dict[str, Any]:
    status_id, status = _STATUS.get(subject.status, (_OTHER, wording.STATUS[subject.status]))
    severity_id, severity_name = _SEVERITY[severity]
    found = [proofs[proof_id] for proof_id in subject.proofs if proof_id in proofs]
    event: dict[str, Any] = {
        "activity_id": _CREATE,
        "activity_name": "Create",
        "category_uid": 2,
        "category_name": "Findings",
        "class_uid": _CLASS_UID,
        "class_name": "Compliance Finding",
        "type_uid": _CLASS_UID * 100 + _CREATE,
        "type_name": "Compliance Finding: Create",
        "time": int(results.generated_at.timestamp()) * 1_000,
        "message": visible(subject.reason),
        "severity_id": severity_id,
        "severity": severity_name,
        "status_id": 1,
        "status": "New",
        "compliance": {"status_id": status_id, "status": status, "status_detail": visible(subject.reason)},
        "finding_info": {
            "uid": visible(uid),
            "title": visible(title),
            "analytic": {
                "name": "hasivu check",
                "type_id": 1,
                "type": "Rule",
                "uid": results.catalogue_sha256,
            },
            "types": [_level(proof) for proof in found][:10],
        },
        "metadata": {
            "version": VERSION,
            "product": {"name": "hasivu check", "vendor_name": "HASIVU", "version": _version(results)},
        },
        "unmapped": {
            "status": subject.status.value,
            "required": [level.value for level in subject.required],
            "proven": [level.value for level in subject.proven],
            "proofs": list(subject.proofs),
            "environment": results.environment,
            "emulator": results.emulator,
            "assembly_sha256": results.assembly_sha256,
        },
    }
    resources = [
        {
            "name": visible(place(each)),
            "type": visible(each.kind),
            "uid": visible(each.physical_id or place(each)),
        }
        for proof in found
        for each in proof.against
    ]
    if resources:
        event["resources"] = resources[:_RESOURCES_MAX]
    if not event["finding_info"]["types"]:
        del event["finding_info"]["types"]
    return event


def _level(proof: ProofResult) -> str:
    return wording.LEVEL[proof.level]


def _version(results: Results) -> str:
    return results.tools.get("hasivu", "0.0.0")
