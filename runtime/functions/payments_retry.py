"""payments-retry: decides whether, when and how a debit is tried, tries it, and says why it is when it is."""

import json
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.debits.contracts import CreateDebit, RetriesView
from runtime.payments.debits.desk import PlanningDesk
from runtime.payments.debits.downtimes import DowntimeBook
from runtime.payments.debits.ordering import DebitService
from runtime.payments.debits.recorder import DebitRecorder
from runtime.payments.debits.repository import RetryRepository
from runtime.payments.debits.service import RetryService
from runtime.payments.debits.sweep import DueSweep
from runtime.payments.debits.teller import DebitTeller
from runtime.payments.debits.worker import DebitWorker
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.retry.planner import Planner
from runtime.payments.tenancy import Tenancy
from runtime.platform import aws, errors
from runtime.platform.api import Api, LambdaContext, Request, Response, Route
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.contacts import Contacts
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.idempotency import IdempotencyStore, StoredAnswer
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.schools import SchoolRegister
from runtime.platform.settings import PaymentsRetrySettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-retry"
GATEWAY_DEADLINE_MS = 5_000
"""A debit that is due asks the gateway up to four times within the function's timeout."""

SWEEP = "sweep"
"""The ``task`` of the schedule's event."""

_MAY_READ = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MAY_CHANGE = frozenset(
    {Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.ADMIN, Role.SERVICE}
)
_MAY_DEBIT = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})
"""Who is a parent pays by itself; it never debits its own mandate."""

CREATE_DEBIT = Route(
    method="POST",
    path="/v1/mandates/{mandate_id}/debits",
    action="debits.create",
    summary="Debit a mandate",
    description=(
        "Plans a debit of an active mandate, announces it to the payer in time, and makes it. A cycle of a "
        "mandate has one debit. The answer says when, and everything that decided it."
    ),
    roles=_MAY_DEBIT,
    body=CreateDebit,
    response=RetriesView,
    status=201,
    idempotent=True,
    problems=(
        errors.MANDATE_NOT_FOUND,
        errors.SCHOOL_UNKNOWN,
        errors.SCHOOL_FORBIDDEN,
        errors.SCHOOL_INACTIVE,
        errors.AMOUNT_BELOW_MINIMUM,
        errors.CONTACT_MISSING,
        errors.DEBIT_FORBIDDEN,
        errors.DEBIT_CYCLE_TAKEN,
        errors.CONCURRENT_CHANGE,
    ),
)
LIST = Route(
    method="GET",
    path="/v1/payments/{payment_id}/retries",
    action="retries.list",
    summary="List the retries of a payment",
    description=(
        "Every try, every notice, and the next plan with each rule that decided it: its code, a sentence, "
        "its source and the moment that it set. Without a mandate: what the payer is asked for, and the "
        "checkout."
    ),
    roles=_MAY_READ,
    response=RetriesView,
    problems=(errors.PAYMENT_NOT_FOUND,),
)
CREATE = Route(
    method="POST",
    path="/v1/payments/{payment_id}/retries",
    action="retries.create",
    summary="Retry a payment",
    description=(
        "Plans the next debit as soon as the rules allow; the house's own patience is skipped, a rule never. "
        "A payment without a mandate is paid again by its payer, on the same order: 200 with its checkout."
    ),
    roles=_MAY_CHANGE,
    response=RetriesView,
    status=202,
    also_status=(200,),
    idempotent=True,
    problems=(errors.PAYMENT_NOT_FOUND, errors.RETRY_FORBIDDEN, errors.CONCURRENT_CHANGE),
)
CANCEL = Route(
    method="DELETE",
    path="/v1/payments/{payment_id}/retries",
    action="retries.cancel",
    summary="Cancel the retries of a payment",
    description="No further debit is made. One that is under way already is still followed to its end.",
    roles=_MAY_CHANGE,
    response=RetriesView,
    problems=(errors.PAYMENT_NOT_FOUND, errors.RETRY_NOT_PLANNED, errors.CONCURRENT_CHANGE),
)
ROUTES = (CREATE_DEBIT, LIST, CREATE, CANCEL)


def api(
    debits: DebitService, retries: RetryService, audit: AuditTrail, *, origins: Collection[str] = ()
) -> Api:
    """The routes of this function in front of both services."""

    def create_debit(request: Request) -> Response:
        return _stored(
            debits.create(
                request.principal,
                request.path_parameters["mandate_id"],
                request.body(CreateDebit),
                key=request.headers.get("idempotency-key"),
                request_id=request.request_id,
                remaining_ms=request.remaining_ms(),
            )
        )

    def list_(request: Request) -> Response:
        return _ok(retries.get(request.principal, request.path_parameters["payment_id"]))

    def create(request: Request) -> Response:
        return _stored(
            retries.retry(
                request.principal,
                request.path_parameters["payment_id"],
                key=request.headers.get("idempotency-key"),
                request_id=request.request_id,
                remaining_ms=request.remaining_ms(),
            )
        )

    def cancel(request: Request) -> Response:
        payment_id = request.path_parameters["payment_id"]
        return _ok(retries.cancel(request.principal, payment_id, request_id=request.request_id))

    return Api(
        [(CREATE_DEBIT, create_debit), (LIST, list_), (CREATE, create), (CANCEL, cancel)],
        audit=audit,
        logger=retries.logger,
        origins=origins,
    )


def work_batch(worker: DebitWorker, logger: Logger, event: Event, context: LambdaContext) -> dict[str, Any]:
    """Work on the debits that a batch of messages names; what fails is named, and only that comes again."""

    def work_one(record: Any) -> None:
        try:
            payment_id = json.loads(record["body"])["payment_id"]
            worked = worker.work(
                payment_id,
                request_id=context.aws_request_id,
                remaining_ms=context.get_remaining_time_in_millis(),
            )
        except Exception:
            logger.exception("a message failed", message_id=record["messageId"])
            raise
        logger.info("debit worked on", payment_id=payment_id, worked=worked.value)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return dict(process_partial_response(dict(event), work_one, processor))


@dataclass(frozen=True, slots=True)
class Parts:
    """What one key of the gateway serves: the routes and the worker."""

    api: Api
    worker: DebitWorker


def handler_of(parts: Callable[[], Parts], sweep: DueSweep, logger: Logger) -> Handler:
    """What takes the events of the API, of the queue and of the schedule."""

    def handle(event: Event, context: LambdaContext) -> Any:
        if "Records" in event:
            return work_batch(parts().worker, logger, event, context)
        if event.get("task") == SWEEP:
            return {"queued": sweep.send()}
        return parts().api.handle(event, context)

    return handle


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsRetrySettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    ids = UlidIds(clock)
    dynamodb = aws.dynamodb()
    read_secret, read_parameter = aws.secret_reader(), aws.parameter_reader()
    metrics = Metrics(settings.hasivu_env, clock)
    payments = PaymentRecorder.over(dynamodb, settings, clock=clock, ids=ids, metrics=metrics)
    retries = RetryRepository(dynamodb, settings.payments_table)
    recorder = DebitRecorder(payments, retries)
    contacts = Contacts(aws.cognito(), settings.user_pool_id)
    idempotency = IdempotencyStore(dynamodb, settings.idempotency_table, clock)
    downtimes = DowntimeBook(dynamodb, settings.payment_methods_table, clock)
    desk = PlanningDesk(Planner(), retries, payments.tokens, downtimes, secrets.randbelow, clock)
    debits = DebitService(
        recorder=recorder,
        desk=desk,
        contacts=contacts,
        idempotency=idempotency,
        tenancy=Tenancy(SchoolRegister(dynamodb, settings.schools_table)),
        clock=clock,
        ids=ids,
    )

    def with_keys(keys: dict[str, str]) -> Parts:
        gateway = RazorpayClient(
            key_id=keys["key_id"],
            key_secret=keys["key_secret"],
            base_url=read_parameter(settings.razorpay_base_url_parameter),
            clock=clock,
            deadline_ms=GATEWAY_DEADLINE_MS,
        )
        service = RetryService(recorder, desk, idempotency, keys["key_id"], clock, logger)
        teller = DebitTeller(recorder, desk, gateway, contacts, clock, logger)
        return Parts(
            api(debits, service, payments.audit, origins=settings.origins),
            DebitWorker(recorder, desk, teller, clock, logger),
        )

    rotating = aws.Rotating(lambda: read_secret(settings.razorpay_secret_arn), with_keys)
    sweep = DueSweep(retries, aws.sqs(), settings.retry_queue_url, clock, logger)
    return handler_of(rotating.current, sweep, logger)


def _ok(answer: RetriesView) -> Response:
    return Response(200, answer.model_dump(mode="json"))


def _stored(answer: StoredAnswer) -> Response:
    headers = {"content-type": errors.CONTENT_TYPE} if answer.status >= 400 else {}
    return Response(answer.status, answer.body, headers)


handler = LambdaFunction(wire)
