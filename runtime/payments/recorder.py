"""One change of a payment, written whole: the state, its journal lines, the audit line and the event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.ledger.journal import Journal
from runtime.payments.accounting import entries_due
from runtime.payments.events import status_event
from runtime.payments.model import Attempt, Payment
from runtime.payments.repository import LABEL_PAYMENT, PaymentRepository
from runtime.platform.audit import AuditLine, AuditTrail
from runtime.platform.clock import Clock, business_date, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AlsoIn = Callable[[Transaction], None]


class PaymentChanged(Exception):
    """Somebody changed the payment after it was read. Read it again and decide anew."""


@dataclass(frozen=True, slots=True)
class PaymentRecorder:
    """Writes changes of payments."""

    client: "DynamoDBClient"
    repository: PaymentRepository
    journal: Journal
    audit: AuditTrail
    outbox: Outbox
    clock: Clock

    def record(
        self,
        before: Payment | None,
        after: Payment,
        line: AuditLine,
        *,
        attempt: Attempt | None = None,
        also: Sequence[AlsoIn] = (),
    ) -> Payment:
        """Write ``after`` in place of ``before`` and give it as stored.

        ``line`` is the audit line, ``attempt`` the one that brought the change, and ``also`` further writes
        that must happen with it or not at all. Raises PaymentChanged when ``before`` is stale.
        """
        now = self.clock.now()
        entries = entries_due(after, business_date(now))
        stored = after.model_copy(
            update={
                "version": (before.version if before else 0) + 1,
                "updated_at": iso(now),
                "journal": (*after.journal, *(entry.entry_id for entry in entries)),
            }
        )
        transaction = Transaction(self.client)
        self.repository.put_in(transaction, stored)
        if stored.order_id is not None and (before is None or before.order_id is None):
            self.repository.point_in(transaction, stored.order_id, stored.payment_id)
        for entry in entries:
            self.journal.post_in(transaction, entry)
        self.audit.append_in(transaction, line)
        if before is None or before.status is not stored.status:
            self.outbox.add_in(transaction, status_event(stored, attempt))
        for write in also:
            write(transaction)
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if LABEL_PAYMENT in failed.labels:
                raise PaymentChanged(after.payment_id) from None
            raise
        return stored
