"""payments-retry as Lambda starts it: the API, the schedule's sweep and the queue."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from checks.sandbox.razorpay import RazorpaySimulator
from runtime.functions import payments_retry
from runtime.payments.debits.sweep import NotQueued
from runtime.platform.settings import SettingsError
from tests.events import Answer, Context, failed_messages, rest_event, sqs_event
from tests.integration.payments.debits import RETRIES, Desk
from tests.integration.payments.world import KEY_ID, KEY_SECRET, PARENT
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient


@pytest.fixture
def simulator() -> Iterator[RazorpaySimulator]:
    with RazorpaySimulator(key_id=KEY_ID, key_secret=KEY_SECRET, seed=7) as running:
        yield running


@pytest.fixture
def environment(
    in_aws: dict[str, str],
    tables: Tables,
    unique: str,
    queue_url: str,
    secrets_manager: "SecretsManagerClient",
    ssm: "SSMClient",
    simulator: RazorpaySimulator,
) -> dict[str, str]:
    """The environment variables of the function, with everything they name in place."""
    keys = {"key_id": KEY_ID, "key_secret": KEY_SECRET}
    razorpay = secrets_manager.create_secret(Name=f"{unique}/razorpay", SecretString=json.dumps(keys))
    ssm.put_parameter(Name=f"/{unique}/base-url", Value=simulator.url, Type="String")
    return {
        "HASIVU_ENV": "test",
        "POWERTOOLS_SERVICE_NAME": unique,
        "AUDIT_TABLE": tables["audit"],
        "PAYMENTS_TABLE": tables["payments"],
        "LEDGER_TABLE": tables["ledger"],
        "OUTBOX_TABLE": tables["outbox"],
        "PAYMENT_METHODS_TABLE": tables["payment_methods"],
        "IDEMPOTENCY_TABLE": tables["idempotency"],
        "SCHOOLS_TABLE": tables["schools"],
        "USER_POOL_ID": "ap-south-1_nobody",
        "RETRY_QUEUE_URL": queue_url,
        "RAZORPAY_SECRET_ARN": razorpay["ARN"],
        "RAZORPAY_BASE_URL_PARAMETER": f"/{unique}/base-url",
    }


def test_the_schedule_queues_what_is_due_and_the_queue_is_worked_on(
    desk: Desk, environment: dict[str, str], sqs: "SQSClient", queue_url: str
) -> None:
    """Planned in the past, so that it is due by the system's clock; its cycle is over, and it is stopped."""
    payment_id = desk.debited()
    handler = payments_retry.wire(environment)
    assert handler({"task": "sweep"}, Context()) == {"queued": 1}
    messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=2)["Messages"]
    batch = sqs_event(*[message["Body"] for message in messages], "not json", '{"payment_id": "pmt_nobody"}')
    assert failed_messages(handler(batch, Context())) == ["message-1"]
    record = desk.record(payment_id)
    assert (record.state.value, record.due_at) == ("stopped", None)
    assert handler({"task": "sweep"}, Context()) == {"queued": 0}


def test_the_api_answers(desk: Desk, environment: dict[str, str]) -> None:
    payment = desk.world.created()
    event = rest_event("GET", RETRIES, principal=PARENT, path_parameters={"payment_id": payment.payment_id})
    answer = Answer.of(payments_retry.wire(environment)(event, Context()))
    assert (answer.status, answer.body["checkout"]["order_id"]) == (200, payment.order_id)


def test_a_missing_setting_stops_the_function_before_its_first_event(environment: dict[str, str]) -> None:
    del environment["RETRY_QUEUE_URL"]
    with pytest.raises(SettingsError, match="RETRY_QUEUE_URL"):
        payments_retry.wire(environment)


def test_messages_that_the_queue_does_not_take_are_sent_by_the_next_sweep(desk: Desk) -> None:
    payment_id = desk.debited()
    desk.go_to(desk.record(payment_id).due_at)
    desk.queue.refuse = 1
    handler: Any = payments_retry.handler_of(lambda: desk.parts, desk.sweep, desk.world.logger)
    with pytest.raises(NotQueued, match="1 of 1"):
        handler({"task": "sweep"}, Context())
    assert handler({"task": "sweep"}, Context()) == {"queued": 1}
