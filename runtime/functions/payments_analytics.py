"""payments-analytics: counts payment events from its queue, answers what was counted, and has the history
written as Parquet."""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from runtime.payments.analytics.compaction import HistoryCompactor, Progress, ProgressTable
from runtime.payments.analytics.contracts import (
    Compaction,
    CompactionRequest,
    CompactionRun,
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
from runtime.payments.analytics.parquet import ParquetHistory
from runtime.payments.analytics.repository import RollupTable
from runtime.payments.analytics.service import PaymentCounter, PaymentReports
from runtime.platform import aws, errors
from runtime.platform.api import Api, LambdaContext, Request, Response, Route
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
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
COMPACTION = Route(
    method="GET",
    path="/v1/analytics/payments/compactions",
    action="analytics.compaction",
    summary="Get how far the history is in Parquet",
    description="The last day of which all that arrived is, and the run on the way if there is one.",
    roles=_MAY_READ - {Role.SCHOOL_ADMIN},
    response=Compaction,
)
COMPACT = Route(
    method="POST",
    path="/v1/analytics/payments/compactions",
    action="analytics.compact",
    summary="Have days of the history written anew",
    description=(
        "Of all events that arrived up to now, as Parquet, within minutes. To be repeated at will: the days "
        "are the same afterwards, and whoever reads meanwhile sees them as before. One run at a time."
    ),
    roles=frozenset({Role.OPERATOR, Role.ADMIN}),
    body=CompactionRequest,
    response=Compaction,
    status=202,
    problems=(errors.CONCURRENT_CHANGE,),
)
ROUTES = (FIGURES, FUNNEL, SETTLEMENTS, THROUGHPUT, COMPACTION, COMPACT)


def api(
    reports: PaymentReports,
    compactor: HistoryCompactor,
    audit: AuditTrail,
    logger: Logger,
    *,
    origins: Collection[str] = (),
) -> Api:
    """The routes of this function in front of ``reports`` and ``compactor``; pages of ``origins`` may read
    the answers."""

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

    def compaction(_: Request) -> Response:
        return Response(200, _compaction(compactor.table.read()).model_dump(mode="json"))

    def compact(request: Request) -> Response:
        asked = request.body(CompactionRequest)
        progress = compactor.ask(asked.first_day, asked.last_day)
        return Response(202, _compaction(progress).model_dump(mode="json"))

    served = [
        *((FIGURES, figures), (FUNNEL, funnel), (SETTLEMENTS, settlements), (THROUGHPUT, throughput)),
        *((COMPACTION, compaction), (COMPACT, compact)),
    ]
    return Api(served, audit=audit, logger=logger, origins=origins)


def _compaction(progress: Progress) -> Compaction:
    run = progress.run
    if run is None:
        return Compaction(compacted_until=progress.compacted_until, run=None)
    works = run.days.values()
    view = CompactionRun(
        run_id=run.run_id,
        nightly=run.nightly,
        days_open=sum(work.is_open for work in works),
        days_done=sum(work.done for work in works),
        days_failed=sum(work.failure is not None for work in works),
    )
    return Compaction(compacted_until=progress.compacted_until, run=view)


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
    ids = UlidIds(clock)
    table = RollupTable(dynamodb, settings.payment_rollups_table, clock)
    counter = PaymentCounter(table, PaymentHistory(aws.s3(), settings.analytics_bucket, clock))

    @cache
    def parquet() -> ParquetHistory:
        """Made when first needed: most starts of this function count events."""
        return ParquetHistory(
            aws.athena(),
            aws.glue(),
            aws.s3(),
            bucket=settings.analytics_bucket,
            database=settings.history_database,
            workgroup=settings.history_workgroup,
        )

    compactor = HistoryCompactor(
        ProgressTable(dynamodb, settings.payment_rollups_table, clock, ids),
        parquet,
        clock,
        ids,
        logger,
        Metrics(settings.hasivu_env, clock),
    )
    audit = AuditTrail(dynamodb, settings.audit_table, clock, ids)
    answering = api(PaymentReports(table), compactor, audit, logger, origins=settings.origins)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        if "Records" in event:
            return count_batch(counter, logger, event)
        if event.get("task") == "compact":
            compactor.work()
            return {}
        return answering.handle(event, context)

    return handle


handler = LambdaFunction(wire)
