"""The history as others read it: by an engine that knows nothing of our rules."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runtime.payments.analytics.figures import figures_of
from runtime.payments.analytics.history import PaymentHistory
from runtime.payments.analytics.model import PLATFORM, Dimension
from runtime.payments.analytics.news import PaymentFact
from runtime.payments.analytics.rules import fold
from runtime.payments.analytics.settlements import settlements_of
from runtime.platform.clock import FixedClock
from tests.integration.tables import NOON_IN_INDIA
from tests.unit.payments.analytics.samples import fact, histories, repeated


class Folder:
    """A bucket that is a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, **_: str) -> None:
        path = self.root / Bucket / Key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)


COLUMNS = {name: "BIGINT" if name.endswith("_paise") else "VARCHAR" for name in PaymentFact.model_fields} | {
    "version": "BIGINT",
    "failed_before": "BOOLEAN",
    "first_heard": "BOOLEAN",
}


def keep(folder: Path, *batches: Sequence[PaymentFact]) -> Path:
    """Keep ``batches`` in a bucket below ``folder``, which is given back."""
    bucket: Any = Folder(folder)
    for batch in batches:
        PaymentHistory(bucket, "analytics", FixedClock(NOON_IN_INDIA)).keep(batch)
    return folder


def asked(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """What ``sql`` says of ``history``, which has each event once, as Athena would."""
    with duckdb.connect() as connection:
        files = f"{folder}/analytics/payments/*/*/*.jsonl.gz"
        lines = connection.read_json(
            files, columns=COLUMNS, format="newline_delimited", hive_partitioning=True
        )
        lines.create_view("lines")
        connection.execute(HISTORY)
        return connection.execute(sql).fetchall()


HISTORY = """
    CREATE VIEW history AS
    SELECT DISTINCT ON (event_id) *, if(currency = 'INR', amount_paise, base_amount_paise) AS books_paise
      FROM lines
"""
TOTALS = """
    SELECT count(*) FILTER (version = 1),
           count(*) FILTER (news = 'PaymentCaptured'),
           count(*) FILTER (news IN ('PaymentFailed', 'PaymentAttemptFailed')),
           count(*) FILTER (news = 'PaymentConflicted'),
           count(*) FILTER (news = 'PaymentOutcomeUnknown'),
           count(*) FILTER (failed_before AND news NOT IN ('PaymentFailed', 'PaymentAttemptFailed')),
           coalesce(sum(books_paise) FILTER (news = 'PaymentCaptured'), 0)::BIGINT,
           coalesce(sum(fee_paise) FILTER (news = 'PaymentCaptured' AND books_paise IS NOT NULL), 0)::BIGINT,
           count(*) FILTER (news = 'RefundProcessed'),
           coalesce(sum(books_paise) FILTER (news = 'RefundProcessed'), 0)::BIGINT,
           count(*) FILTER (first_heard),
           coalesce(sum(books_paise) FILTER (news = 'DisputeLost'), 0)::BIGINT
      FROM history
"""
SETTLED = """
    SELECT count(*),
           coalesce(sum(books_paise), 0)::BIGINT,
           coalesce(sum(net_paise) FILTER (books_paise IS NOT NULL), 0)::BIGINT,
           quantile_disc(settled_on::DATE - captured_on::DATE, 0.5),
           quantile_disc(settled_on::DATE - captured_on::DATE, 0.9),
           max(settled_on::DATE - captured_on::DATE)
      FROM history WHERE news = 'PaymentSettled'
"""
SETTLED_STAGE = "SELECT count(DISTINCT payment_id) FROM history WHERE news = 'PaymentSettled'"
BUSIEST_SECOND = """
    SELECT max(attempts) FROM (
        SELECT substr(occurred_at, 1, 19) AS second, count(*) AS attempts FROM history
         WHERE news IN ('PaymentCaptured', 'PaymentFailed', 'PaymentAttemptFailed', 'PaymentConflicted')
         GROUP BY second)
"""
FAILURES_BY_REASON = """
    SELECT CASE WHEN coalesce(error_reason, '') IN ('', 'NA') THEN 'not_stated'
                ELSE error_reason END AS reason,
           count(*)
      FROM history WHERE news IN ('PaymentFailed', 'PaymentAttemptFailed') GROUP BY reason ORDER BY reason
"""
FAILURES_BY_DAY = """
    SELECT dt::VARCHAR, count(*)
      FROM history WHERE news IN ('PaymentFailed', 'PaymentAttemptFailed') GROUP BY dt ORDER BY dt
"""


def test_a_line_has_what_is_counted_and_its_day_is_its_partition(tmp_path: Path) -> None:
    late = fact(occurred_at="2026-04-01T18:30:00.000Z", network="Visa", fee_paise=1_062)
    folder = keep(tmp_path, [late])
    found = asked(
        folder, "SELECT dt::VARCHAR, news, network, amount_paise, fee_paise, created_at FROM history"
    )
    assert found == [("2026-04-02", "PaymentCaptured", "Visa", 45_000, 1_062, "2026-04-01T06:30:00.000Z")]


def test_the_same_batch_is_the_same_bytes_under_the_same_name(tmp_path: Path) -> None:
    facts = [fact(), fact(event_id="evt_2")]
    keep(tmp_path / "once", facts)
    keep(tmp_path / "again", facts[::-1], [*facts, *facts])
    once, again = (
        {path.name: path.read_bytes() for path in (tmp_path / name).rglob("*.gz")}
        for name in ("once", "again")
    )
    assert once == again
    assert len(once) == 1


def test_nothing_to_keep_writes_nothing(tmp_path: Path) -> None:
    bucket: Any = Folder(tmp_path)
    PaymentHistory(bucket, "analytics", FixedClock(NOON_IN_INDIA)).keep([])
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_sql_over_the_history_gives_the_numbers_of_the_rows(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Nothing of our rules is used on the one side, nothing of the history on the other."""
    facts: list[PaymentFact] = data.draw(histories())
    told = data.draw(repeated(facts))
    cut = data.draw(st.integers(0, len(told)))
    folder = keep(tmp_path_factory.mktemp("history"), told[:cut], told[cut:])
    rows = {key: row for key, row in fold(facts).items() if key.scope == PLATFORM}

    hours = figures_of({key: row for key, row in rows.items() if key.dimension is Dimension.HOUR})
    assert asked(folder, TOTALS) == [
        (
            hours.created,
            hours.captured,
            hours.failed,
            hours.conflicted,
            hours.unknown,
            hours.recovered,
            hours.captured_paise,
            hours.fee_paise,
            hours.refunded,
            hours.refunded_paise,
            hours.disputed,
            hours.dispute_lost_paise,
        )
    ]
    settled = settlements_of({key: row for key, row in rows.items() if key.dimension is Dimension.SETTLEMENT})
    assert asked(folder, SETTLED) == [
        (
            settled.settled,
            settled.settled_paise,
            settled.net_paise,
            settled.lag_days_median,
            settled.lag_days_p90,
            settled.lag_days_max,
        )
    ]
    funnel = [row.get("settled", 0) for key, row in rows.items() if key.dimension is Dimension.FUNNEL]
    assert asked(folder, SETTLED_STAGE) == [(sum(funnel),)]
    seconds = {key: row for key, row in rows.items() if key.dimension is Dimension.SECOND}
    busiest = max((count for row in seconds.values() for count in row.values()), default=None)
    assert asked(folder, BUSIEST_SECOND) == [(busiest,)]
    by_reason: Counter[str] = Counter()
    by_day: Counter[str] = Counter()
    for key, row in rows.items():
        if key.dimension is Dimension.REASON:
            by_reason[key.value] += row["failed"]
            by_day[key.day] += row["failed"]
    assert asked(folder, FAILURES_BY_REASON) == sorted(by_reason.items())
    assert asked(folder, FAILURES_BY_DAY) == sorted(by_day.items())
