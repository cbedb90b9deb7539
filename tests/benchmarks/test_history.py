"""What a question about the history costs: of the lines as they arrive, and of the Parquet made of them."""

import gzip
import secrets
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from checks.sandbox.athena_simulator.dialect import read
from runtime.payments.analytics.news import News, PaymentFact
from runtime.platform.clock import FixedClock, iso
from runtime.platform.ids import UlidIds
from stacks.payment_questions import COLUMNS
from tests.benchmarks.stubs import median_cpu_s
from tests.integration.tables import NOON_IN_INDIA
from tests.unit.payments.analytics.samples import fact

EVENTS = 20_000
BATCH = 10
"""A batch of the queue is an object."""

SIZE_SHARE_MAX = 0.75
CPU_SHARE_MAX = 0.2

BY_METHOD = (
    "SELECT method, count(*), sum(amount_paise) FROM history"
    " WHERE news = 'PaymentCaptured' GROUP BY 1 ORDER BY 1"
)
DUCKDB_TYPES = {"string": "VARCHAR", "bigint": "BIGINT", "boolean": "BOOLEAN"}


@dataclass(frozen=True)
class Histories:
    """The same events as objects of lines and as one object of Parquet."""

    lines: Path
    parquet: Path

    def ask(self, kind: str) -> list[tuple[object, ...]]:
        source = f"'{self.parquet}'" if kind == "parquet" else f"read_json('{self.lines}/*.gz', {_COLUMNS})"
        with duckdb.connect() as connection:
            connection.execute("SET threads = 1")
            once = "DISTINCT ON (event_id)" if kind == "lines" else ""
            connection.execute(f"CREATE VIEW history AS SELECT {once} * FROM {source}")  # noqa: S608
            return connection.execute(read(BY_METHOD, database="hasivu").duckdb).fetchall()

    def size(self) -> tuple[int, int]:
        """The bytes of both."""
        return sum(path.stat().st_size for path in self.lines.iterdir()), self.parquet.stat().st_size


_SHAPE = ", ".join(f"{name}: '{DUCKDB_TYPES[kind]}'" for name, kind in COLUMNS.items())
_COLUMNS = f"columns = {{{_SHAPE}}}, format = 'newline_delimited'"


def events(number: int) -> list[PaymentFact]:
    """As they come: each payment is created, some fail before they are captured, ids are random."""
    clock = FixedClock(NOON_IN_INDIA - timedelta(hours=6))
    ids = UlidIds(clock)
    told: list[PaymentFact] = []
    while len(told) < number:
        clock.advance(seconds=0.2)
        created, payment = iso(clock.now()), ids.new("pmt")
        about = {
            "payment_id": payment,
            "school_id": f"sch_{secrets.randbelow(500):04}",
            "gateway_payment_id": f"pay_{secrets.token_urlsafe(10)[:14]}",
            "amount_paise": 100 * (100 + secrets.randbelow(900)),
            "created_at": created,
            "method": secrets.choice(["upi", "upi", "upi", "card", "netbanking"]),
        }
        steps = [News.CREATED, News.PENDING, News.CAPTURED]
        if secrets.randbelow(5) == 0:
            steps.insert(2, News.ATTEMPT_FAILED)
        for version, news in enumerate(steps, 1):
            clock.advance(seconds=0.05)
            fee = {"fee_paise": 1_062, "tax_paise": 162} if news is News.CAPTURED else {}
            told.append(
                fact(
                    news,
                    event_id=ids.new("evt"),
                    occurred_at=iso(clock.now()),
                    version=version,
                    **about,
                    **fee,
                )
            )
    return told[:number]


def histories(folder: Path, number: int) -> Histories:
    """Both kinds below ``folder``."""
    lines = folder / "lines"
    lines.mkdir()
    told = events(number)
    for first in range(0, number, BATCH):
        text = "".join(one.model_dump_json() + "\n" for one in told[first : first + BATCH])
        (lines / f"{first:07}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    parquet = folder / "history.parquet"
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_json('{lines}/*.gz', {_COLUMNS}) ORDER BY occurred_at, event_id)"  # noqa: S608
            f" TO '{parquet}' (FORMAT parquet, COMPRESSION zstd)"
        )
    return Histories(lines, parquet)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Histories:
    return histories(tmp_path_factory.mktemp("history"), EVENTS)


@pytest.mark.benchmark(timer=time.process_time, min_rounds=3)
def test_a_question_of_parquet_takes_a_fifth_of_the_cpu_at_most(
    benchmark: BenchmarkFixture, kept: Histories
) -> None:
    began = time.process_time()
    of_lines = kept.ask("lines")
    lines_cpu_s = time.process_time() - began

    of_parquet = benchmark(kept.ask, "parquet")

    assert of_parquet == of_lines
    cpu_s = median_cpu_s(benchmark)
    assert cpu_s is None or cpu_s < CPU_SHARE_MAX * lines_cpu_s


def test_parquet_is_smaller_than_its_lines(kept: Histories) -> None:
    lines, parquet = kept.size()
    assert parquet < SIZE_SHARE_MAX * lines
