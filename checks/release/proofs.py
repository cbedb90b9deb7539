"""What this package tells the checklist: how the rollback window stands, and what the roles decided."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from checks.checklist.model import Level, ProofResult, Status, utc
from checks.checklist.references import ROLLBACK_WINDOW
from checks.checklist.wording import line
from checks.release.approval import RoleState, RoleVerdict
from checks.release.gate import SIGNOFF_PROOF
from checks.release.window import Window, WindowState

_WINDOW_STATUS: Final = {
    WindowState.OPEN: Status.PASSED,
    WindowState.CLOSED: Status.PASSED,
    WindowState.ROLLED_BACK: Status.PASSED,
    WindowState.ROLLING_BACK: Status.FAILED,
    WindowState.OVERDUE: Status.FAILED,
}
_ROLE_STATUS: Final = {
    RoleState.APPROVED: Status.ATTESTED,
    RoleState.REJECTED: Status.FAILED,
    RoleState.VOID: Status.FAILED,
    RoleState.CONDITIONS_OPEN: Status.MANUAL_PENDING,
    RoleState.MISSING: Status.MANUAL_PENDING,
    RoleState.GONE: Status.NOT_EVALUATED,
}


def rollback_window(window: Window | None, now: datetime) -> ProofResult:
    """Whether the last go-live's window is open in time, or ended as it should. None live: not evaluated."""
    if window is None:
        status, observed, looked_at = Status.NOT_EVALUATED, "no go-live is written down", 0
    else:
        state = window.state(now)
        status, looked_at = _WINDOW_STATUS[state], 1
        observed = (
            f"{window.go_live.deployment_id}: {state}, deadline {utc(window.go_live.rollback_deadline)}"
        )
        if window.closed is not None and window.closed.late_reason:
            observed += ", closed late"
    return ProofResult(
        proof_id=ROLLBACK_WINDOW,
        level=Level.RUN,
        title="The rollback window of the last go-live",
        status=status,
        expected="open before its deadline, or closed by its criteria, or rolled back",
        observed=observed,
        looked_at=looked_at,
        remedy="" if status is Status.PASSED else "hasivu window --env ENV says what to do",
    )


def role_decisions(roles: Iterable[RoleVerdict]) -> tuple[ProofResult, ...]:
    """The decision of each role of the checklist. One that no role of it made proves nothing."""
    return tuple(
        ProofResult(
            proof_id=f"{SIGNOFF_PROOF}{role.role}",
            level=Level.PERSON,
            title=f"Sign-off: {role.title}",
            status=_ROLE_STATUS[role.state],
            expected="approved by one person of this role, for exactly this report",
            observed=line(_told(role)),
            looked_at=0 if role.signed is None else 1,
            remedy="" if role.state is RoleState.APPROVED else "hasivu signoff, see docs/guides/release.md",
        )
        for role in roles
        if role.state in _ROLE_STATUS
    )


def _told(role: RoleVerdict) -> str:
    """How it stands, by whom, when, and why."""
    signed = role.signed
    who = "" if signed is None else f" by {signed.person}, {utc(signed.signoff.at)}, {signed.signoff.ticket}"
    return "; ".join((f"{role.state.replace('-', ' ')}{who}", *role.reasons))
