"""Events of our own that concern splits, off a queue: a capture is split, a split that is due is worked on.

The events come at least once and in any order. A payment is split once, and what is not due is left alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from runtime.payments.events import DETAIL_TYPES
from runtime.payments.model import PaymentStatus
from runtime.payments.splits.events import SPLIT_DUE
from runtime.payments.splits.opening import SplitOpener
from runtime.payments.splits.worker import ACTOR, SplitWorker, Worked
from runtime.platform.api import LambdaContext
from runtime.platform.clock import from_iso

STEP_RESERVE_MS = 6_000
"""A step of a split takes two calls at most, one of them short, and what was heard has to be written."""

CAPTURES = frozenset({DETAIL_TYPES[PaymentStatus.CAPTURED], DETAIL_TYPES[PaymentStatus.CONFLICTED]})
"""A conflict may hold the capture of what was asked; the school is credited with it all the same."""


class NotAnEvent(ValueError):
    """The message is no event of ours. It belongs into the dead-letter queue, where a person reads it."""


class NoTime(RuntimeError):
    """There is no time left for a message of the batch; it comes again."""


class _Detail(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    payment_id: str
    school_id: str
    gateway_payment_id: str | None = None


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    occurred_at: str
    detail: str


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    detail_type: str = Field(alias="detail-type")
    detail: _Told


@dataclass(frozen=True, slots=True)
class SplitIntake:
    """Takes messages in. ``opener`` splits, ``worker`` transfers."""

    opener: SplitOpener
    worker: SplitWorker

    def take(self, body: str, *, request_id: str, remaining_ms: int, may_go_on: Callable[[], bool]) -> str:
        """Do what a message calls for, and give what became of it in a word. Raises NotAnEvent."""
        try:
            message = _Message.model_validate_json(body)
            detail = _Detail.model_validate_json(message.detail.detail)
            occurred_at = from_iso(message.detail.occurred_at)
        except (ValidationError, ValueError) as error:
            raise NotAnEvent(type(error).__name__) from None
        if remaining_ms < STEP_RESERVE_MS:
            raise NoTime
        if message.detail_type in CAPTURES:
            split = self.opener.open(
                detail.payment_id, detail.school_id, at=occurred_at, actor=ACTOR, request_id=request_id
            )
            return "not_split" if split is None or split.split is None else "split"
        if message.detail_type != SPLIT_DUE or detail.gateway_payment_id is None:
            raise NotAnEvent("an event that nobody asked for")
        worked: Worked = self.worker.work(
            detail.payment_id,
            detail.gateway_payment_id,
            request_id=request_id,
            remaining_ms=remaining_ms,
            may_go_on=may_go_on,
        )
        return worked.value


def take_batch(
    intake: SplitIntake, logger: Logger, event: Mapping[str, Any], context: LambdaContext
) -> dict[str, Any]:
    """Take in the events of a batch of messages; what fails is named, and only that comes again."""
    remaining_ms = context.get_remaining_time_in_millis
    failed: list[dict[str, str]] = []
    for record in event["Records"]:
        try:
            became = intake.take(
                record["body"],
                request_id=context.aws_request_id,
                remaining_ms=remaining_ms(),
                may_go_on=lambda: remaining_ms() > STEP_RESERVE_MS,
            )
        except Exception:
            logger.exception("a message failed", message_id=record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
            continue
        logger.info("split taken in", became=became)
    return {"batchItemFailures": failed}
