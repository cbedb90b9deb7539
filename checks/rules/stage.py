"""The API's stage: what is written down about requests, how many it takes, and that there is but one."""

from __future__ import annotations

import json
from collections.abc import Iterator

from checks.rules.estate import Estate
from checks.rules.rule import DEPLOYED, SHIELDED, Breach, at, rule

STAGE = "AWS::ApiGateway::Stage"
API, DEPLOYMENT = "AWS::ApiGateway::RestApi", "AWS::ApiGateway::Deployment"

LOGGED = ("$context.requestId", "$context.requestTimeEpoch", "$context.httpMethod", "$context.status")
"""PCI DSS 10.2.2: which request, when, what, with which outcome."""

PERSONAL = (
    "$context.identity.",
    "$context.authorizer.principalId",
    "$context.authorizer.claims",
    "$context.path",
    "$input",
    "$context.requestOverride",
)
"""What leads to a person. ``$context.path`` holds ids; the route does not."""

RATE_PER_S_MAX = 10_000
BURST_MAX = 5_000


@rule(
    "HASIVU-API-6",
    "PCI DSS 10.2.1",
    "PCI DSS 10.2.2",
    remedy="Log every request as JSON, with id, time, method and status, into a log group of the estate.",
)
def requests_are_logged(estate: Estate) -> Iterator[Breach]:
    """Every request is logged, as JSON, with what an auditor needs."""
    for stage in estate.of(STAGE):
        if not estate.ours(stage, "AccessLogSetting.DestinationArn", "AWS::Logs::LogGroup"):
            yield at(stage, "AccessLogSetting.DestinationArn")
        written = str(stage.get("AccessLogSetting.Format"))
        if not _is_json(written) or any(word not in written for word in LOGGED):
            yield at(stage, "AccessLogSetting.Format")


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@rule(
    "HASIVU-API-7",
    "GDPR 32(1)(a)",
    "PCI DSS 3.3.1",
    remedy="Log the route's template instead; take out address, principal and agent; trace no data.",
)
def requests_are_logged_without_people(estate: Estate) -> Iterator[Breach]:
    """No log of the API leads to a person or holds a body."""
    for stage in estate.of(STAGE):
        written = str(stage.get("AccessLogSetting.Format"))
        for word in PERSONAL:
            if word in written:
                yield at(stage, "AccessLogSetting.Format", shown=word)
        for index, setting in enumerate(stage.items("MethodSettings")):
            if setting.get("DataTraceEnabled"):
                yield at(stage, f"MethodSettings.{index}.DataTraceEnabled")


@rule(
    "HASIVU-API-8",
    "GDPR 32(1)(b)",
    "PCI DSS 6.4.2",
    remedy="Throttle every method, at rates that the functions can bear.",
)
def requests_are_throttled(estate: Estate) -> Iterator[Breach]:
    """Every method is throttled, within what the platform can bear; none is throttled to nothing."""
    for stage in estate.of(STAGE):
        settings = stage.items("MethodSettings")
        if not any(item.get("ResourcePath") == "/*" and item.get("HttpMethod") == "*" for item in settings):
            yield at(stage, "MethodSettings", shown="no setting for every method")
        for index, item in enumerate(settings):
            for path, limit in (("ThrottlingRateLimit", RATE_PER_S_MAX), ("ThrottlingBurstLimit", BURST_MAX)):
                value = item.get(path)
                if not (isinstance(value, int | float) and 1 <= value <= limit):
                    yield at(stage, f"MethodSettings.{index}.{path}")


@rule(
    "HASIVU-API-9",
    "PCI DSS 10.2.1",
    remedy="Switch tracing, metrics and the error log of every method on.",
)
def the_stage_is_watched(estate: Estate) -> Iterator[Breach]:
    """The stage is traced and measured, and what goes wrong in it is logged."""
    for stage in estate.of(STAGE):
        if stage.get("TracingEnabled") is not True:
            yield at(stage, "TracingEnabled")
        for index, item in enumerate(stage.items("MethodSettings")):
            if item.get("MetricsEnabled") is not True:
                yield at(stage, f"MethodSettings.{index}.MetricsEnabled")
            if item.get("LoggingLevel") not in {"ERROR", "INFO"}:
                yield at(stage, f"MethodSettings.{index}.LoggingLevel")


@rule(
    "HASIVU-API-16",
    "PCI DSS 1.3.1",
    environments=SHIELDED,
    remedy="Let a stage serve the API of the estate under the name live.",
)
def there_is_one_stage(estate: Estate) -> Iterator[Breach]:
    """An API has one stage, ``live``: nothing forgotten is left open beside it."""
    for stage in estate.of(STAGE):
        if stage.get("StageName") != "live":
            yield at(stage, "StageName")
        for path, kind in (("RestApiId", API), ("DeploymentId", DEPLOYMENT)):
            if not estate.ours(stage, path, kind):
                yield at(stage, path)
    for deployment in estate.of(DEPLOYMENT):
        if deployment.get("StageName") is not None:
            yield at(deployment, "StageName")
        if not estate.ours(deployment, "RestApiId", API):
            yield at(deployment, "RestApiId")


@rule(
    "HASIVU-API-26",
    "PCI DSS 10.5.1",
    "PCI DSS 3.5.1.2",
    environments=DEPLOYED,
    remedy="Name the log group as API Gateway does, by references to the API and the stage's own name.",
)
def execution_logs_are_kept_as_others_are(estate: Estate) -> Iterator[Breach]:
    """The gateway's own log of a stage is a group of the estate: otherwise it is made without key or end."""
    groups = {
        estate.text(group.get("LogGroupName"), group.stack) for group in estate.of("AWS::Logs::LogGroup")
    }
    for stage in estate.of(STAGE):
        api = estate.target(stage.get("RestApiId"), stage.stack)
        expected = f"API-Gateway-Execution-Logs_{'' if api is None else api.name}/{stage.get('StageName')}"
        if expected not in groups:
            yield at(stage, "MethodSettings", shown=f"no log group {expected}")
