"""How every call to Razorpay is made: authentication, deadline, retries, and what an answer means.

Razorpay documents no idempotency for orders, captures and recurring debits, so a write is repeated
here only after a definite "nothing happened". A read changes nothing and is repeated freely. The kinds
of :mod:`runtime.gateways.errors` carry exactly that difference, so the retry loop looks at nothing else.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Literal, NoReturn, TypeVar

from runtime.gateways.backoff import Backoff
from runtime.gateways.breaker import CircuitBreaker
from runtime.gateways.deadline import Deadline
from runtime.gateways.errors import (
    ErrorDetail,
    GatewayRejected,
    GatewayThrottled,
    GatewayUnavailable,
    raise_without_answer,
)
from runtime.gateways.exchange import exchange, json_object, retry_after_s
from runtime.gateways.razorpay.fields import Entity
from runtime.gateways.transport import HttpRequest, HttpResponse, HttpTransport, Transport
from runtime.platform.clock import Clock

GATEWAY: Final = "razorpay"
BASE_URL: Final = "https://api.razorpay.com"
ALLOWED_HOSTS: Final = frozenset({"api.razorpay.com"})
DEADLINE_MS: Final = 10_000

READ_ATTEMPT_SHARE: Final = 0.5
"""A read that hangs may use this share of the time left, so that another attempt fits before the end."""

_SYSTEM_RANDOM = secrets.SystemRandom().random
_MEANS_TRY_AGAIN = 429
_REQUEST_TIMED_OUT = 408
_IN_FLIGHT = 409


Answer = dict[str, Any]
E = TypeVar("E", bound=Entity)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Page(Generic[E]):
    """One page of a collection: ``items`` from position ``skip``, at most ``count_asked`` of them."""

    items: tuple[E, ...]
    skip: int
    count_asked: int

    @property
    def is_last(self) -> bool:
        """Whether no further page can follow: this one is not full."""
        return len(self.items) < self.count_asked


class RazorpayApi:
    """The connection to one Razorpay account; the resources build on it."""

    def __init__(
        self,
        *,
        key_id: str,
        key_secret: str,
        clock: Clock,
        base_url: str = BASE_URL,
        transport: Transport | None = None,
        breaker: CircuitBreaker | None = None,
        deadline_ms: int = DEADLINE_MS,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _SYSTEM_RANDOM,
    ) -> None:
        """``deadline_ms`` bounds each call with all its attempts. ``sleep`` takes seconds.

        A ``breaker`` is shared by passing the same one to several clients. Raises ValueError for an
        address other than Razorpay's (or this machine's, for the simulator) and for missing keys.
        """
        if not key_id or not key_secret:
            raise ValueError("Razorpay needs a key id and a key secret")
        self._clock = clock
        self._transport = transport or HttpTransport(
            gateway=GATEWAY, base_url=base_url, allowed_hosts=ALLOWED_HOSTS, clock=clock
        )
        self._breaker = breaker or CircuitBreaker(gateway=GATEWAY, clock=clock)
        self._deadline_ms = deadline_ms
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        self._random = random
        credentials = base64.b64encode(f"{key_id}:{key_secret}".encode()).decode("ascii")
        self._authorization = f"Basic {credentials}"

    def _deadline(self) -> Deadline:
        return Deadline(self._clock, self._deadline_ms)

    def _get(
        self,
        model: type[E],
        operation: str,
        path: str,
        query: tuple[tuple[str, str | int], ...] = (),
        *,
        deadline: Deadline | None = None,
    ) -> E:
        request = HttpRequest(operation, "GET", path, False, query, self._headers())
        return self._call(model.model_validate, request, deadline or self._deadline())

    def _list(
        self,
        model: type[E],
        operation: str,
        path: str,
        query: tuple[tuple[str, str | int], ...] = (),
        *,
        skip: int = 0,
        count: int = 100,
        count_max: int = 100,
        deadline: Deadline | None = None,
    ) -> Page[E]:
        """One page of a collection that pages.

        Raises ValueError unless ``skip`` >= 0 and 1 <= ``count`` <= ``count_max``.
        """
        if skip < 0 or not 1 <= count <= count_max:
            raise ValueError(f"a page starts at 0 or later and holds 1 to {count_max} items")
        paging = (("count", count), ("skip", skip))
        return Page(self._all(model, operation, path, query + paging, deadline=deadline), skip, count)

    def _all(
        self,
        model: type[E],
        operation: str,
        path: str,
        query: tuple[tuple[str, str | int], ...] = (),
        *,
        deadline: Deadline | None = None,
    ) -> tuple[E, ...]:
        """A collection that comes whole: Razorpay refuses query parameters that it does not document."""
        request = HttpRequest(operation, "GET", path, False, query, self._headers())
        return self._call(lambda answer: _items(model, answer), request, deadline or self._deadline())

    def _write(
        self,
        model: type[E],
        operation: str,
        path: str,
        fields: Mapping[str, object],
        *,
        method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST",
        idempotency: tuple[str, str] | None = None,
        deadline: Deadline | None = None,
    ) -> E:
        """A call that changes something; ``fields`` that are None are not sent.

        ``idempotency`` is the header and the key that make a repeat safe. Without fields there is
        still an empty object, so that a request that was cut before its body is known not to count.
        """
        body = json.dumps({name: value for name, value in fields.items() if value is not None}).encode()
        headers = self._headers() | {"Content-Type": "application/json"}
        if idempotency is not None:
            headers[idempotency[0]] = idempotency[1]
        request = HttpRequest(operation, method, path, True, (), headers, body, idempotency is not None)
        return self._call(model.model_validate, request, deadline or self._deadline())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._authorization}

    def _call(self, read: Callable[[Answer], R], request: HttpRequest, deadline: Deadline) -> R:
        """Attempts until an answer, a definite or unknown end, or the deadline."""
        for repeat in range(self._backoff.attempts_max - 1):
            # A write gets all the time there is: cut short, its outcome would be unknown.
            attempt = deadline if request.changes_state else deadline.part(READ_ATTEMPT_SHARE)
            try:
                return self._once(read, request, attempt)
            except (GatewayThrottled, GatewayUnavailable) as nothing_happened:
                pause_s = self._pause_s(nothing_happened, repeat)
                if pause_s is None or pause_s >= deadline.left_s():
                    raise
                self._sleep(pause_s)
        return self._once(read, request, deadline)

    def _pause_s(self, error: GatewayThrottled | GatewayUnavailable, repeat: int) -> float | None:
        """How long to wait before another attempt; None where none makes sense."""
        pause_s = self._backoff.pause_s(repeat, self._random)
        if isinstance(error, GatewayUnavailable):
            return None if error.circuit_open else pause_s
        return max(pause_s, error.retry_after_s or 0.0)

    def _once(self, read: Callable[[Answer], R], request: HttpRequest, deadline: Deadline) -> R:
        response = exchange(
            request,
            gateway=GATEWAY,
            transport=self._transport,
            breaker=self._breaker,
            deadline=deadline,
        )
        answer = json_object(response)
        if 200 <= response.status < 300 and answer is not None:
            try:
                return read(answer)
            except ValueError:
                _no_usable_answer("an answer of unexpected shape", request, response)
        _raise_for(request, response, answer)


def _items(model: type[E], answer: Answer) -> tuple[E, ...]:
    """The entities of a collection. Raises ValueError where one does not have the documented shape."""
    items = answer.get("items")
    if not isinstance(items, list):
        raise ValueError("a collection has items")
    return tuple(model.model_validate(item) for item in items)


def _raise_for(request: HttpRequest, response: HttpResponse, answer: Answer | None) -> NoReturn:
    """Turn an answer that is no success into the error that says what it means."""
    detail = ErrorDetail.of((answer or {}).get("error"))
    status = response.status
    if status == _MEANS_TRY_AGAIN:
        raise GatewayThrottled(
            gateway=GATEWAY,
            operation=request.operation,
            retry_after_s=retry_after_s(response),
            detail=detail,
        )
    if status == _IN_FLIGHT and request.repeat_is_safe:
        _no_usable_answer("an earlier call with this key is still in flight", request, response, detail)
    definite = 400 <= status < 500 and status != _REQUEST_TIMED_OUT and detail.code != "SERVER_ERROR"
    if definite:
        raise GatewayRejected(gateway=GATEWAY, operation=request.operation, status=status, detail=detail)
    kind = "an answer that is not JSON" if answer is None else "no success"
    _no_usable_answer(f"HTTP {status}, {kind}", request, response, detail)


def _no_usable_answer(
    cause: str, request: HttpRequest, response: HttpResponse, detail: ErrorDetail | None = None
) -> NoReturn:
    raise_without_answer(
        cause,
        gateway=GATEWAY,
        operation=request.operation,
        changes_state=request.changes_state,
        repeat_is_safe=request.repeat_is_safe,
        status=response.status,
        detail=detail,
    )
