"""What the gate found beside the house rules, as proofs; and acknowledgements as the waivers they are."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from checks.checklist.applicability import Setting
from checks.checklist.model import Level, ProofResult, Status, Waiver, WaiverState
from checks.checklist.wording import counted, line, listed
from checks.rules.acknowledgements import parse
from checks.rules.gate import CLOUDFORMATION, HOUSE_RULES, RESOURCES_MAX, Verdict
from checks.rules.validation_report import Acknowledged, Suppressed

ACKNOWLEDGED: Final = "ack-"
OF_EMULATOR: Final = "emulator-"
"""How the ids of waivers begin that are in the code, and in no file of waivers."""

CDK_NAG: Final = ("AwsSolutions", "Serverless", "NIST.800.53.R5", "PCI.DSS.321")

EMULATOR: Final[Mapping[str, str]] = {
    "W3660": "The emulator takes no answers of the gateway from the contract; the sandbox adds them to it."
}
"""What the linters find in the sandbox's templates alone, and why it is so there."""

EMULATOR_UNTIL: Final = date(2027, 10, 31)
EMULATOR_ADR: Final = "ADR 0028"


def prove(verdict: Verdict, setting: Setting) -> tuple[ProofResult, ...]:
    """The gate's own proofs, ``gate:…``."""
    resources = sum(verdict.resources.values())
    excused = EMULATOR if setting.embedded and verdict.on <= EMULATOR_UNTIL else {}
    return (
        _assembly(verdict, resources),
        _pack(verdict, "cdk-nag", CDK_NAG, "cdk-nag's packs find nothing that is open", excused),
        _lint(verdict, resources, excused),
        _pack(
            verdict, "cloudformation", (CLOUDFORMATION,), "CloudFormation's own rules find nothing", excused
        ),
        _size(verdict),
    )


def _assembly(verdict: Verdict, resources: int) -> ProofResult:
    absent = [f"{pack}: {state}" for pack, state in verdict.packs.items() if state != "ran"]
    unsound = [f"{each.construct} {each.rule_id}: {each.problem}" for each in verdict.unsound]
    status = Status.ERROR if absent else Status.FAILED if unsound else Status.PASSED
    seen = "; ".join(
        part
        for part in (
            f"not run: {listed(absent, shown=2)}" if absent else "",
            f"unsound acknowledgements: {listed(unsound, shown=2)}" if unsound else "",
        )
        if part
    )
    return _proof(
        "assembly",
        status,
        "Every rule pack ran over the assembly, and every acknowledgement is sound",
        seen or f"{counted(len(verdict.packs), 'pack')} ran over {counted(resources, 'resource')}",
        resources,
        "See `hasivu gate`: make the pack run, put the finding right, or acknowledge it anew.",
    )


def _pack(
    verdict: Verdict, name: str, packs: Sequence[str], title: str, excused: Mapping[str, str]
) -> ProofResult:
    resources = sum(verdict.resources.values())
    absent = [pack for pack in packs if verdict.packs.get(pack) != "ran"]
    found = [each for each in verdict.open if each.pack in packs]
    hidden = [each for each in verdict.suppressed if each.pack in packs]
    open_ = [f"{each.rule} at {each.construct}" for each in found if each.rule not in excused]
    open_ += [f"{each.rule} at {each.construct}" for each in hidden if _covering(each) in _unsound(verdict)]
    accepted = len(found) + len(hidden) - len(open_)
    if absent:
        status, seen = Status.ERROR, f"did not run: {', '.join(absent)}"
    elif open_:
        status, seen = Status.FAILED, f"{counted(len(open_), 'finding')}: {listed(open_, shown=2)}"
    elif accepted:
        status, seen = Status.WAIVED, f"{counted(accepted, 'finding')}, all acknowledged"
    else:
        status, seen = Status.PASSED, f"nothing found in {counted(resources, 'resource')}"
    return _proof(
        name, status, title, seen, resources, "Put it right, or acknowledge it with reason, owner and end."
    )


def _lint(verdict: Verdict, resources: int, excused: Mapping[str, str]) -> ProofResult:
    found = [
        f"{each.rule} in {each.template} {each.place}" for each in verdict.lint if each.rule not in excused
    ]
    accepted = len(verdict.lint) - len(found)
    if found:
        status, seen = Status.FAILED, f"{counted(len(found), 'finding')}: {listed(found, shown=2)}"
    elif accepted:
        status, seen = Status.WAIVED, f"{counted(accepted, 'finding')}, all acknowledged"
    else:
        status, seen = Status.PASSED, f"nothing found in {counted(resources, 'resource')}"
    return _proof(
        "cfn-lint",
        status,
        "cfn-lint finds nothing in any template",
        seen,
        resources,
        "Put right what cfn-lint names; `hasivu gate` shows all of it.",
    )


def _size(verdict: Verdict) -> ProofResult:
    wrong = [
        f"{stack} has {count}"
        for stack, count in verdict.resources.items()
        if not 1 <= count <= RESOURCES_MAX
    ]
    return _proof(
        "size",
        Status.FAILED if wrong else Status.PASSED if verdict.resources else Status.NOT_EVALUATED,
        f"Every stack has between 1 and {RESOURCES_MAX} resources",
        listed(wrong) if wrong else counted(len(verdict.resources), "stack"),
        len(verdict.resources),
        "Split the stack, or see why it is empty.",
    )


def _proof(name: str, status: Status, title: str, observed: str, looked_at: int, remedy: str) -> ProofResult:
    return ProofResult(
        proof_id=f"gate:{name}",
        level=Level.TEMPLATE,
        title=line(title),
        status=status if looked_at else Status.NOT_EVALUATED,
        expected=line(title),
        observed=line(observed),
        looked_at=looked_at,
        remedy=line(remedy),
    )


def accepted(verdict: Verdict) -> dict[tuple[str, str], str]:
    """What the house rules find and a sound acknowledgement covers: rule and place, to the waiver's id."""
    return {
        (each.rule, each.construct): waiver_id(each)
        for each in verdict.suppressed
        if each.pack == HOUSE_RULES and _covering(each) not in _unsound(verdict)
    }


def _unsound(verdict: Verdict) -> set[tuple[str, str]]:
    return {(each.rule_id, each.construct) for each in verdict.unsound}


def _covering(item: Suppressed) -> tuple[str, str]:
    """The acknowledgement that covers it, by its rule and construct."""
    return item.acknowledged_id, item.acknowledged_at.strip("/")


def waiver_id(item: Suppressed) -> str:
    """One id for all findings that one reason accepts for one rule."""
    return _waiver_id(_rule(item.rule), item.reason)


def waiver_ids(acknowledged: Iterable[Acknowledged]) -> dict[str, str]:
    """The ids under which acknowledgements of an assembly can be waivers, each with its reason."""
    return {
        _waiver_id(_rule(each.rule_id.partition("::")[2]), each.reason): each.reason for each in acknowledged
    }


def _waiver_id(rule: str, reason: str) -> str:
    digest = hashlib.sha256(f"{rule}\0{reason}".encode()).hexdigest()
    return f"{ACKNOWLEDGED}{digest[:10]}"


def acknowledgements(verdict: Verdict, setting: Setting) -> tuple[Waiver, ...]:
    """Every acknowledgement of the assembly as a waiver: whose, why, on what evidence, until when."""
    own = _of_emulator(verdict) if setting.embedded else ()
    return (*_of_assembly(verdict), *own)


def _of_emulator(verdict: Verdict) -> Iterable[Waiver]:
    for rule, why in EMULATOR.items():
        by_gate: dict[str, list[str]] = {}
        for each in verdict.open:
            if each.rule == rule:
                by_gate.setdefault(_gate_of(each.pack), []).append(each.construct)
        for finding in verdict.lint:
            if finding.rule == rule:
                by_gate.setdefault("cfn-lint", []).append(finding.place)
        for gate, places in by_gate.items():
            yield Waiver(
                waiver_id=f"{OF_EMULATOR}{rule.lower()}-{gate}",
                waives=f"gate:{gate}",
                environment=verdict.environment,
                owner="platform",
                ticket=EMULATOR_ADR,
                reason=line(f"{rule}, {counted(len(places), 'finding')}: {why}"),
                compensating_control=line("Deployed environments import them; there the finding counts."),
                created=None,
                expires=EMULATOR_UNTIL,
                fingerprint=_fingerprint(places),
                state=_state(EMULATOR_UNTIL, verdict.on),
            )


def _of_assembly(verdict: Verdict) -> tuple[Waiver, ...]:
    together: dict[str, list[Suppressed]] = {}
    for item in verdict.suppressed:
        together.setdefault(waiver_id(item), []).append(item)
    return tuple(
        _waiver(name, items, verdict.environment, verdict.on) for name, items in sorted(together.items())
    )


def _waiver(name: str, items: Sequence[Suppressed], environment: str, today: date) -> Waiver:
    first = items[0]
    reason = parse(first.reason)
    where = f"{_rule(first.rule)}, {counted(len(items), 'finding')}"
    house = first.pack == HOUSE_RULES
    return Waiver(
        waiver_id=name,
        waives=f"rule:{first.rule}" if house else f"gate:{_gate_of(first.pack)}",
        environment=environment,
        owner=reason.owner if reason else "nobody",
        ticket=reason.evidence if reason else "none",
        reason=line(f"{where}: {reason.why if reason else 'its reason cannot be read'}"),
        compensating_control=line(f"See {reason.evidence}." if reason else ""),
        created=None,
        expires=reason.until if reason else None,
        fingerprint=_fingerprint(f"{item.rule}\0{item.construct}" for item in items),
        state=_state(reason.until if reason else None, today),
    )


def _state(until: date | None, today: date) -> WaiverState:
    if until is None:
        return WaiverState.MALFORMED
    return WaiverState.IN_FORCE if today <= until else WaiverState.EXPIRED


def _gate_of(pack: str) -> str:
    return "cloudformation" if pack == CLOUDFORMATION else "cdk-nag"


def _rule(rule: str) -> str:
    """The rule without the finding that it is narrowed to."""
    return rule.partition("[")[0]


def _fingerprint(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
