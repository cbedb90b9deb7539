"""A simulator as one thing to start and stop: HTTP server on loopback, work of its own, saved account."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
STOP_SECONDS = 6.0
POLL_SECONDS = 0.02


class NotLoopback(ValueError):
    """The control API has no credentials, so it is never offered to a network."""


class Worker(Protocol):
    """What the simulator does by itself while nobody asks."""

    def start(self) -> None: ...

    def stop(self, timeout_seconds: float, /) -> None:
        """Lets the work in hand end, for at most `timeout_seconds`."""


class _QuietHandler(WSGIRequestHandler):
    """Nothing about requests goes to stderr, where an address or an id in a path would stay in a log."""

    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            super().log(type, message, *args)


class ServedSimulator(ABC):
    """Serves what `answer` says at `url`, from `start` (or `with`) until `stop`. It is started once.

    `host` is a loopback address, otherwise NotLoopback is raised; port 0 takes a free one. `state_dir` is
    where the account is kept, None for an account that ends with the simulator.
    """

    def __init__(
        self, *, host: str, port: int, state_dir: Path | None, worker: Worker, body_bytes_max: int
    ) -> None:
        if host not in LOOPBACK:
            raise NotLoopback("Give a loopback address as host, such as 127.0.0.1.")
        self._host, self._port, self._state_dir = host, port, state_dir
        self._worker, self._body_bytes_max = worker, body_bytes_max
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.url = ""

    @abstractmethod
    def answer(self, request: Request) -> Response:
        """The answer to a request of any path."""

    @abstractmethod
    def load_account(self, state_dir: Path) -> bool:
        """Takes a saved account over; False if there is none. Raises StateUnreadable."""

    @abstractmethod
    def save_account(self, state_dir: Path) -> Path:
        """Saves the account, without any secret; the file."""

    def start(self) -> Self:
        """Loads the saved account, listens, and serves in the background."""
        if self._state_dir is not None:
            self.load_account(self._state_dir)
        server = make_server(self._host, self._port, self._wsgi, threaded=True, request_handler=_QuietHandler)
        host = f"[{self._host}]" if ":" in self._host else self._host
        self.url = f"http://{host}:{server.server_port}"
        self._server = server
        self._thread = threading.Thread(
            target=server.serve_forever,
            kwargs={"poll_interval": POLL_SECONDS},
            name=f"{type(self).__name__}-http",
            daemon=True,
        )
        self._thread.start()
        self._worker.start()
        return self

    def stop(self) -> None:
        """Lets the work in hand end, stops serving, saves the account."""
        self._worker.stop(STOP_SECONDS)
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join(STOP_SECONDS)
            self._server.server_close()
            self._server = None
        if self._state_dir is not None:
            self.save_account(self._state_dir)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _wsgi(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        request = Request(environ)
        request.max_content_length = self._body_bytes_max
        return self.answer(request)(environ, start_response)
