"""`hasivu sign`, `signoff`, `go-live`, `window`, `rollback` and `verify`, each importing what it runs."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checks.errors import ExitCode

if TYPE_CHECKING:
    from rich.console import Console

app = typer.Typer()

Env = Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")]
Report = Annotated[Path, typer.Argument(help="The report's folder.")]
Key = Annotated[
    Path | None,
    typer.Option(
        "--key", envvar="HASIVU_SIGNING_KEY", help="Your SSH key, or its public half where an agent holds it."
    ),
]
KmsKeyId = Annotated[
    str | None, typer.Option("--kms-key", envvar="HASIVU_KMS_KEY", help="A signing key in AWS KMS instead.")
]
Signers = Annotated[
    Path | None,
    typer.Option(
        "--allowed-signers",
        envvar="HASIVU_ALLOWED_SIGNERS",
        help="Who may sign.",
        show_default="releases/allowed_signers",
    ),
]
RecordsFolder = Annotated[
    Path | None,
    typer.Option(
        "--records",
        envvar="HASIVU_RELEASES",
        help="Where go-lives are written down.",
        show_default="releases; in the sandbox its own folder",
    ),
]
Directory = Annotated[
    Path | None,
    typer.Option("--dir", envvar="HASIVU_SANDBOX_DIR", help="The sandbox's folder.", show_default=".sandbox"),
]
Ticket = Annotated[str, typer.Option("--ticket", help="The change ticket.")]


class DecisionOption(StrEnum):
    """What a role says."""

    APPROVE = "approve"
    REJECT = "reject"
    CONDITIONS = "approve-with-conditions"


@app.command("sign")
def sign(
    report: Report,
    key: Key = None,
    kms_key: KmsKeyId = None,
    directory: Directory = None,
) -> None:
    """Sign a report's results and the list of its files. A sandbox's report is signed by a throw-away key."""
    from checks.release import report_files
    from checks.release.context import refused_as_error, signer_for

    with refused_as_error():
        results = report_files.read_results(report)
        signer = signer_for(results.environment, key, kms_key, directory)
        report_files.sign(report, signer)
    _console().print(f"{results.sha256} is signed")


@app.command("signoff")
def signoff(
    report: Report,
    *,
    env: Env,
    role: Annotated[str, typer.Option("--role", help="One of the checklist's nine roles.")],
    decision: Annotated[DecisionOption, typer.Option("--decision")],
    ticket: Ticket,
    condition: Annotated[
        list[str] | None, typer.Option("--condition", help="What has to be done first. May be repeated.")
    ] = None,
    close: Annotated[
        list[str] | None,
        typer.Option(
            "--close",
            metavar="NUMBER=TICKET",
            help="Close a condition of this role's last decision. May be repeated.",
        ),
    ] = None,
    hours: Annotated[int, typer.Option("--hours", min=1, max=72, help="How long it counts.")] = 72,
    key: Key = None,
    kms_key: KmsKeyId = None,
    signers: Signers = None,
    directory: Directory = None,
) -> None:
    """Sign what a role decides about a report. Read the report first: your name stands for it."""
    from checks.release.context import refused_as_error
    from checks.release.decide import Wish, sign_off

    wish = Wish(
        environment=env,
        role=role,
        decision=decision.value,
        conditions=tuple(condition or ()),
        close=tuple(close or ()),
        ticket=ticket,
        hours=hours,
    )
    with refused_as_error():
        path = sign_off(
            report, wish, key=key, kms_key=kms_key, signers=signers, directory=directory, now=_now()
        )
    _console().print(f"{role}: {decision}, in {path}", soft_wrap=True)


@app.command("go-live")
def go_live(
    *,
    env: Env,
    report: Annotated[Path | None, typer.Argument(help="The report that the roles decided on.")] = None,
    assembly: Annotated[
        Path, typer.Option("--assembly", help="The synthesised assembly to be deployed.")
    ] = Path("cdk.out"),
    opened: Annotated[
        bool, typer.Option("--opened", help="It is deployed: write it down and open the rollback window.")
    ] = False,
    deployer: Annotated[
        str, typer.Option("--deployer", envvar="HASIVU_DEPLOYER", help="Who deploys: an address.")
    ] = "",
    drill: Annotated[
        Path | None, typer.Option("--drill", help="The signed record of the rollback's rehearsal.")
    ] = None,
    ticket: Annotated[str, typer.Option("--ticket", help="The change ticket; with --opened.")] = "",
    deployed_at: Annotated[
        datetime | None,
        typer.Option(
            "--deployed-at",
            help="When the deployment ended, UTC unless it names another; with --opened.",
            show_default="now",
        ),
    ] = None,
    key: Key = None,
    kms_key: KmsKeyId = None,
    signers: Signers = None,
    records: RecordsFolder = None,
    directory: Directory = None,
) -> None:
    """Before a deployment: refuse, or let it through. Afterwards, with --opened: begin the 24 hours.

    Lets it through when every blocking item has its level, waivers and evidence count today, every role
    that the environment asks has approved, and the window before has ended. Otherwise exit code 1, and why.
    """
    from checks.release import live, text
    from checks.release.context import Context, refused_as_error

    context = Context(env, signers=signers, records=records, directory=directory)
    with refused_as_error():
        if opened:
            since = None if deployed_at is None else _in_utc(deployed_at)
            record = live.opened(
                context, key=key, kms_key=kms_key, ticket=ticket, deployed_at=since, now=_now()
            )
            text.print_go_live(_console(), record)
            return
        if report is None:
            raise typer.BadParameter("the report's folder is missing")
        passage = live.gate(
            context, report, assembly=assembly, deployer=deployer, drill_file=drill, now=_now()
        )
    text.print_passage(_console(), passage)
    raise typer.Exit(ExitCode.CHECK_FAILED if passage.objections else ExitCode.OK)


@app.command("window")
def window(
    env: Env,
    close: Annotated[
        Path | None, typer.Option("--close", help="A report made since, in which the criteria are met.")
    ] = None,
    late_reason: Annotated[
        str, typer.Option("--late-reason", help="Why it is closed after the deadline.")
    ] = "",
    key: Key = None,
    kms_key: KmsKeyId = None,
    signers: Signers = None,
    records: RecordsFolder = None,
    directory: Directory = None,
) -> None:
    """Show how the rollback window stands, or close it. Exit code 1 if it needs somebody."""
    from checks.release import live, text
    from checks.release.context import Context, refused_as_error

    context = Context(env, signers=signers, records=records, directory=directory)
    with refused_as_error():
        if close is not None:
            live.closed(context, close, key=key, kms_key=kms_key, late_reason=late_reason, now=_now())
        forgotten = live.forgotten(context, _now())
        good = text.print_window(_console(), live.last_window(context), forgotten, _now())
    raise typer.Exit(ExitCode.OK if good else ExitCode.CHECK_FAILED)


@app.command("rollback")
def rollback(
    *,
    env: Env,
    reason: Annotated[str, typer.Option("--reason", help="Why: a ticket or an alarm.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look: which aliases would move where.")
    ] = False,
    rehearse: Annotated[
        bool,
        typer.Option(
            "--rehearse", help="Move every alias on to the same code and back. Not where parents pay."
        ),
    ] = False,
    output: Annotated[Path, typer.Option("--output", help="The record of the rehearsal.")] = Path(
        "build/drill/drill.json"
    ),
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    key: Key = None,
    kms_key: KmsKeyId = None,
    signers: Signers = None,
    records: RecordsFolder = None,
    directory: Directory = None,
) -> None:
    """Move every function's alias back to the version before the last go-live. Run it again after a crash."""
    from checks.release import live, text
    from checks.release.context import Context, refused_as_error

    context = Context(env, signers=signers, records=records, directory=directory)
    console = _console()
    with refused_as_error():
        if rehearse:
            drill = live.rehearsed(context, key=key, kms_key=kms_key, output=output, clock=_now)
            text.print_drill(console, drill, output)
            return
        plan = live.rollback_plan(context, resume=not dry_run, now=_now())
        text.print_plan(console, plan)
        if dry_run:
            return
        if not reason.strip():
            raise typer.BadParameter("say why with --reason")
        if plan.moved and not yes:
            typer.confirm(f"Move {len(plan.moved)} aliases of {env} back?", abort=True)
        record = live.rolled_back(context, key=key, kms_key=kms_key, reason=reason, clock=_now)
    text.print_rolled_back(console, record)


@app.command("verify")
def verify(
    report: Report,
    signers: Signers = None,
    records: RecordsFolder = None,
    repository: Annotated[
        Path | None, typer.Option("--repository", help="Where evidence is that is not in the folder.")
    ] = None,
    directory: Directory = None,
) -> None:
    """Hold a report against its signatures, offline. Exit code 1 if a byte is not as it was signed."""
    from checks.release import text
    from checks.release.context import offline_signers, records_folder, refused_as_error
    from checks.release.verify import verify as verified
    from checks.toolchain import REPOSITORY

    if not report.is_dir():
        raise typer.BadParameter(f"{report} is not a folder")
    with refused_as_error():
        allowed = offline_signers(report, signers, directory)
        verification = verified(
            report,
            allowed,
            repository=repository or REPOSITORY,
            records=records_folder(report, records, directory),
        )
    text.print_verification(_console(), verification)
    raise typer.Exit(ExitCode.OK if verification.holds else ExitCode.CHECK_FAILED)


def _in_utc(moment: datetime) -> datetime:
    """``moment`` as it was typed: UTC, unless it says how far from UTC it is. Records have whole seconds."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def _console() -> Console:
    from rich.console import Console

    return Console(highlight=False)
