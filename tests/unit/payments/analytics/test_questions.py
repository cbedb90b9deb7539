"""The same numbers: live, rebuilt from lines, rebuilt from Parquet, and by the standard questions in SQL."""

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runtime.payments.analytics.figures import figures_of
from runtime.payments.analytics.model import PLATFORM, STAGES, Dimension, RowKey
from runtime.payments.analytics.news import News, PaymentFact
from runtime.payments.analytics.parquet import COMPACTED
from runtime.payments.analytics.rules import fold
from runtime.payments.analytics.settlements import settlements_of
from runtime.platform.clock import business_date
from stacks.payment_questions import COLUMNS
from tests.unit.payments.analytics.catalogued import QUESTIONS, Catalogued
from tests.unit.payments.analytics.samples import fact, histories, repeated

FIRST, LAST = "2026-04-01", "2026-05-31"
DAYS = (date(2026, 4, 30), date(2026, 5, 1))
"""On which the events of ``histories`` happen."""

Rows = Mapping[RowKey, Mapping[str, int]]


def of(rows: Rows, dimension: Dimension) -> dict[RowKey, Mapping[str, int]]:
    return {key: row for key, row in rows.items() if (key.scope, key.dimension) == (PLATFORM, dimension)}


def hold_against_the_rows(history: Catalogued, rows: Rows) -> None:
    """Every standard question's answer is what the rows say."""
    by_method = {}
    for method in {key.value for key in of(rows, Dimension.METHOD)}:
        one = figures_of({k: r for k, r in of(rows, Dimension.METHOD).items() if k.value == method})
        if one.attempts:
            by_method[method] = (one.attempts, one.captured, one.failed, one.conflicted, one.captured_paise)
    assert {row[0]: row[1:] for row in history.ask("success-by-method", FIRST, LAST).rows} == by_method

    hours = {}
    for hour in {key.value for key in of(rows, Dimension.HOUR)}:
        one = figures_of({k: r for k, r in of(rows, Dimension.HOUR).items() if k.value == hour})
        hours[int(hour)] = (one.created, one.captured, one.failed, one.conflicted, one.captured_paise)
    asked = {row[0]: row[1:] for row in history.ask("success-by-hour", FIRST, LAST).rows}
    nothing = (0, 0, 0, 0, 0)
    assert {hour: row for hour, row in asked.items() if row != nothing} == {
        hour: row for hour, row in hours.items() if row != nothing
    }

    back, fees = {}, {}
    for day in {key.day for key in of(rows, Dimension.HOUR)}:
        one = figures_of({k: r for k, r in of(rows, Dimension.HOUR).items() if k.day == day})
        back[day] = (
            *(one.refunded, one.refunded_paise, one.refund_failed, one.disputed, one.disputed_paise),
            *(one.dispute_lost, one.dispute_lost_paise),
        )
        if one.captured:
            fees[day] = (one.captured, one.captured_paise, one.fee_known, one.fee_paise, one.tax_paise)
    asked = {row[0]: row[1:] for row in history.ask("refunds", FIRST, LAST).rows}
    assert {day: row for day, row in asked.items() if any(row)} == {
        day: row for day, row in back.items() if any(row)
    }
    assert {row[0]: row[1:] for row in history.ask("fees", FIRST, LAST).rows} == fees

    settled = settlements_of({k: dict(r) for k, r in of(rows, Dimension.SETTLEMENT).items()})
    lags = history.ask("settlement-lag", FIRST, FIRST, LAST).rows
    assert {str(row[0]): row[1] for row in lags} == settled.lag_histogram
    assert [sum(row[n] for row in lags) for n in range(2, 6)] == [
        *(settled.settled_paise, settled.fee_paise, settled.tax_paise, settled.net_paise)
    ]

    stages: Counter[str] = Counter()
    for row in of(rows, Dimension.FUNNEL).values():
        stages.update(row)
    (reached,) = history.ask("funnel", FIRST, FIRST, LAST).rows
    assert list(reached) == [stages[stage] for stage in STAGES]


def facts_of(history: Catalogued, table: str) -> list[PaymentFact]:
    """What a table holds, as facts."""
    columns = list(COLUMNS)
    sql = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608
    answer = history.memory.asked(sql, now=history.now)
    return [PaymentFact.model_validate(dict(zip(columns, row, strict=True))) for row in answer.rows]


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_the_same_numbers_whichever_way_they_are_asked(data: st.DataObject) -> None:
    """Lines arrive on three days, in any company and again; nights pass between, or an operator compacts."""
    facts = data.draw(histories())
    told = data.draw(repeated(facts))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(told)), min_size=2, max_size=2)))
    history = Catalogued()
    first_arrival = history.today
    for number, batch in enumerate((told[: cuts[0]], told[cuts[0] : cuts[1]], told[cuts[1] :])):
        history.keep(batch)
        what = data.draw(st.sampled_from(["nothing", "night", "half a night", "operator"]))
        if what == "operator":
            history.compact(data.draw(st.sampled_from(DAYS)), history.today)
        history.clock.advance(seconds=86_400)
        if what in {"night", "half a night"}:
            for day in DAYS if what == "night" else DAYS[:1]:  # half: the worker died in between
                history.compact(day, first_arrival + timedelta(days=number))
        if what == "night":
            history.read_lines_since(first_arrival + timedelta(days=number + 1))
    rows = fold(facts)
    assert fold(facts_of(history, "payment_events")) == rows
    hold_against_the_rows(history, rows)

    written = sum(history.compact(day, history.today) for day in DAYS)
    compacted = facts_of(history, COMPACTED)
    assert written == len({business_date(fact.moment) for fact in facts})
    assert sorted(fact.event_id for fact in compacted) == sorted({fact.event_id for fact in facts})
    assert fold(compacted) == rows
    hold_against_the_rows(history, rows)


def test_parquet_of_a_day_is_made_of_all_of_its_lines_again_when_one_comes_late() -> None:
    history = Catalogued()
    day = date(2026, 4, 1)
    history.keep([fact()])
    history.compact(day, history.today)
    history.clock.advance(seconds=86_400)
    history.keep([fact(), fact(event_id="evt_late")])
    history.compact(day, history.today)
    assert [row.event_id for row in facts_of(history, COMPACTED)] == ["evt_1", "evt_late"]
    assert len([key for key in history.memory.objects if key.startswith("compacted/")]) == 2


def test_a_day_without_lines_is_a_day_without_rows() -> None:
    history = Catalogued()
    assert history.compact(date(2026, 4, 2), history.today) == 0
    assert facts_of(history, COMPACTED) == []


@pytest.mark.parametrize("question", sorted(QUESTIONS))
def test_nothing_happened_is_an_answer(question: str) -> None:
    days: list[Any] = [FIRST] * QUESTIONS[question].count("?")
    rows = Catalogued().ask(question, *days).rows
    assert rows == ([(0, 0, 0, 0, 0)] if question == "funnel" else [])


def test_a_question_reads_only_the_days_asked_for() -> None:
    history = Catalogued()
    history.keep([fact(), fact(news=News.FAILED, event_id="evt_2", occurred_at="2026-04-02T06:30:00.000Z")])
    assert history.ask("success-by-method", "2026-04-02", "2026-04-02").rows == [("upi", 1, 0, 1, 0, 0)]
