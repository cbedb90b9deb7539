"""Whether results are what the catalogue makes of their proofs: nothing left out, added or put otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from checks.checklist.applicability import Setting
from checks.checklist.catalogue import Catalogue, Control, Item
from checks.checklist.contradictions import Contradiction, control_id, shown
from checks.checklist.engine import Proofs, framework_proof, judge_controls, judge_items
from checks.checklist.model import (
    SATISFIED,
    WAIVABLE,
    ControlResult,
    ItemResult,
    Level,
    ProofResult,
    Results,
    WaiverState,
)
from checks.checklist.references import FRAMEWORK, ROLLBACK_WINDOW, parse
from checks.checklist.stand import waived

_Part = ItemResult | ControlResult | ProofResult


def departures(results: Results, catalogue: Catalogue, setting: Setting) -> tuple[Contradiction, ...]:
    """Where the results are not what ``catalogue`` makes of their proofs in ``setting``.

    The catalogue must be the one that they name (``catalogue_sha256``). Of results that agree with
    themselves, everything that remains is found: an item or a control too few or too many, another text,
    level, role, reason or next step, and what is said not to apply and does.
    """
    made = {proof.proof_id: proof for proof in results.proofs}
    strange = [name for name in made if not _known(name, catalogue)]
    if strange:
        return tuple(Contradiction(shown(name), "the catalogue knows no such proof") for name in strange)
    missing = [name for name in _asked(catalogue) if name not in made]
    if missing:
        return tuple(
            Contradiction(name, "the catalogue asks for it, and it is not there") for name in missing
        )
    frameworks = {
        str(reference): framework_proof(catalogue, reference, Proofs({}, dict(made)))
        for reference in map(parse, made)
        if reference.kind == FRAMEWORK
    }
    proofs = Proofs({}, made | frameworks)
    waivers = {each.waives: each for each in results.waivers if each.state is WaiverState.IN_FORCE}
    items = [
        waived(item, waivers[item.item_id]) if item.item_id in waivers and item.status in WAIVABLE else item
        for item in judge_items(catalogue, setting, proofs)
    ]
    return (
        *_out_of_place(results, made, setting),
        *_differing({name: made[name] for name in frameworks}, frameworks),
        *_differing({each.item_id: each for each in results.items}, {each.item_id: each for each in items}),
        *_differing(
            {control_id(each): each for each in results.controls},
            {control_id(each): each for each in judge_controls(catalogue, proofs)},
        ),
    )


def _known(name: str, catalogue: Catalogue) -> bool:
    try:
        reference = parse(name)
    except ValueError:
        return False
    slug = reference.name.partition("/")[0]
    return reference.kind != FRAMEWORK or any(slug == each.slug for each in catalogue.frameworks)


def _out_of_place(
    results: Results, made: Mapping[str, ProofResult], setting: Setting
) -> Iterator[Contradiction]:
    """What no check of this environment says: that AWS is an emulator, or how the release of it stands."""
    if results.emulator is not setting.embedded:
        yield Contradiction("results.json", "an emulator is the sandbox, and nothing else is")
    proof = made.get(ROLLBACK_WINDOW)
    if proof is not None and proof.status in SATISFIED:
        yield Contradiction(ROLLBACK_WINDOW, "only the records of releases say how it stands")


def _asked(catalogue: Catalogue) -> Iterator[str]:
    """Every proof that the catalogue names, once."""
    subjects: list[Item | Control] = [*catalogue.items]
    subjects += [control for each in catalogue.frameworks for control in each.control]
    return iter(
        dict.fromkeys(
            str(reference)
            for subject in subjects
            for level in Level
            for reference in catalogue.references(subject, level)
        )
    )


def _differing(said: Mapping[str, _Part], found: Mapping[str, _Part]) -> Iterator[Contradiction]:
    for name in sorted({*said, *found}):
        if name not in found:
            yield Contradiction(shown(name), "the catalogue does not ask for it")
        elif name not in said:
            yield Contradiction(name, "the catalogue asks for it, and it is not there")
        elif said[name] != found[name]:
            fields = [
                field
                for field in type(found[name]).model_fields
                if getattr(said[name], field) != getattr(found[name], field)
            ]
            yield Contradiction(name, f"not what its proofs give: {', '.join(fields)}")
