"""The operations on instalment plans, as payments-advanced serves them."""

from collections.abc import Sequence

from pydantic import BaseModel

from runtime.payments.plans.contracts import (
    AskPrepayment,
    CreateInstalmentPlan,
    InstalmentPlanPage,
    InstalmentPlanPreview,
    InstalmentPlanTerms,
    InstalmentPlanView,
    ListInstalmentPlans,
    PrepaymentQuote,
)
from runtime.payments.plans.service import PlanService
from runtime.platform import errors
from runtime.platform.api import Handler, Request, Response, Route
from runtime.platform.auth import Role

_MAY_AGREE = frozenset({Role.SCHOOL_ADMIN, Role.FINANCE, Role.ADMIN, Role.SERVICE})
"""Who is owed agrees that it is paid later; a parent asks the school."""

_MAY_READ = frozenset(Role)
_TERMS = (
    errors.INSTALMENT_AMOUNT_INVALID,
    errors.INSTALMENT_RATE_INVALID,
    errors.INSTALMENT_COUNT_INVALID,
    errors.INSTALMENT_DUE_DATE_INVALID,
    errors.INSTALMENTS_DO_NOT_SUM,
    errors.INSTALMENTS_DO_NOT_AMORTISE,
    errors.INSTALMENT_TOO_SMALL,
)

PREVIEW = Route(
    method="POST",
    path="/v1/instalment-plans/preview",
    action="instalments.preview",
    summary="Look at an instalment plan before it is agreed",
    description="Every line of the plan that the terms would make. Nothing is kept.",
    roles=_MAY_READ,
    body=InstalmentPlanTerms,
    response=InstalmentPlanPreview,
    problems=_TERMS,
)
CREATE = Route(
    method="POST",
    path="/v1/instalment-plans",
    action="instalments.create",
    summary="Agree on an instalment plan",
    description=(
        "Keeps a plan for a payer. Captured payments that name it as plan_id are received into it: "
        "the oldest line first, interest before principal."
    ),
    roles=_MAY_AGREE,
    body=CreateInstalmentPlan,
    response=InstalmentPlanView,
    status=201,
    idempotent=True,
    problems=(
        *_TERMS,
        errors.SCHOOL_UNKNOWN,
        errors.SCHOOL_FORBIDDEN,
        errors.SCHOOL_INACTIVE,
        errors.CONCURRENT_CHANGE,
    ),
)
LIST = Route(
    method="GET",
    path="/v1/instalment-plans",
    action="instalments.list",
    summary="List instalment plans",
    description="Newest first: a parent's own plans, or those of a school that the caller belongs to.",
    roles=_MAY_READ,
    query=ListInstalmentPlans,
    response=InstalmentPlanPage,
    problems=(errors.CURSOR_INVALID, errors.SCHOOL_FORBIDDEN),
)
GET = Route(
    method="GET",
    path="/v1/instalment-plans/{plan_id}",
    action="instalments.get",
    summary="Get an instalment plan",
    description=(
        "Line by line what is paid, due and overdue today, and what would close the plan. "
        "Plans of others do not exist for the caller."
    ),
    roles=_MAY_READ,
    response=InstalmentPlanView,
    problems=(errors.PLAN_NOT_FOUND,),
)
QUOTE = Route(
    method="GET",
    path="/v1/instalment-plans/{plan_id}/prepayment",
    action="instalments.quote",
    summary="Ask what a prepayment would do",
    description="The plan as a payment of today would leave it. Nothing changes; paying early costs nothing.",
    roles=_MAY_READ,
    query=AskPrepayment,
    response=PrepaymentQuote,
    problems=(
        errors.PLAN_NOT_FOUND,
        errors.NOTHING_TO_PREPAY,
        errors.INSTALMENT_AMOUNT_INVALID,
        errors.INSTALMENTS_DO_NOT_AMORTISE,
        errors.INSTALMENT_PAYMENTS_TOO_MANY,
    ),
)
ROUTES = (PREVIEW, CREATE, LIST, GET, QUOTE)


def handled(service: PlanService) -> Sequence[tuple[Route, Handler]]:
    """The operations with the code behind them."""

    def preview(request: Request) -> Response:
        return _ok(service.preview(request.body(InstalmentPlanTerms)))

    def create(request: Request) -> Response:
        answer = service.create(
            request.principal,
            request.body(CreateInstalmentPlan),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        headers = {"content-type": errors.CONTENT_TYPE} if answer.status >= 400 else {}
        return Response(answer.status, answer.body, headers)

    def list_(request: Request) -> Response:
        return _ok(service.list(request.principal, request.query(ListInstalmentPlans)))

    def get(request: Request) -> Response:
        return _ok(service.get(request.principal, request.path_parameters["plan_id"]))

    def quote(request: Request) -> Response:
        plan_id, asked = request.path_parameters["plan_id"], request.query(AskPrepayment)
        return _ok(service.quote(request.principal, plan_id, asked))

    return [(PREVIEW, preview), (CREATE, create), (LIST, list_), (GET, get), (QUOTE, quote)]


def _ok(answer: BaseModel) -> Response:
    return Response(200, answer.model_dump(mode="json"))
