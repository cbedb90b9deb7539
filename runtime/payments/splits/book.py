"""Splits as they change: the record, its journal entries, and the news, written together.

The shares of a split change with the returns of its payment, in their transaction. What the gateway says of
its transfers changes the split alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from runtime.ledger.accounts import school_payable
from runtime.ledger.journal import Journal
from runtime.ledger.model import JournalEntry
from runtime.payments.returns.model import Returns
from runtime.payments.splits import events
from runtime.payments.splits.accounting import transfer_entries_due
from runtime.payments.splits.record import SplitRecord, TransferStatus
from runtime.payments.splits.repository import LABELS, SplitRepository
from runtime.payments.splits.shares import follow
from runtime.payments.splits.targets import next_look
from runtime.platform.audit import AuditLine, AuditTrail
from runtime.platform.clock import Clock, business_date, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.outbox import Outbox

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


AlsoIn = Callable[[Transaction], None]


class SplitChanged(Exception):
    """Somebody changed the split after it was read. Read it again and decide anew."""


@dataclass(frozen=True, slots=True)
class SplitBook:
    """Writes splits."""

    client: "DynamoDBClient"
    splits: SplitRepository
    journal: Journal
    audit: AuditTrail
    outbox: Outbox
    clock: Clock

    def follow_in(self, transaction: Transaction, returns: Returns) -> None:
        """Let the shares of a split follow the returns of its payment, in the transaction that writes these.

        Raises LookupError for a split that is not there: a payment names one only once it is.
        """
        record = self.splits.get(returns.payment_id, returns.book.gateway_payment_id)
        if record is None or record.split is None:
            raise LookupError("the split of a payment does not exist")
        after, entries = self.followed(record, returns)
        if after is not record:
            self.put_in(transaction, record, after, entries)

    def followed(self, record: SplitRecord, returns: Returns) -> tuple[SplitRecord, tuple[JournalEntry, ...]]:
        """A split with the shares that its payment's returns leave, and the entries of the change; the same
        object where nothing changed."""
        if record.split is None:
            return record, ()
        now = self.clock.now()
        split, entries = follow(
            record.split,
            returns,
            record.journal,
            owed=school_payable(record.school_id),
            business_day=business_date(now),
        )
        if not entries:
            return record, ()
        journal = (*record.journal, *(entry.entry_id for entry in entries))
        return record.model_copy(update={"split": split, "journal": journal}), entries

    def put_in(
        self,
        transaction: Transaction,
        before: SplitRecord | None,
        after: SplitRecord,
        entries: Sequence[JournalEntry] = (),
    ) -> SplitRecord:
        """Write ``after`` in place of ``before``, with ``entries`` (named in its journal already), those that
        its transfers call for, and the news; gives it as stored.

        Whatever changes what is to be done at the gateway makes the split due at once.
        """
        now = self.clock.now()
        due: list[JournalEntry] = []
        for transfer in after.transfers.values():
            due.extend(
                transfer_entries_due(
                    transfer,
                    after.journal,
                    business_date(now),
                    gateway_payment_id=after.gateway_payment_id,
                )
            )
        journal = (*after.journal, *(entry.entry_id for entry in due))
        after = self._with_due(before, after.model_copy(update={"journal": journal}), now)
        for entry in (*entries, *due):
            self.journal.post_in(transaction, entry)
        self._tell_in(transaction, before, after)
        return self.splits.put_in(transaction, after, now)

    def put(
        self,
        before: SplitRecord,
        after: SplitRecord,
        line: AuditLine | None,
        *,
        also: Sequence[AlsoIn] = (),
    ) -> SplitRecord:
        """Write ``after`` by itself, with its audit line (None for what is nobody's news) and ``also``.

        Raises SplitChanged when somebody was faster.
        """
        transaction = Transaction(self.client)
        stored = self.put_in(transaction, before, after)
        if line is not None:
            self.audit.append_in(transaction, line)
        for write in also:
            write(transaction)
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if LABELS.intersection(failed.labels):
                raise SplitChanged(after.payment_id) from None
            raise
        return stored

    @staticmethod
    def _with_due(before: SplitRecord | None, after: SplitRecord, now: datetime) -> SplitRecord:
        """The record with the moment of its next look, where what is to be done may have changed."""
        if before is not None and _at_the_gateway(before) == _at_the_gateway(after):
            return after
        look = next_look(after, now)
        return after.model_copy(update={"due_at": None if look is None else iso(look)})

    def _tell_in(self, transaction: Transaction, before: SplitRecord | None, after: SplitRecord) -> None:
        now = iso(self.clock.now())
        if before is None or before.split != after.split or before.unsplit != after.unsplit:
            if after.split is None:
                self.outbox.add_in(transaction, events.split_event(events.SPLIT_REFUSED, after))
            elif before is None or before.split is None:
                self.outbox.add_in(transaction, events.split_event(events.SPLIT, after))
        was_due = before is not None and before.due_at is not None and before.due_at <= now
        if after.due_at is not None and after.due_at <= now and not was_due and after.lease_until is None:
            self.outbox.add_in(transaction, events.split_event(events.SPLIT_DUE, after))
        known = before.transfers if before is not None else {}
        for transfer in after.transfers.values():
            former = known.get(transfer.transfer_id)
            failed = transfer.status is TransferStatus.FAILED
            if failed and (former is None or former.status is not TransferStatus.FAILED):
                self.outbox.add_in(transaction, events.transfer_failed(after, transfer))
        for name, refusal in after.refusals.items():
            if not refusal.passes and (before is None or before.refusals.get(name) != refusal):
                self.outbox.add_in(transaction, events.transfer_refused(after, name, refusal.code))


def _at_the_gateway(record: SplitRecord) -> tuple[object, ...]:
    """All that decides what is to be done at the gateway."""
    return (
        *(record.split, record.transfers, record.released, record.forgiven, record.refusals),
        *(record.looks, record.quiet_until, record.lease_until),
    )
