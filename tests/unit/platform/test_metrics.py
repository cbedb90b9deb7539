"""Metrics are lines that CloudWatch understands, with no value that was not declared."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.platform.clock import FixedClock
from runtime.platform.metrics import UNHEARD, Metric, Metrics, Unit, namespace

NOON = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
FAILED = Metric("PaymentFailed", Unit.COUNT, "source", frozenset({"bank", "customer", "other"}))
DELAY = Metric("WebhookDelay", Unit.MILLISECONDS)


def written(metrics: list[str]) -> dict[str, Any]:
    (line,) = metrics
    assert line.endswith("\n")
    assert line.count("\n") == 1
    document: dict[str, Any] = json.loads(line)
    return document


def test_a_count_is_one_line_of_the_embedded_metric_format() -> None:
    lines: list[str] = []

    Metrics("dev", FixedClock(NOON), lines.append).count(FAILED, "bank")

    assert written(lines) == {
        "_aws": {
            "Timestamp": 1_775_025_000_000,
            "CloudWatchMetrics": [
                {
                    "Namespace": "HASIVU/dev",
                    "Dimensions": [[], ["source"]],
                    "Metrics": [{"Name": "PaymentFailed", "Unit": "Count"}],
                }
            ],
        },
        "PaymentFailed": 1,
        "source": "bank",
    }


def test_a_duration_has_its_unit_and_no_dimension() -> None:
    lines: list[str] = []

    Metrics("dev", FixedClock(NOON), lines.append).duration(DELAY, 1_250)

    document = written(lines)
    (directive,) = document["_aws"]["CloudWatchMetrics"]
    assert (document["WebhookDelay"], directive["Dimensions"]) == (1_250, [[]])
    assert directive["Metrics"] == [{"Name": "WebhookDelay", "Unit": "Milliseconds"}]


def test_clocks_that_disagree_make_no_negative_duration() -> None:
    lines: list[str] = []

    Metrics("dev", FixedClock(NOON), lines.append).duration(DELAY, -3)

    assert written(lines)["WebhookDelay"] == 0


@given(st.one_of(st.none(), st.text()))
def test_a_label_never_carries_what_was_not_declared(label: str | None) -> None:
    lines: list[str] = []

    Metrics("dev", FixedClock(NOON), lines.append).count(FAILED, label)

    assert written(lines)["source"] in FAILED.values


def test_metrics_go_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    Metrics("dev", FixedClock(NOON)).count(DELAY)

    assert json.loads(capsys.readouterr().out)["WebhookDelay"] == 1


def test_outside_a_function_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    UNHEARD.count(FAILED, "bank")

    assert capsys.readouterr().out == ""


def test_environments_do_not_share_metrics() -> None:
    assert namespace("dev") != namespace("prod")
