"""AWS clients that answer at once, and a clock of CPU time: what is measured is our own work."""

import io
import logging
import time
from typing import Any

from aws_lambda_powertools import Logger
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.platform.telemetry import new_logger


class _Exceptions:
    """The exceptions that callers name; none of them is ever raised."""

    class TransactionCanceledException(Exception):
        response: dict[str, Any]


class InstantDynamo:
    """An empty DynamoDB that takes every write."""

    exceptions = _Exceptions

    def __init__(self) -> None:
        self.writes = 0

    def get_item(self, **call: Any) -> dict[str, Any]:
        return {}

    def put_item(self, **call: Any) -> dict[str, Any]:
        self.writes += 1
        return {}

    update_item = put_item
    transact_write_items = put_item


class InstantQueue:
    """An SQS client that takes every message."""

    def __init__(self) -> None:
        self.sent = 0

    def send_message(self, **message: Any) -> dict[str, Any]:
        self.sent += 1
        return {"MessageId": "1"}


def quiet_logger(service: str) -> Logger:
    """A function's logger that formats its lines as ever and writes them into memory."""
    logger = new_logger(service)
    for handler in logger.handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(io.StringIO())
    return logger


def median_cpu_s(benchmark: BenchmarkFixture) -> float | None:
    """The median of the CPU time of one round in seconds, or None when benchmarks are off."""
    assert benchmark._timer is time.process_time
    return float(benchmark.stats.stats.median) if benchmark.stats is not None else None
