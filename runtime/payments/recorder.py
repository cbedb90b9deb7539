"""One change of a payment, written whole: the state, its journal lines, the audit line and the event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.ledger.journal import Journal
from runtime.ledger.model import JournalEntry
from runtime.payments.accounting import entries_due
from runtime.payments.events import attempt_event, status_event
from runtime.payments.links.book import LinkBook
from runtime.payments.links.repository import LABELS as LINK_LABELS
from runtime.payments.methods.repository import LABELS as TOKEN_LABELS
from runtime.payments.methods.tokens import TokenBook
from runtime.payments.metrics import BY_STATUS, CREATED, TIME_TO_CAPTURE
from runtime.payments.model import Attempt, Payment, PaymentStatus
from runtime.payments.plans.book import PlanBook
from runtime.payments.plans.repository import LABELS as PLAN_LABELS
from runtime.payments.repository import LABEL_PAYMENT, LABEL_RETRY, PaymentRepository
from runtime.payments.returns.accounting import booked, surplus_entry
from runtime.payments.returns.events import counted_as, return_events
from runtime.payments.returns.model import ReturnsChange
from runtime.payments.returns.repository import LABEL_RETURNS
from runtime.payments.returns.rules import followed, no_returns, totals
from runtime.payments.splits.book import SplitBook
from runtime.payments.splits.repository import LABELS as SPLIT_LABELS
from runtime.platform.audit import AuditLine, AuditTrail
from runtime.platform.clock import Clock, business_date, from_iso, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction
from runtime.platform.ids import Ids
from runtime.platform.metrics import UNHEARD, Metrics
from runtime.platform.outbox import DomainEvent, Outbox
from runtime.platform.settings import PaymentStoreSettings

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

AlsoIn = Callable[[Transaction], None]

_STALE = {
    *(LABEL_PAYMENT, LABEL_RETRY, LABEL_RETURNS),
    *(*TOKEN_LABELS, *LINK_LABELS, *PLAN_LABELS, *SPLIT_LABELS),
}
"""The writes whose condition fails where somebody was faster."""


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
    tokens: TokenBook
    metrics: Metrics = UNHEARD

    @classmethod
    def over(
        cls,
        client: "DynamoDBClient",
        settings: PaymentStoreSettings,
        *,
        clock: Clock,
        ids: Ids,
        metrics: Metrics,
    ) -> "PaymentRecorder":
        """A recorder over the tables that a function's settings name."""
        audit = AuditTrail(client, settings.audit_table, clock, ids)
        outbox = Outbox(settings.outbox_table, clock, ids)
        return cls(
            client=client,
            repository=PaymentRepository(client, settings.payments_table),
            journal=Journal(client, settings.ledger_table, clock),
            audit=audit,
            outbox=outbox,
            clock=clock,
            tokens=TokenBook.over(
                client, settings.payment_methods_table, audit=audit, outbox=outbox, clock=clock
            ),
            metrics=metrics,
        )

    @property
    def links(self) -> LinkBook:
        """The payment links: each changes in the transaction of its payments."""
        return LinkBook(self.client, self.repository.links, self.journal, self.audit, self.outbox, self.clock)

    @property
    def plans(self) -> PlanBook:
        """The instalment plans: each receives a payment in the transaction that books it."""
        return PlanBook(self.client, self.repository.plans, self.audit, self.outbox, self.clock)

    @property
    def splits(self) -> SplitBook:
        """The splits between linked accounts: their shares follow the returns of their payment."""
        return SplitBook(
            self.client, self.repository.splits, self.journal, self.audit, self.outbox, self.clock
        )

    def record(
        self,
        before: Payment | None,
        after: Payment,
        line: AuditLine,
        *,
        attempt: Attempt | None = None,
        returns: ReturnsChange | None = None,
        also: Sequence[AlsoIn] = (),
    ) -> Payment:
        """Write ``after`` in place of ``before`` and give it as stored.

        ``line`` is the audit line, ``attempt`` the one that brought the change, ``returns`` what changes of
        its refunds and disputes, and ``also`` further writes that must happen with it or not at all. Raises
        PaymentChanged when ``before`` is stale.
        """
        now = self.clock.now()
        entries = list(entries_due(after, business_date(now)))
        stored = after.model_copy(
            update={
                "version": (before.version if before else 0) + 1,
                "updated_at": iso(now),
                "journal": (*after.journal, *(entry.entry_id for entry in entries)),
            }
        )
        change = returns or self._following(stored, attempt)
        if change is not None:
            stored, change, more = self._with_returns(stored, change)
            entries.extend(more)
        surplus = surplus_entry(stored, business_date(now))
        if surplus is not None:
            stored = stored.model_copy(update={"journal": (*stored.journal, surplus.entry_id)})
            entries.append(surplus)
        transaction = Transaction(self.client)
        self.repository.put_in(transaction, stored)
        if change is not None and change.after != change.before:
            self.repository.returns.put_in(
                transaction, change.before, change.after, updated_at=stored.updated_at
            )
            for told in return_events(stored, change):
                self.outbox.add_in(transaction, told)
        if change is not None and change.after.book.gateway_payment_id in stored.splits:
            self.splits.follow_in(transaction, change.after)
        if stored.order_id is not None and (before is None or before.order_id is None):
            self.repository.point_in(transaction, stored.order_id, stored.payment_id)
        for entry in entries:
            self.journal.post_in(transaction, entry)
        self.audit.append_in(transaction, line)
        if (event := _news(before, stored, attempt)) is not None:
            self.outbox.add_in(transaction, event)
        if attempt is not None:
            self.tokens.attach_in(transaction, stored, attempt)
        self.links.count_in(transaction, before, stored)
        self.plans.take_in(transaction, before, stored, change.after.book if change is not None else None)
        for write in also:
            write(transaction)
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if _STALE.intersection(failed.labels):
                raise PaymentChanged(after.payment_id) from None
            raise
        self._count(before, stored, attempt, change)
        return stored

    def _following(self, stored: Payment, attempt: Attempt | None) -> ReturnsChange | None:
        """The returns that a word about an attempt may concern: there are some, or the gateway says so."""
        if attempt is None:
            return None
        known = stored.attempts.get(attempt.gateway_payment_id)
        if known is None or not (known.amount_refunded_paise or known.gateway_payment_id in stored.returns):
            return None
        found = self.repository.returns.get(stored.payment_id, known.gateway_payment_id)
        before = found or no_returns(stored, known)
        return ReturnsChange(before, before)

    def _with_returns(
        self, stored: Payment, change: ReturnsChange
    ) -> tuple[Payment, ReturnsChange, tuple[JournalEntry, ...]]:
        """The payment and the returns as they are to be written together, and the entries that are due."""
        gateway_payment_id = change.after.book.gateway_payment_id
        after = followed(change.after, stored.attempts[gateway_payment_id])
        after, entries = booked(after, stored, business_date(self.clock.now()))
        returned = stored.returns | {gateway_payment_id: totals(after)}
        return (
            stored.model_copy(update={"returns": dict(sorted(returned.items()))}),
            ReturnsChange(change.before, after),
            entries,
        )

    def _count(
        self, before: Payment | None, stored: Payment, attempt: Attempt | None, change: ReturnsChange | None
    ) -> None:
        """Count what has happened, once it is written."""
        if before is None:
            self.metrics.count(CREATED)
        for metric in counted_as(change) if change is not None else ():
            self.metrics.count(metric)
        if (before is None or before.status is not stored.status) and stored.status in BY_STATUS:
            self._count_status(stored, attempt)

    def _count_status(self, stored: Payment, attempt: Attempt | None) -> None:
        """Count a status that a payment has reached."""
        label: str | None = None
        if stored.status is PaymentStatus.CAPTURED:
            label = attempt.method if attempt else None
            waited = from_iso(stored.updated_at) - from_iso(stored.created_at)
            self.metrics.duration(TIME_TO_CAPTURE, int(waited.total_seconds() * 1000))
        elif stored.status is PaymentStatus.FAILED:
            label = attempt.error_source if attempt else None
        self.metrics.count(BY_STATUS[stored.status], label)


def _news(before: Payment | None, stored: Payment, attempt: Attempt | None) -> DomainEvent | None:
    """The event of a change: of the payment's new status, or else of an attempt that failed beside it."""
    if before is None:
        return status_event(stored, attempt)
    if before.status is not stored.status:
        known = before.attempts.get(attempt.gateway_payment_id) if attempt else None
        return status_event(stored, attempt, known=known)
    return attempt_event(before, stored, attempt) if attempt else None
