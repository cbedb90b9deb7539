"""`hasivu report RESULTS` and `hasivu report diff A B`. Each imports what it runs when it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from checks.errors import ExitCode, HasivuError
from checks.report.form import Form

if TYPE_CHECKING:
    from checks.checklist.model import Results
    from checks.report.model import Release

_WRITE = "write"
NO_RELEASE = "none"


class _WritesByDefault(TyperGroup):
    """``report RESULTS`` is ``report write RESULTS``: what is no subcommand is what `write` is told."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [_WRITE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_WritesByDefault,
    help="What was checked, for auditors, operators and builds; `report RESULTS` writes every form of it.",
    no_args_is_help=True,
)


class DiffForm(StrEnum):
    """How a comparison is shown."""

    TEXT = "text"
    MARKDOWN = "markdown"
    HTML = "html"


@app.command(_WRITE)
def write(
    results: Annotated[
        Path, typer.Argument(help="results.json of `hasivu check`, or the folder that it is in.")
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="The report's folder.", show_default="build/report/ENV"),
    ] = None,
    since: Annotated[
        Path | None, typer.Option("--since", help="Earlier results, or a report's folder: what changed.")
    ] = None,
    release: Annotated[
        str,
        typer.Option(
            "--release",
            help="Whose sign-offs and rollback window are shown: a deployment's id or number, or none.",
            show_default="the newest, if there is one",
        ),
    ] = "",
    deployer: Annotated[
        str,
        typer.Option("--deployer", envvar="HASIVU_DEPLOYER", help="Who is going to deploy: an address."),
    ] = "",
    signers: Annotated[
        Path | None,
        typer.Option(
            "--allowed-signers",
            envvar="HASIVU_ALLOWED_SIGNERS",
            help="Who may sign.",
            show_default="releases/allowed_signers",
        ),
    ] = None,
    records: Annotated[
        Path | None,
        typer.Option(
            "--records",
            envvar="HASIVU_RELEASES",
            help="Where go-lives are written down.",
            show_default="releases; in the sandbox its own folder",
        ),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", envvar="HASIVU_SANDBOX_DIR", help="The sandbox's folder.", show_default=".sandbox"
        ),
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(
            "--history",
            help="JSON Lines that this run is appended to.",
            show_default="beside the report's folder",
        ),
    ] = None,
    form: Annotated[
        list[Form] | None, typer.Option("--format", help="May be repeated; all unless given.")
    ] = None,
) -> None:
    """Write the report: HTML, PDF, Markdown, CSV, JUnit, SARIF, OCSF, OSCAL, badge, and their manifest.

    The same results and release give the same bytes. Private data in them is refused, never shown. Exit code
    1 where the rollback window needs somebody: it was neither closed nor rolled back, or a rollback stopped.
    """
    from rich.console import Console
    from rich.markup import escape

    from checks.report import history as past
    from checks.report import read, view, wording
    from checks.report.evidence_files import gather
    from checks.report.model import NEEDS_SOMEBODY, Report, Run
    from checks.report.write import write as written
    from checks.toolchain import REPOSITORY

    found = read.results(results)
    asked = _Asked(release, deployer, signers, records, directory)
    folder = (output or REPOSITORY / "build" / "report" / found.environment).resolve()
    line = history or folder.parent / "history.jsonl"
    run = Run.of(found)
    seen = past.read(line).until(run)
    report = Report(
        results=found,
        previous=None if since is None else read.results(since),
        release=None if release == NO_RELEASE else _release(found, results, asked),
        history=seen.runs,
        history_unread=seen.unread,
    )
    files = gather(found, (results if results.is_dir() else results.parent, REPOSITORY))
    paths = written(report, folder, form or tuple(Form), files.contents)
    past.append(line, run)
    console = Console(highlight=False)
    shown = report.settled
    satisfied, applying = shown.score
    colour = "green" if shown.go else "red"
    console.print(
        f"[bold {colour}]{wording.verdict(shown.go)}[/] {escape(shown.environment)}: {len(shown.blockers)} "
        f"blocking items open, {satisfied} of {applying} satisfied",
        soft_wrap=True,
        markup=True,
    )
    for against in () if report.release is None else report.release.against:
        console.print(against, markup=False, style="red", soft_wrap=True)
    counts = view.counts(item.status for item in shown.items)
    console.print(
        ", ".join(f"{count} {wording.STATUS[status].lower()}" for status, count in counts.items()),
        soft_wrap=True,
    )
    if seen.unread:
        console.print(f"{seen.unread} lines of {line} could not be read", markup=False, soft_wrap=True)
    if files.absent:
        text = f"not at hand as it was, so that `hasivu verify` will miss it: {', '.join(files.absent)}"
        console.print(text, markup=False, style="red", soft_wrap=True)
    shown_paths = [path.name for path in paths if path.parent == folder]
    console.print(f"in {folder}: {', '.join(shown_paths)}", markup=False, soft_wrap=True)
    rollback = None if report.release is None else report.release.rollback
    needs_somebody = rollback is not None and rollback.state in NEEDS_SOMEBODY
    raise typer.Exit(ExitCode.CHECK_FAILED if needs_somebody else ExitCode.OK)


@dataclass(frozen=True)
class _Asked:
    """What the command was told about the release."""

    which: str
    deployer: str
    signers: Path | None
    records: Path | None
    directory: Path | None


def _release(found: Results, path: Path, asked: _Asked) -> Release:
    """How the release that the results in ``path`` are about stands now. Errors: those of its records."""
    from checks.release.context import Context, refused_as_error
    from checks.release.standing import Question, standing

    context = Context(
        found.environment, signers=asked.signers, records=asked.records, directory=asked.directory
    )
    folder = path if path.is_dir() else path.parent
    question = Question(folder=folder, which=asked.which, deployer=asked.deployer)
    with refused_as_error():
        return standing(context, found, question, now=_now())


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@app.command("diff")
def diff(
    before: Annotated[Path, typer.Argument(help="results.json, or a report's folder.")],
    after: Annotated[Path, typer.Argument(help="The same of a later run, or of another environment.")],
    form: Annotated[
        DiffForm, typer.Option("--format", help="Markdown is for a pull request.")
    ] = DiffForm.TEXT,
    output: Annotated[
        Path | None, typer.Option("--output", help="A file for it; else it is printed.")
    ] = None,
    fail_on_setback: Annotated[
        bool, typer.Option("--fail-on-setback", help="Exit code 1 if anything is worse than it was.")
    ] = False,
) -> None:
    """Show what changed between two runs or environments: fails, what is fixed, waivers, stale evidence."""
    from checks.report import compare_text, read
    from checks.report.compare import compare
    from checks.report.redaction import refuse_private_data

    first, second = read.results(before), read.results(after)
    refuse_private_data(before=first, after=second)
    comparison = compare(first, second)
    if form is DiffForm.HTML:
        from checks.report.page import difference

        text = difference(comparison)
    else:
        text = (compare_text.markdown if form is DiffForm.MARKDOWN else compare_text.text)(comparison)
    if output is None:
        typer.echo(text, nl=False)
    else:
        try:
            output.write_text(text, encoding="utf-8")
        except OSError as error:
            raise HasivuError(
                "COMPARISON_NOT_WRITTEN",
                f"The comparison cannot be written to {output}: {error.strerror}.",
                next_step="name a file in a folder that is there with --output",
                exit_code=ExitCode.USAGE,
            ) from None
    raise typer.Exit(ExitCode.CHECK_FAILED if fail_on_setback and comparison.setbacks else ExitCode.OK)
