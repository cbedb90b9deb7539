"""`hasivu audit`: the sealed audit trail, fetched and verified."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from checks.errors import ExitCode

app = typer.Typer(help="The sealed audit trail: fetched, and verified by anybody.", no_args_is_help=True)

Environment = Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")]
Trail = Annotated[Path | None, typer.Option("--trail", help="The folder.", show_default="build/audit/ENV")]


@app.command("verify")
def verify(
    env: Environment,
    trail: Trail = None,
    anchor: Annotated[
        list[str] | None,
        typer.Option("--anchor", help="A digest that a report or sign-off names. May be repeated."),
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Only what is in the folder; no AWS, no network.")
    ] = False,
    directory: Annotated[
        Path | None,
        typer.Option("--dir", envvar="HASIVU_SANDBOX_DIR", help="The sandbox's folder."),
    ] = None,
) -> None:
    """Verify the sealed audit trail: fetch it, follow it from its first seal to its last, and hold the table
    against it. Exit code 1 if anything is not as it was sealed."""
    from rich.console import Console

    from checks.audit_trail.fetch import against_the_table, fetch, table_of
    from checks.audit_trail.verify import verify as verified
    from checks.redrive.account import session_for
    from checks.toolchain import REPOSITORY

    console = Console(highlight=False)
    folder = trail or REPOSITORY / "build" / "audit" / env
    session = None if offline else session_for(env, sandbox_directory=directory)
    if session is not None:
        fetch(session, env, folder)
    found = verified(folder, log=table_of(env), anchors=anchor or ())
    faults = list(found.faults)
    if session is not None and found.whole and found.last is not None:
        faults += against_the_table(session, env, folder, found.last, now=datetime.now(UTC))
    for fault in faults:
        console.print(f"[red]✗[/red] {fault.code}  {fault.where}: {fault.why}", soft_wrap=True)
    if found.last is not None:
        console.print(
            f"{found.checkpoints} checkpoints over {found.lines} lines, the last of {found.last.sealed_at}: "
            f"{found.last.digest}",
            soft_wrap=True,
        )
    if not faults:
        console.print("[green]whole and unchanged[/green]")
    raise typer.Exit(ExitCode.CHECK_FAILED if faults else ExitCode.OK)
