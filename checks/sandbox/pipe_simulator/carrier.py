"""Carries the records of one stream to its bus: filtered, transformed, retried, and dead-lettered at last."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from checks.sandbox.pipe_simulator.definition import PipeDefinition
from checks.sandbox.pipe_simulator.event_pattern import matches
from checks.sandbox.pipe_simulator.input_template import TemplateInvalid, filled, text_of

LOG = logging.getLogger("pipes")

PUT_EVENTS_MAX = 10  # entries that PutEvents takes at once
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0

Record = dict[str, Any]


PutEvents = Callable[[list[dict[str, Any]]], Sequence[Mapping[str, Any]]]
"""Entries in, one result for each out; a result with `ErrorCode` failed. Raises ClientError if all failed."""

Bury = Callable[[str], None]
"""Takes the body of a dead letter."""


@dataclass(kw_only=True)
class Carrier:
    """One pipe at work. `now` gives Unix seconds and `sleep` waits, both injected."""

    pipe: PipeDefinition
    put_events: PutEvents
    bury: Bury
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def carry(self, records: list[Record], *, shard: str) -> None:
        """Bring a batch to its end: every record is on the bus, filtered out, or dead-lettered.

        The order of the stream is kept: a record that fails holds up those behind it until its retries
        are used up.
        """
        wanted = [record for record in map(event_of, records) if self._passes(record)]
        for start in range(0, len(wanted), PUT_EVENTS_MAX):
            self._deliver(wanted[start : start + PUT_EVENTS_MAX], shard)

    def _passes(self, record: Record) -> bool:
        return not self.pipe.filters or any(matches(pattern, record) for pattern in self.pipe.filters)

    def _deliver(self, records: list[Record], shard: str) -> None:
        waiting = records
        attempt = 0
        while waiting:
            too_old = [record for record in waiting if self._is_too_old(record)]
            if too_old:
                self._give_up(too_old, shard, condition="RecordAgeExceeded")
                waiting = [record for record in waiting if record not in too_old]
                continue
            waiting = self._attempt(waiting, shard)
            if not waiting:
                return
            if attempt == self.pipe.retries_max:
                self._give_up(waiting, shard, condition="RetryAttemptsExhausted")
                return
            self.sleep(min(_FIRST_PAUSE_S * 2**attempt, _LONGEST_PAUSE_S))
            attempt += 1

    def _attempt(self, records: list[Record], shard: str) -> list[Record]:
        """Try once; the records that did not get through."""
        entries, sendable = [], []
        for record in records:
            try:
                entries.append(self._entry(record))
                sendable.append(record)
            except TemplateInvalid as problem:
                LOG.warning("%s: %s; %s", self.pipe.name, record["eventID"], problem)
                self._give_up([record], shard, condition="TemplateInvalid")
        if not entries:
            return []
        try:
            results = self.put_events(entries)
        except ClientError as error:
            LOG.warning("%s: PutEvents failed: %s", self.pipe.name, error)
            return sendable
        return [record for record, result in zip(sendable, results, strict=True) if "ErrorCode" in result]

    def _entry(self, record: Record) -> dict[str, Any]:
        reserved = {"aws.pipes.pipe-arn": self.pipe.arn, "aws.pipes.pipe-name": self.pipe.name}
        template = self.pipe.input_template
        detail = json.dumps(record) if template is None else filled(template, record, reserved=reserved)
        return {
            "EventBusName": self.pipe.bus_arn,
            "Source": text_of(self.pipe.source, record),
            "DetailType": text_of(self.pipe.detail_type, record),
            "Detail": detail,
        }

    def _is_too_old(self, record: Record) -> bool:
        created_s = float(record["dynamodb"].get("ApproximateCreationDateTime", self.now()))
        return 0 <= self.pipe.record_age_max_s < self.now() - created_s

    def _give_up(self, records: list[Record], shard: str, *, condition: str) -> None:
        """Send where the records stood in the stream, not their content, as Pipes does for streams."""
        LOG.error("%s: %d records given up: %s", self.pipe.name, len(records), condition)
        body = {
            "version": "1.0",
            "timestamp": datetime.fromtimestamp(self.now(), UTC).isoformat(),
            "context": {"partnerResourceArn": self.pipe.arn, "condition": condition},
            "DDBStreamBatchInfo": {
                "streamArn": self.pipe.stream_arn,
                "shardId": shard,
                "startSequenceNumber": records[0]["dynamodb"]["SequenceNumber"],
                "endSequenceNumber": records[-1]["dynamodb"]["SequenceNumber"],
                "batchSize": len(records),
            },
        }
        self.bury(json.dumps(body))


def event_of(record: Mapping[str, Any]) -> Record:
    """A record as DynamoDB Streams gives it, in the JSON form in which a pipe sees it."""
    converted: Record = json.loads(json.dumps(record, default=_as_json))
    return converted


def _as_json(value: object) -> object:
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no place in a stream record")
