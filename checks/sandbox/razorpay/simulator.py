"""The simulator as one thing to start and stop: HTTP server on loopback, conductor, saved state."""

import secrets
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from checks.sandbox.razorpay import persistence
from checks.sandbox.razorpay.api import Api
from checks.sandbox.razorpay.clock import SimulatorClock
from checks.sandbox.razorpay.conductor import Conductor
from checks.sandbox.razorpay.config import SimulatorConfig
from checks.sandbox.razorpay.control_api import ControlApi
from checks.sandbox.razorpay.control_client import ControlClient
from checks.sandbox.razorpay.faults import FaultPlan
from checks.sandbox.razorpay.gateway import Gateway
from checks.sandbox.razorpay.identity import IdSource
from checks.sandbox.razorpay.jobs import HANDLERS
from checks.sandbox.razorpay.pages import Pages

LOOPBACK = frozenset({"127.0.0.1", "localhost"})
STOP_SECONDS = 6.0
POLL_SECONDS = 0.02


class NotLoopback(ValueError):
    """The control API has no credentials, so it is never offered to a network."""


class _QuietHandler(WSGIRequestHandler):
    """Nothing about requests goes to stderr: the request log is in the control API, without secrets."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            super().log(type, message, *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


class RazorpaySimulator:
    """`with RazorpaySimulator(key_id=..., key_secret=...) as sim:` serves at `sim.url` until the end.

    `seed` makes ids the same in every run. `state_dir` keeps the account over restarts. Port 0 takes a free
    one. The clock may be frozen: `SimulatorClock(frozen_at=...)`.
    """

    def __init__(
        self,
        *,
        key_id: str,
        key_secret: str,
        webhook_secret: str = "",
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
        ids = IdSource(secrets.token_hex(16) if seed is None else str(seed))
        self.gw = Gateway(
            config or SimulatorConfig(), clock or SimulatorClock(), ids, key_id=key_id, key_secret=key_secret
        )
        self.gw.webhook.url = webhook_url
        self.gw.webhook.secret = webhook_secret
        self.conductor = Conductor(self.gw, HANDLERS)
        self.faults = FaultPlan(self.gw.config.limits.hold_ms)
        self._api = Api(self.gw, self.faults)
        self._control_api = ControlApi(self.gw, self.conductor, self.faults)
        self._pages = Pages(self.gw)
        self._host, self._port, self._state_dir = host, port, state_dir
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.url = ""
        self.control = ControlClient("")

    def start(self) -> Self:
        """Loads the saved account, listens, and serves in the background."""
        if self._state_dir is not None:
            persistence.load(self.gw, self._state_dir)
        server = make_server(self._host, self._port, self._wsgi, threaded=True, request_handler=_QuietHandler)
        self._server = server
        self.url = f"http://{self._host}:{server.server_port}"
        self.control = ControlClient(self.url)
        self._thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": POLL_SECONDS},
            name="razorpay-http",
            daemon=True,
        )
        self._thread.start()
        self.conductor.start()
        return self

    def stop(self) -> None:
        """Stops serving, lets the work in hand end, saves the account."""
        self.conductor.stop(STOP_SECONDS)
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
        if self._state_dir is not None:
            persistence.save(self.gw, self._state_dir)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = Request(environ)
        request.max_content_length = self.gw.config.limits.body_bytes
        return self._answer(request)(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/_control/"):
            return self._control_api.answer(request)
        if request.path == "/" or request.path.startswith("/checkout/"):
            return self._pages.answer(request)
        return self._api.answer(request)
