"""What callers of the refund API send and get."""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from runtime.payments.refunds.model import Refund, RefundRequest
from runtime.payments.returns.model import Returns
from runtime.platform.api import Contract

REASON_MAX = 140
"""Reasons are kept with all other refunds of a payment in one item of DynamoDB."""

GatewayPaymentId = Annotated[str, StringConstraints(pattern=r"^pay_[A-Za-z0-9]{8,32}$")]
Reason = Annotated[
    str, StringConstraints(min_length=1, max_length=REASON_MAX, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class CreateRefund(Contract):
    """Ask for a refund, in the payment's own currency: ₹450.00 is 45000 (paise), USD 5.40 is 540."""

    amount_paise: int = Field(
        description=(
            "A whole number of paise, at least 100, or of the minor units of the payment's currency; at most "
            "refundable_paise of the payment. Of a currency with three decimal places the last digit is 0."
        ),
        json_schema_extra={"minimum": 1},
    )
    reason: Reason | None = Field(
        default=None, description="Why; whoever may see the payment reads it. No personal data."
    )
    speed: Literal["normal", "optimum"] = Field(
        default="normal", description="optimum: at once where the bank can, for the gateway's extra charge."
    )
    gateway_payment_id: GatewayPaymentId | None = Field(
        default=None, description="Of which attempt, where several brought money."
    )


class RefundState(StrEnum):
    """Where a refund stands. `requested` and `unknown` hold their amount until the gateway has told."""

    REQUESTED = "requested"
    UNKNOWN = "unknown"
    REFUSED = "refused"
    PENDING = "pending"
    PROCESSED = "processed"
    FAILED = "failed"


class RefundView(Contract):
    """A refund as callers see it, in the currency of its payment. `bank_reference` is what the payer's bank
    finds it by; it may come after `processed`. `base_amount_paise` is what the gateway took for one in
    another currency than INR, where it has told it."""

    refund_id: str
    payment_id: str
    school_id: str
    gateway_payment_id: str
    gateway_refund_id: str | None
    amount_paise: int
    currency: str
    base_amount_paise: int | None
    status: RefundState
    speed_requested: str | None
    speed_processed: str | None
    reason: str | None
    bank_reference: str | None
    requested_at: str | None


class RefundList(Contract):
    """All refunds of a payment."""

    items: list[RefundView]


def refund_views(returns: Returns) -> Iterator[RefundView]:
    """The refunds that we asked for, then those that were made in the gateway's dashboard."""
    refunds = list(returns.book.refunds.values())
    for request in returns.book.requests.values():
        answer = next((each for each in refunds if each.request_id == request.request_id), None)
        if answer is None:
            yield _waiting(returns, request)
            continue
        refunds.remove(answer)
        yield _at_gateway(returns, request.request_id, answer)
    for refund in refunds:
        yield _at_gateway(returns, refund.gateway_refund_id, refund)


def refund_view(returns: Returns, refund_id: str) -> RefundView | None:
    """One refund, by our identifier or by the gateway's; None when there is no such."""
    return next(
        (view for view in refund_views(returns) if refund_id in (view.refund_id, view.gateway_refund_id)),
        None,
    )


def _waiting(returns: Returns, request: RefundRequest) -> RefundView:
    """A refund of ours that the gateway does not have, or not that we know of."""
    terms = returns.terms[request.request_id]
    state = RefundState.UNKNOWN if request.outcome_unknown else RefundState.REQUESTED
    return RefundView(
        refund_id=request.request_id,
        payment_id=returns.payment_id,
        school_id=returns.school_id,
        gateway_payment_id=returns.book.gateway_payment_id,
        gateway_refund_id=None,
        amount_paise=request.amount_paise,
        currency=returns.book.currency,
        base_amount_paise=None,
        status=RefundState.REFUSED if request.refused else state,
        speed_requested=terms.speed,
        speed_processed=None,
        reason=terms.reason,
        bank_reference=None,
        requested_at=terms.requested_at,
    )


def _at_gateway(returns: Returns, refund_id: str, refund: Refund) -> RefundView:
    """A refund that the gateway has."""
    terms = returns.terms.get(refund_id)
    return RefundView(
        refund_id=refund_id,
        payment_id=returns.payment_id,
        school_id=returns.school_id,
        gateway_payment_id=returns.book.gateway_payment_id,
        gateway_refund_id=refund.gateway_refund_id,
        amount_paise=refund.amount_paise,
        currency=refund.currency,
        base_amount_paise=refund.base_amount_paise,
        status=RefundState(refund.status.value),
        speed_requested=terms.speed if terms else refund.speed_requested,
        speed_processed=refund.speed_processed,
        reason=terms.reason if terms else None,
        bank_reference=refund.arn,
        requested_at=terms.requested_at if terms else None,
    )
