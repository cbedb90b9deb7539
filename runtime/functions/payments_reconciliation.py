"""payments-reconciliation: what people see and do of runs, bank statements and exceptions.

What takes long is payments-reconciliation-worker's, by the clock: a call asks for it and looks at it.
"""

from collections.abc import Collection, Mapping

from aws_lambda_powertools import Logger

from runtime.ledger.journal import Journal
from runtime.payments.reconciliation import routes
from runtime.payments.reconciliation.recorder import ExceptionRecorder
from runtime.payments.reconciliation.repository import BankLines, Exceptions, TakenFiles
from runtime.payments.reconciliation.run_store import Runs
from runtime.payments.reconciliation.runs import ReconciliationService
from runtime.payments.reconciliation.statement_files import StatementFiles
from runtime.payments.reconciliation.statement_uploads import StatementUploadService
from runtime.payments.reconciliation.taking import StatementTaker
from runtime.payments.reconciliation.upload_store import uploads_in
from runtime.payments.reconciliation.uploads import StatementService
from runtime.payments.reconciliation.workflow import ExceptionService
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.payments.retry.holidays import bank_calendar
from runtime.platform import aws
from runtime.platform.api import Api
from runtime.platform.audit import AuditTrail
from runtime.platform.clock import SystemClock
from runtime.platform.function import Handler, LambdaFunction
from runtime.platform.idempotency import IdempotencyStore
from runtime.platform.ids import UlidIds
from runtime.platform.outbox import Outbox
from runtime.platform.settings import PaymentsReconciliationSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-reconciliation"
ROUTES = routes.ROUTES


def api(
    runs: ReconciliationService,
    statements: StatementService,
    uploads: StatementUploadService,
    exceptions: ExceptionService,
    *,
    logger: Logger,
    origins: Collection[str] = (),
) -> Api:
    """The routes of this function in front of its services; pages of ``origins`` may read the answers."""
    return Api(
        routes.handled(runs, statements, uploads, exceptions),
        audit=statements.audit,
        logger=logger,
        origins=origins,
    )


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsReconciliationSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    ids = UlidIds(clock)
    dynamodb = aws.dynamodb()
    table = settings.reconciliation_table
    audit = AuditTrail(dynamodb, settings.audit_table, clock, ids)
    idempotency = IdempotencyStore(dynamodb, settings.idempotency_table, clock)
    runs = ReconciliationService(dynamodb, Runs(dynamodb, table), audit, idempotency, clock, ids)
    statements = StatementService(
        client=dynamodb,
        taker=StatementTaker(BankLines(dynamodb, table), TakenFiles(dynamodb, table)),
        audit=audit,
        idempotency=idempotency,
        accounts=settings.accounts,
        clock=clock,
        ids=ids,
    )
    uploads = StatementUploadService(
        client=dynamodb,
        uploads=uploads_in(dynamodb, table),
        files=StatementFiles(aws.s3_for_links(), settings.uploads_bucket, clock),
        audit=audit,
        idempotency=idempotency,
        accounts=settings.accounts,
        clock=clock,
        ids=ids,
    )
    recorder = ExceptionRecorder(
        client=dynamodb,
        exceptions=Exceptions(dynamodb, table),
        journal=Journal(dynamodb, settings.ledger_table, clock),
        audit=audit,
        outbox=Outbox(settings.outbox_table, clock, ids),
        clock=clock,
    )
    days = WorkingDays(lambda day: not bank_calendar().is_working_day(day))
    exceptions = ExceptionService(recorder, days, idempotency, clock)
    answering = api(runs, statements, uploads, exceptions, logger=logger, origins=settings.origins)
    return answering.handle


handler = LambdaFunction(wire)
