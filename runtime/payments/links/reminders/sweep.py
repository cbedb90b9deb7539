"""Payers whom a schedule asks to be reminded: found by the index of what is due.

The gateway is asked first, so that nobody is reminded of what is paid, or has ended, although its event never
came; what it says is merged as the event would be. A sweep may be repeated and may run beside another.
"""

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from runtime.gateways.errors import GatewayError, GatewayRejected, GatewayThrottled
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.gateway_view import StatusNotKnown, attempt_from
from runtime.payments.links.applier import LinkEvents
from runtime.payments.links.book import LinkChanged
from runtime.payments.links.gateway_view import link_state_from
from runtime.payments.links.model import PaymentLink
from runtime.payments.links.parts import record_part
from runtime.payments.links.reminders.making import put_reminded
from runtime.payments.links.reminders.model import Occasion
from runtime.payments.links.reminders.policy import policy_at
from runtime.payments.links.reminders.rules import ended_unasked, is_due, with_reminder, without_more
from runtime.payments.metrics import LINK_REMINDED
from runtime.payments.recorder import PaymentRecorder
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.clock import Clock
from runtime.platform.metrics import UNHEARD, Metrics

ACTOR = "link-reminder"
SILENCES_MAX = 3
"""So many failed calls in a row mean that the gateway is away; the next sweep tries again."""


@dataclass(slots=True)
class ReminderReport:
    """What a sweep did; ``finished`` when nothing that was due is left but what failed."""

    looked_at: int = 0
    reminded: int = 0
    failed: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class ReminderSweep:
    """Decides on the reminders that are due."""

    recorder: PaymentRecorder
    gateway: RazorpayClient
    clock: Clock
    logger: Logger
    metrics: Metrics = UNHEARD

    def sweep(self, *, request_id: str, may_go_on: Callable[[], bool]) -> ReminderReport:
        """Decide on what is due, the longest due first, as long as ``may_go_on`` says so; at night on
        nothing. That one payer cannot be reminded must not hold up the others."""
        report, silences, now = ReminderReport(), 0, self.clock.now()
        if not policy_at(now).may_decide(now):
            report.finished = True
            return report
        for link_id in self.recorder.links.links.due(now):
            if not may_go_on() or silences >= SILENCES_MAX:
                return report
            report.looked_at += 1
            try:
                report.reminded += self._remind(link_id, request_id)
                silences = 0
            except LinkChanged:
                continue  # whoever was faster wins; the next sweep looks again
            except GatewayError as error:
                report.failed += 1
                self.logger.warning(
                    "a link could not be asked about", link_id=link_id, gateway_error=error.code
                )
                if isinstance(error, GatewayThrottled):
                    return report
                silences += 0 if isinstance(error, GatewayRejected) else 1
            except Exception:
                report.failed += 1
                self.logger.exception("a payer could not be reminded", link_id=link_id)
        report.finished = True
        return report

    def _remind(self, link_id: str, request_id: str) -> bool:
        """Whether the payer of a link is reminded. Raises GatewayError."""
        book = self.recorder.links
        link = book.links.get(link_id)
        if link is None:
            return False
        if ended_unasked(link, self.clock.now()):
            book.put(link, without_more(link), _line(link, "links.reminders.end", request_id))
            return False
        if not is_due(link, self.clock.now()):
            return False
        link = self._asked(link, _line(link, "links.sweep", request_id))
        if link is None or not is_due(link, self.clock.now()):
            return False
        after = with_reminder(link, Occasion.PLANNED, self.clock.now())
        number = len(after.reminders.made)
        line = _line(link, "links.remind", request_id, number=number, due_paise=link.due_paise)
        put_reminded(book, link, after, line)
        self.metrics.count(LINK_REMINDED, Occasion.PLANNED.value)
        return True

    def _asked(self, link: PaymentLink, line: AuditLine) -> PaymentLink | None:
        """The link after what the gateway says of it; None where it counts more money than its payments show,
        for then nobody knows what is due. Raises GatewayError."""
        if link.gateway_link_id is not None:
            found = self.gateway.get_payment_link(link.gateway_link_id)
        elif (looked_for := self.gateway.find_payment_link(link.link_id)) is not None:
            found = looked_for
        else:
            return None
        events = LinkEvents(self.recorder.repository, self.recorder.links, self.clock)
        link = events.hear(link, link_state_from(found), line) or link
        if (found.amount_paid or 0) <= link.captured_paise:
            return link
        for payment in self.gateway.list_order_payments(link.order_id) if link.order_id else ():
            try:
                attempt = attempt_from(payment, observed_at=int(self.clock.now().timestamp()))
            except StatusNotKnown as unknown:
                self.logger.error("the gateway uses a status that is not documented", status=str(unknown))
                continue
            record_part(self.recorder, link, attempt, line)
        link = self.recorder.links.links.get(link.link_id) or link
        return link if (found.amount_paid or 0) <= link.captured_paise else None


def _line(link: PaymentLink, action: str, request_id: str, **details: int) -> AuditLine:
    return AuditLine(
        actor_id=ACTOR,
        action=action,
        subject=link.link_id,
        outcome=Outcome.DONE,
        request_id=request_id,
        school_id=link.school_id,
        details=details,
    )
