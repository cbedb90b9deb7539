"""Mail over SES: what is sent, what is refused before, and what each failure means."""

from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st
from mypy_boto3_ses import SESClient

from runtime.gateways.errors import (
    GatewayError,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
)
from runtime.gateways.mail.client import CLIENT_OPTIONS, SesMailer

SENDER = "HASIVU Billing <billing@example.org>"
TO = "parent.name@example.com"


def ses() -> SESClient:
    return boto3.client(
        "ses",
        region_name="ap-south-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(**CLIENT_OPTIONS),
    )


def send(mailer: SesMailer, **fields: str) -> str:
    mail = {"to": TO, "subject": "Paid: ₹250.00", "text": "Thank you.", "html": "<p>Thank you.</p>"} | fields
    return mailer.send(to=mail["to"], subject=mail["subject"], text=mail["text"], html=mail["html"])


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> SesMailer:
    client = ses()

    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(client, "send_email", fail)
    return SesMailer(client, sender=SENDER)


def expected(**optional: Any) -> dict[str, Any]:
    return {
        "Source": SENDER,
        "Destination": {"ToAddresses": [TO]},
        "Message": {
            "Subject": {"Data": "Paid: ₹250.00", "Charset": "UTF-8"},
            "Body": {
                "Text": {"Data": "Thank you.", "Charset": "UTF-8"},
                "Html": {"Data": "<p>Thank you.</p>", "Charset": "UTF-8"},
            },
        },
        **optional,
    }


@pytest.mark.parametrize("configuration_set", [None, "bounces"])
def test_a_mail_goes_to_one_address_as_text_and_html(configuration_set: str | None) -> None:
    client = ses()
    optional = {"ConfigurationSetName": configuration_set} if configuration_set else {}
    with Stubber(client) as stub:
        stub.add_response("send_email", {"MessageId": "m-1"}, expected(**optional))
        mailer = SesMailer(client, sender=SENDER, configuration_set=configuration_set)
        assert send(mailer) == "m-1"


def test_botocore_makes_one_attempt_only() -> None:
    config: Any = ses().meta.config
    assert config.retries["total_max_attempts"] == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"to": "parent@example.com\r\nBcc: all@example.com"},
        {"to": "a@example.com,b@example.com"},
        {"to": "Parent <parent@example.com>"},
        {"to": "parent"},
        {"to": ""},
        {"to": "párent@example.com"},
        {"to": "parent@example.com\n"},
        {"subject": "Paid\r\nBcc: all@example.com"},
        {"subject": "Paid\nX"},
        {"subject": "Paid\u2028X"},
        {"subject": ""},
        {"subject": "x" * 201},
        {"text": ""},
        {"html": ""},
        {"html": "x" * (256 * 1024 + 1)},
    ],
)
def test_what_could_carry_another_header_or_another_recipient_is_refused(fields: dict[str, str]) -> None:
    with Stubber(client := ses()), pytest.raises(ValueError, match=r"recipient|subject|body") as caught:
        send(SesMailer(client, sender=SENDER), **fields)
    assert "example" not in str(caught.value)


@given(
    st.text(max_size=30), st.sampled_from(["\r", "\n", "\r\n", "\0", "\x85", "\u2029"]), st.text(max_size=30)
)
def test_no_subject_spans_two_lines(before: str, line_end: str, after: str) -> None:
    class Nobody:
        def send_email(self, **_: object) -> None:
            raise AssertionError("it was sent")

    nobody: Any = Nobody()
    with pytest.raises(ValueError, match="subject"):
        send(SesMailer(nobody, sender=SENDER), subject=before + line_end + after)


@pytest.mark.parametrize("sender", ["", "billing", "A\r\nB <billing@example.org>", "<billing@example.org>"])
def test_a_malformed_sender_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="sender"):
        SesMailer(ses(), sender=sender)


def client_error(code: str, status: int) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": f"Email address is not verified: {TO}"},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "r",
                "HostId": "h",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "SendEmail",
    )


URL = "https://email.ap-south-1.amazonaws.com"
FAILURES: list[tuple[Exception, type[GatewayError]]] = [
    (client_error("MessageRejected", 400), GatewayRejected),
    (client_error("MailFromDomainNotVerifiedException", 400), GatewayRejected),
    (client_error("AccessDenied", 403), GatewayRejected),
    (client_error("Throttling", 400), GatewayThrottled),
    (client_error("TooManyRequestsException", 429), GatewayThrottled),
    (client_error("ServiceUnavailable", 503), GatewayOutcomeUnknown),
    (client_error("InternalFailure", 500), GatewayOutcomeUnknown),
    (ClientError({}, "SendEmail"), GatewayOutcomeUnknown),
    (EndpointConnectionError(endpoint_url=URL), GatewayUnavailable),
    (ConnectTimeoutError(endpoint_url=URL), GatewayUnavailable),
    (NoCredentialsError(), GatewayUnavailable),
    (ReadTimeoutError(endpoint_url=URL), GatewayOutcomeUnknown),
    (ConnectionClosedError(endpoint_url=URL), GatewayOutcomeUnknown),
]


@pytest.mark.parametrize(("error", "kind"), FAILURES, ids=[f"{row[0]!s:.40}" for row in FAILURES])
def test_each_failure_is_of_its_kind_and_shows_no_address(
    monkeypatch: pytest.MonkeyPatch, error: Exception, kind: type[GatewayError]
) -> None:
    with pytest.raises(kind) as caught:
        send(failing(monkeypatch, error))
    shown = f"{caught.value} {vars(caught.value)}"
    assert "parent.name" not in shown
    assert caught.value.__suppress_context__
