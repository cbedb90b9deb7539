"""AWS clients that answer at once, and a clock of CPU time: what is measured is our own work."""

import io
import logging
import time
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools import Logger
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.platform.dynamodb import to_item
from runtime.platform.telemetry import new_logger


class _Exceptions:
    """The exceptions that callers name; none of them is ever raised."""

    class TransactionCanceledException(Exception):
        response: dict[str, Any]


class InstantDynamo:
    """A DynamoDB client that takes every write and gives the items that it was told to give."""

    exceptions = _Exceptions

    def __init__(self, items: dict[str, dict[str, object]] | None = None) -> None:
        self._items = items or {}
        self.writes = 0

    def get_item(self, **call: Any) -> dict[str, Any]:
        key = next(iter(call["Key"].values()))["S"]
        return {"Item": to_item(self._items[key])} if key in self._items else {}

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


def p99_cpu_s(benchmark: BenchmarkFixture, call: Callable[[], object], calls: int = 1_000) -> float | None:
    """The CPU time that 99 of 100 calls stay within, in seconds (nearest rank), or None when benchmarks are
    off. Noted with the benchmark as ``p99_cpu_ms``."""
    if benchmark.stats is None:
        return None
    taken: list[float] = []
    for _ in range(calls):
        begun = time.process_time()
        call()
        taken.append(time.process_time() - begun)
    p99_s = sorted(taken)[-(-99 * calls // 100) - 1]
    benchmark.extra_info["p99_cpu_ms"] = round(p99_s * 1000, 3)
    return p99_s
