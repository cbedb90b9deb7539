"""The rollback window as a state machine: pure, time given.

    OPEN ──────────────── closed, criteria met ─▶ CLOSED
     │ deadline passed          ▲ late, with a reason
     ▼                          │
    OVERDUE ────────────────────┘
     │ (from OPEN too) begun
     ▼
    ROLLING_BACK ── all aliases back ─▶ ROLLED_BACK

The deadline is inclusive: what happens at that very moment is in time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from checks.release.records import Closed, GoLive, RollbackBegun, RolledBack


class WindowState(StrEnum):
    """Where a window stands."""

    OPEN = "open"
    OVERDUE = "overdue"
    """The deadline has passed, and nobody said how it went."""
    CLOSED = "closed"
    ROLLING_BACK = "rolling-back"
    ROLLED_BACK = "rolled-back"


ENDED = frozenset({WindowState.CLOSED, WindowState.ROLLED_BACK})


class WindowRefused(ValueError):
    """A step that this state does not allow, or records that contradict each other. ``code`` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True)
class Window:
    """A go-live with what has been written down since."""

    go_live: GoLive
    closed: Closed | None = None
    begun: RollbackBegun | None = None
    rolled_back: RolledBack | None = None

    def __post_init__(self) -> None:
        """Error: WindowRefused where the records cannot all be true."""
        for record in (self.closed, self.begun, self.rolled_back):
            if record is None:
                continue
            if record.go_live_sha256 != self.go_live.sha256:
                raise WindowRefused("OTHER_DEPLOYMENT", "a record is about another go-live")
            if record.at < self.go_live.deployed_at:
                raise WindowRefused("BEFORE_GO_LIVE", "a record is older than the go-live that it is about")
        if self.closed is not None and (self.begun is not None or self.rolled_back is not None):
            raise WindowRefused("CONTRADICTION", "the window was closed and rolled back")
        if self.rolled_back is not None and (
            self.begun is None or self.rolled_back.begun_sha256 != self.begun.sha256
        ):
            raise WindowRefused("CONTRADICTION", "a rollback ended that nobody began")
        if self.closed is not None and self.is_late(self.closed.at) != bool(self.closed.late_reason):
            raise WindowRefused("LATE_WITHOUT_REASON", "a late closing has a reason, and only a late one")

    @property
    def outcome(self) -> Closed | RolledBack | None:
        """The record that ended it."""
        return self.closed or self.rolled_back

    @property
    def assemblies(self) -> tuple[str, ...]:
        """The digests of the assemblies that are live: whose templates are deployed; last, whose code runs.

        They are two after a rollback, which moves aliases and leaves the templates.
        """
        live = self.go_live
        if self.rolled_back is None or live.previous_assembly_sha256 is None:
            return (live.assembly_sha256,)
        return (live.assembly_sha256, live.previous_assembly_sha256)

    def is_late(self, moment: datetime) -> bool:
        """Whether ``moment`` is after the deadline."""
        return moment > self.go_live.rollback_deadline

    def state(self, now: datetime) -> WindowState:
        """Where it stands at ``now``, UTC."""
        if self.rolled_back is not None:
            return WindowState.ROLLED_BACK
        if self.begun is not None:
            return WindowState.ROLLING_BACK
        if self.closed is not None:
            return WindowState.CLOSED
        return WindowState.OVERDUE if self.is_late(now) else WindowState.OPEN

    def left(self, now: datetime) -> timedelta:
        """How long the way back is open still; negative after the deadline."""
        return self.go_live.rollback_deadline - now

    def may_close(self, now: datetime, *, late_reason: str) -> None:
        """Error: WindowRefused unless it may be closed now."""
        state = self.state(now)
        if state not in {WindowState.OPEN, WindowState.OVERDUE}:
            raise WindowRefused("WINDOW_NOT_OPEN", f"the window is {state}")
        if state is WindowState.OVERDUE and not late_reason:
            raise WindowRefused("DEADLINE_PASSED", "the deadline has passed: a late closing needs a reason")
        if state is WindowState.OPEN and late_reason:
            raise WindowRefused("NOT_LATE", "the deadline has not passed: there is nothing to excuse")

    def may_roll_back(self, now: datetime) -> None:
        """Error: WindowRefused unless it may be rolled back now, or is being rolled back."""
        state = self.state(now)
        if state is WindowState.CLOSED:
            raise WindowRefused("WINDOW_CLOSED", "the window was closed: the way back is a new deployment")
