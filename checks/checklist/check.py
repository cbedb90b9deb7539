"""The check of one environment: every proof, every item, every control, as one document."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from checks.checklist import engine, gate_proofs
from checks.checklist.applicability import Setting, setting_of
from checks.checklist.catalogue import Catalogue, Control, Item
from checks.checklist.checked_assembly import Checked
from checks.checklist.digests import assembly_sha256, catalogue_sha256, source_sha256
from checks.checklist.engine import Proofs
from checks.checklist.live_proofs import LiveProofs
from checks.checklist.model import (
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
from checks.checklist.references import Reference
from checks.checklist.run_evidence import RunEvidence
from checks.checklist.run_proofs import RunProofs
from checks.checklist.stand import waived
from checks.checklist.template_proofs import TemplateProofs, prove, resource_proof
from checks.evidence import attestations, waivers
from checks.evidence.run_record import commit_of
from checks.rules.assembly import read_estate
from checks.rules.estate import Estate
from checks.rules.gate_report import RETIRED
from checks.toolchain import REPOSITORY
from runtime.platform.clock import business_date

TOOLS: Final = ("aws-cdk-lib", "cdk-nag", "cfn-lint", "ministack", "mypy", "pytest", "ruff")


@dataclass(frozen=True)
class Inputs:
    """All that a check depends on. The same inputs give the same bytes."""

    environment: str
    checked: Checked
    live: Callable[[Path], LiveProofs]
    """The look at what runs, held against the assembly in a folder."""
    now: datetime
    catalogue: Catalogue
    live_assembly: Path | None = None
    """The assembly that is live, where it is another one than the checked: that one runs, and not this."""
    audit_checkpoint: str | None = None
    """The digest of the audit trail's last checkpoint."""
    repository: Path = REPOSITORY
    rules: Callable[[Estate, Setting, Mapping[tuple[str, str], str]], TemplateProofs] = prove


def check(inputs: Inputs) -> Results:
    """How every item and control of ``inputs`` stands.

    Errors: ``ENVIRONMENT_UNKNOWN``, ``CATALOGUE_INVALID``, ``WAIVERS_UNREADABLE``, ``ASSEMBLY_UNREADABLE``.
    """
    setting = setting_of(inputs.environment, repository=inputs.repository)
    estate = read_estate(inputs.checked.folder, environment=inputs.environment)
    sources = source_sha256(inputs.repository)
    runs = RunEvidence(inputs.environment, sources, inputs.now, inputs.repository)
    records = attestations.read(inputs.environment, repository=inputs.repository)
    people: dict[str, Evidence] = {}
    template = inputs.rules(estate, setting, gate_proofs.accepted(inputs.checked.verdict))
    running = _running(inputs)
    live = inputs.live(inputs.live_assembly or inputs.checked.folder)
    proofs = _proofs(inputs, setting, estate, template, live, runs, records, people)
    states = _waive_proofs(inputs, estate, proofs)
    items, item_states = _waive_items(
        engine.judge_items(inputs.catalogue, setting, proofs), estate, proofs, states
    )
    return Results(
        environment=inputs.environment,
        emulator=setting.embedded,
        generated_at=inputs.now,
        commit=commit_of(inputs.repository),
        source_sha256=sources,
        assembly_sha256=inputs.checked.assembly_sha256,
        live_assembly_sha256=running,
        catalogue_sha256=catalogue_sha256(inputs.repository),
        waivers_sha256=states.written.sha256,
        audit_checkpoint=inputs.audit_checkpoint,
        tools=_tools(),
        items=items,
        controls=engine.judge_controls(inputs.catalogue, proofs),
        proofs=tuple(proofs.made[name] for name in sorted(proofs.made)),
        evidence=_evidence(proofs.made.values(), runs.used | people),
        waivers=_waivers(inputs, setting, item_states),
        unmatched=template.unmatched,
        notes=_notes(setting, live, running, records, inputs.catalogue),
    )


def _running(inputs: Inputs) -> str | None:
    """The digest of the assembly that is live, where that is not the checked one."""
    if inputs.live_assembly is None:
        return None
    digest = assembly_sha256(inputs.live_assembly)
    return None if digest == inputs.checked.assembly_sha256 else digest


def _proofs(
    inputs: Inputs,
    setting: Setting,
    estate: Estate,
    template: TemplateProofs,
    live: LiveProofs,
    runs: RunEvidence,
    records: attestations.Records,
    people: dict[str, Evidence],
) -> Proofs:
    """Every proof that the catalogue names, made; all house rules and probes are among them."""

    def person(reference: Reference) -> ProofResult:
        proof, evidence = attestations.prove(
            reference.name,
            inputs.catalogue.records[reference.name],
            records,
            environment=inputs.environment,
            assembly_sha256=inputs.checked.assembly_sha256,
            today=business_date(inputs.now),
        )
        people.update({each.path: each for each in evidence})
        return proof

    running = RunProofs(runs, estate, runtime=inputs.repository / "runtime")
    made = {each.proof_id: each for each in template.proofs}
    made |= {each.proof_id: each for each in gate_proofs.prove(inputs.checked.verdict, setting)}
    made |= {name: live.prove(Reference(*name.split(":", 1))) for name in live.found}
    proofs = Proofs(
        {
            "probe": live.prove,
            "resource": lambda reference: resource_proof(reference.name, estate),
            "record": person,
            **dict.fromkeys(("run", "test", "demo", "bench", "function"), running.prove),
            "framework": lambda reference: engine.framework_proof(inputs.catalogue, reference, proofs),
        },
        made,
    )
    subjects: list[Item | Control] = [*inputs.catalogue.items]
    subjects += [control for each in inputs.catalogue.frameworks for control in each.control]
    for subject in subjects:
        for level in Level:
            for reference in inputs.catalogue.references(subject, level):
                if reference.kind != "framework":
                    proofs.of(reference)
    return proofs


@dataclass
class _States:
    """The waivers as written, and what became of each."""

    written: waivers.Waivers
    settled: dict[str, Waiver]


def _waive_proofs(inputs: Inputs, estate: Estate, proofs: Proofs) -> _States:
    """Let the waivers of proofs count, before anything is judged by them."""
    written = waivers.read(
        inputs.environment,
        engine.waivable(inputs.catalogue, proofs.made),
        today=business_date(inputs.now),
        repository=inputs.repository,
    )
    fingerprints = {
        each.waives: waivers.fingerprint_of(proofs.made[each.waives].against, estate)
        for each in written.written
        if each.waives in proofs.made
    }
    in_force, states = written.applied(proofs.made.values(), fingerprints)
    for name, waiver in in_force.items():
        proof = proofs.made[name]
        observed = f"{proof.observed} (waived by {waiver.waiver_id} until {waiver.expires})"
        proofs.replace(proof.model_copy(update={"status": Status.WAIVED, "observed": observed[:500]}))
    return _States(written, {each.waiver_id: each for each in states})


def _waive_items(
    items: tuple[ItemResult, ...], estate: Estate, proofs: Proofs, states: _States
) -> tuple[tuple[ItemResult, ...], tuple[Waiver, ...]]:
    by_id = {item.item_id: item for item in items}
    fingerprints = {
        each.waives: waivers.fingerprint_of(_against(by_id[each.waives], proofs), estate)
        for each in states.written.written
        if each.waives in by_id
    }
    in_force, settled = states.written.applied(items, fingerprints)
    settled_items = tuple(
        waived(item, in_force[item.item_id]) if item.item_id in in_force else item for item in items
    )
    found = states.settled | {each.waiver_id: each for each in settled}
    all_ = tuple(
        each if each.state is WaiverState.MALFORMED else found.get(each.waiver_id, each)
        for each in states.written.written
    )
    return settled_items, all_


def _against(item: ItemResult, proofs: Proofs) -> Iterable[Subject]:
    return (subject for name in item.proofs for subject in proofs.made[name].against)


def _waivers(inputs: Inputs, setting: Setting, own: tuple[Waiver, ...]) -> tuple[Waiver, ...]:
    all_ = (*own, *gate_proofs.acknowledgements(inputs.checked.verdict, setting))
    return tuple(sorted(all_, key=lambda each: (each.waiver_id, each.waives)))


def _evidence(proofs: Iterable[ProofResult], files: Mapping[str, Evidence]) -> tuple[Evidence, ...]:
    """The files that some proof rests on."""
    named = {path for proof in proofs for path in proof.evidence}
    return tuple(files[path] for path in sorted(named & set(files)))


def _tools() -> dict[str, str]:
    found = {}
    for name in TOOLS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _notes(
    setting: Setting,
    live: LiveProofs,
    running: str | None,
    records: attestations.Records,
    catalogue: Catalogue,
) -> tuple[str, ...]:
    """What a reader must know to judge the rest."""
    notes = [RETIRED]
    if setting.embedded:
        notes.append(
            "This is the sandbox: an emulator on one machine. It is no evidence of how AWS is configured, "
            "enforces no firewall, and answers under no real load."
        )
    if not live.found:
        notes.append(f"Nothing was read back from the running environment: {live.why}.")
    if running is not None:
        notes.append(
            f"What runs was held against the assembly {running[:12]}, which is live, and not against the one "
            "of this report. What this one changes is to be looked at again once it is deployed."
        )
    notes += [f"A record counts for nothing: {stray}." for stray in records.strays(catalogue.records)]
    return tuple(notes)
