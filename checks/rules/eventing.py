"""What runs by itself: rules, schedules, pipes. None is switched off, none loses what it carries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from checks.rules.estate import Estate, Resource
from checks.rules.invocations import invoked_function
from checks.rules.rule import DEPLOYED, Breach, at, rule

RULE = "AWS::Events::Rule"
SCHEDULE = "AWS::Scheduler::Schedule"
PIPE = "AWS::Pipes::Pipe"
QUEUE = "AWS::SQS::Queue"

HEARD_BY_PEOPLE = frozenset(
    {
        *("PaymentCaptured", "PaymentFailed", "PaymentConflicted"),
        *("RefundProcessed", "RefundFailed", "LinkReminderDue"),
    }
)
PAYMENTS_SOURCE = "hasivu.payments"
HEALTH_INTERVAL_MIN = 5
_UNITS_MIN = {"minute": 1, "minutes": 1, "hour": 60, "hours": 60, "day": 1440, "days": 1440}
MINUTES_OF_A_MONTH = 31 * 1440


@rule(
    "HASIVU-EVT-1",
    "SOX OP-1",
    remedy='Set the state to "ENABLED" (a pipe: "RUNNING").',
)
def nothing_that_runs_by_itself_is_switched_off(estate: Estate) -> Iterator[Breach]:
    """No rule, schedule or pipe is switched off."""
    for item in estate.of(RULE, SCHEDULE):
        if item.get("State") not in {None, "ENABLED"}:
            yield at(item, "State")
    for pipe in estate.of(PIPE):
        if pipe.get("DesiredState") not in {None, "RUNNING"}:
            yield at(pipe, "DesiredState")


@rule(
    "HASIVU-EVT-2",
    "SOX OP-1",
    remedy="Give it a target of the estate: an alias, a queue, a topic, a bus.",
)
def what_runs_by_itself_does_something(estate: Estate) -> Iterator[Breach]:
    """A rule, schedule or pipe has a target of the estate, under a role of the estate."""
    for item in estate.of(RULE):
        targets = item.items("Targets")
        if not targets:
            yield at(item, "Targets")
        for index, target in enumerate(targets):
            if estate.target(target.get("Arn"), item.stack) is None:
                yield at(item, f"Targets.{index}.Arn")
    for item, path in (
        *((item, "Target.Arn") for item in estate.of(SCHEDULE)),
        *((item, path) for item in estate.of(PIPE) for path in ("Source", "Target", "RoleArn")),
        *((item, "Target.RoleArn") for item in estate.of(SCHEDULE)),
    ):
        if estate.target(item.get(path), item.stack) is None:
            yield at(item, path)


@rule(
    "HASIVU-EVT-3",
    "SOX OP-4",
    remedy="Set a dead-letter queue, and retry before using it.",
)
def what_cannot_be_delivered_is_set_aside(estate: Estate) -> Iterator[Breach]:
    """What a rule or pipe cannot deliver is retried and then set aside; a schedule retries or sets aside."""
    for item in estate.of(RULE):
        for index, target in enumerate(item.items("Targets")):
            base = f"Targets.{index}"
            if not estate.ours(item, f"{base}.DeadLetterConfig.Arn", QUEUE):
                yield at(item, f"{base}.DeadLetterConfig.Arn")
            yield from _retries(item, f"{base}.RetryPolicy", target.get("RetryPolicy"))
    for pipe in estate.of(PIPE):
        source = estate.target(pipe.get("Source"), pipe.stack)
        if source is None or source.kind == "AWS::DynamoDB::Table":
            yield from _of_a_stream(estate, pipe, "SourceParameters.DynamoDBStreamParameters")
    for item in estate.of(SCHEDULE):
        policy = item.get("Target.RetryPolicy")
        if policy is None and not estate.ours(item, "Target.DeadLetterConfig.Arn", QUEUE):
            yield at(item, "Target.DeadLetterConfig.Arn")
        yield from _retries(item, "Target.RetryPolicy", policy)


def _of_a_stream(estate: Estate, pipe: Resource, base: str) -> Iterator[Breach]:
    if not estate.ours(pipe, f"{base}.DeadLetterConfig.Arn", QUEUE):
        yield at(pipe, f"{base}.DeadLetterConfig.Arn")
    if int(pipe.get(f"{base}.MaximumRetryAttempts") or 0) not in range(3, 10_001):
        yield at(pipe, f"{base}.MaximumRetryAttempts")
    if int(pipe.get(f"{base}.MaximumRecordAgeInSeconds") or 0) not in range(3600, 86_401):
        yield at(pipe, f"{base}.MaximumRecordAgeInSeconds")
    if pipe.get(f"{base}.StartingPosition") != "TRIM_HORIZON":
        yield at(pipe, f"{base}.StartingPosition")
    if pipe.get(f"{base}.OnPartialBatchItemFailure") != "AUTOMATIC_BISECT":
        yield at(pipe, f"{base}.OnPartialBatchItemFailure")


def _retries(item: Resource, path: str, policy: Any) -> Iterator[Breach]:
    if isinstance(policy, dict):
        if policy.get("MaximumRetryAttempts") == 0:
            yield at(item, f"{path}.MaximumRetryAttempts")
        if int(policy.get("MaximumEventAgeInSeconds") or 3600) < 60:
            yield at(item, f"{path}.MaximumEventAgeInSeconds")


@rule(
    "HASIVU-EVT-4",
    "SOX OP-1",
    "PCI DSS 10.7.2",
    remedy="Write a rate or a cron expression that comes round at least once a month, without an end.",
)
def schedules_come_round(estate: Estate) -> Iterator[Breach]:
    """A schedule comes round at least once a month, for ever; the look at health every five minutes."""
    for item in estate.of(SCHEDULE, RULE):
        expression = item.get("ScheduleExpression")
        if item.kind == RULE and expression is None:
            continue
        minutes = _interval_min(str(expression))
        if (
            minutes is None
            or minutes > MINUTES_OF_A_MONTH
            or ("health" in item.logical_id.lower() and minutes > HEALTH_INTERVAL_MIN)
        ):
            yield at(item, "ScheduleExpression")
        for path in ("EndDate", "StartDate"):
            if item.get(path) is not None:
                yield at(item, path)
        if item.get("ScheduleExpressionTimezone") not in {None, "UTC", "Asia/Kolkata"}:
            yield at(item, "ScheduleExpressionTimezone")


def _interval_min(expression: str) -> int | None:
    """How many minutes lie between two runs at most, roughly; None if they end or never begin."""
    if found := re.fullmatch(r"rate\((\d+) (\w+)\)", expression):
        return int(found.group(1)) * _UNITS_MIN.get(found.group(2), MINUTES_OF_A_MONTH + 1)
    found = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) (\S+)\)", expression)
    if found is None or found.group(6) != "*":
        return None
    minute, hour, day, month, weekday = found.groups()[:5]
    if month not in {"*", "1-12"} or (day in {"30", "31"} and weekday == "?"):
        return MINUTES_OF_A_MONTH + 1
    if weekday not in {"?", "*"} or day not in {"?", "*"}:
        return MINUTES_OF_A_MONTH
    if hour != "*":
        return 1440
    return 60 if minute.isdigit() else 5


@rule(
    "HASIVU-EVT-5",
    "SOX OP-4",
    "PCI DSS 10.7.2",
    remedy="Match the source hasivu.payments and every event that people must hear.",
)
def people_hear_of_their_payments(estate: Estate) -> Iterator[Breach]:
    """A rule takes every event that people must hear from the bus to the topic of notifications; no rule on
    the bus looks at more than the source and the kind."""
    buses = list(estate.of("AWS::Events::EventBus"))
    heard: set[str] = set()
    for item in estate.of(RULE):
        yield from _takes_something(estate, item, buses)
        pattern = item.get("EventPattern")
        if pattern is None:
            continue
        targets = [estate.target(target.get("Arn"), item.stack) for target in item.items("Targets")]
        to_people = any(target is not None and target.kind == "AWS::SNS::Topic" for target in targets)
        plain = set(pattern) <= {"source", "detail-type"} and pattern.get("source") == [PAYMENTS_SOURCE]
        whole = not any("InputTransformer" in target for target in item.items("Targets"))
        if to_people and plain and whole and estate.target(item.get("EventBusName"), item.stack) in buses:
            heard |= {name for name in pattern.get("detail-type", []) if isinstance(name, str)}
        on_ours = estate.target(item.get("EventBusName"), item.stack) in buses
        kinds = pattern.get("detail-type") if isinstance(pattern, Mapping) else None
        if on_ours and not (plain and all(isinstance(kind, str) for kind in kinds or ())):
            yield at(item, "EventPattern", shown="takes only some of its events")
    for bus in buses:
        for name in sorted(HEARD_BY_PEOPLE - heard):
            yield at(bus, "", shown=f"{name} reaches nobody")


def _takes_something(estate: Estate, item: Resource, buses: list[Resource]) -> Iterator[Breach]:
    """A rule has a pattern or comes round; on a bus of its own it is on ours, as all our events are."""
    pattern = item.get("EventPattern")
    if not pattern and item.get("ScheduleExpression") is None:
        yield at(item, "EventPattern")
    bus = item.get("EventBusName")
    ours = isinstance(pattern, Mapping) and PAYMENTS_SOURCE in (pattern.get("source") or ())
    if (bus is not None or ours) and estate.target(bus, item.stack) not in buses:
        yield at(item, "EventBusName")


@rule(
    "HASIVU-EVT-6",
    "SOX OP-4",
    remedy="Take every INSERT of the outbox's stream to the bus, whole, with its own source and type.",
)
def the_outbox_is_carried_to_the_bus(estate: Estate) -> Iterator[Breach]:
    """A pipe carries every new item of the outbox to the bus, and each item keeps its identity."""
    for table in estate.of("AWS::DynamoDB::Table"):
        if table.get("TableName") != f"hasivu-{estate.environment}-outbox":
            continue
        pipes = [pipe for pipe in estate.of(PIPE) if estate.target(pipe.get("Source"), pipe.stack) == table]
        if not pipes:
            yield at(table, "StreamSpecification", shown="no pipe reads the outbox")
        for pipe in pipes:
            if not estate.ours(pipe, "Target", "AWS::Events::EventBus"):
                yield at(pipe, "Target")
            patterns = [item.get("Pattern") for item in pipe.items("SourceParameters.FilterCriteria.Filters")]
            if [_parsed(pattern) for pattern in patterns] != [{"eventName": ["INSERT"]}]:
                yield at(pipe, "SourceParameters.FilterCriteria")
            template = str(pipe.get("TargetParameters.InputTemplate"))
            for name in ("event_id", "occurred_at", "subject", "detail"):
                if f"<$.dynamodb.NewImage.{name}.S>" not in template:
                    yield at(pipe, "TargetParameters.InputTemplate")
            for path, attribute in (("Source", "source"), ("DetailType", "detail_type")):
                where = f"TargetParameters.EventBridgeEventBusParameters.{path}"
                if pipe.get(where) != f"$.dynamodb.NewImage.{attribute}.S":
                    yield at(pipe, where)


def _parsed(pattern: Any) -> Any:
    try:
        return json.loads(pattern)
    except (TypeError, ValueError):
        return None


@rule(
    "HASIVU-EVT-7",
    "PCI DSS 3.5.1.2",
    "GDPR 32(1)(a)",
    remedy="Set KmsKeyIdentifier to a key of the estate.",
)
def buses_are_encrypted_with_our_key(estate: Estate) -> Iterator[Breach]:
    """A bus and its archive are encrypted with a key of the estate."""
    for bus in estate.of("AWS::Events::EventBus"):
        if not estate.ours(bus, "KmsKeyIdentifier", "AWS::KMS::Key"):
            yield at(bus, "KmsKeyIdentifier")
        if bus.get("EventSourceName") is not None:
            yield at(bus, "EventSourceName")
    for archive in estate.of("AWS::Events::Archive"):
        if not estate.ours(archive, "KmsKeyIdentifier", "AWS::KMS::Key"):
            yield at(archive, "KmsKeyIdentifier")


@rule(
    "HASIVU-EVT-8",
    "SOX OP-4",
    environments=DEPLOYED,
    remedy="Archive everything on the bus, for between ninety days and a year.",
)
def the_bus_can_be_replayed(estate: Estate) -> Iterator[Breach]:
    """What went over the bus can be replayed: everything, for at least ninety days, at most a year."""
    archived = {}
    for archive in estate.of("AWS::Events::Archive"):
        archived[estate.target(archive.get("SourceArn"), archive.stack)] = archive
        if not 90 <= int(archive.get("RetentionDays") or 0) <= 366:
            yield at(archive, "RetentionDays")
        if archive.get("EventPattern") is not None:  # without one, all but what was replayed is archived
            yield at(archive, "EventPattern")
    for bus in estate.of("AWS::Events::EventBus"):
        if bus not in archived:
            yield at(bus, "", shown="no archive")


@rule(
    "HASIVU-EVT-9",
    "SOX OP-4",
    "GDPR 32(1)(b)",
    remedy="Put a queue with dead letters between, which this one function reads.",
)
def events_wait_for_functions_in_queues(estate: Estate) -> Iterator[Breach]:
    """An event reaches a function through a queue of its own: what cannot be done now is done later."""
    readers: dict[Resource, set[Resource | None]] = {}
    for mapping in estate.of("AWS::Lambda::EventSourceMapping"):
        queue = estate.target(mapping.get("EventSourceArn"), mapping.stack)
        if queue is not None and queue.kind == QUEUE:
            function = invoked_function(estate, mapping.get("FunctionName"), mapping.stack)
            readers.setdefault(queue, set()).add(function)
    for item, path, value in _handed_over(estate):
        if invoked_function(estate, value, item.stack) is not None:
            yield at(item, path, shown="a function, without a queue between")
        queue = estate.target(value, item.stack)
        if queue is not None and queue.kind == QUEUE and len(readers.get(queue, ())) != 1:
            yield at(item, path, shown=f"a queue that {len(readers.get(queue, ()))} functions read")


def _handed_over(estate: Estate) -> Iterator[tuple[Resource, str, Any]]:
    """Where rules and topics put what they carry."""
    for item in estate.of(RULE):
        for index, target in enumerate(item.items("Targets")):
            yield item, f"Targets.{index}.Arn", target.get("Arn")
    for subscription in estate.of("AWS::SNS::Subscription"):
        yield subscription, "Endpoint", subscription.get("Endpoint")


@rule(
    "HASIVU-EVT-10",
    "PCI DSS 10.7.2",
    "SOX OP-1",
    remedy="Schedule the look at health, at its time and not about it.",
)
def health_is_looked_at(estate: Estate) -> Iterator[Breach]:
    """The platform's health is looked at by a schedule; every schedule keeps its time and its retries."""
    looked_at = {invoked_function(estate, item.get("Target.Arn"), item.stack) for item in estate.of(SCHEDULE)}
    for function in estate.of("AWS::Lambda::Function"):
        if str(function.get("FunctionName")).endswith("-health-check") and function not in looked_at:
            yield at(function, "", shown="no schedule looks at health")
    for item in estate.of(SCHEDULE):
        if item.get("FlexibleTimeWindow") != {"Mode": "OFF"}:
            yield at(item, "FlexibleTimeWindow")
        age_s = item.get("Target.RetryPolicy.MaximumEventAgeInSeconds")
        tries = item.get("Target.RetryPolicy.MaximumRetryAttempts")
        if not (isinstance(age_s, int) and 60 <= age_s <= 86_400):
            yield at(item, "Target.RetryPolicy.MaximumEventAgeInSeconds")
        if not (isinstance(tries, int) and 1 <= tries <= 185):
            yield at(item, "Target.RetryPolicy.MaximumRetryAttempts")


TASKS = {
    "payments-analytics": {"compact"},
    "payments-retry": {"sweep"},
    "payments-reconciliation-worker": {"daily", "import", "sweep", "work"},
}
"""What functions do when a schedule calls them and names it; every other one is called with nothing."""


@rule(
    "HASIVU-EVT-11",
    "PCI DSS 10.7.2",
    "SOX OP-1",
    remedy='Schedule each of TASKS in checks/rules/eventing.py, with the input {"task": its name}.',
)
def schedules_name_what_is_to_be_done(estate: Estate) -> Iterator[Breach]:
    """Every task that a function does by the clock is scheduled; what cannot be started is kept by us."""
    scheduled: dict[str, set[str]] = {}
    for item in estate.of(SCHEDULE):
        name = _general_name(estate, invoked_function(estate, item.get("Target.Arn"), item.stack))
        text = item.get("Target.Input")
        if text is not None or name in TASKS:
            task = next((one for one in TASKS.get(name, ()) if _parsed(text) == {"task": one}), None)
            if task is None:
                yield at(item, "Target.Input")
            else:
                scheduled.setdefault(name, set()).add(task)
        kept = item.get("Target.DeadLetterConfig")
        if kept is not None and not estate.ours(item, "Target.DeadLetterConfig.Arn", QUEUE):
            yield at(item, "Target.DeadLetterConfig.Arn")
    for function in estate.of("AWS::Lambda::Function"):
        name = _general_name(estate, function)
        for task in sorted(TASKS.get(name, set()) - scheduled.get(name, set())):
            yield at(function, "", shown=f"no schedule for its task {task}")


def _general_name(estate: Estate, function: Resource | None) -> str:
    name = "" if function is None else str(function.get("FunctionName"))
    return name.removeprefix(f"hasivu-{estate.environment}-")
