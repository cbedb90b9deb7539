"""The history of payments as it arrives: every counted event as a line of JSON, for rebuilds and for Parquet.

An object holds what one batch brought of one day in India, below the day on which it arrived; it is named by
the digest of its events' ids: the same batch written again on that day overwrites itself. An event that comes
again, in other company or later, is in two objects, so that readers take each ``event_id`` once. Lines are
kept before anything is counted: the history has never less than the rows.
"""

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from runtime.payments.analytics.news import PaymentFact
from runtime.platform.clock import Clock, business_date

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "payments"
"""Where in the analytics bucket the lines are; their parts are ``arrived=2026-04-02/dt=2026-04-01/``."""


@dataclass(frozen=True, slots=True)
class PaymentHistory:
    """Writes to the analytics bucket."""

    client: "S3Client"
    bucket: str
    clock: Clock

    def keep(self, facts: Iterable[PaymentFact]) -> None:
        """Write ``facts``, an object for each day that they happened on."""
        arrived = business_date(self.clock.now()).isoformat()
        by_day: dict[str, dict[str, PaymentFact]] = {}
        for fact in facts:
            by_day.setdefault(business_date(fact.moment).isoformat(), {})[fact.event_id] = fact
        for day, of_day in sorted(by_day.items()):
            self.client.put_object(
                Bucket=self.bucket,
                Key=f"{PREFIX}/arrived={arrived}/dt={day}/{_digest(of_day)}.jsonl.gz",
                Body=_lines(of_day.values()),
                ContentType="application/x-ndjson",
                ContentEncoding="gzip",
            )


def _digest(event_ids: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(sorted(event_ids)).encode()).hexdigest()


def _lines(facts: Iterable[PaymentFact]) -> bytes:
    ordered = sorted(facts, key=lambda fact: fact.event_id)
    text = "".join(fact.model_dump_json() + "\n" for fact in ordered)
    return gzip.compress(text.encode(), mtime=0)  # the same lines are the same bytes at any time
