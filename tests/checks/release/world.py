"""A report, the people who decide on it, and their keys, all made up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from checks.checklist.model import (
    SATISFIED,
    Evidence,
    ItemResult,
    Level,
    ProofResult,
    Results,
    Status,
)
from checks.checklist.references import LEVELS
from checks.errors import ExitCode, HasivuError
from checks.evidence import waivers
from checks.release import live, report_files
from checks.release.allowed_signers import AllowedSigners
from checks.release.approval import Approval, Basis, decide
from checks.release.documents import write
from checks.release.records import AliasVersion, FunctionVersions, GoLive, Prepared
from checks.release.roles import policy
from checks.release.signing import signature_over
from checks.release.signoff import Condition, Decision, SignOff, draft, read_all
from checks.release.ssh_keys import ED25519, PublicKey, ed25519_key
from checks.release.ssh_wire import string
from checks.release.sshsig import Namespace, made, signed_bytes

REPORTED = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
NOW = REPORTED + timedelta(hours=5)
ROLES = tuple(policy().roles)
A, B = "a" * 64, "b" * 64


@dataclass(frozen=True)
class MadeUpSigner:
    """An Ed25519 key in memory, the same for the same name."""

    name: str

    @cached_property
    def _private(self) -> ed25519.Ed25519PrivateKey:
        return ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(self.name.encode()).digest())

    def public_key(self) -> PublicKey:
        return ed25519_key(self._private.public_key())

    def sign(self, document: bytes, namespace: Namespace) -> bytes:
        raw = self._private.sign(signed_bytes(document, namespace))
        return made(self.public_key(), namespace, string(ED25519.encode()) + string(raw))


class MadeUpAlarm:
    """An alarm that is set or not; ``broken`` names what does not work."""

    def __init__(self) -> None:
        self.set_for: GoLive | None = None
        self.broken = ""

    def set(self, live: GoLive, *, now: datetime) -> None:
        if self.broken == "set":
            raise HasivuError("ALARM_NOT_SET", "no", next_step="again", exit_code=ExitCode.CHECK_FAILED)
        self.set_for = live

    def silence(self) -> None:
        if self.broken == "silence":
            raise HasivuError("ALARM_NOT_SILENCED", "no", next_step="again", exit_code=ExitCode.CHECK_FAILED)
        self.set_for = None


def checked_out_as_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the checkout be the one that made-up reports are about."""
    monkeypatch.setattr(live, "assembly_sha256", lambda folder: A)
    monkeypatch.setattr(live, "catalogue_sha256", lambda: A)
    monkeypatch.setattr(live, "against_checkout", lambda results, report, assembly=None: ())
    monkeypatch.setattr(live, "commit_of", lambda repository: "c" * 40)
    monkeypatch.setattr(live, "source_sha256", lambda repository: A)
    monkeypatch.setattr(waivers, "sha256_of", lambda environment: A)


def person_of(role: str) -> str:
    return f"{role}@hasivu.example"


RUNNER = MadeUpSigner("runner")
OWNER = MadeUpSigner("owner")
SIGNER_OF = {role: MadeUpSigner(role) for role in ROLES}
SIGNERS_TEXT = "\n".join(
    [
        f'runner@hasivu.example namespaces="hasivu-results" {RUNNER.public_key().line}',
        f'owner@hasivu.example namespaces="hasivu-release" {OWNER.public_key().line}',
        *(
            f'{person_of(role)},{role}-2@hasivu.example,{role} namespaces="hasivu-signoff" '
            f"{SIGNER_OF[role].public_key().line}"
            for role in ROLES
        ),
    ]
)
SIGNERS = AllowedSigners.parse(SIGNERS_TEXT)


def item(item_id: str, **changed: Any) -> ItemResult:
    """An item that one proof decides, unless a test says otherwise."""
    proofs = changed.get("proofs", (f"run:{item_id}",))
    levels = tuple(dict.fromkeys(LEVELS[each.partition(":")[0]] for each in proofs)) or (Level.RUN,)
    facts: dict[str, Any] = {
        "item_id": item_id,
        "number": 1,
        "section": ("Section",),
        "text": "It is so",
        "owner": "devops-engineer",
        "blocking": True,
        "required": levels,
        "proven": levels if changed.get("status", Status.PASSED) in SATISFIED else (),
        "status": Status.PASSED,
        "reason": "seen",
        "remedy": "",
        "proofs": proofs,
    }
    return ItemResult(**facts | changed)


def results(**changed: Any) -> Results:
    facts: dict[str, Any] = {
        "environment": "prod",
        "emulator": False,
        "generated_at": REPORTED,
        "commit": "c" * 40,
        "source_sha256": A,
        "assembly_sha256": A,
        "catalogue_sha256": A,
        "waivers_sha256": A,
        "audit_checkpoint": "41:abc",
        "items": (item("one"), criterion()),
    }
    facts |= changed
    facts.setdefault("proofs", tuple(proof for each in facts["items"] for proof in proofs_of(each)))
    return Results(**facts)


def proofs_of(item: ItemResult) -> tuple[ProofResult, ...]:
    """Proofs from which it follows how the item stands."""
    return tuple(
        ProofResult(
            proof_id=name,
            level=LEVELS[name.partition(":")[0]],
            title=item.text,
            status=item.status,
            expected="it is so",
            observed=item.reason,
            looked_at=int(item.status in SATISFIED),
        )
        for name in item.proofs
    )


def criterion(status: Status = Status.PASSED) -> ItemResult:
    return item("uptime", number=2, section=("🎯 Success Criteria Validation", "Technical"), status=status)


def write_report(
    folder: Path, found: Results, files: dict[str, bytes] | None = None, *, sign: bool = True
) -> Path:
    """A whole report: results, further files, the list of them, signatures."""
    everything = {"results.json": found.canonical(), "report.html": b"<p>GO</p>", **(files or {})}
    listed = [
        {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in sorted(everything.items())
    ]
    for name, content in everything.items():
        write(folder / name, content)
    write(folder / "manifest.json", json.dumps(listed).encode())
    if sign:
        report_files.sign(folder, RUNNER)
    return folder


def evidence(path: str, content: bytes, **changed: Any) -> Evidence:
    facts: dict[str, Any] = {
        "path": path,
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
        "kind": "junit",
        "collected_at": REPORTED,
        "tool": "pytest",
    }
    return Evidence(**facts | changed)


def decision(found: Results, role: str, **changed: Any) -> SignOff:
    made_at: dict[str, Any] = {
        "role": role,
        "person": person_of(role),
        "decision": Decision.APPROVE,
        "conditions": (),
        "ticket": "OPS-1",
        "at": REPORTED + timedelta(hours=1),
        "valid_for": timedelta(hours=72),
        "before": None,
    }
    drafted = draft(found, **{key: changed.pop(key, value) for key, value in made_at.items()})
    return SignOff.model_validate(drafted.model_dump(by_alias=True) | changed)


def keep(report: Path, signoff: SignOff, signer: MadeUpSigner | None = None) -> Path:
    """Sign it, with the role's own key unless another is given, and put it beside the report."""
    document = signoff.canonical()
    signed = signature_over(document, Namespace.SIGNOFF, signer or SIGNER_OF[signoff.role])
    path = report / signoff.file_name
    write(path.with_name(f"{path.name}.sig"), signed.armoured())
    write(path, document)
    return path


def conditions(*texts: str, closed_by: str = "") -> tuple[Condition, ...]:
    return tuple(Condition(text=text, closed_by=closed_by) for text in texts)


@dataclass(kw_only=True)
class Case:
    """A report in prod that all nine roles approve, unless a test says otherwise."""

    folder: Path
    found: Results = field(default_factory=results)
    authors: frozenset[str] = frozenset({"author@hasivu.example"})
    deployer: str = "deployer@hasivu.example"

    def approve(self, *roles: str) -> None:
        for role in roles:
            keep(self.folder, decision(self.found, role))

    def approve_all_but(self, *roles: str) -> None:
        self.approve(*(role for role in ROLES if role not in roles))

    def decide(self, now: datetime = NOW, about: Results | None = None) -> Approval:
        signed, refused = read_all(self.folder, SIGNERS)
        found = about or self.found
        basis = Basis(
            results=found, results_sha256=found.sha256, authors=self.authors, deployer=self.deployer
        )
        return decide(signed, refused, basis=basis, policy=policy(), now=now)


def version(number: int) -> AliasVersion:
    return AliasVersion(version=str(number), code_sha256=f"code-{number}")


def moved(functions: Sequence[str], previous: int | None = 1, following: int = 2) -> list[FunctionVersions]:
    return [
        FunctionVersions(
            function=name,
            previous=None if previous is None else version(previous),
            next=version(following),
        )
        for name in functions
    ]


def prepared(**changed: Any) -> Prepared:
    facts: dict[str, Any] = {
        "environment": "prod",
        "deployment_id": "prod-0001-aaaaaaaaaaaa",
        "sequence": 1,
        "prepared_at": NOW,
        "commit": "c" * 40,
        "results_sha256": A,
        "assembly_sha256": A,
        "waivers_sha256": A,
        "catalogue_sha256": A,
        "signoffs": {},
        "deployer": "deployer@hasivu.example",
        "previous_assembly_sha256": None,
        "previous": {"hasivu-prod-one": version(1)},
        "drill": None,
    }
    return Prepared(**facts | changed)


def go_live(**changed: Any) -> GoLive:
    facts: dict[str, Any] = {
        "environment": "prod",
        "deployment_id": "prod-0001-aaaaaaaaaaaa",
        "sequence": 1,
        "previous_record_sha256": None,
        "previous_outcome_sha256": None,
        "prepared_sha256": A,
        "commit": "c" * 40,
        "results_sha256": A,
        "assembly_sha256": A,
        "previous_assembly_sha256": None,
        "waivers_sha256": A,
        "catalogue_sha256": A,
        "signoffs": {},
        "deployed_at": NOW,
        "rollback_deadline": NOW + timedelta(hours=24),
        "functions": tuple(moved(["hasivu-prod-one"])),
        "removed": (),
        "rollback_command": "hasivu rollback --env prod",
        "owner": "owner@hasivu.example",
        "deployer": "deployer@hasivu.example",
        "ticket": "OPS-1",
        "drill": None,
    }
    return GoLive(**facts | changed)
