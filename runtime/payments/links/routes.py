"""The operations on payment links, as payments-advanced serves them."""

from collections.abc import Sequence

from runtime.payments.links.contracts import (
    CreatePaymentLink,
    ListPaymentLinks,
    PaymentLinkPage,
    PaymentLinkView,
    VerifyPaymentLink,
)
from runtime.payments.links.service import LinkService
from runtime.platform import errors
from runtime.platform.api import Handler, Request, Response, Route
from runtime.platform.auth import Role

_MAY_ASK = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})
_MAY_READ = frozenset(Role)

CREATE = Route(
    method="POST",
    path="/v1/payment-links",
    action="links.create",
    summary="Create a payment link",
    description=(
        "Makes a link to the gateway's page on which an amount due can be paid, at once or in parts. "
        "The gateway tells nobody of it: send `short_url` yourself."
    ),
    roles=_MAY_ASK,
    body=CreatePaymentLink,
    response=PaymentLinkView,
    status=201,
    idempotent=True,
    problems=(
        errors.AMOUNT_BELOW_MINIMUM,
        errors.AMOUNT_ABOVE_MAXIMUM,
        errors.LINK_TERMS_INVALID,
        errors.SCHOOL_UNKNOWN,
        errors.SCHOOL_FORBIDDEN,
        errors.SCHOOL_INACTIVE,
        errors.CONCURRENT_CHANGE,
        errors.GATEWAY_REJECTED,
        errors.GATEWAY_UNAVAILABLE,
    ),
)
LIST = Route(
    method="GET",
    path="/v1/payment-links",
    action="links.list",
    summary="List payment links",
    description="Newest first: a parent's own links, or those of a school that the caller belongs to.",
    roles=_MAY_READ,
    query=ListPaymentLinks,
    response=PaymentLinkPage,
    problems=(errors.CURSOR_INVALID, errors.SCHOOL_FORBIDDEN),
)
GET = Route(
    method="GET",
    path="/v1/payment-links/{link_id}",
    action="links.get",
    summary="Get a payment link",
    description="One link with what was paid of it. Links of others do not exist for the caller.",
    roles=_MAY_READ,
    response=PaymentLinkView,
    problems=(errors.LINK_NOT_FOUND,),
)
VERIFY = Route(
    method="POST",
    path="/v1/payment-links/{link_id}/verify",
    action="links.verify",
    summary="Verify the way back from a payment link",
    description=(
        "Checks the signature with which the payer came back, then asks the gateway how the payment stands. "
        "If the gateway is silent the link stays as it is, and the gateway's webhook completes it."
    ),
    roles=_MAY_ASK,
    body=VerifyPaymentLink,
    response=PaymentLinkView,
    problems=(
        errors.LINK_NOT_FOUND,
        errors.ORDER_MISMATCH,
        errors.CHECKOUT_SIGNATURE_INVALID,
        errors.CONCURRENT_CHANGE,
    ),
)
CANCEL = Route(
    method="POST",
    path="/v1/payment-links/{link_id}/cancel",
    action="links.cancel",
    summary="Cancel a payment link",
    description=(
        "Takes back a link of which nothing was paid; a repetition finds it done. "
        "A payment that was under way still counts."
    ),
    roles=_MAY_ASK,
    response=PaymentLinkView,
    problems=(
        errors.LINK_NOT_FOUND,
        errors.LINK_NOT_CANCELLABLE,
        errors.ORDER_MISMATCH,
        errors.CONCURRENT_CHANGE,
        errors.GATEWAY_UNAVAILABLE,
    ),
)
ROUTES = (CREATE, LIST, GET, VERIFY, CANCEL)


def handled(service: LinkService) -> Sequence[tuple[Route, Handler]]:
    """The operations with the code behind them."""

    def create(request: Request) -> Response:
        answer = service.create(
            request.principal,
            request.body(CreatePaymentLink),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        headers = {"content-type": errors.CONTENT_TYPE} if answer.status >= 400 else {}
        return Response(answer.status, answer.body, headers)

    def list_(request: Request) -> Response:
        return _ok(service.list(request.principal, request.query(ListPaymentLinks)))

    def get(request: Request) -> Response:
        return _ok(service.get(request.principal, request.path_parameters["link_id"]))

    def verify(request: Request) -> Response:
        link_id, sent = request.path_parameters["link_id"], request.body(VerifyPaymentLink)
        return _ok(service.verify(request.principal, link_id, sent, request_id=request.request_id))

    def cancel(request: Request) -> Response:
        link_id = request.path_parameters["link_id"]
        return _ok(service.cancel(request.principal, link_id, request_id=request.request_id))

    return [(CREATE, create), (LIST, list_), (GET, get), (VERIFY, verify), (CANCEL, cancel)]


def _ok(answer: PaymentLinkView | PaymentLinkPage) -> Response:
    return Response(200, answer.model_dump(mode="json"))
