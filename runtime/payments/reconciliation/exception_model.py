"""An exception of the reconciliation: a matter that did not match, and all that was done about it."""

from enum import StrEnum
from typing import Final

from runtime.payments.model import Frozen
from runtime.payments.reconciliation.model import Reason, Status

MATCHER: Final = "reconciliation"
"""Who acts when nobody does: the match itself."""


class State(StrEnum):
    """Where an exception stands."""

    OPEN = "open"
    ASSIGNED = "assigned"
    AWAITING_APPROVAL = "awaiting_approval"
    RESOLVED = "resolved"


class Resolution(StrEnum):
    """How it was resolved. ``matched``: later facts did it."""

    POSTED_MANUAL = "posted_manual"
    POSTED_FORCED = "posted_forced"
    VOID = "void"
    EXPLAINED = "explained"
    MATCHED = "matched"


class Action(StrEnum):
    """What was done, in the trail."""

    OPENED = "opened"
    ASSIGNED = "assigned"
    COMMENTED = "commented"
    FORCE_REQUESTED = "force_requested"
    FORCE_APPROVED = "force_approved"
    FORCE_REJECTED = "force_rejected"
    RESOLVED = "resolved"
    FACTS_CHANGED = "facts_changed"
    REOPENED = "reopened"


class Refusal(StrEnum):
    """Why a step is refused. The codes are stable."""

    RESOLVED = "exception-resolved"
    NOT_ASSIGNED = "exception-not-assigned"
    NOT_OWNER = "exception-not-owner"
    ACTOR = "exception-actor-missing"
    REASON = "exception-reason-too-short"
    TEXT_TOO_LONG = "exception-text-too-long"
    TRAIL_FULL = "exception-trail-full"
    BACKWARDS = "exception-time-runs-backwards"
    NEEDS_FORCE = "exception-difference-needs-force"
    NOTHING_TO_FORCE = "exception-nothing-to-force"
    FORCE_LIMIT = "exception-force-over-limit"
    FORCE_CURRENCY = "exception-force-not-in-rupees"
    FORCE_AMOUNT = "exception-force-amount-differs"
    AWAITING_APPROVAL = "exception-awaiting-approval"
    NOTHING_TO_APPROVE = "exception-nothing-to-approve"
    SAME_PERSON = "exception-four-eyes"
    OTHER_MATTER = "exception-of-another-matter"


class TransitionRefused(ValueError):
    """A step that is not allowed now: ``code`` is stable, the message says what would be."""

    def __init__(self, code: Refusal, message: str) -> None:
        super().__init__(f"{code.value}: {message}")
        self.code = code
        self.message = message


class TrailEntry(Frozen):
    """One step: when (RFC 3339), who, what, and why or what was said (masked)."""

    at: str
    actor: str
    action: Action
    text: str = ""


class ForceRequest(Frozen):
    """Somebody asks to post a difference by force."""

    requested_by: str
    reason: str
    difference_paise: int


class ForcedPosting(Frozen):
    """A difference that was posted by force, and the facts on which two people agreed to it."""

    facts: str
    difference_paise: int
    approved_at: str


class ReconciliationException(Frozen):
    """A matter that did not match.

    ``difference_paise`` is what came less what should have come, ``facts`` what was known when it was last
    looked at. ``forced`` are all forced postings there were; the last one stands while the exception is
    resolved by it. ``version`` counts its changes, for optimistic locking.
    """

    exception_id: str
    group_id: str
    statuses: tuple[Status, ...]
    reasons: tuple[Reason, ...]
    difference_paise: int
    currency: str
    facts: str
    state: State = State.OPEN
    owner: str | None = None
    request: ForceRequest | None = None
    forced: tuple[ForcedPosting, ...] = ()
    resolution: Resolution | None = None
    opened_at: str
    resolved_at: str | None = None
    trail: tuple[TrailEntry, ...] = ()
    version: int = 1
