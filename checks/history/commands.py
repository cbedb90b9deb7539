"""`hasivu history ask`: the standard questions about the history of payments, answered as CSV."""

from __future__ import annotations

import csv
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Questions about the history of payments, which Athena answers.", no_args_is_help=True)


@app.command("ask")
def ask(
    question: Annotated[
        str,
        typer.Argument(help="success-by-method, success-by-hour, refunds, fees, settlement-lag or funnel."),
    ],
    env: Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")],
    first_day: Annotated[
        datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="The first day, in India.")
    ],
    last_day: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="The last day, in India.")],
    directory: Annotated[
        Path | None, typer.Option("--dir", envvar="HASIVU_SANDBOX_DIR", help="The sandbox's folder.")
    ] = None,
) -> None:
    """Ask a standard question about days in India, both included, with your own rights; CSV on stdout.

    Each event counts once, whether it is in Parquet already or still in the lines of today.
    """
    from checks.history.asking import History
    from checks.redrive.account import session_for

    history = History(session_for(env, sandbox_directory=directory), env)
    answer = history.ask(question, first_day.date().isoformat(), last_day.date().isoformat())
    csv.writer(sys.stdout, lineterminator="\n").writerows(answer)


@app.command("list")
def list_questions() -> None:
    """List the standard questions with what they tell."""
    from checks.history.asking import QUESTIONS

    for name, question in QUESTIONS.items():
        typer.echo(f"{name}: {question.description}")
