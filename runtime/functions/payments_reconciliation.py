"""payments-reconciliation: sweeps open payments and splits, matches gateway, ledger and bank."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import unquote

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from pydantic import BaseModel

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.reconciliation.contracts import (
    AssignException,
    CommentException,
    ExceptionPage,
    ExceptionView,
    ForceException,
    FoundPage,
    ListExceptions,
    ListReconciliations,
    ReconciliationPage,
    ReconciliationView,
    RejectForce,
    ResolveException,
    StartReconciliation,
    StatementView,
    UploadStatement,
)
from runtime.payments.reconciliation.facts import FactReader
from runtime.payments.reconciliation.recorder import ExceptionRecorder
from runtime.payments.reconciliation.repository import BankLines, Exceptions, Runs
from runtime.payments.reconciliation.runs import ReconciliationService
from runtime.payments.reconciliation.uploads import StatementService
from runtime.payments.reconciliation.workflow import ExceptionService
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.retry.holidays import bank_calendar
from runtime.payments.splits.intake import SplitIntake
from runtime.payments.splits.opening import SplitOpener
from runtime.payments.splits.sweep import SplitSweep
from runtime.payments.splits.worker import SplitWorker
from runtime.payments.sweeps.repository import OpenPayments
from runtime.payments.sweeps.service import Sweeper
from runtime.platform import aws, errors
from runtime.platform.api import Api, LambdaContext, Request, Response, Route
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.idempotency import IdempotencyStore, StoredAnswer
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.settings import PaymentsReconciliationSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-reconciliation"
GATEWAY_DEADLINE_MS = 8_000
SWEEP_DEADLINE_MS = 4_000
SPLIT_DEADLINE_MS = 4_000
SWEEP_RESERVE_MS = 10_000
"""A payment takes two calls at most, and what was heard has to be written."""

SPLITS_RESERVE_MS = 15_000
"""Splits are swept before payments, in the first part of the time."""

STEP_RESERVE_MS = 6_000
"""A step of a split takes two calls at most, one of them short, and what was heard has to be written."""

_MAY_READ = frozenset({Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MAY_CHANGE = frozenset({Role.FINANCE, Role.OPERATOR, Role.ADMIN})
_MAY_APPROVE = frozenset({Role.FINANCE, Role.ADMIN})
_STEP = (
    errors.SCHOOL_FORBIDDEN,
    errors.EXCEPTION_NOT_FOUND,
    errors.EXCEPTION_STEP_REFUSED,
    errors.CONCURRENT_CHANGE,
)

LIST_RUNS = Route(
    method="GET",
    path="/v1/reconciliations",
    action="reconciliations.list",
    summary="List reconciliations",
    description="Newest first, each with the totals of every leg.",
    roles=_MAY_READ,
    query=ListReconciliations,
    response=ReconciliationPage,
    problems=(errors.SCHOOL_FORBIDDEN,),
)
START_RUN = Route(
    method="POST",
    path="/v1/reconciliations",
    action="reconciliations.start",
    summary="Start a reconciliation",
    description=(
        "Matches our books, the gateway's rows and settlements and the bank's lines as of a day. As of today "
        "it opens and rechecks exceptions and books what the bank received; an earlier day only reports."
    ),
    roles=_MAY_CHANGE,
    body=StartReconciliation,
    response=ReconciliationView,
    status=201,
    idempotent=True,
    problems=(
        errors.SCHOOL_FORBIDDEN,
        errors.RECONCILIATION_DAY_INVALID,
        errors.CONCURRENT_CHANGE,
        errors.GATEWAY_UNAVAILABLE,
    ),
)
GET_RUN = Route(
    method="GET",
    path="/v1/reconciliations/{reconciliation_id}",
    action="reconciliations.get",
    summary="Get a reconciliation",
    description="Every paisa of every leg is in exactly one status.",
    roles=_MAY_READ,
    response=ReconciliationView,
    problems=(errors.SCHOOL_FORBIDDEN, errors.RECONCILIATION_NOT_FOUND),
)
RUN_EXCEPTIONS = Route(
    method="GET",
    path="/v1/reconciliations/{reconciliation_id}/exceptions",
    action="reconciliations.exceptions.list",
    summary="List what did not match",
    description="What the run found that a person must look at, as it was found then.",
    roles=_MAY_READ,
    query=ListExceptions,
    response=FoundPage,
    problems=(errors.SCHOOL_FORBIDDEN, errors.RECONCILIATION_NOT_FOUND),
)
TAKE_STATEMENT = Route(
    method="POST",
    path="/v1/bank-statements",
    action="statements.take",
    summary="Upload a bank statement",
    description=(
        "CSV, CAMT.053 or MT940, at most 46080 bytes. Every line is kept once, whichever file brings it; "
        "broken rows are listed by line and the others are kept."
    ),
    roles=_MAY_CHANGE,
    body=UploadStatement,
    response=StatementView,
    status=201,
    idempotent=True,
    problems=(errors.SCHOOL_FORBIDDEN, errors.BANK_ACCOUNT_UNKNOWN, errors.STATEMENT_REFUSED),
)
LIST_EXCEPTIONS = Route(
    method="GET",
    path="/v1/reconciliation-exceptions",
    action="exceptions.list",
    summary="List open exceptions",
    description="Oldest first, with their age in working days.",
    roles=_MAY_READ,
    query=ListExceptions,
    response=ExceptionPage,
    problems=(errors.SCHOOL_FORBIDDEN, errors.CURSOR_INVALID),
)
GET_EXCEPTION = Route(
    method="GET",
    path="/v1/reconciliation-exceptions/{exception_id}",
    action="exceptions.get",
    summary="Get an exception",
    description="With its trail, and what the bank owes where a debit was not confirmed.",
    roles=_MAY_READ,
    response=ExceptionView,
    problems=(errors.SCHOOL_FORBIDDEN, errors.EXCEPTION_NOT_FOUND),
)
ASSIGN = Route(
    method="POST",
    path="/v1/reconciliation-exceptions/{exception_id}/assign",
    action="exceptions.assign",
    summary="Assign an exception",
    description="Gives it an owner, or another one.",
    roles=_MAY_CHANGE,
    body=AssignException,
    response=ExceptionView,
    problems=_STEP,
)
COMMENT = Route(
    method="POST",
    path="/v1/reconciliation-exceptions/{exception_id}/comment",
    action="exceptions.comment",
    summary="Comment on an exception",
    description="Adds to its trail; nothing in it is ever taken out.",
    roles=_MAY_CHANGE,
    body=CommentException,
    response=ExceptionView,
    problems=_STEP,
)
RESOLVE = Route(
    method="POST",
    path="/v1/reconciliation-exceptions/{exception_id}/resolve",
    action="exceptions.resolve",
    summary="Resolve an exception",
    description="By its owner, with a reason. A difference that is left needs a forced posting instead.",
    roles=_MAY_CHANGE,
    body=ResolveException,
    response=ExceptionView,
    problems=(*_STEP, errors.EXCEPTION_NOT_OWNER),
)
FORCE = Route(
    method="POST",
    path="/v1/reconciliation-exceptions/{exception_id}/force",
    action="exceptions.force",
    summary="Ask for a forced posting",
    description="By its owner, naming the difference. Nothing is booked until somebody else approves.",
    roles=_MAY_CHANGE,
    body=ForceException,
    response=ExceptionView,
    problems=(*_STEP, errors.EXCEPTION_NOT_OWNER),
)
APPROVE = Route(
    method="POST",
    path="/v1/reconciliation-exceptions/{exception_id}/approve",
    action="exceptions.approve",
    summary="Approve a forced posting",
    description="By another person than asked for it, within limits. The difference is booked with it, once.",
    roles=_MAY_APPROVE,
    response=ExceptionView,
    problems=(*_STEP, errors.EXCEPTION_FOUR_EYES),
)
REJECT = Route(
    method="POST",
    path="/v1/reconciliation-exceptions/{exception_id}/reject",
    action="exceptions.reject",
    summary="Reject a forced posting",
    description="Turns a request down, or takes one's own back. The exception is its owner's again.",
    roles=_MAY_CHANGE,
    body=RejectForce,
    response=ExceptionView,
    problems=_STEP,
)
ROUTES = (
    *(LIST_RUNS, START_RUN, GET_RUN, RUN_EXCEPTIONS, TAKE_STATEMENT),
    *(LIST_EXCEPTIONS, GET_EXCEPTION, ASSIGN, COMMENT, RESOLVE, FORCE, APPROVE, REJECT),
)


def api(
    runs: ReconciliationService,
    statements: StatementService,
    exceptions: ExceptionService,
    *,
    origins: Collection[str] = (),
) -> Api:
    """The routes of this function in front of its services; pages of ``origins`` may read the answers."""

    def start(request: Request) -> Response:
        answer = runs.start(
            request.principal,
            request.body(StartReconciliation),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        return _stored(answer)

    def take(request: Request) -> Response:
        answer = statements.take(
            request.principal,
            request.body(UploadStatement),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        return _stored(answer)

    def list_runs(request: Request) -> Response:
        return _ok(runs.list(request.principal, request.query(ListReconciliations)))

    def get_run(request: Request) -> Response:
        return _ok(runs.get(request.principal, request.path_parameters["reconciliation_id"]))

    def run_exceptions(request: Request) -> Response:
        run_id, asked = request.path_parameters["reconciliation_id"], request.query(ListExceptions)
        return _ok(runs.found(request.principal, run_id, asked))

    def list_exceptions(request: Request) -> Response:
        return _ok(exceptions.list(request.principal, request.query(ListExceptions)))

    def get_exception(request: Request) -> Response:
        return _ok(exceptions.get(request.principal, _exception(request)))

    def assign(request: Request) -> Response:
        owner, request_id = request.body(AssignException).owner, request.request_id
        return _ok(exceptions.assign(request.principal, _exception(request), owner, request_id=request_id))

    def comment(request: Request) -> Response:
        text, request_id = request.body(CommentException).text, request.request_id
        return _ok(exceptions.comment(request.principal, _exception(request), text, request_id=request_id))

    def resolve(request: Request) -> Response:
        asked, request_id = request.body(ResolveException), request.request_id
        return _ok(exceptions.resolve(request.principal, _exception(request), asked, request_id=request_id))

    def force(request: Request) -> Response:
        asked, request_id = request.body(ForceException), request.request_id
        return _ok(exceptions.force(request.principal, _exception(request), asked, request_id=request_id))

    def approve(request: Request) -> Response:
        request_id = request.request_id
        return _ok(exceptions.approve(request.principal, _exception(request), request_id=request_id))

    def reject(request: Request) -> Response:
        reason, request_id = request.body(RejectForce).reason, request.request_id
        return _ok(exceptions.reject(request.principal, _exception(request), reason, request_id=request_id))

    return Api(
        [
            (LIST_RUNS, list_runs),
            (START_RUN, start),
            (GET_RUN, get_run),
            (RUN_EXCEPTIONS, run_exceptions),
            (TAKE_STATEMENT, take),
            (LIST_EXCEPTIONS, list_exceptions),
            (GET_EXCEPTION, get_exception),
            (ASSIGN, assign),
            (COMMENT, comment),
            (RESOLVE, resolve),
            (FORCE, force),
            (APPROVE, approve),
            (REJECT, reject),
        ],
        audit=statements.audit,
        logger=runs.logger,
        origins=origins,
    )


def _exception(request: Request) -> str:
    """The id in the path; its colons may come encoded."""
    return unquote(request.path_parameters["exception_id"])


def _ok(answer: BaseModel) -> Response:
    return Response(200, answer.model_dump(mode="json"))


def _stored(answer: StoredAnswer) -> Response:
    return Response(answer.status, answer.body)


def take_batch(intake: SplitIntake, logger: Logger, event: Event, context: LambdaContext) -> dict[str, Any]:
    """Take in the events of a batch of messages; what fails is named, and only that comes again."""

    def take_one(record: Any) -> None:
        try:
            became = intake.take(
                record["body"],
                request_id=context.aws_request_id,
                remaining_ms=context.get_remaining_time_in_millis(),
                may_go_on=lambda: context.get_remaining_time_in_millis() > STEP_RESERVE_MS,
            )
        except Exception:
            logger.exception("a message failed", message_id=record["messageId"])
            raise
        logger.info("split taken in", became=became)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(process_partial_response(dict(event), take_one, processor))


def sweep_splits(splits: SplitSweep, logger: Logger, context: LambdaContext) -> dict[str, Any]:
    """Sweep the splits in the first part of the time; gives the report. That they cannot be swept must not
    keep the payments from it."""
    try:
        report = splits.sweep(
            request_id=context.aws_request_id,
            remaining_ms=context.get_remaining_time_in_millis,
            may_go_on=lambda: context.get_remaining_time_in_millis() > SPLITS_RESERVE_MS,
        )
    except Exception:
        logger.exception("the splits could not be swept")
        return {"failed": True}
    logger.info("splits swept", **asdict(report))
    return asdict(report)


def sweep(sweeper: Sweeper, logger: Logger, context: LambdaContext) -> dict[str, Any]:
    """Sweep as long as there is time for one more payment; gives the report."""
    report = sweeper.sweep(
        request_id=context.aws_request_id,
        may_go_on=lambda: context.get_remaining_time_in_millis() > SWEEP_RESERVE_MS,
    )
    logger.info("swept", **asdict(report))
    return asdict(report)


def daily(runs: ReconciliationService, logger: Logger, context: LambdaContext) -> dict[str, Any]:
    """Match as of today; gives the run's id. What fails is raised, so that it is tried again."""
    answer = runs.daily(
        request_id=context.aws_request_id, remaining_ms=context.get_remaining_time_in_millis()
    )
    done = {name: answer.body[name] for name in ("reconciliation_id", "day", "exceptions")}
    logger.info("reconciled", **done)
    return done


@dataclass(frozen=True, slots=True)
class Parts:
    """What one key of the gateway serves."""

    sweeper: Sweeper
    runs: ReconciliationService
    answering: Api
    intake: SplitIntake
    splits: SplitSweep


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsReconciliationSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    ids = UlidIds(clock)
    dynamodb = aws.dynamodb()
    read_secret, read_parameter = aws.secret_reader(), aws.parameter_reader()
    metrics = Metrics(settings.hasivu_env, clock)
    payments = PaymentRecorder.over(dynamodb, settings, clock=clock, ids=ids, metrics=metrics)
    table = settings.reconciliation_table
    lines = BankLines(dynamodb, table)
    days = WorkingDays(lambda day: not bank_calendar().is_working_day(day))
    idempotency = IdempotencyStore(dynamodb, settings.idempotency_table, clock)
    recorder = ExceptionRecorder(
        client=dynamodb,
        exceptions=Exceptions(dynamodb, table),
        journal=payments.journal,
        audit=payments.audit,
        outbox=payments.outbox,
        clock=clock,
    )
    statements = StatementService(dynamodb, lines, payments.audit, idempotency, settings.accounts, clock, ids)

    opener = SplitOpener(payments, clock, logger)

    def with_keys(keys: dict[str, str]) -> Parts:
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
        runs = ReconciliationService(
            client=dynamodb,
            facts=FactReader(payments.journal, gateway(GATEWAY_DEADLINE_MS), lines),
            runs=Runs(dynamodb, table),
            lines=lines,
            recorder=recorder,
            idempotency=idempotency,
            days=days,
            clock=clock,
            ids=ids,
            logger=logger,
        )
        exceptions = ExceptionService(recorder, days, clock)
        answering = api(runs, statements, exceptions, origins=settings.origins)
        worker = SplitWorker(payments, gateway(SPLIT_DEADLINE_MS), clock, logger, metrics)
        return Parts(sweeper, runs, answering, SplitIntake(opener, worker), SplitSweep(worker, clock, logger))

    parts = aws.Rotating(lambda: read_secret(settings.razorpay_secret_arn), with_keys)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        current = parts.current()
        if "Records" in event:
            return take_batch(current.intake, logger, event, context)
        match event.get("task"):
            case "sweep":
                splits = sweep_splits(current.splits, logger, context)
                return {**sweep(current.sweeper, logger, context), "splits": splits}
            case "daily":
                return daily(current.runs, logger, context)
            case _:
                return current.answering.handle(event, context)

    return handle


handler = LambdaFunction(wire)
