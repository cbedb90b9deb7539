"""Reading requests and writing answers, within limits."""

import contextlib
import json
import socket
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})
HTML = "text/html; charset=utf-8"


class BadBody(ValueError):
    """The body is too large or not what was asked for. `status` is 400 or 413."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def json_value(request: Request) -> Any:
    """The body as JSON, whatever its content type says; an empty body is an empty object. Raises BadBody."""
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise BadBody("The request body is too large.", 413) from None
    if not raw.strip():
        return {}
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise BadBody("The request body is not valid JSON.") from None


def json_object(request: Request) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object. Raises BadBody."""
    value = json_value(request)
    if not isinstance(value, dict):
        raise BadBody("The request body must be a JSON object.")
    return value


def json_answer(value: Any, status: int = 200) -> Response:
    return text_answer(json.dumps(value), status)


def text_answer(text: str, status: int = 200, content_type: str = "application/json") -> Response:
    response = Response(text, status=status, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response


def drop_connection(request: Request) -> Response:
    """Ends the connection without an answer, as a timeout on the way does."""
    connection = request.environ.get("werkzeug.socket")
    if isinstance(connection, socket.socket):
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=500)


def from_this_machine(request: Request) -> bool:
    """False for a page of another site that reaches for the simulator through somebody's browser."""
    host = request.host if request.host.endswith("]") else request.host.rsplit(":", 1)[0]
    site = request.headers.get("Sec-Fetch-Site", "none")
    return host in LOOPBACK_HOSTS and site in {"none", "same-origin"}
