"""Words that reports share: one line, of a length that a table can carry."""

from __future__ import annotations

from collections.abc import Sequence

from checks.checklist.model import SHOWN_CHARACTERS_MAX


def line(text: str) -> str:
    """``text`` on one line, cut where it is too long."""
    joined = " ".join(text.split())
    if len(joined) <= SHOWN_CHARACTERS_MAX:
        return joined
    return f"{joined[: SHOWN_CHARACTERS_MAX - 1]}…"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 resource``, ``3 resources``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def listed(names: Sequence[str], *, shown: int = 5) -> str:
    """The first of ``names``, and how many more there are."""
    first = ", ".join(names[:shown])
    rest = len(names) - shown
    return f"{first} and {rest} more" if rest > 0 else first
