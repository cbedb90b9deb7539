"""What the gateway's events say of transfers, merged in any order, any number of times."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.gateways.razorpay.models import Transfer as GatewayTransfer
from runtime.payments.gateway_view import StatusNotKnown
from runtime.payments.inbox import EventState
from runtime.payments.metrics import SPLIT_STOPPED
from runtime.payments.recorder import AlsoIn, PaymentRecorder
from runtime.payments.splits.book import SplitChanged
from runtime.payments.splits.record import SplitRecord
from runtime.payments.splits.transfers import hear_transfer, newly_failed, transfer_from
from runtime.platform.audit import AuditLine, Outcome
from runtime.platform.errors import CONCURRENT_CHANGE, Problem

ACTOR = "razorpay"
TRANSFER_EVENTS = frozenset({"transfer.processed", "transfer.failed"})
CHANGE_ATTEMPTS_MAX = 10


@dataclass(frozen=True, slots=True)
class TransferHearing:
    """Merges what an event says of a transfer."""

    recorder: PaymentRecorder

    def hear(
        self,
        event: str,
        told: GatewayTransfer,
        *,
        observed_at: int,
        event_id: str,
        body_sha256: str,
        request_id: str,
        finisher: Callable[[EventState], AlsoIn],
    ) -> EventState:
        """Apply an event and give what became of it. Only ``applied`` is written already, by ``finisher``
        in the same transaction."""
        for _ in range(CHANGE_ATTEMPTS_MAX):
            record = self._record(told)
            if record is None:
                return EventState.NOT_OURS
            try:
                heard = transfer_from(told, observed_at=observed_at)
            except StatusNotKnown:
                return EventState.NOT_HANDLED
            if heard.currency != record.currency or not heard.account_id:
                return EventState.NOT_HANDLED  # it contradicts what is known; a person looks
            after = hear_transfer(record, heard)
            if after is record:
                return EventState.NO_CHANGE
            line = AuditLine(
                actor_id=ACTOR,
                action=event,
                subject=record.payment_id,
                outcome=Outcome.DONE,
                request_id=request_id,
                school_id=record.school_id,
                details={"event_id": event_id, "transfer_id": told.id, "body_sha256": body_sha256},
            )
            also = [finisher(EventState.APPLIED)]
            try:
                self.recorder.splits.put(record, after, line, also=also)
            except SplitChanged:
                continue
            for _failed in newly_failed(record, after):
                self.recorder.metrics.count(SPLIT_STOPPED)
            return EventState.APPLIED
        raise Problem(CONCURRENT_CHANGE, "The split kept changing while an event was applied.")

    def _record(self, told: GatewayTransfer) -> SplitRecord | None:
        """The split of the payment that a transfer is from. One from an order or the balance is not ours."""
        if told.source is None or not told.source.startswith("pay_"):
            return None
        return self.recorder.repository.splits.find(told.source)
