"""What there is to look at: found in the app, so that nothing that is deployed is forgotten."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeVar, cast

from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_pipes as pipes
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_wafv2 as wafv2
from constructs import IConstruct

from stacks.constructs.alarm_topics import AlarmTopics
from stacks.constructs.durable_table import DurableTable
from stacks.constructs.queue_with_dlq import DeadLetterQueue
from stacks.constructs.service_function import ServiceFunction

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class WatchedRule:
    """An event rule by its ``construct`` and its name, and its bus; None is the account's default bus."""

    construct: str
    name: str
    bus: str | None


@dataclass(frozen=True, slots=True)
class WatchedTable:
    """A table by its name, its indexes, and what each of them takes at most, in units a second."""

    name: str
    indexes: tuple[str, ...]
    read_units_max: int
    write_units_max: int


@dataclass(frozen=True, slots=True)
class Estate:
    """The resources of the app by the names under which CloudWatch knows them."""

    functions: tuple[ServiceFunction, ...]
    queues: tuple[str, ...] = ()
    dead_letters: tuple[str, ...] = ()
    tables: tuple[WatchedTable, ...] = ()
    pipes: tuple[str, ...] = ()
    rules: tuple[WatchedRule, ...] = ()
    topics: tuple[str, ...] = ()
    certificate_arns: tuple[str, ...] = ()
    firewalls: tuple[str, ...] = ()
    stream_readers: tuple[str, ...] = field(default=())
    """Names of the functions that read a stream."""

    @classmethod
    def of(cls, app: IConstruct) -> "Estate":
        """Everything below ``app``. Raises ValueError for what CloudWatch could not be asked about."""
        everything = app.node.find_all()
        dead = {queue.node.path for queue in _all(everything, DeadLetterQueue)}
        queues = _all(everything, sqs.Queue)
        functions = tuple(_all(everything, ServiceFunction))
        return cls(
            functions=functions,
            queues=tuple(queue_name(queue) for queue in queues if queue.node.path not in dead),
            dead_letters=tuple(queue_name(queue) for queue in queues if queue.node.path in dead),
            tables=tuple(_watched_table(item) for item in _all(everything, DurableTable)),
            pipes=tuple(_given(item.name, item) for item in _all(everything, pipes.CfnPipe)),
            rules=tuple(_watched(item, everything) for item in _all(everything, events.CfnRule)),
            topics=tuple(
                _given(item.topic_name, item)
                for item in _all(everything, sns.CfnTopic)
                if not any(isinstance(scope, AlarmTopics) for scope in item.node.scopes)
            ),
            certificate_arns=tuple(item.ref for item in _all(everything, acm.CfnCertificate)),
            firewalls=tuple(firewall_name(item) for item in _all(everything, wafv2.CfnWebACL)),
            stream_readers=tuple(
                function_name(function)
                for function in functions
                if any(
                    mapping.starting_position
                    for mapping in _all(function.node.find_all(), lambda_.CfnEventSourceMapping)
                )
            ),
        )


def function_name(function: ServiceFunction) -> str:
    """The physical name, as it was given."""
    resource = cast(lambda_.CfnFunction, function.function.node.default_child)
    return _given(resource.function_name, resource)


def queue_name(queue: sqs.IQueue) -> str:
    """The physical name, as it was given."""
    resource = cast(sqs.CfnQueue, queue.node.default_child)
    return _given(resource.queue_name, resource)


def api_name(api: apigateway.IRestApi) -> str:
    """The API's name, as it was given."""
    resource = cast(apigateway.CfnRestApi, api.node.default_child)
    return _given(resource.name, resource)


def firewall_name(acl: wafv2.CfnWebACL) -> str:
    """The name under which a web ACL counts."""
    visibility = cast(wafv2.CfnWebACL.VisibilityConfigProperty, acl.visibility_config)
    return visibility.metric_name


def _watched(rule: events.CfnRule, everything: Iterable[IConstruct]) -> WatchedRule:
    construct = rule.node.path.replace("/", "-")
    if rule.event_bus_name is None:
        return WatchedRule(construct, rule.name or rule.ref, None)
    # Ref of a rule on a bus of one's own is "bus|rule", under which no metric exists: it needs a name.
    buses = [_given(bus.name, bus) for bus in _all(everything, events.CfnEventBus)]
    if len(buses) != 1:
        raise ValueError(f"{rule.node.path}: say which of the buses {buses} it is on")
    return WatchedRule(construct, _given(rule.name, rule), buses[0])


def _watched_table(table: DurableTable) -> WatchedTable:
    capacity = table.capacity
    return WatchedTable(table.name, table.index_names, capacity.read_units_max, capacity.write_units_max)


def _given(name: str | None, construct: IConstruct) -> str:
    if name is None:
        raise ValueError(f"{construct.node.path} has no name of its own, by which its metrics could be found")
    return name


def _all(everything: Iterable[IConstruct], kind: type[Kind]) -> list[Kind]:
    return [item for item in everything if isinstance(item, kind)]
