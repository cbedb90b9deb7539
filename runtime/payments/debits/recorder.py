"""One change of a debit, written whole: the retry record, the payment if it changes, audit line and event."""

from collections.abc import Sequence
from dataclasses import dataclass

from runtime.payments.debits.events import retry_event
from runtime.payments.debits.model import RetryRecord
from runtime.payments.debits.repository import RETRY, RetryRepository
from runtime.payments.debits.standing import is_news
from runtime.payments.model import Attempt, Payment
from runtime.payments.recorder import AlsoIn, PaymentChanged, PaymentRecorder
from runtime.payments.repository import LABEL_RETRY
from runtime.platform.audit import AuditLine
from runtime.platform.dynamodb import ConditionFailed, Transaction


@dataclass(frozen=True, slots=True)
class DebitRecorder:
    """Writes changes of debits."""

    payments: PaymentRecorder
    retries: RetryRepository

    def load(self, payment_id: str) -> tuple[Payment, RetryRecord]:
        """A debit's payment and its record, in one call. Raises LookupError for what is no debit."""
        found = self.payments.repository.get_with(payment_id, RETRY)
        if found is None:
            raise LookupError(f"no debit {payment_id}")
        payment, beside = found
        return payment, RetryRecord.model_validate(beside)

    def put(self, after: RetryRecord) -> RetryRecord:
        """Write a change that is news to nobody, such as a lease; gives the record as it is kept then.

        Raises PaymentChanged when somebody was faster.
        """
        transaction = Transaction(self.payments.client)
        self.retries.put_in(transaction, after)
        try:
            transaction.commit()
        except ConditionFailed:
            raise PaymentChanged(after.payment_id) from None
        return after.model_copy(update={"version": after.version + 1})

    def save(
        self,
        payment: Payment,
        before: RetryRecord | None,
        after: RetryRecord,
        line: AuditLine,
        *,
        was: Payment | None = None,
        attempt: Attempt | None = None,
        also: Sequence[AlsoIn] = (),
    ) -> tuple[Payment, RetryRecord]:
        """Write ``after`` in place of ``before``; ``payment`` in place of ``was`` where they differ. Gives
        both as they are kept then.

        What is no news to anybody has neither audit line nor event. Raises PaymentChanged when somebody
        was faster.
        """
        writes: list[AlsoIn] = [lambda transaction: self.retries.put_in(transaction, after), *also]
        news = is_news(before, after)
        kept = after.model_copy(update={"version": after.version + 1})
        if news:
            writes.append(lambda transaction: self._tell_in(transaction, payment, after))
        if payment is not was:
            return self.payments.record(was, payment, line, attempt=attempt, also=writes), kept
        transaction = Transaction(self.payments.client)
        for write in writes:
            write(transaction)
        if news:
            self.payments.audit.append_in(transaction, line)
        try:
            transaction.commit()
        except ConditionFailed as failed:
            if LABEL_RETRY in failed.labels:
                raise PaymentChanged(after.payment_id) from None
            raise
        return payment, kept

    def _tell_in(self, transaction: Transaction, payment: Payment, record: RetryRecord) -> None:
        self.payments.outbox.add_in(transaction, retry_event(payment, record))
