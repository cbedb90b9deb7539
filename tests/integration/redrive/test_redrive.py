"""Redrive against the emulator's queues: nothing lost, nobody shown, nothing moved where it is not from."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from checks import cli
from checks.errors import ExitCode, HasivuError
from checks.redrive import account
from checks.redrive.move import RUN_ATTRIBUTE, look, move
from checks.redrive.queues import pair

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BODY = json.dumps({"event": "payment.captured", "event_id": "evt_1", "contact": "+919876543210"})


@dataclass(frozen=True)
class Estate:
    """A queue `…-dev-…`, its dead letters, and a stranger."""

    source: str
    dead: str
    stranger: str
    source_url: str
    dead_url: str


@pytest.fixture
def estate(sqs: "SQSClient", unique: str) -> Iterator[Estate]:
    names = [f"{unique}-dev-webhooks", f"{unique}-dev-webhooks-dlq", f"{unique}-dev-other"]
    source, dead, stranger = names
    urls = {name: sqs.create_queue(QueueName=name)["QueueUrl"] for name in names}
    dead_arn, source_arn = (arn(sqs, urls[name]) for name in (dead, source))
    sqs.set_queue_attributes(
        QueueUrl=urls[source],
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": 5})},
    )
    allowed = {"redrivePermission": "byQueue", "sourceQueueArns": [source_arn]}
    sqs.set_queue_attributes(QueueUrl=urls[dead], Attributes={"RedriveAllowPolicy": json.dumps(allowed)})
    yield Estate(source, dead, stranger, urls[source], urls[dead])
    for url in urls.values():
        sqs.delete_queue(QueueUrl=url)


def arn(sqs: "SQSClient", url: str) -> str:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def bury(sqs: "SQSClient", estate: Estate, *bodies: str) -> None:
    for body in bodies:
        sqs.send_message(QueueUrl=estate.dead_url, MessageBody=body)


def bodies(sqs: "SQSClient", url: str) -> list[str]:
    """What is in a queue, taken out."""
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        for message in messages:
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return sorted(found)


class Failing:
    """A client whose method `name` fails with `error` at its `at`-th call (from 1), and works otherwise.

    `after` lets the call through first: the answer is lost, not the call.
    """

    def __init__(self, client: Any, name: str, error: Exception, *, at: int = 1, after: bool = False) -> None:
        self._client, self._name, self._error, self._at, self._after = client, name, error, at, after
        self._calls = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._client, name)
        if name != self._name:
            return real

        def failing(**arguments: Any) -> Any:
            self._calls += 1
            if self._calls != self._at:
                return real(**arguments)
            if self._after:
                real(**arguments)
            raise self._error

        return failing


def client_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Operation")


def test_everything_comes_back_with_its_attributes_and_is_no_dead_letter_any_more(
    sqs: "SQSClient", estate: Estate
) -> None:
    sqs.send_message(
        QueueUrl=estate.dead_url,
        MessageBody=BODY,
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "webhook"}},
    )
    outcome = move(sqs, pair(sqs, estate.dead, environment="dev"), limit=10, run="r1")
    assert (len(outcome.moved), outcome.left, outcome.stopped) == (1, [], None)
    (message,) = sqs.receive_message(QueueUrl=estate.source_url, MessageAttributeNames=["All"])["Messages"]
    assert message["Body"] == BODY
    values = {name: item.get("StringValue") for name, item in message["MessageAttributes"].items()}
    assert values == {"kind": "webhook", RUN_ATTRIBUTE: "r1:1"}
    assert bodies(sqs, estate.dead_url) == []


def test_more_than_a_page_is_moved_and_the_limit_is_kept(sqs: "SQSClient", estate: Estate) -> None:
    everything = [f"{number:02}" for number in range(25)]
    bury(sqs, estate, *everything)
    queues = pair(sqs, estate.dead, environment="dev")
    assert len(move(sqs, queues, limit=13, run="r1").moved) == 13
    assert len(move(sqs, queues, limit=100, run="r2").moved) == 12
    assert bodies(sqs, estate.source_url) == everything


def test_an_empty_queue_is_no_error(sqs: "SQSClient", estate: Estate) -> None:
    queues = pair(sqs, estate.dead, environment="dev")
    assert queues.dead_letters.waiting == 0
    assert move(sqs, queues, limit=10, run="r1").moved == []
    assert look(sqs, queues, limit=10, now=datetime.now(UTC)) == []


def test_looking_moves_nothing_and_shows_nobody(sqs: "SQSClient", estate: Estate) -> None:
    sqs.send_message(
        QueueUrl=estate.dead_url,
        MessageBody=BODY,
        MessageAttributes={
            "ERROR_CODE": {"DataType": "String", "StringValue": "THROTTLED"},
            "ERROR_MESSAGE": {"DataType": "String", "StringValue": "no answer for a@b.example 9876543210"},
        },
    )
    queues = pair(sqs, estate.dead, environment="dev")
    (letter,) = look(sqs, queues, limit=10, now=datetime.now(UTC))
    assert letter.reasons == {"ERROR_CODE": "THROTTLED", "ERROR_MESSAGE": "no answer for (address) (number)"}
    assert "payment.captured" in letter.body
    assert "9876543210" not in letter.body
    assert letter.age is not None
    assert letter.age.total_seconds() < 60
    assert bodies(sqs, estate.dead_url) == [BODY], "it can be received again at once"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), EndpointConnectionError(endpoint_url="https://sqs")])
def test_a_crash_between_sending_and_deleting_loses_nothing(
    sqs: "SQSClient", estate: Estate, error: Exception
) -> None:
    """The message is in both queues: its consumer knows it by its id. In none of them it would be lost."""
    bury(sqs, estate, "1", "2", "3")
    queues = pair(sqs, estate.dead, environment="dev")
    crashing: Any = Failing(sqs, "delete_message", error, at=2)
    if isinstance(error, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            move(crashing, queues, limit=10, run="r1")
    else:
        outcome = move(crashing, queues, limit=10, run="r1")
        assert outcome.stopped is not None
        assert outcome.stopped.code == "AWS_UNREACHABLE"
        assert len(outcome.moved) == len(outcome.sent_not_deleted) == 1
    assert len(bodies(sqs, estate.source_url)) == 2
    sent_twice_at_worst = sqs.get_queue_attributes(QueueUrl=estate.dead_url, AttributeNames=["All"])[
        "Attributes"
    ]
    waiting = int(sent_twice_at_worst["ApproximateNumberOfMessages"])
    in_flight = int(sent_twice_at_worst["ApproximateNumberOfMessagesNotVisible"])
    assert waiting + in_flight == 2


def test_a_lost_answer_to_sending_loses_nothing_either(sqs: "SQSClient", estate: Estate) -> None:
    bury(sqs, estate, "1")
    crashing: Any = Failing(sqs, "send_message", EndpointConnectionError(endpoint_url="x"), after=True)
    outcome = move(crashing, pair(sqs, estate.dead, environment="dev"), limit=10, run="r1")
    assert outcome.moved == []
    assert bodies(sqs, estate.source_url) == ["1"]
    assert bodies(sqs, estate.dead_url) == ["1"], "free again at once"


@pytest.mark.parametrize("operation", ["receive_message", "send_message", "delete_message"])
def test_a_refused_permission_stops_the_run_and_says_which_are_needed(
    sqs: "SQSClient", estate: Estate, operation: str
) -> None:
    bury(sqs, estate, "1", "2")
    refusing: Any = Failing(sqs, operation, client_error("AccessDeniedException"))
    outcome = move(refusing, pair(sqs, estate.dead, environment="dev"), limit=10, run="r1")
    assert outcome.stopped is not None
    assert outcome.stopped.code == "ACCESS_DENIED"
    assert "sqs:SendMessage" in outcome.stopped.next_step
    assert outcome.moved == []


def test_what_fails_again_at_once_does_not_go_round(sqs: "SQSClient", estate: Estate) -> None:
    """A consumer that gives up immediately fills the dead letters as fast as they are emptied."""
    bury(sqs, estate, "1", "2", "3")

    def fails(_: str) -> None:
        for message in sqs.receive_message(
            QueueUrl=estate.source_url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", []):
            attributes: Any = message["MessageAttributes"]
            sqs.send_message(
                QueueUrl=estate.dead_url, MessageBody=message["Body"], MessageAttributes=attributes
            )
            sqs.delete_message(QueueUrl=estate.source_url, ReceiptHandle=message["ReceiptHandle"])

    queues = pair(sqs, estate.dead, environment="dev")
    outcome = move(sqs, queues, limit=100, run="r1", told=fails)
    assert (len(outcome.moved), len(outcome.left)) == (3, 3)
    (first, *_) = look(sqs, queues, limit=10, now=datetime.now(UTC))
    assert first.redriven == 1
    assert bodies(sqs, estate.dead_url) == ["1", "2", "3"]


def refused(sqs: "SQSClient", dead: str, **options: Any) -> HasivuError:
    with pytest.raises(HasivuError) as raised:
        pair(sqs, dead, **({"environment": "dev"} | options))
    return raised.value


def test_a_queue_that_is_not_its_source_is_refused(sqs: "SQSClient", estate: Estate) -> None:
    assert refused(sqs, estate.dead, source=estate.stranger).code == "NOT_ITS_DEAD_LETTERS"


def test_a_queue_that_is_worked_on_is_refused_as_dead_letters(sqs: "SQSClient", estate: Estate) -> None:
    assert refused(sqs, estate.source).code == "NOT_ITS_DEAD_LETTERS"


def test_dead_letters_that_say_nothing_need_the_source_by_name(sqs: "SQSClient", estate: Estate) -> None:
    assert "--to" in refused(sqs, estate.stranger).next_step


def test_dead_letters_of_no_queue_point_to_the_runbook(sqs: "SQSClient", estate: Estate) -> None:
    url = sqs.get_queue_url(QueueName=estate.stranger)["QueueUrl"]
    sqs.set_queue_attributes(
        QueueUrl=url, Attributes={"RedriveAllowPolicy": json.dumps({"redrivePermission": "denyAll"})}
    )
    assert "docs/runbooks/queues.md" in refused(sqs, estate.stranger).next_step


def test_an_unknown_queue_and_one_of_another_environment_are_refused(
    sqs: "SQSClient", estate: Estate
) -> None:
    assert refused(sqs, "hasivu-dev-nothing-dlq").code == "QUEUE_UNKNOWN"
    assert refused(sqs, estate.dead, environment="prod").code == "QUEUE_OF_ANOTHER_ENVIRONMENT"
    assert refused(sqs, estate.dead, source="hasivu-prod-webhooks").code == "QUEUE_OF_ANOTHER_ENVIRONMENT"


def test_a_first_in_first_out_queue_is_refused(sqs: "SQSClient", unique: str) -> None:
    name = f"{unique}-dev-dlq.fifo"
    url = sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
    assert refused(sqs, name).code == "QUEUE_IS_FIFO"
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def as_operator(monkeypatch: pytest.MonkeyPatch, in_aws: dict[str, str]) -> None:
    """The command's session leads to the emulator."""
    monkeypatch.setattr(
        account, "session_for", lambda *_, **__: boto3.Session(region_name=in_aws["AWS_REGION"])
    )


def redrive(*arguments: str, answer: str | None = None) -> Any:
    return CliRunner().invoke(cli.app, ["redrive", *arguments], input=answer)


def test_the_command_looks_first_and_asks_before_it_moves(
    as_operator: None, sqs: "SQSClient", estate: Estate
) -> None:
    bury(sqs, estate, BODY)
    looked = redrive(estate.dead, "--env", "dev", "--dry-run")
    assert looked.exit_code == ExitCode.OK
    assert "payment.captured" in looked.output
    assert "9876543210" not in looked.output
    assert redrive(estate.dead, "--env", "dev", answer="n\n").exit_code == 1
    moved = redrive(estate.dead, "--env", "dev", answer="y\n")
    assert moved.exit_code == ExitCode.OK
    assert "1 moved" in moved.output
    assert bodies(sqs, estate.source_url) == [BODY]


def test_real_names_are_taken_for_what_they_are(sqs: "SQSClient") -> None:
    """`hasivu-prod-webhooks-dlq` and `payment-dlq-prod` both belong to prod, and only there."""
    for name in ("hasivu-prod-webhooks-dlq", "payment-dlq-prod"):
        assert refused(sqs, name, environment="prod").code == "QUEUE_UNKNOWN"
        assert refused(sqs, name, environment="dev").code == "QUEUE_OF_ANOTHER_ENVIRONMENT"
