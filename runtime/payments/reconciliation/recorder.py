"""One change of an exception, written whole: its state, its journal entries, the audit line and the event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.ledger.journal import Journal
from runtime.payments.reconciliation.accounting import forced_entries
from runtime.payments.reconciliation.events import opened_event
from runtime.payments.reconciliation.exception_model import ReconciliationException, State
from runtime.payments.reconciliation.repository import LABEL_EXCEPTION, Exceptions, KeptException
from runtime.platform.audit import AuditLine, AuditTrail
from runtime.platform.clock import Clock, business_date
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class ExceptionChanged(Exception):
    """Somebody changed the exception after it was read. Read it again and decide anew."""


@dataclass(frozen=True, slots=True)
class ExceptionRecorder:
    """Writes changes of exceptions."""

    client: "DynamoDBClient"
    exceptions: Exceptions
    journal: Journal
    audit: AuditTrail
    outbox: Outbox
    clock: Clock

    def record(
        self,
        before: ReconciliationException | None,
        after: KeptException,
        line: AuditLine,
        *,
        also: Sequence[Callable[[Transaction], None]] = (),
    ) -> None:
        """Write ``after`` in place of ``before``, together with ``also``.

        Raises ExceptionChanged when ``before`` is stale.

        An exception as it stands has all its entries booked, so what the change calls for is what ``after``
        calls for and ``before`` did not.
        """
        today = business_date(self.clock.now())
        booked = {entry.entry_id for entry in forced_entries(before, (), today)} if before else set()
        transaction = Transaction(self.client)
        self.exceptions.put_in(transaction, after)
        for entry in forced_entries(after.exception, booked, today):
            self.journal.post_in(transaction, entry)
        self.audit.append_in(transaction, line)
        if _is_opened(before, after.exception):
            self.outbox.add_in(transaction, opened_event(after.exception))
        for write in also:
            write(transaction)
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if LABEL_EXCEPTION in failed.labels:
                raise ExceptionChanged(after.exception.exception_id) from None
            raise


def _is_opened(before: ReconciliationException | None, after: ReconciliationException) -> bool:
    if before is None:
        return True
    return before.state is State.RESOLVED and after.state is not State.RESOLVED
