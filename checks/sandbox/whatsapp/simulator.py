"""The simulator as one thing to start and stop: HTTP server on loopback, courier, saved state."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from checks.sandbox.whatsapp import persistence
from checks.sandbox.whatsapp.account import Account
from checks.sandbox.whatsapp.clock import SimulatorClock
from checks.sandbox.whatsapp.config import BODY_BYTES_MAX, SimulatorConfig
from checks.sandbox.whatsapp.control_api import ControlApi
from checks.sandbox.whatsapp.control_client import ControlClient
from checks.sandbox.whatsapp.courier import Courier
from checks.sandbox.whatsapp.faults import FaultPlan
from checks.sandbox.whatsapp.graph_api import GraphApi
from checks.sandbox.whatsapp.http_exchange import from_this_machine, text_answer
from checks.sandbox.whatsapp.inbox_page import inbox_page

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
STOP_SECONDS = 6.0


class NotLoopback(ValueError):
    """The control API has no credentials, so it is never offered to a network."""


class _QuietHandler(WSGIRequestHandler):
    """Nothing about requests goes to stderr."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            super().log(type, message, *args)


class WhatsAppSimulator:
    """`with WhatsAppSimulator(phone_number_id=..., token=..., app_secret=...) as sim:` serves at `sim.url`.

    `seed` makes message ids the same in every run. `state_dir` keeps the account over restarts. Port 0 takes
    a free one. The clock may be frozen: `SimulatorClock(frozen_at=...)`.
    """

    def __init__(
        self,
        *,
        phone_number_id: str,
        token: str,
        app_secret: str,
        verify_token: str = "",
        webhook_url: str | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        state_dir: Path | None = None,
        seed: int | str | None = None,
        clock: SimulatorClock | None = None,
        config: SimulatorConfig | None = None,
    ) -> None:
        if host not in LOOPBACK:
            raise NotLoopback("Give a loopback address as host, such as 127.0.0.1.")
        if not token or not app_secret:
            raise ValueError("Give an access token and an app secret; an empty one would let anybody in.")
        self.account = Account(
            config=config or SimulatorConfig(),
            clock=clock or SimulatorClock(),
            phone_number_id=phone_number_id,
            seed=secrets.token_hex(16) if seed is None else str(seed),
        )
        self.account.webhook.url = webhook_url
        self.account.webhook.secret = app_secret
        self.courier = Courier(self.account)
        self.faults = FaultPlan()
        self._graph_api = GraphApi(self.account, self.faults, token)
        self._control_api = ControlApi(self.account, self.courier, self.faults, verify_token)
        self._host, self._port, self._state_dir = host, port, state_dir
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    @property
    def control(self) -> ControlClient:
        return ControlClient(self.url)

    def start(self) -> Self:
        """Load the saved account, listen, and serve in the background."""
        if self._state_dir is not None:
            persistence.load(self.account, self._state_dir)
        server = make_server(self._host, self._port, self._wsgi, threaded=True, request_handler=_QuietHandler)
        self._server = server
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{host}:{server.server_port}"
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="whatsapp-http", daemon=True
        )
        self._thread.start()
        self.courier.start()
        return self

    def stop(self) -> None:
        """Stop serving, let the delivery in hand end, save the account."""
        self._graph_api.stopping.set()
        self.courier.stop(STOP_SECONDS)
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(STOP_SECONDS)
            self._server.server_close()
            self._server = None
        if self._state_dir is not None:
            persistence.save(self.account, self._state_dir)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = Request(environ)
        request.max_content_length = BODY_BYTES_MAX
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/_control/"):
            return self._control_api.answer(request)
        if request.path == "/" and request.method in ("GET", "HEAD"):
            if not from_this_machine(request):
                return text_answer("This page answers this machine only.", 403, "text/plain; charset=utf-8")
            return inbox_page(self.account)
        return self._graph_api.answer(request)
