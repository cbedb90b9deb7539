"""health-check: whether the platform is up (shallow), and whether what it stands on is (deep)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from aws_lambda_powertools import Logger

from runtime.gateways.razorpay.api import ALLOWED_HOSTS, GATEWAY
from runtime.gateways.transport import HttpRequest, HttpTransport
from runtime.platform import aws
from runtime.platform.api import Api, Contract, LambdaContext, Request, Response, Route
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Role
from runtime.platform.clock import Clock, SystemClock, iso
from runtime.platform.dynamodb import get_item
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metric, Metrics, Unit
from runtime.platform.settings import HealthCheckSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "health-check"
GATEWAY_TIMEOUT_MS = 2_000

Health = Literal["pass", "warn", "fail"]

HEALTH_CHECKED = Metric("HealthChecked", Unit.COUNT, "health", frozenset({"pass", "warn", "fail"}))
"""The scheduled look took place. Where it stops, nobody knows how the platform is."""
METRICS = (HEALTH_CHECKED,)


class ProbeResult(Contract):
    """What one probe saw."""

    name: str
    status: Health
    duration_ms: int
    detail: str


class ShallowHealth(Contract):
    """The platform answers."""

    status: Health
    environment: str
    time: str


class DeepHealth(Contract):
    """What the platform stands on: `fail` when payments cannot be taken, `warn` when something needs a
    look."""

    status: Health
    environment: str
    time: str
    checks: list[ProbeResult]


@dataclass(frozen=True, slots=True)
class Probe:
    """A look at one dependency. ``look`` gives a word about it and raises when it does not work; what it
    raises is a failure if the dependency is ``vital`` (no payment can be taken without it), a warning
    otherwise."""

    name: str
    vital: bool
    look: Callable[[], str]


class NeedsAttention(Exception):
    """It works, but somebody should look."""


SHALLOW = Route(
    method="GET",
    path="/health",
    action="health.shallow",
    summary="Is it up?",
    description="Answers 200 as long as the API and the function run. Looks at nothing else.",
    response=ShallowHealth,
)
DEEP = Route(
    method="GET",
    path="/health/deep",
    action="health.deep",
    summary="Is everything up that it stands on?",
    description="Looks at the tables, the queues and the gateway. 503 when payments cannot be taken.",
    roles=frozenset({Role.OPERATOR, Role.AUDITOR, Role.ADMIN, Role.SERVICE}),
    response=DeepHealth,
    also_status=(503,),
)
ROUTES = (SHALLOW, DEEP)


def look_at(probes: Sequence[Probe], *, environment: str, clock: Clock, logger: Logger) -> DeepHealth:
    """Look at everything, one after the other; a probe that fails does not stop the others."""
    results = [_result(probe, clock, logger) for probe in probes]
    statuses = {result.status for result in results}
    worst: Health = "fail" if "fail" in statuses else "warn" if "warn" in statuses else "pass"
    return DeepHealth(status=worst, environment=environment, time=iso(clock.now()), checks=results)


def _result(probe: Probe, clock: Clock, logger: Logger) -> ProbeResult:
    started_s = clock.monotonic_s()
    status: Health = "pass"
    try:
        detail = probe.look()
    except NeedsAttention as attention:
        status, detail = "warn", str(attention)
    except Exception as error:  # whatever a dependency throws, the others are still looked at
        logger.warning("a probe failed", probe=probe.name, error=type(error).__name__)
        status, detail = "fail" if probe.vital else "warn", f"does not answer ({type(error).__name__})"
    duration_ms = int((clock.monotonic_s() - started_s) * 1000)
    return ProbeResult(name=probe.name, status=status, duration_ms=duration_ms, detail=detail)


def api(
    probes: Sequence[Probe],
    *,
    environment: str,
    clock: Clock,
    audit: AuditTrail,
    logger: Logger,
    origins: Collection[str] = (),
) -> Api:
    """The routes of this function; pages of ``origins`` may read the answers."""

    def shallow(_: Request) -> Response:
        up = ShallowHealth(status="pass", environment=environment, time=iso(clock.now()))
        return Response(200, up.model_dump(mode="json"))

    def deep(_: Request) -> Response:
        found = look_at(probes, environment=environment, clock=clock, logger=logger)
        return Response(503 if found.status == "fail" else 200, found.model_dump(mode="json"))

    return Api([(SHALLOW, shallow), (DEEP, deep)], audit=audit, logger=logger, origins=origins)


def table_probe(client: Any, name: str, table: str, key: Mapping[str, object]) -> Probe:
    """Reads an item that is not there."""

    def look() -> str:
        get_item(client, table, key, consistent=False)
        return "reads"

    return Probe(name, vital=True, look=look)


def queue_probe(client: Any, name: str, url: str, *, should_be_empty: bool) -> Probe:
    """Counts the messages of a queue; any message in a dead-letter queue needs attention."""

    def look() -> str:
        answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        waiting = int(answer["Attributes"]["ApproximateNumberOfMessages"])
        if should_be_empty and waiting:
            raise NeedsAttention(f"{waiting} messages need a person")
        return f"{waiting} messages waiting"

    return Probe(name, vital=not should_be_empty, look=look)


def gateway_probe(transport: HttpTransport) -> Probe:
    """Asks the gateway for anything without credentials: that it refuses shows that it is there."""

    def look() -> str:
        answer = transport.send(
            HttpRequest("probe", "GET", "/v1/payments", False), timeout_ms=GATEWAY_TIMEOUT_MS
        )
        if answer.status >= 500:
            raise NeedsAttention(f"answers with {answer.status}")
        return "answers"

    return Probe("gateway", vital=False, look=look)


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(HealthCheckSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    dynamodb, sqs = aws.dynamodb(), aws.sqs()
    base_url = aws.parameter_reader()(settings.razorpay_base_url_parameter)
    transport = HttpTransport(gateway=GATEWAY, base_url=base_url, allowed_hosts=ALLOWED_HOSTS, clock=clock)
    probes = (
        table_probe(dynamodb, "payments table", settings.payments_table, {"pk": "HEALTH", "sk": "HEALTH"}),
        table_probe(dynamodb, "ledger table", settings.ledger_table, {"entry_id": "health"}),
        queue_probe(sqs, "webhook queue", settings.webhook_queue_url, should_be_empty=False),
        queue_probe(sqs, "notification queue", settings.notifications_queue_url, should_be_empty=False),
        queue_probe(sqs, "webhook dead letters", settings.webhook_dlq_url, should_be_empty=True),
        queue_probe(sqs, "notification dead letters", settings.notifications_dlq_url, should_be_empty=True),
        gateway_probe(transport),
    )
    audit = AuditTrail(dynamodb, settings.audit_table, clock, UlidIds(clock))
    routes = api(
        probes,
        environment=settings.hasivu_env,
        clock=clock,
        audit=audit,
        logger=logger,
        origins=settings.origins,
    )
    metrics = Metrics(settings.hasivu_env, clock)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        if "httpMethod" in event:
            return routes.handle(event, context)
        found = look_at(probes, environment=settings.hasivu_env, clock=clock, logger=logger)
        metrics.count(HEALTH_CHECKED, found.status)
        log = logger.info if found.status == "pass" else logger.error
        log(
            "scheduled health check",
            health=found.status,
            checks={check.name: check.model_dump(exclude={"name"}) for check in found.checks},
        )
        return found.model_dump(mode="json")

    return handle


handler = LambdaFunction(wire)
