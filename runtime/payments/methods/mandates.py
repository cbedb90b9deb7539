"""The order of things for mandates: register, look at, cancel. Their life is told by the gateway's events."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError, GatewayRejected
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Order
from runtime.gateways.razorpay.requests import CaptureOptions, MandateTerms
from runtime.payments.contracts import AMOUNT_MAX_PAISE, AMOUNT_MIN_PAISE
from runtime.payments.methods.contracts import (
    MANDATE_MAX_PAISE,
    MANDATE_YEARS_MAX,
    MandateList,
    MandateView,
    RegisterMandate,
    WhoseMethods,
    mandate_view,
)
from runtime.payments.methods.customers import GatewayCustomers, gateway_problem
from runtime.payments.methods.model import MANDATES_MAX, Mandate, MandateMethod, TokenRecord
from runtime.payments.methods.rules import ENDED, mandate_status
from runtime.payments.methods.tokens import TokenBook
from runtime.payments.model import Payment
from runtime.payments.recorder import PaymentChanged, PaymentRecorder
from runtime.payments.rules import derive_status
from runtime.payments.tenancy import Tenancy
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import IST, Clock, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    MANDATE_ENDED,
    MANDATE_NOT_FOUND,
    MANDATE_TERMS_INVALID,
    QUERY_INVALID,
    FieldError,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids

CURRENCY = "INR"
"""Mandates are domestic: UPI Autopay, e-mandates and Indian cards are in rupees."""

CAPTURE = CaptureOptions(capture="automatic", automatic_expiry_minutes=3 * 24 * 60)
LEASE_MARGIN_S = 1


@dataclass(frozen=True, slots=True)
class MandateService:
    """Mandates as callers use them. ``key_id`` is the gateway's, for the checkout."""

    recorder: PaymentRecorder
    customers: GatewayCustomers
    idempotency: IdempotencyStore
    tenancy: Tenancy
    gateway: RazorpayClient
    key_id: str
    clock: Clock
    ids: Ids
    logger: Logger

    @property
    def book(self) -> TokenBook:
        """The tokens and the wallets."""
        return self.recorder.tokens

    def register(
        self,
        principal: Principal,
        asked: RegisterMandate,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Make the gateway's order with which the payer authorises the mandate; one per Idempotency-Key."""
        request_fingerprint = fingerprint("mandates.register", asked.model_dump(mode="json"))
        try:
            payer_id = self.tenancy.payer_of(principal, asked.payer_id)
            self.tenancy.check_open(principal, asked.school_id)
            ends_at = self._checked(asked)
        except Problem:
            # The rules, the school or the day may have changed since; the answer does not.
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
            resource_id=self.ids.new("mdt"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        return self._registered(principal, asked, payer_id, ends_at, claim, request_id)

    def list(self, principal: Principal, asked: WhoseMethods) -> MandateList:
        """The mandates of a payer that the caller may see, oldest first."""
        payer_id = asked.payer_id or principal.principal_id
        mandates = [
            mandate for mandate in self.book.wallets.get(payer_id).mandates if _may_see(principal, mandate)
        ]
        return MandateList(items=[self._view(mandate) for mandate in mandates])

    def get(self, principal: Principal, mandate_id: str, asked: WhoseMethods) -> MandateView:
        """One mandate. Raises Problem ``mandate-not-found`` also for what the caller may not see."""
        return self._view(self._visible(principal, mandate_id, asked))

    def cancel(
        self, principal: Principal, mandate_id: str, asked: WhoseMethods, *, request_id: str
    ) -> MandateView:
        """Ask for the end of a mandate. It counts from now on; the bank confirms it later.

        Raises Problem ``mandate-ended`` for one that was rejected or has expired; one that is cancelled
        already is answered as it is.
        """
        mandate = self._visible(principal, mandate_id, asked)
        tokens = self._tokens(mandate)
        status = mandate_status(mandate, tokens, self.clock.now())
        if mandate.cancel_requested_at is not None or status.value == "cancelled":
            return self._view(mandate)
        if status in ENDED:
            raise Problem(MANDATE_ENDED, f"The mandate is {status.value}.")
        for token in tokens:
            self._cancel_at_gateway(mandate, token)
        asked_for = mandate.model_copy(update={"cancel_requested_at": iso(self.clock.now())})
        transaction = Transaction(self.book.client)
        self.book.wallets.put_mandate_in(transaction, asked_for)
        self.book.audit.append_in(
            transaction,
            AuditLine(
                actor_id=principal.principal_id,
                action="mandates.cancel",
                subject=mandate_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                school_id=mandate.school_id,
            ),
        )
        try:
            transaction.commit()
        except ConditionFailed:
            raise Problem(CONCURRENT_CHANGE, "The mandate changed meanwhile.", retry_after_s=1) from None
        return self._view(asked_for)

    def _checked(self, asked: RegisterMandate) -> datetime:
        """The end of the mandate, once its terms are found possible. Raises ``mandate-terms-invalid``."""
        errors: list[FieldError] = []
        if not AMOUNT_MIN_PAISE <= asked.max_amount_paise <= MANDATE_MAX_PAISE:
            errors.append(
                FieldError("/max_amount_paise", f"between {AMOUNT_MIN_PAISE} and {MANDATE_MAX_PAISE} paise")
            )
        first, least = asked.first_payment_paise, AMOUNT_MIN_PAISE
        if first != 0 and not least <= first <= AMOUNT_MAX_PAISE:
            errors.append(FieldError("/first_payment_paise", f"0, or at least {least} paise"))
        if first == 0 and asked.method is MandateMethod.CARD:
            errors.append(FieldError("/first_payment_paise", f"a card is charged at least {least} paise"))
        ends_at = _end_of_day(asked.expires_on)
        now = self.clock.now()
        latest = now + timedelta(days=MANDATE_YEARS_MAX * 365)
        if ends_at is None or not now < ends_at <= latest:
            errors.append(FieldError("/expires_on", f"a day from now on, within {MANDATE_YEARS_MAX} years"))
        if errors or ends_at is None:
            raise Problem(MANDATE_TERMS_INVALID, "No bank knows such a mandate.", errors=errors)
        return ends_at

    def _registered(
        self,
        principal: Principal,
        asked: RegisterMandate,
        payer_id: str,
        ends_at: datetime,
        claim: Claim,
        request_id: str,
    ) -> StoredAnswer:
        wallet = self.book.wallets.get(payer_id)
        payment_id = f"pmt_{claim.resource_id.partition('_')[2]}"
        before = self.recorder.repository.get(payment_id) if claim.resumed else None
        try:
            if len(wallet.mandates) >= MANDATES_MAX:
                raise Problem(
                    MANDATE_TERMS_INVALID,
                    f"A payer has at most {MANDATES_MAX} mandates, those that came to nothing included.",
                )
            customer_id = self.customers.for_debits(wallet.profile)
            order = self._order(asked, payment_id, customer_id, ends_at, claim)
        except Problem as problem:
            if problem.retry_after_s is None:
                self.idempotency.answer(
                    claim, StoredAnswer(problem.kind.status, problem.document(request_id))
                )
            else:
                self.idempotency.release(claim)
            raise
        now = iso(self.clock.now())
        mandate = Mandate(
            mandate_id=claim.resource_id,
            payer_id=payer_id,
            school_id=asked.school_id,
            method=asked.method,
            max_amount_paise=asked.max_amount_paise,
            currency=CURRENCY,
            frequency=asked.frequency,
            ends_at=iso(ends_at),
            first_payment_paise=asked.first_payment_paise,
            payment_id=payment_id,
            order_id=order.id,
            customer_id=customer_id,
            created_at=now,
        )
        return self._recorded(principal, asked, before, mandate, claim, request_id)

    def _order(
        self, asked: RegisterMandate, payment_id: str, customer_id: str, ends_at: datetime, claim: Claim
    ) -> Order:
        try:
            return self.gateway.create_order_once(
                amount_paise=asked.first_payment_paise,
                currency=CURRENCY,
                receipt=payment_id,
                capture=CAPTURE,
                mandate=MandateTerms(
                    method=asked.method.value,
                    customer_id=customer_id,
                    max_amount_paise=asked.max_amount_paise,
                    expire_at=ends_at,
                    frequency=asked.frequency.value,
                ),
                receipt_is_new=not claim.resumed,
            )
        except GatewayError as error:
            self.logger.warning("no order for a mandate", gateway_error=error.code)
            raise gateway_problem(error, "The order for the mandate could not be confirmed.") from None

    def _recorded(
        self,
        principal: Principal,
        asked: RegisterMandate,
        before: Payment | None,
        mandate: Mandate,
        claim: Claim,
        request_id: str,
    ) -> StoredAnswer:
        """Write the mandate, the payment that authorises it, and the answer, together."""
        answer = StoredAnswer(
            201, mandate_view(mandate, [], self.key_id, self.clock.now()).model_dump(mode="json")
        )
        payment = before or Payment(
            payment_id=mandate.payment_id,
            school_id=mandate.school_id,
            payer_id=mandate.payer_id,
            amount_paise=mandate.first_payment_paise,
            currency=mandate.currency,
            description=asked.description,
            mandate_id=mandate.mandate_id,
            created_at=mandate.created_at,
            updated_at=mandate.created_at,
        )
        ordered = payment.model_copy(update={"order_id": mandate.order_id})
        line = AuditLine(
            actor_id=principal.principal_id,
            action="mandates.register",
            subject=mandate.mandate_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=mandate.school_id,
            details={"max_amount_paise": mandate.max_amount_paise, "method": mandate.method.value},
        )
        try:
            self.recorder.record(
                before,
                ordered.model_copy(update={"status": derive_status(ordered)}),
                line,
                also=[
                    lambda transaction: self.book.wallets.put_mandate_in(transaction, mandate),
                    lambda transaction: self.idempotency.answer_in(transaction, claim, answer),
                ],
            )
        except (PaymentChanged, ConditionFailed):  # another call has taken the claim over
            raise Problem(
                CONCURRENT_CHANGE, "The mandate changed while its order was made.", retry_after_s=1
            ) from None
        return answer

    def _cancel_at_gateway(self, mandate: Mandate, token: TokenRecord) -> None:
        try:
            self.gateway.cancel_token(mandate.customer_id, token.token_id)
        except GatewayRejected as refused:
            # It ended meanwhile, or was never confirmed; the gateway's event tells which.
            self.logger.info("the gateway refused a cancellation", reason=refused.detail.reason)
        except GatewayError as error:
            raise gateway_problem(error, "It is not known whether the mandate was cancelled.") from None

    def _visible(self, principal: Principal, mandate_id: str, asked: WhoseMethods) -> Mandate:
        payer_id = asked.payer_id or principal.principal_id
        if asked.payer_id is not None and principal.is_only_parent and payer_id != principal.principal_id:
            raise Problem(
                QUERY_INVALID,
                "A parent sees its own mandates.",
                errors=[FieldError("/payer_id", "leave it out")],
            )
        mandate = self.book.wallets.mandate(payer_id, mandate_id)
        if mandate is None or not _may_see(principal, mandate):
            raise Problem(MANDATE_NOT_FOUND, "No mandate of yours has that identifier.")
        return mandate

    def _tokens(self, mandate: Mandate) -> tuple[TokenRecord, ...]:
        return tuple(self.book.tokens.get(token_id) for token_id in mandate.tokens)

    def _view(self, mandate: Mandate) -> MandateView:
        return mandate_view(mandate, self._tokens(mandate), self.key_id, self.clock.now())


def _may_see(principal: Principal, mandate: Mandate) -> bool:
    own = mandate.payer_id == principal.principal_id
    return own or (not principal.is_only_parent and principal.may_see_school(mandate.school_id))


def _end_of_day(text: str) -> datetime | None:
    """The last second of a day in India; None for what is no day."""
    try:
        return datetime.fromisoformat(f"{text}T23:59:59").replace(tzinfo=IST)
    except ValueError:
        return None
