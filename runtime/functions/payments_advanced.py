"""payments-advanced: payments made, captured, refunded, split; disputes, payment links, instalments."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from runtime.gateways.breaker import CircuitBreaker
from runtime.gateways.razorpay.api import GATEWAY
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.notifications.repository import NotificationRepository, State, notification_id
from runtime.payments.captures.contracts import CapturePayment, CaptureView
from runtime.payments.captures.service import CaptureService
from runtime.payments.contracts import CreatePayment, ListPayments, PaymentPage, PaymentView, VerifyPayment
from runtime.payments.disputes.contracts import DisputePage, ListDisputes
from runtime.payments.disputes.service import DisputeService
from runtime.payments.links import routes as link_routes
from runtime.payments.links.model import PaymentLink
from runtime.payments.links.reminders.model import Outcome
from runtime.payments.links.reminders.rules import reminder_key
from runtime.payments.links.reminders.service import ReminderService
from runtime.payments.links.service import LinkService, Outcomes
from runtime.payments.plans import routes as plan_routes
from runtime.payments.plans.service import PlanService
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.returns.contracts import CreateRefund, RefundList, RefundView
from runtime.payments.returns.desk import RefundDesk
from runtime.payments.returns.refusals import REFUSED_BY_GATEWAY
from runtime.payments.returns.service import RefundService
from runtime.payments.service import PaymentService
from runtime.payments.splits import routes as split_routes
from runtime.payments.splits.intake import SplitIntake, take_batch
from runtime.payments.splits.opening import SplitOpener
from runtime.payments.splits.service import SplitService
from runtime.payments.splits.worker import SplitWorker
from runtime.payments.tenancy import Tenancy
from runtime.platform import aws, errors
from runtime.platform.api import Api, Contract, LambdaContext, Request, Response, Route
from runtime.platform.api import Handler as RouteHandler
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.contacts import Contacts
from runtime.platform.function import Event, Handler, LambdaFunction
from runtime.platform.idempotency import IdempotencyStore, StoredAnswer
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.schools import SchoolRegister
from runtime.platform.settings import PaymentsAdvancedSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-advanced"
GATEWAY_DEADLINE_MS = 8_000
"""Well inside the function's timeout, so that an answer about a silent gateway still gets out."""

GATEWAY_STEP_DEADLINE_MS = 4_000
"""The same where one request may need three calls: capture, look whether it was, refund the rest."""

_MAY_PAY = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})
_MAY_READ = frozenset(Role)
_MAY_REFUND = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})

CREATE = Route(
    method="POST",
    path="/v1/payments",
    action="payments.create",
    summary="Create a payment",
    description=(
        "Makes a payment and the gateway's order for it. The answer holds what a checkout is opened with. In "
        "another currency than INR a payer pays by card; an instalment plan, and a school whose payments are "
        "split, take INR only."
    ),
    roles=_MAY_PAY,
    body=CreatePayment,
    response=PaymentView,
    status=201,
    idempotent=True,
    problems=(
        errors.AMOUNT_BELOW_MINIMUM,
        errors.AMOUNT_ABOVE_MAXIMUM,
        errors.AMOUNT_STEP_INVALID,
        errors.CURRENCY_NOT_ENABLED,
        errors.CURRENCY_INR_ONLY,
        errors.SCHOOL_UNKNOWN,
        errors.SCHOOL_FORBIDDEN,
        errors.SCHOOL_INACTIVE,
        errors.PLAN_MISMATCH,
        errors.CONCURRENT_CHANGE,
        errors.GATEWAY_REJECTED,
        errors.GATEWAY_UNAVAILABLE,
    ),
)
LIST = Route(
    method="GET",
    path="/v1/payments",
    action="payments.list",
    summary="List payments",
    description="Newest first: a parent's own payments, or those of a school that the caller belongs to.",
    roles=_MAY_READ,
    query=ListPayments,
    response=PaymentPage,
    problems=(errors.CURSOR_INVALID, errors.SCHOOL_FORBIDDEN),
)
GET = Route(
    method="GET",
    path="/v1/payments/{payment_id}",
    action="payments.get",
    summary="Get a payment",
    description=("One payment with every attempt to pay it. Payments of others do not exist for the caller."),
    roles=_MAY_READ,
    response=PaymentView,
    problems=(errors.PAYMENT_NOT_FOUND,),
)
VERIFY = Route(
    method="POST",
    path="/v1/payments/{payment_id}/verify",
    action="payments.verify",
    summary="Verify a checkout",
    description=(
        "Checks the signature that the checkout gave, then asks the gateway how the payment stands. "
        "If the gateway is silent the payment stays as it is, and the gateway's webhook completes it."
    ),
    roles=_MAY_PAY,
    body=VerifyPayment,
    response=PaymentView,
    problems=(
        errors.PAYMENT_NOT_FOUND,
        errors.ORDER_MISMATCH,
        errors.CHECKOUT_SIGNATURE_INVALID,
        errors.CONCURRENT_CHANGE,
    ),
)
CAPTURE = Route(
    method="POST",
    path="/v1/payments/{payment_id}/capture",
    action="payments.capture",
    summary="Capture a payment",
    description=(
        "Takes the money of an authorised payment. The gateway captures whole authorisations only: where "
        "less is to be kept, the rest is refunded at once, and the answer says so. 202: it is captured, but "
        "it is not known yet whether the gateway took that refund; send the same again with the same "
        "Idempotency-Key."
    ),
    roles=_MAY_REFUND,
    body=CapturePayment,
    response=CaptureView,
    also_status=(202,),
    idempotent=True,
    problems=(
        errors.AMOUNT_BELOW_MINIMUM,
        errors.AMOUNT_STEP_INVALID,
        errors.CAPTURE_EXCEEDS_AUTHORIZATION,
        errors.CAPTURE_REST_TOO_SMALL,
        errors.SCHOOL_FORBIDDEN,
        errors.PAYMENT_NOT_FOUND,
        errors.PAYMENT_NOT_AUTHORIZED,
        errors.ALREADY_CAPTURED,
        errors.AUTHORIZATION_EXPIRED,
        errors.CAPTURE_UNDER_WAY,
        errors.REFUND_EXCEEDS_BALANCE,
        errors.CONCURRENT_CHANGE,
        errors.GATEWAY_REJECTED,
        errors.GATEWAY_UNAVAILABLE,
    ),
)
REFUND = Route(
    method="POST",
    path="/v1/payments/{payment_id}/refunds",
    action="refunds.create",
    summary="Refund a payment",
    description=(
        "Gives back a part of a captured payment, or all of it; as often as something is left. The amount "
        "is held from before the gateway is asked. 202: it is not known yet whether the gateway took the "
        "refund; send the same again with the same Idempotency-Key, and nothing is refunded twice."
    ),
    roles=_MAY_REFUND,
    body=CreateRefund,
    response=RefundView,
    status=201,
    also_status=(202,),
    idempotent=True,
    problems=(
        errors.AMOUNT_BELOW_MINIMUM,
        errors.AMOUNT_ABOVE_MAXIMUM,
        errors.AMOUNT_STEP_INVALID,
        errors.SCHOOL_FORBIDDEN,
        errors.PAYMENT_NOT_FOUND,
        errors.PAYMENT_NOT_CAPTURED,
        errors.REFUNDS_TOO_MANY,
        errors.CONCURRENT_CHANGE,
        errors.GATEWAY_UNAVAILABLE,
        *REFUSED_BY_GATEWAY,
    ),
)
LIST_REFUNDS = Route(
    method="GET",
    path="/v1/payments/{payment_id}/refunds",
    action="refunds.list",
    summary="List a payment's refunds",
    description="All of them, those made in the gateway's dashboard included.",
    roles=_MAY_READ,
    response=RefundList,
    problems=(errors.PAYMENT_NOT_FOUND,),
)
GET_REFUND = Route(
    method="GET",
    path="/v1/refunds/{refund_id}",
    action="refunds.get",
    summary="Get a refund",
    description="One refund, by our identifier, or by the gateway's where it was made in its dashboard.",
    roles=_MAY_READ,
    response=RefundView,
    problems=(errors.REFUND_NOT_FOUND,),
)
LIST_DISPUTES = Route(
    method="GET",
    path="/v1/disputes",
    action="disputes.list",
    summary="List disputes",
    description=(
        "Payments of a school that the payers' banks contest, the newest first, with the deadline for "
        "evidence. What is contested is set aside in the books until it is decided, and cannot be refunded "
        "meanwhile."
    ),
    roles=_MAY_READ - {Role.PARENT},
    query=ListDisputes,
    response=DisputePage,
    problems=(errors.CURSOR_INVALID, errors.SCHOOL_FORBIDDEN),
)
ROUTES = (
    *(CREATE, LIST, GET, VERIFY, CAPTURE, REFUND, LIST_REFUNDS, GET_REFUND, LIST_DISPUTES),
    *link_routes.ROUTES,
    *plan_routes.ROUTES,
    *split_routes.ROUTES,
)


def api(
    service: PaymentService,
    captures: CaptureService,
    refunds: RefundService,
    disputes: DisputeService,
    audit: AuditTrail,
    *,
    origins: Collection[str] = (),
    further: Sequence[tuple[Route, RouteHandler]] = (),
) -> Api:
    """The routes of this function in front of its services, and the ``further`` ones of subjects of their
    own; pages of ``origins`` may read the answers."""

    def create(request: Request) -> Response:
        answer = service.create(
            request.principal,
            request.body(CreatePayment),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        return _stored(answer)

    def verify(request: Request) -> Response:
        sent = request.body(VerifyPayment)
        payment_id = request.path_parameters["payment_id"]
        return _ok(service.verify(request.principal, payment_id, sent, request_id=request.request_id))

    def get(request: Request) -> Response:
        return _ok(service.get(request.principal, request.path_parameters["payment_id"]))

    def list_(request: Request) -> Response:
        return _ok(service.list(request.principal, request.query(ListPayments)))

    def capture(request: Request) -> Response:
        answer = captures.capture(
            request.principal,
            request.path_parameters["payment_id"],
            request.body(CapturePayment),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        return _stored(answer)

    def refund(request: Request) -> Response:
        answer = refunds.create(
            request.principal,
            request.path_parameters["payment_id"],
            request.body(CreateRefund),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        return _stored(answer)

    def list_refunds(request: Request) -> Response:
        return _ok(refunds.list(request.principal, request.path_parameters["payment_id"]))

    def get_refund(request: Request) -> Response:
        return _ok(refunds.get(request.principal, request.path_parameters["refund_id"]))

    def list_disputes(request: Request) -> Response:
        return _ok(disputes.list(request.principal, request.query(ListDisputes)))

    return Api(
        [
            *((CREATE, create), (LIST, list_), (GET, get), (VERIFY, verify)),
            (CAPTURE, capture),
            *((REFUND, refund), (LIST_REFUNDS, list_refunds), (GET_REFUND, get_refund)),
            (LIST_DISPUTES, list_disputes),
            *further,
        ],
        audit=audit,
        logger=service.logger,
        origins=origins,
    )


def reminder_outcomes(notifications: NotificationRepository) -> Outcomes:
    """What the messages say that became of a link's reminders. One that nobody has finished is none yet."""

    def outcomes(link: PaymentLink) -> Mapping[int, Outcome]:
        names = {
            made.number: notification_id(reminder_key(link.link_id, made.number), link.payer_id)
            for made in link.reminders.made
        }
        found = notifications.read(list(names.values()))
        told = {number: found[name] for number, name in names.items() if name in found}
        return {
            number: Outcome(
                state=item["state"],
                channel=item.get("channel"),
                code=item.get("code"),
                at=item.get("progressed_at") or item["finished_at"],
            )
            for number, item in told.items()
            if item["state"] not in (State.CLAIMED, State.RELEASED)
        }

    return outcomes


def _ok(answer: Contract) -> Response:
    return Response(200, answer.model_dump(mode="json"))


def _stored(answer: StoredAnswer) -> Response:
    headers = {"content-type": errors.CONTENT_TYPE} if answer.status >= 400 else {}
    return Response(answer.status, answer.body, headers)


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsAdvancedSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    ids = UlidIds(clock)
    dynamodb = aws.dynamodb()
    read_secret, read_parameter = aws.secret_reader(), aws.parameter_reader()
    metrics = Metrics(settings.hasivu_env, clock)
    recorder = PaymentRecorder.over(dynamodb, settings, clock=clock, ids=ids, metrics=metrics)

    def with_keys(keys: dict[str, str]) -> tuple[Api, SplitIntake]:
        breaker = CircuitBreaker(gateway=GATEWAY, clock=clock)

        def gateway_within(deadline_ms: int) -> RazorpayClient:
            return RazorpayClient(
                key_id=keys["key_id"],
                key_secret=keys["key_secret"],
                base_url=read_parameter(settings.razorpay_base_url_parameter),
                clock=clock,
                breaker=breaker,
                deadline_ms=deadline_ms,
            )

        idempotency = IdempotencyStore(dynamodb, settings.idempotency_table, clock)
        tenancy = Tenancy(SchoolRegister(dynamodb, settings.schools_table))
        desk = RefundDesk(recorder, gateway_within(GATEWAY_STEP_DEADLINE_MS), clock, logger)
        captures = CaptureService(desk, idempotency, tenancy, clock, ids, logger)
        refunds = RefundService(
            repository=recorder.repository,
            desk=desk,
            idempotency=idempotency,
            tenancy=tenancy,
            clock=clock,
            ids=ids,
        )
        disputes = DisputeService(recorder.repository, tenancy, clock)
        service = PaymentService(
            repository=recorder.repository,
            recorder=recorder,
            idempotency=idempotency,
            tenancy=tenancy,
            gateway=gateway_within(GATEWAY_DEADLINE_MS),
            key_id=keys["key_id"],
            key_secret=keys["key_secret"],
            former_key_secret=keys.get("former_key_secret"),
            currencies=settings.currencies,
            clock=clock,
            ids=ids,
            logger=logger,
        )
        links = LinkService(
            recorder=recorder,
            idempotency=idempotency,
            tenancy=tenancy,
            gateway=gateway_within(GATEWAY_DEADLINE_MS),
            key_secret=keys["key_secret"],
            former_key_secret=keys.get("former_key_secret"),
            outcomes=reminder_outcomes(
                NotificationRepository(dynamodb, settings.notifications_table, clock, ids)
            ),
            origins=settings.origins,
            clock=clock,
            ids=ids,
            logger=logger,
        )
        reminders = ReminderService(
            recorder.links, idempotency, Contacts(aws.cognito(), settings.user_pool_id), clock, metrics
        )
        plans = PlanService(recorder=recorder, idempotency=idempotency, tenancy=tenancy, clock=clock, ids=ids)
        opener = SplitOpener(recorder, clock, logger)
        worker = SplitWorker(recorder, gateway_within(GATEWAY_STEP_DEADLINE_MS), clock, logger, metrics)
        splits = SplitService(
            recorder=recorder,
            opener=opener,
            worker=worker,
            idempotency=idempotency,
            tenancy=tenancy,
            clock=clock,
        )
        further = (
            *link_routes.handled(links, reminders),
            *plan_routes.handled(plans),
            *split_routes.handled(splits),
        )
        answering = api(
            service, captures, refunds, disputes, recorder.audit, origins=settings.origins, further=further
        )
        return answering, SplitIntake(opener, worker)

    parts = aws.Rotating(lambda: read_secret(settings.razorpay_secret_arn), with_keys)

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        answering, intake = parts.current()
        if "Records" in event:
            return take_batch(intake, logger, event, context)
        return answering.handle(event, context)

    return handle


handler = LambdaFunction(wire)
