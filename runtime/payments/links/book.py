"""Links as they become known: the gateway tells of a link, its payments of what was paid, in either order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.ledger.journal import Journal
from runtime.payments.links.events import link_event
from runtime.payments.links.model import LinkState, PaymentLink
from runtime.payments.links.repository import LABELS, LinkRepository
from runtime.payments.links.rules import count_payment, hear_link, surplus_entry
from runtime.payments.model import Payment
from runtime.platform.audit import AuditLine, AuditTrail
from runtime.platform.clock import Clock, business_date
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class LinkChanged(Exception):
    """Somebody changed the link after it was read. Read it again and decide anew."""


@dataclass(frozen=True, slots=True)
class LinkBook:
    """Writes links: alone when the gateway tells of one, with a payment when one of theirs changes."""

    client: "DynamoDBClient"
    links: LinkRepository
    journal: Journal
    audit: AuditTrail
    outbox: Outbox
    clock: Clock

    def put(
        self,
        before: PaymentLink | None,
        after: PaymentLink,
        line: AuditLine,
        *,
        also: Callable[[Transaction], None] | None = None,
    ) -> PaymentLink:
        """Write ``after`` in place of ``before`` with its audit line, its event and the write ``also``.

        Raises LinkChanged when somebody was faster.
        """
        transaction = Transaction(self.client)
        stored = self._put_in(transaction, before, after)
        self.audit.append_in(transaction, line)
        if also is not None:
            also(transaction)
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if LABELS.intersection(failed.labels):
                raise LinkChanged(after.link_id) from None
            raise
        return stored

    def hear(
        self,
        link: PaymentLink,
        heard: LinkState,
        line: AuditLine,
        *,
        also: Callable[[Transaction], None] | None = None,
    ) -> PaymentLink | None:
        """Merge what the gateway says of ``link`` and give it as stored; None, and nothing written, not even
        ``also``, where that is no news. Raises LinkChanged."""
        after = hear_link(link, heard)
        return None if after is link else self.put(link, after, line, also=also)

    def count_in(self, transaction: Transaction, before: Payment | None, after: Payment) -> None:
        """Let the link of a payment count what changed of it, in the transaction that changes the payment.

        Raises LookupError for a link that is not there: a payment of a link is only made from the link.
        """
        if after.link_id is None:
            return
        link = self.links.get(after.link_id)
        if link is None:
            raise LookupError("the link of a payment does not exist")
        counted = count_payment(link, before, after)
        if counted is not link:
            self._put_in(transaction, link, counted)

    def _put_in(
        self, transaction: Transaction, before: PaymentLink | None, after: PaymentLink
    ) -> PaymentLink:
        now = self.clock.now()
        stored = self.links.put_in(transaction, before, after, now)
        entry = surplus_entry(before, stored, business_date(now)) if before is not None else None
        if entry is not None:
            self.journal.post_in(transaction, entry)
        event = link_event(before, stored)
        if event is not None:
            self.outbox.add_in(transaction, event)
        return stored
