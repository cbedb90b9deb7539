"""The refund API's order of things: refund, list, get."""

import re
from dataclasses import dataclass

from runtime.gateways.errors import GatewayError, GatewayThrottled
from runtime.payments.model import Attempt, Payment
from runtime.payments.recorder import AlsoIn
from runtime.payments.refunds.gateway_view import REQUEST_PREFIX
from runtime.payments.repository import PaymentRepository
from runtime.payments.returns.contracts import (
    CreateRefund,
    RefundList,
    RefundView,
    refund_view,
    refund_views,
)
from runtime.payments.returns.desk import RefundDesk, RefundOrder, is_open
from runtime.payments.returns.model import RefundTerms, Returns
from runtime.payments.returns.rules import captured_attempts
from runtime.payments.tenancy import Tenancy
from runtime.payments.visibility import may_see, visible_payment
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, iso
from runtime.platform.dynamodb import ConditionFailed
from runtime.platform.errors import (
    BODY_INVALID,
    CONCURRENT_CHANGE,
    GATEWAY_UNAVAILABLE,
    PAYMENT_NOT_CAPTURED,
    REFUND_NOT_FOUND,
    FieldError,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids, is_id

RETRY_AFTER_S = 5
LEASE_MARGIN_S = 1

_GATEWAY_REFUND_ID = re.compile(r"rfnd_[A-Za-z0-9]{8,32}")


@dataclass(frozen=True, slots=True)
class RefundService:
    """Refunds as callers use them."""

    repository: PaymentRepository
    desk: RefundDesk
    idempotency: IdempotencyStore
    tenancy: Tenancy
    clock: Clock
    ids: Ids

    def create(
        self,
        principal: Principal,
        payment_id: str,
        asked: CreateRefund,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Refund a part of a payment, or all of it; once per Idempotency-Key, whatever happens in between.

        201 once the gateway has taken the refund; 202 while it is not known whether it has: the amount stays
        held, and the same call again asks again under the same identifier.
        """
        request_fingerprint = fingerprint(
            "refunds.create", {"payment_id": payment_id, **asked.model_dump(mode="json")}
        )
        try:
            payment = visible_payment(self.repository, principal, payment_id)
            self.tenancy.check(principal, payment.school_id)
        except Problem:
            # The caller's roles may have changed since; the answer does not.
            earlier = self.idempotency.answered(
                principal_id=principal.principal_id, key=key, request_fingerprint=request_fingerprint
            )
            if earlier is None:
                raise
            return earlier
        claim = self.idempotency.claim(
            principal_id=principal.principal_id,
            key=key,
            request_fingerprint=request_fingerprint,
            resource_id=self.ids.new(REQUEST_PREFIX),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        try:
            order, returns = self._held(principal, payment, asked, claim, request_id)
            return self._asked(order, returns, claim, request_id)
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(
                CONCURRENT_CHANGE, "The same refund was asked for again meanwhile.", retry_after_s=1
            ) from None

    def list(self, principal: Principal, payment_id: str) -> RefundList:
        """The refunds of a payment that the caller may see. Raises Problem ``payment-not-found``."""
        payment = visible_payment(self.repository, principal, payment_id)
        found = [self.repository.returns.get(payment_id, name) for name in payment.returns]
        return RefundList(items=[view for returns in found if returns for view in refund_views(returns)])

    def get(self, principal: Principal, refund_id: str) -> RefundView:
        """One refund, by our identifier or the gateway's. Raises Problem ``refund-not-found`` also for what
        the caller may not see."""
        known = is_id(refund_id, REQUEST_PREFIX) or _GATEWAY_REFUND_ID.fullmatch(refund_id)
        returns = self.repository.returns.find_refund(refund_id) if known else None
        view = refund_view(returns, refund_id) if returns else None
        if (
            returns is None
            or view is None
            or not may_see(principal, payer_id=returns.payer_id, school_id=returns.school_id)
        ):
            raise Problem(REFUND_NOT_FOUND, "No refund of yours has that identifier.")
        return view

    def _held(
        self, principal: Principal, payment: Payment, asked: CreateRefund, claim: Claim, request_id: str
    ) -> tuple[RefundOrder, Returns]:
        """The refund with its amount held; what does not allow it becomes the answer."""
        earlier = self.repository.returns.find_refund(claim.resource_id) if claim.resumed else None
        try:
            gateway_payment_id = (
                earlier.book.gateway_payment_id
                if earlier is not None
                else _attempt(payment, asked).gateway_payment_id
            )
            order = RefundOrder(
                refund_id=claim.resource_id,
                payment_id=payment.payment_id,
                gateway_payment_id=gateway_payment_id,
                amount_paise=asked.amount_paise,
                terms=RefundTerms(
                    speed=asked.speed,
                    reason=asked.reason,
                    requested_by=principal.principal_id,
                    requested_at=iso(self.clock.now()),
                ),
                line=AuditLine(
                    actor_id=principal.principal_id,
                    action="refunds.create",
                    subject=payment.payment_id,
                    outcome=Outcome.DONE,
                    request_id=request_id,
                    school_id=payment.school_id,
                    details={"refund_id": claim.resource_id, "amount_paise": asked.amount_paise},
                ),
            )
            held = self.desk.hold(
                order, also=[lambda transaction: self.idempotency.hold_in(transaction, claim)]
            )
        except Problem as problem:
            if problem.retry_after_s is None:
                self.idempotency.answer(
                    claim, StoredAnswer(problem.kind.status, problem.document(request_id))
                )
            else:
                self.idempotency.release(claim)
            raise
        return order, held

    def _asked(self, order: RefundOrder, held: Returns, claim: Claim, request_id: str) -> StoredAnswer:
        def also(returns: Returns, problem: Problem | None) -> list[AlsoIn]:
            answer = (
                _answer(201, returns, order)
                if problem is None
                else StoredAnswer(problem.kind.status, problem.document(request_id))
            )
            return [lambda transaction: self.idempotency.answer_in(transaction, claim, answer)]

        try:
            if is_open(held, order.refund_id):
                held = self.desk.ask(order, perhaps_asked=claim.resumed, also=also)
            else:
                held = self.desk.answer(order, also)
        except GatewayError as error:
            self.idempotency.release(claim)
            wait_s = error.retry_after_s if isinstance(error, GatewayThrottled) else None
            raise Problem(
                GATEWAY_UNAVAILABLE,
                "The refund could not be sent. Its amount stays held for it.",
                retry_after_s=max(1, int(wait_s or RETRY_AFTER_S)),
                extensions={"refund_id": order.refund_id},
            ) from None
        if is_open(held, order.refund_id):
            self.idempotency.release(claim)
            return _answer(202, held, order)
        return _answer(201, held, order)


def _answer(status: int, returns: Returns, order: RefundOrder) -> StoredAnswer:
    view = refund_view(returns, order.refund_id)
    if view is None:
        raise LookupError("a refund that is held is in the returns")
    return StoredAnswer(status, view.model_dump(mode="json"))


def _attempt(payment: Payment, asked: CreateRefund) -> Attempt:
    """The attempt to refund. Raises Problem ``payment-not-captured``, and ``body-invalid`` where several
    brought money and none is named."""
    captured = captured_attempts(payment)
    if asked.gateway_payment_id is not None:
        captured = tuple(each for each in captured if each.gateway_payment_id == asked.gateway_payment_id)
    if not captured:
        raise Problem(PAYMENT_NOT_CAPTURED, "No money was captured that could go back.")
    if len(captured) > 1:
        raise Problem(
            BODY_INVALID,
            "Several attempts brought money.",
            errors=[FieldError("/gateway_payment_id", "name the attempt to refund")],
        )
    return captured[0]
