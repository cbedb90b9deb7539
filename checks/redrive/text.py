"""What `hasivu redrive` says in a terminal."""

from __future__ import annotations

from datetime import timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

from checks.redrive.move import Letter, Outcome
from checks.redrive.queues import Pair


def print_pair(console: Console, pair: Pair) -> None:
    """The two queues and what waits in them."""
    table = Table(box=None, pad_edge=False)
    for heading in ("", "queue", "waiting", "in flight"):
        table.add_column(heading)
    for role, queue in (("from", pair.dead_letters), ("to", pair.source)):
        table.add_row(role, Text(queue.name), f"≈ {queue.waiting}", f"≈ {queue.in_flight}")
    console.print(table)


def print_letters(console: Console, letters: list[Letter]) -> None:
    """Each dead letter in a few lines: id, age, why, and its masked body."""
    if not letters:
        console.print("There is no dead letter to see. Those in flight are held by somebody else.")
    for letter in letters:
        again = f", sent back {letter.redriven} times before" if letter.redriven else ""
        console.print(Text(f"{letter.message_id}  {_age(letter.age)}{again}", style="bold"), soft_wrap=True)
        for name, reason in letter.reasons.items():
            console.print(Text(f"  {name}: {reason}"), soft_wrap=True)
        console.print(Text(f"  {letter.body}", style="dim"), soft_wrap=True)


def print_outcome(console: Console, pair: Pair, outcome: Outcome) -> None:
    """What was moved, and what was not and why."""
    console.print(f"{len(outcome.moved)} moved from {pair.dead_letters.name} to {pair.source.name}")
    if outcome.left:
        console.print(
            f"{len(outcome.left)} left: they failed again during this run, or came from another queue. "
            "Put the cause right before the next run."
        )
    for message_id in outcome.sent_not_deleted:
        console.print(f"{message_id} is in both queues now; its consumer does nothing twice", soft_wrap=True)


def _age(age: timedelta | None) -> str:
    if age is None:
        return "of unknown age"
    hours, rest = divmod(max(int(age.total_seconds()), 0), 3600)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h old"
    return f"{hours} h {rest // 60} min old" if hours else f"{rest // 60} min old"
