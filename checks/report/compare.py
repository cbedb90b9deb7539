"""What changed between two results: runs of one environment, or two environments.

Identity does not know the environment: an item and a proof are their ids, a resource is its place (the
construct's path without its stage), or its stack and logical id where it has none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from checks.checklist.model import (
    SATISFIED,
    ControlResult,
    ItemResult,
    Results,
    Status,
    Subject,
    Waiver,
    WaiverState,
)
from checks.report import wording
from checks.report.view import ORDER
from runtime.platform.clock import business_date


class Kind(StrEnum):
    """What kind of change it is, in the order in which people want to know."""

    VERDICT_WORSE = "no longer go"
    NEW_FAIL = "new fail"
    NEW_RESOURCE = "fails on another resource"
    WORSE = "worse"
    WAIVER_ENDED = "waiver ended"
    EVIDENCE_STALE = "evidence gone stale"
    EVIDENCE_GONE = "evidence gone"
    CATALOGUE = "asked differently"
    VOUCHED = "vouched for instead of seen"
    WAIVER_ADDED = "waiver added"
    VERDICT_BETTER = "now go"
    FIXED = "fixed"
    RESOURCE_FIXED = "no longer fails on a resource"
    BETTER = "better"
    WAIVER_GONE = "waiver withdrawn"


SETBACKS: Final = frozenset(
    {
        Kind.VERDICT_WORSE,
        Kind.NEW_FAIL,
        Kind.NEW_RESOURCE,
        Kind.WORSE,
        Kind.WAIVER_ENDED,
        Kind.EVIDENCE_STALE,
        Kind.EVIDENCE_GONE,
    }
)
"""What is worse than it was."""

_BROKEN = frozenset({Status.FAILED, Status.ERROR})
_RANK = {status: rank for rank, status in enumerate(ORDER)}
_IN_FORCE = frozenset({WaiverState.IN_FORCE, WaiverState.UNUSED})


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. ``what`` is its identity: the id of an item, proof, control or waiver; a path."""

    kind: Kind
    what: str
    title: str
    before: str
    after: str

    @property
    def setback(self) -> bool:
        return self.kind in SETBACKS


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences, those that people want to know first, first."""

    before: Results
    after: Results
    changes: tuple[Change, ...]

    @property
    def across_environments(self) -> bool:
        return self.before.environment != self.after.environment

    @property
    def setbacks(self) -> tuple[Change, ...]:
        """What is worse than it was."""
        return tuple(change for change in self.changes if change.setback)

    def by_kind(self) -> dict[Kind, tuple[Change, ...]]:
        """The changes by kind, kinds in order, only those that occur."""
        return {
            kind: found
            for kind in Kind
            if (found := tuple(change for change in self.changes if change.kind is kind))
        }


def compare(before: Results, after: Results) -> Comparison:
    """What is different in ``after``."""
    found = [
        *_verdict(before, after),
        *_items(before, after),
        *_controls(before, after),
        *_proofs(before, after),
        *_waivers(before, after),
        *_evidence(before, after),
        *_catalogue(before, after),
    ]
    order = list(Kind)
    return Comparison(
        before, after, tuple(sorted(found, key=lambda change: (order.index(change.kind), change.what)))
    )


def _verdict(before: Results, after: Results) -> Iterator[Change]:
    if before.go != after.go:
        kind = Kind.VERDICT_BETTER if after.go else Kind.VERDICT_WORSE
        yield Change(
            kind,
            after.environment,
            f"{len(before.blockers)} blocking items were open, {len(after.blockers)} are",
            wording.verdict(before.go),
            wording.verdict(after.go),
        )


def _items(before: Results, after: Results) -> Iterator[Change]:
    earlier = {item.item_id: item for item in before.items}
    later = {item.item_id: item for item in after.items}
    for item_id, item in later.items():
        was = earlier.get(item_id)
        if was is None:
            yield Change(Kind.CATALOGUE, item_id, item.text, "not asked", wording.STATUS[item.status])
            continue
        yield from _moved(item_id, item.text, was.status, item.status)
        yield from _asked(item_id, was, item)
    for item_id, item in earlier.items():
        if item_id not in later:
            yield Change(
                Kind.CATALOGUE, item_id, item.text, wording.STATUS[item.status], "not asked any more"
            )


def _asked(item_id: str, was: ItemResult, item: ItemResult) -> Iterator[Change]:
    """Whether the same item asks for something else."""
    before, after = _terms(was), _terms(item)
    if before != after:
        yield Change(Kind.CATALOGUE, item_id, item.text, before, after)
    elif was.text != item.text:
        yield Change(Kind.CATALOGUE, item_id, item.text, was.text, item.text)


def _terms(item: ItemResult) -> str:
    levels = "+".join(level.value for level in item.required) or "no proof"
    return f"{levels}, {'blocking' if item.blocking else 'not blocking'}"


def _controls(before: Results, after: Results) -> Iterator[Change]:
    earlier = {_control(control): control for control in before.controls}
    later = {_control(control): control for control in after.controls}
    for name, control in later.items():
        was = earlier.get(name)
        if was is None:
            yield Change(Kind.CATALOGUE, name, control.meaning, "not asked", wording.STATUS[control.status])
        else:
            yield from _moved(name, control.meaning, was.status, control.status)
    for name, control in earlier.items():
        if name not in later:
            yield Change(
                Kind.CATALOGUE, name, control.meaning, wording.STATUS[control.status], "not asked any more"
            )


def _control(control: ControlResult) -> str:
    return f"{control.framework} {control.control_id}"


def _proofs(before: Results, after: Results) -> Iterator[Change]:
    earlier = {proof.proof_id: proof for proof in before.proofs}
    later = {proof.proof_id: proof for proof in after.proofs}
    for proof_id, proof in later.items():
        was = earlier.get(proof_id)
        if was is None:
            if proof.status in _BROKEN:
                yield Change(Kind.NEW_FAIL, proof_id, proof.title, "not there", wording.STATUS[proof.status])
            continue
        yield from _moved(proof_id, proof.title, was.status, proof.status)
        if was.status in _BROKEN and proof.status in _BROKEN:
            yield from _resources(proof_id, proof.title, was.against, proof.against)
    for proof_id, proof in earlier.items():
        if proof_id not in later and proof.status in SATISFIED:
            yield Change(
                Kind.WORSE, proof_id, proof.title, wording.STATUS[proof.status], "not there any more"
            )


def _resources(
    proof_id: str, title: str, before: tuple[Subject, ...], after: tuple[Subject, ...]
) -> Iterator[Change]:
    earlier = {place(subject): subject for subject in before}
    later = {place(subject): subject for subject in after}
    for name in sorted(later.keys() - earlier.keys()):
        yield Change(Kind.NEW_RESOURCE, proof_id, title, "", name)
    for name in sorted(earlier.keys() - later.keys()):
        yield Change(Kind.RESOURCE_FIXED, proof_id, title, name, "")


def place(subject: Subject) -> str:
    """What a resource is called in every environment."""
    return subject.place or f"{subject.stack}/{subject.logical_id}"


def _moved(what: str, title: str, was: Status, now: Status) -> Iterator[Change]:
    if was is now:
        return
    yield Change(_kind(was, now), what, title, wording.STATUS[was], wording.STATUS[now])


def _kind(was: Status, now: Status) -> Kind:
    if now in _BROKEN and was not in _BROKEN:
        return Kind.NEW_FAIL
    if Status.NOT_APPLICABLE in (was, now):
        return Kind.CATALOGUE
    if now is Status.ATTESTED and was is Status.PASSED:
        return Kind.VOUCHED
    if now in SATISFIED and was not in SATISFIED:
        return Kind.FIXED
    return Kind.WORSE if _RANK[now] < _RANK[was] else Kind.BETTER


def _waivers(before: Results, after: Results) -> Iterator[Change]:
    earlier = _by_id(before.waivers)
    later = _by_id(after.waivers)
    for waiver_id, waiver in later.items():
        was = earlier.get(waiver_id)
        state = wording.WAIVER[waiver.state]
        if was is None:
            kind = Kind.WAIVER_ADDED if waiver.state in _IN_FORCE else Kind.WAIVER_ENDED
            yield Change(kind, waiver_id, f"waives {waiver.waives}", "not there", state)
        elif was.state in _IN_FORCE and waiver.state not in _IN_FORCE:
            yield Change(
                Kind.WAIVER_ENDED, waiver_id, f"waives {waiver.waives}", wording.WAIVER[was.state], state
            )
        elif was.state not in _IN_FORCE and waiver.state in _IN_FORCE:
            yield Change(
                Kind.WAIVER_ADDED, waiver_id, f"waives {waiver.waives}", wording.WAIVER[was.state], state
            )
        elif _until(was) != _until(waiver):
            yield Change(Kind.WAIVER_ADDED, waiver_id, f"waives {waiver.waives}", _until(was), _until(waiver))
    for waiver_id, waiver in earlier.items():
        if waiver_id not in later:
            yield Change(
                Kind.WAIVER_GONE, waiver_id, f"waives {waiver.waives}", wording.WAIVER[waiver.state], "gone"
            )


def _until(waiver: Waiver) -> str:
    return f"until {waiver.expires.isoformat()}" if waiver.expires else "until no day"


def _by_id(waivers: tuple[Waiver, ...]) -> Mapping[str, Waiver]:
    return {waiver.waiver_id: waiver for waiver in waivers}


def _evidence(before: Results, after: Results) -> Iterator[Change]:
    then, now = business_date(before.generated_at), business_date(after.generated_at)
    earlier = {each.path: each for each in before.evidence}
    later = {each.path: each for each in after.evidence}
    for path, each in later.items():
        if each.valid_until is None or each.valid_until >= now:
            continue
        was = earlier.get(path)
        if was is None or was.valid_until is None or was.valid_until >= then:
            yield Change(
                Kind.EVIDENCE_STALE, path, each.proves or each.kind, "counted", f"ended {each.valid_until}"
            )
    for path, each in earlier.items():
        if path not in later:
            yield Change(Kind.EVIDENCE_GONE, path, each.proves or each.kind, each.sha256[:12], "not there")


def _catalogue(before: Results, after: Results) -> Iterator[Change]:
    if before.catalogue_sha256 != after.catalogue_sha256:
        yield Change(
            Kind.CATALOGUE,
            "catalogue",
            "Items, frameworks or rules changed: figures of the two runs do not compare one to one",
            before.catalogue_sha256[:12],
            after.catalogue_sha256[:12],
        )
