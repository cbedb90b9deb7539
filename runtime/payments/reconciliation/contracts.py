"""What callers of the reconciliation API send and get."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from runtime.payments.contracts import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, PrincipalId
from runtime.payments.reconciliation.ageing import AgeBucket, age_bucket, age_days
from runtime.payments.reconciliation.exception_model import Action, Resolution, State
from runtime.payments.reconciliation.model import LegTotals, Reason, Status
from runtime.payments.reconciliation.repository import KeptException
from runtime.payments.reconciliation.run_store import RunState
from runtime.payments.reconciliation.statements.model import FILE_BYTES_MAX
from runtime.payments.reconciliation.turnaround import turnaround_of
from runtime.payments.reconciliation.upload_store import UploadState
from runtime.payments.reconciliation.working_days import WorkingDays
from runtime.platform.api import Contract

STATEMENT_BYTES_MAX = 45 * 1024
"""In base64 it fits into the largest body that the firewall is shown; larger statements are uploaded."""
BROKEN_SHOWN_MAX = 100
STATEMENTS_SHOWN_MAX = 100

Day = Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Text = Annotated[str, StringConstraints(min_length=1, max_length=500)]
ExceptionId = Annotated[str, StringConstraints(pattern=r"^exc:[A-Za-z0-9_:\-]{1,120}$")]
RunId = Annotated[str, StringConstraints(pattern=r"^rec_[0-9A-HJKMNP-TV-Z]{26}$")]


class StartReconciliation(Contract):
    """Match everything as of a day."""

    day: Day = Field(description="In India. Today opens exceptions and books; an earlier day only reports.")


class ListReconciliations(Contract):
    """Which runs to list, newest first."""

    limit: int = Field(default=PAGE_SIZE_DEFAULT, ge=1, le=PAGE_SIZE_MAX)
    cursor: RunId | None = Field(default=None, description="The next_cursor of the page before.")


class ListExceptions(Contract):
    """Which exceptions to list."""

    limit: int = Field(default=PAGE_SIZE_DEFAULT, ge=1, le=PAGE_SIZE_MAX)
    cursor: ExceptionId | None = Field(default=None, description="The next_cursor of the page before.")


class TotalView(Contract):
    """How many items, and what they add up to."""

    count: int
    paise: int


class StatusTotalView(Contract):
    """A status, and the items that are in it."""

    status: Status
    count: int
    paise: int


class LegView(Contract):
    """One side of the match: all that came in is in exactly one status, or repeats what was known."""

    leg: str
    currency: str
    inputs: TotalView
    repeated: TotalView
    statuses: list[StatusTotalView]


class BrokenRowView(Contract):
    """A row that was not taken, and why."""

    row_no: int
    code: str
    reason: str


class ReconciliationView(Contract):
    """A run: how far it has come and, once it is done, the totals of every leg and what a person must see."""

    reconciliation_id: str
    day: str
    is_current: bool = Field(description="False for a look back, which opens nothing and books nothing.")
    state: RunState
    started_by: str
    requested_at: str
    completed_at: str | None = Field(description="Null until it is done or has failed.")
    failure: str | None = Field(description="Why it failed: the code of a problem.")
    exceptions: int
    lines_booked: int
    broken_rows: list[BrokenRowView] = Field(description="The first hundred of the gateway's unusable rows.")
    legs: list[LegView]


class ReconciliationPage(Contract):
    """Runs, newest first."""

    items: list[ReconciliationView]
    next_cursor: str | None


class FoundView(Contract):
    """A matter as a run found it; what was done since is told by the exception itself."""

    exception_id: str
    group_id: str
    statuses: list[Status]
    reasons: list[Reason]
    difference_paise: int
    currency: str
    items: int


class FoundPage(Contract):
    """What a run found, by exception."""

    items: list[FoundView]
    next_cursor: str | None


class TrailView(Contract):
    """One step that was taken."""

    at: str
    actor: str
    action: Action
    text: str


class TurnaroundView(Contract):
    """What the payer's bank owes for a debit that was not confirmed (RBI, harmonised turnaround time)."""

    debited_on: str
    due_on: str
    days_late: int
    compensation_paise: int
    rule: str


class ExceptionView(Contract):
    """A matter that did not match, and all that was done about it."""

    exception_id: str
    group_id: str
    statuses: list[Status]
    reasons: list[Reason]
    difference_paise: int = Field(description="What came less what should have come.")
    currency: str
    state: State
    owner: str | None
    force_requested_by: str | None
    resolution: Resolution | None
    opened_at: str
    resolved_at: str | None
    age_working_days: int
    age: AgeBucket
    turnaround: TurnaroundView | None
    trail: list[TrailView]


class ExceptionPage(Contract):
    """Open exceptions, oldest first."""

    items: list[ExceptionView]
    next_cursor: str | None


class AssignException(Contract):
    """Give an exception to somebody."""

    owner: PrincipalId = Field(description="Who looks after it from now on.")


class CommentException(Contract):
    """Say something about it."""

    text: Text


class ResolveException(Contract):
    """Close it without a difference: the owner does it and says why."""

    resolution: Literal["posted_manual", "void", "explained"]
    reason: Text


class ForceException(Contract):
    """Ask to post the difference by force; somebody else approves."""

    difference_paise: int = Field(description="Exactly the exception's difference, as it was understood.")
    reason: Text


class RejectForce(Contract):
    """Turn a request for force down, or take one's own back."""

    reason: Text


BankAccountName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{1,31}$")]
ProfileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")]


class UploadStatement(Contract):
    """A bank statement: CSV, CAMT.053 or MT940."""

    account: BankAccountName = Field(description="Our own name of the account.")
    profile: ProfileName | None = Field(
        default=None, description="How the bank lays out its CSV; other formats need none."
    )
    content_base64: Annotated[
        str,
        StringConstraints(
            min_length=4, max_length=(STATEMENT_BYTES_MAX + 2) // 3 * 4, pattern=r"^[A-Za-z0-9+/]+={0,2}$"
        ),
    ] = Field(description="The file as the bank gave it, at most 46080 bytes of it, in base64.")


class StatementPartView(Contract):
    """A statement of the file. Where its balance differs, its lines wait for a person and are not kept."""

    statement_id: str
    lines: int
    balance: str
    difference_paise: int | None


class StatementView(Contract):
    """What became of a file: each of its lines was kept, known before, or held back."""

    file_digest: str
    account: str
    kept: int
    known: int
    held_back: int
    statements: list[StatementPartView] = Field(
        description="The first hundred; those whose balance differs come before the others."
    )
    broken: int
    broken_rows: list[BrokenRowView] = Field(description="The first hundred rows that were not taken.")


class AskStatementUpload(Contract):
    """A bank statement that is too large for a call."""

    account: BankAccountName = Field(description="Our own name of the account.")
    profile: ProfileName | None = Field(
        default=None, description="How the bank lays out its CSV; other formats need none."
    )
    format: Literal["csv", "camt.053", "mt940"]
    file_name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._()+-]{0,119}$")] = Field(
        description="What people call the file. It is shown again and means nothing."
    )
    size_bytes: int = Field(ge=1, le=FILE_BYTES_MAX, description="Of the whole file, exactly.")
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        description="Of the whole file, in hexadecimal. No other bytes are taken in its place."
    )


class UploadLinkView(Contract):
    """Where the file goes: one request with exactly these headers, and the file as its body."""

    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expires_at: str


class StatementRefusalView(Contract):
    """Why nothing of a file was taken, and the line where it shows (0 where it is no line)."""

    fault: str
    line_no: int
    reason: str


class StatementUploadView(Contract):
    """An upload: asked for, then imported once the file is there.

    ``awaiting``: for the file, or for the import, which begins within minutes. ``refused``: nothing of it was
    taken. ``expired``: no file came. ``failed``: it could not be imported for hours.
    """

    upload_id: str
    state: UploadState
    account: str
    profile: str | None
    format: str
    file_name: str
    size_bytes: int
    sha256: str
    requested_by: str
    requested_at: str
    expires_at: str = Field(description="Until then the file may be sent.")
    completed_at: str | None
    link: UploadLinkView | None = Field(
        description="Only for who asked, and as long as the file may be sent."
    )
    refusal: StatementRefusalView | None
    result: StatementView | None


def leg_view(totals: LegTotals) -> dict[str, Any]:
    """A leg's totals as they are stored and answered."""
    return LegView(
        leg=totals.leg.value,
        currency=totals.currency,
        inputs=TotalView(count=totals.inputs.count, paise=totals.inputs.paise),
        repeated=TotalView(count=totals.repeated.count, paise=totals.repeated.paise),
        statuses=[
            StatusTotalView(status=status, count=total.count, paise=total.paise)
            for status, total in totals.statuses.items()
        ],
    ).model_dump(mode="json")


def exception_view(kept: KeptException, today: date, days: WorkingDays) -> ExceptionView:
    """An exception as a caller sees it on a day."""
    exception = kept.exception
    return ExceptionView(
        exception_id=exception.exception_id,
        group_id=exception.group_id,
        statuses=list(exception.statuses),
        reasons=list(exception.reasons),
        difference_paise=exception.difference_paise,
        currency=exception.currency,
        state=exception.state,
        owner=exception.owner,
        force_requested_by=exception.request.requested_by if exception.request else None,
        resolution=exception.resolution,
        opened_at=exception.opened_at,
        resolved_at=exception.resolved_at,
        age_working_days=age_days(exception, today, days),
        age=age_bucket(exception, today, days),
        turnaround=_turnaround_view(kept, today),
        trail=[
            TrailView(at=step.at, actor=step.actor, action=step.action, text=step.text)
            for step in exception.trail
        ],
    )


def _turnaround_view(kept: KeptException, today: date) -> TurnaroundView | None:
    claim = turnaround_of(kept, today)
    if claim is None:
        return None
    return TurnaroundView(
        debited_on=claim.debited_on.isoformat(),
        due_on=claim.due_on.isoformat(),
        days_late=claim.days_late,
        compensation_paise=claim.compensation_paise,
        rule=claim.sentence,
    )
