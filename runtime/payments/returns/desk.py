"""How a refund is made: its amount is held first, then the gateway is asked, then its answer is merged.

Whatever happens in between, the refund is the same: its identifier is the gateway's idempotency key and its
receipt. So it can be asked for again, by whoever finds it unanswered, and goes out once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError, GatewayOutcomeUnknown, GatewayRejected
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.razorpay.models import Refund as GatewayRefund
from runtime.payments.disputes.rules import disputed_paise
from runtime.payments.gateway_view import StatusNotKnown
from runtime.payments.model import Payment
from runtime.payments.recorder import AlsoIn, PaymentChanged, PaymentRecorder
from runtime.payments.refunds.gateway_view import refund_from
from runtime.payments.refunds.model import RefundBook
from runtime.payments.refunds.rules import hear, open_requests, refused, reserve, unanswered
from runtime.payments.refusal import Refused
from runtime.payments.returns.model import RefundTerms, Returns, ReturnsChange
from runtime.payments.returns.refusals import problem_of_gateway, problem_of_rule
from runtime.payments.returns.rules import followed, no_returns, totals
from runtime.platform.audit import AuditLine
from runtime.platform.clock import Clock, business_date
from runtime.platform.errors import CONCURRENT_CHANGE, Problem

CHANGE_ATTEMPTS_MAX = 30
"""Refunds of one payment wait for each other; at each attempt one of them gets through."""

PAGE_MAX = 100

Decide = Callable[[Returns], Returns]
AlsoOf = Callable[[Returns, Problem | None], Sequence[AlsoIn]]
"""Further writes that tell of the returns as they are now, or of the problem that a refund ended with."""


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """A refund that is to be made. ``refund_id`` is ours; ``line`` is its line in the audit trail."""

    refund_id: str
    payment_id: str
    gateway_payment_id: str
    amount_paise: int
    terms: RefundTerms
    line: AuditLine


@dataclass(frozen=True, slots=True)
class RefundDesk:
    """Holds, asks, merges."""

    recorder: PaymentRecorder
    gateway: RazorpayClient
    clock: Clock
    logger: Logger

    def hold(self, order: RefundOrder, also: Sequence[AlsoIn] = ()) -> Returns:
        """Hold the refund's amount, together with ``also``; nothing happens when it is held already.

        Raises Problem ``amount-below-minimum``, ``amount-above-maximum``, ``refund-exceeds-balance`` and
        ``refunds-too-many``; nothing is held then.
        """
        today = business_date(self.clock.now())

        def decide(returns: Returns) -> Returns:
            contested_paise = disputed_paise(returns.disputes.values())
            try:
                book = reserve(
                    returns.book, order.refund_id, order.amount_paise, today, disputed_paise=contested_paise
                )
            except Refused as refusal:
                raise problem_of_rule(refusal, order.amount_paise, _refundable_paise(returns)) from None
            if book is returns.book:
                return returns
            terms = returns.terms | {order.refund_id: order.terms}
            return returns.model_copy(update={"book": book, "terms": terms})

        return self._change(order, order.line, decide, lambda _: also, always=False)

    def ask(self, order: RefundOrder, *, perhaps_asked: bool, also: AlsoOf) -> Returns:
        """Ask the gateway for a refund that is held, merge what it says, and write ``also`` with it.

        ``perhaps_asked``: it may have been asked for before. Where the gateway did not say, the refund stays
        open (``is_open``) and ``also`` is not written. Raises Problem when the gateway refused (its amount is
        free again), and GatewayError when nothing happened and the same can be asked again.
        """
        try:
            told = self._told(order, perhaps_asked=perhaps_asked)
            heard = refund_from(
                told, observed_at=int(self.clock.now().timestamp()), request_id=order.refund_id
            )
        except GatewayRejected as no:
            self.logger.warning("the gateway refused a refund", reason=no.detail.reason, status=no.status)
            problem = problem_of_gateway(no.detail)
            self._change(
                order,
                replace(order.line, action="refunds.refused", code=problem.kind.code),
                lambda returns: _with_book(returns, refused(returns.book, order.refund_id)),
                lambda returns: also(returns, problem),
            )
            raise problem from None
        except (GatewayOutcomeUnknown, StatusNotKnown) as unknown:
            self.logger.warning("the outcome of a refund is unknown", reason=type(unknown).__name__)
            return self._change(
                order,
                replace(order.line, action="refunds.unanswered"),
                lambda returns: _with_book(returns, unanswered(returns.book, order.refund_id)),
                # An event of the gateway may have told meanwhile.
                lambda returns: () if is_open(returns, order.refund_id) else also(returns, None),
            )
        return self._change(
            order,
            replace(
                order.line, action="refunds.answered", details={"gateway_refund_id": heard.gateway_refund_id}
            ),
            lambda returns: _with_book(returns, hear(returns.book, heard)),
            lambda returns: also(returns, None),
        )

    def answer(self, order: RefundOrder, also: AlsoOf) -> Returns:
        """Write ``also`` for a refund that the gateway's events have told of already."""
        return self._change(
            order,
            replace(order.line, action="refunds.answered"),
            lambda returns: returns,
            lambda returns: also(returns, None),
        )

    def _told(self, order: RefundOrder, *, perhaps_asked: bool) -> GatewayRefund:
        speed: Literal["normal", "optimum"] = "optimum" if order.terms.speed == "optimum" else "normal"
        try:
            return self.gateway.create_refund(
                order.gateway_payment_id,
                amount_paise=order.amount_paise,
                idempotency_key=order.refund_id,
                speed=speed,
                receipt=order.refund_id,
            )
        except GatewayRejected:
            if not perhaps_asked:
                raise
            # It may refuse only because it forgot the key of a refund that it has made: look before giving
            # the amount free.
            found = self._found(order)
            if found is None:
                raise
            return found

    def _found(self, order: RefundOrder) -> GatewayRefund | None:
        """The refund at the gateway, by its receipt. Raises GatewayOutcomeUnknown when nobody can tell."""
        try:
            skip = 0
            while True:
                page = self.gateway.list_payment_refunds(order.gateway_payment_id, skip=skip, count=PAGE_MAX)
                for refund in page.items:
                    if refund.receipt == order.refund_id:
                        return refund
                if page.is_last:
                    return None
                skip += PAGE_MAX
        except GatewayError as error:
            raise GatewayOutcomeUnknown(
                "its refunds could not be listed", gateway="razorpay", operation=error.operation
            ) from None

    def _change(
        self,
        order: RefundOrder,
        line: AuditLine,
        decide: Decide,
        also: Callable[[Returns], Sequence[AlsoIn]],
        *,
        always: bool = True,
    ) -> Returns:
        """Change the returns by ``decide`` and write ``also`` with it; unless ``always``, not without a
        change."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            payment = self._payment(order)
            attempt = payment.attempts[order.gateway_payment_id]
            found = self.recorder.repository.returns.get(order.payment_id, order.gateway_payment_id)
            before = found or no_returns(payment, attempt)
            after = decide(followed(before, attempt))
            more = also(after)
            if after == before and not (always and more):
                return before
            try:
                self.recorder.record(payment, payment, line, returns=ReturnsChange(before, after), also=more)
            except PaymentChanged:
                continue
            return after
        raise Problem(CONCURRENT_CHANGE, "The payment's refunds kept changing.", retry_after_s=1)

    def _payment(self, order: RefundOrder) -> Payment:
        payment = self.recorder.repository.get(order.payment_id)
        if payment is None:
            raise LookupError("a payment that is refunded is never removed")
        return payment


def is_open(returns: Returns, refund_id: str) -> bool:
    """Whether the gateway is still to be asked for a refund: it is held, and nothing is known of it."""
    return any(request.request_id == refund_id for request in open_requests(returns.book))


def _refundable_paise(returns: Returns) -> int:
    now = totals(returns)
    gone_paise = now.refunded_paise + now.pending_paise + now.disputed_paise
    return max(0, returns.book.captured_paise - gone_paise)


def _with_book(returns: Returns, book: RefundBook) -> Returns:
    return returns.model_copy(update={"book": book})
