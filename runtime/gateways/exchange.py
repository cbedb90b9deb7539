"""One exchange with a provider: breaker, transport, and what the answer's bytes mean."""

import json
from typing import Any, NoReturn

from runtime.gateways.breaker import CircuitBreaker
from runtime.gateways.deadline import Deadline
from runtime.gateways.errors import GatewayError, GatewayUnavailable
from runtime.gateways.transport import HttpRequest, HttpResponse, Transport

RETRY_AFTER_MAX_S = 3_600
"""A provider that asks for a longer pause is answered with this one."""


def exchange(
    request: HttpRequest,
    *,
    gateway: str,
    transport: Transport,
    breaker: CircuitBreaker,
    deadline: Deadline,
) -> HttpResponse:
    """Send ``request`` once and tell the breaker how it went; the answer, whatever its status.

    Raises GatewayUnavailable (also for an open circuit or a deadline that has passed) and
    GatewayOutcomeUnknown, as :class:`~runtime.gateways.transport.Transport` does.
    """
    timeout_ms = deadline.left_ms()
    if timeout_ms <= 0:
        raise GatewayUnavailable("the deadline passed", gateway=gateway, operation=request.operation)
    with breaker.passage(request.operation) as passage:
        try:
            response = transport.send(request, timeout_ms=timeout_ms)
        except GatewayError:
            passage.provider_failed()
            raise
        if response.status >= 500:
            passage.provider_failed()
        else:
            passage.provider_answered()
    return response


def json_object(response: HttpResponse) -> dict[str, Any] | None:
    """The JSON object in the body, or None where it holds anything else (HTML, a cut text, a list)."""
    try:
        value = json.loads(response.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def retry_after_s(response: HttpResponse) -> float | None:
    """The pause that ``Retry-After`` asks for in seconds; None where it is absent or a date."""
    text = response.headers.get("retry-after", "").strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return None
    return float(min(int(text), RETRY_AFTER_MAX_S))


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and infinities are no JSON")
