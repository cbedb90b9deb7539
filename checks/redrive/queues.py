"""A dead-letter queue and the queue it belongs to, found by what the queues themselves say."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from checks.errors import ExitCode, HasivuError

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_ATTRIBUTES = (
    "QueueArn",
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
    "RedrivePolicy",
    "RedriveAllowPolicy",
    "FifoQueue",
)


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A queue with what it says of itself at the moment."""

    name: str
    url: str
    arn: str
    waiting: int
    """Messages that can be received now; SQS's own approximation."""
    in_flight: int
    """Messages that somebody holds."""
    attributes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Dead letters and the queue that they came from, proved to belong together."""

    dead_letters: Queue
    source: Queue


def pair(client: SQSClient, dead_letters: str, *, environment: str, source: str | None = None) -> Pair:
    """The queues by name. Without `source` it is the one that the dead-letter queue's own policy lets in.

    Errors: `QUEUE_OF_ANOTHER_ENVIRONMENT`, `QUEUE_UNKNOWN`, `QUEUE_IS_FIFO`, `NOT_ITS_DEAD_LETTERS`,
    `ACCESS_DENIED`.
    """
    for name in (dead_letters, source):
        if name is not None:
            _refuse_foreign(name, environment)
    dead = _queue(client, dead_letters)
    if "RedrivePolicy" in dead.attributes:
        raise _refused(
            "NOT_ITS_DEAD_LETTERS",
            f"{dead.name} has dead letters of its own: it is a queue that is worked on.",
            "name the dead-letter queue; its name ends in -dlq or begins with payment-dlq",
        )
    found = _queue(client, source if source is not None else _only_source(dead))
    target = _policy(found, "RedrivePolicy").get("deadLetterTargetArn")
    if target != dead.arn:
        raise _refused(
            "NOT_ITS_DEAD_LETTERS",
            f"The dead letters of {found.name} do not go to {dead.name}.",
            "name the queue whose redrive policy points at these dead letters with --to",
        )
    return Pair(dead_letters=dead, source=found)


def denied(error: ClientError, doing: str) -> HasivuError:
    """What an error of AWS means for the person at the keyboard."""
    code = str(error.response.get("Error", {}).get("Code", "unknown"))
    if code.rpartition(".")[2] in (
        "AccessDenied",
        "AccessDeniedException",
        "KmsAccessDenied",
        "AuthorizationError",
    ):
        return HasivuError(
            "ACCESS_DENIED",
            f"AWS does not let you {doing}.",
            next_step="use the operator's role of this environment: it needs sqs:ReceiveMessage, "
            "sqs:DeleteMessage, sqs:ChangeMessageVisibility and sqs:GetQueueAttributes on the dead letters, "
            "sqs:SendMessage on the queue, and its key",
            exit_code=ExitCode.CHECK_FAILED,
        )
    return HasivuError(
        "AWS_FAILED",
        f"AWS answered {code} to the attempt to {doing}.",
        next_step="try again; nothing is lost, what was not moved is still among the dead letters",
        exit_code=ExitCode.CHECK_FAILED,
    )


def _refuse_foreign(name: str, environment: str) -> None:
    if environment not in name.removesuffix(".fifo").split("-"):
        raise _refused(
            "QUEUE_OF_ANOTHER_ENVIRONMENT",
            f"{name} is no queue of {environment}.",
            f"say the environment that the name has, or the queue of {environment}",
        )


def _queue(client: SQSClient, name: str) -> Queue:
    if name.endswith(".fifo"):
        raise _fifo(name)
    try:
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        attributes = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    except ClientError as error:
        if "NonExistentQueue" in str(error) or "QueueDoesNotExist" in str(error):
            raise _refused(
                "QUEUE_UNKNOWN",
                f"There is no queue {name}.",
                "take the name from the alarm, and see that --env is right",
            ) from None
        raise denied(error, f"look at {name}") from None
    if attributes.get("FifoQueue") == "true":
        raise _fifo(name)
    return Queue(
        name=name,
        url=url,
        arn=attributes["QueueArn"],
        waiting=int(attributes.get("ApproximateNumberOfMessages", "0")),
        in_flight=int(attributes.get("ApproximateNumberOfMessagesNotVisible", "0")),
        attributes={key: value for key, value in attributes.items() if key in _ATTRIBUTES},
    )


def _only_source(dead: Queue) -> str:
    """The one queue that the redrive-allow policy of the dead letters names."""
    allowed = _policy(dead, "RedriveAllowPolicy")
    sources = allowed.get("sourceQueueArns", [])
    if isinstance(sources, list) and len(sources) == 1:
        return str(sources[0]).rpartition(":")[2]
    if allowed.get("redrivePermission") == "denyAll":
        raise _refused(
            "NOT_ITS_DEAD_LETTERS",
            f"{dead.name} takes the dead letters of no queue, so there is none to move them back to.",
            "read the runbook docs/runbooks/queues.md: what lies there is brought back in another way",
        )
    raise _refused(
        "NOT_ITS_DEAD_LETTERS",
        f"{dead.name} does not say which queue it belongs to.",
        "name the queue with --to; it is checked against its redrive policy",
    )


def _policy(queue: Queue, name: str) -> dict[str, object]:
    try:
        found = json.loads(queue.attributes.get(name, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _fifo(name: str) -> HasivuError:
    return _refused(
        "QUEUE_IS_FIFO",
        f"{name} is first-in-first-out: sent again, messages lose their order or are dropped as repeated.",
        "use SQS's own redrive (aws sqs start-message-move-task), which keeps groups and order",
    )


def _refused(code: str, message: str, next_step: str) -> HasivuError:
    return HasivuError(code, message, next_step=next_step, exit_code=ExitCode.USAGE)
