"""How much CPU instalments, splits and refunds take. Run them with ``make bench``."""

import time
from datetime import UTC, date, datetime, timedelta
from functools import reduce

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.ledger.accounts import school_payable
from runtime.payments.instalments.due_dates import DueDays
from runtime.payments.instalments.effect import Effect
from runtime.payments.instalments.model import Receipt
from runtime.payments.instalments.prepayment import prepay
from runtime.payments.instalments.receipts import receive
from runtime.payments.instalments.rules import emi_plan
from runtime.payments.instalments.standing import standing
from runtime.payments.refunds.accounting import refund_entries_due
from runtime.payments.refunds.model import Refund, RefundBook, RefundStatus
from runtime.payments.refunds.rules import hear, reserve
from runtime.payments.splits.model import FeeTerms, Share, SplitTerms
from runtime.payments.splits.rules import reverse, split_payment
from tests.benchmarks.stubs import median_cpu_s

CPU = pytest.mark.benchmark(timer=time.process_time, min_rounds=20, warmup=True, warmup_iterations=5)
HANDLER_CPU_MAX_S = 0.025
"""The figure of the project for a handler that moves money; its arithmetic must be a small part of it."""

DAY = date(2026, 4, 1)
DAYS = DueDays(date(2026, 4, 10))
START = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
YEAR = emi_plan(1_000_000, 2_400, 12, DAYS)
PAID = reduce(
    receive,
    [
        Receipt(
            payment_id=f"pay_{month}", amount_paise=94_560, received_at=START + timedelta(days=30 * month)
        )
        for month in range(6)
    ],
    YEAR,
)
TERMS = SplitTerms(
    shares=tuple(Share(account_id=f"acc_{each}", basis_points=1_900) for each in range(5)),
    remainder_to="acc_school",
    fee=FeeTerms(basis_points=200),
)


def small(benchmark: BenchmarkFixture) -> bool:
    cpu_s = median_cpu_s(benchmark)
    return cpu_s is None or cpu_s < HANDLER_CPU_MAX_S / 5


@CPU
@pytest.mark.parametrize("months", [12, 360])
def test_a_plan_is_made(benchmark: BenchmarkFixture, months: int) -> None:
    plan = benchmark(emi_plan, 100_000_000, 1_150, months, DAYS)
    assert len(plan.instalments) == months
    assert small(benchmark)


@CPU
def test_where_a_plan_stands_after_six_payments(benchmark: BenchmarkFixture) -> None:
    now = benchmark(standing, PAID, START + timedelta(days=200))
    assert now.outstanding_paise == YEAR.payable_paise - 6 * 94_560
    assert small(benchmark)


@CPU
def test_a_plan_is_prepaid(benchmark: BenchmarkFixture) -> None:
    receipt = Receipt(payment_id="pay_early", amount_paise=200_000, received_at=START + timedelta(days=200))
    plan = benchmark(prepay, PAID, receipt, Effect.REDUCE_TENURE)
    assert plan.interest_paise < YEAR.interest_paise
    assert small(benchmark)


@CPU
def test_a_payment_is_split_among_six_and_a_refund_taken_back(benchmark: BenchmarkFixture) -> None:
    def both() -> int:
        return reverse(split_payment(123_457, TERMS, DAY), "rfd_1", 50_001).reversed_paise

    assert benchmark(both) == 50_001
    assert small(benchmark)


@CPU
def test_a_refund_goes_its_way_and_is_booked(benchmark: BenchmarkFixture) -> None:
    word = Refund(
        gateway_refund_id="rfnd_1",
        amount_paise=10_000,
        currency="INR",
        status=RefundStatus.PROCESSED,
        observed_at=1,
        request_id="rfd_1",
    )
    empty = RefundBook(
        gateway_payment_id="pay_A", currency="INR", captured_paise=45_000, captured_base_paise=45_000
    )

    def whole_way() -> int:
        known = hear(reserve(empty, "rfd_1", 10_000, DAY), word)
        owed = school_payable("sch_1")
        return len(refund_entries_due(known, owed=owed, school_id="sch_1", business_day=DAY))

    assert benchmark(whole_way) == 1
    assert small(benchmark)
