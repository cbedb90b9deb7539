"""The operations on runs, bank statements and exceptions, as payments-reconciliation serves them."""

from collections.abc import Sequence
from urllib.parse import unquote

from pydantic import BaseModel

from runtime.payments.reconciliation.contracts import (
    AskStatementUpload,
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
    StatementUploadView,
    StatementView,
    UploadStatement,
)
from runtime.payments.reconciliation.runs import ReconciliationService
from runtime.payments.reconciliation.statement_uploads import StatementUploadService
from runtime.payments.reconciliation.uploads import StatementService
from runtime.payments.reconciliation.workflow import Call, ExceptionService
from runtime.platform import errors
from runtime.platform.api import Handler, Request, Response, Route
from runtime.platform.auth import Role
from runtime.platform.idempotency import StoredAnswer

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
        "it opens and rechecks exceptions and books what the bank received; an earlier day only reports. The "
        "run is queued and worked at within minutes: look at it by its identifier."
    ),
    roles=_MAY_CHANGE,
    body=StartReconciliation,
    response=ReconciliationView,
    status=202,
    idempotent=True,
    problems=(
        errors.SCHOOL_FORBIDDEN,
        errors.RECONCILIATION_DAY_INVALID,
        errors.CONCURRENT_CHANGE,
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
        "CSV, CAMT.053 or MT940, at most 46080 bytes; ask for an upload for a larger one. Every line is kept "
        "once, whichever file brings it; broken rows are listed by line and the others are kept."
    ),
    roles=_MAY_CHANGE,
    body=UploadStatement,
    response=StatementView,
    status=201,
    idempotent=True,
    problems=(errors.SCHOOL_FORBIDDEN, errors.BANK_ACCOUNT_UNKNOWN, errors.STATEMENT_REFUSED),
)
ASK_UPLOAD = Route(
    method="POST",
    path="/v1/bank-statement-uploads",
    action="statements.upload",
    summary="Ask for the upload of a bank statement",
    description=(
        "For statements of up to 20971520 bytes. Send the file by the link that is answered, within a "
        "quarter of an hour: the link takes the very bytes that were named and no others. The file is "
        "imported within minutes, as a smaller one is: look at the upload by its identifier."
    ),
    roles=_MAY_CHANGE,
    body=AskStatementUpload,
    response=StatementUploadView,
    status=201,
    idempotent=True,
    problems=(
        errors.SCHOOL_FORBIDDEN,
        errors.BANK_ACCOUNT_UNKNOWN,
        errors.STATEMENT_REFUSED,
        errors.STATEMENT_UPLOADS_OPEN,
        errors.CONCURRENT_CHANGE,
    ),
)
GET_UPLOAD = Route(
    method="GET",
    path="/v1/bank-statement-uploads/{upload_id}",
    action="statements.uploads.get",
    summary="Get an upload of a bank statement",
    description="How far it has come, and what became of every line of the file.",
    roles=_MAY_READ,
    response=StatementUploadView,
    problems=(errors.SCHOOL_FORBIDDEN, errors.STATEMENT_UPLOAD_NOT_FOUND),
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
    idempotent=True,
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
    idempotent=True,
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
    idempotent=True,
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
    idempotent=True,
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
    idempotent=True,
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
    idempotent=True,
    problems=_STEP,
)
ROUTES = (
    *(LIST_RUNS, START_RUN, GET_RUN, RUN_EXCEPTIONS, TAKE_STATEMENT, ASK_UPLOAD, GET_UPLOAD),
    *(LIST_EXCEPTIONS, GET_EXCEPTION, ASSIGN, COMMENT, RESOLVE, FORCE, APPROVE, REJECT),
)


def handled(
    runs: ReconciliationService,
    statements: StatementService,
    uploads: StatementUploadService,
    exceptions: ExceptionService,
) -> Sequence[tuple[Route, Handler]]:
    """Every operation with what carries it out."""

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

    def ask_upload(request: Request) -> Response:
        answer = uploads.ask(
            request.principal,
            request.body(AskStatementUpload),
            key=request.headers.get("idempotency-key"),
            request_id=request.request_id,
            remaining_ms=request.remaining_ms(),
        )
        return _stored(answer)

    def get_upload(request: Request) -> Response:
        return _ok(uploads.get(request.principal, request.path_parameters["upload_id"]))

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
        owner, call = request.body(AssignException).owner, _call(ASSIGN, request)
        return _stored(exceptions.assign(request.principal, _exception(request), owner, call=call))

    def comment(request: Request) -> Response:
        text, call = request.body(CommentException).text, _call(COMMENT, request)
        return _stored(exceptions.comment(request.principal, _exception(request), text, call=call))

    def resolve(request: Request) -> Response:
        asked, call = request.body(ResolveException), _call(RESOLVE, request)
        return _stored(exceptions.resolve(request.principal, _exception(request), asked, call=call))

    def force(request: Request) -> Response:
        asked, call = request.body(ForceException), _call(FORCE, request)
        return _stored(exceptions.force(request.principal, _exception(request), asked, call=call))

    def approve(request: Request) -> Response:
        call = _call(APPROVE, request)
        return _stored(exceptions.approve(request.principal, _exception(request), call=call))

    def reject(request: Request) -> Response:
        reason, call = request.body(RejectForce).reason, _call(REJECT, request)
        return _stored(exceptions.reject(request.principal, _exception(request), reason, call=call))

    return (
        (LIST_RUNS, list_runs),
        (START_RUN, start),
        (GET_RUN, get_run),
        (RUN_EXCEPTIONS, run_exceptions),
        (TAKE_STATEMENT, take),
        (ASK_UPLOAD, ask_upload),
        (GET_UPLOAD, get_upload),
        (LIST_EXCEPTIONS, list_exceptions),
        (GET_EXCEPTION, get_exception),
        (ASSIGN, assign),
        (COMMENT, comment),
        (RESOLVE, resolve),
        (FORCE, force),
        (APPROVE, approve),
        (REJECT, reject),
    )


def _exception(request: Request) -> str:
    """The id in the path; its colons may come encoded."""
    return unquote(request.path_parameters["exception_id"])


def _call(route: Route, request: Request) -> Call:
    key = request.headers.get("idempotency-key")
    return Call(route.action, key, request.request_id, request.remaining_ms())


def _ok(answer: BaseModel) -> Response:
    return Response(200, answer.model_dump(mode="json"))


def _stored(answer: StoredAnswer) -> Response:
    return Response(answer.status, answer.body)
