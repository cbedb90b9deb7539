"""A Razorpay simulator with a clock that stands still, the official SDK, raw HTTP, and a webhook receiver."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import razorpay
import urllib3

from checks.sandbox.razorpay import RazorpaySimulator, SimulatorClock, SimulatorConfig, WebhookPolicy

KEY_ID = "rzp_test_simulation1"
KEY_SECRET = "key-secret-of-the-tests"
WEBHOOK_SECRET = "webhook-secret-of-the-tests"
MONDAY_NOON = 1_767_594_600
"""Monday 5 January 2026, 12:00 in India."""


class Receiver:
    """Keeps the webhooks it gets. `statuses` are answered in turn, then 200; `wait_seconds` before each."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self.wait_seconds = 0.0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append(
                    {
                        "body": body.decode(),
                        "signature": self.headers["X-Razorpay-Signature"],
                        "event_id": self.headers["x-razorpay-event-id"],
                        "name": json.loads(body).get("event"),
                    }
                )
                time.sleep(receiver.wait_seconds)
                try:
                    self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                    self.end_headers()
                except OSError:
                    return

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/webhooks"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def names(self) -> list[str]:
        return [webhook["name"] for webhook in self.received]

    def wait_for(self, count: int, *, timeout_seconds: float) -> bool:
        """True once that many webhooks came."""
        deadline = time.monotonic() + timeout_seconds
        while len(self.received) < count and time.monotonic() < deadline:
            time.sleep(0.01)
        return len(self.received) >= count

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def start() -> Iterator[Callable[..., RazorpaySimulator]]:
    """Starts simulators; all of them are stopped at the end, none with a failed job."""
    running: list[RazorpaySimulator] = []

    def run(**settings: Any) -> RazorpaySimulator:
        settings.setdefault("clock", SimulatorClock(frozen_at=MONDAY_NOON))
        settings.setdefault("config", SimulatorConfig(webhooks=WebhookPolicy(timeout_seconds=3)))
        simulator = RazorpaySimulator(
            key_id=KEY_ID, key_secret=KEY_SECRET, webhook_secret=WEBHOOK_SECRET, **{"seed": 7, **settings}
        ).start()
        running.append(simulator)
        return simulator

    yield run
    for simulator in running:
        simulator.stop()
        assert simulator.gw.failed_jobs == 0


@pytest.fixture
def sim(start: Callable[..., RazorpaySimulator]) -> RazorpaySimulator:
    return start()


@pytest.fixture
def sdk_for() -> Callable[[RazorpaySimulator], Any]:
    def client(simulator: RazorpaySimulator) -> Any:
        return razorpay.Client(auth=(KEY_ID, KEY_SECRET), base_url=simulator.url)

    return client


@pytest.fixture
def sdk(sim: RazorpaySimulator, sdk_for: Callable[[RazorpaySimulator], Any]) -> Any:
    """The official SDK, pointed at the simulator."""
    return sdk_for(sim)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    listening = Receiver()
    yield listening
    listening.close()


Answer = tuple[int, Any]


@pytest.fixture
def http(sim: RazorpaySimulator) -> Callable[..., Answer]:
    """`http(method, path, body=None, **how)`: status and decoded answer, with all that the SDK drops."""
    pool = urllib3.PoolManager(retries=False, timeout=20)

    def call(
        method: str,
        path: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        key: tuple[str, str] | None = (KEY_ID, KEY_SECRET),
        raw: bytes | None = None,
        timeout: float = 20,
    ) -> Answer:
        sent = {"Content-Type": "application/json", **(headers or {})}
        if key is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(":".join(key).encode()).decode()
        response = pool.request(
            method,
            sim.url + path,
            body=raw if raw is not None else (None if body is None else json.dumps(body)),
            headers=sent,
            timeout=timeout,
        )
        text = response.data.decode()
        is_json = response.headers.get("Content-Type", "").startswith("application/json")
        return response.status, json.loads(text) if is_json else text

    return call


@pytest.fixture
def paid(sim: RazorpaySimulator, sdk: Any) -> Callable[..., dict[str, Any]]:
    """A captured payment: `paid(amount=50000, instrument=...)`."""

    def pay(amount: int = 50_000, instrument: dict[str, Any] | None = None, **order: Any) -> dict[str, Any]:
        made = sdk.order.create({"amount": amount, "currency": "INR", "payment_capture": 1, **order})
        answer = sim.control.checkout(made["id"], instrument or {"method": "netbanking", "bank": "HDFC"})
        payment: dict[str, Any] = sdk.payment.fetch(answer["razorpay_payment_id"])
        return payment

    return pay
