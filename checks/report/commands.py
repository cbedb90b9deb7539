"""`hasivu report RESULTS` and `hasivu report diff A B`. Each imports what it runs when it runs."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from checks.errors import ExitCode
from checks.report.form import Form

_WRITE = "write"


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
    output: Annotated[
        Path | None,
        typer.Option("--output", help="The report's folder.", show_default="build/report/ENV"),
    ] = None,
    since: Annotated[
        Path | None, typer.Option("--since", help="Earlier results, or a report's folder: what changed.")
    ] = None,
    release: Annotated[
        Path | None, typer.Option("--release", help="Sign-offs and rollback window, as JSON.")
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

    The same results give the same bytes. Private data in them is refused, never shown.
    """
    from rich.console import Console
    from rich.markup import escape

    from checks.report import history as past
    from checks.report import read, view, wording
    from checks.report.model import Report, Run
    from checks.report.write import write as written
    from checks.toolchain import REPOSITORY

    found = read.results(results)
    folder = (output or REPOSITORY / "build" / "report" / found.environment).resolve()
    line = history or folder.parent / "history.jsonl"
    run = Run.of(found)
    seen = past.read(line).until(run)
    report = Report(
        results=found,
        previous=None if since is None else read.results(since),
        release=None if release is None else read.release(release),
        history=seen.runs,
        history_unread=seen.unread,
    )
    paths = written(report, folder, form or tuple(Form))
    past.append(line, run)
    console = Console(highlight=False)
    satisfied, applying = found.score
    colour = "green" if found.go else "red"
    console.print(
        f"[bold {colour}]{wording.verdict(found.go)}[/] {escape(found.environment)}: {len(found.blockers)} "
        f"blocking items open, {satisfied} of {applying} satisfied",
        soft_wrap=True,
        markup=True,
    )
    counts = view.counts(item.status for item in found.items)
    console.print(
        ", ".join(f"{count} {wording.STATUS[status].lower()}" for status, count in counts.items()),
        soft_wrap=True,
    )
    if seen.unread:
        console.print(f"{seen.unread} lines of {line} could not be read", markup=False, soft_wrap=True)
    console.print(f"in {folder}: {', '.join(path.name for path in paths)}", markup=False, soft_wrap=True)


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
        output.write_text(text, encoding="utf-8")
    raise typer.Exit(ExitCode.CHECK_FAILED if fail_on_setback and comparison.setbacks else ExitCode.OK)
