"""The order of things for retries as callers ask for them: look, ask for one by hand, give up."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from runtime.payments.debits.again import checkout_again, plan_again
from runtime.payments.debits.contracts import RetriesView, retries_view
from runtime.payments.debits.desk import PlanningDesk
from runtime.payments.debits.model import PlanKind, RetryRecord, RetryState
from runtime.payments.debits.recorder import DebitRecorder
from runtime.payments.debits.refusals import refused
from runtime.payments.debits.standing import with_plan
from runtime.payments.debits.visibility import visible_payment
from runtime.payments.model import Payment, PaymentStatus
from runtime.payments.recorder import AlsoIn, PaymentChanged
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed
from runtime.platform.errors import CONCURRENT_CHANGE, RETRY_FORBIDDEN, RETRY_NOT_PLANNED, Problem
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint

LEASE_MARGIN_S = 1
_OVER = frozenset({RetryState.PAID, RetryState.STOPPED, RetryState.CANCELLED})
_PAID = frozenset({PaymentStatus.AUTHORIZED, PaymentStatus.CAPTURED, PaymentStatus.CONFLICTED})


@dataclass(frozen=True, slots=True)
class RetryService:
    """Retries as callers use them. ``key_id`` is the gateway's, for a checkout."""

    recorder: DebitRecorder
    desk: PlanningDesk
    idempotency: IdempotencyStore
    key_id: str
    clock: Clock
    logger: Logger

    def get(self, principal: Principal, payment_id: str) -> RetriesView:
        """The tries of a payment, and why the next one is when it is. Raises ``payment-not-found``."""
        payment = self._visible(principal, payment_id)
        return self._view(payment, self.recorder.retries.get(payment_id))

    def retry(
        self, principal: Principal, payment_id: str, *, key: str | None, request_id: str, remaining_ms: int
    ) -> StoredAnswer:
        """Plan the next try now, at a person's wish: without the house's patience, within every rule.

        A payment without a mandate is answered with the checkout to pay again. Raises Problem
        ``retry-forbidden`` with what forbids it. One plan for each Idempotency-Key.
        """
        payment = self._visible(principal, payment_id)
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=key,
            request_fingerprint=fingerprint("retries.create", {"payment_id": payment_id}),
            resource_id=payment_id,
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        try:
            record = self.recorder.retries.get(payment_id)
            if record is None:
                answer = StoredAnswer(200, self._asked_to_pay(payment).model_dump(mode="json"))
                self.idempotency.answer(claim, answer)
                return answer
            return self._planned(principal, payment, record, claim, request_id)
        except Problem as problem:
            if problem.retry_after_s is None:
                self.idempotency.answer(
                    claim, StoredAnswer(problem.kind.status, problem.document(request_id))
                )
            else:
                self.idempotency.release(claim)
            raise

    def cancel(self, principal: Principal, payment_id: str, *, request_id: str) -> RetriesView:
        """Try no more. What is under way already is still asked about; a repetition finds it cancelled.

        Raises Problem ``retry-not-planned`` where nothing would be tried any more anyway.
        """
        payment = self._visible(principal, payment_id)
        record = self.recorder.retries.get(payment_id)
        if record is not None and record.cancelled_at is not None:
            return self._view(payment, record)
        if record is None or record.state in _OVER:
            raise Problem(RETRY_NOT_PLANNED, "No further debit of this payment is planned.")
        now = self.clock.now()
        cancelled = record.model_copy(update={"cancelled_at": iso(now), "manual": False})
        after = with_plan(cancelled, self.desk.plan(payment, cancelled), now)
        self._save(principal, payment, record, after, "retries.cancel", request_id)
        return self._view(payment, after)

    def _planned(
        self, principal: Principal, payment: Payment, record: RetryRecord, claim: Claim, request_id: str
    ) -> StoredAnswer:
        now = self.clock.now()
        wanted = record.model_copy(update={"manual": True, "cancelled_at": None})
        plan = self.desk.plan(payment, wanted)
        if plan.kind is not PlanKind.RETRY:
            raise refused(RETRY_FORBIDDEN, plan)
        after = with_plan(wanted, plan, now)
        answer = StoredAnswer(202, self._view(payment, after).model_dump(mode="json"))
        self._save(
            principal,
            payment,
            record,
            after,
            "retries.create",
            request_id,
            lambda transaction: self.idempotency.answer_in(transaction, claim, answer),
        )
        return answer

    def _save(
        self,
        principal: Principal,
        payment: Payment,
        record: RetryRecord,
        after: RetryRecord,
        action: str,
        request_id: str,
        *also: AlsoIn,
    ) -> None:
        """Write the change, unless somebody is at work on the debit at this moment."""
        changed = Problem(CONCURRENT_CHANGE, "The debit is being worked on.", retry_after_s=1)
        if record.lease_until is not None and from_iso(record.lease_until) > self.clock.now():
            raise changed
        line = AuditLine(
            actor_id=principal.principal_id,
            action=action,
            subject=payment.payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=payment.school_id,
        )
        try:
            self.recorder.save(payment, record, after, line, was=payment, also=also)
        except (PaymentChanged, ConditionFailed):
            raise changed from None

    def _asked_to_pay(self, payment: Payment) -> RetriesView:
        view = self._view(payment, None)
        if payment.status in _PAID:
            raise Problem(RETRY_FORBIDDEN, "The payment is paid.", extensions={"reason": "paid"})
        return view

    def _view(self, payment: Payment, record: RetryRecord | None) -> RetriesView:
        if record is not None:
            return retries_view(payment, record, record.plan, None)
        return retries_view(
            payment, None, plan_again(payment, self.clock.now()), checkout_again(payment, self.key_id)
        )

    def _visible(self, principal: Principal, payment_id: str) -> Payment:
        return visible_payment(self.recorder.payments.repository, principal, payment_id)
