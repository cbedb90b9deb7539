"""What people do about exceptions: the steps of the state machine, each with what it books, in one write."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from runtime.payments.reconciliation import exceptions as steps
from runtime.payments.reconciliation.contracts import (
    ExceptionPage,
    ExceptionView,
    ForceException,
    ListExceptions,
    ResolveException,
    exception_view,
)
from runtime.payments.reconciliation.exception_model import (
    ReconciliationException,
    Refusal,
    TransitionRefused,
)
from runtime.payments.reconciliation.people import of_the_house
from runtime.payments.reconciliation.recorder import ExceptionChanged, ExceptionRecorder
from runtime.payments.reconciliation.repository import KeptException
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal, Role
from runtime.platform.clock import Clock, business_date
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    CURSOR_INVALID,
    EXCEPTION_FOUR_EYES,
    EXCEPTION_NOT_FOUND,
    EXCEPTION_NOT_OWNER,
    EXCEPTION_STEP_REFUSED,
    Problem,
    ProblemType,
)

CHANGE_ATTEMPTS_MAX = 5
_RESOLVING: Final = {
    "posted_manual": steps.post_manually,
    "void": steps.void,
    "explained": steps.explain,
}
_PROBLEMS: Final[dict[Refusal, ProblemType]] = {
    Refusal.SAME_PERSON: EXCEPTION_FOUR_EYES,
    Refusal.NOT_OWNER: EXCEPTION_NOT_OWNER,
}
Step = Callable[[ReconciliationException, datetime], ReconciliationException]


@dataclass(frozen=True, slots=True)
class ExceptionService:
    """Exceptions as people use them. Every step raises Problem ``exception-not-found`` or, where the step is
    not allowed now, ``exception-four-eyes``, ``exception-not-owner`` or ``exception-step-refused`` with the
    refusal's own code."""

    recorder: ExceptionRecorder
    days: WorkingDays
    clock: Clock

    def list(self, principal: Principal, asked: ListExceptions) -> ExceptionPage:
        """Open exceptions, oldest first."""
        of_the_house(principal)
        after = None if asked.cursor is None else self.recorder.exceptions.get(asked.cursor)
        if asked.cursor is not None and after is None:
            raise Problem(CURSOR_INVALID, "The cursor does not belong to this list.")
        kept, more = self.recorder.exceptions.open_page(limit=asked.limit, after=after)
        views = [self._view(each) for each in kept]
        return ExceptionPage(items=views, next_cursor=views[-1].exception_id if more and views else None)

    def get(self, principal: Principal, exception_id: str) -> ExceptionView:
        """One exception."""
        of_the_house(principal)
        return self._view(self._known(exception_id))

    def assign(
        self, principal: Principal, exception_id: str, owner: str, *, request_id: str
    ) -> ExceptionView:
        """Give it to somebody."""
        actor = principal.principal_id
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.assign(exception, owner=owner, actor=actor, at=at),
            request_id,
        )

    def comment(
        self, principal: Principal, exception_id: str, text: str, *, request_id: str
    ) -> ExceptionView:
        """Say something about it."""
        actor = principal.principal_id
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.comment(exception, text=text, actor=actor, at=at),
            request_id,
        )

    def resolve(
        self, principal: Principal, exception_id: str, asked: ResolveException, *, request_id: str
    ) -> ExceptionView:
        """Close it: posted by hand, void or explained."""
        actor, resolving = principal.principal_id, _RESOLVING[asked.resolution]
        return self._take(
            principal,
            exception_id,
            lambda exception, at: resolving(exception, reason=asked.reason, actor=actor, at=at),
            request_id,
        )

    def force(
        self, principal: Principal, exception_id: str, asked: ForceException, *, request_id: str
    ) -> ExceptionView:
        """Ask for a forced posting. Nothing is booked yet."""
        actor = principal.principal_id
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.request_force(
                exception, difference_paise=asked.difference_paise, reason=asked.reason, actor=actor, at=at
            ),
            request_id,
        )

    def approve(self, principal: Principal, exception_id: str, *, request_id: str) -> ExceptionView:
        """Approve what another person asked for; the difference is booked with it."""
        actor, is_admin = principal.principal_id, principal.has_any(frozenset({Role.ADMIN}))
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.approve_force(exception, actor=actor, is_admin=is_admin, at=at),
            request_id,
        )

    def reject(
        self, principal: Principal, exception_id: str, reason: str, *, request_id: str
    ) -> ExceptionView:
        """Turn a request for force down."""
        actor = principal.principal_id
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.reject_force(exception, reason=reason, actor=actor, at=at),
            request_id,
        )

    def _take(self, principal: Principal, exception_id: str, step: Step, request_id: str) -> ExceptionView:
        of_the_house(principal)
        for _ in range(CHANGE_ATTEMPTS_MAX):
            kept = self._known(exception_id)
            try:
                after = step(kept.exception, self.clock.now())
            except TransitionRefused as refused:
                kind = _PROBLEMS.get(refused.code, EXCEPTION_STEP_REFUSED)
                raise Problem(
                    kind, f"{refused.message}.", extensions={"refusal": refused.code.value}
                ) from None
            line = AuditLine(
                actor_id=principal.principal_id,
                action=f"exceptions.{after.trail[-1].action.value}",
                subject=exception_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                details={"difference_paise": after.difference_paise},
            )
            changed = KeptException(after, kept.debit)
            try:
                self.recorder.record(kept.exception, changed, line)
            except ExceptionChanged:
                continue
            return self._view(changed)
        raise Problem(CONCURRENT_CHANGE, "The exception kept changing.", retry_after_s=1)

    def _known(self, exception_id: str) -> KeptException:
        kept = self.recorder.exceptions.get(exception_id)
        if kept is None:
            raise Problem(EXCEPTION_NOT_FOUND, "No exception has that identifier.")
        return kept

    def _view(self, kept: KeptException) -> ExceptionView:
        return exception_view(kept, business_date(self.clock.now()), self.days)
