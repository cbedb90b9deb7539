"""What the demonstration tells: steps and what they saw, for a person to read and for a machine."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from rich.console import Console
from rich.markup import escape

Told = TypeVar("Told")


class Disproved(Exception):
    """Something that the demonstration claims is not so."""


@dataclass(slots=True)
class Step:
    """One step: what it is called, whether it went well, how long it took, and what was seen."""

    name: str
    ok: bool = False
    seconds: float = 0.0
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Narrative:
    """Tells steps as they happen and keeps them."""

    console: Console
    steps: list[Step] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether there were steps and all went well."""
        return bool(self.steps) and all(step.ok for step in self.steps)

    def tell(self, name: str, title: str, act: Callable[[Step], Told]) -> Told | None:
        """Do one step. Where it fails, say so and give None: the story goes on, and has failed as a whole."""
        step = Step(name)
        self.steps.append(step)
        self.console.print(f"\n[bold]{escape(title)}[/bold]")
        began_s = time.monotonic()
        told: Told | None = None
        try:
            told = act(step)
            step.ok = True
        except Exception as error:  # each step is told whatever happened in it
            step.evidence["error"] = f"{type(error).__name__}: {error}"[:500]
            self.console.print(f"  [red]✗ {escape(step.evidence['error'])}[/red]")
        step.seconds = round(time.monotonic() - began_s, 2)
        if step.ok:
            self.console.print(f"  [green]✓[/green] [dim]{step.seconds:.1f} s[/dim]")
        return told

    def say(self, text: str) -> None:
        """One line of what happened."""
        self.console.print(f"  {escape(text)}")


def prove(claim: str, holds: bool) -> None:
    """Raise Disproved where a claim does not hold."""
    if not holds:
        raise Disproved(claim)
