"""The `hasivu` command. A subcommand imports what it runs only when it runs, so that `--help` is quick."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checks.audit_trail.commands import app as audit_app
from checks.checklist import commands as checklist_commands
from checks.errors import ExitCode, HasivuError
from checks.history.commands import app as history_app
from checks.release.commands import app as release_app
from checks.report.commands import app as report_app

if TYPE_CHECKING:
    from rich.console import Console

    from checks.diff.model import Report
    from checks.progress import Reporter
    from checks.sandbox.sandbox import Sandbox

_EXIT_CODES = (
    "Exit codes: 0 all is well; 1 a check or a step of the demo failed; 2 wrong usage; "
    "3 a tool is missing; 4 building failed; 5 the sandbox failed; "
    "of diff: 10 something changes, 11 permissions grow or protections weaken, 12 something is destroyed."
)

app = typer.Typer(
    name="hasivu",
    help="Build, run and prove the payments platform of HASIVU.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sandbox_app = typer.Typer(
    help="The embedded environment: an AWS emulator, Razorpay, WhatsApp, and the platform in it.",
    no_args_is_help=True,
)
app.add_typer(sandbox_app, name="sandbox")
secret_app = typer.Typer(
    help="The secrets of an environment: how old they are, and new values for them.", no_args_is_help=True
)
app.add_typer(secret_app, name="secret")
app.add_typer(checklist_commands.evidence_app, name="evidence")
app.command("check")(checklist_commands.check)
app.add_typer(report_app, name="report")
app.add_typer(release_app)
app.add_typer(audit_app, name="audit")
app.add_typer(history_app, name="history")

Directory = Annotated[
    Path | None,
    typer.Option("--dir", envvar="HASIVU_SANDBOX_DIR", help="The sandbox's folder.", show_default=".sandbox"),
]


def main() -> None:
    """Run the command; a failure is shown with its next step and ends with its exit code."""
    try:
        app()
    except HasivuError as error:
        from checks.terminal import print_error

        print_error(_console(stderr=True), error)
        sys.exit(error.exit_code)


@sandbox_app.command("up")
def sandbox_up(directory: Directory = None) -> None:
    """Start what is not running, deploy what is not deployed, and say where everything is."""
    from checks.terminal import TerminalReporter

    console = _console()
    with TerminalReporter(console) as reporter:
        sandbox = _sandbox(directory, reporter=reporter)
        endpoints = sandbox.up()
    _print_pairs(
        console,
        {
            "API": endpoints.api_url,
            "AWS": f"{endpoints.aws_endpoint_url}  (AWS_CONFIG_FILE={sandbox.layout.aws_config})",
            "Razorpay": endpoints.razorpay_url,
            "WhatsApp": endpoints.whatsapp_url,
            "user pool": f"{endpoints.user_pool_id}, client {endpoints.user_pool_client_id}",
            "secrets": str(sandbox.layout.secrets),
        },
    )


@sandbox_app.command("down")
def sandbox_down(directory: Directory = None) -> None:
    """End everything that runs in the sandbox. Its data stays for the next `up`."""
    stopped = _sandbox(directory).down()
    _console().print(f"stopped: {', '.join(stopped)}" if stopped else "nothing was running")


@sandbox_app.command("status")
def sandbox_status(directory: Directory = None) -> None:
    """Show each service with its address, process and health. Exit code 5 unless all are healthy."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("service", "URL", "pid", "health"):
        table.add_column(heading)
    statuses = _sandbox(directory).status()
    for status in statuses:
        colour = "green" if status.health == "healthy" else "red"
        pid = str(status.pid or "–")
        table.add_row(status.name, status.url or "–", pid, f"[{colour}]{status.health}[/]")
    _console().print(table)
    if any(status.health != "healthy" for status in statuses):
        raise typer.Exit(ExitCode.SANDBOX)


@sandbox_app.command("logs")
def sandbox_logs(
    name: Annotated[
        str | None,
        typer.Argument(help="A service (emulator, razorpay, whatsapp, pipes), deploy, or a function."),
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until interrupted.")] = False,
    directory: Directory = None,
) -> None:
    """Print the last lines that a service or a function wrote."""
    from checks.sandbox.logs import lines

    try:
        for line in lines(_sandbox(directory), name, follow=follow):
            typer.echo(line)
    except KeyboardInterrupt:
        raise typer.Exit from None


@sandbox_app.command("reset")
def sandbox_reset(
    directory: Directory = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """End everything and wipe the sandbox: its data, secrets and logs."""
    sandbox = _sandbox(directory)
    if not yes:
        typer.confirm(f"Wipe everything in {sandbox.layout.directory}?", abort=True)
    sandbox.reset()
    _console().print(f"{sandbox.layout.directory} is empty")


@sandbox_app.command("sign-in")
def sandbox_sign_in(
    part: Annotated[str, typer.Argument(help="A role, or other_parent of another school.")] = "parent",
    directory: Directory = None,
) -> None:
    """Make somebody up to call the API as. Use: eval "$(hasivu sandbox sign-in parent)"."""
    from checks.sandbox.sign_in import shell_variables

    for line in shell_variables(_sandbox(directory), part):
        typer.echo(line)


@app.command("build")
def build_bundles() -> None:
    """Build the Lambda bundles that changed, for Lambda and for this machine."""
    from checks.bundles.build import build, output_of
    from checks.terminal import TerminalReporter, bundle_table

    console = _console()
    with TerminalReporter(console) as reporter, reporter.step("build the Lambda bundles"):
        manifest = build(progress=reporter.say)
    console.print(bundle_table(manifest))
    console.print(f"in {output_of()}")


IgnoreCanaryAlarms = Annotated[
    str | None,
    typer.Option(
        "--ignore-canary-alarms",
        metavar="REASON",
        help="Let deployments go on although their alarms ring. Says why; ends tomorrow.",
    ),
]


@app.command("synth")
def synth(
    env: Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")] = "sandbox",
    output: Annotated[Path, typer.Option("--output", help="Where the assembly goes.")] = Path("cdk.out"),
    ignore_canary_alarms: IgnoreCanaryAlarms = None,
) -> None:
    """Build the bundles and write the CloudFormation of one environment. Needs no credentials."""
    from checks.bundles.build import build
    from checks.sandbox.synthesis import synthesise
    from checks.terminal import TerminalReporter
    from checks.toolchain import REPOSITORY

    console = _console()
    with TerminalReporter(console) as reporter:
        with reporter.step("build the Lambda bundles"):
            build(progress=reporter.say)
        with reporter.step(f"synthesise {env}"):
            context = _context(ignore_canary_alarms)
            synthesise(env, context, repository=REPOSITORY, into=output.resolve())
    if ignore_canary_alarms is not None:
        console.print(f"deployments ignore their alarms: {ignore_canary_alarms}", soft_wrap=True)
    console.print(f"in {output.resolve()}")


class FailOn(StrEnum):
    """What makes `hasivu diff` end with an exit code of its own."""

    DESTRUCTIVE = "destructive"
    BROADENING = "broadening"
    ANY_CHANGE = "any-change"
    NOTHING = "nothing"


class Format(StrEnum):
    """How `hasivu diff` speaks."""

    TEXT = "text"
    MARKDOWN = "markdown"


@app.command("diff")
def diff(
    base: Annotated[
        str, typer.Option("--base", help="The revision to compare with: its merge base with HEAD.")
    ],
    env: Annotated[
        list[str] | None, typer.Option("--env", help="May be repeated; all but the sandbox unless given.")
    ] = None,
    form: Annotated[Format, typer.Option("--format", help="Markdown is for a pull request.")] = Format.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", help="A file for it; else it is printed.")
    ] = None,
    fail_on: Annotated[
        list[FailOn] | None,
        typer.Option("--fail-on", help="May be repeated.", show_default="destructive and broadening"),
    ] = None,
) -> None:
    """Show what this checkout would change, destroy and allow in AWS. Needs no credentials and no network."""
    from checks.diff.markdown import markdown
    from checks.diff.run import diff as compared
    from checks.diff.text import print_report
    from checks.terminal import TerminalReporter

    with TerminalReporter(_console(stderr=True)) as reporter:
        report = compared(base, environments=env or (), reporter=reporter)
    if form is Format.MARKDOWN:
        _write(markdown(report), output)
    elif output is None:
        print_report(_console(), report)
    else:
        with output.open("w", encoding="utf-8") as file:
            from rich.console import Console

            print_report(Console(file=file, highlight=False, no_color=True), report)
    raise typer.Exit(_verdict(report, fail_on or [FailOn.DESTRUCTIVE, FailOn.BROADENING]))


@app.command("redrive")
def redrive(
    dead_letters: Annotated[
        str, typer.Argument(help="The dead-letter queue by its full name, as the alarm has it.")
    ],
    env: Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")],
    to: Annotated[
        str | None,
        typer.Option("--to", help="The queue they came from, where the dead letters do not say it."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many messages.")] = 10,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look: ids, ages, reasons, masked bodies.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    directory: Directory = None,
) -> None:
    """Move messages back from a dead-letter queue to the queue they came from, a page at a time.

    Nothing is lost: each is sent first and deleted after. A crash in between leaves it in both queues, and
    consumers do nothing twice.
    """
    from datetime import UTC, datetime
    from uuid import uuid4

    from checks.redrive import text
    from checks.redrive.account import CONFIG, session_for
    from checks.redrive.move import look, move
    from checks.redrive.queues import pair

    console = _console()
    client = session_for(env, sandbox_directory=directory).client("sqs", config=CONFIG)
    queues = pair(client, dead_letters, environment=env, source=to)
    text.print_pair(console, queues)
    if dry_run:
        text.print_letters(console, look(client, queues, limit=limit, now=datetime.now(UTC)))
        return
    if not yes:
        typer.confirm(
            f"Move up to {limit} messages to {queues.source.name}? Is the cause put right?", abort=True
        )
    outcome = move(client, queues, limit=limit, run=uuid4().hex[:12])
    text.print_outcome(console, queues, outcome)
    if outcome.stopped is not None:
        raise outcome.stopped


@secret_app.command("stage")
def secret_stage(
    name: Annotated[str, typer.Argument(help="razorpay, razorpay-webhook or whatsapp.")],
    env: Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")],
    file: Annotated[Path, typer.Option("--file", help="The new value: JSON that only you can read.")],
    directory: Directory = None,
) -> None:
    """Stage a new value of a secret and have it rotated: tried first, current afterwards, never shown."""
    from checks.redrive.account import session_for
    from checks.rotation import value_file
    from checks.rotation.stage import stage
    from checks.terminal import TerminalReporter

    document = value_file.read(file, name, environment=env)
    session = session_for(env, sandbox_directory=directory)
    console = _console()
    with TerminalReporter(console) as reporter:
        stage(session, env, name, document, reporter=reporter)
    console.print("The new value is current; functions take it up within five minutes. Remove the file.")


@secret_app.command("status")
def secret_status(
    env: Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")],
    directory: Directory = None,
) -> None:
    """Show each secret's age and next rotation. Exit code 1 if one is due or waits for somebody."""
    from datetime import UTC, datetime

    from checks.redrive.account import CONFIG, session_for
    from checks.rotation.status import look, print_statuses

    client = session_for(env, sandbox_directory=directory).client("secretsmanager", config=CONFIG)
    statuses = look(client, env, now=datetime.now(UTC))
    print_statuses(_console(), statuses)
    raise typer.Exit(ExitCode.CHECK_FAILED if any(status.wrong for status in statuses) else ExitCode.OK)


@app.command("gate")
def gate(
    env: Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")] = "prod",
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Where reports and assembly go.", show_default="build/gate/ENV"),
    ] = None,
    ignore_canary_alarms: IgnoreCanaryAlarms = None,
) -> None:
    """Hold one environment against every rule. Exit code 1 if anything speaks against it."""
    from datetime import UTC, datetime

    from checks.bundles.build import build
    from checks.rules.gate import run
    from checks.rules.gate_report import write
    from checks.terminal import TerminalReporter, print_verdict
    from checks.toolchain import REPOSITORY

    console = _console()
    folder = (output or REPOSITORY / "build" / "gate" / env).resolve()
    with TerminalReporter(console) as reporter:
        with reporter.step("build the Lambda bundles"):
            build(progress=reporter.say)
        with reporter.step(f"synthesise {env} with every check"):
            today = datetime.now(UTC).date()
            verdict = run(env, into=folder, today=today, context=_context(ignore_canary_alarms))
    written = write(verdict, folder)
    print_verdict(console, verdict)
    console.print(f"in {', '.join(str(path) for path in written)}", soft_wrap=True)
    raise typer.Exit(ExitCode.OK if verdict.passed else ExitCode.CHECK_FAILED)


@app.command("demo")
def demo(
    directory: Directory = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the sandbox running afterwards.")] = False,
) -> None:
    """Take payments through everything in the sandbox, and prove that the books balance."""
    from checks.demo.run import run
    from checks.terminal import TerminalReporter

    console = _console()
    result = run(_sandbox(directory, reporter=TerminalReporter(console)), console, keep=keep)
    raise typer.Exit(ExitCode.OK if result.ok else ExitCode.CHECK_FAILED)


def _verdict(report: Report, fail_on: list[FailOn]) -> ExitCode:
    """The exit code of the worst that is found and asked for."""
    from checks.diff.model import Risk

    if FailOn.DESTRUCTIVE in fail_on and report.has(Risk.DESTRUCTIVE):
        return ExitCode.DESTRUCTIVE
    if FailOn.BROADENING in fail_on and report.has(Risk.BROADENING):
        return ExitCode.BROADENING
    if FailOn.ANY_CHANGE in fail_on and report.has_changes:
        return ExitCode.CHANGES
    return ExitCode.OK


def _context(ignore_canary_alarms: str | None) -> dict[str, str]:
    """What app.py is told beside the environment."""
    return {} if ignore_canary_alarms is None else {"ignore_canary_alarms": ignore_canary_alarms}


def _write(text: str, output: Path | None) -> None:
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.write_text(text, encoding="utf-8")


def _console(*, stderr: bool = False) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False)


def _sandbox(directory: Path | None, *, reporter: Reporter | None = None) -> Sandbox:
    from checks.sandbox.sandbox import Sandbox

    return Sandbox(directory, reporter=reporter)


def _print_pairs(console: Console, pairs: dict[str, str]) -> None:
    width = max(map(len, pairs))
    for name, value in pairs.items():
        console.print(f"[bold]{name:<{width}}[/]  {value}", soft_wrap=True)


if __name__ == "__main__":
    main()
