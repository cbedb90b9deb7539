"""A WhatsApp simulator whose clock stands still, the platform's own client, and a webhook receiver."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3

from checks.sandbox.whatsapp import SimulatorClock, WhatsAppSimulator
from runtime.gateways.whatsapp.client import WhatsAppClient
from runtime.gateways.whatsapp.webhooks import (
    MessageStatus,
    challenge_answer,
    parse_statuses,
    signature_is_valid,
)
from runtime.platform.clock import SystemClock

PHONE_NUMBER_ID = "105010501050"
TOKEN = "access-token-of-the-tests"
APP_SECRET = "app-secret-of-the-tests"
VERIFY_TOKEN = "verify-token-of-the-tests"
NOON = 1_775_025_000.0


class Receiver:
    """Our webhook, as the platform answers it. `statuses` are answered in turn, then 200."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.answers: list[int] = []
        self.forged = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = dict(parse_qsl(urlsplit(self.path).query))
                challenge = challenge_answer(query, VERIFY_TOKEN)
                self.send_response(403 if challenge is None else 200)
                self.end_headers()
                self.wfile.write((challenge or "").encode())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.bodies.append(body)
                if not signature_is_valid(body, self.headers["X-Hub-Signature-256"], [APP_SECRET]):
                    receiver.forged += 1
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1/webhooks/whatsapp"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def facts(self) -> list[MessageStatus]:
        """Every status received, read as the platform reads it."""
        batches = [parse_statuses(body) for body in self.bodies]
        assert all(batch.unreadable == 0 for batch in batches)
        return [fact for batch in batches for fact in batch.statuses]

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


Start = Callable[..., WhatsAppSimulator]
Post = Callable[..., tuple[int, Any]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts simulators; all of them are stopped at the end."""
    running: list[WhatsAppSimulator] = []

    def run(**settings: Any) -> WhatsAppSimulator:
        simulator = WhatsAppSimulator(
            **{
                "phone_number_id": PHONE_NUMBER_ID,
                "token": TOKEN,
                "app_secret": APP_SECRET,
                "verify_token": VERIFY_TOKEN,
                "seed": 7,
                "clock": SimulatorClock(frozen_at=NOON),
                **settings,
            }
        ).start()
        running.append(simulator)
        simulator.control.approve("greeting", "en", "Dear {{1}}, welcome.")
        simulator.control.approve("receipt", "en", "{{1}} paid {{2}}.")
        return simulator

    yield run
    for simulator in running:
        simulator.stop()


@pytest.fixture
def sim(start: Start) -> WhatsAppSimulator:
    return start()


@pytest.fixture
def client(sim: WhatsAppSimulator) -> WhatsAppClient:
    return client_of(sim)


def client_of(simulator: WhatsAppSimulator, *, deadline_ms: int = 5_000) -> WhatsAppClient:
    return WhatsAppClient(
        phone_number_id=PHONE_NUMBER_ID,
        access_token=TOKEN,
        clock=SystemClock(),
        base_url=simulator.url,
        deadline_ms=deadline_ms,
    )


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    listening = Receiver()
    yield listening
    listening.close()


@pytest.fixture
def post(sim: WhatsAppSimulator) -> Iterator[Post]:
    """`post(body, token=..., path=...)`: status and decoded answer, without the platform's client."""
    with urllib3.PoolManager(retries=False, timeout=10) as pool:

        def call(
            body: object = None,
            *,
            raw: bytes | None = None,
            token: str = TOKEN,
            path: str = f"/v23.0/{PHONE_NUMBER_ID}/messages",
            method: str = "POST",
        ) -> tuple[int, Any]:
            response = pool.request(
                method,
                sim.url + path,
                body=raw if raw is not None else json.dumps(body).encode(),
                headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
            )
            return response.status, json.loads(response.data)

        yield call
