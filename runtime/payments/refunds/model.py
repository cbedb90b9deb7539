"""The refunds of one captured payment at the gateway: what we asked for, and what the gateway says."""

from enum import StrEnum

from pydantic import Field

from runtime.payments.model import Frozen
from runtime.platform.currencies import BOOKS_CURRENCY

REFUNDS_MAX = 500
"""Refunds, and requests for them, of one payment."""


class RefundStatus(StrEnum):
    """What the gateway says of a refund, in its own words. ``processed`` may come before the bank's
    reference."""

    PENDING = "pending"
    FAILED = "failed"
    PROCESSED = "processed"


class RefundRequest(Frozen):
    """A refund that we asked for. It holds its amount (minor units of the payment's currency, paise of INR)
    from before the gateway is asked.

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
    ``was_failed`` stays true once true. ``amount_paise`` is in minor units of ``currency``;
    ``base_amount_paise`` is what the gateway says it took of us for it, where that is another than INR.
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
    base_amount_paise: int | None = None

    @property
    def awaits_base(self) -> bool:
        """Whether the payer has it and the gateway has not told what it took for it in rupees."""
        is_foreign = self.currency != BOOKS_CURRENCY
        return is_foreign and self.status is RefundStatus.PROCESSED and self.base_amount_paise is None

    @property
    def is_on_its_way(self) -> bool:
        """Whether the books still hold its amount: the gateway has not paid it, or not said for how much."""
        return self.status is RefundStatus.PENDING or self.awaits_base

    @property
    def is_contradicted(self) -> bool:
        """The gateway said both that it failed and that it was processed. It counts as processed, so that
        nothing is refunded twice; a person should look."""
        return self.was_failed and self.status is RefundStatus.PROCESSED


class RefundBook(Frozen):
    """All refunds of one captured gateway payment, by request and by gateway refund; amounts are in minor
    units of its ``currency`` (paise of INR).

    ``captured_base_paise`` is what the capture is in the books, 0 while it is not. A payment of INR is worth
    itself. ``refunded_at_gateway_paise`` is the largest ``amount_refunded`` that the gateway ever gave for
    the payment. ``journal`` names the entries booked for the refunds, in the order in which they were booked.
    """

    gateway_payment_id: str
    currency: str
    captured_paise: int
    captured_base_paise: int = 0
    requests: dict[str, RefundRequest] = Field(default_factory=dict)
    refunds: dict[str, Refund] = Field(default_factory=dict)
    refunded_at_gateway_paise: int = 0
    journal: tuple[str, ...] = ()
