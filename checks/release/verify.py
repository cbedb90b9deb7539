"""Whether a report is as it was signed, by whom, and what was decided on it. No network, no clock, no AWS."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from checks.checklist.contradictions import contradictions
from checks.checklist.model import Results
from checks.release.allowed_signers import AllowedSigners
from checks.release.documents import DocumentRefused
from checks.release.records import GoLive
from checks.release.report_files import CONTRADICTION, RESULTS, Finding, findings, read_results, signer_of
from checks.release.signoff import Signed, read_all
from checks.release.store import Deployment, Records


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What was found. ``findings`` begins with what matters most."""

    results: Results | None
    signed_by: str
    signoffs: tuple[Signed, ...]
    deployments: tuple[Deployment, ...]
    """The chain of the environment's deployments, where its records are given."""
    go_live: GoLive | None
    """The go-live that rests on this report."""
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was altered, removed or added."""
        return not self.findings


def verify(
    report: Path,
    signers: AllowedSigners,
    *,
    repository: Path | None = None,
    records: Path | None = None,
) -> Verification:
    """Hold the report in ``report`` against its signatures; every finding, never an exception."""
    found: list[Finding] = []
    try:
        results = read_results(report)
    except DocumentRefused as error:
        return _nothing(Finding(code=error.code, path=error.path, message=error.message))
    signed_by = ""
    try:
        signed_by = signer_of(report, results, signers)
    except DocumentRefused as error:
        found.append(Finding(code=error.code, path=error.path, message=error.message))
    found.extend(
        Finding(code=CONTRADICTION, path=RESULTS, message=f"{each.subject}: {each.message}")
        for each in contradictions(results)
    )
    found.extend(findings(report, results, signers, repository))
    signed, refused = read_all(report, signers)
    found.extend(Finding(code=each.code, path=each.path, message=each.reason) for each in refused)
    found.extend(_out_of_place(signed, results))
    deployments: list[Deployment] = []
    go_live = None
    if records is not None:
        try:
            deployments = Records(records, results.environment, signers).all()
        except DocumentRefused as error:
            path = f"records of {results.environment[:60]}: {error.path}"
            found.append(Finding(code=error.code, path=path, message=error.message))
        go_live = _resting_on(results, deployments)
        if go_live is not None:
            found.extend(_not_counted(go_live, signed))
    return Verification(
        results=results,
        signed_by=signed_by,
        signoffs=tuple(signed),
        deployments=tuple(deployments),
        go_live=go_live,
        findings=tuple(found),
    )


def _nothing(finding: Finding) -> Verification:
    return Verification(
        results=None, signed_by="", signoffs=(), deployments=(), go_live=None, findings=(finding,)
    )


def _out_of_place(signed: list[Signed], results: Results) -> list[Finding]:
    """Decisions about another report, and rows of decisions with a gap."""
    found = []
    last: dict[str, Signed] = {}
    for each in signed:
        signoff = each.signoff
        before = last.get(signoff.role)
        if signoff.results_sha256 != results.sha256:
            message = "it is a decision about another report"
            found.append(Finding(code="other-report", path=signoff.file_name, message=message))
        if signoff.number != (1 if before is None else before.signoff.number + 1) or (
            before is not None and signoff.supersedes != before.sha256
        ):
            message = "a decision before it is missing or another one"
            found.append(Finding(code="chain", path=signoff.file_name, message=message))
        last[signoff.role] = each
    return found


def _resting_on(results: Results, deployments: list[Deployment]) -> GoLive | None:
    lives = [each.window.go_live for each in deployments if each.window is not None]
    return next((live for live in reversed(lives) if live.results_sha256 == results.sha256), None)


def _not_counted(go_live: GoLive, signed: list[Signed]) -> list[Finding]:
    """Decisions that the go-live rests on and that are not beside the report any more."""
    there = {each.sha256 for each in signed}
    return [
        Finding(code="missing", path=f"signoffs/{role}", message="the go-live rests on it, it is not there")
        for role, sha256 in sorted(go_live.signoffs.items())
        if sha256 not in there
    ]
