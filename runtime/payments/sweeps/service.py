"""The sweep: open payments and refunds are asked about at the gateway, so that events which never came are
found.

What the gateway says is merged by the rules that webhooks are merged by, so that a sweep and an event may
meet in any order. A sweep may be repeated and may run beside another; it does what time allows and the next
one goes on from there.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError, GatewayRejected, GatewayThrottled
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.metrics import SWEPT_RESOLVED, SWEPT_STILL_OPEN, SWEPT_TOO_LONG
from runtime.payments.model import Payment
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.returns.model import Returns
from runtime.payments.sweeps.merging import Merger
from runtime.payments.sweeps.refunds import RefundLook
from runtime.payments.sweeps.repository import OpenPayments
from runtime.payments.sweeps.rules import (
    LANES,
    Lane,
    Open,
    is_open,
    is_open_too_long,
    is_resolved,
    with_order,
    without_order,
)
from runtime.platform.clock import Clock
from runtime.platform.metrics import UNHEARD, Metrics

ACTOR = "sweeper"
PAGE_SIZE = 25
SILENCES_MAX = 3
"""So many failed calls in a row mean that the gateway is away; the next sweep tries again."""


class GatewayAway(Exception):
    """The gateway does not want to be asked, or does not answer: this sweep ends here."""


@dataclass(slots=True)
class SweepReport:
    """What a sweep did; ``finished`` when every lane came to its end. What failed and still has is looked at,
    and is neither resolved nor open."""

    looked_at: int = 0
    resolved: int = 0
    still_open: int = 0
    failed: int = 0
    finished: bool = False


@dataclass(slots=True)
class _Run:
    """A sweep under way."""

    request_id: str
    may_go_on: Callable[[], bool]
    report: SweepReport = field(default_factory=SweepReport)
    silences: int = 0


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Looks at open payments and returns."""

    payments: OpenPayments
    recorder: PaymentRecorder
    gateway: RazorpayClient
    clock: Clock
    logger: Logger
    metrics: Metrics = UNHEARD

    @property
    def merger(self) -> Merger:
        """How what the gateway says is merged."""
        return Merger(self.recorder, self.clock, self.logger, ACTOR)

    def sweep(self, *, request_id: str, may_go_on: Callable[[], bool]) -> SweepReport:
        """Look at open payments, from every lane in turn, as long as ``may_go_on`` says so."""
        run = _Run(request_id, may_go_on)
        lanes = list(LANES)
        try:
            while lanes and may_go_on():
                lanes = [lane for lane in lanes if self._page(lane, run)]
            run.report.finished = not lanes
        except GatewayAway:
            self.logger.warning("the gateway is away; the next sweep goes on")
        return run.report

    def _page(self, lane: Lane, run: _Run) -> bool:
        """Look at a page of a lane; whether the lane holds more."""
        position = self.payments.position(lane)
        page = self.payments.page(lane, lane.bounds(self.clock.now()), position, PAGE_SIZE)
        looked_at = 0
        try:
            for place, found in page.found:
                if not run.may_go_on():
                    break
                self._look(found, run)
                position, looked_at = place, looked_at + 1
        finally:
            at_the_end = page.is_last and looked_at == len(page.found)
            self.payments.keep(lane, None if at_the_end else position)
        return not at_the_end

    def _look(self, payment: Open, run: _Run) -> None:
        """Look at one payment or its returns. That one cannot be looked at must not hold up the others."""
        run.report.looked_at += 1
        after = payment
        try:
            if isinstance(payment, Returns):
                after = RefundLook(self.merger, self.gateway).look(payment, run.request_id)
            else:
                after = self._asked(payment, run.request_id)
            run.silences = 0
        except GatewayError as error:
            run.report.failed += 1
            self.logger.warning(
                "a payment could not be asked about", payment_id=payment.payment_id, gateway_error=error.code
            )
            run.silences += 0 if isinstance(error, GatewayRejected) else 1
            if isinstance(error, GatewayThrottled) or run.silences >= SILENCES_MAX:
                raise GatewayAway from None
        except Exception:
            run.report.failed += 1
            self.logger.exception("a payment could not be swept", payment_id=payment.payment_id)
        finally:
            self._count(payment, after, run.report)

    def _count(self, before: Open, after: Open, report: SweepReport) -> None:
        if is_resolved(before, after):
            report.resolved += 1
            self.metrics.count(SWEPT_RESOLVED)
            return
        if not is_open(after):
            return
        report.still_open += 1
        self.metrics.count(SWEPT_STILL_OPEN)
        if is_open_too_long(after, self.clock.now()):
            self.logger.error("a payment is open for too long", payment_id=after.payment_id)
            self.metrics.count(SWEPT_TOO_LONG)

    def _asked(self, payment: Payment, request_id: str) -> Payment:
        """The payment after all that the gateway says of it. Raises GatewayError."""
        if payment.order_id is None:
            payment = self._find_order(payment, request_id)
        if payment.order_id is None:
            return payment
        for found in self.gateway.list_order_payments(payment.order_id):
            payment = self.merger.merge(payment, found, request_id)
        return payment

    def _find_order(self, payment: Payment, request_id: str) -> Payment:
        """The payment with its order, looked for by its receipt where the making of it was not confirmed."""
        order = self.gateway.find_order_by_receipt(payment.payment_id)
        if order is None:
            return self.merger.change(
                payment, lambda current: without_order(current, self.clock.now()), request_id, "no_order"
            )
        if (order.amount, order.currency) != (payment.amount_paise, payment.currency):
            self.logger.error("the order of a payment is for something else", payment_id=payment.payment_id)
            return payment
        return self.merger.change(
            payment,
            lambda current: current if current.order_id else with_order(current, order.id),
            request_id,
            order.id,
        )
