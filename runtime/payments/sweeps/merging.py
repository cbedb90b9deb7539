"""What the gateway says when it is asked, merged by the rules that its events are merged by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from runtime.gateways.razorpay.models import Dispute as GatewayDispute
from runtime.gateways.razorpay.models import Payment as GatewayPayment
from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.payments.disputes.gateway_view import dispute_from
from runtime.payments.disputes.rules import merge_dispute
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.links.applier import LinkEvents
from runtime.payments.links.model import LinkState, PaymentLink
from runtime.payments.links.parts import record_part
from runtime.payments.links.rules import part_id
from runtime.payments.model import Attempt, Payment
from runtime.payments.recorder import PaymentChanged, PaymentRecorder
from runtime.payments.refunds.gateway_view import refund_from
from runtime.payments.refunds.model import Refund
from runtime.payments.refunds.rules import told_of as told_of_refund
from runtime.payments.refusal import Refused
from runtime.payments.returns.model import Returns, ReturnsChange
from runtime.payments.returns.rules import followed, no_returns
from runtime.payments.sweeps.rules import told_of
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.clock import Clock
from runtime.platform.errors import Problem

CHANGE_ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class Merger:
    """Merges what was asked for by ``actor``. Every method raises PaymentChanged for a payment that never
    keeps still."""

    recorder: PaymentRecorder
    clock: Clock
    logger: Logger
    actor: str

    def merge(self, payment: Payment, found: GatewayPayment, request_id: str) -> Payment:
        """The payment after what the gateway says of an attempt to pay it."""
        try:
            attempt = attempt_from(found, observed_at=self._now_unix())
        except StatusNotKnown as unknown:
            self.logger.error("the gateway uses a status that is not documented", status=str(unknown))
            return payment
        return self.change(
            payment, lambda current: told_of(current, attempt), request_id, found.id, attempt=attempt
        )

    def merge_part(self, link: PaymentLink, found: GatewayPayment, request_id: str) -> Payment | None:
        """The payment that an attempt to pay ``link`` is, after what the gateway says of it; None while it
        brought no money. The link learns its order."""
        try:
            attempt = attempt_from(found, observed_at=self._now_unix())
        except StatusNotKnown as unknown:
            self.logger.error("the gateway uses a status that is not documented", status=str(unknown))
            return None
        line = AuditLine(
            actor_id=self.actor,
            action="links.sweep",
            subject=link.link_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=link.school_id,
            details={"heard_of": found.id},
        )
        try:
            if link.gateway_link_id is not None:
                state = LinkState(gateway_link_id=link.gateway_link_id, order_id=found.order_id)
                events = LinkEvents(self.recorder.repository, self.recorder.links, self.clock)
                link = events.hear(link, state, line) or link
            record_part(self.recorder, link, attempt, line)
        except Problem:
            raise PaymentChanged(link.link_id) from None
        return self.recorder.repository.get(part_id(link.link_id, found.id))

    def change(
        self,
        payment: Payment,
        change: Callable[[Payment], Payment],
        request_id: str,
        heard_of: str,
        *,
        attempt: Attempt | None = None,
    ) -> Payment:
        """``change`` made to the payment as it is now, whoever changes it meanwhile."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            after = change(payment)
            if after is payment:
                return payment
            line = self.line(payment, "payments.sweep", request_id, heard_of=heard_of)
            try:
                return self.recorder.record(payment, after, line, attempt=attempt)
            except PaymentChanged:
                payment = self.recorder.repository.get(payment.payment_id) or payment
        raise PaymentChanged(payment.payment_id)

    def merge_refunds(
        self, payment_id: str, gateway_payment_id: str, found: Sequence[GatewayRefund], request_id: str
    ) -> Returns | None:
        """The returns of a gateway payment after what the gateway says of its refunds; None where the payment
        is not ours. A refund that contradicts what is known is left to a person."""
        refunds = [refund for each in found if (refund := self._refund(each)) is not None]

        def told(returns: Returns) -> Returns:
            for refund in refunds:
                returns = self._told(returns, refund)
            return returns

        return self._change_returns(payment_id, gateway_payment_id, told, "refunds.sweep", request_id)

    def merge_dispute(self, payment_id: str, found: GatewayDispute, request_id: str) -> Returns | None:
        """The returns of a gateway payment after what the gateway says of a dispute about it; None where the
        payment is not ours. A dispute that contradicts what is known is left to a person."""
        try:
            heard = dispute_from(found, observed_at=self._now_unix())
        except StatusNotKnown as unknown:
            self.logger.error("the gateway uses a status that is not documented", status=str(unknown))
            return None

        def told(returns: Returns) -> Returns:
            if heard.currency != returns.book.currency:
                self.logger.error("a dispute is in another currency", dispute_id=heard.dispute_id)
                return returns
            known = returns.disputes.get(heard.dispute_id)
            try:
                merged = merge_dispute(known, heard)
            except Refused as refused:
                self.logger.error(
                    "a dispute contradicts what is known", dispute_id=heard.dispute_id, code=refused.code
                )
                return returns
            if known is not None and merged.model_copy(update={"observed_at": known.observed_at}) == known:
                return returns
            disputes = returns.disputes | {heard.dispute_id: merged}
            return returns.model_copy(update={"disputes": dict(sorted(disputes.items()))})

        return self._change_returns(payment_id, found.payment_id, told, "disputes.sweep", request_id)

    def _change_returns(
        self,
        payment_id: str,
        gateway_payment_id: str,
        told: Callable[[Returns], Returns],
        action: str,
        request_id: str,
    ) -> Returns | None:
        for _ in range(CHANGE_ATTEMPTS_MAX):
            payment = self.recorder.repository.get(payment_id)
            attempt = None if payment is None else payment.attempts.get(gateway_payment_id)
            if payment is None or attempt is None:
                return None
            known = self.recorder.repository.returns.get(payment_id, gateway_payment_id)
            before = known or no_returns(payment, attempt)
            after = told(followed(before, attempt))
            if after == before:
                return before
            line = self.line(payment, action, request_id, gateway_payment_id=gateway_payment_id)
            try:
                self.recorder.record(payment, payment, line, returns=ReturnsChange(before, after))
            except PaymentChanged:
                continue
            return after
        raise PaymentChanged(payment_id)

    def line(self, payment: Payment, action: str, request_id: str, **details: str) -> AuditLine:
        """The audit line of a change of a payment."""
        return AuditLine(
            actor_id=self.actor,
            action=action,
            subject=payment.payment_id,
            outcome=Outcome.DONE,
            request_id=request_id,
            school_id=payment.school_id,
            details=details,
        )

    def _refund(self, found: GatewayRefund) -> Refund | None:
        try:
            return refund_from(found, observed_at=self._now_unix())
        except StatusNotKnown as unknown:
            self.logger.error("the gateway uses a status that is not documented", status=str(unknown))
            return None

    def _told(self, returns: Returns, refund: Refund) -> Returns:
        try:
            book = told_of_refund(returns.book, refund)
        except Refused as refused:
            self.logger.error(
                "a refund contradicts what is known", refund_id=refund.gateway_refund_id, code=refused.code
            )
            return returns
        return returns.model_copy(update={"book": book})

    def _now_unix(self) -> int:
        return int(self.clock.now().timestamp())
