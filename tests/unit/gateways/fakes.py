"""Stand-ins for the transport: one that follows a script, and an account that keeps orders."""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from runtime.gateways.errors import GatewayOutcomeUnknown, GatewayUnavailable, raise_without_answer
from runtime.gateways.razorpay.client import RazorpayClient
from runtime.gateways.transport import HttpRequest, HttpResponse
from runtime.platform.clock import FixedClock

START = datetime(2026, 4, 1, 6, 30, tzinfo=UTC)
Step = HttpResponse | Exception | Callable[[HttpRequest], HttpResponse]


def reply(status: int, value: object = None, *, raw: bytes | None = None, **headers: str) -> HttpResponse:
    """An answer with ``value`` as JSON, or the ``raw`` bytes."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return HttpResponse(status, named, json.dumps(value).encode() if raw is None else raw)


def unavailable(cause: str = "NewConnectionError") -> GatewayUnavailable:
    return GatewayUnavailable(cause, gateway="test", operation="test")


def unknown(cause: str = "ReadTimeoutError") -> GatewayOutcomeUnknown:
    return GatewayOutcomeUnknown(cause, gateway="test", operation="test")


@dataclass
class ScriptedTransport:
    """Takes one step of the script for each call and keeps the requests and their time limits."""

    steps: list[Step]
    requests: list[HttpRequest] = field(default_factory=list)
    timeouts_ms: list[int] = field(default_factory=list)

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        self.requests.append(request)
        self.timeouts_ms.append(timeout_ms)
        step = self.steps.pop(0)
        if isinstance(step, Exception):
            raise step
        return step if isinstance(step, HttpResponse) else step(request)


def body_of(request: HttpRequest) -> Any:
    return json.loads(request.body or b"null")


@dataclass
class Bench:
    """A client on a script, with the pauses it took."""

    steps: Iterable[Step]
    deadline_ms: int = 10_000
    random: Callable[[], float] = lambda: 0.5

    def __post_init__(self) -> None:
        self.clock = FixedClock(START)
        self.pauses_s: list[float] = []
        self.transport = ScriptedTransport(list(self.steps))
        self.client = RazorpayClient(
            key_id="rzp_test_key",
            key_secret="test-secret",
            clock=self.clock,
            transport=self.transport,
            deadline_ms=self.deadline_ms,
            sleep=self._sleep,
            random=self.random,
        )

    def _sleep(self, seconds: float) -> None:
        self.pauses_s.append(seconds)
        self.clock.advance(seconds=seconds)


class OrderAccount:
    """A Razorpay account that knows orders, and fails as told: one fault for each call, then none.

    ``late`` takes the order in, but only after the next call has been answered.
    """

    def __init__(self, clock: FixedClock, faults: Iterable[str]) -> None:
        self._clock = clock
        self._faults = list(faults)
        self._late: list[dict[str, object]] = []
        self.orders: list[dict[str, object]] = []

    @property
    def faults_left(self) -> int:
        return len(self._faults)

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        assert timeout_ms > 0
        self._clock.advance(seconds=0.001)
        fault = self._faults.pop(0) if self._faults else "none"
        landing, self._late = self._late, []
        try:
            return self._send(request, fault)
        finally:
            self.orders.extend(landing)

    def _send(self, request: HttpRequest, fault: str) -> HttpResponse:
        if fault == "refused":
            raise unavailable()
        if fault == "429":
            return reply(429, {"error": {"code": "BAD_REQUEST_ERROR"}})
        if fault == "500 before":
            return reply(500, {"error": {"code": "SERVER_ERROR"}})
        if fault == "timeout before":
            self._no_answer(request)
        response = self._apply(request, late=fault == "late")
        if fault in ("timeout after", "late"):
            self._no_answer(request)
        if fault == "500 after":
            return reply(500, {"error": {"code": "SERVER_ERROR"}})
        if fault == "html after":
            return reply(502, raw=b"<html>Bad Gateway</html>")
        return response

    def _no_answer(self, request: HttpRequest) -> None:
        raise_without_answer(
            "ReadTimeoutError",
            gateway="test",
            operation=request.operation,
            changes_state=request.changes_state,
        )

    def _apply(self, request: HttpRequest, *, late: bool) -> HttpResponse:
        if request.method == "GET":
            receipt = parse_qs(urlsplit(request.target).query)["receipt"][0]
            found = [order for order in reversed(self.orders) if order["receipt"] == receipt]
            return reply(200, {"entity": "collection", "count": len(found), "items": found})
        fields = body_of(request)
        number = len(self.orders) + len(self._late)
        order = {
            "id": f"order_{number:014d}",
            "amount": fields["amount"],
            "currency": fields["currency"],
            "receipt": fields["receipt"],
            "status": "created",
            "created_at": int(self._clock.now().timestamp()),
            "notes": [],
        }
        (self._late if late else self.orders).append(order)
        return reply(200, order)
