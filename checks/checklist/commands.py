"""`hasivu check`, and `hasivu evidence` for what runs elsewhere and what people write down."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from checks.errors import ExitCode, HasivuError

if TYPE_CHECKING:
    from checks.checklist.model import Results

evidence_app = typer.Typer(
    help="What the checklist's proofs rest on: results from elsewhere, and records of people.",
    no_args_is_help=True,
)

Environment = Annotated[str, typer.Option("--env", help="sandbox, dev, staging or prod.")]


class FailOn(StrEnum):
    """What makes `hasivu check` end with exit code 1."""

    NO_GO = "no-go"
    """Something that blocks this environment is open."""
    FAILED = "failed"
    """Something was found to be wrong or could not be looked at, whether it blocks or not."""
    OPEN = "open"
    """Anything that applies is not satisfied."""
    NOTHING = "nothing"


def check(
    env: Environment,
    output: Annotated[
        Path | None,
        typer.Option("--output", help="Where results.json goes.", show_default="build/compliance/ENV"),
    ] = None,
    live: Annotated[
        bool, typer.Option("--live/--no-live", help="Whether to look at the running environment too.")
    ] = True,
    live_assembly: Annotated[
        Path | None,
        typer.Option(
            "--live-assembly",
            help="The synthesised assembly that is live, before another one is deployed: what runs is held "
            "against it.",
            show_default="the one that is checked",
        ),
    ] = None,
    secrets_profile: Annotated[
        list[str] | None,
        typer.Option(
            "--secrets-profile",
            envvar="HASIVU_SECRETS_PROFILE",
            help="AWS profile of somebody who may read secrets, which are judged and never shown. "
            "ENV=PROFILE for another environment, whose values must be others. May be repeated.",
            show_default="in the sandbox, its administrator",
        ),
    ] = None,
    fail_on: Annotated[
        list[FailOn] | None, typer.Option("--fail-on", help="May be repeated.", show_default="no-go")
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(
            "--dir", envvar="HASIVU_SANDBOX_DIR", help="The sandbox's folder.", show_default=".sandbox"
        ),
    ] = None,
) -> None:
    """Hold an environment against the 171 items of the checklist. Exit code 0 only if it may go live."""
    from rich.console import Console

    from checks.checklist import summary
    from checks.checklist.applicability import setting_of
    from checks.checklist.digests import assembly_sha256
    from checks.checklist.survey import survey
    from checks.release.documents import write
    from checks.terminal import TerminalReporter
    from checks.toolchain import REPOSITORY

    console = Console(highlight=False)
    setting_of(env)
    if live_assembly is not None:
        if not live:
            raise typer.BadParameter("--live-assembly is about what runs, and --no-live does not look at it")
        assembly_sha256(live_assembly)  # before minutes are spent
    folder = _folder(output or REPOSITORY / "build" / "compliance" / env)
    with TerminalReporter(console) as reporter:
        results = survey(
            env,
            live=live,
            live_assembly=live_assembly,
            directory=directory,
            reporter=reporter,
            secrets_profiles=profiles(env, secrets_profile or []),
        )
    write(folder / "results.json", results.canonical() + b"\n")
    summary.show(console, results)
    console.print(f"in {folder / 'results.json'}", soft_wrap=True)
    raise typer.Exit(verdict(results, fail_on or [FailOn.NO_GO]))


def _folder(path: Path) -> Path:
    """The folder ``path``, made where there is none, before minutes are spent. Error: ``NO_FOLDER``."""
    folder = path.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HasivuError(
            "NO_FOLDER",
            f"{folder} is no folder that results can be written to: {error.strerror}.",
            next_step="name another with --output",
            exit_code=ExitCode.USAGE,
        ) from None
    return folder


def profiles(env: str, given: list[str]) -> dict[str, str]:
    """AWS profiles by environment, as they are given: ``PROFILE`` for ``env``, or ``ENV=PROFILE``.

    Error: ``PROFILE_UNCLEAR`` where an environment is there twice, or without a profile.
    """
    found: dict[str, str] = {}
    for text in given:
        name, equals, profile = text.rpartition("=")
        environment = name if equals else env
        if not environment or not profile or environment in found:
            raise HasivuError(
                "PROFILE_UNCLEAR",
                f"{text!r} does not say whose profile it is.",
                next_step="name each environment once: --secrets-profile PROFILE, or ENV=PROFILE",
                exit_code=ExitCode.USAGE,
            )
        found[environment] = profile
    return found


def verdict(results: Results, fail_on: list[FailOn]) -> ExitCode:
    """The exit code that ``results`` deserve by what is asked to fail."""
    from checks.checklist.model import SATISFIED, Status
    from checks.checklist.stand import ALWAYS_COUNTS

    statuses = {item.status for item in results.items}
    wrong = {
        FailOn.NO_GO: not results.go,
        FailOn.FAILED: bool(statuses & ALWAYS_COUNTS) or not results.items,
        FailOn.OPEN: bool(statuses - SATISFIED - {Status.NOT_APPLICABLE}) or not results.items,
        FailOn.NOTHING: False,
    }
    return ExitCode.CHECK_FAILED if any(wrong[each] for each in fail_on) else ExitCode.OK


@evidence_app.command("add")
def add(
    kind: Annotated[str, typer.Argument(help="A load test, such as load-stress.")],
    file: Annotated[Path, typer.Argument(help="What the tool said, as JSON.")],
    *,
    env: Annotated[str, typer.Option("--env", help="Where it ran: sandbox, dev, staging or prod.")] = "",
    tool: Annotated[str, typer.Option("--tool", help="What made it.")] = "unnamed",
    tool_version: Annotated[str, typer.Option("--tool-version")] = "",
) -> None:
    """Record the result of a load test that took place elsewhere, for these sources."""
    from datetime import UTC, datetime

    from checks.checklist.digests import source_sha256
    from checks.evidence.loads import LOADS
    from checks.evidence.run_record import FOLDER, record
    from checks.toolchain import REPOSITORY

    if kind not in LOADS:
        raise HasivuError(
            "EVIDENCE_UNKNOWN",
            f"{kind} is nothing that is recorded from elsewhere.",
            next_step=f"name one of {', '.join(LOADS)}; other runs record themselves",
            exit_code=ExitCode.USAGE,
        )
    environment = _where(kind, env)
    content = _json_of(file)
    kept = REPOSITORY / FOLDER / kind / f"{environment}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    kept.write_bytes(content)
    now = datetime.now(UTC)
    written = record(
        kind,
        environment=environment,
        source_sha256=source_sha256(REPOSITORY),
        began_at=now,
        ended_at=now,
        tool=tool,
        tool_version=tool_version,
        passed=True,
        files=[kept],
        repository=REPOSITORY,
    )
    typer.echo(f"recorded in {written.relative_to(REPOSITORY)}")


def _where(kind: str, env: str) -> str:
    """The environment of the run. Error: ``EVIDENCE_OF_NOWHERE``."""
    from checks.checklist.applicability import ENVIRONMENTS

    if env in ENVIRONMENTS:
        return env
    raise HasivuError(
        "EVIDENCE_OF_NOWHERE",
        f"{kind} ran against an environment, and {env or 'nothing'} is none.",
        next_step=f"name one of {', '.join(ENVIRONMENTS)} with --env",
        exit_code=ExitCode.USAGE,
    )


def _json_of(file: Path) -> bytes:
    """The file's content. Error: ``EVIDENCE_MALFORMED`` where it is no JSON."""
    import json

    try:
        if file.exists() and not file.is_file():
            raise ValueError("it is not a file")
        content = file.read_bytes()
        json.loads(content)
    except (OSError, RecursionError, ValueError) as error:
        raise HasivuError(
            "EVIDENCE_MALFORMED",
            f"{file.name} holds no JSON ({type(error).__name__}).",
            next_step="let the tool write JSON, and name the file that it wrote",
            exit_code=ExitCode.USAGE,
        ) from None
    return content


@evidence_app.command("template")
def template(name: Annotated[str, typer.Argument(help="A record, such as uat-payments.")]) -> None:
    """Print the beginning of a record, to be filled in by whoever vouches for it."""
    from datetime import UTC, datetime

    from checks.checklist.catalogue import load
    from checks.evidence import attestations
    from runtime.platform.clock import business_date

    records = load().records
    written = sorted(each for each, kind in records.items() if not kind.signed)
    if name not in records:
        raise HasivuError(
            "RECORD_UNKNOWN",
            f"There is no record {name}.",
            next_step=f"name one of {', '.join(written)}",
            exit_code=ExitCode.USAGE,
        )
    if records[name].signed:
        raise HasivuError(
            "RECORD_SIGNED",
            f"{name} is no file: it is a role's signature over the report.",
            next_step="sign with `hasivu signoff REPORT`; docs/guides/release.md says how",
            exit_code=ExitCode.USAGE,
        )
    typer.echo(attestations.template(name, records[name], today=business_date(datetime.now(UTC))), nl=False)
