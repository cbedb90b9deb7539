"""Reading requests and writing answers, within limits. Shared by the API, the control API and the pages."""

import contextlib
import json
import socket
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request, Response

from checks.sandbox.razorpay.records import Record

LOOPBACK_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class BadBody(Exception):
    """The body is not a JSON object, or too big. `status` is 400 or 413."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def json_object(request: Request) -> Record:
    """The body as an object; empty is `{}`. Razorpay does not look at the content type, nor does this."""
    try:
        raw = request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise BadBody("The request body is too large.", 413) from None
    if not raw.strip():
        return {}
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadBody("The request body is not valid JSON.", 400) from None
    if not isinstance(value, dict):
        if value == []:
            return {}
        raise BadBody("The request body must be a JSON object.", 400)
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
    """False for a page of another site that reaches for the control API through the user's browser."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    site = request.headers.get("Sec-Fetch-Site", "none")
    return host in LOOPBACK_HOSTS and site in {"none", "same-origin"}
