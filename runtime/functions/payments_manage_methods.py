"""payments-manage-methods: saved payment methods and mandates. Tokens of the gateway, never a card number."""

from collections.abc import Collection, Mapping

from pydantic import BaseModel

from runtime.gateways.razorpay.client import RazorpayClient
from runtime.payments.methods.contracts import (
    CheckoutCustomer,
    MandateList,
    MandateView,
    MethodList,
    MethodView,
    RegisterMandate,
    RenameMethod,
    SaveMethod,
    WhoseMethods,
)
from runtime.payments.methods.customers import GatewayCustomers
from runtime.payments.methods.mandates import MandateService
from runtime.payments.methods.service import MethodService
from runtime.payments.recorder import PaymentRecorder
from runtime.payments.tenancy import Tenancy
from runtime.platform import aws, errors
from runtime.platform.api import Api, Request, Response, Route
from runtime.platform.auth import Role
from runtime.platform.clock import SystemClock
from runtime.platform.contacts import Contacts
from runtime.platform.function import Handler, LambdaFunction
from runtime.platform.idempotency import IdempotencyStore
from runtime.platform.ids import UlidIds
from runtime.platform.metrics import Metrics
from runtime.platform.schools import SchoolRegister
from runtime.platform.settings import PaymentsManageMethodsSettings, load
from runtime.platform.telemetry import new_logger

FUNCTION = "payments-manage-methods"
GATEWAY_DEADLINE_MS = 8_000
"""Well inside the function's timeout, so that an answer about a silent gateway still gets out."""

_OWN = frozenset({Role.PARENT, Role.ADMIN})
_MAY_READ = frozenset({Role.PARENT, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_MANDATES = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})
_GATEWAY = (errors.GATEWAY_UNAVAILABLE, errors.GATEWAY_REJECTED)

LIST_METHODS = Route(
    method="GET",
    path="/v1/payment-methods",
    action="methods.list",
    summary="List payment methods",
    description="The payer's saved instruments, oldest first; revoked ones are left out.",
    roles=_MAY_READ,
    query=WhoseMethods,
    response=MethodList,
)
SAVE_METHOD = Route(
    method="POST",
    path="/v1/payment-methods",
    action="methods.save",
    summary="Save a payment method",
    description=(
        "Saves the instrument of a payment of one's own, if it was saved at the checkout. An instrument is "
        "saved once: a repetition answers 200 with what is there. The first one becomes the default."
    ),
    roles=_OWN,
    body=SaveMethod,
    response=MethodView,
    status=201,
    also_status=(200,),
    problems=(
        errors.PAYMENT_NOT_FOUND,
        errors.METHOD_NOT_SAVED,
        errors.METHODS_TOO_MANY,
        errors.CONCURRENT_CHANGE,
        *_GATEWAY,
    ),
)
CHECKOUT_CUSTOMER = Route(
    method="PUT",
    path="/v1/payment-methods/customer",
    action="methods.customer",
    summary="Know a payer at the checkout",
    description=(
        "Makes the caller known to the gateway and answers with what a checkout needs so that the payer may "
        "save the instrument there: open it with customer_id and remember_customer. A repetition gives the "
        "same customer."
    ),
    roles=frozenset({Role.PARENT}),
    response=CheckoutCustomer,
    problems=(errors.CONTACT_MISSING, *_GATEWAY),
)
RENAME_METHOD = Route(
    method="PATCH",
    path="/v1/payment-methods/{method_id}",
    action="methods.rename",
    summary="Name a payment method",
    description="Gives a saved instrument the payer's own name, or takes it away.",
    roles=_OWN,
    body=RenameMethod,
    response=MethodView,
    problems=(errors.METHOD_NOT_FOUND, errors.CONCURRENT_CHANGE),
)
DEFAULT_METHOD = Route(
    method="PUT",
    path="/v1/payment-methods/{method_id}/default",
    action="methods.default",
    summary="Make a payment method the default",
    description="Debited where a subscription names no other. Without one, nothing is debited by guessing.",
    roles=_OWN,
    response=MethodView,
    problems=(errors.METHOD_NOT_FOUND, errors.CONCURRENT_CHANGE),
)
REVOKE_METHOD = Route(
    method="DELETE",
    path="/v1/payment-methods/{method_id}",
    action="methods.revoke",
    summary="Revoke a payment method",
    description="Forgets the instrument, at the gateway too. A repetition finds it done.",
    roles=_OWN,
    response=None,
    status=204,
    problems=(errors.METHOD_NOT_FOUND, errors.CONCURRENT_CHANGE, *_GATEWAY),
)
REGISTER_MANDATE = Route(
    method="POST",
    path="/v1/mandates",
    action="mandates.register",
    summary="Register a mandate",
    description=(
        "Asks the payer to authorise debits up to a maximum, until a day: by UPI Autopay, card or e-mandate. "
        "The answer holds what a checkout is opened with. It is active once the bank has confirmed it."
    ),
    roles=_MANDATES,
    body=RegisterMandate,
    response=MandateView,
    status=201,
    idempotent=True,
    problems=(
        errors.SCHOOL_UNKNOWN,
        errors.SCHOOL_INACTIVE,
        errors.SCHOOL_FORBIDDEN,
        errors.MANDATE_TERMS_INVALID,
        errors.CONTACT_MISSING,
        errors.CONCURRENT_CHANGE,
        *_GATEWAY,
    ),
)
LIST_MANDATES = Route(
    method="GET",
    path="/v1/mandates",
    action="mandates.list",
    summary="List mandates",
    description="The payer's mandates, oldest first; schools see those that are for them.",
    roles=frozenset(Role),
    query=WhoseMethods,
    response=MandateList,
)
GET_MANDATE = Route(
    method="GET",
    path="/v1/mandates/{mandate_id}",
    action="mandates.get",
    summary="Get a mandate",
    description="A mandate as it stands. Mandates of others do not exist for the caller.",
    roles=frozenset(Role),
    query=WhoseMethods,
    response=MandateView,
    problems=(errors.MANDATE_NOT_FOUND,),
)
CANCEL_MANDATE = Route(
    method="DELETE",
    path="/v1/mandates/{mandate_id}",
    action="mandates.cancel",
    summary="Cancel a mandate",
    description="Nothing is debited by it from now on; the bank confirms its end later.",
    roles=_MANDATES,
    query=WhoseMethods,
    response=MandateView,
    problems=(errors.MANDATE_NOT_FOUND, errors.MANDATE_ENDED, errors.CONCURRENT_CHANGE, *_GATEWAY),
)
ROUTES = (
    LIST_METHODS,
    SAVE_METHOD,
    CHECKOUT_CUSTOMER,
    RENAME_METHOD,
    DEFAULT_METHOD,
    REVOKE_METHOD,
    REGISTER_MANDATE,
    LIST_MANDATES,
    GET_MANDATE,
    CANCEL_MANDATE,
)


def api(methods: MethodService, mandates: MandateService, *, origins: Collection[str] = ()) -> Api:
    """The routes of this function in front of both services; pages of ``origins`` may read the answers."""

    def list_methods(request: Request) -> Response:
        return _ok(methods.list(request.principal, request.query(WhoseMethods)))

    def save(request: Request) -> Response:
        view, new = methods.save(request.principal, request.body(SaveMethod), request_id=request.request_id)
        return Response(201 if new else 200, view.model_dump(mode="json"))

    def checkout_customer(request: Request) -> Response:
        return _ok(methods.checkout_customer(request.principal))

    def rename(request: Request) -> Response:
        method_id, asked = request.path_parameters["method_id"], request.body(RenameMethod)
        return _ok(methods.rename(request.principal, method_id, asked, request_id=request.request_id))

    def make_default(request: Request) -> Response:
        method_id = request.path_parameters["method_id"]
        return _ok(methods.make_default(request.principal, method_id, request_id=request.request_id))

    def revoke(request: Request) -> Response:
        method_id = request.path_parameters["method_id"]
        methods.revoke(request.principal, method_id, request_id=request.request_id)
        return Response(204, text="")

    def register(request: Request) -> Response:
        answer = mandates.register(
            request.principal,
            request.body(RegisterMandate),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        headers = {"content-type": errors.CONTENT_TYPE} if answer.status >= 400 else {}
        return Response(answer.status, answer.body, headers)

    def list_mandates(request: Request) -> Response:
        return _ok(mandates.list(request.principal, request.query(WhoseMethods)))

    def get_mandate(request: Request) -> Response:
        mandate_id, whose = request.path_parameters["mandate_id"], request.query(WhoseMethods)
        return _ok(mandates.get(request.principal, mandate_id, whose))

    def cancel(request: Request) -> Response:
        mandate_id, whose = request.path_parameters["mandate_id"], request.query(WhoseMethods)
        return _ok(mandates.cancel(request.principal, mandate_id, whose, request_id=request.request_id))

    return Api(
        [
            (LIST_METHODS, list_methods),
            (SAVE_METHOD, save),
            (CHECKOUT_CUSTOMER, checkout_customer),
            (RENAME_METHOD, rename),
            (DEFAULT_METHOD, make_default),
            (REVOKE_METHOD, revoke),
            (REGISTER_MANDATE, register),
            (LIST_MANDATES, list_mandates),
            (GET_MANDATE, get_mandate),
            (CANCEL_MANDATE, cancel),
        ],
        audit=methods.audit,
        logger=mandates.logger,
        origins=origins,
    )


def _ok(answer: BaseModel) -> Response:
    return Response(200, answer.model_dump(mode="json"))


def wire(environment: Mapping[str, str]) -> Handler:
    """The function with its real parts."""
    settings = load(PaymentsManageMethodsSettings, environment)
    logger = new_logger(settings.powertools_service_name, settings.powertools_log_level)
    clock = SystemClock()
    ids = UlidIds(clock)
    dynamodb = aws.dynamodb()
    read_secret, read_parameter = aws.secret_reader(), aws.parameter_reader()
    metrics = Metrics(settings.hasivu_env, clock)
    recorder = PaymentRecorder.over(dynamodb, settings, clock=clock, ids=ids, metrics=metrics)
    wallets, contacts = recorder.tokens.wallets, Contacts(aws.cognito(), settings.user_pool_id)

    def with_keys(keys: dict[str, str]) -> Api:
        gateway = RazorpayClient(
            key_id=keys["key_id"],
            key_secret=keys["key_secret"],
            base_url=read_parameter(settings.razorpay_base_url_parameter),
            clock=clock,
            deadline_ms=GATEWAY_DEADLINE_MS,
        )
        customers = GatewayCustomers(dynamodb, wallets, contacts, gateway)
        methods = MethodService(
            client=dynamodb,
            payments=recorder.repository,
            wallets=wallets,
            tokens=recorder.tokens.tokens,
            customers=customers,
            gateway=gateway,
            key_id=keys["key_id"],
            audit=recorder.audit,
            outbox=recorder.outbox,
            clock=clock,
            ids=ids,
        )
        mandates = MandateService(
            recorder=recorder,
            customers=customers,
            idempotency=IdempotencyStore(dynamodb, settings.idempotency_table, clock),
            tenancy=Tenancy(SchoolRegister(dynamodb, settings.schools_table)),
            gateway=gateway,
            key_id=keys["key_id"],
            clock=clock,
            ids=ids,
            logger=logger,
        )
        return api(methods, mandates, origins=settings.origins)

    apis = aws.Rotating(lambda: read_secret(settings.razorpay_secret_arn), with_keys)
    return lambda event, context: apis.current().handle(event, context)


handler = LambdaFunction(wire)
