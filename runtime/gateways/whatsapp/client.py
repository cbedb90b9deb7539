"""Template messages over the WhatsApp Cloud API.

Shapes are those of Meta's OpenAPI document ``business-messaging-api_v23.0.yaml``; the meaning of error
codes that of its page "Error codes". There is no idempotency key: a message whose outcome is unknown
must not be sent again blindly. A ``reference`` comes back with every status of the message, so that
the webhook can tell what became of it.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from runtime.gateways.breaker import CircuitBreaker
from runtime.gateways.deadline import Deadline
from runtime.gateways.errors import (
    ErrorDetail,
    GatewayOutcomeUnknown,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
    said,
)
from runtime.gateways.exchange import exchange, json_object, retry_after_s
from runtime.gateways.transport import HttpRequest, HttpResponse, HttpTransport, Transport
from runtime.platform.clock import Clock
from runtime.platform.currencies import currency
from runtime.platform.money import Money, written

GATEWAY: Final = "whatsapp"
BASE_URL: Final = "https://graph.facebook.com"
ALLOWED_HOSTS: Final = frozenset({"graph.facebook.com"})
API_VERSION: Final = "v23.0"
DEADLINE_MS: Final = 8_000

PARAMETERS_MAX: Final = 20
TEXT_LENGTH_MAX: Final = 1024
REFERENCE_LENGTH_MAX: Final = 512

THROTTLING_CODES: Final = frozenset({4, 80007, 130429, 131056, 131057})
"""Calls of the app, of the account, throughput of the number, pair of sender and recipient, upgrade of
the number: the message was not taken, and the same one may be sent later."""

PAIR_LIMIT_CODE: Final = 131056
UNCLEAR_CODES: Final = frozenset({1, 2, 131000, 131016})
"""Possible server error, service down, something went wrong, service overloaded: perhaps taken."""

_E164: Final = re.compile(r"\+[1-9][0-9]{7,14}")
_TEMPLATE: Final = re.compile(r"[a-z0-9_]{1,512}")
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_NOT_IN_TEXT: Final = re.compile(r"[\r\n\t]| {5}")


@dataclass(frozen=True, slots=True)
class TextParameter:
    """A text for a placeholder: 1 to 1,024 characters, no line break, no tab, no run of five spaces."""

    text: str = field(repr=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.text) <= TEXT_LENGTH_MAX or _NOT_IN_TEXT.search(self.text):
            raise ValueError("a text has 1 to 1,024 characters and neither breaks nor five spaces in a row")

    def as_fields(self) -> dict[str, object]:
        """The parameter on the wire."""
        return {"type": "text", "text": self.text}


@dataclass(frozen=True, slots=True)
class CurrencyParameter:
    """An amount for a placeholder. ``fallback`` is shown where the phone cannot format it."""

    money: Money
    fallback: str | None = None

    def as_fields(self) -> dict[str, object]:
        """The parameter on the wire: ``amount_1000`` is the amount times 1,000, so paise times 10, and minor
        units of three decimal places as they are."""
        fallback = self.fallback or written(self.money)
        parameter = {
            "fallback_value": fallback,
            "code": self.money.currency,
            "amount_1000": self.money.amount * 10 ** (3 - currency(self.money.currency).exponent),
        }
        return {"type": "currency", "currency": parameter}


Parameter = TextParameter | CurrencyParameter


class WhatsAppClient:
    """Sends templates from one business telephone number."""

    def __init__(
        self,
        *,
        phone_number_id: str,
        access_token: str,
        clock: Clock,
        base_url: str = BASE_URL,
        api_version: str = API_VERSION,
        transport: Transport | None = None,
        breaker: CircuitBreaker | None = None,
        deadline_ms: int = DEADLINE_MS,
    ) -> None:
        """``phone_number_id`` is Meta's id of the number (digits), not the number.

        Raises ValueError for an address other than Meta's (or this machine's, for the simulator), and
        for a missing token.
        """
        if not re.fullmatch(r"[0-9]{1,20}", phone_number_id) or not re.fullmatch(
            r"v[0-9.]{1,6}", api_version
        ):
            raise ValueError("a phone number id is digits, a version is like v23.0")
        if not access_token:
            raise ValueError("WhatsApp needs an access token")
        self._phone_number_id = phone_number_id
        self._path = f"/{api_version}/{phone_number_id}"
        self._authorization = f"Bearer {access_token}"
        self._clock = clock
        self._transport = transport or HttpTransport(
            gateway=GATEWAY, base_url=base_url, allowed_hosts=ALLOWED_HOSTS, clock=clock
        )
        self._breaker = breaker or CircuitBreaker(gateway=GATEWAY, clock=clock)
        self._deadline_ms = deadline_ms

    def send_template(
        self,
        *,
        to_e164: str,
        template: str,
        language: str,
        parameters: Sequence[Parameter] = (),
        reference: str | None = None,
        attempt: int = 0,
    ) -> str:
        """Send an approved template; the message's id (``wamid...``). Accepted is not delivered.

        ``parameters`` fill the placeholders of the body in order. ``reference`` (at most 512
        characters, no personal data) comes back with each status. ``attempt`` counts earlier tries
        that were throttled: it sets the pause in ``GatewayThrottled.retry_after_s``.

        Raises ValueError before the call for malformed arguments; GatewayRejected with Meta's code in
        ``detail.code`` (131026 undeliverable, 132000 parameter count, 132001 no such template, 190
        token expired); GatewayThrottled; GatewayUnavailable; GatewayOutcomeUnknown. Nothing is
        repeated here: the queue that called decides when.
        """
        body = _message(to_e164, template, language, parameters, reference)
        headers = {"Authorization": self._authorization, "Content-Type": "application/json"}
        path = f"{self._path}/messages"
        request = HttpRequest("send_template", "POST", path, True, headers=headers, body=body)
        response = self._exchange(request)
        answer = json_object(response)
        if 200 <= response.status < 300:
            return _message_id(answer, response)
        _raise_for(response, answer, attempt)

    def see_number(self) -> None:
        """See that the token may speak for the number: its node (``GET /{Phone-Number-ID}``) is readable.

        Raises GatewayRejected (190 in ``detail.code``: the token is none, or expired), GatewayThrottled
        and GatewayUnavailable, also for an answer that is not the number's.
        """
        headers = {"Authorization": self._authorization}
        request = HttpRequest("see_number", "GET", self._path, False, (("fields", "id"),), headers)
        response = self._exchange(request)
        answer = json_object(response)
        if 200 <= response.status < 300 and (answer or {}).get("id") == self._phone_number_id:
            return
        try:
            _raise_for(response, answer, 0, operation=request.operation)
        except GatewayOutcomeUnknown as unknown:  # a read changes nothing
            raise GatewayUnavailable(unknown.cause, gateway=GATEWAY, operation=request.operation) from None

    def _exchange(self, request: HttpRequest) -> HttpResponse:
        return exchange(
            request,
            gateway=GATEWAY,
            transport=self._transport,
            breaker=self._breaker,
            deadline=Deadline(self._clock, self._deadline_ms),
        )


def pair_backoff_s(attempt: int) -> int:
    """The pause after the pair limit was hit ``attempt`` times before: ``4**attempt`` seconds, at least 6.

    Meta documents ``4^n``; a pair may have one message in six seconds, so a shorter pause is in vain.
    """
    seconds: int = 4 ** min(max(attempt, 0), 6)
    return max(6, seconds)


def _message(
    to_e164: str, template: str, language: str, parameters: Sequence[Parameter], reference: str | None
) -> bytes:
    if not _E164.fullmatch(to_e164):
        raise ValueError("a recipient is a telephone number with its country, like +91 and ten digits")
    if not _TEMPLATE.fullmatch(template) or not _LANGUAGE.fullmatch(language):
        raise ValueError("a template has a name of a-z, 0-9 and _, and a language like en or en_US")
    if len(parameters) > PARAMETERS_MAX:
        raise ValueError(f"a template's body takes at most {PARAMETERS_MAX} parameters")
    if reference is not None and not 1 <= len(reference) <= REFERENCE_LENGTH_MAX:
        raise ValueError(f"a reference has 1 to {REFERENCE_LENGTH_MAX} characters")
    content: dict[str, object] = {"name": template, "language": {"code": language}}
    if parameters:
        body = {"type": "body", "parameters": [parameter.as_fields() for parameter in parameters]}
        content["components"] = [body]
    message: dict[str, object] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": to_e164,
        "type": "template",
        "template": content,
    }
    if reference is not None:
        message["biz_opaque_callback_data"] = reference
    return json.dumps(message).encode()


def _message_id(answer: dict[str, Any] | None, response: HttpResponse) -> str:
    messages = (answer or {}).get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    wamid = first.get("id") if isinstance(first, dict) else None
    if isinstance(wamid, str) and 0 < len(wamid) <= 512:
        return wamid
    raise GatewayOutcomeUnknown(
        "an answer without a message id", gateway=GATEWAY, operation="send_template", status=response.status
    )


def _raise_for(
    response: HttpResponse, answer: dict[str, Any] | None, attempt: int, *, operation: str = "send_template"
) -> NoReturn:
    """Turn an answer that is no success into its error. Meta asks to go by ``code`` before the status."""
    raw = (answer or {}).get("error")
    error: dict[str, Any] = raw if isinstance(raw, dict) else {}
    code = error.get("code")
    detail = _detail(error)
    if code in THROTTLING_CODES or response.status == 429:
        pause_s = retry_after_s(response)
        if code == PAIR_LIMIT_CODE:
            pause_s = max(pause_s or 0.0, float(pair_backoff_s(attempt)))
        raise GatewayThrottled(gateway=GATEWAY, operation=operation, retry_after_s=pause_s, detail=detail)
    definite = 400 <= response.status < 500 and response.status != 408 and code not in UNCLEAR_CODES
    if definite:
        raise GatewayRejected(gateway=GATEWAY, operation=operation, status=response.status, detail=detail)
    raise GatewayOutcomeUnknown(
        f"HTTP {response.status}",
        gateway=GATEWAY,
        operation=operation,
        status=response.status,
        detail=detail,
    )


def _detail(error: dict[str, Any]) -> ErrorDetail:
    data = error.get("error_data")
    details = data.get("details") if isinstance(data, dict) else None
    return ErrorDetail(
        code=said(error.get("code")),
        description=said(details) or said(error.get("message")),
        source=said(error.get("type")),
    )
