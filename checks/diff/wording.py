"""What both renderings say in the same words, with account numbers taken out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from checks.diff.model import Effect, EnvironmentDiff, PropertyChange, Risk

VALUE_LENGTH_MAX = 160
_ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")

HEADINGS = {
    Risk.DESTRUCTIVE: "Destroyed, replaced, or noticed too late",
    Risk.BROADENING: "Permissions that grow, protections that weaken",
}
_ORDER = list(Effect)


class AccountMask:
    """Twelve digits become `<account>`; where several accounts occur, each keeps a letter of its own."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        return _ACCOUNT.sub(self._name, text)

    def _name(self, found: re.Match[str]) -> str:
        letter = self._letters.setdefault(found[0], chr(ord("A") + len(self._letters) % 26))
        return f"<account {letter}>"


def title_of(diff: EnvironmentDiff) -> str:
    """The environments and a count of what happens in them, the worst first."""
    names = ", ".join(diff.environments)
    if diff.is_empty:
        return f"{names}: nothing changes"
    return f"{names}: {counts(diff)}"


def counts(diff: EnvironmentDiff) -> str:
    """`2 replaced, 1 added, 3 updated`."""
    number = Counter(change.effect for change in diff.changes)
    said = [f"{number[effect]} {effect}" for effect in _ORDER if number[effect]]
    if not said:
        return f"{len(diff.notes)} changes outside resources" if diff.notes else "only what is said below"
    return ", ".join(said)


def verdict(diffs: Iterable[EnvironmentDiff]) -> str:
    """One sentence about the whole."""
    found = list(diffs)
    if all(diff.is_empty for diff in found):
        return "Nothing that is deployed changes."
    parts = []
    destructive = max((len(diff.of(Risk.DESTRUCTIVE)) for diff in found), default=0)
    broadening = max((len(diff.of(Risk.BROADENING)) for diff in found), default=0)
    if destructive:
        parts.append(f"{destructive} destructive")
    if broadening:
        parts.append(f"{broadening} broadening")
    if not parts:
        return "Changes, none of them risky."
    return f"Look twice: {' and '.join(parts)} in one environment."


def turn(change: PropertyChange, mask: AccountMask) -> tuple[str, str]:
    """Before and after of a property, masked, then cut: a number cut in half would slip through."""
    return (
        "absent" if change.before is None else short(mask(change.before)),
        "absent" if change.after is None else short(mask(change.after)),
    )


def short(text: str) -> str:
    """At most VALUE_LENGTH_MAX characters on one line."""
    line = " ".join(text.split())
    return line if len(line) <= VALUE_LENGTH_MAX else f"{line[: VALUE_LENGTH_MAX - 1]}…"


def in_order(diff: EnvironmentDiff) -> list[str]:
    """The stacks that change, by name."""
    return sorted({change.stack for change in diff.changes})
