"""How an environment stands, on a terminal: the verdict, what blocks, what is waived, and every section."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from checks.checklist.model import (
    WORST_FIRST,
    ItemResult,
    Results,
    Status,
    Waiver,
    WaiverState,
    utc,
)
from runtime.platform.clock import business_date

COLOURS: Final = {
    Status.PASSED: "green",
    Status.ATTESTED: "green",
    Status.WAIVED: "yellow",
    Status.NOT_APPLICABLE: "dim",
    Status.MANUAL_PENDING: "yellow",
    Status.NOT_EVALUATED: "magenta",
    Status.ERROR: "red",
    Status.FAILED: "red",
}
COLUMNS: Final = (*reversed(WORST_FIRST), Status.NOT_APPLICABLE)
HEADINGS: Final = {
    Status.PASSED: "pass",
    Status.ATTESTED: "attested",
    Status.WAIVED: "waived",
    Status.MANUAL_PENDING: "pending",
    Status.NOT_EVALUATED: "unseen",
    Status.ERROR: "error",
    Status.FAILED: "fail",
    Status.NOT_APPLICABLE: "n/a",
}
BLOCKERS_SHOWN: Final = 20
SECTION_WIDTH: Final = 27
"""So that all columns fit into eighty characters."""


def show(console: Console, results: Results) -> None:
    """Print how ``results`` stand. Names of resources are text, never markup."""
    console.print(_sections(results))
    _show_blockers(console, results.blockers)
    _show_waivers(console, results.waivers, business_date(results.generated_at))
    for note in results.notes:
        console.print(f"[dim]Note: {escape(note)}[/]", soft_wrap=True)
    satisfied, applying = results.score
    verdict = "[bold green]GO[/]" if results.go else "[bold red]NO-GO[/]"
    console.print(
        f"{verdict}  {results.environment} at {utc(results.generated_at)}: {satisfied} of {applying} items "
        f"that apply are satisfied, {len(results.blockers)} block; assembly {results.assembly_sha256[:12]}",
        soft_wrap=True,
    )


def _sections(results: Results) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("section", no_wrap=True, overflow="ellipsis", max_width=SECTION_WIDTH)
    for status in COLUMNS:
        heading = HEADINGS[status]
        table.add_column(heading, justify="right", no_wrap=True, min_width=len(heading))
    by_section: dict[str, Counter[Status]] = {}
    for item in results.items:
        by_section.setdefault(item.section[:2][-1], Counter())[item.status] += 1
    for section, counts in by_section.items():
        table.add_row(escape(section), *_cells(counts))
    total = Counter(item.status for item in results.items)
    table.add_row("[bold]all[/]", *_cells(total))
    return table


def _cells(counts: Counter[Status]) -> Iterable[str]:
    return (
        f"[{COLOURS[status]}]{counts[status]}[/]" if counts[status] else "[dim]·[/]" for status in COLUMNS
    )


def _show_blockers(console: Console, blockers: tuple[ItemResult, ...]) -> None:
    if not blockers:
        return
    console.print("\n[bold]What blocks[/]")
    for item in blockers[:BLOCKERS_SHOWN]:
        colour = COLOURS[item.status]
        console.print(
            f"[{colour}]{item.status.value:14}[/] {item.item_id}  {escape(item.text)}  "
            f"[dim]{escape(item.owner)}[/]",
            soft_wrap=True,
        )
        console.print(f"               {escape(item.reason)}", soft_wrap=True)
        if item.remedy:
            console.print(f"               [dim]→ {escape(item.remedy)}[/]", soft_wrap=True)
    if len(blockers) > BLOCKERS_SHOWN:
        console.print(f"… and {len(blockers) - BLOCKERS_SHOWN} more; results.json has them all.")
    console.print()


def _show_waivers(console: Console, waivers: tuple[Waiver, ...], today: date) -> None:
    """Every waiver that does not count any more, always; of the others how many, and which ends first."""
    for waiver in waivers:
        if waiver.state is not WaiverState.IN_FORCE:
            console.print(
                f"[red]waiver {waiver.state.value}[/] {escape(waiver.waiver_id)} "
                f"({escape(waiver.waives)}, {escape(waiver.owner)}, until {waiver.expires}): "
                f"{escape(waiver.reason)}",
                soft_wrap=True,
            )
    in_force = [each for each in waivers if each.state is WaiverState.IN_FORCE and each.expires is not None]
    if in_force:
        first = min(in_force, key=lambda each: (each.expires or today, each.waiver_id))
        console.print(
            f"{len(in_force)} waivers and acknowledgements count; the first ends on {first.expires} "
            f"({escape(first.waives)}, {escape(first.owner)})",
            soft_wrap=True,
        )
