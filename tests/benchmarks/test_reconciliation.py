"""What reconciling takes: rows a second on one core, and memory for a million rows.

Run them with ``make bench``; with the other tests they run once, on few rows. The figures of the project:
100,000 rows a second, and less than 512 MB for a million rows.
"""

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from runtime.payments.reconciliation.gateway_rows import BrokenGatewayRow, read_rows, read_rows_csv
from runtime.payments.reconciliation.matching import Outcome, reconcile
from runtime.payments.reconciliation.model import Expectation, SettlementFact, Status
from runtime.payments.reconciliation.statements.model import BankAccount, StatementLine
from runtime.payments.reconciliation.statements.profiles import profile_for
from runtime.payments.reconciliation.statements.reader import read_statement
from runtime.payments.reconciliation.working_days import WorkingDays
from tests.benchmarks.stubs import median_cpu_s

CPU = pytest.mark.benchmark(timer=time.process_time, min_rounds=3, max_time=5, warmup=False)
ROWS_A_SECOND = 100_000
MEMORY_MAX_MB = 512
_BETWEEN = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))"
"""A process's peak begins with that of whoever starts it; this one starts it, and is small."""
MILLION = 1_000_000
MADE, SETTLED, TODAY = date(2026, 4, 1), date(2026, 4, 3), date(2026, 4, 10)
UNIX = 1_775_025_000
PER_SETTLEMENT = 1_000
FEE, TAX = 1_062, 162


def amount(number: int) -> int:
    return 45_000 + number % 1_000


def raw_rows(count: int) -> Iterator[dict[str, Any]]:
    """Rows as the gateway's API sends them, made one by one."""
    for number in range(count):
        yield {
            "entity_id": f"pay_{number:014d}",
            "type": "payment",
            "debit": 0,
            "credit": amount(number) - FEE,
            "amount": amount(number),
            "currency": "INR",
            "fee": FEE,
            "tax": TAX,
            "on_hold": False,
            "settled": True,
            "created_at": UNIX,
            "settled_at": UNIX + 172_800,
            "settlement_id": f"setl_{number // PER_SETTLEMENT:014d}",
            "settlement_utr": f"AXISCN{number // PER_SETTLEMENT:010d}",
            "description": None,
            "notes": "[]",
            "payment_id": None,
            "order_id": f"order_{number:014d}",
            "order_receipt": None,
            "method": "upi",
            "dispute_id": None,
        }


def expectations(count: int) -> Iterator[Expectation]:
    for number in range(count):
        yield Expectation(
            f"pay_{number:014d}", "payment", amount(number), "INR", MADE, FEE, TAX, f"order_{number:014d}"
        )


def payouts(count: int) -> tuple[list[SettlementFact], list[StatementLine]]:
    """A settlement for every thousand rows, and its credit."""
    settlements, lines = [], []
    for first in range(0, count, PER_SETTLEMENT):
        numbers = range(first, min(first + PER_SETTLEMENT, count))
        paise = sum(amount(number) - FEE for number in numbers)
        name = first // PER_SETTLEMENT
        utr = f"AXISCN{name:010d}"
        settlements.append(SettlementFact(f"setl_{name:014d}", paise, "processed", SETTLED, utr))
        lines.append(
            StatementLine(
                line_id=f"line_{name}",
                statement_id="s",
                line_no=name + 1,
                booked_on=SETTLED,
                amount_paise=paise,
                currency="INR",
                references=(utr,),
                raw_digest="0",
            )
        )
    return settlements, lines


def matched(
    expected: Iterator[Expectation] | list[Expectation],
    raws: Iterator[dict[str, Any]] | list[dict[str, Any]],
    money: tuple[list[SettlementFact], list[StatementLine]],
) -> Outcome:
    """The match of everything, and that it leaves nothing open."""
    broken: list[BrokenGatewayRow] = []
    outcome = reconcile(
        expectations=expected,
        rows=read_rows(raws, broken),
        settlements=money[0],
        lines=money[1],
        today=TODAY,
        days=WorkingDays(lambda _: False),
    )
    assert all(set(total.statuses) == {Status.POSTED_AUTO} for total in outcome.totals())
    assert broken == []
    return outcome


@CPU
def test_rows_are_matched_at_a_hundred_thousand_a_second(benchmark: BenchmarkFixture) -> None:
    """Reading the rows, taking in as many expectations, matching and adding up; making the input is not
    counted."""
    count = 200_000 if benchmark.enabled else 1_000
    expected, raws, money = list(expectations(count)), list(raw_rows(count)), payouts(count)
    benchmark(matched, expected, raws, money)
    cpu_s = median_cpu_s(benchmark)
    assert cpu_s is None or count / cpu_s > ROWS_A_SECOND


@CPU
def test_a_csv_of_rows_is_read(benchmark: BenchmarkFixture) -> None:
    count = 50_000 if benchmark.enabled else 500
    names = list(next(raw_rows(1)))
    lines = [",".join(names)]
    lines += [",".join("" if cell is None else str(cell) for cell in raw.values()) for raw in raw_rows(count)]
    read = benchmark(lambda: sum(1 for _ in read_rows_csv(lines, [], unit="paise")))
    assert read == count


@CPU
def test_a_statement_of_ten_thousand_lines_is_read(benchmark: BenchmarkFixture) -> None:
    count = 10_000 if benchmark.enabled else 100
    rows = [
        f"2026-04-01,450.00,NEFT CR-UTIB0000001-RAZORPAY SOFTWARE-AXISCN{number:010d},AXISCN{number:010d}"
        for number in range(count)
    ]
    data = "\n".join(["booked_on,amount,narration,reference", *rows]).encode()
    account, profile = BankAccount("bank_main"), profile_for("signed", TODAY)
    file = benchmark(lambda: read_statement(data, account, received_on=TODAY, profile=profile))
    assert len(file.statements[0].lines) == count


@pytest.mark.benchmark(min_rounds=1, max_time=0.1, warmup=False)
def test_a_million_rows_stay_below_their_memory(benchmark: BenchmarkFixture) -> None:
    """In a process of its own, so that nothing else is counted; rows and expectations come as streams."""
    count = MILLION if benchmark.enabled else 2_000
    measured = [sys.executable, "-m", "tests.benchmarks.test_reconciliation", str(count)]
    command = [sys.executable, "-c", _BETWEEN, *measured]
    run = benchmark(lambda: subprocess.run(command, capture_output=True, text=True, check=True))
    assert int(run.stdout) < MEMORY_MAX_MB


def _peak_memory_mb(count: int) -> int:
    matched(expectations(count), raw_rows(count), payouts(count))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    sys.stdout.write(str(_peak_memory_mb(int(sys.argv[1]))))
