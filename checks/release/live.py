"""What the commands about a release do, with an environment's records and its account."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from checks import git
from checks.checklist.digests import assembly_sha256, catalogue_sha256, source_sha256
from checks.errors import ExitCode, HasivuError
from checks.evidence import waivers
from checks.evidence.run_record import commit_of
from checks.release import aliases, opening, rehearsal, rollback
from checks.release.approval import Approval, Basis, decide
from checks.release.checkout import against_checkout
from checks.release.context import Context
from checks.release.documents import SIGNATURE_SUFFIX, DocumentRefused, read, write
from checks.release.gate import CHANGES, Objection, Situation, objections
from checks.release.records import Closed, Drill, GoLive, Prepared, RolledBack
from checks.release.report_files import CONTRADICTION, RESULTS, read_results
from checks.release.roles import policy
from checks.release.signing import signature_over
from checks.release.signoff import read_all, verified
from checks.release.sshsig import SIGNATURE_BYTES_MAX, Namespace
from checks.release.typed import line_of
from checks.release.verify import verify
from checks.release.window import Window
from checks.toolchain import REPOSITORY

_TO_OPEN: Final = timedelta(hours=2)
"""A deployment takes up to 90 minutes (.github/workflows/deploy-environment.yml)."""


@dataclass(frozen=True, kw_only=True)
class Passage:
    """What the gate says. ``prepared`` is there only when nothing speaks against it."""

    objections: tuple[Objection, ...]
    approval: Approval
    prepared: Prepared | None


def gate(
    context: Context, report: Path, *, assembly: Path, deployer: str, drill_file: Path | None, now: datetime
) -> Passage:
    """Hold the deployment of ``assembly`` against everything; keep what runs now if it may go ahead."""
    results = read_results(report)
    rules = policy()
    verification = verify(report, context.signers, repository=REPOSITORY)
    last = context.records.last_live()
    before = None if last is None else last.window
    signed, refused = read_all(report, context.signers)
    basis = Basis(
        results=results,
        results_sha256=results.sha256,
        authors=authors(results.commit, since=None if before is None else before.go_live.commit),
        deployer=deployer,
    )
    approval = decide(signed, refused, basis=basis, policy=rules, now=now)
    catalogue = catalogue_sha256()
    situation = Situation(
        environment=context.environment,
        results=results,
        assembly_sha256=assembly_sha256(assembly),
        catalogue_sha256=catalogue,
        waivers_sha256=waivers.sha256_of(context.environment),
        commit=commit_of(REPOSITORY),
        source_sha256=source_sha256(REPOSITORY),
        departures=against_checkout(results, report, assembly)
        if results.catalogue_sha256 == catalogue
        else (),
        approval=approval,
        before=before,
        drill=None if drill_file is None else _drill(context, drill_file),
    )
    against = (
        *(
            Objection(code="ALTERED", subject=finding.path, message=f"{finding.code}: {finding.message}")
            for finding in verification.findings
            if finding.code != CONTRADICTION
        ),
        *objections(situation, policy=rules, now=now),
    )
    if against:
        return Passage(objections=against, approval=approval, prepared=None)
    running = aliases.snapshot(context.functions, context.environment)
    with context.records.held():
        again = context.records.last_live()
        if (None if again is None else again.window) != before:
            raise HasivuError(
                "RECORDS_CHANGED",
                "While the gate looked, somebody wrote down another release.",
                next_step="ask the gate again",
                exit_code=ExitCode.CHECK_FAILED,
            )
        prepared = opening.prepare(context.records, situation, running, deployer=deployer, now=now)
    return Passage(objections=(), approval=approval, prepared=prepared)


def opened(
    context: Context,
    *,
    key: Path | None,
    kms_key: str | None,
    ticket: str,
    deployed_at: datetime | None,
    now: datetime,
) -> GoLive:
    """Write down that it is live, since ``deployed_at``, UTC, or just now."""
    if deployed_at is not None and deployed_at > now:
        raise HasivuError(
            "NOT_YET_DEPLOYED",
            "A deployment of the future is not live.",
            next_step="give the moment at which it ended, in UTC",
            exit_code=ExitCode.USAGE,
        )
    ticket = line_of(ticket, "--ticket")
    if not ticket:
        raise HasivuError(
            "NO_TICKET",
            "A go-live names its change ticket.",
            next_step="give it with --ticket",
            exit_code=ExitCode.USAGE,
        )
    signer = context.signer(key, kms_key)
    owner = context.person(signer, at=now)
    running = aliases.snapshot(context.functions, context.environment)
    command = f"hasivu rollback --env {context.environment} --reason TICKET --key KEY"
    with context.records.held():
        return opening.open_window(
            context.records,
            running,
            signer,
            opened=opening.Opened(owner=owner, ticket=ticket, command=command),
            deployed_at=deployed_at or now,
            alarm=context.deadline,
            now=now,
        )


def closed(
    context: Context,
    report: Path,
    *,
    key: Path | None,
    kms_key: str | None,
    late_reason: str,
    now: datetime,
) -> Closed:
    """Close the window on a report that is as it was signed, and is what this checkout makes of its proofs.

    Errors: `REPORT_ALTERED`, `OTHER_CATALOGUE`; DocumentRefused; and those of closing.
    """
    late_reason = line_of(late_reason, "--late-reason")
    verification = verify(report, context.signers, repository=REPOSITORY)
    if verification.results is None or not verification.holds:
        first = verification.findings[0]
        raise HasivuError(
            "REPORT_ALTERED",
            f"{first.path}: {first.message}.",
            next_step="make a report anew, and sign it",
            exit_code=ExitCode.CHECK_FAILED,
        )
    if verification.results.catalogue_sha256 != catalogue_sha256():
        raise HasivuError(
            "OTHER_CATALOGUE",
            "The catalogue of checks is not the one of the report, which nobody can judge anew by it.",
            next_step="close it from a checkout of the commit that is live",
            exit_code=ExitCode.CHECK_FAILED,
        )
    for found in against_checkout(verification.results, report):
        raise DocumentRefused(CONTRADICTION, RESULTS, f"{found.subject}: {found.message}")
    signer = context.signer(key, kms_key)
    by = context.person(signer, at=now)
    with context.records.held():
        return opening.close_window(
            context.records,
            verification.results,
            signer,
            by=by,
            late_reason=late_reason,
            alarm=context.deadline,
            now=now,
        )


def last_window(context: Context) -> Window | None:
    """The window of what is live."""
    last = context.records.last_live()
    return None if last is None else last.window


def forgotten(context: Context, now: datetime) -> Prepared | None:
    """What the gate let through long ago and nobody has opened."""
    pending = context.records.pending()
    return pending if pending is not None and now > forgotten_at(pending) else None


def forgotten_at(pending: Prepared) -> datetime:
    """After which moment a deployment that was let through should be open."""
    return pending.prepared_at + _TO_OPEN


def rollback_plan(context: Context, *, resume: bool, now: datetime) -> aliases.Outcome:
    """Which aliases a rollback would move. Nothing is moved.

    ``resume``: it is going to be run, and goes on where a crash cut it off.
    """
    if resume:
        with context.records.held():
            context.records.sweep()
    _, window = rollback.target(context.records, now)
    return aliases.roll_back(context.functions, window.go_live.functions, dry_run=True)


def rolled_back(
    context: Context, *, key: Path | None, kms_key: str | None, reason: str, clock: Callable[[], datetime]
) -> RolledBack:
    """Roll back what is live."""
    reason = line_of(reason, "--reason")
    signer = context.signer(key, kms_key)
    by = context.person(signer, at=clock())
    with context.records.held():
        record, _ = rollback.roll_back(
            context.records,
            context.functions,
            signer,
            by=by,
            reason=reason,
            alarm=context.deadline,
            clock=clock,
        )
    return record


def rehearsed(
    context: Context, *, key: Path | None, kms_key: str | None, output: Path, clock: Callable[[], datetime]
) -> Drill:
    """Rehearse the rollback and keep the signed record of it."""
    signer = context.signer(key, kms_key)
    by = context.person(signer, at=clock())
    drill = rehearsal.rehearse(
        context.functions,
        context.environment,
        emulator=context.embedded,
        by=by,
        commit=_head(),
        clock=clock,
    )
    document = drill.canonical()
    signature = signature_over(document, Namespace.RELEASE, signer)
    write(output.with_name(output.name + SIGNATURE_SUFFIX), signature.armoured())
    write(output, document)
    return drill


def authors(commit: str, *, since: str | None) -> frozenset[str]:
    """The addresses, in lower case, of all who wrote commits up to ``commit`` that ``since`` does not have.

    Without ``since`` only the commit's own. Empty where git does not know, which approves nothing.
    """
    commit = commit.removesuffix(CHANGES)
    if not _is_commit(commit) or (since is not None and not _is_commit(since)):
        return frozenset()
    span = [commit, "-1"] if since is None or since == commit else [f"{since}..{commit}"]
    told = git.said(
        "log", "--format=%ae%n%(trailers:key=Co-authored-by,valueonly)", *span, "--", repository=REPOSITORY
    )
    lines = {line.strip().lower() for line in (told or "").splitlines() if line.strip()}
    return frozenset(line.rpartition("<")[2].rstrip(">") for line in lines)


def _is_commit(name: str) -> bool:
    return len(name) in {40, 64} and all(letter in "0123456789abcdef" for letter in name)


def _head() -> str:
    return git.said("rev-parse", "HEAD", repository=REPOSITORY) or "unknown"


def _drill(context: Context, path: Path) -> Drill:
    if not path.is_file():
        raise HasivuError(
            "NO_DRILL",
            f"{path} is no record of a rehearsal.",
            next_step="name the one that `hasivu rollback --env staging --rehearse` wrote with --drill",
            exit_code=ExitCode.USAGE,
        )
    document = read(path.parent, path.name)
    drill = Drill.parse(document, path.name)
    signature = read(path.parent, path.name + SIGNATURE_SUFFIX, bytes_max=SIGNATURE_BYTES_MAX)
    verified(document, signature, path.name, context.signers, namespace=Namespace.RELEASE, at=drill.at)
    return drill
