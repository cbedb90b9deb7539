"""What calls a function, and whether it calls the alias ``live`` or the function behind its back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checks.rules.estate import Estate, Resource

LIVE = "live"
INTEGRATION = "x-amazon-apigateway-integration"


@dataclass(frozen=True, slots=True)
class Invocation:
    """``caller`` calls what ``value`` at ``path`` names."""

    caller: Resource
    path: str
    value: Any


def invocations(estate: Estate) -> Iterator[Invocation]:
    """Every place of the estate that has a function called."""
    for mapping in estate.of("AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission"):
        yield Invocation(mapping, "FunctionName", mapping.get("FunctionName"))
    for schedule in estate.of("AWS::Scheduler::Schedule"):
        yield Invocation(schedule, "Target.Arn", schedule.get("Target.Arn"))
    for rule in estate.of("AWS::Events::Rule"):
        for index, target in enumerate(rule.items("Targets")):
            yield Invocation(rule, f"Targets.{index}.Arn", target.get("Arn"))
    for subscription in estate.of("AWS::SNS::Subscription"):
        yield Invocation(subscription, "Endpoint", subscription.get("Endpoint"))
    for pipe in estate.of("AWS::Pipes::Pipe"):
        yield Invocation(pipe, "Target", pipe.get("Target"))
        yield Invocation(pipe, "Enrichment", pipe.get("Enrichment"))
    for rotation in estate.of("AWS::SecretsManager::RotationSchedule"):
        yield Invocation(rotation, "RotationLambdaARN", rotation.get("RotationLambdaARN"))
    for method in estate.of("AWS::ApiGateway::Method"):
        yield Invocation(method, "Integration.Uri", method.get("Integration.Uri"))
    for authorizer in estate.of("AWS::ApiGateway::Authorizer"):
        yield Invocation(authorizer, "AuthorizerUri", authorizer.get("AuthorizerUri"))
    for api in estate.of("AWS::ApiGateway::RestApi"):
        yield from _of_the_contract(api)


def _of_the_contract(api: Resource) -> Iterator[Invocation]:
    for path, item in (api.get("Body.paths") or {}).items():
        for method, operation in item.items():
            integration = operation.get(INTEGRATION, {}) if isinstance(operation, dict) else {}
            if "uri" in integration:
                yield Invocation(api, f"Body.paths.{path}.{method}.integration.uri", integration["uri"])
    schemes = "Body.components.securitySchemes"
    for name, scheme in (api.get(schemes) or {}).items():
        authorizer = scheme.get("x-amazon-apigateway-authorizer", {})
        if "authorizerUri" in authorizer:
            yield Invocation(api, f"{schemes}.{name}.authorizerUri", authorizer["authorizerUri"])


def invoked_function(estate: Estate, value: Any, stack: str) -> Resource | None:
    """The function that is called where ``value`` is named, through an alias or not; None if none of ours."""
    for target in estate.targets(value, stack):
        if target.kind == "AWS::Lambda::Function":
            return target
        if target.kind in {"AWS::Lambda::Alias", "AWS::Lambda::Version"}:
            return estate.target(target.get("FunctionName"), target.stack)
    return None


def is_bare(estate: Estate, value: Any, stack: str) -> bool:
    """Whether ``value`` names a function itself, or a version of it, instead of its alias ``live``."""
    text = estate.text(value, stack)
    for target in estate.targets(value, stack):
        if target.kind == "AWS::Lambda::Alias":
            return bool(target.get("Name") != LIVE)
        if target.kind == "AWS::Lambda::Version":
            return True
        if target.kind == "AWS::Lambda::Function":
            return re.search(rf">[^<]*:{LIVE}\b", text) is None
    return re.search(r":function:[\w-]+(?!:live)(:|/|$)", text) is not None and f":{LIVE}" not in text
