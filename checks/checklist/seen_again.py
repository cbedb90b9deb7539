"""Whether what results say of templates and of runs is what the assembly and the evidence show.

What is acknowledged is waived and not good; what is said to be worse than it is harms nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from checks.checklist.applicability import Setting
from checks.checklist.contradictions import Contradiction, shown
from checks.checklist.gate_proofs import ACKNOWLEDGED, OF_EMULATOR, waiver_ids
from checks.checklist.model import SATISFIED, Level, Results, Status
from checks.checklist.references import LEVELS
from checks.checklist.references import parse as parse_reference
from checks.checklist.run_evidence import RunEvidence
from checks.checklist.run_proofs import RunProofs
from checks.checklist.template_proofs import prove, resource_proof
from checks.rules.acknowledgements import parse
from checks.rules.estate import Estate
from checks.rules.validation_report import Acknowledged

_GOOD: Final = SATISFIED | {Status.NOT_APPLICABLE}


def not_shown(results: Results, estate: Estate, setting: Setting) -> Iterator[Contradiction]:
    """Every house rule and every resource that is said to be good, and is not so in ``estate``."""
    rules = {each.proof_id: each for each in prove(estate, setting, {}).proofs}
    for said in results.proofs:
        kind, _, name = said.proof_id.partition(":")
        if kind not in {"rule", "resource"} or said.status not in _GOOD:
            continue
        found = resource_proof(name, estate) if kind == "resource" else rules.get(said.proof_id)
        if said != found:
            status = "unknown" if found is None else found.status
            yield Contradiction(shown(said.proof_id), f"it is {said.status}, and {status} by the assembly")


def not_acknowledged(results: Results, acknowledged: Iterable[Acknowledged]) -> Iterator[Contradiction]:
    """Every acknowledgement that is told as a waiver, and that the assembly does not hold as it is told."""
    reasons = waiver_ids(acknowledged)
    for waiver in results.waivers:
        if waiver.waiver_id.startswith(OF_EMULATOR) and not results.emulator:
            yield Contradiction(shown(waiver.waiver_id), "it is for the sandbox's emulator, and this is AWS")
        if not waiver.waiver_id.startswith(ACKNOWLEDGED):
            continue
        reason = parse(reasons.get(waiver.waiver_id, ""))
        told = (waiver.owner, waiver.ticket, waiver.expires)
        if reason is None or told != (reason.owner, reason.evidence, reason.until):
            yield Contradiction(shown(waiver.waiver_id), "the assembly does not hold this acknowledgement")


def not_recorded(
    results: Results, evidence: Path, estate: Estate | None, *, runtime: Path
) -> Iterator[Contradiction]:
    """Every run that is said to have shown something good, and did not by what it left in ``evidence``.

    Without ``estate`` nobody knows which functions are deployed, and they are not judged.
    """
    runs = RunEvidence(results.environment, results.source_sha256, results.generated_at, evidence)
    proving = RunProofs(runs, estate or Estate({}, environment=results.environment), runtime=runtime)
    for said in results.proofs:
        kind = said.proof_id.partition(":")[0]
        if said.status not in _GOOD or LEVELS.get(kind) is not Level.RUN:
            continue
        if kind == "function" and estate is None:
            continue
        found = proving.prove(parse_reference(said.proof_id))
        if said != found:
            yield Contradiction(
                shown(said.proof_id), f"it is {said.status}, and {found.status} by its evidence"
            )
