"""The order of things for payment links: create, look at, verify the way back, cancel."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError, GatewayOutcomeUnknown, GatewayRejected, GatewayThrottled
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import PaymentLink as GatewayLink
from runtime.gateways.razorpay.signatures import payment_link_signature_is_valid
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.links.applier import LinkEvents, LinkMismatch
from runtime.payments.links.book import LinkBook, LinkChanged
from runtime.payments.links.contracts import (
    CreatePaymentLink,
    ListPaymentLinks,
    PaymentLinkPage,
    PaymentLinkView,
    VerifyPaymentLink,
    link_view,
)
from runtime.payments.links.gateway_view import link_state_from
from runtime.payments.links.model import LinkState, LinkStatus, PaymentLink
from runtime.payments.links.parts import record_part
from runtime.payments.links.reminders.model import Outcome as ReminderOutcome
from runtime.payments.links.reminders.model import Reminders
from runtime.payments.links.reminders.policy import policy_at
from runtime.payments.links.reminders.schedule import days_of
from runtime.payments.links.rules import hear_link, link_status_at
from runtime.payments.links.terms import checked_end
from runtime.payments.links.visibility import visible_link
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.tenancy import Tenancy
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.auth import Principal
from runtime.platform.clock import Clock, business_date, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed
from runtime.platform.errors import (
    CHECKOUT_SIGNATURE_INVALID,
    CONCURRENT_CHANGE,
    GATEWAY_REJECTED,
    GATEWAY_UNAVAILABLE,
    LINK_NOT_CANCELLABLE,
    ORDER_MISMATCH,
    Problem,
)
from runtime.platform.idempotency import Claim, IdempotencyStore, StoredAnswer, fingerprint
from runtime.platform.ids import Ids

CURRENCY = "INR"
RETRY_AFTER_S = 5
LEASE_MARGIN_S = 1

Found = TypeVar("Found")

Outcomes = Callable[[PaymentLink], Mapping[int, ReminderOutcome]]
"""What became of a link's reminders, by their numbers; who sends messages knows it."""


@dataclass(frozen=True, slots=True)
class LinkService:
    """Payment links as callers use them. ``key_secret`` is the gateway's; the key before may have signed too.
    Payers come back to pages of the ``origins`` only."""

    recorder: PaymentRecorder
    idempotency: IdempotencyStore
    tenancy: Tenancy
    gateway: RazorpayClient
    key_secret: str
    outcomes: Outcomes
    clock: Clock
    ids: Ids
    logger: Logger
    origins: frozenset[str] = frozenset()
    former_key_secret: str | None = None

    @property
    def book(self) -> LinkBook:
        """The links as they are stored."""
        return self.recorder.links

    @property
    def _events(self) -> LinkEvents:
        return LinkEvents(self.recorder.repository, self.book, self.clock)

    def create(
        self,
        principal: Principal,
        asked: CreatePaymentLink,
        *,
        key: str | None,
        request_id: str,
        remaining_ms: int,
    ) -> StoredAnswer:
        """Make a link with its link at the gateway; one per Idempotency-Key, whatever happens in between."""
        request_fingerprint = fingerprint("links.create", asked.model_dump(mode="json"))
        try:
            payer_id = self.tenancy.payer_of(principal, asked.payer_id)
            self.tenancy.check_open(principal, asked.school_id)
            ends_at = checked_end(asked, self.clock.now(), self.origins)
            reminded_on = self._days(asked, ends_at)
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
            resource_id=self.ids.new("plk"),
            lease_s=remaining_ms // 1000 + LEASE_MARGIN_S,
        )
        if isinstance(claim, StoredAnswer):
            return claim
        before = self.book.links.get(claim.resource_id) if claim.resumed else None
        wanted = before or self._new_link(claim.resource_id, payer_id, ends_at, reminded_on, asked)
        line = self._line(principal, "links.create", wanted, request_id)
        try:
            return self._made(before, wanted, asked.callback_url, claim, line, request_id)
        except (LinkChanged, ConditionFailed):  # another call has taken the claim over, or an event came
            raise Problem(CONCURRENT_CHANGE, "The link changed while it was made.", retry_after_s=1) from None

    def get(self, principal: Principal, link_id: str) -> PaymentLinkView:
        """One link, with what became of its reminders. Raises Problem ``payment-link-not-found`` also for
        what the caller may not see."""
        link = visible_link(self.book.links, principal, link_id)
        return link_view(link, self.clock.now(), self.outcomes(link) if link.reminders.made else {})

    def list(self, principal: Principal, asked: ListPaymentLinks) -> PaymentLinkPage:
        """Links, newest first: a parent's own, or those of a school that the caller belongs to."""
        links = self.book.links
        if principal.is_only_parent:
            found, cursor = links.list_by_payer(
                principal.principal_id, limit=asked.limit, cursor=asked.cursor
            )
        else:
            school_id = self.tenancy.school_of(principal, asked.school_id)
            found, cursor = links.list_by_school(school_id, limit=asked.limit, cursor=asked.cursor)
        return PaymentLinkPage(items=[self._view(link) for link in found], next_cursor=cursor)

    def verify(
        self, principal: Principal, link_id: str, sent: VerifyPaymentLink, *, request_id: str
    ) -> PaymentLinkView:
        """Check the signature with which the payer came back, then ask the gateway for the payment and merge
        it.

        The signature proves that the payment is one of this link; amount and capture are asked for. If the
        gateway does not answer, the link stays as it is and the webhook completes it.
        """
        link = visible_link(self.book.links, principal, link_id)
        ours = (link.gateway_link_id or sent.razorpay_payment_link_id, link.link_id)
        if ours != (sent.razorpay_payment_link_id, sent.razorpay_payment_link_reference_id):
            raise Problem(ORDER_MISMATCH, "The values belong to another payment link.")
        if not self._signed(sent):
            raise Problem(
                CHECKOUT_SIGNATURE_INVALID, "The values were not signed by the gateway for this link."
            )
        line = self._line(principal, "links.verify", link, request_id)
        try:
            found = self.gateway.get_payment(sent.razorpay_payment_id)
        except GatewayError as error:
            self.logger.warning("the payment of a link could not be fetched", gateway_error=error.code)
            return self._view(link)
        if link.order_id is not None and found.order_id != link.order_id:
            raise Problem(ORDER_MISMATCH, "The gateway knows this payment under another order.")
        state = LinkState(gateway_link_id=sent.razorpay_payment_link_id, order_id=found.order_id)
        self._heard(link, state, line)
        try:
            attempt = attempt_from(found, observed_at=int(self.clock.now().timestamp()))
        except StatusNotKnown as unknown:
            self.logger.error("the gateway uses a status that is not documented", status=str(unknown))
        else:
            record_part(self.recorder, link, attempt, line)
        return self.get(principal, link_id)

    def cancel(self, principal: Principal, link_id: str, *, request_id: str) -> PaymentLinkView:
        """Take a link back; a repetition finds it done.

        Raises Problem ``payment-link-not-cancellable`` for one that is paid, wholly or in part, or expired.
        """
        link = visible_link(self.book.links, principal, link_id)
        line = self._line(principal, "links.cancel", link, request_id)
        told: GatewayLink | None = None
        if link.gateway_link_id is None:
            told = self._asked(lambda: self.gateway.find_payment_link(link_id))
            if told is None:
                raise unconfirmed("It is not known yet whether the gateway has the link.")
            link = self._heard(link, link_state_from(told), line)
        status = link_status_at(link, self.clock.now())
        if status is LinkStatus.CANCELLED:
            return self._view(link)
        if status is not LinkStatus.CREATED:
            raise Problem(LINK_NOT_CANCELLABLE, f"The payment link is {status.value}.")
        told = self._cancelled(str(link.gateway_link_id))
        after = self._heard(link, link_state_from(told), line)
        if told.status != LinkStatus.CANCELLED.value:
            raise Problem(LINK_NOT_CANCELLABLE, "The gateway did not cancel the link.")
        return self._view(after)

    def _cancelled(self, gateway_link_id: str) -> GatewayLink:
        """The link after its cancellation was asked for: what the gateway says of it now."""
        try:
            return self.gateway.cancel_payment_link(gateway_link_id)
        except (GatewayRejected, GatewayOutcomeUnknown):
            # It was paid or ended meanwhile, by us perhaps: the gateway knows.
            return self._asked(lambda: self.gateway.get_payment_link(gateway_link_id))
        except GatewayError as error:
            raise unconfirmed("The link is not cancelled.", error) from None

    def _days(self, asked: CreatePaymentLink, ends_at: datetime) -> tuple[str, ...]:
        """The days on which the payer is to be reminded."""
        now = self.clock.now()
        today = business_date(now)
        return days_of(
            asked.reminders, policy_at(now), made_on=today, today=today, last=business_date(ends_at)
        )

    def _new_link(
        self,
        link_id: str,
        payer_id: str,
        ends_at: datetime,
        reminded_on: tuple[str, ...],
        asked: CreatePaymentLink,
    ) -> PaymentLink:
        now = iso(self.clock.now())
        return PaymentLink(
            link_id=link_id,
            school_id=asked.school_id,
            payer_id=payer_id,
            amount_paise=asked.amount_paise,
            currency=CURRENCY,
            accept_partial=asked.accept_partial,
            first_min_partial_paise=asked.first_min_partial_paise,
            expires_at=iso(ends_at),
            description=asked.description,
            reference=asked.reference,
            reminders=Reminders(days=reminded_on),
            created_at=now,
            updated_at=now,
        )

    def _made(
        self,
        before: PaymentLink | None,
        wanted: PaymentLink,
        callback_url: str | None,
        claim: Claim,
        line: AuditLine,
        request_id: str,
    ) -> StoredAnswer:
        """The link once the gateway has it, written with its answer; what cannot be had ends the request
        without doing anything twice."""
        try:
            told = self.gateway.create_payment_link_once(
                amount_paise=wanted.amount_paise,
                currency=wanted.currency,
                reference_id=wanted.link_id,
                description=wanted.description,
                accept_partial=wanted.accept_partial,
                first_min_partial_amount_paise=wanted.first_min_partial_paise,
                expire_by=from_iso(wanted.expires_at) if wanted.expires_at else None,
                callback_url=callback_url,
                reference_is_new=not claim.resumed,
            )
        except GatewayRejected as refused:
            self.logger.error(
                "the gateway refused a payment link", reason=refused.detail.reason, status=refused.status
            )
            problem = Problem(GATEWAY_REJECTED, "The gateway refused to make this payment link.")
            self.idempotency.answer(claim, StoredAnswer(problem.kind.status, problem.document(request_id)))
            raise problem from None
        except GatewayError as error:
            if isinstance(error, GatewayOutcomeUnknown) and before is None:
                self.book.put(None, wanted, line)
            self.idempotency.release(claim)
            problem = unconfirmed("The payment link could not be confirmed.", error)
            problem.extensions["link_id"] = wanted.link_id
            raise problem from None
        after = hear_link(wanted, link_state_from(told))
        answer = StoredAnswer(201, self._view(after).model_dump(mode="json"))
        self.book.put(
            before,
            after,
            line,
            also=lambda transaction: self.idempotency.answer_in(transaction, claim, answer),
        )
        return answer

    def _heard(self, link: PaymentLink, state: LinkState, line: AuditLine) -> PaymentLink:
        try:
            return self._events.hear(link, state, line) or link
        except LinkMismatch:
            raise Problem(ORDER_MISMATCH, "The gateway knows another link by that reference.") from None

    def _signed(self, sent: VerifyPaymentLink) -> bool:
        """Whether the gateway signed the way back. All secrets are tried whatever matches."""
        signed = False
        for secret in filter(None, (self.key_secret, self.former_key_secret)):
            signed |= payment_link_signature_is_valid(
                payment_link_id=sent.razorpay_payment_link_id,
                reference_id=sent.razorpay_payment_link_reference_id,
                status=sent.razorpay_payment_link_status,
                payment_id=sent.razorpay_payment_id,
                signature=sent.razorpay_signature,
                key_secret=secret,
            )
        return signed

    def _asked(self, read: Callable[[], Found]) -> Found:
        """What the gateway says to a question that changes nothing."""
        try:
            return read()
        except GatewayError as error:
            raise unconfirmed("The gateway does not say how the link stands.", error) from None

    @staticmethod
    def _line(principal: Principal, action: str, link: PaymentLink, request_id: str) -> AuditLine:
        return AuditLine(
            actor_id=principal.principal_id,
            action=action,
            subject=link.link_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=link.school_id,
            details={"amount_paise": link.amount_paise, "currency": link.currency},
        )

    def _view(self, link: PaymentLink) -> PaymentLinkView:
        return link_view(link, self.clock.now())


def unconfirmed(detail: str, error: GatewayError | None = None) -> Problem:
    """What the caller hears while the gateway says nothing: the same again, later."""
    wait_s = error.retry_after_s if isinstance(error, GatewayThrottled) else None
    return Problem(GATEWAY_UNAVAILABLE, detail, retry_after_s=max(1, int(wait_s or RETRY_AFTER_S)))
