"""What the running environment proves: the probes' answers, and what it means that there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from checks.checklist.model import Level, ProofResult, Status
from checks.checklist.references import Reference
from checks.checklist.wording import line
from checks.errors import HasivuError

Session = Callable[[], boto3.Session]
Run = Callable[[str, boto3.Session, Path, datetime], list[ProofResult]]

NOT_RUNNING: Final = frozenset({"SANDBOX_DOWN"})
"""Nothing is there to be looked at, which is no failure of looking."""


class LiveProofs:
    """Proofs of level L. ``why`` and ``status`` say what a probe without an answer means."""

    def __init__(self, found: Mapping[str, ProofResult], status: Status, why: str, remedy: str) -> None:
        self.found = found
        self._status = status
        self.why = why
        self._remedy = remedy

    def prove(self, reference: Reference) -> ProofResult:
        """The proof that ``reference`` names."""
        proof = self.found.get(str(reference))
        if proof is not None:
            return proof if proof.looked_at or proof.status is not Status.PASSED else _unseen(proof)
        return ProofResult(
            proof_id=str(reference),
            level=Level.LIVE,
            title=line(f"{reference.name.replace('-', ' ').capitalize()}: as the template says"),
            status=self._status,
            expected="what runs is what was approved",
            observed=line(self.why),
            looked_at=0,
            remedy=line(self._remedy),
        )


def _unseen(proof: ProofResult) -> ProofResult:
    return proof.model_copy(
        update={"status": Status.NOT_EVALUATED, "observed": line(f"nothing looked at: {proof.observed}")}
    )


def off(environment: str) -> LiveProofs:
    """No probe at all: somebody asked for a look at templates and runs alone."""
    return LiveProofs(
        {},
        Status.NOT_EVALUATED,
        "the running environment was not looked at, as asked by --no-live",
        f"Look at it: `hasivu check --env {environment} --live`.",
    )


def look(environment: str, session: Session, assembly: Path, now: datetime, *, run: Run) -> LiveProofs:
    """What the probes of ``run`` see of the running environment at ``now``, held against the ``assembly``'s
    folder."""
    try:
        results = run(environment, session(), assembly, now)
    except HasivuError as error:
        status = Status.NOT_EVALUATED if error.code in NOT_RUNNING else Status.ERROR
        return LiveProofs({}, status, error.message.removesuffix("."), f"Then {error.next_step}.")
    except (BotoCoreError, ClientError, OSError) as error:
        why = f"the environment could not be looked at: {type(error).__name__}"
        return LiveProofs(
            {}, Status.ERROR, why, "See that it can be reached, and that the auditor may read it."
        )
    return LiveProofs(
        {each.proof_id: each for each in results},
        Status.NOT_EVALUATED,
        "no probe of that name looked",
        "Add the probe, or take its name out of the checklist's data.",
    )
