"""What people do about exceptions: the steps of the state machine, each with what it books, in one write."""

from collections.abc import Callable
from dataclasses import dataclass, replace
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
from runtime.payments.reconciliation.leases import LEASE_MARGIN_S
from runtime.payments.reconciliation.people import of_the_house
from runtime.payments.reconciliation.recorder import ExceptionChanged, ExceptionRecorder
from runtime.payments.reconciliation.repository import KeptException
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal, Role
from runtime.platform.clock import Clock, business_date
from runtime.platform.dynamodb import ConditionFailed, Transaction
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
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint

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
LABEL_IDEMPOTENCY: Final = "idempotency"
Step = Callable[[ReconciliationException, datetime], ReconciliationException]


@dataclass(frozen=True, slots=True)
class Call:
    """Which call asks for a step: its action, its Idempotency-Key, its id, and for how long it can live."""

    action: str
    key: str | None
    request_id: str
    remaining_ms: int


@dataclass(frozen=True, slots=True)
class ExceptionService:
    """Exceptions as people use them. Every step raises Problem ``exception-not-found`` or, where the step is
    not allowed now, ``exception-four-eyes``, ``exception-not-owner`` or ``exception-step-refused`` with the
    refusal's own code."""

    recorder: ExceptionRecorder
    days: WorkingDays
    idempotency: IdempotencyStore
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

    def assign(self, principal: Principal, exception_id: str, owner: str, *, call: Call) -> StoredAnswer:
        """Give it to somebody."""
        actor = principal.principal_id
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.assign(exception, owner=owner, actor=actor, at=at),
            call,
            owner=owner,
        )

    def comment(self, principal: Principal, exception_id: str, text: str, *, call: Call) -> StoredAnswer:
        """Say something about it."""
        actor = principal.principal_id
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.comment(exception, text=text, actor=actor, at=at),
            call,
            text=text,
        )

    def resolve(
        self, principal: Principal, exception_id: str, asked: ResolveException, *, call: Call
    ) -> StoredAnswer:
        """Close it: posted by hand, void or explained."""
        actor, resolving = principal.principal_id, _RESOLVING[asked.resolution]
        return self._take(
            principal,
            exception_id,
            lambda exception, at: resolving(exception, reason=asked.reason, actor=actor, at=at),
            call,
            asked=asked.model_dump(mode="json"),
        )

    def force(
        self, principal: Principal, exception_id: str, asked: ForceException, *, call: Call
    ) -> StoredAnswer:
        """Ask for a forced posting. Nothing is booked yet."""
        actor = principal.principal_id
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.request_force(
                exception, difference_paise=asked.difference_paise, reason=asked.reason, actor=actor, at=at
            ),
            call,
            asked=asked.model_dump(mode="json"),
        )

    def approve(self, principal: Principal, exception_id: str, *, call: Call) -> StoredAnswer:
        """Approve what another person asked for; the difference is booked with it."""
        actor, is_admin = principal.principal_id, principal.has_any(frozenset({Role.ADMIN}))
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.approve_force(exception, actor=actor, is_admin=is_admin, at=at),
            call,
        )

    def reject(self, principal: Principal, exception_id: str, reason: str, *, call: Call) -> StoredAnswer:
        """Turn a request for force down."""
        actor = principal.principal_id
        return self._take(
            principal,
            exception_id,
            lambda exception, at: steps.reject_force(exception, reason=reason, actor=actor, at=at),
            call,
            reason=reason,
        )

    def _take(
        self, principal: Principal, exception_id: str, step: Step, call: Call, **asked: object
    ) -> StoredAnswer:
        """Take a step once per Idempotency-Key; a refusal is an answer too."""
        of_the_house(principal)
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=call.key,
            request_fingerprint=fingerprint(call.action, {"exception_id": exception_id, **asked}),
            resource_id=exception_id,
            lease_s=call.remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        try:
            return self._taken(principal, exception_id, step, claim, call)
        except Problem as problem:
            if problem.retry_after_s is None:
                body = problem.document(call.request_id)
                self.idempotency.answer(claim, StoredAnswer(problem.kind.status, body))
            else:
                self.idempotency.release(claim)
            raise
        except ConditionFailed as failed:
            if LABEL_IDEMPOTENCY not in failed.labels:
                raise
            raise Problem(  # another call has taken the claim over
                CONCURRENT_CHANGE, "The same step is taken by another call.", retry_after_s=1
            ) from None

    def _taken(
        self, principal: Principal, exception_id: str, step: Step, claim: Claim, call: Call
    ) -> StoredAnswer:
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
                request_id=call.request_id,
                details={"difference_paise": after.difference_paise},
            )
            changed = replace(kept, exception=after)
            answer = StoredAnswer(200, self._view(changed).model_dump(mode="json"))
            try:
                self.recorder.record(kept.exception, changed, line, also=[self._answering(claim, answer)])
            except ExceptionChanged:
                continue
            return answer
        raise Problem(CONCURRENT_CHANGE, "The exception kept changing.", retry_after_s=1)

    def _answering(self, claim: Claim, answer: StoredAnswer) -> Callable[[Transaction], None]:
        return lambda transaction: self.idempotency.answer_in(transaction, claim, answer)

    def _known(self, exception_id: str) -> KeptException:
        kept = self.recorder.exceptions.get(exception_id)
        if kept is None:
            raise Problem(EXCEPTION_NOT_FOUND, "No exception has that identifier.")
        return kept

    def _view(self, kept: KeptException) -> ExceptionView:
        return exception_view(kept, business_date(self.clock.now()), self.days)
