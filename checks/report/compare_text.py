"""A comparison for a terminal and for a pull request."""

from __future__ import annotations

from checks.checklist.model import Results, utc
from checks.escaping import markdown_cell, visible
from checks.report.compare import Change, Comparison

SHOWN_MAX = 50
"""Rows of one kind in Markdown; the others are counted."""


def heading(comparison: Comparison) -> str:
    """What is compared with what."""
    before, after = comparison.before, comparison.after
    return f"{_name(before)} → {_name(after)}"


def _name(results: Results) -> str:
    return f"{results.environment} {results.commit[:12]} {utc(results.generated_at)}"


def summary(comparison: Comparison) -> str:
    """How many changes of each kind, in one sentence."""
    kinds = comparison.by_kind()
    if not kinds:
        return "Nothing changed."
    return ", ".join(f"{len(changes)} × {kind.value}" for kind, changes in kinds.items()) + "."


def text(comparison: Comparison) -> str:
    """Plain lines; whatever is not printable in a name is written out."""
    lines = [visible(heading(comparison)), summary(comparison)]
    for kind, changes in comparison.by_kind().items():
        lines += ["", f"{kind.value} ({len(changes)})"]
        lines += [f"  {_line(change)}" for change in changes]
    return "\n".join(lines) + "\n"


def _line(change: Change) -> str:
    turn = f"{change.before or '–'} → {change.after or '–'}"
    return visible(f"{change.what}: {turn}  {change.title}")


def markdown(comparison: Comparison) -> str:
    """Tables by kind, setbacks first; nothing in it is markup, a link or a mention of somebody."""
    lines = [
        f"## What changed: {markdown_cell(heading(comparison))}",
        "",
        summary(comparison),
        "",
        *tables(comparison),
    ]
    return "\n".join(lines).rstrip() + "\n"


def tables(comparison: Comparison) -> list[str]:
    """The tables alone."""
    lines: list[str] = []
    for kind, changes in comparison.by_kind().items():
        lines += [
            f"**{kind.value}** ({len(changes)})",
            "",
            "| what | before | after | |",
            "|---|---|---|---|",
        ]
        for change in changes[:SHOWN_MAX]:
            cells = (change.what, change.before, change.after, change.title)
            lines.append(f"| {' | '.join(markdown_cell(cell) for cell in cells)} |")
        if len(changes) > SHOWN_MAX:
            lines.append(f"| … and {len(changes) - SHOWN_MAX} more | | | |")
        lines.append("")
    return lines
