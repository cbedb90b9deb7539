"""What it takes to move money: CPU of each call at p99, and events applied a second.

Run them with ``make bench``; with the other tests each runs once. From API Gateway's event to its answer; the
network is played from a tape, and so takes no time.
"""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.platform import aws
from tests.benchmarks.stubs import median_cpu_s
from tests.benchmarks.tape import Tape, Wire, playing, recording, without_botocore
from tests.integration.conftest import aws_endpoint_url, aws_environment, dynamodb, in_aws, tables, unique
from tests.integration.payments.conftest import world
from tests.integration.payments.moves import EVENTS, MOVES, Move
from tests.integration.payments.world import World

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

__all__ = ["aws_endpoint_url", "aws_environment", "dynamodb", "in_aws", "tables", "unique", "world"]

CPU = pytest.mark.benchmark(timer=time.process_time)
CALLS = 400
HANDLER_CPU_MAX_S = 0.025
"""The figure of the project: a handler that moves money takes at most 25 ms of CPU, 99 times of 100."""

EVENTS_A_SECOND = 500
"""The figure of the project: so many webhooks are applied in a second of one core."""


@pytest.fixture
def watched(in_aws: dict[str, str]) -> "DynamoDBClient":
    """A function's client, that a wire may stand in the way of."""
    return aws.dynamodb()


def timed(
    benchmark: BenchmarkFixture, move: Move, known: Any, tape: Tape, again: Callable[[], World]
) -> None:
    """Make a move that is on tape as often as is measured."""
    benchmark.pedantic(  # type: ignore[no-untyped-call]  # it is not typed
        move.made,
        setup=lambda: ((again(), known), {}),
        rounds=CALLS if benchmark.enabled else 1,
        warmup_rounds=20 if benchmark.enabled else 0,
    )
    benchmark.extra_info["gateway_calls"] = len(tape.gateway)


def p99_cpu_s(benchmark: BenchmarkFixture) -> float | None:
    """The CPU time that 99 of 100 rounds stay within, in seconds (nearest rank), or None when benchmarks are
    off. Noted with the benchmark as ``p99_cpu_ms``."""
    if benchmark.stats is None:
        return None
    rounds = benchmark.stats.stats.sorted_data
    p99_s = float(rounds[math.ceil(0.99 * len(rounds)) - 1])
    benchmark.extra_info["p99_cpu_ms"] = round(p99_s * 1000, 3)
    return p99_s


@CPU
@pytest.mark.parametrize("move", MOVES, ids=str)
def test_money_is_moved_in_time(
    benchmark: BenchmarkFixture, world: World, watched: "DynamoDBClient", move: Move
) -> None:
    """With all that botocore does for a call."""
    known, tape, wire = move.prepared(world), Tape(), Wire(watched)
    wire.record(tape)
    move.made(recording(world, watched, tape), known)
    wire.play(tape)
    benchmark.extra_info["aws_calls"] = len(tape.aws)
    timed(benchmark, move, known, tape, lambda: playing(world, watched, tape))
    p99_s = p99_cpu_s(benchmark)
    assert p99_s is None or p99_s <= HANDLER_CPU_MAX_S


@CPU
@pytest.mark.parametrize("event", EVENTS, ids=str)
def test_events_are_applied_as_fast_as_a_lunch_hour_brings_them(
    benchmark: BenchmarkFixture, world: World, dynamodb: "DynamoDBClient", event: Move
) -> None:
    """Our own work, from reading the event to the transaction that is handed to botocore."""
    known, tape = event.prepared(world), Tape()
    recorder, played = without_botocore(dynamodb)
    event.made(recording(world, recorder, tape), known)
    timed(benchmark, event, known, tape, lambda: playing(world, played(), tape))
    cpu_s = median_cpu_s(benchmark)
    assert cpu_s is None or 1 / cpu_s >= EVENTS_A_SECOND
