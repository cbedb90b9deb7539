"""One e-mail to one person over Amazon SES, as plain text and HTML.

SES takes no idempotency key, so a mail whose outcome is unknown must not be sent again blindly; and
botocore must not repeat it by itself: build the client with ``Config(**CLIENT_OPTIONS)``.
"""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NoReturn

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
)

from runtime.gateways.errors import (
    ErrorDetail,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
    said,
)

if TYPE_CHECKING:
    from mypy_boto3_ses import SESClient

GATEWAY: Final = "ses"
OPERATION: Final = "send_email"

CLIENT_OPTIONS: Final[Mapping[str, Any]] = {
    "connect_timeout": 3,
    "read_timeout": 8,
    "retries": {"mode": "standard", "total_max_attempts": 1},
}
"""Options of ``botocore.config.Config`` (times in seconds): one attempt, and not for ever."""

SUBJECT_LENGTH_MAX: Final = 200
BODY_LENGTH_MAX: Final = 256 * 1024

_MAILBOX: Final = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(_MAILBOX)
_SENDER: Final = re.compile(rf"{_MAILBOX}|[A-Za-z0-9 .&-]{{1,64}} <{_MAILBOX}>")
_THROTTLING_CODES: Final = frozenset({"Throttling", "ThrottlingException", "TooManyRequestsException"})
_NOT_SENT: Final = (
    EndpointConnectionError,
    ConnectTimeoutError,
    NoCredentialsError,
    PartialCredentialsError,
    ParamValidationError,
)


class SesMailer:
    """Sends from one verified address."""

    def __init__(self, client: "SESClient", *, sender: str, configuration_set: str | None = None) -> None:
        """``sender`` is an address, or a name and an address in angle brackets.

        ``configuration_set`` names where bounces and complaints are reported. Raises ValueError for a
        malformed sender.
        """
        if not _SENDER.fullmatch(sender):
            raise ValueError("a sender is an address, or a plain name and an address in angle brackets")
        self._client = client
        self._sender = sender
        self._configuration_set = configuration_set

    def send(self, *, to: str, subject: str, text: str, html: str) -> str:
        """Send one mail to one address; SES's message id. Accepted is not delivered.

        ``subject`` has 1 to 200 printable characters (no line break can start another header);
        ``text`` and ``html`` 1 to 262,144 characters each. Raises ValueError for other arguments
        (without showing them), and the four errors of :mod:`runtime.gateways.errors`.
        """
        if not _ADDRESS.fullmatch(to):
            raise ValueError("a recipient is one plain address")
        if not 1 <= len(subject) <= SUBJECT_LENGTH_MAX or not subject.isprintable():
            raise ValueError(f"a subject has 1 to {SUBJECT_LENGTH_MAX} printable characters on one line")
        if not all(1 <= len(body) <= BODY_LENGTH_MAX for body in (text, html)):
            raise ValueError(f"a mail has a text and an HTML body of 1 to {BODY_LENGTH_MAX} characters")
        optional: dict[str, Any] = {}
        if self._configuration_set is not None:
            optional["ConfigurationSetName"] = self._configuration_set
        try:
            answer = self._client.send_email(
                Source=self._sender,
                Destination={"ToAddresses": [to]},
                Message={
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {
                        "Text": {"Data": text, "Charset": "UTF-8"},
                        "Html": {"Data": html, "Charset": "UTF-8"},
                    },
                },
                **optional,
            )
        except ClientError as error:
            _raise_for(error)
        except _NOT_SENT as error:
            raise GatewayUnavailable(type(error).__name__, gateway=GATEWAY, operation=OPERATION) from None
        except BotoCoreError as error:
            raise GatewayOutcomeUnknown(type(error).__name__, gateway=GATEWAY, operation=OPERATION) from None
        return answer["MessageId"]


def _raise_for(error: ClientError) -> NoReturn:
    """Turn SES's refusal into its error. SES writes addresses into its messages: they are masked."""
    raw = error.response.get("Error", {})
    code = raw.get("Code")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    detail = ErrorDetail(code=said(code), description=said(raw.get("Message")))
    if code in _THROTTLING_CODES or status == 429:
        raise GatewayThrottled(gateway=GATEWAY, operation=OPERATION, detail=detail) from None
    if 400 <= status < 500:
        raise GatewayRejected(gateway=GATEWAY, operation=OPERATION, status=status, detail=detail) from None
    raise GatewayOutcomeUnknown(
        f"HTTP {status}", gateway=GATEWAY, operation=OPERATION, status=status, detail=detail
    ) from None
