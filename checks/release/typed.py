"""What people type into a record that is signed and kept: one line, which every report may show."""

from __future__ import annotations

from checks.checklist.model import SHOWN_CHARACTERS_MAX
from checks.errors import ExitCode, HasivuError
from checks.report.redaction import findings


def line_of(text: str, option: str) -> str:
    """``text`` without the spaces around it. Error: `TEXT_UNFIT` where it is no line, or holds private data.

    A record is never changed: what the report must not show would keep it from being written for good.
    """
    found = text.strip()
    if len(found) > SHOWN_CHARACTERS_MAX:
        raise _unfit(f"{option} has {len(found)} characters, and may have {SHOWN_CHARACTERS_MAX}")
    if not found.isprintable():
        raise _unfit(f"{option} is more than one line, or holds characters that nobody sees")
    kinds = sorted({kind for _, kind in findings(found)})
    if kinds:
        raise _unfit(f"{option} holds {', '.join(kinds)}")
    return found


def _unfit(message: str) -> HasivuError:
    return HasivuError(
        "TEXT_UNFIT",
        f"{message}.",
        next_step="say it in one short line, and put the rest into the ticket; nothing was done",
        exit_code=ExitCode.USAGE,
    )
