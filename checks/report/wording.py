"""How the reports call things: statuses, levels, moments, sizes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from checks.checklist.model import Level, Status, WaiverState, utc
from checks.checklist.wording import counted
from checks.report.model import Release, Rollback, RollbackState, SignOffState
from runtime.platform.clock import IST

STATUS: Final = {
    Status.FAILED: "Fail",
    Status.ERROR: "Error",
    Status.NOT_EVALUATED: "Not evaluated",
    Status.MANUAL_PENDING: "Somebody must act",
    Status.WAIVED: "Waived",
    Status.ATTESTED: "Attested",
    Status.PASSED: "Pass",
    Status.NOT_APPLICABLE: "Not applicable",
}
"""Worst first."""

STATUS_MEANING: Final = {
    Status.FAILED: "It was looked at and is wrong.",
    Status.ERROR: "It could not be looked at: unreachable, denied, unreadable or altered.",
    Status.NOT_EVALUATED: "Nothing was looked at. Never a pass.",
    Status.MANUAL_PENDING: "A person has to act, and has not.",
    Status.WAIVED: "Accepted by an owner until a day that is written down. Never counted as satisfied.",
    Status.ATTESTED: "A person vouches for it, until a day that is written down.",
    Status.PASSED: "It was looked at, at every level that is asked here, and is right.",
    Status.NOT_APPLICABLE: "A named predicate says that it does not apply here.",
}

LEVEL: Final = {
    Level.TEMPLATE: "Template",
    Level.LIVE: "Live",
    Level.RUN: "Run",
    Level.PERSON: "Person",
}
LEVEL_MEANING: Final = {
    Level.TEMPLATE: "read off the synthesised templates",
    Level.LIVE: "read back from the running environment",
    Level.RUN: "seen in a run: tests, the demonstration, a measurement, a scan",
    Level.PERSON: "vouched for by a person",
}

WAIVER: Final = {
    WaiverState.IN_FORCE: "in force",
    WaiverState.EXPIRED: "expired",
    WaiverState.LAPSED: "lapsed: the resource changed",
    WaiverState.UNUSED: "unused: nothing is wrong any more",
    WaiverState.MALFORMED: "malformed: counts as expired",
}

SIGN_OFF: Final = {
    SignOffState.APPROVED: "approved, valid",
    SignOffState.MISSING: "not signed",
    SignOffState.REJECTED: "REJECTED",
    SignOffState.CONDITIONS_OPEN: "approved with open conditions",
    SignOffState.VOID: "VOID",
    SignOffState.GONE: "counted, and not at hand",
}

ROLLBACK: Final = {
    RollbackState.OPEN: "open",
    RollbackState.CLOSED: "closed: the success criteria were met",
    RollbackState.ROLLED_BACK: "rolled back",
    RollbackState.ROLLING_BACK: "ROLLING BACK: it began and has not ended",
    RollbackState.OVERDUE: "OVERDUE: neither closed nor rolled back",
}

_SECOND: Final = timedelta(seconds=1)

CLAIM: Final = (
    "This is technical evidence. It does not say that anything is compliant with a framework: that takes an "
    "assessor, and process evidence that no machine can see."
)


def verdict(go: bool) -> str:
    """The two words that the report begins with."""
    return "GO" if go else "NO-GO"


def moment(at: datetime) -> str:
    """``2026-11-26 20:05 UTC · 2026-11-27 01:35 IST``; India's date only where it is another."""
    india = at.astimezone(IST)
    form = "%H:%M IST" if india.date() == at.date() else "%Y-%m-%d %H:%M IST"
    return f"{utc(at)} · {india.strftime(form)}"


def days(count: int) -> str:
    """``today``, ``1 day left``, ``3 days ago``."""
    if count == 0:
        return "ends today"
    unit = "day" if abs(count) == 1 else "days"
    return f"{count} {unit} left" if count > 0 else f"{-count} {unit} ago"


def window_clock(release: Release) -> str:
    """The window's time: what is left of it at the moment of judgement, or how it ended."""
    rollback, left = release.rollback, release.left
    if rollback is None:
        return "No go-live is written down."
    if rollback.ended_at is not None:
        return f"It ended {moment(rollback.ended_at)}, by {rollback.ended_by}: {rollback.ended_how}."
    clock = "No time is left."
    if left is not None and left >= timedelta():
        clock = f"{duration(left // _SECOND)} left."
    how = f" {rollback.ended_how}." if rollback.ended_how else ""
    return f"Last moment {moment(rollback.deadline)}. At {moment(release.judged_at)}: {clock}{how}"


def versions(rollback: Rollback) -> str:
    """How many functions go back, how many have nothing to go back to, and which are gone."""
    back = sum(each.previous not in (None, each.next) for each in rollback.functions)
    new = sum(each.previous is None for each in rollback.functions)
    parts = [counted(back, "function") + " to the version before"]
    parts += [f"{new} new"] if new else []
    parts += [f"{len(rollback.removed)} taken away, which it does not bring back"] if rollback.removed else []
    return ", ".join(parts)


def duration(seconds: int) -> str:
    """``23 h 05 min``."""
    hours, rest = divmod(max(seconds, 0), 3_600)
    return f"{hours} h {rest // 60:02} min"


def size(count: int) -> str:
    """``512 B``, ``12.3 kB``: whole numbers and one decimal, without a float."""
    if count < 1_000:
        return f"{count} B"
    tenths = (count + 50) // 100
    if tenths < 10_000:
        return f"{tenths // 10}.{tenths % 10} kB"
    tenths = (count + 50_000) // 100_000
    return f"{tenths // 10}.{tenths % 10} MB"
