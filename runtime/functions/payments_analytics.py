"""payments-analytics: counts payment events from its queue, and answers what was counted."""

from collections.abc import Collection, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from runtime.payments.analytics.contracts import (
    FiguresQuery,
    FunnelQuery,
    PaymentFigures,
    PaymentFunnel,
    PaymentSettlements,
    PaymentThroughput,
    SettlementsQuery,
    ThroughputQuery,
)
from runtime.payments.analytics.history import PaymentHistory
from runtime.payments.analytics.news import EventUnreadable, PaymentFact, read_event
from runtime.payments.analytics.repository import RollupTable
from runtime.payments.analytics.service import PaymentCounter, PaymentReports
from runtime.platform import aws, errors
from runtime.platform.api import Api, LambdaContext, Request, Response, Route
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.settings import PaymentsAnalyticsSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-analytics"

_MAY_READ = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})

FIGURES = Route(
    method="GET",
    path="/v1/analytics/payments",
    action="analytics.payments",
    summary="Get the figures of payments",
    description=(
        "Attempts, success, failure, throughput, revenue and fees, seconds old. Without school_id: of the "
        "caller's only school, or of the whole platform for who sees every school."
    ),
    roles=_MAY_READ,
    query=FiguresQuery,
    response=PaymentFigures,
    problems=(errors.SCHOOL_FORBIDDEN,),
)
FUNNEL = Route(
    method="GET",
    path="/v1/analytics/payments/funnel",
    action="analytics.payments.funnel",
    summary="Get the funnel of payments",
    description="How far the payments came, up to now, that were created on the days asked for.",
    roles=_MAY_READ,
    query=FunnelQuery,
    response=PaymentFunnel,
    problems=(errors.SCHOOL_FORBIDDEN,),
)
SETTLEMENTS = Route(
    method="GET",
    path="/v1/analytics/payments/settlements",
    action="analytics.payments.settlements",
    summary="Get what was paid out, and how long it took",
    description="Payouts with fees and GST, and the days from capture to payout: median, p90 and histogram.",
    roles=_MAY_READ,
    query=SettlementsQuery,
    response=PaymentSettlements,
    problems=(errors.SCHOOL_FORBIDDEN,),
)
THROUGHPUT = Route(
    method="GET",
    path="/v1/analytics/payments/throughput",
    action="analytics.payments.throughput",
    summary="Get the busiest minute and second of a day",
    description="Of the whole platform, for who sees every school.",
    roles=_MAY_READ,
    query=ThroughputQuery,
    response=PaymentThroughput,
    problems=(errors.SCHOOL_FORBIDDEN,),
)
ROUTES = (FIGURES, FUNNEL, SETTLEMENTS, THROUGHPUT)


def api(reports: PaymentReports, audit: AuditTrail, logger: Logger, *, origins: Collection[str] = ()) -> Api:
    """The routes of this function in front of ``reports``; pages of ``origins`` may read the answers."""

    def figures(request: Request) -> Response:
        answer = reports.figures(request.principal, request.query(FiguresQuery))
        return Response(200, answer.model_dump(mode="json"))

    def funnel(request: Request) -> Response:
        answer = reports.funnel(request.principal, request.query(FunnelQuery))
        return Response(200, answer.model_dump(mode="json"))

    def settlements(request: Request) -> Response:
        answer = reports.settlements(request.principal, request.query(SettlementsQuery))
        return Response(200, answer.model_dump(mode="json"))

    def throughput(request: Request) -> Response:
        answer = reports.throughput(request.principal, request.query(ThroughputQuery))
        return Response(200, answer.model_dump(mode="json"))

    served = [(FIGURES, figures), (FUNNEL, funnel), (SETTLEMENTS, settlements), (THROUGHPUT, throughput)]
    return Api(served, audit=audit, logger=logger, origins=origins)


def count_batch(counter: PaymentCounter, logger: Logger, event: Event) -> dict[str, Any]:
    """Keep and count the events of a batch of messages; what fails is named, and only that comes again.

    Raises what the history raises: then nothing was counted, and all of the batch comes again.
    """
    failed: list[str] = []
    read: list[tuple[str, PaymentFact]] = []
    for record in event["Records"]:
        try:
            fact = read_event(record["body"])
        except EventUnreadable as unreadable:
            logger.error("a message is no event", message_id=record["messageId"], reason=str(unreadable))
            failed.append(record["messageId"])
            continue
        if fact is not None:
            read.append((record["messageId"], fact))
    counter.keep([fact for _, fact in read])
    for message_id, fact in read:
        try:
            first = counter.count(fact)
        except Exception:
            logger.exception("an event could not be counted", message_id=message_id)
            failed.append(message_id)
            continue
        logger.info("event counted" if first else "event counted before", event_id=fact.event_id)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsAnalyticsSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    dynamodb = aws.dynamodb()
    table = RollupTable(dynamodb, settings.payment_rollups_table, clock)
    counter = PaymentCounter(table, PaymentHistory(aws.s3(), settings.analytics_bucket))
    audit = AuditTrail(dynamodb, settings.audit_table, clock, UlidIds(clock))
    answering = api(PaymentReports(table), audit, logger, origins=settings.origins)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        if "Records" in event:
            return count_batch(counter, logger, event)
        return answering.handle(event, context)

    return handle


handler = LambdaFunction(wire)
