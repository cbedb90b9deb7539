"""One environment held against the checklist, from the sources to the running thing."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from checks.audit_trail.fetch import latest_digest
from checks.bundles.build import build
from checks.checklist import catalogue, live_proofs
from checks.checklist.applicability import setting_of
from checks.checklist.check import Inputs
from checks.checklist.check import check as held_against
from checks.checklist.checked_assembly import checked
from checks.checklist.live_proofs import LiveProofs, Session
from checks.checklist.model import Results
from checks.errors import HasivuError
from checks.probes.auditor import auditor_session
from checks.progress import Reporter
from checks.redrive.account import session_for


def survey(env: str, *, live: bool, directory: Path | None, reporter: Reporter) -> Results:
    """How every item stands now. ``live`` looks at the running environment too, as the auditor.

    Errors: those of `build`, of the synth and of the catalogue; ``ENVIRONMENT_UNKNOWN``.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    setting_of(env)
    own = partial(session_for, env, sandbox_directory=directory)

    def look(assembly: Path) -> LiveProofs:
        if not live:
            return live_proofs.off(env)
        return live_proofs.look(env, lambda: auditor_session(own(), env), assembly, now)

    with reporter.step("read the checklist"):
        asked = catalogue.load()
    with reporter.step("build the Lambda bundles"):
        build(progress=reporter.say)
    with reporter.step(f"synthesise {env} with every check"):
        synthesised = checked(env, today=now.date())
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
                audit_checkpoint=_checkpoint(own, env) if live else None,
            )
        )


def _checkpoint(session: Session, env: str) -> str | None:
    """The audit trail's last checkpoint; None where it cannot be read, which the sign-offs then name."""
    try:
        return latest_digest(session(), env)
    except (BotoCoreError, ClientError, HasivuError, ValueError):
        return None
