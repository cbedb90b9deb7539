"""How much CPU it takes to count an event, with a table that answers at once."""

import time
from itertools import count
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.functions import payments_analytics
from runtime.payments.analytics.figures import figures_of
from runtime.payments.analytics.history import PaymentHistory
from runtime.payments.analytics.model import PLATFORM, Dimension, RowKey
from runtime.payments.analytics.news import News
from runtime.payments.analytics.repository import RollupTable
from runtime.payments.analytics.rules import fold
from runtime.payments.analytics.service import PaymentCounter
from runtime.platform.clock import FixedClock
from tests.benchmarks.stubs import InstantDynamo, median_cpu_s, quiet_logger
from tests.events import sqs_event
from tests.integration.payments.counting import BUCKET, KeptObjects, message_of
from tests.integration.tables import NOON_IN_INDIA
from tests.unit.payments.analytics.samples import fact

CPU = pytest.mark.benchmark(timer=time.process_time, min_rounds=20, warmup=True, warmup_iterations=20)
BATCH = 10
EVENTS_PER_S_MIN = 500
"""As many as webhooks are applied: what is told can be counted."""

REBUILT_PER_S_MIN = 20_000
REPORT_CPU_MAX_S = 0.1


@CPU
def test_five_hundred_events_are_counted_a_second(benchmark: BenchmarkFixture) -> None:
    """Batches of ten failed card payments, from the queue's event to its answer; history included."""
    client: Any = InstantDynamo()
    bucket: Any = KeptObjects()
    table = RollupTable(client, "rollups", FixedClock(NOON_IN_INDIA))
    counter = PaymentCounter(table, PaymentHistory(bucket, BUCKET, FixedClock(NOON_IN_INDIA)))
    logger = quiet_logger("bench-analytics")
    card = {"method": "card", "network": "Visa", "issuer": "HDFC", "error_reason": "card_expired"}
    batch = sqs_event(
        *(
            message_of(fact(News.FAILED, event_id=f"evt_{n}", payment_id=f"pmt_{n}", **card))
            for n in range(BATCH)
        )
    )

    answer = benchmark(payments_analytics.count_batch, counter, logger, batch)

    assert answer == {"batchItemFailures": []}
    assert client.writes >= BATCH
    cpu_s = median_cpu_s(benchmark)
    assert cpu_s is None or BATCH / cpu_s > EVENTS_PER_S_MIN


@CPU
def test_twenty_thousand_events_of_the_history_are_rebuilt_a_second(benchmark: BenchmarkFixture) -> None:
    numbers = count()
    facts = [
        fact(event_id=f"evt_{n}", payment_id=f"pmt_{n // 3}", version=n % 3 + 1)
        for n in (next(numbers) for _ in range(900))
    ]

    rows = benchmark(fold, facts)

    assert (
        sum(row.get("captured", 0) for key, row in rows.items() if key.dimension is Dimension.METHOD) == 1_800
    )
    cpu_s = median_cpu_s(benchmark)
    assert cpu_s is None or len(facts) / cpu_s > REBUILT_PER_S_MIN


@CPU
def test_a_quarter_of_hours_is_added_up_in_a_tenth_of_a_second(benchmark: BenchmarkFixture) -> None:
    """92 days of 24 hours with a counter for each minute."""
    row = {"captured": 30, "failed": 30, "captured_paise": 1_350_000} | {f"m{n:02}": 1 for n in range(60)}
    rows = {
        RowKey(PLATFORM, Dimension.HOUR, f"day-{day}", f"{hour:02}"): row
        for day in range(92)
        for hour in range(24)
    }

    figures = benchmark(figures_of, rows)

    assert figures.attempts == 92 * 24 * 60
    cpu_s = median_cpu_s(benchmark)
    assert cpu_s is None or cpu_s < REPORT_CPU_MAX_S
