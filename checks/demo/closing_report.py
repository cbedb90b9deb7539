"""The end of it: the production checklist, held against what was just seen, and the report of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from checks.checklist.model import Level
from checks.checklist.survey import survey
from checks.demo.narrative import Narrative, Step, prove
from checks.progress import Reporter
from checks.release import report_files
from checks.release.context import Context, refused_as_error, signer_for
from checks.release.standing import Question, standing
from checks.report import history
from checks.report.evidence_files import gather
from checks.report.model import Report, Run, SignOffState
from checks.report.write import write
from checks.sandbox.sandbox import Sandbox
from checks.toolchain import REPOSITORY

ENVIRONMENT = "sandbox"
ITEMS = 171


def close(sandbox: Sandbox, folder: Path, narrative: Narrative, reporter: Reporter, step: Step) -> None:
    """Check, write every form of the report into ``folder``, and sign it by the sandbox's throw-away key.

    That the sandbox may not go live is no failure of the demonstration; an item without a status or a reason
    is.
    """
    results = survey(ENVIRONMENT, live=True, directory=sandbox.layout.directory, reporter=reporter)
    prove(f"all {ITEMS} items have a status (got {len(results.items)})", len(results.items) == ITEMS)
    prove("and a reason", all(item.reason for item in results.items))
    run = Run.of(results)
    line = folder.parent / "history.jsonl"
    seen = history.read(line).until(run)
    context = Context(ENVIRONMENT, signers=None, records=None, directory=sandbox.layout.directory)
    asked = Question(folder=folder, which="", deployer="")
    with refused_as_error():
        release = standing(context, results, asked, now=results.generated_at)
    report = Report(results=results, release=release, history=seen.runs, history_unread=seen.unread)
    write(report, folder, evidence=gather(results, [REPOSITORY]).contents)
    history.append(line, run)
    report_files.sign(folder, signer_for(ENVIRONMENT, None, None, sandbox.layout.directory))
    shown = report.settled
    satisfied, applying = shown.score
    counted = Counter(item.status.value for item in shown.items)
    narrative.say(
        f"{satisfied} of {applying} items that apply are satisfied; {len(shown.blockers)} keep it from "
        "going live: " + ", ".join(f"{count} {status}" for status, count in sorted(counted.items())) + "."
    )
    live = sum(proof.level is Level.LIVE and proof.looked_at > 0 for proof in results.proofs)
    narrative.say(
        f"{len(results.proofs)} proofs, {live} of them looked at what runs, as the auditor. The report: "
        f"{folder / 'report.html'}"
    )
    signed = sum(each.state is not SignOffState.MISSING for each in release.sign_offs)
    narrative.say(f"{signed} of {len(release.sign_offs)} roles have signed it.")
    step.evidence |= {"satisfied": satisfied, "applying": applying, "statuses": dict(counted)}
