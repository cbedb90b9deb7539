"""The comparison for a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from checks.diff.model import Effect, EnvironmentDiff, Finding, Report, ResourceChange, Risk
from checks.diff.wording import HEADINGS, AccountMask, in_order, title_of, turn, verdict

_COLOURS = {
    Effect.REMOVED: "red",
    Effect.REPLACED: "red",
    Effect.MAY_BE_REPLACED: "yellow",
    Effect.MOVED: "red",
    Effect.ADDED: "green",
}
_SIGNS = {
    Effect.REMOVED: "-",
    Effect.REPLACED: "±",
    Effect.MAY_BE_REPLACED: "±",
    Effect.MOVED: ">",
    Effect.ADDED: "+",
}


def print_report(console: Console, report: Report) -> None:
    """Everything, in full: per environment the findings, then each stack's changes."""
    mask = AccountMask()
    for diff in report.diffs:
        _print(console, Text(mask(title_of(diff)), style="bold"))
        for risk in Risk:
            findings = diff.of(risk)
            if findings:
                _print(console, Text(f"\n{HEADINGS[risk]} ({len(findings)})", style="bold"))
                for finding in findings:
                    _print_finding(console, finding, mask)
        _print_changes(console, diff, mask)
        console.print()
    _print(console, Text(f"{verdict(report.diffs)} Compared with {report.base}.", style="bold"))


def _print_finding(console: Console, finding: Finding, mask: AccountMask) -> None:
    colour = "red" if finding.loses_data else "yellow"
    head = Text("  ! ", style=colour) + Text(f"{finding.kind} ", style=f"bold {colour}")
    _print(console, head + Text(mask(f"{finding.stack}/{finding.subject}: {finding.what}")))
    if finding.consequence:
        _print(console, Text(mask(f"      {finding.consequence}")))
    if finding.remedy:
        _print(console, Text(mask(f"      Instead: {finding.remedy}"), style="dim"))


def _print_changes(console: Console, diff: EnvironmentDiff, mask: AccountMask) -> None:
    for stack in in_order(diff):
        _print(console, Text(f"\n{mask(stack)}", style="bold"))
        for change in diff.changes:
            if change.stack == stack:
                _print_change(console, change, mask)
    if diff.notes:
        _print(console, Text("\noutside resources", style="bold"))
        for note in diff.notes:
            _print(console, Text(f"  ~ {mask(note)}"))


def _print_change(console: Console, change: ResourceChange, mask: AccountMask) -> None:
    colour = _COLOURS.get(change.effect, "default")
    line = Text(f"  {_SIGNS.get(change.effect, '~')} {change.effect}: ", style=colour)
    note = f" {change.note}" if change.note else ""
    _print(console, line + Text(mask(f"{change.name} ({change.resource_type}){note}")))
    for item in change.properties:
        before, after = turn(item, mask)
        _print(console, Text(mask(f"      {item.path}: {before} → {after}"), style="dim"))


def _print(console: Console, text: Text) -> None:
    console.print(text, soft_wrap=True)
