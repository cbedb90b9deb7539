"""One environment held against the checklist, from the sources to the running thing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from checks.audit_trail.fetch import latest_digest
from checks.bundles.build import build
from checks.checklist import catalogue, live_proofs
from checks.checklist.applicability import setting_of
from checks.checklist.check import Inputs
from checks.checklist.check import check as held_against
from checks.checklist.checked_assembly import checked
from checks.checklist.live_proofs import LiveProofs, Session
from checks.checklist.model import ProofResult, Results
from checks.errors import HasivuError
from checks.probes import run
from checks.probes.auditor import auditor_session
from checks.progress import Reporter
from checks.redrive.account import session_for
from runtime.platform.clock import business_date


def survey(
    env: str,
    *,
    live: bool,
    directory: Path | None,
    reporter: Reporter,
    live_assembly: Path | None = None,
    secrets_profiles: Mapping[str, str] | None = None,
) -> Results:
    """How every item stands now. ``live`` looks at the running environment too, as the auditor, and holds it
    against the assembly in ``live_assembly``, or against the checked one.

    ``secrets_profiles`` are the AWS profiles of people who may read secrets, by environment. The sandbox's
    are made up, and its administrator reads them. Errors: those of `build`, of the synth and of the
    catalogue; ``ENVIRONMENT_UNKNOWN``, ``NO_CREDENTIALS``, ``WRONG_ACCOUNT``, ``ASSEMBLY_UNREADABLE``.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    embedded = setting_of(env).embedded
    own = partial(session_for, env, sandbox_directory=directory)
    readers = {name: session_for(name, profile=profile) for name, profile in (secrets_profiles or {}).items()}

    def probes(environment: str, session: boto3.Session, assembly: Path, at: datetime) -> list[ProofResult]:
        reader = own() if embedded else readers.get(env)
        others = {name: each for name, each in readers.items() if name != env}
        return run(environment, session, assembly, at, secrets_session=reader, other_secrets=others)

    def look(assembly: Path) -> LiveProofs:
        if not live:
            return live_proofs.off(env)
        return live_proofs.look(env, lambda: auditor_session(own(), env), assembly, now, run=probes)

    with reporter.step("read the checklist"):
        asked = catalogue.load()
    with reporter.step("build the Lambda bundles"):
        build(progress=reporter.say)
    with reporter.step(f"synthesise {env} with every check"):
        synthesised = checked(env, today=business_date(now))
        if synthesised.reused:
            reporter.say("it was checked already, of these sources")
    with reporter.step("hold it against the checklist"):
        return held_against(
            Inputs(
                environment=env,
                checked=synthesised,
                live=look,
                now=now,
                catalogue=asked,
                live_assembly=live_assembly,
                audit_checkpoint=_checkpoint(own, env) if live else None,
            )
        )


def _checkpoint(session: Session, env: str) -> str | None:
    """The audit trail's last checkpoint; None where it cannot be read, which the sign-offs then name."""
    try:
        return latest_digest(session(), env)
    except (BotoCoreError, ClientError, HasivuError, ValueError):
        return None
