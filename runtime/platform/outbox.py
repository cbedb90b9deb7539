"""Events leave by the outbox: written in one transaction with their change, carried by a pipe.

So an event is never lost by a crash between the change and its announcement, and never announces a change
that did not happen. The pipe delivers at least once; every consumer deduplicates.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from runtime.platform.clock import Clock, iso
from runtime.platform.dynamodb import Transaction
from runtime.platform.ids import Ids

KEPT_FOR = timedelta(days=7)
"""An event stays readable in the outbox for a week; the bus and its archive are the long memory."""

DETAIL_BYTES_MAX = 64 * 1024


@dataclass(frozen=True, slots=True)
class DomainEvent:
    """Something that happened: ``detail_type`` names it (``PaymentCaptured``), ``detail`` is plain JSON."""

    source: str
    detail_type: str
    subject: str
    detail: Mapping[str, object]


class Outbox:
    """Writes events into the outbox table."""

    def __init__(self, table: str, clock: Clock, ids: Ids) -> None:
        self._table = table
        self._clock = clock
        self._ids = ids

    def add_in(self, transaction: Transaction, event: DomainEvent) -> str:
        """Write ``event`` together with the change it tells of; gives its id."""
        now = self._clock.now()
        detail = json.dumps(event.detail, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        if len(detail.encode()) > DETAIL_BYTES_MAX:
            raise ValueError(f"an event's detail holds at most {DETAIL_BYTES_MAX} bytes")
        event_id = self._ids.new("evt")
        transaction.put(
            f"outbox:{event.detail_type}",
            self._table,
            {
                "event_id": event_id,
                "source": event.source,
                "detail_type": event.detail_type,
                "subject": event.subject,
                "occurred_at": iso(now),
                "detail": detail,
                "expires_at": int((now + KEPT_FOR).timestamp()),
            },
            condition="attribute_not_exists(event_id)",
        )
        return event_id
