"""payments-reconciliation-worker: sweeps, matches and imports by the clock.

Open payments and splits are swept, payers are reminded of links, gateway, ledger and bank are matched,
statements that were uploaded are imported. What people see and do of it is payments-reconciliation's.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.links.reminders.sweep import ReminderReport, ReminderSweep
from runtime.payments.metrics import SWEEP_RAN
from runtime.payments.reconciliation.exception_model import MATCHER
from runtime.payments.reconciliation.facts import FactReader
from runtime.payments.reconciliation.healing import Healer
from runtime.payments.reconciliation.match import Match
from runtime.payments.reconciliation.recorder import ExceptionRecorder
from runtime.payments.reconciliation.repository import BankLines, Exceptions, SettledMarks, TakenFiles
from runtime.payments.reconciliation.run_store import Runs
from runtime.payments.reconciliation.run_worker import RunWorker
from runtime.payments.reconciliation.runs import ReconciliationService
from runtime.payments.reconciliation.settled import SettledNews
from runtime.payments.reconciliation.statement_files import StatementFiles
from runtime.payments.reconciliation.taking import StatementTaker
from runtime.payments.reconciliation.upload_store import uploads_in
from runtime.payments.reconciliation.upload_worker import UploadWorker
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.retry.holidays import bank_calendar
from runtime.payments.splits.sweep import SplitSweep, SplitSweepReport
from runtime.payments.splits.worker import SplitWorker
from runtime.payments.sweeps.merging import Merger
from runtime.payments.sweeps.repository import OpenPayments
from runtime.payments.sweeps.service import Sweeper
from runtime.platform import aws
from runtime.platform.api import LambdaContext
from runtime.platform.clock import SystemClock
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.idempotency import IdempotencyStore
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.settings import PaymentsReconciliationWorkerSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-reconciliation-worker"
GATEWAY_DEADLINE_MS = 8_000
SWEEP_DEADLINE_MS = 4_000
SPLITS_MAX_MS = 60_000
"""Splits are swept before payments; what is left of them is found again a quarter of an hour later."""
REMINDERS_MAX_MS = 120_000
"""The same of reminders."""
SWEEP_RESERVE_MS = 10_000
"""A payment takes two calls at most, and what was heard has to be written."""
SWEEP_MAX_MS = 5 * 60_000
"""A third of the time between two sweeps."""
RUN_RESERVE_MS = 10 * 60_000
"""A run that is begun has to have time for a million rows; the next start takes the rest."""
IMPORT_RESERVE_MS = 8 * 60_000
"""A statement of 200,000 lines takes half of it; the next start takes the rest."""


def sweep_splits(splits: SplitSweep, logger: Logger, context: LambdaContext) -> dict[str, Any]:
    """Sweep the splits for a minute at most; gives the report."""
    remaining_ms = context.get_remaining_time_in_millis

    def swept(may_go_on: Callable[[], bool]) -> SplitSweepReport:
        return splits.sweep(request_id=context.aws_request_id, remaining_ms=remaining_ms, may_go_on=may_go_on)

    return _apart("splits", swept, logger, context, max_ms=SPLITS_MAX_MS)


def sweep_reminders(reminders: ReminderSweep, logger: Logger, context: LambdaContext) -> dict[str, Any]:
    """Remind payers for two minutes at most; gives the report."""

    def swept(may_go_on: Callable[[], bool]) -> ReminderReport:
        return reminders.sweep(request_id=context.aws_request_id, may_go_on=may_go_on)

    return _apart("reminders", swept, logger, context, max_ms=REMINDERS_MAX_MS)


def _apart(
    of: str,
    swept: Callable[[Callable[[], bool]], SplitSweepReport | ReminderReport],
    logger: Logger,
    context: LambdaContext,
    *,
    max_ms: int,
) -> dict[str, Any]:
    """Sweep what comes before the payments for ``max_ms`` at most; that it cannot be must not keep the
    payments from being swept."""
    remaining_ms = context.get_remaining_time_in_millis
    until_ms = max(SWEEP_RESERVE_MS, remaining_ms() - max_ms)
    try:
        report = asdict(swept(lambda: remaining_ms() > until_ms))
    except Exception:
        logger.exception("a sweep failed", of=of)
        return {"failed": True}
    logger.info("swept", of=of, **report)
    return report


def sweep(sweeper: Sweeper, logger: Logger, context: LambdaContext) -> dict[str, Any]:
    """Sweep as long as there is time for one more payment; gives the report."""
    remaining_ms = context.get_remaining_time_in_millis
    until_ms = max(SWEEP_RESERVE_MS, remaining_ms() - SWEEP_MAX_MS)
    report = sweeper.sweep(request_id=context.aws_request_id, may_go_on=lambda: remaining_ms() > until_ms)
    sweeper.metrics.count(SWEEP_RAN)
    logger.info("swept", **asdict(report))
    return asdict(report)


def daily(runs: RunWorker, logger: Logger, context: LambdaContext) -> dict[str, Any]:
    """Match as of today; gives how far the run came. One that cannot be done now waits."""
    run = runs.daily(request_id=context.aws_request_id, remaining_ms=context.get_remaining_time_in_millis)
    done = {name: run[name] for name in ("reconciliation_id", "day", "state", "exceptions")}
    logger.info("reconciled", **done)
    return done


def work(
    worker: RunWorker | UploadWorker, logger: Logger, context: LambdaContext, *, reserve_ms: int
) -> dict[str, Any]:
    """Work at what waits while there is ``reserve_ms`` for one more; gives how many ended."""
    remaining_ms = context.get_remaining_time_in_millis
    ended = worker.work(
        request_id=context.aws_request_id,
        remaining_ms=remaining_ms,
        may_go_on=lambda: remaining_ms() > reserve_ms,
    )
    if ended:
        logger.info("worked at what waited", ended=ended)
    return {"ended": ended}


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsReconciliationWorkerSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    ids = UlidIds(clock)
    dynamodb = aws.dynamodb()
    read_secret, read_parameter = aws.secret_reader(), aws.parameter_reader()
    metrics = Metrics(settings.hasivu_env, clock)
    payments = PaymentRecorder.over(dynamodb, settings, clock=clock, ids=ids, metrics=metrics)
    table = settings.reconciliation_table
    lines = BankLines(dynamodb, table)
    uploads = UploadWorker(
        client=dynamodb,
        uploads=uploads_in(dynamodb, table),
        files=StatementFiles(aws.s3(), settings.uploads_bucket, clock),
        taker=StatementTaker(lines, TakenFiles(dynamodb, table)),
        audit=payments.audit,
        clock=clock,
        logger=logger,
    )
    queued = ReconciliationService(
        client=dynamodb,
        runs=Runs(dynamodb, table),
        audit=payments.audit,
        idempotency=IdempotencyStore(dynamodb, settings.idempotency_table, clock),
        clock=clock,
        ids=ids,
    )
    recorder = ExceptionRecorder(
        client=dynamodb,
        exceptions=Exceptions(dynamodb, table),
        journal=payments.journal,
        audit=payments.audit,
        outbox=payments.outbox,
        clock=clock,
    )
    settled = SettledNews(
        client=dynamodb,
        marks=SettledMarks(dynamodb, table),
        payments=payments.repository,
        audit=payments.audit,
        outbox=payments.outbox,
        clock=clock,
        logger=logger,
    )

    def with_keys(keys: dict[str, str]) -> tuple[Sweeper, SplitSweep, ReminderSweep, RunWorker]:
        def gateway(deadline_ms: int) -> RazorpayClient:
            return RazorpayClient(
                key_id=keys["key_id"],
                key_secret=keys["key_secret"],
                base_url=read_parameter(settings.razorpay_base_url_parameter),
                clock=clock,
                deadline_ms=deadline_ms,
            )

        sweeper = Sweeper(
            payments=OpenPayments(dynamodb, settings.payments_table, table),
            recorder=payments,
            gateway=gateway(SWEEP_DEADLINE_MS),
            clock=clock,
            logger=logger,
            metrics=metrics,
        )
        matching = gateway(GATEWAY_DEADLINE_MS)
        runs = RunWorker(
            queued=queued,
            match=Match(
                facts=FactReader(payments.journal, matching, lines),
                healer=Healer(Merger(payments, clock, logger, MATCHER), matching, logger),
                lines=lines,
                recorder=recorder,
                settled=settled,
                days=WorkingDays(lambda day: not bank_calendar().is_working_day(day)),
                clock=clock,
                logger=logger,
            ),
            outbox=payments.outbox,
            logger=logger,
            metrics=metrics,
        )
        splits = SplitSweep(
            SplitWorker(payments, gateway(SWEEP_DEADLINE_MS), clock, logger, metrics), clock, logger
        )
        reminders = ReminderSweep(payments, gateway(SWEEP_DEADLINE_MS), clock, logger, metrics)
        return sweeper, splits, reminders, runs

    parts = aws.Rotating(lambda: read_secret(settings.razorpay_secret_arn), with_keys)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        task = event.get("task")
        if task == "import":  # which needs nothing of the gateway
            return work(uploads, logger, context, reserve_ms=IMPORT_RESERVE_MS)
        sweeper, splits, reminders, runs = parts.current()
        match task:
            case "sweep":
                swept = sweep_splits(splits, logger, context)
                reminded = sweep_reminders(reminders, logger, context)
                return {**sweep(sweeper, logger, context), "splits": swept, "reminders": reminded}
            case "work":
                return work(runs, logger, context, reserve_ms=RUN_RESERVE_MS)
            case "daily":
                return daily(runs, logger, context)
            case _:
                raise ValueError("no task of this function")

    return handle


handler = LambdaFunction(wire)
