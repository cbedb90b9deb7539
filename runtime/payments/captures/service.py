"""The order of things for a capture: decide and keep, ask, look where nobody answers, refund the rest.

Razorpay captures whole authorisations only and takes no idempotency key for it. So what is decided is kept
with the payment first; a second call does not decide otherwise, and before anything is asked twice the
payment is fetched.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError, GatewayOutcomeUnknown, GatewayRejected, GatewayThrottled
from runtime.payments.captures.contracts import CapturePayment, CaptureView
from runtime.payments.captures.rules import attempt_to_capture, kept_paise
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.model import Attempt, AttemptStatus, CaptureOrder, Payment
from runtime.payments.recorder import AlsoIn, PaymentChanged
from runtime.payments.refunds.gateway_view import REQUEST_PREFIX
from runtime.payments.returns.contracts import refund_view
from runtime.payments.returns.desk import RefundDesk, RefundOrder, is_open
from runtime.payments.returns.model import RefundTerms, Returns
from runtime.payments.rules import hear
from runtime.payments.tenancy import Tenancy
from runtime.payments.visibility import visible_payment
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed
from runtime.platform.errors import (
    ALREADY_CAPTURED,
    AUTHORIZATION_EXPIRED,
    CAPTURE_UNDER_WAY,
    CONCURRENT_CHANGE,
    GATEWAY_REJECTED,
    GATEWAY_UNAVAILABLE,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids

RETRY_AFTER_S = 5
LEASE_MARGIN_S = 1
CHANGE_ATTEMPTS_MAX = 5
REST_REASON = "Part of the payment that was not captured"


@dataclass(frozen=True, slots=True)
class Call:
    """A capture that a caller has asked for, with its right to do it."""

    claim: Claim
    asked: CapturePayment
    line: AuditLine


@dataclass(frozen=True, slots=True)
class CaptureService:
    """Captures, as callers use them."""

    desk: RefundDesk
    idempotency: IdempotencyStore
    tenancy: Tenancy
    clock: Clock
    ids: Ids
    logger: Logger

    def capture(
        self,
        principal: Principal,
        payment_id: str,
        asked: CapturePayment,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Capture an authorised payment and refund what is not to be kept; once per Idempotency-Key.

        200 once all is done; 202 while it is not known whether the gateway took the refund of the rest.
        """
        request_fingerprint = fingerprint(
            "payments.capture", {"payment_id": payment_id, **asked.model_dump(mode="json")}
        )
        try:
            payment = visible_payment(self.desk.recorder.repository, principal, payment_id)
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
        line = AuditLine(
            actor_id=principal.principal_id,
            action="payments.capture",
            subject=payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=payment.school_id,
            details={} if asked.amount_paise is None else {"amount_paise": asked.amount_paise},
        )
        try:
            return self._answered(Call(claim, asked, line), payment_id)
        except ConditionFailed:  # another call has taken the claim over
            raise Problem(
                CONCURRENT_CHANGE, "The same capture was asked for again meanwhile.", retry_after_s=1
            ) from None

    def _answered(self, call: Call, payment_id: str) -> StoredAnswer:
        try:
            return self._captured(call, payment_id)
        except Problem as problem:
            if problem.retry_after_s is None:
                document = problem.document(call.line.request_id)
                self.idempotency.answer(call.claim, StoredAnswer(problem.kind.status, document))
            else:
                self.idempotency.release(call.claim)
            raise

    def _captured(self, call: Call, payment_id: str) -> StoredAnswer:
        payment, perhaps_asked = self._decided(call, payment_id)
        order = _order(payment)
        if not payment.attempts[order.gateway_payment_id].was_captured:
            attempt = self._taken(payment, order, call, perhaps_asked=perhaps_asked)
            payment = self._changed(call, payment, lambda current: hear(current, attempt), attempt)
        attempt = payment.attempts[order.gateway_payment_id]
        if order.kept_paise < attempt.amount_paise:
            return self._rest_refunded(call, payment, order, attempt)
        answer = StoredAnswer(200, _view(payment, order, attempt, None).model_dump(mode="json"))
        self.idempotency.answer(call.claim, answer)
        return answer

    def _decided(self, call: Call, payment_id: str) -> tuple[Payment, bool]:
        """The payment with what is decided kept, and whether the gateway may have been asked before."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            payment = self._read(payment_id)
            former = payment.capture_order
            ours = former is not None and former.refund_id == call.claim.resource_id
            decided = self._again(call, former) if ours and former else self._decide(call, payment, former)
            try:
                kept = self.desk.recorder.record(
                    payment,
                    payment.model_copy(update={"capture_order": decided}),
                    call.line,
                    also=[lambda transaction: self.idempotency.hold_in(transaction, call.claim)],
                )
            except PaymentChanged:
                continue
            return kept, ours
        raise Problem(CONCURRENT_CHANGE, "The payment kept changing.", retry_after_s=1)

    @staticmethod
    def _again(call: Call, former: CaptureOrder) -> CaptureOrder:
        """What an earlier call with the same key decided; this call is at work on it now."""
        return former.model_copy(update={"lease_until": call.claim.lease})

    def _decide(self, call: Call, payment: Payment, former: CaptureOrder | None) -> CaptureOrder:
        """What to capture and keep. Raises Problem where nothing can be captured, or others are at it."""
        attempt = attempt_to_capture(payment)
        wait_s = self._left_s(former)
        if wait_s > 0:
            raise Problem(CAPTURE_UNDER_WAY, "Another call has decided first.", retry_after_s=wait_s)
        keep_paise = kept_paise(attempt, call.asked.amount_paise, business_date(self.clock.now()))
        if former is not None:
            # The call before died or heard nothing. What it did is its own to finish.
            self._refuse_what_is_taken(call, payment, former)
        return CaptureOrder(
            refund_id=call.claim.resource_id,
            gateway_payment_id=attempt.gateway_payment_id,
            kept_paise=keep_paise,
            lease_until=call.claim.lease,
        )

    def _left_s(self, order: CaptureOrder | None) -> int:
        """How long another call may still be at work, in seconds; 0 when it is over."""
        if order is None:
            return 0
        left_s = (from_iso(order.lease_until) - self.clock.now()).total_seconds()
        return int(left_s) + 1 if left_s > 0 else 0

    def _refuse_what_is_taken(self, call: Call, payment: Payment, former: CaptureOrder) -> None:
        """Raise ``already-captured`` where an earlier call did reach the gateway."""
        attempt = self._fetched(former.gateway_payment_id)
        if attempt.was_captured:
            self._changed(call, payment, lambda current: hear(current, attempt), attempt)
            raise Problem(ALREADY_CAPTURED, "An earlier call has captured the payment.")

    def _taken(self, payment: Payment, order: CaptureOrder, call: Call, *, perhaps_asked: bool) -> Attempt:
        """The attempt once the gateway has captured it. Raises Problem where it has not."""
        authorised = payment.attempts[order.gateway_payment_id]
        if perhaps_asked:
            attempt = self._fetched(order.gateway_payment_id)
            if attempt.was_captured:
                return attempt
            self._check_authorised(call, payment, attempt)
        try:
            taken = self.desk.gateway.capture_payment(
                order.gateway_payment_id,
                amount_paise=authorised.amount_paise,
                currency=authorised.currency,
            )
            attempt = attempt_from(taken, observed_at=self._now_s())
        except GatewayRejected as no:
            self.logger.warning("the gateway refused a capture", reason=no.detail.reason, status=no.status)
            attempt = self._fetched(order.gateway_payment_id)
            if attempt.was_captured:  # by somebody else: this call's own capture would have been confirmed
                self._give_up(call, payment, attempt)
                raise Problem(ALREADY_CAPTURED, "The gateway has captured the payment before.") from None
            self._check_authorised(call, payment, attempt)
            self._give_up(call, payment, attempt)
            raise Problem(GATEWAY_REJECTED, "The gateway refused to capture the payment.") from None
        except (GatewayOutcomeUnknown, StatusNotKnown):
            attempt = self._fetched(order.gateway_payment_id)
        except GatewayError as error:
            raise _unavailable(error) from None
        if not attempt.was_captured:
            raise _unavailable(None)
        return attempt

    def _check_authorised(self, call: Call, payment: Payment, attempt: Attempt) -> None:
        """Raise ``authorization-expired`` where nothing is left to capture."""
        if attempt.status is not AttemptStatus.AUTHORIZED:
            self._give_up(call, payment, attempt)
            raise Problem(AUTHORIZATION_EXPIRED, "The gateway no longer holds the authorisation.")

    def _give_up(self, call: Call, payment: Payment, attempt: Attempt) -> None:
        """Keep what was heard, and that nothing is decided any more."""
        self._changed(
            call,
            payment,
            lambda current: hear(_undecided(current, call.claim.resource_id), attempt),
            attempt,
        )

    def _fetched(self, gateway_payment_id: str) -> Attempt:
        try:
            return attempt_from(self.desk.gateway.get_payment(gateway_payment_id), observed_at=self._now_s())
        except (GatewayError, StatusNotKnown) as error:
            raise _unavailable(error) from None

    def _changed(
        self, call: Call, payment: Payment, change: Callable[[Payment], Payment], attempt: Attempt
    ) -> Payment:
        current = payment
        for _ in range(CHANGE_ATTEMPTS_MAX):
            after = change(current)
            if after == current:
                return current
            try:
                return self.desk.recorder.record(current, after, call.line, attempt=attempt)
            except PaymentChanged:
                current = self._read(payment.payment_id)
        raise Problem(CONCURRENT_CHANGE, "The payment kept changing.", retry_after_s=1)

    def _rest_refunded(
        self, call: Call, payment: Payment, order: CaptureOrder, attempt: Attempt
    ) -> StoredAnswer:
        """Refund what is not to be kept, and answer with it."""
        rest = RefundOrder(
            refund_id=order.refund_id,
            payment_id=payment.payment_id,
            gateway_payment_id=order.gateway_payment_id,
            amount_paise=attempt.amount_paise - order.kept_paise,
            terms=RefundTerms(
                speed="normal",
                reason=REST_REASON,
                requested_by=call.line.actor_id,
                requested_at=iso(self.clock.now()),
            ),
            line=call.line,
        )

        def answer(status: int, returns: Returns) -> StoredAnswer:
            return StoredAnswer(status, _view(payment, order, attempt, returns).model_dump(mode="json"))

        def also(returns: Returns, _: Problem | None) -> list[AlsoIn]:
            return [
                lambda transaction: self.idempotency.answer_in(transaction, call.claim, answer(200, returns))
            ]

        held = self.desk.hold(rest)
        try:
            if is_open(held, rest.refund_id):
                held = self.desk.ask(rest, perhaps_asked=call.claim.resumed, also=also)
            else:
                held = self.desk.answer(rest, also)
        except GatewayError as error:
            raise _unavailable(error) from None
        except Problem as problem:
            if problem.retry_after_s is not None:
                raise
            # The gateway refused the refund, and this is the answer that was kept with it: what is captured
            # stays captured.
            held = self._returns(rest)
        if is_open(held, rest.refund_id):
            self.idempotency.release(call.claim)
            return answer(202, held)
        return answer(200, held)

    def _read(self, payment_id: str) -> Payment:
        payment = self.desk.recorder.repository.get(payment_id)
        if payment is None:
            raise LookupError("a payment that is captured is never removed")
        return payment

    def _returns(self, order: RefundOrder) -> Returns:
        found = self.desk.recorder.repository.returns.get(order.payment_id, order.gateway_payment_id)
        if found is None:
            raise LookupError("a refund that is held is in the returns")
        return found

    def _now_s(self) -> int:
        return int(self.clock.now().timestamp())


def _order(payment: Payment) -> CaptureOrder:
    if payment.capture_order is None:
        raise LookupError("what is captured was decided first")
    return payment.capture_order


def _undecided(payment: Payment, refund_id: str) -> Payment:
    """The payment without a decision, if that is still the one of this call."""
    if payment.capture_order is None or payment.capture_order.refund_id != refund_id:
        return payment
    return payment.model_copy(update={"capture_order": None})


def _view(payment: Payment, order: CaptureOrder, attempt: Attempt, returns: Returns | None) -> CaptureView:
    return CaptureView(
        payment_id=payment.payment_id,
        gateway_payment_id=order.gateway_payment_id,
        captured_paise=attempt.amount_paise,
        kept_paise=order.kept_paise,
        currency=attempt.currency,
        refund=refund_view(returns, order.refund_id) if returns else None,
    )


def _unavailable(error: Exception | None) -> Problem:
    """The gateway does not tell. Nothing is done twice by asking again."""
    wait_s = error.retry_after_s if isinstance(error, GatewayThrottled) else None
    return Problem(
        GATEWAY_UNAVAILABLE,
        "It is not known yet whether the payment is captured.",
        retry_after_s=max(1, int(wait_s or RETRY_AFTER_S)),
    )
