"""The two functions as Lambda starts them: settings, secrets and parameters read, routes answered."""

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
import urllib3

from checks.sandbox.razorpay import RazorpaySimulator
from runtime.functions import (
    payments_advanced,
    payments_reconciliation,
    payments_reconciliation_worker,
    payments_webhook_handler,
)
from runtime.gateways.razorpay.signatures import sign
from runtime.platform.aws import CACHED_FOR_S
from runtime.platform.clock import FixedClock, SystemClock
from runtime.platform.function import Handler
from runtime.platform.settings import SettingsError
from tests.events import Answer, Context, failed_messages, rest_event, sqs_event
from tests.integration.payments.gateway import gateway_payment
from tests.integration.payments.splitting import CATERER, SCHOOL, TERMS_PATH, messages
from tests.integration.payments.world import (
    ADMIN,
    KEY_ID,
    KEY_SECRET,
    PARENT,
    SCHOOL_ADMIN,
    TABLES_OF_PAYMENTS,
    webhook_body,
)
from tests.integration.tables import Tables

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_s3 import S3Client
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
    cognito: "CognitoIdentityProviderClient",
    simulator: RazorpaySimulator,
) -> dict[str, str]:
    """The environment variables of both functions, with everything they name in place."""
    for name in TABLES_OF_PAYMENTS:
        _ = tables[name]
    tables.put("schools", {"school_id": "sch_1", "name": "Green Valley School", "active": True})
    keys = {"key_id": KEY_ID, "key_secret": KEY_SECRET}
    razorpay = secrets_manager.create_secret(Name=f"{unique}/razorpay", SecretString=json.dumps(keys))
    webhook = secrets_manager.create_secret(
        Name=f"{unique}/webhook", SecretString=json.dumps({"secrets": ["newest", "older"]})
    )
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
        "NOTIFICATIONS_TABLE": tables["notifications"],
        "USER_POOL_ID": cognito.create_user_pool(PoolName=unique)["UserPool"]["Id"],
        "WEBHOOK_EVENTS_TABLE": tables["webhook_events"],
        "WEBHOOK_QUEUE_URL": queue_url,
        "RECONCILIATION_TABLE": tables["reconciliation"],
        "UPLOADS_BUCKET": f"{unique}-uploads",
        "RAZORPAY_SECRET_ARN": razorpay["ARN"],
        "RAZORPAY_WEBHOOK_SECRET_ARN": webhook["ARN"],
        "RAZORPAY_BASE_URL_PARAMETER": f"/{unique}/base-url",
    }


def create(handler: Handler) -> Answer:
    body = {"school_id": "sch_1", "amount_paise": 45_000, "description": "Lunches in April"}
    event = rest_event(
        "POST",
        "/v1/payments",
        principal=PARENT,
        headers={"Idempotency-Key": "key-00000001"},
        body=json.dumps(body),
    )
    return Answer.of(handler(event, Context()))


def deliver(handler: Handler, body: bytes, secret: str) -> Answer:
    headers = {"X-Razorpay-Signature": sign(body, secret), "X-Razorpay-Event-Id": "evt_1"}
    event = rest_event("POST", "/v1/webhooks/razorpay", headers=headers, body=body)
    return Answer.of(handler(event, Context()))


def test_the_reconciliation_answers_its_schedules_and_the_api(
    environment: dict[str, str], simulator: RazorpaySimulator
) -> None:
    created = create(payments_advanced.wire(environment))
    assert created.status == 201
    worker = payments_reconciliation_worker.wire(environment)
    swept = worker({"task": "sweep"}, Context())
    assert (swept["looked_at"], swept["finished"]) == (0, True), "it is too young"
    done = worker({"task": "daily"}, Context())
    assert done["exceptions"] == 0
    event = rest_event(
        "GET",
        "/v1/reconciliations/{reconciliation_id}",
        principal=ADMIN,
        path_parameters={"reconciliation_id": done["reconciliation_id"]},
    )
    shown = Answer.of(payments_reconciliation.wire(environment)(event, Context()))
    assert (shown.status, shown.body["started_by"]) == (200, "schedule")
    assert worker({"task": "daily"}, Context()) == done, "Lambda repeats under the same request id"
    assert worker({"task": "work"}, Context()) == {"ended": 0}
    for told in ({}, {"task": "else"}, event):
        with pytest.raises(ValueError, match="no task"):
            worker(told, Context())


def test_the_reconciliation_s_api_knows_no_gateway(environment: dict[str, str]) -> None:
    for name in ("RAZORPAY_SECRET_ARN", "RAZORPAY_BASE_URL_PARAMETER", "PAYMENTS_TABLE"):
        del environment[name]
    event = rest_event("GET", "/v1/reconciliations", principal=ADMIN)
    assert Answer.of(payments_reconciliation.wire(environment)(event, Context())).status == 200


def test_a_large_statement_from_its_link_to_its_lines(
    environment: dict[str, str], s3: "S3Client", unique: str
) -> None:
    s3.create_bucket(
        Bucket=environment["UPLOADS_BUCKET"],
        CreateBucketConfiguration={"LocationConstraint": "ap-south-1"},
    )
    reconciliation = payments_reconciliation.wire(environment)
    data = b"booked_on,amount,narration,reference\n2026-04-06,439.38,NEFT,AXISCN1153863727"
    body = {
        "account": "settlements",
        "profile": "signed",
        "format": "csv",
        "file_name": "april.csv",
        "size_bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    event = rest_event(
        "POST",
        "/v1/bank-statement-uploads",
        principal=ADMIN,
        headers={"Idempotency-Key": "key-upload-0001"},
        body=json.dumps(body),
    )
    upload = Answer.of(reconciliation(event, Context())).body
    link = upload["link"]
    assert urllib3.request("PUT", link["url"], body=data, headers=link["headers"]).status == 200
    worker = payments_reconciliation_worker.wire(environment)
    assert worker({"task": "import"}, Context(remaining_ms=900_000)) == {"ended": 1}
    event = rest_event(
        "GET",
        "/v1/bank-statement-uploads/{upload_id}",
        principal=ADMIN,
        path_parameters={"upload_id": upload["upload_id"]},
    )
    shown = Answer.of(reconciliation(event, Context())).body
    assert (shown["state"], shown["result"]["kept"]) == ("done", 1)


def test_a_capture_is_split_off_the_queue_and_what_is_left_by_the_sweep(
    environment: dict[str, str], simulator: RazorpaySimulator, tables: Tables
) -> None:
    payments = payments_advanced.wire(environment)
    body = {"shares": [{"account_id": CATERER, "basis_points": 7_000}], "remainder_to": SCHOOL}
    terms = rest_event(
        "PUT", TERMS_PATH, principal=ADMIN, path_parameters={"school_id": "sch_1"}, body=json.dumps(body)
    )
    assert Answer.of(payments(terms, Context())).status == 200
    order_id = create(payments).body["checkout"]["order_id"]
    paid = simulator.control.checkout(order_id, {"method": "upi"})["razorpay_payment_id"]
    webhooks = payments_webhook_handler.wire(environment)
    captured = webhook_body("payment.captured", simulator.gw.find("payments", paid))
    assert deliver(webhooks, captured, "newest").status == 200
    assert failed_messages(webhooks(sqs_event(json.dumps({"event_id": "evt_1"})), Context())) == []
    assert failed_messages(payments(sqs_event(*messages(tables)), Context())) == []
    (due,) = [body for body in messages(tables) if "PaymentSplitDue" in body]
    assert list(simulator.gw.each("transfers")) == []

    swept = payments_reconciliation_worker.wire(environment)({"task": "sweep"}, Context())
    assert (swept["splits"]["looked_at"], swept["splits"]["finished"]) == (1, True)
    assert failed_messages(payments(sqs_event(due), Context())) == []
    made = {each["recipient"]: each["amount"] for each in simulator.gw.each("transfers")}
    assert made == {CATERER: 31_500, SCHOOL: 13_500}
    assert failed_messages(payments(sqs_event("no event"), Context())) != []


def test_a_payer_is_reminded_by_hand_and_by_the_sweep(
    environment: dict[str, str], cognito: "CognitoIdentityProviderClient", monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FixedClock(SystemClock().now().replace(hour=6, minute=30))  # noon in India
    for module in (payments_advanced, payments_reconciliation_worker):
        monkeypatch.setattr(module, "SystemClock", lambda: clock)
    payments = payments_advanced.wire(environment)

    def call(method: str, path: str, *, body: Any = None, **parameters: str) -> Answer:
        event = rest_event(
            method,
            path,
            principal=SCHOOL_ADMIN,
            headers={"Idempotency-Key": f"key-{path[-9:]}"},
            body=None if body is None else json.dumps(body),
            path_parameters=parameters,
        )
        return Answer.of(payments(event, Context()))

    asked = {
        "school_id": "sch_1",
        "payer_id": "usr_parent",
        "amount_paise": 45_000,
        "description": "Lunches",
        "reminders": {"after_days": [1]},
    }
    made = call("POST", "/v1/payment-links", body=asked)
    assert made.status == 201, made.text
    link_id = made.body["link_id"]
    reminders = "/v1/payment-links/{link_id}/reminders"
    assert call("POST", reminders, link_id=link_id).code == "contact-missing"
    cognito.admin_create_user(
        UserPoolId=environment["USER_POOL_ID"],
        Username="usr_parent",
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": "phone_number", "Value": "+919000090000"}],
    )
    assert call("POST", reminders, link_id=link_id).status == 202
    clock.advance(seconds=86_400)
    swept = payments_reconciliation_worker.wire(environment)({"task": "sweep"}, Context())
    assert swept["reminders"] == {"looked_at": 1, "reminded": 1, "failed": 0, "finished": True}
    shown = call("GET", "/v1/payment-links/{link_id}", link_id=link_id).body["reminders"]["made"]
    assert [(each["occasion"], each["outcome"]) for each in shown] == [
        ("by_hand", "waiting"),
        ("planned", "waiting"),
    ]


def test_a_payment_from_the_first_call_to_its_webhook(
    environment: dict[str, str], sqs: "SQSClient", queue_url: str, simulator: RazorpaySimulator
) -> None:
    payments = payments_advanced.wire(environment)
    webhooks = payments_webhook_handler.wire(environment)
    created = create(payments)
    assert (created.status, created.body["status"]) == (201, "pending")
    order_id = created.body["checkout"]["order_id"]
    assert [order["id"] for order in simulator.gw.each("orders")] == [order_id]

    body = webhook_body("payment.captured", gateway_payment("pay_00000000000001", order_id))
    assert deliver(webhooks, body, "older").status == 200
    messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=2)["Messages"]
    batch = sqs_event(*[message["Body"] for message in messages])
    assert failed_messages(webhooks(batch, Context())) == []

    event = rest_event(
        "GET",
        "/v1/payments/{payment_id}",
        principal=PARENT,
        path_parameters={"payment_id": created.body["payment_id"]},
    )
    shown = Answer.of(payments(event, Context()))
    assert (shown.status, shown.body["status"]) == (200, "captured")
    listed = Answer.of(payments(rest_event("GET", "/v1/payments", principal=PARENT), Context()))
    assert [item["status"] for item in listed.body["items"]] == ["captured"]


def test_a_checkout_is_verified_with_the_key_from_the_secret(
    environment: dict[str, str], simulator: RazorpaySimulator
) -> None:
    payments = payments_advanced.wire(environment)
    created = create(payments)
    checkout = simulator.control.checkout(
        created.body["checkout"]["order_id"], {"method": "upi", "vpa": "success@razorpay"}
    )
    event = rest_event(
        "POST",
        "/v1/payments/{payment_id}/verify",
        principal=PARENT,
        path_parameters={"payment_id": created.body["payment_id"]},
        body=json.dumps(checkout),
    )
    assert Answer.of(payments(event, Context())).body["status"] == "captured"


def test_a_link_and_a_plan_from_the_real_parts(
    environment: dict[str, str], simulator: RazorpaySimulator
) -> None:
    payments = payments_advanced.wire(environment | {"ALLOWED_ORIGINS": "https://app.example"})

    def post(path: str, body: dict[str, Any], key: str) -> Answer:
        event = rest_event(
            "POST", path, principal=SCHOOL_ADMIN, headers={"Idempotency-Key": key}, body=json.dumps(body)
        )
        return Answer.of(payments(event, Context()))

    asked = {"school_id": "sch_1", "payer_id": "usr_parent", "description": "Meals 2026/27"}
    terms = {"kind": "equal", "principal_paise": 90_000, "count": 3, "first_due_on": "2099-04-05"}
    assert post("/v1/instalment-plans", asked | terms, "key-plan-0001").status == 201
    more = {"amount_paise": 45_000, "callback_url": "https://app.example/paid"}
    link = post("/v1/payment-links", asked | more, "key-link-0001")
    assert link.status == 201
    assert [each["reference_id"] for each in simulator.gw.each("payment_links")] == [link.body["link_id"]]


def test_a_rotated_webhook_secret_is_taken_up_without_a_restart(
    environment: dict[str, str],
    secrets_manager: "SecretsManagerClient",
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runtime.platform.aws.CACHED_FOR_S", 0)
    webhooks = payments_webhook_handler.wire(environment)
    body = webhook_body("payment.captured", gateway_payment("pay_1", "order_1"))
    assert deliver(webhooks, body, "rotated").code == "signature-invalid"
    secrets_manager.put_secret_value(
        SecretId=environment["RAZORPAY_WEBHOOK_SECRET_ARN"],
        SecretString=json.dumps({"secrets": ["rotated", "newest"]}),
    )
    assert deliver(webhooks, body, "rotated").status == 200
    assert CACHED_FOR_S <= 300


def test_both_functions_count_what_they_do(
    environment: dict[str, str],
    sqs: "SQSClient",
    queue_url: str,
    simulator: RazorpaySimulator,
    capsys: pytest.CaptureFixture[str],
) -> None:
    order_id = create(payments_advanced.wire(environment)).body["checkout"]["order_id"]
    webhooks = payments_webhook_handler.wire(environment)
    body = webhook_body("payment.captured", gateway_payment("pay_00000000000001", order_id))
    deliver(webhooks, body, "newest")
    messages = sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=2)["Messages"]
    webhooks(sqs_event(*[message["Body"] for message in messages]), Context())

    counted = {
        metric["Name"]
        for line in capsys.readouterr().out.splitlines()
        for directive in json.loads(line).get("_aws", {}).get("CloudWatchMetrics", [])
        for metric in directive["Metrics"]
        if directive["Namespace"] == "HASIVU/test"
    }
    assert counted >= {"PaymentCreated", "WebhookReceived", "WebhookApplied", "PaymentCaptured"}


@pytest.mark.parametrize("module", [payments_advanced, payments_webhook_handler])
def test_a_missing_setting_stops_the_function_before_its_first_event(
    environment: dict[str, str], module: Any
) -> None:
    del environment["LEDGER_TABLE"]
    with pytest.raises(SettingsError, match="LEDGER_TABLE"):
        module.wire(environment)
