"""The operations on payment links, as payments-advanced serves them."""

from collections.abc import Sequence

from runtime.payments.links.contracts import (
    CreatePaymentLink,
    ListPaymentLinks,
    PaymentLinkPage,
    PaymentLinkView,
    VerifyPaymentLink,
)
from runtime.payments.links.reminders.contracts import ReminderSchedule
from runtime.payments.links.reminders.service import ReminderService
from runtime.payments.links.service import LinkService
from runtime.platform import errors
from runtime.platform.api import Handler, Request, Response, Route
from runtime.platform.auth import Role
from runtime.platform.idempotency import StoredAnswer

_MAY_ASK = frozenset({Role.PARENT, Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})
_MAY_REMIND = _MAY_ASK - {Role.PARENT}
_MAY_READ = frozenset(Role)

CREATE = Route(
    method="POST",
    path="/v1/payment-links",
    action="links.create",
    summary="Create a payment link",
    description=(
        "Makes a link to the gateway's page on which an amount due can be paid, at once or in parts. "
        "The gateway tells nobody of it: send `short_url` yourself. While something is due, we remind the "
        "payer on the days of `reminders`, by WhatsApp or else by e-mail, never at night."
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
    description=(
        "One link with what was paid of it, and what became of its reminders. Links of others do not exist "
        "for the caller."
    ),
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
REMIND = Route(
    method="POST",
    path="/v1/payment-links/{link_id}/reminders",
    action="links.remind",
    summary="Remind the payer of a payment link",
    description=(
        "Sends the payer what is still due with the link, by WhatsApp or else by e-mail; once a day, and not "
        "at night. A day of the schedule is done with by it. 202: it is on its way; the link shows what "
        "became of it."
    ),
    roles=_MAY_REMIND,
    response=PaymentLinkView,
    status=202,
    idempotent=True,
    problems=(
        errors.LINK_NOT_FOUND,
        errors.LINK_NOT_PAYABLE,
        errors.CONTACT_MISSING,
        errors.LINK_REMINDED_TODAY,
        errors.LINK_REMINDERS_EXHAUSTED,
        errors.REMINDER_QUIET_HOURS,
        errors.CONCURRENT_CHANGE,
    ),
)
SET_REMINDERS = Route(
    method="PUT",
    path="/v1/payment-links/{link_id}/reminders",
    action="links.reminders.set",
    summary="Choose when the payer is reminded",
    description=(
        "Lets the payer be reminded on these days, from tomorrow on, and on no others; an empty object: on "
        "none. What was sent stays. The same again changes nothing."
    ),
    roles=_MAY_ASK,
    body=ReminderSchedule,
    response=PaymentLinkView,
    problems=(
        errors.LINK_NOT_FOUND,
        errors.LINK_NOT_PAYABLE,
        errors.LINK_TERMS_INVALID,
        errors.CONCURRENT_CHANGE,
    ),
)
ROUTES = (CREATE, LIST, GET, VERIFY, CANCEL, REMIND, SET_REMINDERS)


def handled(service: LinkService, reminders: ReminderService) -> Sequence[tuple[Route, Handler]]:
    """The operations with the code behind them."""

    def create(request: Request) -> Response:
        answer = service.create(
            request.principal,
            request.body(CreatePaymentLink),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        return _stored(answer)

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

    def remind(request: Request) -> Response:
        answer = reminders.remind(
            request.principal,
            request.path_parameters["link_id"],
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        return _stored(answer)

    def set_reminders(request: Request) -> Response:
        link_id, sent = request.path_parameters["link_id"], request.body(ReminderSchedule)
        return _ok(reminders.choose_days(request.principal, link_id, sent, request_id=request.request_id))

    return [
        *((CREATE, create), (LIST, list_), (GET, get), (VERIFY, verify), (CANCEL, cancel)),
        *((REMIND, remind), (SET_REMINDERS, set_reminders)),
    ]


def _stored(answer: StoredAnswer) -> Response:
    headers = {"content-type": errors.CONTENT_TYPE} if answer.status >= 400 else {}
    return Response(answer.status, answer.body, headers)


def _ok(answer: PaymentLinkView | PaymentLinkPage) -> Response:
    return Response(200, answer.model_dump(mode="json"))
