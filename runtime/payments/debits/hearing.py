"""What the gateway's events mean for debits: notices, downtimes, and news that wakes a plan.

Everything here is a write within the transaction that marks the event as applied. A wake-up is that, too: a
failure and the planning that it starts cannot be torn apart by a crash.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from runtime.gateways.razorpay.models import Downtime, OrderNotification
from runtime.payments.debits.downtimes import DowntimeBook
from runtime.payments.debits.model import NoticeState, RetryRecord
from runtime.payments.debits.repository import RetryRepository
from runtime.payments.debits.rules import hear_notice
from runtime.payments.model import Payment
from runtime.payments.recorder import AlsoIn, PaymentChanged, PaymentRecorder
from runtime.payments.repository import LABEL_RETRY
from runtime.platform.audit import AuditLine
from runtime.platform.clock import Clock, iso
from runtime.platform.dynamodb import ConditionFailed, Transaction

NOTICE_EVENTS = {
    "order.notification.delivered": NoticeState.DELIVERED,
    "order.notification.failed": NoticeState.FAILED,
}
DOWNTIME_EVENTS = frozenset(
    {"payment.downtime.started", "payment.downtime.updated", "payment.downtime.resolved"}
)


@dataclass(frozen=True, slots=True)
class DebitHearing:
    """Hears events on behalf of the debits."""

    recorder: PaymentRecorder
    retries: RetryRepository
    downtimes: DowntimeBook
    clock: Clock

    @classmethod
    def over(cls, recorder: PaymentRecorder) -> "DebitHearing":
        """A hearing over the tables of a recorder."""
        client, clock = recorder.client, recorder.clock
        return cls(
            recorder,
            RetryRepository(client, recorder.repository.table),
            DowntimeBook(client, recorder.tokens.tokens.table, clock),
            clock,
        )

    def wake_in(self, transaction: Transaction, payment: Payment) -> None:
        """Let a debit be planned anew, since something was heard of its payment. Others are left alone."""
        record = self.retries.get(payment.payment_id) if payment.debit is not None else None
        if record is not None:
            self.retries.put_in(transaction, self._woken(record))

    def hear_notice(
        self, payment: Payment, event: str, heard: OrderNotification, line: AuditLine, also: AlsoIn
    ) -> bool:
        """Merge what is said of a notice, together with the write ``also``; whether it was news.

        Without news nothing is written. Raises PaymentChanged when somebody was faster.
        """
        record = self.retries.get(payment.payment_id)
        if record is None or heard.order_id is None:
            return False
        status = NOTICE_EVENTS[event]
        after = hear_notice(
            record,
            heard.order_id,
            status,
            delivered_at=_moment(heard.delivered_at) or self.clock.now(),
            debit_at=_moment(heard.payment_after),
        )
        if after is record:
            return False
        if status is NoticeState.FAILED:
            after = self._woken(after)
        transaction = Transaction(self.recorder.client)
        self.retries.put_in(transaction, after)
        self.recorder.audit.append_in(
            transaction, replace(line, details={**line.details, "order_id": heard.order_id})
        )
        also(transaction)
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if LABEL_RETRY in failed.labels:
                raise PaymentChanged(payment.payment_id) from None
            raise
        return True

    def hear_downtime(self, downtime: Downtime, also: AlsoIn) -> bool:
        """Keep a downtime, together with the write ``also``; whether it was news."""
        if not self.downtimes.is_news(downtime):
            return False
        transaction = Transaction(self.recorder.client)
        self.downtimes.keep_in(transaction, downtime)
        also(transaction)
        transaction.commit()
        return True

    def _woken(self, record: RetryRecord) -> RetryRecord:
        return record.model_copy(update={"woken": True, "due_at": iso(self.clock.now())})


def _moment(unix_s: int | None) -> datetime | None:
    return None if unix_s is None else datetime.fromtimestamp(unix_s, UTC)
