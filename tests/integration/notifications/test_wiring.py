"""The dispatcher as Lambda starts it, with the user pool and SES of the emulator and WhatsApp's simulator."""

import json
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from checks.sandbox.whatsapp import WhatsAppSimulator
from runtime.functions import notification_dispatcher
from tests.events import Answer, Context, failed_messages, sqs_event
from tests.integration.notifications.world import (
    APP_SECRETS,
    EMAIL,
    PHONE,
    VERIFY_TOKEN,
    envelope,
    news,
    report_event,
    status,
)
from tests.integration.tables import Tables
from tests.unit.notifications.test_events import told_of_a_reminder

if TYPE_CHECKING:
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_ses import SESClient
    from mypy_boto3_ssm import SSMClient

PHONE_NUMBER_ID = "106540352242922"


@pytest.fixture
def simulator() -> Iterator[WhatsAppSimulator]:
    with WhatsAppSimulator(
        phone_number_id=PHONE_NUMBER_ID, token="the-access-token", app_secret=APP_SECRETS[0], seed=7
    ) as running:
        yield running


@pytest.fixture
def pool_id(cognito: "CognitoIdentityProviderClient", unique: str) -> str:
    """A user pool of this test."""
    return cognito.create_user_pool(PoolName=unique)["UserPool"]["Id"]


@pytest.fixture
def environment(
    in_aws: dict[str, str],
    tables: Tables,
    unique: str,
    pool_id: str,
    secrets_manager: "SecretsManagerClient",
    ssm: "SSMClient",
    ses: "SESClient",
    simulator: WhatsAppSimulator,
) -> dict[str, str]:
    """The function's environment variables, with everything they name in place."""
    tables.put("schools", {"school_id": "sch_1", "name": "Green Valley School", "active": True})
    secret = {"access_token": "the-access-token", "app_secrets": APP_SECRETS, "verify_token": VERIFY_TOKEN}
    arn = secrets_manager.create_secret(Name=f"{unique}/whatsapp", SecretString=json.dumps(secret))["ARN"]
    parameters = {
        "base-url": simulator.url,
        "phone-number-id": PHONE_NUMBER_ID,
        "sender": "payments@hasivu.example",
    }
    for name, value in parameters.items():
        ssm.put_parameter(Name=f"/{unique}/{name}", Value=value, Type="String")
    ses.verify_email_identity(EmailAddress="payments@hasivu.example")
    return {
        "HASIVU_ENV": "test",
        "POWERTOOLS_SERVICE_NAME": unique,
        "AUDIT_TABLE": tables["audit"],
        "NOTIFICATIONS_TABLE": tables["notifications"],
        "PAYMENTS_TABLE": tables["payments"],
        "SCHOOLS_TABLE": tables["schools"],
        "USER_POOL_ID": pool_id,
        "WHATSAPP_SECRET_ARN": arn,
        "WHATSAPP_BASE_URL_PARAMETER": f"/{unique}/base-url",
        "WHATSAPP_PHONE_NUMBER_ID_PARAMETER": f"/{unique}/phone-number-id",
        "MAIL_SENDER_PARAMETER": f"/{unique}/sender",
    }


def add_user(
    cognito: "CognitoIdentityProviderClient", pool_id: str, principal_id: str, /, **attributes: str
) -> None:
    """A user of the pool."""
    cognito.admin_create_user(
        UserPoolId=pool_id,
        Username=principal_id,
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
    )


def test_a_parent_with_a_telephone_reads_it_on_whatsapp(
    environment: dict[str, str],
    tables: Tables,
    simulator: WhatsAppSimulator,
    cognito: "CognitoIdentityProviderClient",
    pool_id: str,
) -> None:
    add_user(cognito, pool_id, "usr_1", name="Asha", phone_number=PHONE)
    handler = notification_dispatcher.wire(environment)
    assert failed_messages(handler(sqs_event(news(), news()), Context())) == []
    (sent,) = simulator.control.messages()
    assert "Dear Asha, we have received ₹450.00 for Green Valley School" in json.dumps(
        sent, ensure_ascii=False
    )
    (kept,) = tables.items("notifications")
    assert kept["state"] == "sent"
    body = envelope(status("delivered", kept["provider_message_id"]))
    assert Answer.of(handler(report_event(body), Context())).body == {"kept": 1}
    assert tables.items("notifications")[0]["state"] == "delivered"


def test_a_parent_with_an_address_alone_gets_a_mail(
    environment: dict[str, str],
    tables: Tables,
    cognito: "CognitoIdentityProviderClient",
    pool_id: str,
    aws_endpoint_url: str,
) -> None:
    add_user(cognito, pool_id, "usr_1", name="Asha", email=EMAIL)
    handler = notification_dispatcher.wire(environment)
    assert failed_messages(handler(sqs_event(news()), Context())) == []
    (kept,) = tables.items("notifications")
    assert (kept["state"], kept["channel"]) == ("sent", "mail")
    with urllib.request.urlopen(f"{aws_endpoint_url}/_ministack/ses/messages") as answer:  # noqa: S310 - loopback
        assert kept["provider_message_id"] in answer.read().decode()


def test_a_parent_who_left_or_was_locked_out_is_not_written_to(
    environment: dict[str, str],
    tables: Tables,
    simulator: WhatsAppSimulator,
    cognito: "CognitoIdentityProviderClient",
    pool_id: str,
) -> None:
    add_user(cognito, pool_id, "usr_1", phone_number=PHONE)
    cognito.admin_disable_user(UserPoolId=pool_id, Username="usr_1")
    handler = notification_dispatcher.wire(environment)
    assert failed_messages(handler(sqs_event(news(), news(payer_id="usr_9")), Context())) == []
    assert {item["state"] for item in tables.items("notifications")} == {"undeliverable"}
    assert simulator.control.messages() == []


def test_a_reminder_is_held_against_its_link(
    environment: dict[str, str],
    tables: Tables,
    simulator: WhatsAppSimulator,
    cognito: "CognitoIdentityProviderClient",
    pool_id: str,
) -> None:
    """Wired, it looks the link up: here there is none."""
    add_user(cognito, pool_id, "usr_1", phone_number=PHONE)
    _ = tables["payments"]
    handler = notification_dispatcher.wire(environment)
    message = json.dumps(told_of_a_reminder())
    assert failed_messages(handler(sqs_event(message), Context())) == []
    (kept,) = tables.items("notifications")
    assert (kept["state"], kept["code"]) == ("withheld", "no-such-reminder")
    assert simulator.control.messages() == []
