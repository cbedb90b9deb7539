"""A reminder becomes part of its link, with its audit line and its event, in one transaction."""

from collections.abc import Callable

from runtime.payments.links.book import LinkBook
from runtime.payments.links.model import PaymentLink
from runtime.payments.links.reminders.events import reminder_event
from runtime.payments.links.reminders.model import Occasion
from runtime.payments.links.reminders.rules import with_reminder
from runtime.platform.audit import AuditLine
from runtime.platform.dynamodb import Transaction


def make_reminder(
    book: LinkBook,
    link: PaymentLink,
    occasion: Occasion,
    line: AuditLine,
    *,
    also: Callable[[PaymentLink, Transaction], None] | None = None,
) -> PaymentLink:
    """Decide that the payer of ``link`` is reminded now, and give the link as stored; ``also`` writes more,
    given the link with its reminder. Raises LinkChanged, and nothing is written."""
    after = with_reminder(link, occasion, book.clock.now())

    def with_it(transaction: Transaction) -> None:
        book.outbox.add_in(transaction, reminder_event(after))
        if also is not None:
            also(after, transaction)

    return book.put(link, after, line, also=with_it)
