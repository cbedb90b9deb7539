"""How many debits one core plans. Run it with ``make bench``; with the other tests it only runs once."""

import time

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.payments.retry.declines import declines
from runtime.payments.retry.law import Method
from runtime.payments.retry.plan import Retry
from runtime.payments.retry.planner import Planner
from runtime.payments.retry.situation import Downtime, Situation
from tests.benchmarks.stubs import median_cpu_s
from tests.unit.payments.retry.situations import (
    any_situation,
    debit,
    delivered,
    failed,
    ist,
    no_chance,
    seeded,
    situation,
)

CPU = pytest.mark.benchmark(timer=time.process_time, min_rounds=20, warmup=True, warmup_iterations=5)
PLANS_PER_SECOND_MIN = 20_000
"""The figure of the project, on one core."""

_FAILED = ist(2026, 11, 5, 8, 15)
TYPICAL = {
    "upi without money": situation(
        debit=debit(issuer="HDFC"),
        attempts=(failed(at=_FAILED),),
        notice=delivered(),
        downtimes=(Downtime("upi", ist(2026, 11, 6, 5), ist(2026, 11, 6, 12), "HDFC"),),
    ),
    "upi technical": situation(attempts=(failed("bank_technical_error", at=_FAILED),), notice=delivered()),
    "upi first debit": situation(),
    "card": situation(debit=debit(Method.CARD, network="RuPay"), attempts=(failed(at=_FAILED),)),
    "e-mandate": situation(debit=debit(Method.EMANDATE), attempts=(failed(at=_FAILED),)),
}


def _per_second(benchmark: BenchmarkFixture, plans: int) -> float | None:
    cpu_s = median_cpu_s(benchmark)
    return None if cpu_s is None else plans / cpu_s


@CPU
@pytest.mark.parametrize("name", TYPICAL)
def test_a_debit_is_planned(benchmark: BenchmarkFixture, name: str) -> None:
    planner, asked = Planner(), [TYPICAL[name]] * 1_000

    def plan_all() -> int:
        return sum(isinstance(planner.plan(each, no_chance), Retry) for each in asked)

    assert benchmark(plan_all) == len(asked)
    per_second = _per_second(benchmark, len(asked))
    assert per_second is None or per_second >= PLANS_PER_SECOND_MIN


@CPU
def test_whatever_comes_is_planned_as_fast(benchmark: BenchmarkFixture) -> None:
    """A thousand situations of all kinds, over three years."""
    planner = Planner()
    asked: list[Situation] = [any_situation(seeded(seed)) for seed in range(1_000)]

    def plan_all() -> int:
        return sum(len(planner.plan(each, no_chance).because) > 0 for each in asked)

    assert benchmark(plan_all) == len(asked)
    per_second = _per_second(benchmark, len(asked))
    assert per_second is None or per_second >= PLANS_PER_SECOND_MIN


@CPU
def test_a_thousand_failures_are_classified(benchmark: BenchmarkFixture) -> None:
    table = declines()
    reasons = [*sorted(table.reasons), "a_reason_of_tomorrow", "NA"] * 6

    def classify_all() -> int:
        return sum(table.classify(reason, method="emandate").known for reason in reasons)

    assert benchmark(classify_all) == 6 * len(table.reasons)
