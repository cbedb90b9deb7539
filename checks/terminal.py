"""The `hasivu` command's way of speaking to a person: progress, tables, errors."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from checks.bundles.manifest import Manifest
from checks.errors import HasivuError
from checks.rules.gate import Verdict
from checks.rules.gate_report import rows


class TerminalReporter:
    """Shows the steps under way, and each finished one with what it took. A context manager.

    On a terminal the running steps turn in place; elsewhere one line is printed at the end of each.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._running: dict[int, tuple[str, float, Spinner]] = {}
        self._guard = threading.Lock()
        self._live = Live(
            console=console,
            get_renderable=self._shown,
            refresh_per_second=8,
            transient=True,
            auto_refresh=True,
        )

    def __enter__(self) -> TerminalReporter:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live.is_started:
            self._live.stop()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        began = time.monotonic()
        with self._guard:
            key = max(self._running, default=0) + 1
            self._running[key] = (title, began, Spinner("dots"))
        mark = Text("✗", style="red")
        try:
            yield
            mark = Text("✓", style="green")
        finally:
            with self._guard:
                del self._running[key]
            took = Text(f"{time.monotonic() - began:6.1f} s", style="dim")
            self._console.print(mark, Text(title), took, soft_wrap=True)

    def say(self, message: str) -> None:
        self._console.print(Text(message, style="dim"), soft_wrap=True)

    def _shown(self) -> RenderableType:
        with self._guard:
            running = list(self._running.values())
        rows = []
        for title, began, spinner in running:
            spinner.update(text=Text(f"{title} … {time.monotonic() - began:.0f} s"))
            rows.append(spinner)
        return Group(*rows)


def print_error(console: Console, error: HasivuError) -> None:
    """What is wrong, what the tool said, and what to do next."""
    parts: list[RenderableType] = [Text(error.message)]
    if error.detail:
        parts += [Text(), Text(error.detail, style="dim")]
    parts += [Text(), Text.assemble(("Next: ", "bold"), error.next_step)]
    console.print(Panel(Group(*parts), title=error.code, title_align="left", border_style="red"))


def bundle_table(manifest: Manifest) -> Table:
    """The bundles with their sizes and the beginning of their hashes."""
    table = Table(box=None, pad_edge=False)
    table.add_column("bundle")
    table.add_column("unzipped", justify="right")
    table.add_column("sha256")
    for path, bundle in sorted(manifest.bundles.items()):
        table.add_row(path, f"{bundle.size_bytes / 1024:,.0f} KiB", bundle.sha256[:12])
    return table


def print_verdict(console: Console, verdict: Verdict) -> None:
    """What speaks against the environment, how big its stacks are, and whether it passed."""
    against = Table(box=None, pad_edge=False)
    for heading in ("rule", "where", "what"):
        against.add_column(heading, overflow="fold")
    count = 0
    for kind, pack, rule, _severity, where, evidence, _remedy, _controls in rows(verdict):
        against.add_row(Text(rule or pack or kind), Text(where), Text(evidence))
        count += 1
    if count:
        console.print(against)
    resources = ", ".join(f"{stack} {number}" for stack, number in verdict.resources.items())
    console.print(f"resources: {resources}", soft_wrap=True)
    accepted = f"{len(verdict.suppressed)} accepted"
    if verdict.passed:
        console.print(f"[green]passed[/]: nothing open, {accepted}, {verdict.took_s:.1f} s")
    else:
        console.print(f"[red]failed[/]: {count} against it, {accepted}, {verdict.took_s:.1f} s")
