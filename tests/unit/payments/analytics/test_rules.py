"""What an event adds, by day in India; the same rows in whatever order and however often events are told."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.payments.analytics.model import PLATFORM, STAGES, Dimension, Mark, RowKey, Stage, school_scope
from runtime.payments.analytics.news import News
from runtime.payments.analytics.rules import NOT_STATED, addition, fold
from tests.unit.payments.analytics.samples import fact, histories, repeated

SCHOOL = school_scope("sch_1")


def added(news: News, **changes: Any) -> dict[tuple[Dimension, str, str], dict[str, int]]:
    """What a first event adds to the school's rows."""
    rows = addition(fact(news, **changes), Mark("pmt_1")).rows
    assert {key.scope for key in rows} == {SCHOOL, PLATFORM}
    of_school = {
        (key.dimension, key.day, key.value): dict(it) for key, it in rows.items() if key.scope == SCHOOL
    }
    of_all = {
        (key.dimension, key.day, key.value): dict(it)
        for key, it in rows.items()
        if key.scope == PLATFORM and key.dimension is not Dimension.SECOND
    }
    assert of_school == of_all
    return of_school


def test_a_capture_adds_its_money_to_each_breakdown() -> None:
    rows = added(
        News.CAPTURED,
        method="card",
        network="Visa",
        issuer="HDFC",
        fee_paise=1_062,
        tax_paise=162,
        captured_at="2026-04-01T06:30:41.500Z",
    )
    money = {
        "captured": 1,
        "captured_paise": 45_000,
        "fee_known": 1,
        "fee_paise": 1_062,
        "tax_paise": 162,
        "timed": 1,
        "time_to_capture_ms": 41_500,
    }
    assert rows == {
        (Dimension.HOUR, "2026-04-01", "12"): money | {"m00": 1},
        (Dimension.METHOD, "2026-04-01", "card"): money,
        (Dimension.NETWORK, "2026-04-01", "Visa"): money,
        (Dimension.ISSUER, "2026-04-01", "HDFC"): money,
        (Dimension.FUNNEL, "2026-04-01", "all"): {"created": 1, "pending": 1, "authorized": 1, "captured": 1},
    }


@pytest.mark.parametrize("news", [News.FAILED, News.ATTEMPT_FAILED])
def test_a_failure_adds_its_reason_and_no_money(news: News) -> None:
    rows = added(news, error_reason="payment_cancelled", bank="SBIN")
    assert rows[Dimension.REASON, "2026-04-01", "payment_cancelled"] == {"failed": 1}
    assert rows[Dimension.ISSUER, "2026-04-01", "SBIN"] == {"failed": 1}
    assert rows[Dimension.FUNNEL, "2026-04-01", "all"] == {"created": 1, "pending": 1}


@pytest.mark.parametrize("unsaid", [None, "", "NA", " na "])
def test_a_reason_that_was_not_stated_is_counted_as_such(unsaid: str | None) -> None:
    assert (Dimension.REASON, "2026-04-01", NOT_STATED) in added(News.FAILED, error_reason=unsaid)


def test_the_first_event_of_a_payment_counts_its_creation() -> None:
    rows = added(News.PENDING, version=1, method=None)
    assert rows[Dimension.HOUR, "2026-04-01", "12"] == {"created": 1}
    assert set(rows) == {(Dimension.HOUR, "2026-04-01", "12"), (Dimension.FUNNEL, "2026-04-01", "all")}
    assert (Dimension.HOUR, "2026-04-01", "12") not in added(News.PENDING, version=3, method=None)


def test_an_unknown_outcome_is_counted_and_is_no_attempt() -> None:
    rows = added(News.UNKNOWN, version=1, method=None)
    assert rows[Dimension.HOUR, "2026-04-01", "12"] == {"unknown": 1, "created": 1}


def test_money_that_does_not_fit_is_an_attempt_and_no_revenue() -> None:
    rows = added(News.CONFLICTED)
    assert rows[Dimension.HOUR, "2026-04-01", "12"] == {"conflicted": 1, "m00": 1}
    assert rows[Dimension.FUNNEL, "2026-04-01", "all"] == {"created": 1, "pending": 1, "authorized": 1}


def test_paise_of_another_currency_are_never_added_to_rupees() -> None:
    hour = added(News.CAPTURED, currency="USD", fee_paise=100)[Dimension.HOUR, "2026-04-01", "12"]
    assert hour == {"captured": 1, "other_currency": 1, "m00": 1}


def test_a_payment_in_another_currency_counts_by_its_worth_in_rupees() -> None:
    told = {"currency": "USD", "amount_paise": 5_400, "base_amount_paise": 452_331, "fee_paise": 1_062}
    hour = added(News.CAPTURED, **told)[Dimension.HOUR, "2026-04-01", "12"]
    assert (hour["captured"], hour["other_currency"]) == (1, 1)
    assert (hour["captured_paise"], hour["fee_paise"]) == (452_331, 1_062)


@pytest.mark.parametrize(
    ("news", "column"), [(News.REFUND_PROCESSED, "refunded"), (News.DISPUTE_LOST, "dispute_lost")]
)
def test_what_goes_back_in_another_currency_counts_by_its_worth_in_rupees(news: News, column: str) -> None:
    told = {"currency": "USD", "amount_paise": 1_800, "version": None}
    key = (Dimension.HOUR, "2026-04-01", "12")
    assert added(news, **told, base_amount_paise=150_777)[key] == {column: 1, f"{column}_paise": 150_777}
    assert added(news, **told)[key] == {column: 1}


def test_revenue_less_refunds_is_nothing_after_a_whole_refund_in_another_currency() -> None:
    told = {"currency": "USD", "amount_paise": 100}
    shares = (33, 33, 34)
    facts = [fact(News.CAPTURED, event_id="evt_0", **told | {"amount_paise": 300}, base_amount_paise=100)]
    facts += [
        fact(News.REFUND_PROCESSED, event_id=f"evt_r{number}", **told, base_amount_paise=share, version=None)
        for number, share in enumerate(shares)
    ]
    rows = fold(facts)
    total = {
        name: sum(counters.get(name, 0) for key, counters in rows.items() if key.dimension is Dimension.HOUR)
        for name in ("captured_paise", "refunded_paise")
    }
    assert total["captured_paise"] == total["refunded_paise"] == 200  # of the school, and of the platform


def test_a_late_word_of_the_bank_is_a_recovery() -> None:
    assert added(News.AUTHORIZED, failed_before=True)[Dimension.HOUR, "2026-04-01", "12"] == {
        "authorized": 1,
        "recovered": 1,
    }


@pytest.mark.parametrize(
    ("occurred_at", "day", "hour", "minute"),
    [
        ("2026-04-01T18:29:59.999Z", "2026-04-01", "23", "m59"),
        ("2026-04-01T18:30:00.000Z", "2026-04-02", "00", "m00"),
    ],
)
def test_the_day_ends_at_midnight_in_india(occurred_at: str, day: str, hour: str, minute: str) -> None:
    rows = added(News.FAILED, occurred_at=occurred_at)
    assert rows[Dimension.HOUR, day, hour][minute] == 1
    assert rows[Dimension.FUNNEL, "2026-04-01", "all"], "the funnel is by the day of creation"


def test_a_clock_that_runs_behind_makes_no_negative_time() -> None:
    hour = added(News.CAPTURED, captured_at="2026-04-01T06:29:59.000Z")[Dimension.HOUR, "2026-04-01", "12"]
    assert hour["time_to_capture_ms"] == 0


def test_an_event_of_the_first_version_is_counted_but_not_in_the_funnel() -> None:
    told = addition(fact(created_at=None), Mark("pmt_1"))
    assert told.reached is None
    assert Dimension.FUNNEL not in {key.dimension for key in told.rows}


def test_only_stages_that_are_newly_reached_are_added() -> None:
    told = addition(fact(), Mark("pmt_1", ("evt_0",), Stage.PENDING, 1))
    assert told.rows[RowKey(SCHOOL, Dimension.FUNNEL, "2026-04-01", "all")] == {
        "authorized": 1,
        "captured": 1,
    }
    late = addition(fact(News.PENDING, event_id="evt_2"), Mark("pmt_1", ("evt_1",), told.reached, 2))
    assert (late.reached, Dimension.FUNNEL in {key.dimension for key in late.rows}) == (Stage.CAPTURED, False)


def test_a_settlement_adds_its_money_and_its_lag_by_day_of_payout_and_completes_the_funnel() -> None:
    rows = added(
        News.SETTLED,
        version=None,
        occurred_at="2026-04-09T06:30:00.000Z",
        captured_on="2026-04-01",
        settled_on="2026-04-07",
        fee_paise=1_062,
        tax_paise=162,
        net_paise=43_938,
    )
    assert rows == {
        (Dimension.SETTLEMENT, "2026-04-07", "upi"): {
            "settled": 1,
            "lag_6": 1,
            "lag_days": 6,
            "settled_paise": 45_000,
            "fee_paise": 1_062,
            "tax_paise": 162,
            "net_paise": 43_938,
        },
        (Dimension.FUNNEL, "2026-04-01", "all"): {stage.value: 1 for stage in STAGES},
    }


@pytest.mark.parametrize(
    ("news", "first", "expected"),
    [
        (News.REFUND_PROCESSED, False, {"refunded": 1, "refunded_paise": 45_000}),
        (News.REFUND_FAILED, False, {"refund_failed": 1, "refund_failed_paise": 45_000}),
        (News.DISPUTE_OPENED, True, {"disputed": 1, "disputed_paise": 45_000}),
        (News.DISPUTE_OPENED, False, {}),
        (News.DISPUTE_UNDER_REVIEW, True, {"disputed": 1, "disputed_paise": 45_000}),
        (News.DISPUTE_WON, False, {"dispute_won": 1, "dispute_won_paise": 45_000}),
        (
            News.DISPUTE_LOST,
            True,
            {"disputed": 1, "disputed_paise": 45_000, "dispute_lost": 1, "dispute_lost_paise": 45_000},
        ),
        (News.DISPUTE_CLOSED, False, {"dispute_closed": 1, "dispute_closed_paise": 45_000}),
    ],
)
def test_what_goes_back_is_counted_by_hour_and_method(
    news: News, first: bool, expected: dict[str, int]
) -> None:
    about: dict[str, Any] = {"version": None, "created_at": None, "first_heard": first}
    told = addition(fact(news, **about), Mark("pmt_1"))
    assert {(k.dimension, k.value): dict(row) for k, row in told.rows.items() if k.scope == SCHOOL} == (
        {(Dimension.HOUR, "12"): expected, (Dimension.METHOD, "upi"): expected} if expected else {}
    )
    foreign = addition(fact(news, currency="USD", **about), Mark("pmt_1"))
    assert not [name for row in foreign.rows.values() for name in row if name.endswith("_paise")]


def test_seconds_are_of_the_platform_only() -> None:
    told = addition(fact(occurred_at="2026-04-01T06:30:41.999Z"), Mark("pmt_1"))
    seconds = {key: row for key, row in told.rows.items() if key.dimension is Dimension.SECOND}
    assert seconds == {RowKey(PLATFORM, Dimension.SECOND, "2026-04-01", "12:00"): {"s41": 1}}


def test_an_event_is_never_added_twice() -> None:
    with pytest.raises(ValueError, match="counted before"):
        addition(fact(), Mark("pmt_1", ("evt_1",), Stage.CAPTURED, 1))


@given(histories(), st.data())
def test_any_order_and_repetition_gives_the_same_rows(facts: Any, data: st.DataObject) -> None:
    assert fold(data.draw(repeated(facts))) == fold(facts)


@given(histories())
def test_the_platform_is_the_sum_of_its_schools(facts: Any) -> None:
    rows = fold(facts)
    summed: dict[tuple[Any, ...], dict[str, int]] = {}
    for key, counters in rows.items():
        if key.scope != PLATFORM:
            row = summed.setdefault((key.dimension, key.day, key.value), {})
            for name, amount in counters.items():
                row[name] = row.get(name, 0) + amount
    of_all = {
        (key.dimension, key.day, key.value): row
        for key, row in rows.items()
        if key.scope == PLATFORM and key.dimension is not Dimension.SECOND
    }
    assert of_all == summed


@given(histories())
def test_a_funnel_never_widens(facts: Any) -> None:
    for key, counters in fold(facts).items():
        if key.dimension is Dimension.FUNNEL:
            reached = [counters.get(stage.value, 0) for stage in STAGES]
            assert reached == sorted(reached, reverse=True)


@given(histories())
def test_every_breakdown_of_attempts_has_every_attempt(facts: Any) -> None:
    """By method and by minute; networks, issuers and reasons are of some attempts only."""
    rows = fold(facts)
    by_method = sum(
        row.get(column, 0)
        for key, row in rows.items()
        for column in ("captured", "failed", "conflicted")
        if (key.scope, key.dimension) == (PLATFORM, Dimension.METHOD)
    )
    by_minute = sum(
        amount
        for key, row in rows.items()
        for name, amount in row.items()
        if (key.scope, key.dimension) == (PLATFORM, Dimension.HOUR) and name[1:].isdigit()
    )
    by_second = sum(sum(row.values()) for key, row in rows.items() if key.dimension is Dimension.SECOND)
    concluded = {News.CAPTURED, News.FAILED, News.ATTEMPT_FAILED, News.CONFLICTED}
    assert by_method == by_minute == by_second == sum(one.news in concluded for one in facts)
