"""The audit trail: sealed by the one function that may, and verified as an auditor would."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from checks.audit_trail.fetch import against_the_table, fetch, table_of
from checks.audit_trail.verify import verify
from checks.demo.narrative import Step, prove
from checks.demo.records import ENVIRONMENT
from checks.demo.stage import Stage


def seal_and_verify(stage: Stage, step: Step) -> None:
    """The sealer is started as its schedule would start it; the trail is followed from its first seal."""
    session = stage.records.session
    stage.start("audit-sealer", "seal")
    with tempfile.TemporaryDirectory() as folder:
        trail = Path(folder)
        fetch(session, ENVIRONMENT, trail)
        found = verify(trail, log=table_of(ENVIRONMENT))
        prove(f"it is whole and unchanged ({[fault.code for fault in found.faults]})", found.whole)
        last = found.last
        faults = (
            []
            if last is None
            else list(against_the_table(session, ENVIRONMENT, trail, last, now=datetime.now(UTC)))
        )
        prove(f"the table is as it was sealed ({[fault.code for fault in faults]})", not faults)
    stage.say(
        f"{found.checkpoints} checkpoints over {found.lines} lines, each signed and locked away; lines are "
        f"sealed five minutes after they are written. The last: {found.digests[-1][:16]}…"
    )
    step.evidence |= {"checkpoints": found.checkpoints, "lines": found.lines, "digest": found.digests[-1]}
