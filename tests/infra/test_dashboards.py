"""The four dashboards show percentiles and rates of everything there is, and nothing that does not exist."""

import json
import re

import pytest

from checks.telemetry.watched import nobody_says
from stacks.house_app import ROOT
from tests.infra.assembly import Assembly
from tests.infra.observed import existing, names_of, own_metrics, watched_by_dashboards, widgets

PERCENTILES = {"p50", "p95", "p99"}
DASHBOARDS = {"PaymentPerformance", "Functions", "ApiGateway", "InfrastructureHealth"}


def test_every_metric_of_a_dashboard_has_somebody_who_emits_it(assembly: Assembly) -> None:
    own, deployed = own_metrics(assembly), existing(assembly)
    silent = [
        f"{name}: {why}"
        for name, watched in watched_by_dashboards(assembly)
        if (why := nobody_says(watched, own, deployed))
    ]

    assert silent == []


def test_the_four_dashboards_have_generated_names(assembly: Assembly) -> None:
    boards = list(assembly.resources("AWS::CloudWatch::Dashboard"))

    assert {re.sub(r"Dashboard[0-9A-F]{8}$", "", board.logical_id) for board in boards} == DASHBOARDS
    assert all("DashboardName" not in board.properties for board in boards)


@pytest.mark.parametrize("dashboard", sorted(DASHBOARDS))
def test_every_dashboard_shows_percentiles_and_transactions_per_second(
    assembly: Assembly, dashboard: str
) -> None:
    shown = widgets(assembly, dashboard)
    statistics = {line[-1].get("stat") for widget in shown for line in widget["metrics"]}
    expressions = [line[-1].get("expression", "") for widget in shown for line in widget["metrics"]]

    assert statistics >= PERCENTILES
    assert any("PERIOD(" in expression for expression in expressions), "TPS"


def test_every_function_has_its_row_of_duration_rate_errors_and_concurrency(assembly: Assembly) -> None:
    by_function: dict[str, set[tuple[str, str]]] = {}
    for board, watched in watched_by_dashboards(assembly):
        if board.startswith("Functions") and "FunctionName" in watched.dimensions:
            shown = by_function.setdefault(watched.dimensions["FunctionName"], set())
            shown.add((watched.name, watched.statistic))

    assert by_function.keys() == names_of(assembly, "AWS::Lambda::Function", "FunctionName")
    for shown in by_function.values():
        assert {("Duration", percentile) for percentile in PERCENTILES} <= shown
        assert {"Invocations", "Errors", "Throttles", "ConcurrentExecutions"} <= {name for name, _ in shown}


def test_every_operation_of_the_api_has_its_row(assembly: Assembly) -> None:
    paths = json.loads((ROOT / "runtime" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    operations = {
        (path, method.upper())
        for path, item in paths.items()
        for method in item
        if method in {"get", "post", "put", "patch", "delete"}
    }
    shown = {
        (watched.dimensions["Resource"], watched.dimensions["Method"])
        for board, watched in watched_by_dashboards(assembly)
        if board.startswith("ApiGateway") and "Resource" in watched.dimensions
    }

    assert shown == operations


def test_a_dashboard_fits_into_cloudwatchs_limits(assembly: Assembly) -> None:
    for dashboard in DASHBOARDS:
        shown = widgets(assembly, dashboard)
        lines = [line for widget in shown for line in widget["metrics"]]
        assert len(shown) <= 500
        assert len(lines) <= 2500
        for widget in shown:
            ids = [line[-1]["id"] for line in widget["metrics"] if "id" in line[-1]]
            assert len(ids) == len(set(ids)), widget["title"]
            for line in widget["metrics"]:
                used = set(re.findall(r"[a-z]\w*", line[-1].get("expression", "")))
                assert used <= set(ids), widget["title"]
