"""A reminder becomes part of its link, with its audit line and its event, in one transaction."""

from collections.abc import Callable

from runtime.payments.links.book import LinkBook
from runtime.payments.links.model import PaymentLink
from runtime.payments.links.reminders.events import reminder_event
from runtime.platform.audit import AuditLine
from runtime.platform.dynamodb import Transaction


def put_reminded(
    book: LinkBook,
    before: PaymentLink,
    after: PaymentLink,
    line: AuditLine,
    *,
    also: Callable[[Transaction], None] | None = None,
) -> None:
    """Write ``after``, which has one reminder more, in place of ``before`` and tell of that reminder, with
    the write ``also``. Raises LinkChanged, and nothing is written."""

    def with_event(transaction: Transaction) -> None:
        book.outbox.add_in(transaction, reminder_event(after))
        if also is not None:
            also(transaction)

    book.put(before, after, line, also=with_event)
