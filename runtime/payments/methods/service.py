"""The order of things for saved payment methods: list, save, name, prefer, revoke."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.gateways.errors import GatewayError, GatewayRejected
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Token
from runtime.payments.methods.contracts import (
    CheckoutCustomer,
    MethodList,
    MethodView,
    RenameMethod,
    SaveMethod,
    WhoseMethods,
    method_view,
)
from runtime.payments.methods.customers import GatewayCustomers, gateway_problem
from runtime.payments.methods.events import method_event
from runtime.payments.methods.model import METHODS_MAX, Method, Profile, TokenRecord, Wallet
from runtime.payments.methods.repository import LABELS, TokenRepository, WalletRepository
from runtime.payments.methods.token_view import instrument_from
from runtime.payments.model import Attempt, AttemptStatus, Payment
from runtime.payments.repository import PaymentRepository
from runtime.platform.audit import AuditLine, AuditTrail, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.errors import (
    CONCURRENT_CHANGE,
    METHOD_NOT_FOUND,
    METHOD_NOT_SAVED,
    METHODS_TOO_MANY,
    PAYMENT_NOT_FOUND,
    QUERY_INVALID,
    FieldError,
    Problem,
)
from runtime.platform.ids import Ids
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_PAID = frozenset({AttemptStatus.AUTHORIZED, AttemptStatus.CAPTURED, AttemptStatus.REFUNDED})
"""An instrument is saved by a payment that went through, not by one that failed."""


@dataclass(frozen=True, slots=True)
class MethodService:
    """Saved methods as callers use them. ``key_id`` is the gateway's, for the checkout."""

    client: "DynamoDBClient"
    payments: PaymentRepository
    wallets: WalletRepository
    tokens: TokenRepository
    customers: GatewayCustomers
    gateway: RazorpayClient
    key_id: str
    audit: AuditTrail
    outbox: Outbox
    clock: Clock
    ids: Ids

    def list(self, principal: Principal, asked: WhoseMethods) -> MethodList:
        """The live methods of a payer, oldest first."""
        wallet = self.wallets.get(payer_asked_for(principal, asked.payer_id))
        now = self.clock.now()
        return MethodList(items=[method_view(method, wallet, now) for method in wallet.live_methods])

    def checkout_customer(self, principal: Principal) -> CheckoutCustomer:
        """The gateway's customer of the caller, made if there is none yet.

        Without it a checkout saves the instrument for nobody, or for the gateway itself. Raises Problem
        ``contact-missing``, ``gateway-rejected``, ``gateway-unavailable``.
        """
        profile = self.wallets.get(principal.principal_id).profile
        return CheckoutCustomer(key_id=self.key_id, customer_id=self.customers.of(profile))

    def save(self, principal: Principal, asked: SaveMethod, *, request_id: str) -> tuple[MethodView, bool]:
        """Save the instrument of a payment of the caller's own; gives the method and whether it is new.

        One instrument is saved once: a repetition finds it. The first one becomes the default.
        """
        payment = self.payments.get(asked.payment_id)
        if payment is None or payment.payer_id != principal.principal_id:
            raise Problem(PAYMENT_NOT_FOUND, "No payment of yours has that identifier.")
        attempt = _attempt_with_token(payment)
        if attempt is None or attempt.token_id is None or attempt.customer_id is None:
            raise Problem(METHOD_NOT_SAVED, "The payer did not save the instrument at the checkout.")
        token = self.tokens.get(attempt.token_id)
        if token.mandate_id is not None:
            raise Problem(METHOD_NOT_SAVED, "The instrument belongs to a mandate, which is not saved apart.")
        wallet = self.wallets.get(payment.payer_id)
        if (found := _of_token(wallet, attempt.token_id)) is not None:
            return method_view(found, wallet, self.clock.now()), False
        if len(wallet.live_methods) >= METHODS_MAX:
            raise Problem(METHODS_TOO_MANY, f"A payer keeps at most {METHODS_MAX} payment methods.")
        method = self._method(payment, attempt.token_id, attempt.customer_id, asked.label)
        profile = wallet.profile
        if profile.default_method_id is None:
            profile = profile.model_copy(update={"default_method_id": method.method_id})
        owned = token.model_copy(update={"payer_id": method.payer_id, "method_id": method.method_id})
        self._write(
            principal, "methods.save", method, request_id, profile=profile, before=wallet.profile, token=owned
        )
        after = wallet.model_copy(update={"profile": profile})
        return method_view(method, after, self.clock.now()), True

    def rename(
        self, principal: Principal, method_id: str, asked: RenameMethod, *, request_id: str
    ) -> MethodView:
        """Give a method of the caller's another label."""
        wallet, method = self._own(principal, method_id)
        renamed = method.model_copy(update={"label": asked.label})
        if renamed != method:
            self._write(principal, "methods.rename", renamed, request_id, tell=False)
        return method_view(renamed, wallet, self.clock.now())

    def make_default(self, principal: Principal, method_id: str, *, request_id: str) -> MethodView:
        """Prefer a method of the caller's where nothing else says which is debited."""
        wallet, method = self._own(principal, method_id)
        profile = wallet.profile.model_copy(update={"default_method_id": method_id})
        if profile != wallet.profile:
            self._write(
                principal, "methods.default", method, request_id, profile=profile, before=wallet.profile
            )
        return method_view(method, wallet.model_copy(update={"profile": profile}), self.clock.now())

    def revoke(self, principal: Principal, method_id: str, *, request_id: str) -> None:
        """Forget a method of the caller's, at the gateway first; a repetition finds it done."""
        wallet = self.wallets.get(principal.principal_id)
        method = next((one for one in wallet.methods if one.method_id == method_id), None)
        if method is None:
            raise Problem(METHOD_NOT_FOUND, "No payment method of yours has that identifier.")
        if method.revoked_at is not None:
            return
        try:
            self.gateway.delete_token(method.customer_id, method.token_id)
        except GatewayRejected as refused:
            # One that is gone already is refused as unknown; what we keep must not outlive it.
            if refused.status not in (400, 404):
                raise gateway_problem(refused, "The gateway did not forget the instrument.") from None
        except GatewayError as error:
            raise gateway_problem(error, "Whether the gateway forgot it is not known.") from None
        profile = wallet.profile
        if profile.default_method_id == method_id:
            profile = profile.model_copy(update={"default_method_id": None})
        revoked = method.model_copy(update={"revoked_at": iso(self.clock.now())})
        self._write(principal, "methods.revoke", revoked, request_id, profile=profile, before=wallet.profile)

    def _own(self, principal: Principal, method_id: str) -> tuple[Wallet, Method]:
        wallet = self.wallets.get(principal.principal_id)
        for method in wallet.live_methods:
            if method.method_id == method_id:
                return wallet, method
        raise Problem(METHOD_NOT_FOUND, "No payment method of yours has that identifier.")

    def _method(self, payment: Payment, token_id: str, customer_id: str, label: str | None) -> Method:
        try:
            token: Token = self.gateway.get_token(customer_id, token_id)
        except GatewayError as error:
            raise gateway_problem(error, "The gateway did not show the instrument.") from None
        instrument = instrument_from(token)
        if instrument is None:
            raise Problem(METHOD_NOT_SAVED, "An instrument of this kind cannot be saved.")
        return Method(
            method_id=self.ids.new("mth"),
            payer_id=payment.payer_id,
            token_id=token_id,
            customer_id=customer_id,
            instrument=instrument,
            label=label,
            created_at=iso(self.clock.now()),
        )

    def _write(
        self,
        principal: Principal,
        action: str,
        method: Method,
        request_id: str,
        *,
        profile: Profile | None = None,
        before: Profile | None = None,
        token: TokenRecord | None = None,
        tell: bool = True,
    ) -> None:
        """One change: the method, and the profile and the token where they change with it, the audit line,
        and the event of a saving or a revocation."""
        transaction = Transaction(self.client)
        self.wallets.put_method_in(transaction, method)
        if profile is not None and profile != before:
            self.wallets.put_profile_in(transaction, profile)
        if token is not None:
            self.tokens.put_in(transaction, token)
        self.audit.append_in(
            transaction,
            AuditLine(
                actor_id=principal.principal_id,
                action=action,
                subject=method.method_id,
                outcome=Outcome.DONE,
                request_id=request_id,
            ),
        )
        if tell and action != "methods.default":
            self.outbox.add_in(transaction, method_event(method))
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if LABELS.intersection(failed.labels):
                raise Problem(
                    CONCURRENT_CHANGE, "The payment methods changed meanwhile.", retry_after_s=1
                ) from None
            raise


def payer_asked_for(principal: Principal, payer_id: str | None) -> str:
    """Whose wallet is meant: the caller's own, or, for one who works for every school, anybody's.

    Raises Problem ``query-invalid``.
    """
    if payer_id in (None, principal.principal_id):
        return principal.principal_id
    if not principal.sees_all_schools:
        raise Problem(
            QUERY_INVALID,
            "The payment methods of others are not shown.",
            errors=[FieldError("/payer_id", "leave it out")],
        )
    return str(payer_id)


def _attempt_with_token(payment: Payment) -> Attempt | None:
    with_token = [
        attempt
        for attempt in payment.attempts.values()
        if attempt.token_id is not None and attempt.status in _PAID
    ]
    return max(with_token, key=lambda attempt: attempt.observed_at, default=None)


def _of_token(wallet: Wallet, token_id: str) -> Method | None:
    return next((method for method in wallet.live_methods if method.token_id == token_id), None)
