"""payments-analytics around the emulator's table: a queue's batches come in, figures come out."""

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from runtime.functions import payments_analytics
from runtime.payments.analytics.compaction import HistoryCompactor, ProgressTable
from runtime.payments.analytics.history import PaymentHistory
from runtime.payments.analytics.model import PLATFORM, Dimension, RowKey, school_scope
from runtime.payments.analytics.news import PaymentFact
from runtime.payments.analytics.parquet import ParquetHistory
from runtime.payments.analytics.repository import RollupTable
from runtime.payments.analytics.service import PaymentCounter, PaymentReports
from runtime.platform.api import Api
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Principal, Role
from runtime.platform.clock import FixedClock
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import UNHEARD
from tests.events import Answer, Context, caller, failed_messages, rest_event, sqs_event
from tests.integration.payments.world import logger_into
from tests.integration.tables import NOON_IN_INDIA, Tables
from tests.unit.payments.analytics.samples import message

OPERATOR = caller("usr_operator", Role.OPERATOR)
BUCKET = "hasivu-test-analytics"


@dataclass(slots=True)
class KeptObjects:
    """Keeps what is put, in place of S3; fails as often as it was told to."""

    objects: dict[str, bytes] = field(default_factory=dict)
    puts: int = 0
    failures: int = 0

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **said: str) -> dict[str, str]:
        assert Bucket == BUCKET
        assert said == {"ContentType": "application/x-ndjson", "ContentEncoding": "gzip"}
        if self.failures:
            self.failures -= 1
            raise ConnectionError("S3 does not answer")
        self.puts += 1
        self.objects[Key] = Body
        return {}

    def facts(self) -> Iterator[PaymentFact]:
        """Every line that was kept."""
        for body in self.objects.values():
            for line in gzip.decompress(body).splitlines():
                yield PaymentFact.model_validate_json(line)


@dataclass
class Counting:
    """The function with its table, and a bucket in memory. Give it another ``client`` to make it fail."""

    tables: Tables
    client: Any
    bucket: KeptObjects = field(default_factory=KeptObjects)
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON_IN_INDIA))
    log: io.StringIO = field(default_factory=io.StringIO)

    def over(self, client: Any) -> "Counting":
        """The same seen through another client, by another process."""
        return replace(self, client=client)

    @property
    def table(self) -> RollupTable:
        return RollupTable(self.client, self.tables["payment_rollups"], self.clock)

    @property
    def counter(self) -> PaymentCounter:
        bucket: Any = self.bucket
        return PaymentCounter(self.table, PaymentHistory(bucket, BUCKET, self.clock))

    @property
    def compactor(self) -> HistoryCompactor:
        """The worker of the history, which has no Athena here."""
        ids = UlidIds(self.clock)
        return HistoryCompactor(
            ProgressTable(self.client, self.tables["payment_rollups"], self.clock, ids),
            no_athena,
            self.clock,
            ids,
            logger_into(self.log, self.tables.prefix),
            UNHEARD,
        )

    def deliver(self, *bodies: str) -> list[str]:
        """A batch of the queue; gives the messages that come again."""
        logger = logger_into(self.log, self.tables.prefix)
        return failed_messages(payments_analytics.count_batch(self.counter, logger, sqs_event(*bodies)))

    def tell(self, *facts: PaymentFact) -> list[str]:
        """The same of facts."""
        return self.deliver(*map(message_of, facts))

    def ask(self, path: str = "", principal: Principal = OPERATOR, /, **query: str) -> Answer:
        """GET /v1/analytics/payments…; the day is 1 April 2026 unless the query says otherwise."""
        days = {} if "day" in query else {"from": "2026-04-01", "to": "2026-04-01"}
        event = rest_event("GET", f"/v1/analytics/payments{path}", principal=principal, query=days | query)
        return Answer.of(self._api().handle(event, Context()))

    def compactions(self, body: dict[str, str] | None = None, principal: Principal = OPERATOR) -> Answer:
        """POST ``body`` to the compactions, or GET them without one."""
        method = "GET" if body is None else "POST"
        event = rest_event(
            method,
            "/v1/analytics/payments/compactions",
            principal=principal,
            body=None if body is None else json.dumps(body),
        )
        return Answer.of(self._api().handle(event, Context()))

    def _api(self) -> Api:
        audit = AuditTrail(self.client, self.tables["audit"], self.clock, UlidIds(self.clock))
        return payments_analytics.api(
            PaymentReports(self.table), self.compactor, audit, logger_into(self.log, self.tables.prefix)
        )

    def rows(self, first_day: date, last_day: date, *school_ids: str) -> dict[RowKey, dict[str, int]]:
        """Every row of the platform and of ``school_ids``, read as reports read them."""
        found: dict[RowKey, dict[str, int]] = {}
        for scope in (PLATFORM, *map(school_scope, school_ids)):
            for dimension in Dimension:
                found |= self.table.rows(scope, dimension, first_day, last_day)
        return found


def no_athena() -> ParquetHistory:
    raise AssertionError("nothing here asks Athena")


def message_of(fact: PaymentFact) -> str:
    """The message that tells of ``fact``."""
    detail = fact.model_dump(mode="json", exclude={"event_id", "occurred_at", "news"})
    return message(fact.news.value, detail, event_id=fact.event_id, occurred_at=fact.occurred_at)
