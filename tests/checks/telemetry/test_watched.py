"""A metric that nobody emits, or under a name that it has not, is recognised as such."""

import ast
import importlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.telemetry.own import RUNTIME_METRICS, Emitted, by_filter
from checks.telemetry.watched import Watched, by_alarm, by_dashboard, nobody_says
from runtime.platform.metrics import Metric
from stacks.house_app import ROOT

OWN = [
    Emitted("HASIVU/dev", "PaymentFailed", {}),
    Emitted("HASIVU/dev", "PaymentFailed", {"source": frozenset({"bank"})}),
    Emitted("HASIVU/dev", "LoggedFailures", {"service": None}),
]
EXISTING = {"QueueName": frozenset({"hasivu-dev-webhooks"}), "service": frozenset({"health-check"})}


def why(namespace: str, name: str, **dimensions: str) -> str | None:
    return nobody_says(Watched(namespace, name, dimensions, "Sum"), OWN, EXISTING)


def test_what_is_emitted_documented_and_deployed_may_ring() -> None:
    assert why("HASIVU/dev", "PaymentFailed") is None
    assert why("HASIVU/dev", "PaymentFailed", source="bank") is None
    assert why("HASIVU/dev", "LoggedFailures", service="health-check") is None
    assert why("AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName="hasivu-dev-webhooks") is None
    assert why("AWS/DynamoDB", "SystemErrors", TableName="any", Operation="GetItem") is None
    assert why("AWS/Lambda", "ClaimedAccountConcurrency") is None


@pytest.mark.parametrize(
    ("namespace", "name", "dimensions", "complaint"),
    [
        ("HASIVU/dev", "PaymentsFailed", {}, "neither the runtime nor a metric filter"),
        ("HASIVU/prod", "PaymentFailed", {}, "neither the runtime nor a metric filter"),
        ("HASIVU/dev", "PaymentFailed", {"source": "moon"}, "neither the runtime nor a metric filter"),
        ("HASIVU/dev", "PaymentFailed", {"method": "upi"}, "neither the runtime nor a metric filter"),
        ("HASIVU/dev", "LoggedFailures", {"service": "nobody"}, "there is no service nobody"),
        ("AWS/Lambda", "Error", {"FunctionName": "x"}, "AWS documents no such metric"),
        ("AWS/Lambdas", "Errors", {"FunctionName": "x"}, "AWS documents no such metric"),
        ("AWS/SQS", "NumberOfMessagesSent", {}, "AWS has it under ['QueueName']"),
        ("AWS/SQS", "NumberOfMessagesSent", {"QueueName": "gone"}, "there is no QueueName gone"),
        ("AWS/DynamoDB", "SystemErrors", {"TableName": "t"}, "AWS has it under ['Operation', 'TableName']"),
        ("AWS/ApiGateway", "Count", {"ApiId": "a"}, "AWS has it under"),
    ],
)
def test_what_can_never_have_a_value_is_named(
    namespace: str, name: str, dimensions: dict[str, str], complaint: str
) -> None:
    assert complaint in (why(namespace, name, **dimensions) or "")


def test_the_metrics_of_alarms_are_read_from_both_forms() -> None:
    simple = {
        "Namespace": "AWS/SQS",
        "MetricName": "NumberOfMessagesSent",
        "ExtendedStatistic": "p95",
        "Dimensions": [{"Name": "QueueName", "Value": "q"}],
    }
    formula = {
        "Metrics": [
            {
                "Id": "a",
                "MetricStat": {
                    "Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": []},
                    "Period": 60,
                    "Stat": "Sum",
                },
            },
            {"Id": "b", "Expression": "a * 2"},
        ]
    }

    assert list(by_alarm(simple, str)) == [
        Watched("AWS/SQS", "NumberOfMessagesSent", {"QueueName": "q"}, "p95")
    ]
    assert list(by_alarm(formula, str)) == [Watched("N", "M", {}, "Sum")]


def test_the_metrics_of_dashboards_are_read_without_their_expressions() -> None:
    text = {"type": "text", "properties": {"markdown": "#"}}
    lines = [["N", "M", "D", "v", {"stat": "p99"}], [{"expression": "a + b"}]]
    body = json.dumps({"widgets": [text, {"type": "metric", "properties": {"metrics": lines}}]})

    assert list(by_dashboard({"DashboardBody": body}, str)) == [Watched("N", "M", {"D": "v"}, "p99")]


def test_a_metric_filter_emits_under_the_labels_that_it_takes_from_a_line() -> None:
    filtered = {
        "MetricTransformations": [
            {
                "MetricNamespace": "N",
                "MetricName": "M",
                "Dimensions": [{"Key": "service", "Value": "$.service"}],
            }
        ]
    }

    assert list(by_filter(filtered)) == [Emitted("N", "M", {"service": None})]


def _declaring_modules(runtime: Path) -> Iterator[str]:
    for path in sorted(runtime.rglob("*.py")):
        calls = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        ]
        if any(isinstance(call.func, ast.Name) and call.func.id == "Metric" for call in calls):
            yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_every_metric_that_the_runtime_declares_is_known_here() -> None:
    declared: set[str] = set()
    for module in _declaring_modules(ROOT / "runtime"):
        found = importlib.import_module(module)
        values = [value for value in vars(found).values() if isinstance(value, Metric)]
        values += [
            metric
            for value in vars(found).values()
            if isinstance(value, dict)
            for metric in value.values()
            if isinstance(metric, Metric)
        ]
        declared |= {metric.name for metric in values}

    assert declared == {metric.name for metric in RUNTIME_METRICS}


def test_no_metric_has_so_many_values_that_it_becomes_dear() -> None:
    for metric in RUNTIME_METRICS:
        assert len(metric.values) <= 12
        assert (metric.label is None) == (not metric.values)
