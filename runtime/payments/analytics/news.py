"""Payment events as analytics reads them off the bus: what is counted, and nothing that leads to a person.

Events of older versions lack what was added since; what a later version adds is ignored.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from runtime.platform.clock import from_iso
from runtime.platform.currencies import BOOKS_CURRENCY

Identifier = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Word = Annotated[str, StringConstraints(max_length=200)] | None


class EventUnreadable(ValueError):
    """The message is not an event of ours. It belongs into the dead-letter queue, where a person reads it."""


class News(StrEnum):
    """The events that are counted, by their detail type."""

    CREATED = "PaymentCreated"
    UNKNOWN = "PaymentOutcomeUnknown"
    PENDING = "PaymentPending"
    AUTHORIZED = "PaymentAuthorized"
    CAPTURED = "PaymentCaptured"
    FAILED = "PaymentFailed"
    CONFLICTED = "PaymentConflicted"
    ATTEMPT_FAILED = "PaymentAttemptFailed"
    SETTLED = "PaymentSettled"
    REFUND_PROCESSED = "RefundProcessed"
    REFUND_FAILED = "RefundFailed"
    DISPUTE_OPENED = "DisputeOpened"
    DISPUTE_UNDER_REVIEW = "DisputeUnderReview"
    DISPUTE_CLOSED = "DisputeClosed"
    DISPUTE_WON = "DisputeWon"
    DISPUTE_LOST = "DisputeLost"


OF_OTHER_THINGS = frozenset(
    {News.SETTLED, *(news for news in News if news.value.startswith(("Refund", "Dispute")))}
)
"""What happens to a payment's money later: it has no version of the payment, and changes no status of it."""


class PaymentFact(BaseModel):
    """What one event says of a payment. Moments are RFC 3339 in UTC, amounts whole paise.

    ``event_id`` is the outbox's and the same in every delivery. ``version`` is the payment's; its first event
    has 1, and what happens to its money later (settlement, refund, dispute) has none. ``amount_paise`` is of
    what the event is about, in minor units of ``currency``; ``base_amount_paise`` is the same in the books,
    where that is another than INR. ``captured_on`` and ``settled_on`` are days in India; ``first_heard``
    tells that a dispute was not known before. ``created_at``, ``network``, ``issuer``, ``bank``, the fee and
    ``failed_before`` are known of details of version 2 and later only.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    event_id: Identifier
    occurred_at: Identifier
    news: News
    payment_id: Identifier
    school_id: Identifier
    version: Annotated[int, Field(strict=True, ge=1)] | None = None
    amount_paise: Annotated[int, Field(strict=True, ge=0)]
    currency: Identifier
    base_amount_paise: Annotated[int, Field(strict=True, ge=0)] | None = None
    gateway_payment_id: Word = None
    method: Word = None
    network: Word = None
    issuer: Word = None
    bank: Word = None
    error_reason: Word = None
    fee_paise: Annotated[int, Field(strict=True, ge=0)] | None = None
    tax_paise: Annotated[int, Field(strict=True, ge=0)] | None = None
    created_at: Word = None
    captured_at: Word = None
    failed_before: Annotated[bool, Field(strict=True)] = False
    refund_id: Word = None
    dispute_id: Word = None
    settlement_id: Word = None
    net_paise: Annotated[int, Field(strict=True)] | None = None
    captured_on: Word = None
    settled_on: Word = None
    first_heard: Annotated[bool, Field(strict=True)] = False

    @field_validator("occurred_at", "created_at", "captured_at")
    @classmethod
    def _is_a_moment(cls, text: str | None) -> str | None:
        if text is not None:
            from_iso(text)
        return text

    @field_validator("captured_on", "settled_on")
    @classmethod
    def _is_a_day(cls, text: str | None) -> str | None:
        if text is not None:
            date.fromisoformat(text)
        return text

    @model_validator(mode="after")
    def _is_whole(self) -> "PaymentFact":
        """What the figures of its kind need is there."""
        if self.news not in OF_OTHER_THINGS and self.version is None:
            raise ValueError("an event of a payment's state has a version")
        if self.news is News.SETTLED and None in (self.captured_on, self.settled_on, self.net_paise):
            raise ValueError("a settlement has its days and what came of it")
        return self

    @property
    def books_paise(self) -> int | None:
        """Its amount in the books, in paise; None where nobody told it."""
        return self.amount_paise if self.currency == BOOKS_CURRENCY else self.base_amount_paise

    @property
    def moment(self) -> datetime:
        """When it happened, in UTC."""
        return from_iso(self.occurred_at)


def read_event(message: str) -> PaymentFact | None:
    """The fact in an SQS message: EventBridge's envelope, whose ``detail`` is the outbox item with its own
    ``detail`` as JSON text (a Pipe does not parse it). None for an event that is not about a payment's state.

    Raises EventUnreadable.
    """
    try:
        envelope = json.loads(message)
        kind = envelope["detail-type"]
        item = envelope["detail"]
        if not isinstance(kind, str):
            raise TypeError("a detail type is text")
        if kind not in set(News):
            return None
        detail: Mapping[str, Any] = json.loads(item["detail"])
        told = {"event_id": item["event_id"], "occurred_at": item["occurred_at"], "news": kind}
        return PaymentFact.model_validate({**detail, **told})
    except ValidationError as error:
        names = ", ".join(sorted({str(item["loc"][0])[:40] for item in error.errors() if item["loc"]}))
        raise EventUnreadable(f"not an event of ours: {names}") from None
    except (ValueError, TypeError, KeyError) as error:
        raise EventUnreadable(f"not an event of ours ({type(error).__name__})") from None
