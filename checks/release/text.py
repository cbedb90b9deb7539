"""What the commands about a release say in a terminal. Nothing that a file says is taken for markup."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.text import Text

from checks.checklist.model import utc
from checks.checklist.wording import counted
from checks.release.aliases import Outcome
from checks.release.approval import Approval, RoleState
from checks.release.live import Passage
from checks.release.records import Drill, GoLive, Prepared, RolledBack
from checks.release.throw_away_key import PERSON
from checks.release.verify import Verification
from checks.release.window import Window, WindowState

_COLOURS = {
    RoleState.APPROVED: "green",
    RoleState.REJECTED: "red",
    RoleState.VOID: "red",
    RoleState.IGNORED: "dim",
}


def print_passage(console: Console, passage: Passage) -> None:
    """GO or NO-GO, the roles, and everything that speaks against it."""
    _print_roles(console, passage.approval)
    for objection in passage.objections:
        _line(console, f"{objection.code}  {objection.subject}: {objection.message}", "red")
    if passage.prepared is None:
        _line(console, f"NO-GO: {counted(len(passage.objections), 'reason')}", "bold red")
        return
    _line(console, f"GO: {passage.prepared.deployment_id}", "bold green")
    _line(console, "Deploy it, then run `hasivu go-live --opened`.")


def _print_roles(console: Console, approval: Approval) -> None:
    for role in approval.roles:
        if role.required or role.signed is not None:
            who = "" if role.signed is None else f" ({role.signed.person})"
            why = f": {'; '.join(role.reasons)}" if role.reasons else ""
            _line(console, f"{role.title}{who}  {role.state}{why}", _COLOURS.get(role.state, "yellow"))


def print_go_live(console: Console, record: GoLive) -> None:
    """The window that is open now."""
    _line(console, f"{record.deployment_id} is live since {utc(record.deployed_at)}", "bold")
    _line(console, f"rollback deadline: {utc(record.rollback_deadline)}, watched by {record.owner}")
    _line(console, f"to take it back: {record.rollback_command}")


def print_window(console: Console, window: Window | None, forgotten: Prepared | None, now: datetime) -> bool:
    """How the window stands. False where somebody has to act."""
    if forgotten is not None:
        _line(
            console,
            f"{forgotten.deployment_id}  let through {utc(forgotten.prepared_at)}, and nobody opened it: "
            "run `hasivu go-live --opened`, or take its folder away if it was not deployed",
            "bold red",
        )
    if window is None:
        _line(console, "No go-live is written down.", "yellow")
        return False
    state = window.state(now)
    good = state not in {WindowState.OVERDUE, WindowState.ROLLING_BACK}
    live = window.go_live
    _line(console, f"{live.deployment_id}  {state}", "green" if good else "bold red")
    _line(console, f"live since {utc(live.deployed_at)}, deadline {utc(live.rollback_deadline)}")
    if state is WindowState.OPEN:
        minutes = int(window.left(now).total_seconds()) // 60
        _line(console, f"{minutes // 60} h {minutes % 60} min left; {live.owner} watches")
    if state is WindowState.OVERDUE:
        _line(
            console,
            f"Close it with a report that shows success and --late-reason, or: {live.rollback_command}",
        )
    if state is WindowState.ROLLING_BACK:
        _line(console, f"A rollback began and has not ended. Run it again: {live.rollback_command}")
    return good and forgotten is None


def print_plan(console: Console, outcome: Outcome) -> None:
    """What a rollback would do."""
    for name in outcome.moved:
        _line(console, f"{name}: to be moved back")
    if outcome.already_back:
        _line(console, f"{len(outcome.already_back)} are back already, or did not change")
    for name in outcome.without_previous:
        _line(console, f"{name}: new, there is nothing to go back to", "dim")


def print_rolled_back(console: Console, record: RolledBack) -> None:
    """What was done."""
    _line(
        console,
        f"{record.deployment_id} is rolled back: {len(record.moved)} aliases moved, "
        f"{len(record.already_back)} were back, {record.seconds} s since it began",
        "bold",
    )
    _line(console, "Revert the commit before the next deployment, or it comes again.")


def print_drill(console: Console, drill: Drill, output: Path) -> None:
    """How the rehearsal went."""
    cut = ", cut off half-way and resumed" if drill.interrupted else ""
    _line(console, f"{len(drill.functions)} aliases taken back in {drill.seconds} s{cut}", "bold green")
    if drill.emulator:
        _line(console, "On the sandbox's emulator, which is not AWS.", "yellow")
    _line(console, f"in {output}")


def print_verification(console: Console, verification: Verification) -> None:
    """What was altered first, or what holds."""
    for finding in verification.findings:
        _line(console, f"{finding.code}  {finding.path}: {finding.message}", "red")
    results = verification.results
    if not verification.holds or results is None:
        _line(console, "It is not as it was signed.", "bold red")
        return
    _line(console, f"{results.sha256}  {results.environment}, {utc(results.generated_at)}", "bold")
    _line(console, f"signed by {verification.signed_by}")
    if verification.signed_by == PERSON:
        _line(
            console, "A sandbox's throw-away key: bytes are as they were written, nobody vouches.", "yellow"
        )
    for signed in verification.signoffs:
        signoff = signed.signoff
        _line(console, f"{signoff.role}: {signoff.decision} by {signed.person}, {utc(signoff.at)}")
    if verification.go_live is not None:
        live = verification.go_live
        _line(console, f"{live.deployment_id} rests on it, live since {utc(live.deployed_at)}")
    if verification.deployments:
        _line(console, f"{counted(len(verification.deployments), 'deployment')}, one chain")
    _line(console, "Every byte is as it was signed.", "bold green")


def _line(console: Console, text: str, style: str = "") -> None:
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    console.print(Text(shown, style=style), soft_wrap=True)
