"""What callers of the dispute API send and get."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field, StringConstraints

from runtime.payments.contracts import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX, SchoolId
from runtime.payments.disputes.model import Dispute, DisputeStatus
from runtime.payments.disputes.rules import seconds_to_respond
from runtime.platform.api import Contract
from runtime.platform.clock import iso


class ListDisputes(Contract):
    """Which disputes to list, the newest first."""

    school_id: SchoolId | None = Field(
        default=None, description="Of this school; who belongs to one school leaves it out."
    )
    limit: Annotated[int, Field(ge=1, le=PAGE_SIZE_MAX)] = PAGE_SIZE_DEFAULT
    cursor: Annotated[str, StringConstraints(max_length=1024)] | None = Field(
        default=None, description="`next_cursor` of the page before."
    )


class DisputeView(Contract):
    """A dispute: a payer's bank wants a payment back. Evidence is given in the gateway's dashboard, until
    `respond_by`; `seconds_to_respond` is null once nothing is to be answered, and negative when it is too
    late."""

    dispute_id: str
    payment_id: str
    school_id: str
    gateway_payment_id: str
    amount_paise: int
    amount_deducted_paise: int
    currency: str
    status: DisputeStatus
    phase: str | None
    reason_code: str | None
    respond_by: str | None
    seconds_to_respond: int | None


class DisputePage(Contract):
    """A page of disputes; `next_cursor` is null on the last one."""

    items: list[DisputeView]
    next_cursor: str | None


def dispute_view(dispute: Dispute, *, payment_id: str, school_id: str, at: datetime) -> DisputeView:
    """A dispute as callers see it at the moment ``at`` (timezone-aware)."""
    respond_by = dispute.respond_by
    return DisputeView(
        dispute_id=dispute.dispute_id,
        payment_id=payment_id,
        school_id=school_id,
        gateway_payment_id=dispute.gateway_payment_id,
        amount_paise=dispute.amount_paise,
        amount_deducted_paise=dispute.amount_deducted_paise,
        currency=dispute.currency,
        status=dispute.status,
        phase=dispute.phase,
        reason_code=dispute.reason_code,
        respond_by=None if respond_by is None else iso(datetime.fromtimestamp(respond_by, UTC)),
        seconds_to_respond=seconds_to_respond(dispute, at),
    )
