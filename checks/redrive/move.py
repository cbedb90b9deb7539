"""The move itself: receive a page, send each message, delete it only then.

A crash between sending and deleting leaves a message in both queues. That is the harmless side: consumers
know an event that they have applied by its id, and do nothing twice. The other order could lose one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from checks.errors import ExitCode, HasivuError
from checks.redrive.masking import masked_body, masked_reason
from checks.redrive.queues import Pair, denied

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

PAGE = 10
"""SQS's largest page."""

HELD_S = 120
"""How long a received page is hidden from others; moving one takes a few seconds."""

RUN_ATTRIBUTE = "hasivu-redrive"
"""Message attribute: the run that sent it back, and how often that has happened: `<run>:<times>`."""

_ATTRIBUTES_MAX = 10
_LONG_POLL_S = 2
_EMPTY_ANSWERS = 2
_REASONS = ("ERROR_CODE", "ErrorCode", "ERROR_MESSAGE", "ErrorMessage", "EXHAUSTED_RETRY_CONDITION")


@dataclass(frozen=True, kw_only=True)
class Letter:
    """One dead letter as it may be shown."""

    message_id: str
    age: timedelta | None
    redriven: int
    """How often it has been sent back before."""
    reasons: dict[str, str]
    body: str


@dataclass(kw_only=True)
class Outcome:
    """What a run did."""

    moved: list[str] = field(default_factory=list)
    """Message ids among the dead letters, which are not those in the queue."""
    sent_not_deleted: list[str] = field(default_factory=list)
    """In both queues now; deleting them failed."""
    left: list[str] = field(default_factory=list)
    """Held back: they came back during this run, or from another queue."""
    stopped: HasivuError | None = None


def look(client: SQSClient, pair: Pair, *, limit: int, now: datetime) -> list[Letter]:
    """Up to `limit` dead letters, which stay where they are and are free again afterwards.

    `now` is UTC. Looking counts as a receive; dead letters have no limit of those.
    """
    held: list[MessageTypeDef] = []
    try:
        for message in _received(client, pair, limit=limit):
            held.append(message)
        return [_letter(message, now) for message in held]
    except ClientError as error:
        raise denied(error, f"read {pair.dead_letters.name}") from None
    finally:
        _release(client, pair, held)


def move(
    client: SQSClient,
    pair: Pair,
    *,
    limit: int,
    run: str,
    told: Callable[[str], None] = lambda _: None,
) -> Outcome:
    """Send up to `limit` dead letters back to their queue and delete each one that was sent.

    `run` is this run's id: what comes back to the dead letters meanwhile is left there, so that a
    message that fails at once does not go round and round. Stops at the first error; `told` hears each id.
    """
    outcome = Outcome()
    held: dict[str, MessageTypeDef] = {}
    doing = f"read {pair.dead_letters.name}"
    try:
        for message in _received(client, pair, limit=limit):
            message_id = message["MessageId"]
            held[message_id] = message
            if _came_back(message, run) or _is_anothers(message, pair):
                outcome.left.append(message_id)
                continue
            doing = f"send to {pair.source.name}"
            _send(client, pair, message, run)
            del held[message_id]
            outcome.sent_not_deleted.append(message_id)
            doing = f"take out of {pair.dead_letters.name}"
            client.delete_message(QueueUrl=pair.dead_letters.url, ReceiptHandle=message["ReceiptHandle"])
            outcome.sent_not_deleted.remove(message_id)
            outcome.moved.append(message_id)
            told(message_id)
            doing = f"read {pair.dead_letters.name}"
    except ClientError as error:
        outcome.stopped = denied(error, doing)
    except BotoCoreError as error:
        outcome.stopped = _unreachable(error, doing)
    finally:
        _release(client, pair, list(held.values()))
    return outcome


def _received(client: SQSClient, pair: Pair, *, limit: int) -> Iterator[MessageTypeDef]:
    """Messages, page by page; ends when the limit is reached or SQS has nothing left, asked twice."""
    remaining, empty = limit, 0
    seen: set[str] = set()
    while remaining > 0 and empty < _EMPTY_ANSWERS:
        answer = client.receive_message(
            QueueUrl=pair.dead_letters.url,
            MaxNumberOfMessages=min(PAGE, remaining),
            VisibilityTimeout=HELD_S,
            WaitTimeSeconds=_LONG_POLL_S,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        fresh = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
        empty = 0 if fresh else empty + 1
        for message in fresh:
            seen.add(message["MessageId"])
            remaining -= 1
            yield message


def _send(client: SQSClient, pair: Pair, message: MessageTypeDef, run: str) -> None:
    """The same body and attributes once more, with a note that it was sent back."""
    attributes: dict[str, Any] = {
        name: {key: value for key, value in attribute.items() if not key.endswith("ListValues")}
        for name, attribute in message.get("MessageAttributes", {}).items()
    }
    if RUN_ATTRIBUTE in attributes or len(attributes) < _ATTRIBUTES_MAX:
        times = _times_redriven(message) + 1
        attributes[RUN_ATTRIBUTE] = {"DataType": "String", "StringValue": f"{run}:{times}"}
    trace = message.get("Attributes", {}).get("AWSTraceHeader")
    more: dict[str, Any] = {}
    if trace:
        more["MessageSystemAttributes"] = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
    client.send_message(
        QueueUrl=pair.source.url, MessageBody=message["Body"], MessageAttributes=attributes, **more
    )


def _release(client: SQSClient, pair: Pair, messages: Sequence[MessageTypeDef]) -> None:
    """Let others have what is held. Where that fails, it is free again after HELD_S by itself."""
    for message in messages:
        try:
            client.change_message_visibility(
                QueueUrl=pair.dead_letters.url,
                ReceiptHandle=message["ReceiptHandle"],
                VisibilityTimeout=0,
            )
        except (ClientError, BotoCoreError):
            return


def _letter(message: MessageTypeDef, now: datetime) -> Letter:
    sent = message.get("Attributes", {}).get("SentTimestamp")
    attributes = message.get("MessageAttributes", {})
    return Letter(
        message_id=message["MessageId"],
        age=None if sent is None else now - datetime.fromtimestamp(int(sent) / 1000, tz=now.tzinfo),
        redriven=_times_redriven(message),
        reasons={
            name: masked_reason(attributes[name].get("StringValue", ""))
            for name in _REASONS
            if name in attributes
        },
        body=masked_body(message["Body"]),
    )


def _note(message: MessageTypeDef) -> tuple[str, int]:
    """The run that sent a message back last, and how often it was sent back."""
    attribute = message.get("MessageAttributes", {}).get(RUN_ATTRIBUTE)
    written = "" if attribute is None else attribute.get("StringValue", "")
    run, _, times = written.rpartition(":")
    return run, int(times) if times.isdecimal() and len(times) < 10 else 0


def _times_redriven(message: MessageTypeDef) -> int:
    return _note(message)[1]


def _came_back(message: MessageTypeDef, run: str) -> bool:
    return _note(message)[0] == run


def _is_anothers(message: MessageTypeDef, pair: Pair) -> bool:
    """SQS notes from which queue a dead letter came; what was put there by hand has no such note."""
    source = message.get("Attributes", {}).get("DeadLetterQueueSourceArn")
    return source is not None and source != pair.source.arn


def _unreachable(error: BotoCoreError, doing: str) -> HasivuError:
    return HasivuError(
        "AWS_UNREACHABLE",
        f"AWS could not be reached to {doing} ({type(error).__name__}).",
        next_step="try again; nothing is lost, at worst one message is in both queues, which does no harm",
        exit_code=ExitCode.CHECK_FAILED,
    )
