"""Probes: what runs in an environment, read back and held against the approved assembly.

Whoever may read and change nothing else is the auditor (stacks/auditor.py). Every probe fails closed: what
is refused or does not answer is an error, what nobody looked at is not evaluated.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

AGAIN_AFTER_S = 10.0
"""AWS tells of most changes within seconds; what differs for longer differs."""

if TYPE_CHECKING:
    import boto3

    from checks.checklist.model import ProofResult


def run(
    environment: str,
    session: boto3.Session,
    assembly: Path,
    now: datetime,
    *,
    secrets_session: boto3.Session | None = None,
    other_secrets: Mapping[str, boto3.Session] | None = None,
) -> list[ProofResult]:
    """Every probe's result, by id. For the numbers behind them: ``checks.probes.survey.survey``."""
    from checks.probes.survey import survey  # noqa: PLC0415  (the registry answers without the SDK)

    found = survey(
        environment,
        session,
        assembly,
        now,
        secrets_session=secrets_session,
        other_secrets=other_secrets,
        again_after_s=AGAIN_AFTER_S,
    )
    return list(found.proofs)
