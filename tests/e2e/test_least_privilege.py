"""IAM is enforced in the sandbox, so what a role may not do is shown by doing it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError

from checks.sandbox.sandbox import Sandbox

FUNCTIONS = (
    "api-authorizer",
    "health-check",
    "payments-advanced",
    "payments-webhook-handler",
    "notification-dispatcher",
)
DENIED = {
    "AccessDeniedException",
    "AccessDenied",
    "UnauthorizedOperation",
    "AuthorizationError",
    "MissingAuthenticationTokenException",
}
KEYS = {
    "hasivu-sandbox-ledger": {"entry_id": {"S": "capture:x"}},
    "hasivu-sandbox-audit": {"day": {"S": "2026-04-01"}, "audit_id": {"S": "aud_x"}},
}

As = Callable[[str, str], Any]


@pytest.fixture(scope="module")
def as_function(sandbox: Sandbox) -> As:
    """A client of a service with the credentials of a function's role."""
    admin = sandbox.session()
    endpoint_url = sandbox.endpoints.aws_endpoint_url

    def client(function: str, service: str) -> Any:
        name = f"hasivu-sandbox-{function}"
        role = admin.client("lambda").get_function_configuration(FunctionName=name)["Role"]
        session_name = "least-privilege"
        granted = admin.client("sts").assume_role(RoleArn=role, RoleSessionName=session_name)["Credentials"]
        session = boto3.Session(
            aws_access_key_id=granted["AccessKeyId"],
            aws_secret_access_key=granted["SecretAccessKey"],
            aws_session_token=granted["SessionToken"],
            region_name=sandbox.endpoints.region,
        )
        chosen: Any = session.client(service, endpoint_url=endpoint_url)  # type: ignore[call-overload]  # any service
        return chosen

    return client


def denied(act: Callable[[], object]) -> bool:
    """Whether AWS refused for want of permission; any other answer is no."""
    try:
        act()
    except ClientError as error:
        return error.response["Error"]["Code"] in DENIED
    return False


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("table", sorted(KEYS))
def test_no_function_changes_or_deletes_what_is_only_appended(
    as_function: As, function: str, table: str
) -> None:
    client = as_function(function, "dynamodb")
    assert denied(
        lambda: client.update_item(
            TableName=table,
            Key=KEYS[table],
            UpdateExpression="SET forged = :yes",
            ExpressionAttributeValues={":yes": {"BOOL": True}},
        )
    )
    assert denied(lambda: client.delete_item(TableName=table, Key=KEYS[table]))


@pytest.mark.parametrize(
    ("function", "secret"),
    [
        ("api-authorizer", "razorpay"),
        ("health-check", "razorpay"),
        ("payments-reconciliation", "razorpay"),
        ("payments-advanced", "razorpay-webhook"),
        ("payments-webhook-handler", "razorpay"),
        ("notification-dispatcher", "razorpay"),
        ("payments-advanced", "whatsapp"),
        ("payments-webhook-handler", "api-key-pepper"),
    ],
)
def test_a_function_reads_no_secret_but_its_own(as_function: As, function: str, secret: str) -> None:
    client = as_function(function, "secretsmanager")
    assert denied(lambda: client.get_secret_value(SecretId=f"hasivu/sandbox/{secret}"))


@pytest.mark.parametrize(
    ("function", "secret"),
    [
        ("api-authorizer", "api-key-pepper"),
        ("payments-advanced", "razorpay"),
        ("payments-webhook-handler", "razorpay-webhook"),
        ("notification-dispatcher", "whatsapp"),
        ("secret-rotation", "api-key-pepper"),
    ],
)
def test_a_function_reads_its_own_secret(as_function: As, function: str, secret: str) -> None:
    """The counterpart: without it the refusals above would prove nothing."""
    client = as_function(function, "secretsmanager")
    assert client.get_secret_value(SecretId=f"hasivu/sandbox/{secret}")["SecretString"]


@pytest.mark.parametrize(
    ("function", "table", "key"),
    [
        (
            "notification-dispatcher",
            "hasivu-sandbox-payments",
            {"pk": {"S": "LINK#plk_x"}, "sk": {"S": "LINK"}},
        ),
        (
            "payments-advanced",
            "hasivu-sandbox-notifications",
            {"notification_id": {"S": "LinkReminderDue:plk_x:1|usr_x"}},
        ),
    ],
)
def test_of_reminders_each_side_reads_what_the_other_writes(
    as_function: As, function: str, table: str, key: dict[str, Any]
) -> None:
    """The dispatcher looks whether a link can still be paid; the link shows what became of the message."""
    client = as_function(function, "dynamodb")
    if function == "notification-dispatcher":
        assert "Item" not in client.get_item(TableName=table, Key=key)
    else:
        assert client.batch_get_item(RequestItems={table: {"Keys": [key]}})["Responses"][table] == []
    assert denied(lambda: client.put_item(TableName=table, Item=key))


@pytest.mark.parametrize("secret", ["razorpay", "razorpay-webhook", "whatsapp", "api-key-pepper"])
def test_nobody_but_the_rotating_function_changes_a_secret(as_function: As, secret: str) -> None:
    secret_id = f"hasivu/sandbox/{secret}"

    def change(function: str) -> object:
        client = as_function(function, "secretsmanager")
        return client.put_secret_value(
            SecretId=secret_id, SecretString="{}", VersionStages=["HASIVU_TEST"], ClientRequestToken="t" * 32
        )

    assert {function for function in FUNCTIONS if denied(partial(change, function))} == set(FUNCTIONS)
    assert change("secret-rotation"), "it may, so the refusals above prove something"


def test_the_rotating_function_neither_schedules_nor_deletes_secrets(as_function: As) -> None:
    client = as_function("secret-rotation", "secretsmanager")
    assert denied(lambda: client.rotate_secret(SecretId="hasivu/sandbox/razorpay"))
    assert denied(lambda: client.delete_secret(SecretId="hasivu/sandbox/razorpay"))
    assert denied(lambda: client.update_secret(SecretId="hasivu/sandbox/razorpay", SecretString="{}"))


def test_who_takes_statements_in_cannot_read_them_and_who_reads_cannot_put(as_function: As) -> None:
    bucket, key = "hasivu-sandbox-uploads", "statements/upl_of_a_test"
    puts = as_function("payments-reconciliation", "s3")
    reads = as_function("payments-reconciliation-worker", "s3")
    puts.put_object(Bucket=bucket, Key=key, Body=b"text")
    assert reads.get_object(Bucket=bucket, Key=key)["Body"].read() == b"text"
    assert reads.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1
    assert denied(lambda: puts.get_object(Bucket=bucket, Key=key))
    assert denied(lambda: puts.list_objects_v2(Bucket=bucket, Prefix=key))
    assert denied(lambda: puts.put_object(Bucket=bucket, Key="elsewhere/x", Body=b"text"))
    assert denied(lambda: puts.delete_object(Bucket=bucket, Key=key))
    assert denied(lambda: reads.put_object(Bucket=bucket, Key=key, Body=b"text"))
    assert denied(lambda: reads.delete_object(Bucket=bucket, Key=key))
    assert denied(lambda: reads.list_objects_v2(Bucket=bucket))
    assert denied(lambda: reads.get_object(Bucket=bucket, Key="elsewhere/x"))


def test_the_authoriser_cannot_read_payments(as_function: As) -> None:
    client = as_function("api-authorizer", "dynamodb")
    key = {"pk": {"S": "PAYMENT#x"}, "sk": {"S": "PAYMENT"}}
    assert denied(lambda: client.get_item(TableName="hasivu-sandbox-payments", Key=key))


def test_only_who_writes_to_people_looks_them_up(as_function: As, sandbox: Sandbox) -> None:
    pool = sandbox.endpoints.user_pool_id

    def look_up(function: str) -> object:
        client = as_function(function, "cognito-idp")
        return client.admin_get_user(UserPoolId=pool, Username="nobody")

    refused = {function for function in FUNCTIONS if denied(partial(look_up, function))}
    assert refused == set(FUNCTIONS) - {"notification-dispatcher", "payments-advanced"}


def test_nobody_reads_or_writes_a_store_without_signing(sandbox: Sandbox) -> None:
    """PCI DSS 1.4.4: what stores account data is not reached from outside."""
    endpoint_url = sandbox.endpoints.aws_endpoint_url

    def outsider(service: str) -> Any:
        chosen: Any = boto3.client(  # type: ignore[call-overload]  # any service
            service,
            endpoint_url=endpoint_url,
            region_name=sandbox.endpoints.region,
            config=Config(signature_version=UNSIGNED),
        )
        return chosen

    queues: Any = sandbox.session().client("sqs")
    queue = queues.get_queue_url(QueueName="hasivu-sandbox-webhooks")["QueueUrl"]
    invoices, table = {"Bucket": "hasivu-sandbox-invoices"}, {"TableName": "hasivu-sandbox-payments"}
    assert denied(lambda: outsider("s3").list_objects_v2(**invoices))
    assert denied(lambda: outsider("s3").get_object(**invoices, Key="x"))
    assert denied(lambda: outsider("s3").put_object(**invoices, Key="x", Body=b"x"))
    assert denied(lambda: outsider("dynamodb").scan(**table))
    assert denied(lambda: outsider("dynamodb").put_item(**table, Item={"payment_id": {"S": "x"}}))
    assert denied(lambda: outsider("sqs").send_message(QueueUrl=queue, MessageBody="x"))
