"""Whether results say of waivers and of people's records what is committed, where both can be read anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from checks.checklist.catalogue import Catalogue
from checks.checklist.contradictions import Contradiction, shown
from checks.checklist.engine import waivable
from checks.checklist.gate_proofs import ACKNOWLEDGED, OF_EMULATOR
from checks.checklist.model import WAIVABLE, ProofResult, Results, Status, Subject, Waiver, WaiverState
from checks.evidence import attestations, waivers
from checks.rules.estate import Estate
from checks.toolchain import REPOSITORY
from runtime.platform.clock import business_date

_BY_CODE: Final = frozenset({"rule", "gate"})
_LATER_STATES: Final = frozenset({WaiverState.UNUSED, WaiverState.LAPSED})
"""What becomes of a waiver that is in force by its days, once it is held against what it waives."""


def uncommitted(
    results: Results, catalogue: Catalogue, *, estate: Estate | None = None, repository: Path = REPOSITORY
) -> tuple[Contradiction, ...]:
    """Every waiver and every person's proof that is not what ``repository`` has of it.

    ``estate``, where it is at hand, says whether a waiver is for the resources as they are.
    """
    made = {proof.proof_id: proof for proof in results.proofs}
    written = waivers.read(
        results.environment,
        waivable(catalogue, made),
        today=business_date(results.generated_at),
        repository=repository,
    ).written
    return (
        *_waivers(results, written),
        *(() if estate is None else _lapsed(results, made, estate)),
        *_records(results, catalogue, made, repository),
    )


def _waivers(results: Results, written: tuple[Waiver, ...]) -> Iterator[Contradiction]:
    said = list(results.waivers)
    for waiver in written:
        same = next((each for each in said if _same(each, waiver)), None)
        if same is None:
            yield Contradiction(shown(waiver.waiver_id), "the waiver is committed, and not told as it is")
        else:
            said.remove(same)
    for waiver in said:
        if not _acknowledges(waiver, results.environment):
            yield Contradiction(shown(waiver.waiver_id), "no such waiver is committed")


def _same(said: Waiver, written: Waiver) -> bool:
    if written.state is WaiverState.IN_FORCE and said.state in _LATER_STATES:
        return said == written.model_copy(update={"state": said.state, "reason": said.reason})
    return said == written


def _acknowledges(waiver: Waiver, environment: str) -> bool:
    """Whether it is of the kind that the code holds: those waive rules and the gate, never an item."""
    return (
        waiver.waiver_id.startswith((ACKNOWLEDGED, OF_EMULATOR))
        and waiver.waives.partition(":")[0] in _BY_CODE
        and waiver.environment == environment
        and waiver.created is None
    )


def _lapsed(results: Results, made: Mapping[str, ProofResult], estate: Estate) -> Iterator[Contradiction]:
    items = {item.item_id: item for item in results.items}
    for waiver in results.waivers:
        if waiver.state is not WaiverState.IN_FORCE or _acknowledges(waiver, results.environment):
            continue
        against: list[Subject] = []
        names = items[waiver.waives].proofs if waiver.waives in items else (waiver.waives,)
        for name in names:
            against += made[name].against if name in made else ()
        if waivers.fingerprint_of(against, estate) != waiver.fingerprint:
            yield Contradiction(
                shown(waiver.waiver_id), "the resources are not as they were when it was granted"
            )


def _records(
    results: Results, catalogue: Catalogue, made: Mapping[str, ProofResult], repository: Path
) -> Iterator[Contradiction]:
    """A person's proof that the committed records do not give. Nobody signs the results inside of them."""
    records = attestations.read(results.environment, repository=repository)
    for name, kind in catalogue.records.items():
        said = made.get(f"record:{name}")
        if said is None:
            continue
        found, _ = attestations.prove(
            name,
            kind,
            records,
            environment=results.environment,
            assembly_sha256=results.assembly_sha256,
            today=business_date(results.generated_at),
        )
        if said.status is Status.WAIVED and found.status in WAIVABLE:
            found = found.model_copy(update={"status": said.status, "observed": said.observed})
        if said != found:
            yield Contradiction(
                said.proof_id, f"it is {said.status}, and {found.status} by what is committed"
            )
