"""Alarms and dashboards of an assembly, read so that a test can ask what they look at."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from checks.telemetry.own import Emitted, by_filter, by_the_runtime
from checks.telemetry.watched import Watched, by_alarm, by_dashboard
from stacks.house_app import ROOT
from tests.infra.assembly import Assembly, Resource


def alarms(assembly: Assembly) -> dict[str, Resource]:
    """The alarms by the construct ids that lead to them, without the hash."""
    kinds = ("AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm")
    return {
        re.sub(r"Alarm[0-9A-F]{8}$", "", item.logical_id): item
        for kind in kinds
        for item in assembly.resources(kind)
    }


def result(alarm: Resource) -> str:
    """The expression that the alarm's threshold is held against."""
    (last,) = [query for query in alarm.properties["Metrics"] if query["ReturnData"]]
    return str(last["Expression"])


def reader(assembly: Assembly, stack: str) -> Callable[[Any], str]:
    """Reads values of the templates of ``stack`` as text."""
    return lambda value: assembly.text(value, stack)


def measured(assembly: Assembly, alarm: Resource) -> set[str]:
    return {watched.name for watched in by_alarm(alarm.properties, reader(assembly, alarm.stack))}


def watched_by_alarms(assembly: Assembly) -> Iterator[tuple[str, Watched]]:
    for name, alarm in alarms(assembly).items():
        for watched in by_alarm(alarm.properties, reader(assembly, alarm.stack)):
            yield name, watched


def watched_by_dashboards(assembly: Assembly) -> Iterator[tuple[str, Watched]]:
    for board in assembly.resources("AWS::CloudWatch::Dashboard"):
        for watched in by_dashboard(board.properties, reader(assembly, board.stack)):
            yield board.logical_id, watched


def widgets(assembly: Assembly, dashboard: str) -> list[dict[str, Any]]:
    (board,) = [
        item
        for item in assembly.resources("AWS::CloudWatch::Dashboard")
        if re.sub(r"Dashboard[0-9A-F]{8}$", "", item.logical_id) == dashboard
    ]
    body = json.loads(assembly.text(board.properties["DashboardBody"], board.stack))
    return [widget["properties"] for widget in body["widgets"] if widget["type"] == "metric"]


def own_metrics(assembly: Assembly) -> list[Emitted]:
    filters = [
        emitted
        for item in assembly.resources("AWS::Logs::MetricFilter")
        for emitted in by_filter(item.properties)
    ]
    return [*by_the_runtime(assembly.environment), *filters]


def names_of(assembly: Assembly, kind: str, attribute: str) -> frozenset[str]:
    return frozenset(
        str(item.properties[attribute]) for item in assembly.resources(kind) if attribute in item.properties
    )


def existing(assembly: Assembly) -> dict[str, frozenset[str]]:
    """The names of what is deployed, by the dimension under which CloudWatch knows it."""
    functions = names_of(assembly, "AWS::Lambda::Function", "FunctionName")
    paths = json.loads((ROOT / "runtime" / "openapi.json").read_text(encoding="utf-8"))["paths"]
    acls = list(assembly.resources("AWS::WAFv2::WebACL"))
    return {
        "FunctionName": functions,
        "service": frozenset(name.removeprefix(f"hasivu-{assembly.environment}-") for name in functions),
        "QueueName": names_of(assembly, "AWS::SQS::Queue", "QueueName"),
        "TableName": names_of(assembly, "AWS::DynamoDB::Table", "TableName"),
        "TopicName": names_of(assembly, "AWS::SNS::Topic", "TopicName"),
        "PipeName": names_of(assembly, "AWS::Pipes::Pipe", "Name"),
        "EventBusName": names_of(assembly, "AWS::Events::EventBus", "Name"),
        "ApiName": names_of(assembly, "AWS::ApiGateway::RestApi", "Name"),
        "Stage": names_of(assembly, "AWS::ApiGateway::Stage", "StageName"),
        "WebACL": frozenset(item.properties["VisibilityConfig"]["MetricName"] for item in acls),
        "Rule": frozenset(
            {"ALL"}
            | {rule["VisibilityConfig"]["MetricName"] for item in acls for rule in item.properties["Rules"]}
        ),
        # A path of the API, or a function's alias.
        "Resource": frozenset(paths) | {f"{name}:live" for name in functions},
        "Method": frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"}),
    }
