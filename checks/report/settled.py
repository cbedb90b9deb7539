"""The results with what people have decided since: a report cannot hold the decisions about itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from checks.checklist.model import ItemResult, Line, ProofResult, Results, Sha256, Status
from checks.checklist.stand import judged
from checks.checklist.wording import line

if TYPE_CHECKING:
    from checks.report.model import Release


class Settled(Results):
    """The results with what people have decided since. It goes by the digest of the results themselves."""

    results_sha256: Sha256
    against: tuple[Line, ...] = ()
    """What speaks against the release beside the checks."""

    @property
    def sha256(self) -> str:
        """The digest that sign-offs name."""
        return self.results_sha256

    @property
    def go(self) -> bool:
        """Whether nothing that blocks is open and nothing speaks against the release."""
        return super().go and not self.against


def settle(results: Results, release: Release) -> Settled:
    """``results`` in which the proofs that only a release can give stand as ``release`` has them.

    A report cannot hold the decisions about itself: in the results they are open.
    """
    proofs = {each.proof_id: each for each in (*results.proofs, *release.proofs)}
    given = {each.proof_id for each in release.proofs}
    items = tuple(_judged_anew(item, proofs) if given & {*item.proofs} else item for item in results.items)
    return Settled.model_construct(
        **dict(results)
        | {
            "items": items,
            "proofs": tuple(proofs[proof_id] for proof_id in sorted(proofs)),
            "results_sha256": results.sha256,
            "against": release.against,
        }
    )


def _judged_anew(item: ItemResult, proofs: Mapping[str, ProofResult]) -> ItemResult:
    if item.status in (Status.WAIVED, Status.NOT_APPLICABLE):
        return item
    verdict = judged(item, proofs)
    return item.model_copy(
        update={
            "status": verdict.status,
            "proven": verdict.proven,
            "reason": line(verdict.reason),
            "remedy": line(verdict.remedy),
        }
    )
