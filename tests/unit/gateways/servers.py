"""A server on this machine that misbehaves on purpose, one connection at a time."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

Behaviour = Callable[[socket.socket, threading.Event], None]


class MisbehavingServer:
    """Accepts connections and lets ``behaviour`` do with each what it will; counts and keeps requests."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._behaviour = behaviour
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.05)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        workers: list[threading.Thread] = []
        while not self._stopping.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            self.connections += 1
            workers.append(threading.Thread(target=self._serve, args=(connection,), daemon=True))
            workers[-1].start()
        for worker in workers:
            worker.join()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            connection.settimeout(5)
            try:
                self._behaviour(connection, self._stopping)
            except OSError:
                return


def read_request(connection: socket.socket) -> bytes:
    """One request with its body, as it came."""
    raw = b""
    while b"\r\n\r\n" not in raw:
        part = connection.recv(65536)
        if not part:
            return raw
        raw += part
    head, _, body = raw.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(status: str, body: bytes = b"", headers: tuple[str, ...] = ()) -> bytes:
    """The bytes of an answer with its length."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def replying(raw: bytes) -> Behaviour:
    """Read requests and give the same bytes to each."""

    def behave(connection: socket.socket, stopping: threading.Event) -> None:
        connection.settimeout(0.05)
        while not stopping.is_set():
            try:
                if not read_request(connection):
                    return
            except TimeoutError:
                continue
            connection.sendall(raw)

    return behave


def hang_before_reading(connection: socket.socket, stopping: threading.Event) -> None:
    stopping.wait(10)


def hang_after_reading(connection: socket.socket, stopping: threading.Event) -> None:
    read_request(connection)
    stopping.wait(10)


def cut_after_reading(connection: socket.socket, stopping: threading.Event) -> None:
    read_request(connection)


def cut_in_the_answer(connection: socket.socket, stopping: threading.Event) -> None:
    read_request(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"id":')


def drip(connection: socket.socket, stopping: threading.Event) -> None:
    """Begin an answer and give a byte of it every 20 ms, for ever."""
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while not stopping.wait(0.02):
        connection.sendall(b" ")


def speak_nonsense(connection: socket.socket, stopping: threading.Event) -> None:
    read_request(connection)
    connection.sendall(b"\x00\x01 this is not HTTP\r\n\r\n")
