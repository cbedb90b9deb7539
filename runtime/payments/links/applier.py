"""What the gateway's events say of payment links: whose link, what became of it, which payment came of it."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.gateways.razorpay.webhooks import WebhookEvent
from runtime.payments.links.book import LinkBook, LinkChanged
from runtime.payments.links.model import LinkState, PaymentLink
from runtime.payments.links.rules import brings_money, part_id, part_of
from runtime.payments.model import Attempt, Payment
from runtime.payments.repository import PaymentRepository
from runtime.payments.rules import hear
from runtime.platform.audit import AuditLine
from runtime.platform.clock import Clock, iso
from runtime.platform.dynamodb import Transaction
from runtime.platform.errors import CONCURRENT_CHANGE, Problem
from runtime.platform.ids import is_id

LINK_EVENTS = frozenset(f"payment_link.{what}" for what in ("paid", "partially_paid", "cancelled", "expired"))
"""The events that say something about a payment link. The first two bring a payment with them."""

CHANGE_ATTEMPTS_MAX = 5


class LinkMismatch(Exception):
    """The gateway has another link under our reference, which it promises never to have."""


@dataclass(frozen=True, slots=True)
class LinkEvents:
    """Finds the link that an event speaks of, and merges what it says."""

    repository: PaymentRepository
    book: LinkBook
    clock: Clock

    def link_of(self, event: WebhookEvent) -> PaymentLink | None:
        """The link that the event speaks of: by its own reference, by the receipt of the order behind it
        (both are our identifier), or by that order, once it is known. None when it is none of ours."""
        references = (
            event.payment_link.reference_id if event.payment_link else None,
            event.order.receipt if event.order else None,
        )
        for reference in references:
            link = self.book.links.get(reference) if reference and is_id(reference, "plk") else None
            if link is not None:
                return link
        order_ids = (
            event.payment.order_id if event.payment else None,
            event.order.id if event.order else None,
        )
        for order_id in filter(None, order_ids):
            link = self.book.links.get_by_order(order_id)
            if link is not None:
                return link
        return None

    def hear(
        self,
        link: PaymentLink,
        heard: LinkState,
        line: AuditLine,
        *,
        also: Callable[[Transaction], None] | None = None,
    ) -> PaymentLink | None:
        """Merge what the gateway says of ``link`` and give it as stored; None, and nothing written, not even
        ``also``, where that is no news. Raises LinkMismatch, and Problem ``concurrent-change``."""
        current: PaymentLink | None = link
        for _ in range(CHANGE_ATTEMPTS_MAX):
            if current is None:
                break
            if current.gateway_link_id not in (None, heard.gateway_link_id):
                raise LinkMismatch(link.link_id)
            try:
                return self.book.hear(current, heard, line, also=also)
            except LinkChanged:
                current = self.book.links.get(link.link_id)
        raise Problem(CONCURRENT_CHANGE, "The link kept changing.", retry_after_s=1)

    def payment_of(self, link: PaymentLink, attempt: Attempt) -> tuple[Payment | None, Payment | None]:
        """The payment that an attempt to pay ``link`` is: as it is stored and as it is with the attempt. Both
        are the same where nothing changes; both None for an attempt that never brought money."""
        before = self.repository.get(part_id(link.link_id, attempt.gateway_payment_id))
        if before is not None:
            return before, hear(before, attempt)
        if not brings_money(attempt):
            return None, None
        return None, hear(part_of(link, attempt, iso(self.clock.now())), attempt)
