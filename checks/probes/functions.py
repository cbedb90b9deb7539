"""Functions: their settings, who may call them, and which version callers get."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from checks.probes.account import Account
from checks.probes.model import Fact, Line, Probe, Read
from checks.probes.normal import differences, policy
from checks.probes.read import answer, lines_of, member, physical_id, prop, then
from checks.probes.running import Live

FUNCTION, ALIAS, MAPPING = (
    "AWS::Lambda::Function",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventSourceMapping",
)
PERMISSION, QUEUE = "AWS::Lambda::Permission", "AWS::SQS::Queue"

SETTINGS = Probe(
    name="function-settings",
    title="Functions run with the runtime, memory, time, layers, role and tracing of the templates",
    remedy="Deploy again, and find in the trail who called UpdateFunctionConfiguration.",
    controls=("PCI DSS 2.2.6", "SOX CM-4"),
)
VARIABLES = Probe(
    name="function-variables",
    title="Functions have the environment variables of the templates",
    remedy="Deploy again, and find in the trail who called UpdateFunctionConfiguration.",
    controls=("PCI DSS 2.2.6", "SOX CM-4"),
)
CONCURRENCY = Probe(
    name="function-concurrency",
    title="Functions have the share of the account's concurrency that the templates give them",
    remedy="Deploy again; a share of 0 switches a function off.",
    controls=("GDPR 32(1)(b)",),
)
LOGS = Probe(
    name="function-logs",
    title="Functions write to the log groups of the templates",
    remedy="Deploy again; what was logged elsewhere meanwhile is under /aws/lambda/.",
    controls=("PCI DSS 10.2.1",),
)
ALIASES = Probe(
    name="function-aliases",
    title="Callers get the version that was deployed, all of them",
    remedy="Point the alias at the deployed version, or deploy again; look in the trail for UpdateAlias.",
    controls=("SOX CM-4", "PCI DSS 6.5.1"),
)
CALLERS = Probe(
    name="function-callers",
    title="Functions are called only by what the templates let in",
    remedy="Remove the permission or function URL, and find in the trail who called AddPermission.",
    controls=("PCI DSS 1.3.1", "PCI DSS 7.2.5"),
)
SOURCES = Probe(
    name="event-sources",
    title="Functions take their work from the queues of the templates",
    remedy="Enable the event source; the queue keeps messages until then.",
    controls=("SOX OP-1",),
)


def _configured(path: str) -> Read:
    return answer("lambda", "get_function", f"Configuration.{path}", FunctionName=physical_id)


def _alias(path: str) -> Read:
    return member(
        "lambda",
        "list_aliases",
        "Aliases",
        "Name",
        path,
        of=prop("Name"),
        FunctionName=prop("FunctionName"),
    )


def _mapping(path: str) -> Read:
    return member("lambda", "list_event_source_mappings", "EventSourceMappings", "UUID", path)


def _without_version(arn: Any) -> Any:
    """A function by its name and alias, however it is written."""
    text = str(arn)
    return text.partition(":function:")[2] or text


def _statement_for(live: Live) -> dict[str, Any]:
    """The statement that AWS makes of an AWS::Lambda::Permission."""
    conditions: dict[str, Any] = {}
    if (source := live.expected("SourceArn")) is not None:
        conditions["ArnLike"] = {"AWS:SourceArn": [source]}
    if (owner := live.expected("SourceAccount")) is not None:
        conditions["StringEquals"] = {"AWS:SourceAccount": [owner]}
    found: dict[str, Any] = {
        "Effect": "Allow",
        "Action": [live.expected("Action")],
        "Principal": {"Service": [live.expected("Principal")]},
    }
    return found | ({"Condition": conditions} if conditions else {})


def _statements(account: Account, live: Live, function: str) -> list[Any]:
    name, _, qualifier = _without_version(function).partition(":")
    given = {"FunctionName": name} | ({"Qualifier": qualifier} if qualifier else {})
    absent = ("ResourceNotFoundException",)
    answered = account.ask("lambda", "get_policy", region=live.region, absent=absent, **given)
    statements = [] if answered is None else policy(answered["Policy"])
    own = f"{name}:{qualifier}" if qualifier else name
    return [
        {key: item[key] for key in item if key != "Resource"}
        for item in statements
        if any(_without_version(resource) == own for resource in item["Resource"])
    ]


def _is_let_in(account: Account, live: Live) -> str | None:
    wanted = _statement_for(live)
    for statement in _statements(account, live, live.expected("FunctionName")):
        if not any(differences(wanted, statement, exact=True)):
            return None
    return f"{live.expected('Principal')} is no longer let in"


def _nobody_else(account: Account, live: Live) -> str | None:
    """Nothing calls the alias, or the function itself, but what a permission of the templates lets in."""
    own = _without_version(live.physical_id)
    wanted = [
        _statement_for(item)
        for item in live.running.of(PERMISSION)
        if item.body is not None and _without_version(item.expected("FunctionName")) == own
    ]
    for statement in _statements(account, live, live.physical_id):
        if all(any(differences(item, statement, exact=True)) for item in wanted):
            return f"lets in {statement.get('Principal')}, which no template does"
    return None


def _no_other_alias(account: Account, live: Live) -> str | None:
    """Nobody calls the function by a name that no template gives it."""
    wanted = {
        item.expected("Name")
        for item in live.running.of(ALIAS)
        if item.expected("FunctionName") == live.physical_id
    }
    found = account.all(
        "lambda", "list_aliases", "Aliases", region=live.region, FunctionName=live.physical_id
    )
    extra = sorted({item["Name"] for item in found} - wanted)
    return f"has the alias {extra[0]}, which no template gives it" if extra else None


def _others_that_read(account: Account, live: Live, where: Callable[[Mapping[str, Any]], bool]) -> str | None:
    """The first event source of those ``where`` that no template has."""
    known = {item.physical_id for item in live.running.of(MAPPING)}
    found = account.all("lambda", "list_event_source_mappings", "EventSourceMappings", region=live.region)
    extra = sorted(item["UUID"] for item in found if item["UUID"] not in known and where(item))
    return f"has the event source {extra[0]}, which no template gives it" if extra else None


def _takes_nothing_else(account: Account, live: Live) -> str | None:
    """The function takes no work but from where the templates say."""

    def of_the_function(mapping: Mapping[str, Any]) -> bool:
        name, _, _ = _without_version(mapping.get("FunctionArn")).partition(":")
        return bool(name == live.physical_id)

    return _others_that_read(account, live, of_the_function)


def _nobody_else_reads(account: Account, live: Live) -> str | None:
    """No function but those of the templates takes messages out of the queue."""
    arn = f"arn:aws:sqs:{live.region}:{live.running.account}:{live.expected('QueueName')}"
    return _others_that_read(account, live, lambda mapping: mapping.get("EventSourceArn") == arn)


def _tells_nobody(account: Account, live: Live) -> str | None:
    """What a call gave is handed on to nobody: no template says so."""
    found = account.all(
        "lambda",
        "list_function_event_invoke_configs",
        "FunctionEventInvokeConfigs",
        region=live.region,
        FunctionName=live.physical_id,
    )
    return "hands on what calls give, which no template does" if found else None


def _no_url(account: Account, live: Live) -> str | None:
    urls = account.all(
        "lambda",
        "list_function_url_configs",
        "FunctionUrlConfigs",
        region=live.region,
        FunctionName=live.physical_id,
    )
    return "has a function URL, which no template does" if urls else None


def _all_to_one(account: Account, live: Live) -> str | None:
    weights: Mapping[str, Any] = _alias("RoutingConfig.AdditionalVersionWeights")(account, live) or {}
    return f"sends some callers to version {', '.join(sorted(weights))}" if weights else None


def _is_enabled(account: Account, live: Live) -> str | None:
    state = _mapping("State")(account, live)
    return None if state in ("Enabled", "Enabling", "Updating") else f"is {state}"


LINES = (
    *lines_of(
        FUNCTION,
        SETTINGS,
        _configured,
        "FunctionName",
        "Architectures",
        "Description",
        "Handler",
        "Role",
        "Runtime",
    ),
    Line(kind=FUNCTION, path="MemorySize", probe=SETTINGS, read=_configured("MemorySize"), unsaid=128),
    Line(kind=FUNCTION, path="Timeout", probe=SETTINGS, read=_configured("Timeout"), unsaid=3),
    Line(
        kind=FUNCTION,
        path="TracingConfig.Mode",
        probe=SETTINGS,
        read=_configured("TracingConfig.Mode"),
        unsaid="PassThrough",
    ),
    Line(
        kind=FUNCTION,
        path="Layers",
        probe=SETTINGS,
        read=then(_configured("Layers"), lambda layers: [layer["Arn"] for layer in layers]),
        normal=lambda value: value or [],
        unsaid=[],
    ),
    Line(
        kind=FUNCTION,
        path="Environment.Variables",
        probe=VARIABLES,
        read=_configured("Environment.Variables"),
        normal=lambda value: value or {},
        unsaid={},
        exact=True,
        shown=False,
    ),
    Line(kind=FUNCTION, path="LoggingConfig", probe=LOGS, read=_configured("LoggingConfig")),
    Line(
        kind=FUNCTION,
        path="ReservedConcurrentExecutions",
        probe=CONCURRENCY,
        read=answer(
            "lambda",
            "get_function",
            "Concurrency.ReservedConcurrentExecutions",
            FunctionName=physical_id,
        ),
        unsaid=None,
    ),
    Line(kind=ALIAS, path="FunctionVersion", probe=ALIASES, read=_alias("FunctionVersion")),
    Line(kind=ALIAS, path="Name", probe=ALIASES, read=_alias("Name")),
    *lines_of(
        MAPPING, SOURCES, _mapping, "BatchSize", "EventSourceArn", "FunctionResponseTypes", "ScalingConfig"
    ),
    Line(
        kind=MAPPING,
        path="FilterCriteria",
        probe=SOURCES,
        read=_mapping("FilterCriteria"),
        normal=lambda value: value or None,
        unsaid=None,
    ),
    Line(
        kind=MAPPING,
        path="MaximumBatchingWindowInSeconds",
        probe=SOURCES,
        read=_mapping("MaximumBatchingWindowInSeconds"),
        normal=lambda value: value or 0,
        unsaid=0,
    ),
    Line(
        kind=MAPPING,
        path="FunctionName",
        probe=SOURCES,
        read=_mapping("FunctionArn"),
        normal=_without_version,
    ),
)
FACTS = (
    Fact(kind=ALIAS, name="routing", probe=ALIASES, wrong=_all_to_one),
    Fact(kind=ALIAS, name="other callers", probe=CALLERS, wrong=_nobody_else),
    Fact(kind=FUNCTION, name="other callers", probe=CALLERS, wrong=_nobody_else),
    Fact(kind=FUNCTION, name="other aliases", probe=ALIASES, wrong=_no_other_alias),
    Fact(kind=FUNCTION, name="other sources", probe=SOURCES, wrong=_takes_nothing_else),
    Fact(kind=FUNCTION, name="destinations", probe=SETTINGS, wrong=_tells_nobody),
    Fact(kind=QUEUE, name="other readers", probe=SOURCES, wrong=_nobody_else_reads),
    Fact(kind=FUNCTION, name="function URL", probe=CALLERS, wrong=_no_url),
    Fact(kind=PERMISSION, name="permission", probe=CALLERS, wrong=_is_let_in),
    Fact(kind=MAPPING, name="state", probe=SOURCES, wrong=_is_enabled),
)
