"""The operations on splits and their terms, as payments-advanced serves them."""

from collections.abc import Sequence

from runtime.payments.splits.contracts import ReleaseHold, SetSplitTerms, SplitTermsView, SplitView
from runtime.payments.splits.service import SplitService
from runtime.platform import errors
from runtime.platform.api import Handler, Request, Response, Route
from runtime.platform.auth import Role
from runtime.platform.idempotency import StoredAnswer

_MAY_CHANGE = frozenset({Role.FINANCE, Role.ADMIN})
_MAY_READ = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.OPERATOR, Role.AUDITOR, Role.ADMIN})
_OF_A_PAYMENT = (errors.PAYMENT_NOT_FOUND, errors.SCHOOL_FORBIDDEN, errors.SPLIT_NOT_FOUND)

GET_TERMS = Route(
    method="GET",
    path="/v1/schools/{school_id}/split-terms",
    action="splits.terms.get",
    summary="Get a school's split terms",
    description="Those in force now, and all that were set, each from its day on.",
    roles=_MAY_READ,
    response=SplitTermsView,
    problems=(errors.SCHOOL_FORBIDDEN, errors.SPLIT_TERMS_NOT_FOUND),
)
SET_TERMS = Route(
    method="PUT",
    path="/v1/schools/{school_id}/split-terms",
    action="splits.terms.set",
    summary="Set a school's split terms",
    description=(
        "Payments captured from the day on are split so between linked accounts: the fee with its GST first, "
        "then fixed sums, then the shares by basis points. What was captured before keeps its split. The "
        "same again changes nothing."
    ),
    roles=_MAY_CHANGE,
    body=SetSplitTerms,
    response=SplitTermsView,
    problems=(
        errors.SCHOOL_UNKNOWN,
        errors.SCHOOL_FORBIDDEN,
        errors.SCHOOL_INACTIVE,
        errors.SPLIT_SHARES_INVALID,
        errors.SPLIT_SHARES_EXCEED_WHOLE,
        errors.SPLIT_TERMS_TOO_MANY,
        errors.SPLIT_DAY_INVALID,
        errors.CONCURRENT_CHANGE,
    ),
)
END_TERMS = Route(
    method="DELETE",
    path="/v1/schools/{school_id}/split-terms",
    action="splits.terms.end",
    summary="End a school's split terms",
    description="From now on nothing is split but what was captured before; later terms are dropped.",
    roles=_MAY_CHANGE,
    response=SplitTermsView,
    problems=(errors.SCHOOL_FORBIDDEN, errors.SPLIT_TERMS_NOT_FOUND, errors.CONCURRENT_CHANGE),
)
GET = Route(
    method="GET",
    path="/v1/payments/{payment_id}/split",
    action="splits.get",
    summary="Get the split of a payment",
    description=(
        "Who gets what of a captured payment, what refunds took back, and every transfer with its hold. The "
        "fee and the parts sum to what was captured."
    ),
    roles=_MAY_READ,
    response=SplitView,
    problems=_OF_A_PAYMENT,
)
RELEASE = Route(
    method="POST",
    path="/v1/payments/{payment_id}/split/release",
    action="splits.release",
    summary="Release a hold",
    description=(
        "Ends the hold of an account's transfers of a payment. 202: the gateway has not confirmed it yet; it "
        "is asked again without another call."
    ),
    roles=_MAY_CHANGE,
    body=ReleaseHold,
    response=SplitView,
    also_status=(202,),
    idempotent=True,
    problems=(
        *_OF_A_PAYMENT,
        errors.SPLIT_ACCOUNT_UNKNOWN,
        errors.SPLIT_NOTHING_HELD,
        errors.CONCURRENT_CHANGE,
    ),
)
RETRY = Route(
    method="POST",
    path="/v1/payments/{payment_id}/split/retry",
    action="splits.retry",
    summary="Try a split again",
    description=(
        "For what waits for a person: transfers that failed or were refused, terms that could not be "
        "applied, and captured payments that were never split. The transfers are fetched first, so nothing "
        "is paid twice. 202: something is still to be done, and follows without another call."
    ),
    roles=_MAY_CHANGE,
    response=SplitView,
    also_status=(202,),
    idempotent=True,
    problems=(*_OF_A_PAYMENT, errors.SPLIT_NOTHING_TO_RETRY, errors.CONCURRENT_CHANGE),
)
ROUTES = (GET_TERMS, SET_TERMS, END_TERMS, GET, RELEASE, RETRY)


def handled(service: SplitService) -> Sequence[tuple[Route, Handler]]:
    """The operations with the code behind them."""

    def get_terms(request: Request) -> Response:
        return _ok(service.terms(request.principal, request.path_parameters["school_id"]))

    def set_terms(request: Request) -> Response:
        school_id, asked = request.path_parameters["school_id"], request.body(SetSplitTerms)
        return _ok(service.set_terms(request.principal, school_id, asked, request_id=request.request_id))

    def end_terms(request: Request) -> Response:
        school_id = request.path_parameters["school_id"]
        return _ok(service.end_terms(request.principal, school_id, request_id=request.request_id))

    def get(request: Request) -> Response:
        return _ok(service.get(request.principal, request.path_parameters["payment_id"]))

    def release(request: Request) -> Response:
        answer = service.release(
            request.principal,
            request.path_parameters["payment_id"],
            request.body(ReleaseHold),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms,
        )
        return _stored(answer)

    def retry(request: Request) -> Response:
        answer = service.retry(
            request.principal,
            request.path_parameters["payment_id"],
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms,
        )
        return _stored(answer)

    return [
        (GET_TERMS, get_terms),
        (SET_TERMS, set_terms),
        (END_TERMS, end_terms),
        (GET, get),
        (RELEASE, release),
        (RETRY, retry),
    ]


def _ok(answer: SplitTermsView | SplitView) -> Response:
    return Response(200, answer.model_dump(mode="json"))


def _stored(answer: StoredAnswer) -> Response:
    headers = {"content-type": errors.CONTENT_TYPE} if answer.status >= 400 else {}
    return Response(answer.status, answer.body, headers)
