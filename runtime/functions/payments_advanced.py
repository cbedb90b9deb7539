"""payments-advanced: payments created, verified, looked at; payment links; instalment plans."""

from collections.abc import Collection, Mapping, Sequence

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.contracts import CreatePayment, ListPayments, PaymentPage, PaymentView, VerifyPayment
from runtime.payments.links import routes as link_routes
from runtime.payments.links.service import LinkService
from runtime.payments.plans import routes as plan_routes
from runtime.payments.plans.service import PlanService
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.service import PaymentService
from runtime.payments.tenancy import Tenancy
from runtime.platform import aws, errors
from runtime.platform.api import Api, Request, Response, Route
from runtime.platform.api import Handler as RouteHandler
from runtime.platform.audit import AuditTrail
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.function import Handler, LambdaFunction
from runtime.platform.idempotency import IdempotencyStore
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.schools import SchoolRegister
from runtime.platform.settings import PaymentsAdvancedSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-advanced"
GATEWAY_DEADLINE_MS = 8_000
"""Well inside the function's timeout, so that an answer about a silent gateway still gets out."""

_MAY_PAY = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})
_MAY_READ = frozenset(Role)

CREATE = Route(
    method="POST",
    path="/v1/payments",
    action="payments.create",
    summary="Create a payment",
    description=(
        "Makes a payment and the gateway's order for it. The answer holds what a checkout is opened with."
    ),
    roles=_MAY_PAY,
    body=CreatePayment,
    response=PaymentView,
    status=201,
    idempotent=True,
    problems=(
        errors.AMOUNT_BELOW_MINIMUM,
        errors.AMOUNT_ABOVE_MAXIMUM,
        errors.CURRENCY_NOT_ENABLED,
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
ROUTES = (CREATE, LIST, GET, VERIFY, *link_routes.ROUTES, *plan_routes.ROUTES)


def api(
    service: PaymentService,
    audit: AuditTrail,
    *,
    origins: Collection[str] = (),
    further: Sequence[tuple[Route, RouteHandler]] = (),
) -> Api:
    """The routes of this function in front of ``service``, and the ``further`` ones of subjects of their own;
    pages of ``origins`` may read the answers."""

    def create(request: Request) -> Response:
        answer = service.create(
            request.principal,
            request.body(CreatePayment),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        headers = {"content-type": errors.CONTENT_TYPE} if answer.status >= 400 else {}
        return Response(answer.status, answer.body, headers)

    def verify(request: Request) -> Response:
        sent = request.body(VerifyPayment)
        payment_id = request.path_parameters["payment_id"]
        return _ok(service.verify(request.principal, payment_id, sent, request_id=request.request_id))

    def get(request: Request) -> Response:
        return _ok(service.get(request.principal, request.path_parameters["payment_id"]))

    def list_(request: Request) -> Response:
        return _ok(service.list(request.principal, request.query(ListPayments)))

    return Api(
        [(CREATE, create), (LIST, list_), (GET, get), (VERIFY, verify), *further],
        audit=audit,
        logger=service.logger,
        origins=origins,
    )


def _ok(answer: PaymentView | PaymentPage) -> Response:
    return Response(200, answer.model_dump(mode="json"))


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

    def with_keys(keys: dict[str, str]) -> Api:
        gateway = RazorpayClient(
            key_id=keys["key_id"],
            key_secret=keys["key_secret"],
            base_url=read_parameter(settings.razorpay_base_url_parameter),
            clock=clock,
            deadline_ms=GATEWAY_DEADLINE_MS,
        )
        idempotency = IdempotencyStore(dynamodb, settings.idempotency_table, clock)
        tenancy = Tenancy(SchoolRegister(dynamodb, settings.schools_table))
        service = PaymentService(
            repository=recorder.repository,
            recorder=recorder,
            idempotency=idempotency,
            tenancy=tenancy,
            gateway=gateway,
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
            gateway=gateway,
            key_secret=keys["key_secret"],
            former_key_secret=keys.get("former_key_secret"),
            origins=settings.origins,
            clock=clock,
            ids=ids,
            logger=logger,
        )
        plans = PlanService(recorder=recorder, idempotency=idempotency, tenancy=tenancy, clock=clock, ids=ids)
        further = (*link_routes.handled(links), *plan_routes.handled(plans))
        return api(service, recorder.audit, origins=settings.origins, further=further)

    apis = aws.Rotating(lambda: read_secret(settings.razorpay_secret_arn), with_keys)
    return lambda event, context: apis.current().handle(event, context)


handler = LambdaFunction(wire)
