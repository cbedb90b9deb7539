"""Whether results agree with themselves: every status judged anew by the proofs beside it.

A signature tells who vouches for a document, not that it is right. Nothing is needed but the document.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Final

from checks.checklist.model import (
    SATISFIED,
    WAIVABLE,
    ControlResult,
    ItemResult,
    Level,
    ProofResult,
    Results,
    Status,
    Waiver,
    WaiverState,
)
from checks.checklist.references import FRAMEWORK, LEVELS
from checks.checklist.stand import Stand, judged

_NAME: Final = re.compile(r"(?!.*\d{6})[A-Za-z][\w .:/*{}()-]{0,199}")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Something that the results say and that does not follow from them. ``subject`` is an item's, a
    control's, or a proof's id."""

    subject: str
    message: str


def contradictions(results: Results) -> tuple[Contradiction, ...]:
    """Every status that the document itself denies; empty where it agrees with itself."""
    proofs = {proof.proof_id: proof for proof in results.proofs}
    evidence = {each.path for each in results.evidence}
    in_force = {each.waives: each for each in results.waivers if each.state is WaiverState.IN_FORCE}
    return (
        *_twice("item", [item.item_id for item in results.items]),
        *_twice("control", [control_id(each) for each in results.controls]),
        *_twice("proof", [proof.proof_id for proof in results.proofs]),
        *(
            found
            for proof in results.proofs
            for found in _of_proof(proof, evidence, in_force, emulator=results.emulator)
        ),
        *(found for item in results.items for found in _of_item(item, proofs, in_force)),
        *(found for control in results.controls for found in _of_control(control, proofs)),
    )


def _twice(what: str, names: Sequence[str]) -> Iterator[Contradiction]:
    for name, times in Counter(names).items():
        if times > 1:
            yield Contradiction(shown(name), f"the {what} is there {times} times")


def _of_proof(
    proof: ProofResult, evidence: Set[str], in_force: Mapping[str, Waiver], *, emulator: bool
) -> Iterator[Contradiction]:
    kind, level = proof.proof_id.partition(":")[0], _level_of(proof.proof_id)
    name = shown(proof.proof_id)
    if level is None:
        yield Contradiction(name, "it is of no known kind of proof")
        return
    if proof.level is not level:
        yield Contradiction(name, f"it is said to be of level {proof.level}, and is of {level}")
    if proof.status in SATISFIED and proof.looked_at <= 0:
        yield Contradiction(name, f"it is {proof.status}, and looked at nothing")
    if proof.status in SATISFIED and proof.against:
        yield Contradiction(name, f"it is {proof.status}, and resources speak against it")
    if proof.status is Status.ATTESTED and level is not Level.PERSON and kind != FRAMEWORK:
        yield Contradiction(name, "no person attests what a machine looks at")
    if proof.status is Status.WAIVED and kind != FRAMEWORK and proof.proof_id not in in_force:
        yield Contradiction(name, "no waiver in force waives it")
    if proof.on_emulator and level is Level.LIVE and not emulator:
        yield Contradiction(name, "it was seen on an emulator, and the report is about AWS")
    missing = {*proof.evidence} - evidence
    if missing:
        yield Contradiction(name, f"its evidence {shown(min(missing))} is not listed")


def _level_of(proof_id: str) -> Level | None:
    kind, _, name = proof_id.partition(":")
    if kind == FRAMEWORK:
        return next((level for level in Level if name.endswith(f"/{level}")), None)
    return LEVELS.get(kind)


def _of_item(
    item: ItemResult, proofs: Mapping[str, ProofResult], in_force: Mapping[str, Waiver]
) -> Iterator[Contradiction]:
    name = shown(item.item_id)
    missing = [each for each in item.proofs if each not in proofs]
    if missing:
        yield Contradiction(name, f"its proof {shown(missing[0])} is not there")
        return
    found = judged(item, proofs)
    if item.waiver_id is not None or (item.status is Status.WAIVED and found.status is not Status.WAIVED):
        waiver = in_force.get(item.item_id)
        if waiver is None or waiver.waiver_id != item.waiver_id or item.status is not Status.WAIVED:
            yield Contradiction(name, f"it is {item.status}, and no waiver in force waives it")
        elif found.status not in WAIVABLE:
            yield Contradiction(name, f"it is waived, and {found.status} by its proofs")
        if item.proven != found.proven:
            yield _proven(name, item.proven, found)
    elif item.status is Status.NOT_APPLICABLE and not item.proven:
        return  # by its predicate, which the document does not have, whatever its proofs are
    elif item.status is Status.NOT_APPLICABLE and found.status is not Status.NOT_APPLICABLE:
        yield Contradiction(name, "it does not apply, and is said to be proven")
    else:
        yield from _held(name, item, found)


def _of_control(control: ControlResult, proofs: Mapping[str, ProofResult]) -> Iterator[Contradiction]:
    name = shown(control_id(control))
    missing = [each for each in control.proofs if each not in proofs]
    if missing:
        yield Contradiction(name, f"its proof {shown(missing[0])} is not there")
        return
    yield from _held(name, control, judged(control, proofs))


def _held(name: str, said: ItemResult | ControlResult, found: Stand) -> Iterator[Contradiction]:
    if said.status is not found.status:
        yield Contradiction(name, f"it is said to be {said.status}, and is {found.status} by its proofs")
    if said.proven != found.proven:
        yield _proven(name, said.proven, found)


def _proven(name: str, said: Sequence[Level], found: Stand) -> Contradiction:
    levels = ["".join(each) or "none" for each in (said, found.proven)]
    return Contradiction(name, f"levels {levels[0]} are said to be proven, and {levels[1]} are")


def control_id(control: ControlResult) -> str:
    """How a control is named: ``PCI DSS 4.0.1 10.4.1``."""
    return f"{control.framework} {control.control_id}"


def shown(name: str) -> str:
    """``name`` where it is one: a document that denies itself may hold anything, and nobody has looked."""
    return name if _NAME.fullmatch(name) else "what has no name to be shown"
