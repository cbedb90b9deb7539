"""How every item and control of the catalogue stands, by the proofs that it names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from checks.checklist.applicability import Setting, applies_not
from checks.checklist.catalogue import Catalogue, Control, Framework, Item
from checks.checklist.model import (
    SATISFIED,
    WORST_FIRST,
    ControlResult,
    ItemResult,
    Level,
    ProofResult,
    Status,
    worst,
)
from checks.checklist.references import FRAMEWORK, Reference
from checks.checklist.stand import LEVEL_NAMES, Stand, stand
from checks.checklist.wording import counted, line, listed

Prover = Callable[[Reference], ProofResult]


@dataclass
class Proofs:
    """Every proof that was asked for, made once, by its id."""

    provers: Mapping[str, Prover]
    made: dict[str, ProofResult] = field(default_factory=dict)

    def of(self, reference: Reference) -> ProofResult:
        """The proof that ``reference`` names."""
        name = str(reference)
        if name not in self.made:
            self.made[name] = self.provers[reference.kind](reference)
        return self.made[name]

    def replace(self, proof: ProofResult) -> None:
        """Let ``proof`` stand for the one of its id."""
        self.made[proof.proof_id] = proof


def judge_controls(catalogue: Catalogue, proofs: Proofs) -> tuple[ControlResult, ...]:
    """Every control of every framework, in the order of its file."""
    return tuple(
        _control(catalogue, framework, control, proofs)
        for framework in catalogue.frameworks
        for control in framework.control
    )


def _control(catalogue: Catalogue, framework: Framework, control: Control, proofs: Proofs) -> ControlResult:
    found = _proofs_of(catalogue, control, proofs)
    verdict = stand(control.required, found)
    return ControlResult(
        framework=framework.name,
        control_id=control.id,
        meaning=control.meaning,
        required=control.required,
        proven=verdict.proven,
        status=verdict.status,
        reason=line(f"{verdict.reason} {control.said}"),
        proofs=tuple(each.proof_id for level in Level for each in found.get(level, ())),
    )


def _proofs_of(
    catalogue: Catalogue, subject: Item | Control, proofs: Proofs
) -> dict[Level, list[ProofResult]]:
    found: dict[Level, list[ProofResult]] = {}
    for level in Level:
        made = [proofs.of(reference) for reference in catalogue.references(subject, level)]
        if made:
            found[level] = made
    return found


def framework_proof(catalogue: Catalogue, reference: Reference, proofs: Proofs) -> ProofResult:
    """All controls of a framework at one level, as one proof: the worst of them."""
    slug, _, letter = reference.name.partition("/")
    level, framework = Level(letter), catalogue.framework(slug)
    asked = [control for control in framework.control if level in control.required]
    by_status: dict[Status, list[str]] = {}
    for control in asked:
        made = [proofs.of(each) for each in catalogue.references(control, level)]
        by_status.setdefault(worst(each.status for each in made), []).append(control.id)
    status = worst(by_status)
    good = sum(len(ids) for each, ids in by_status.items() if each in SATISFIED)
    open_ = [
        f"{each.value}: {listed(by_status[each], shown=4)}"
        for each in WORST_FIRST
        if each in by_status and each not in SATISFIED
    ]
    return ProofResult(
        proof_id=str(reference),
        level=level,
        title=line(f"{framework.name} {LEVEL_NAMES[level]}"),
        status=status,
        expected=line(f"evidence for each of {counted(len(asked), 'control')}"),
        observed=line(
            f"{good} of {counted(len(asked), 'control')}; {'; '.join(open_)}" if open_ else f"all {good}"
        ),
        looked_at=len(asked),
        remedy="" if status in SATISFIED else line(f"See the controls of {framework.name} in the report."),
    )


def judge_items(catalogue: Catalogue, setting: Setting, proofs: Proofs) -> tuple[ItemResult, ...]:
    """Every item of the checklist, in its order."""
    return tuple(
        _item(catalogue, setting, item, proofs) for item in sorted(catalogue.items, key=lambda item: item.id)
    )


def _item(catalogue: Catalogue, setting: Setting, item: Item, proofs: Proofs) -> ItemResult:
    found = _proofs_of(catalogue, item, proofs)
    verdict = stand(item.required(setting.name), found)
    predicate = item.not_where.get(setting.name)
    out = None if predicate is None else applies_not(predicate, setting)
    if out is not None:
        verdict = Stand(Status.NOT_APPLICABLE, (), out, "")
    return ItemResult(
        item_id=item.id,
        number=item.number,
        section=item.section,
        text=item.text,
        intent=item.intent,
        owner=item.owner,
        blocking=setting.name in item.blocks,
        required=item.required(setting.name),
        proven=verdict.proven,
        status=verdict.status,
        reason=line(verdict.reason),
        remedy=line(verdict.remedy),
        proofs=tuple(each.proof_id for level in Level for each in found.get(level, ())),
    )


def waivable(catalogue: Catalogue, references: Iterable[str]) -> frozenset[str]:
    """The ids that a waiver may name: every item and every proof, but whole frameworks and signatures."""
    signed = {f"record:{name}" for name, kind in catalogue.records.items() if kind.signed}
    items = {item.id for item in catalogue.items if not signed & {*item.P}}
    proofs = {name for name in references if not name.startswith(f"{FRAMEWORK}:")}
    return frozenset(items | (proofs - signed))
