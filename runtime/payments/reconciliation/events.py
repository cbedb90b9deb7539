"""What the rest of the platform hears of reconciliation: the events and their details, as contracts."""

from pydantic import BaseModel, ConfigDict

from runtime.payments.events import SOURCE
from runtime.payments.reconciliation.exception_model import ReconciliationException
from runtime.payments.reconciliation.model import Reason, Status
from runtime.platform.outbox import DomainEvent


class ReconciliationCompletedDetail(BaseModel):
    """The detail of ``ReconciliationCompleted``. ``message_key`` is the same however often it is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reconciliation_id: str
    day: str
    exceptions: int
    broken_rows: int
    message_key: str


class ExceptionOpenedDetail(BaseModel):
    """The detail of ``ExceptionOpened``: a matter that a person must look at, anew or again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exception_id: str
    group_id: str
    statuses: tuple[Status, ...]
    reasons: tuple[Reason, ...]
    difference_paise: int
    currency: str
    message_key: str


def completed_event(reconciliation_id: str, day: str, *, exceptions: int, broken_rows: int) -> DomainEvent:
    """The event that a run is complete."""
    name = "ReconciliationCompleted"
    detail = ReconciliationCompletedDetail(
        reconciliation_id=reconciliation_id,
        day=day,
        exceptions=exceptions,
        broken_rows=broken_rows,
        message_key=f"{name}:{reconciliation_id}",
    )
    return DomainEvent(SOURCE, name, reconciliation_id, detail.model_dump(mode="json"))


def opened_event(exception: ReconciliationException) -> DomainEvent:
    """The event that an exception was opened, or opened again."""
    name = "ExceptionOpened"
    detail = ExceptionOpenedDetail(
        exception_id=exception.exception_id,
        group_id=exception.group_id,
        statuses=exception.statuses,
        reasons=exception.reasons,
        difference_paise=exception.difference_paise,
        currency=exception.currency,
        message_key=f"{name}:{exception.exception_id}:{exception.version}",
    )
    return DomainEvent(SOURCE, name, exception.exception_id, detail.model_dump(mode="json"))
