"""The refunds of one captured payment at the gateway: what we asked for, and what the gateway says."""

from enum import StrEnum

from pydantic import Field

from runtime.payments.model import Frozen

REFUNDS_MAX = 500
"""Refunds, and requests for them, of one payment."""


class RefundStatus(StrEnum):
    """What the gateway says of a refund, in its own words. ``processed`` may come before the bank's
    reference."""

    PENDING = "pending"
    FAILED = "failed"
    PROCESSED = "processed"


class RefundRequest(Frozen):
    """A refund that we asked for. It holds its amount (paise) from before the gateway is asked.

    ``refused``: the gateway said no, so there is no such refund. ``outcome_unknown``: it did not answer, so
    there may be one; the amount stays held until a fetch tells.
    """

    request_id: str
    amount_paise: int
    refused: bool = False
    outcome_unknown: bool = False


class Refund(Frozen):
    """A refund at the gateway, merged from all that was heard of it.

    ``request_id`` is ours where we asked for it; a refund made in the gateway's dashboard has none.
    ``observed_at`` (unix seconds) is the moment of the newest word. ``arn`` is the bank's reference.
    ``was_failed`` stays true once true.
    """

    gateway_refund_id: str
    amount_paise: int
    currency: str
    status: RefundStatus
    observed_at: int
    request_id: str | None = None
    speed_requested: str | None = None
    speed_processed: str | None = None
    arn: str | None = None
    was_failed: bool = False

    @property
    def is_contradicted(self) -> bool:
        """The gateway said both that it failed and that it was processed. It counts as processed, so that
        nothing is refunded twice; a person should look."""
        return self.was_failed and self.status is RefundStatus.PROCESSED


class RefundBook(Frozen):
    """All refunds of one captured gateway payment (paise), by request and by gateway refund.

    ``refunded_at_gateway_paise`` is the largest ``amount_refunded`` that the gateway ever gave for the
    payment. ``journal`` names the entries booked for the refunds, in the order in which they were booked.
    """

    gateway_payment_id: str
    currency: str
    captured_paise: int
    requests: dict[str, RefundRequest] = Field(default_factory=dict)
    refunds: dict[str, Refund] = Field(default_factory=dict)
    refunded_at_gateway_paise: int = 0
    journal: tuple[str, ...] = ()
