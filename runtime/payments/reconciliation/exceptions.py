"""What a person does with what does not match: a state machine, pure.

open → assigned → resolved: posted by hand, posted by force, void, or explained. By force takes two people:
one asks with a reason, another approves, up to a limit. A new fact that contradicts opens it again. Every
step is kept in the trail, and a step that is not allowed is refused with a stable code.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from runtime.payments.reconciliation.exception_model import (
    MATCHER,
    Action,
    ForcedPosting,
    ForceRequest,
    ReconciliationException,
    Refusal,
    Resolution,
    State,
    TrailEntry,
    TransitionRefused,
)
from runtime.payments.reconciliation.model import CLOSED, Decision, Finding, Status
from runtime.payments.reconciliation.terms import ForceLimits, holding_on, shipped_terms
from runtime.platform.clock import business_date, from_iso, iso
from runtime.platform.currencies import BOOKS_CURRENCY
from runtime.platform.money import rupees
from runtime.platform.telemetry import mask_text

TRAIL_MAX: Final = 500
TRAIL_BYTES_MAX: Final = 150 * 1024
"""What people wrote into one trail, in UTF-8. An item of DynamoDB holds 400 KB; the match's own steps, which
must never be refused, and the evidence have the rest."""
MATCHER_STEPS_MAX: Final = 200
"""The match's own steps that are kept in one trail; the oldest of more are in the audit trail only."""
TEXT_MAX: Final = 2_000
REASON_MIN: Final = 10
_NAME_MAX: Final = 128


def open_exception(findings: Sequence[Finding], at: datetime) -> ReconciliationException:
    """The exception that the findings of one matter are. Its id follows from the matter, so that the same
    matter is never opened twice. Raises ValueError for no findings, TransitionRefused for two matters."""
    return ReconciliationException(
        exception_id=f"exc:{_group_of(findings)}",
        group_id=findings[0].group_id,
        opened_at=iso(at),
        trail=(TrailEntry(at=iso(at), actor=MATCHER, action=Action.OPENED),),
        **_found(findings),
    )


def assign(
    exception: ReconciliationException, *, owner: str, actor: str, at: datetime
) -> ReconciliationException:
    """Give it to somebody, or to somebody else. A request for force stays with who asked."""
    _unresolved(exception)
    _person(owner)
    state = State.ASSIGNED if exception.state is State.OPEN else exception.state
    return _step(exception, at, actor, Action.ASSIGNED, owner, owner=owner, state=state)


def comment(
    exception: ReconciliationException, *, text: str, actor: str, at: datetime
) -> ReconciliationException:
    """Say something about it, also once it is resolved."""
    if not text.strip():
        raise TransitionRefused(Refusal.REASON, "a comment says something")
    return _step(exception, at, actor, Action.COMMENTED, text)


def post_manually(
    exception: ReconciliationException, *, reason: str, actor: str, at: datetime
) -> ReconciliationException:
    """Post what agrees to the paisa and was not recognised; the owner does it, and says why."""
    _owned(exception, actor)
    if exception.difference_paise:
        raise TransitionRefused(
            Refusal.NEEDS_FORCE,
            f"{rupees(exception.difference_paise)} are not explained; ask for a forced posting",
        )
    return _resolve(exception, Resolution.POSTED_MANUAL, reason, actor, at)


def void(
    exception: ReconciliationException, *, reason: str, actor: str, at: datetime
) -> ReconciliationException:
    """Say that there is nothing to reconcile here; the owner does it, and says why. Nothing is booked."""
    _owned(exception, actor)
    return _resolve(exception, Resolution.VOID, reason, actor, at)


def explain(
    exception: ReconciliationException, *, reason: str, actor: str, at: datetime
) -> ReconciliationException:
    """Say what it is that needs no posting here; the owner does it. Nothing is booked."""
    _owned(exception, actor)
    return _resolve(exception, Resolution.EXPLAINED, reason, actor, at)


def request_force(
    exception: ReconciliationException, *, difference_paise: int, reason: str, actor: str, at: datetime
) -> ReconciliationException:
    """Ask to post the difference by force; the owner does it, names the amount, and says why."""
    _owned(exception, actor)
    if not exception.difference_paise:
        raise TransitionRefused(Refusal.NOTHING_TO_FORCE, "nothing differs; post it by hand")
    # What differs in its currency has no difference that were a sum of anything.
    if exception.currency != BOOKS_CURRENCY or Status.CURRENCY_MISMATCH in exception.statuses:
        raise TransitionRefused(Refusal.FORCE_CURRENCY, f"the books are in {BOOKS_CURRENCY} alone")
    if difference_paise != exception.difference_paise:
        raise TransitionRefused(
            Refusal.FORCE_AMOUNT, f"the difference is {rupees(exception.difference_paise)}"
        )
    limit = _limits(at).admin_max_paise
    if abs(difference_paise) > limit:
        raise TransitionRefused(Refusal.FORCE_LIMIT, f"nobody may force more than {rupees(limit)}")
    _reasoned(reason)
    request = ForceRequest(
        requested_by=actor, reason=mask_text(reason.strip()), difference_paise=difference_paise
    )
    return _step(
        exception, at, actor, Action.FORCE_REQUESTED, reason, request=request, state=State.AWAITING_APPROVAL
    )


def approve_force(
    exception: ReconciliationException, *, actor: str, is_admin: bool, at: datetime
) -> ReconciliationException:
    """Approve what somebody else asked for, within one's limit."""
    request = _requested(exception)
    if actor.casefold() == request.requested_by.casefold():
        raise TransitionRefused(Refusal.SAME_PERSON, "who asked for a forced posting cannot approve it")
    limits = _limits(at)
    limit = limits.admin_max_paise if is_admin else limits.finance_max_paise
    if abs(request.difference_paise) > limit:
        raise TransitionRefused(Refusal.FORCE_LIMIT, f"you may approve up to {rupees(limit)}")
    posting = ForcedPosting(
        facts=exception.facts, difference_paise=request.difference_paise, approved_at=iso(at)
    )
    return _step(
        exception,
        at,
        actor,
        Action.FORCE_APPROVED,
        request.reason,
        forced=(*exception.forced, posting),
        request=None,
        state=State.RESOLVED,
        resolution=Resolution.POSTED_FORCED,
        resolved_at=iso(at),
    )


def reject_force(
    exception: ReconciliationException, *, reason: str, actor: str, at: datetime
) -> ReconciliationException:
    """Turn down what was asked for, or take back what one asked for; it is the owner's again."""
    _requested(exception)
    _reasoned(reason)
    return _step(exception, at, actor, Action.FORCE_REJECTED, reason, request=None, state=State.ASSIGNED)


def recheck(
    exception: ReconciliationException, findings: Sequence[Finding], at: datetime
) -> ReconciliationException:
    """The exception after a new match of its matter; the same object when nothing is new.

    What the match closes by itself is resolved. Where the facts are others than those that somebody decided
    on, a decision is off: a resolved exception is opened again, and a request for force must be made anew.
    """
    if _group_of(findings) != exception.group_id:
        raise TransitionRefused(Refusal.OTHER_MATTER, "the findings are of another matter")
    found = _found(findings)
    is_new = found["facts"] != exception.facts
    by_match = exception.resolution is Resolution.MATCHED
    if exception.state is State.RESOLVED and not (is_new or by_match):
        return exception
    if all(status in CLOSED for status in found["statuses"]):
        return exception if by_match else _close_by_match(exception, at, found)
    if exception.state is State.RESOLVED:
        return _step(exception, at, None, Action.REOPENED, **_UNDECIDED, **found)
    if not is_new:
        return exception
    state = State.OPEN if exception.owner is None else State.ASSIGNED
    return _step(exception, at, None, Action.FACTS_CHANGED, state=state, request=None, **found)


def decision_of(exception: ReconciliationException) -> Decision | None:
    """What the match must respect of it: how a person resolved it, and on which facts."""
    if exception.resolution is None or exception.resolution is Resolution.MATCHED:
        return None
    return Decision(
        group_id=exception.group_id,
        facts=exception.facts,
        outcome=_OUTCOMES[exception.resolution],
        reason=exception.trail[-1].text,
    )


_OUTCOMES: Final = {
    Resolution.POSTED_MANUAL: Status.POSTED_MANUAL,
    Resolution.POSTED_FORCED: Status.POSTED_FORCED,
    Resolution.VOID: Status.VOID,
    Resolution.EXPLAINED: Status.VOID,
}
_UNDECIDED: Final[dict[str, Any]] = {
    "state": State.OPEN,
    "owner": None,
    "request": None,
    "resolution": None,
    "resolved_at": None,
}


def _group_of(findings: Sequence[Finding]) -> str:
    """The matter that all ``findings`` are of."""
    if not findings:
        raise ValueError("an exception has findings")
    groups = {finding.group_id for finding in findings}
    if len(groups) > 1:
        raise TransitionRefused(Refusal.OTHER_MATTER, "the findings are of more than one matter")
    return groups.pop()


def _found(findings: Sequence[Finding]) -> dict[str, Any]:
    """What the findings of a matter say together; of what is closed among them only that it is."""
    open_ones = [finding for finding in findings if finding.status not in CLOSED] or findings
    reasons = {reason: None for finding in open_ones for reason in finding.reasons}
    return {
        "statuses": tuple(sorted({finding.status for finding in open_ones})),
        "reasons": tuple(sorted(reasons)),
        "difference_paise": max((finding.difference_paise for finding in open_ones), key=abs),
        "currency": open_ones[0].currency,
        "facts": findings[0].facts,
    }


def _close_by_match(
    exception: ReconciliationException, at: datetime, found: dict[str, Any]
) -> ReconciliationException:
    return _step(
        exception,
        at,
        None,
        Action.RESOLVED,
        Resolution.MATCHED.value,
        state=State.RESOLVED,
        resolution=Resolution.MATCHED,
        resolved_at=iso(at),
        request=None,
        **found,
    )


def _resolve(
    exception: ReconciliationException, resolution: Resolution, reason: str, actor: str, at: datetime
) -> ReconciliationException:
    _reasoned(reason)
    return _step(
        exception,
        at,
        actor,
        Action.RESOLVED,
        reason,
        state=State.RESOLVED,
        resolution=resolution,
        resolved_at=iso(at),
    )


def _step(
    exception: ReconciliationException,
    at: datetime,
    actor: str | None,
    action: Action,
    text: str = "",
    **changes: Any,
) -> ReconciliationException:
    """The exception after one step, with the step in its trail; ``actor`` is None for the match itself."""
    if actor is not None:
        _person(actor)
        if len(exception.trail) >= TRAIL_MAX:
            raise TransitionRefused(Refusal.TRAIL_FULL, f"a trail has at most {TRAIL_MAX} steps")
        if _trail_bytes(exception) + len(text.encode()) > TRAIL_BYTES_MAX:
            raise TransitionRefused(Refusal.TRAIL_FULL, f"a trail has at most {TRAIL_BYTES_MAX} bytes")
    if len(text) > TEXT_MAX:
        raise TransitionRefused(Refusal.TEXT_TOO_LONG, f"a text has at most {TEXT_MAX} characters")
    if at < from_iso(exception.trail[-1].at):
        raise TransitionRefused(Refusal.BACKWARDS, "the step is older than the last one in the trail")
    entry = TrailEntry(at=iso(at), actor=actor or MATCHER, action=action, text=mask_text(text.strip()))
    trail = _thinned((*exception.trail, entry))
    return exception.model_copy(update={"trail": trail, "version": exception.version + 1, **changes})


def _trail_bytes(exception: ReconciliationException) -> int:
    return sum(len(entry.text.encode()) + len(entry.actor.encode()) for entry in exception.trail)


def _thinned(trail: tuple[TrailEntry, ...]) -> tuple[TrailEntry, ...]:
    """The trail without the oldest of the match's own steps beyond their limit; the opening stays, and
    nothing that a person did is ever taken out."""
    own = [number for number, entry in enumerate(trail) if entry.actor == MATCHER and number]
    gone = set(own[: max(0, len(own) - MATCHER_STEPS_MAX)])
    return tuple(entry for number, entry in enumerate(trail) if number not in gone) if gone else trail


def _person(name: str) -> None:
    if not (0 < len(name) <= _NAME_MAX and name == name.strip() and name.isprintable()) or name == MATCHER:
        raise TransitionRefused(Refusal.ACTOR, "the step names nobody who could have taken it")


def _unresolved(exception: ReconciliationException) -> None:
    if exception.state is State.RESOLVED:
        raise TransitionRefused(Refusal.RESOLVED, "it is resolved; only a new fact opens it again")


def _owned(exception: ReconciliationException, actor: str) -> None:
    _unresolved(exception)
    if exception.state is State.AWAITING_APPROVAL:
        raise TransitionRefused(
            Refusal.AWAITING_APPROVAL, "a forced posting was asked for; decide on it first"
        )
    if exception.owner is None:
        raise TransitionRefused(Refusal.NOT_ASSIGNED, "it has no owner; assign it first")
    if actor != exception.owner:
        raise TransitionRefused(Refusal.NOT_OWNER, "only its owner may do this")


def _requested(exception: ReconciliationException) -> ForceRequest:
    _unresolved(exception)
    if exception.request is None:
        raise TransitionRefused(Refusal.NOTHING_TO_APPROVE, "nobody asked for a forced posting")
    return exception.request


def _reasoned(reason: str) -> None:
    if len("".join(reason.split())) < REASON_MIN:
        raise TransitionRefused(Refusal.REASON, f"a reason has at least {REASON_MIN} characters")


def _limits(at: datetime) -> ForceLimits:
    return holding_on(shipped_terms().force, business_date(at))
