"""What is due, put into the queue. SQS delays a message by fifteen minutes at most, debits wait for days."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from runtime.payments.debits.repository import RetryRepository
from runtime.platform.clock import Clock

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import SendMessageBatchRequestEntryTypeDef

BATCH_MAX = 10
"""SQS's own (SendMessageBatch)."""

PER_BUCKET_MAX = 250
"""Of each bucket at a time; the next sweep is a minute away."""


class NotQueued(RuntimeError):
    """The queue did not take every message; the records stay due, and the next sweep sends them again."""


@dataclass(frozen=True, slots=True)
class DueSweep:
    """Sends a message for every debit that is due. One that is sent twice is worked on once."""

    retries: RetryRepository
    queue: "SQSClient"
    queue_url: str
    clock: Clock
    logger: Logger

    def send(self) -> int:
        """Queue what is due; gives how many. Raises NotQueued once all others are sent."""
        due = self.retries.due(self.clock.now(), limit=PER_BUCKET_MAX)
        refused = 0
        for batch in _batches(due):
            entries: list[SendMessageBatchRequestEntryTypeDef] = [
                {"Id": str(number), "MessageBody": json.dumps({"payment_id": payment_id})}
                for number, payment_id in enumerate(batch)
            ]
            answer = self.queue.send_message_batch(QueueUrl=self.queue_url, Entries=entries)
            refused += len(answer.get("Failed", []))
        self.logger.info("due debits queued", due=len(due), refused=refused)
        if refused:
            raise NotQueued(f"{refused} of {len(due)} messages")
        return len(due)


def _batches(due: Sequence[str]) -> Iterator[Sequence[str]]:
    for first in range(0, len(due), BATCH_MAX):
        yield due[first : first + BATCH_MAX]
