"""The payment API's order of things: create, verify, get, list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from aws_lambda_powertools import Logger

from runtime.gateways.errors import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
)
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Order
from runtime.gateways.razorpay.requests import CaptureOptions
from runtime.gateways.razorpay.signatures import checkout_signature_is_valid
from runtime.payments.contracts import (
    AMOUNT_MAX_PAISE,
    AMOUNT_MIN_PAISE,
    CreatePayment,
    ListPayments,
    PaymentPage,
    PaymentView,
    VerifyPayment,
    view,
)
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.instalments.effect import Effect
from runtime.payments.model import Attempt, Payment
from runtime.payments.plans.terms import check_payment
from runtime.payments.recorder import AlsoIn, PaymentChanged, PaymentRecorder
from runtime.payments.refunds.rules import amount_words, step_words
from runtime.payments.repository import PaymentRepository
from runtime.payments.rules import derive_status, hear
from runtime.payments.splits.terms import in_force
from runtime.payments.tenancy import Tenancy
from runtime.payments.visibility import visible_payment
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, iso
from runtime.platform.currencies import BOOKS_CURRENCY, currency
from runtime.platform.dynamodb import ConditionFailed
from runtime.platform.errors import (
    AMOUNT_ABOVE_MAXIMUM,
    AMOUNT_BELOW_MINIMUM,
    AMOUNT_STEP_INVALID,
    CHECKOUT_SIGNATURE_INVALID,
    CONCURRENT_CHANGE,
    CURRENCY_INR_ONLY,
    CURRENCY_NOT_ENABLED,
    GATEWAY_REJECTED,
    GATEWAY_UNAVAILABLE,
    ORDER_MISMATCH,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids

CAPTURE = CaptureOptions(
    capture="automatic", automatic_expiry_minutes=3 * 24 * 60, manual_expiry_minutes=5 * 24 * 60
)
"""Captured at once. The gateway asks silent banks for three days, so a payment that is authorised late is
captured all the same, as long as it comes within them."""

MANUAL_CAPTURE = replace(CAPTURE, capture="manual")
"""Captured by a call of ours. What is not, the gateway gives back after five days."""

RETRY_AFTER_S = 5
CHANGE_ATTEMPTS_MAX = 5
LEASE_MARGIN_S = 1


@dataclass(frozen=True, slots=True)
class PaymentService:
    """Payments as callers use them. ``key_id`` and ``key_secret`` are the gateway's; ``currencies`` are
    enabled. A checkout may have been opened with the key before: ``former_key_secret`` signed it."""

    repository: PaymentRepository
    recorder: PaymentRecorder
    idempotency: IdempotencyStore
    tenancy: Tenancy
    gateway: RazorpayClient
    key_id: str
    key_secret: str
    currencies: frozenset[str]
    clock: Clock
    ids: Ids
    logger: Logger
    former_key_secret: str | None = None

    def create(
        self,
        principal: Principal,
        asked: CreatePayment,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Create a payment with its order at the gateway; one per Idempotency-Key, whatever happens in
        between."""
        request_fingerprint = fingerprint("payments.create", asked.model_dump(mode="json"))
        try:
            payer_id = self.tenancy.payer_of(principal, asked.payer_id)
            self._check_amount(asked)
            self._check_plan(asked, payer_id)
            self.tenancy.check_open(principal, asked.school_id)
            self._check_splits(asked)
        except Problem:
            # The rules, the school or the caller's roles may have changed since; the answer does not.
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
            resource_id=self.ids.new("pmt"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        before = self.repository.get(claim.resource_id) if claim.resumed else None
        wanted = before or self._new_payment(claim.resource_id, payer_id, asked)
        line = AuditLine(
            actor_id=principal.principal_id,
            action="payments.create",
            subject=wanted.payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=wanted.school_id,
            details={"amount_paise": wanted.amount_paise, "currency": wanted.currency},
        )
        try:
            order = self._order(before, wanted, claim, line, request_id)
            after = _with_order(wanted, order.id)
            answer = StoredAnswer(201, view(after, self.key_id).model_dump(mode="json"))
            self.recorder.record(
                before,
                after,
                line,
                also=[lambda transaction: self.idempotency.answer_in(transaction, claim, answer)],
            )
        except (PaymentChanged, ConditionFailed):  # another call has taken the claim over
            raise Problem(
                CONCURRENT_CHANGE, "The payment changed while its order was made.", retry_after_s=1
            ) from None
        return answer

    def verify(
        self, principal: Principal, payment_id: str, sent: VerifyPayment, *, request_id: str
    ) -> PaymentView:
        """Check the checkout's signature, then ask the gateway for the truth and merge it.

        The signature proves that the gateway authorised this payment for this order; it does not prove the
        amount, nor that it is captured. If the gateway does not answer, the payment stays as it is and the
        webhook completes it.
        """
        payment = self._visible(principal, payment_id)
        if payment.order_id is None or payment.order_id != sent.razorpay_order_id:
            raise Problem(ORDER_MISMATCH, "The order is not this payment's order.")
        if not self._signed(payment.order_id, sent):
            raise Problem(
                CHECKOUT_SIGNATURE_INVALID, "The values were not signed by the gateway for this order."
            )
        attempt = self._attempt_at_gateway(payment, sent.razorpay_payment_id)
        line = AuditLine(
            actor_id=principal.principal_id,
            action="payments.verify",
            subject=payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=payment.school_id,
            details={"gateway_payment_id": sent.razorpay_payment_id},
        )
        return view(self._change(payment, attempt, line), self.key_id)

    def _signed(self, order_id: str, sent: VerifyPayment) -> bool:
        """Whether the gateway signed the checkout. All secrets are tried whatever matches."""
        signed = False
        for secret in filter(None, (self.key_secret, self.former_key_secret)):
            signed |= checkout_signature_is_valid(
                order_id=order_id,
                payment_id=sent.razorpay_payment_id,
                signature=sent.razorpay_signature,
                key_secret=secret,
            )
        return signed

    def get(self, principal: Principal, payment_id: str) -> PaymentView:
        """One payment. Raises Problem ``payment-not-found`` also for what the caller may not see."""
        return view(self._visible(principal, payment_id), self.key_id)

    def list(self, principal: Principal, asked: ListPayments) -> PaymentPage:
        """Payments, newest first: a parent's own, or those of a school that the caller belongs to."""
        if principal.is_only_parent:
            page = self.repository.list_by_payer(
                principal.principal_id, limit=asked.limit, cursor=asked.cursor
            )
        else:
            school_id = self.tenancy.school_of(principal, asked.school_id)
            page = self.repository.list_by_school(school_id, limit=asked.limit, cursor=asked.cursor)
        return PaymentPage(
            items=[view(payment, self.key_id) for payment in page.payments], next_cursor=page.next_cursor
        )

    def _check_amount(self, asked: CreatePayment) -> None:
        if asked.currency not in self.currencies:
            raise Problem(CURRENCY_NOT_ENABLED, "Payments in that currency are not enabled here.")
        if asked.amount_paise < AMOUNT_MIN_PAISE:
            least = amount_words(AMOUNT_MIN_PAISE, asked.currency)
            raise Problem(AMOUNT_BELOW_MINIMUM, f"The least that can be paid is {least}.")
        if asked.amount_paise > AMOUNT_MAX_PAISE:
            most = amount_words(AMOUNT_MAX_PAISE, asked.currency)
            raise Problem(AMOUNT_ABOVE_MAXIMUM, f"The most that can be paid at once is {most}.")
        if not currency(asked.currency).takes(asked.amount_paise):
            raise Problem(AMOUNT_STEP_INVALID, step_words(asked.currency))

    def _check_splits(self, asked: CreatePayment) -> None:
        """Refuse another currency where the school's payments are split: Route transfers nothing else."""
        if asked.currency == BOOKS_CURRENCY:
            return
        terms = self.repository.splits.terms(asked.school_id)
        present = in_force(terms, self.clock.now()) if terms is not None else None
        if present is not None and present.terms is not None:
            raise Problem(CURRENCY_INR_ONLY, "Payments of this school are split, and only rupees can be.")

    def _check_plan(self, asked: CreatePayment, payer_id: str) -> None:
        if asked.plan_id is not None and asked.currency != BOOKS_CURRENCY:
            raise Problem(CURRENCY_INR_ONLY, "An instalment plan receives rupees only.")
        agreed = self.repository.plans.get(asked.plan_id) if asked.plan_id is not None else None
        check_payment(asked, payer_id, agreed, self.clock.now())

    def _new_payment(self, payment_id: str, payer_id: str, asked: CreatePayment) -> Payment:
        now = iso(self.clock.now())
        return Payment(
            payment_id=payment_id,
            school_id=asked.school_id,
            payer_id=payer_id,
            amount_paise=asked.amount_paise,
            currency=asked.currency,
            description=asked.description,
            reference=asked.reference,
            metadata=asked.metadata,
            plan_id=asked.plan_id,
            prepayment=Effect(asked.prepayment) if asked.prepayment is not None else None,
            capture=asked.capture,
            created_at=now,
            updated_at=now,
        )

    def _order(
        self, before: Payment | None, wanted: Payment, claim: Claim, line: AuditLine, request_id: str
    ) -> Order:
        """The gateway's order for the payment; what cannot be had ends the request without doing anything
        twice."""
        try:
            return self.gateway.create_order_once(
                amount_paise=wanted.amount_paise,
                currency=wanted.currency,
                receipt=wanted.payment_id,
                capture=MANUAL_CAPTURE if wanted.capture == "manual" else CAPTURE,
                receipt_is_new=not claim.resumed,
            )
        except GatewayRejected as refused:
            self.logger.error(
                "the gateway refused an order", reason=refused.detail.reason, status=refused.status
            )
            problem = Problem(GATEWAY_REJECTED, "The gateway refused to make an order for this payment.")
            self.idempotency.answer(claim, StoredAnswer(problem.kind.status, problem.document(request_id)))
            raise problem from None
        except GatewayOutcomeUnknown as unknown:
            self.logger.warning("the outcome of an order is unknown", payment_id=wanted.payment_id)
            if before is None:
                waiting = wanted.model_copy(update={"order_outcome_unknown": True})
                self.recorder.record(
                    None, waiting.model_copy(update={"status": derive_status(waiting)}), line
                )
            raise self._try_again(claim, unknown, wanted.payment_id) from None
        except GatewayError as unreachable:
            raise self._try_again(claim, unreachable, wanted.payment_id) from None

    def _try_again(self, claim: Claim, error: GatewayError, payment_id: str) -> Problem:
        self.idempotency.release(claim)
        wait_s = error.retry_after_s if isinstance(error, GatewayThrottled) else None
        return Problem(
            GATEWAY_UNAVAILABLE,
            "The order could not be confirmed. No money has moved.",
            retry_after_s=max(1, int(wait_s or RETRY_AFTER_S)),
            extensions={"payment_id": payment_id},
        )

    def _attempt_at_gateway(self, payment: Payment, gateway_payment_id: str) -> Attempt | None:
        try:
            found = self.gateway.get_payment(gateway_payment_id)
        except GatewayError as error:
            self.logger.warning("the payment could not be fetched after checkout", gateway_error=error.code)
            return None
        if found.order_id != payment.order_id:
            raise Problem(ORDER_MISMATCH, "The gateway knows this payment under another order.")
        try:
            return attempt_from(found, observed_at=int(self.clock.now().timestamp()))
        except StatusNotKnown as unknown:
            self.logger.error("the gateway uses a status that is not documented", status=str(unknown))
            return None

    def _change(
        self, payment: Payment, attempt: Attempt | None, line: AuditLine, also: Sequence[AlsoIn] = ()
    ) -> Payment:
        current: Payment | None = payment
        for _ in range(CHANGE_ATTEMPTS_MAX):
            if current is None:
                break
            after = (
                current
                if current.checkout_verified
                else current.model_copy(update={"checkout_verified": True})
            )
            after = hear(after, attempt) if attempt else after
            if after is current:
                return current
            try:
                return self.recorder.record(current, after, line, attempt=attempt, also=also)
            except PaymentChanged:
                current = self.repository.get(payment.payment_id)
        raise Problem(CONCURRENT_CHANGE, "The payment kept changing.", retry_after_s=1)

    def _visible(self, principal: Principal, payment_id: str) -> Payment:
        return visible_payment(self.repository, principal, payment_id)


def _with_order(payment: Payment, order_id: str) -> Payment:
    ordered = payment.model_copy(update={"order_id": order_id, "order_outcome_unknown": False})
    return ordered.model_copy(update={"status": derive_status(ordered)})
