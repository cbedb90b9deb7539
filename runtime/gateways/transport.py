"""HTTP to one provider: verified TLS, one host, one deadline, bounded answers, nothing automatic.

urllib3 is used with retries and redirects off. Proxy variables of the environment are not read, so a
call reaches the host on the allow-list or nothing (PCI DSS 4.0.1 requirement 1.3.2).
"""

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from types import MappingProxyType
from typing import ClassVar, Protocol
from urllib.parse import urlencode, urlsplit

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    TimeoutError,
)

from runtime.gateways.deadline import Deadline
from runtime.gateways.errors import GatewayUnavailable, raise_without_answer
from runtime.platform.clock import Clock

RESPONSE_SIZE_MAX_BYTES = 4 * 1024 * 1024
"""A reconciliation page of 1,000 rows is about one megabyte; nothing a provider says is larger than four."""

CONNECT_TIMEOUT_MAX_MS = 3_000
"""A host that does not take a connection within this time will not answer in time either."""

IDLE_MAX = timedelta(seconds=30)
"""Connections idle for longer are not used again: load balancers drop them silently, and a frozen
Lambda does not see it."""

_CHUNK_BYTES = 64 * 1024
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

# Not SSLError: it comes from a refused certificate as well as from a record that broke in the answer.
_NOTHING_SENT = (NewConnectionError, ConnectTimeoutError)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One call. ``operation`` names it in errors; ``changes_state`` decides what a lost answer means.

    ``repeat_is_safe`` says that the call carries an idempotency key that the provider honours.
    """

    operation: str
    method: str
    path: str
    changes_state: bool
    query: tuple[tuple[str, str | int], ...] = field(default=(), repr=False)
    headers: Mapping[str, str] = field(default_factory=lambda: _NO_HEADERS, repr=False)
    body: bytes | None = field(default=None, repr=False)
    repeat_is_safe: bool = False

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or self.path.startswith("//"):
            raise ValueError("a path starts with one slash")

    @property
    def target(self) -> str:
        """Path and query as they go on the wire."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer: ``status``, ``headers`` with lower-case names, and the whole ``body``."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Transport(Protocol):
    """What carries a request to a provider."""

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        """The answer, whatever its status.

        Raises GatewayUnavailable where nothing was sent (or the request only reads), and
        GatewayOutcomeUnknown where it was sent and no whole answer came within ``timeout_ms`` (> 0).
        """
        ...


class HttpTransport:
    """Calls to the one host of ``base_url``, over kept connections."""

    _USER_AGENT: ClassVar[str] = "hasivu-payments"

    def __init__(
        self,
        *,
        gateway: str,
        base_url: str,
        allowed_hosts: frozenset[str],
        clock: Clock,
        ca_certs: str | None = None,
        response_size_max_bytes: int = RESPONSE_SIZE_MAX_BYTES,
    ) -> None:
        """``base_url`` is ``https://`` and a host of ``allowed_hosts``; ``http://`` only to this machine.

        ``ca_certs`` is a PEM file of authorities to trust instead of the system's. Raises ValueError
        for an address that is not allowed.
        """
        self._gateway = gateway
        self._base_url = permitted_base_url(base_url, allowed_hosts)
        self._clock = clock
        self._size_max_bytes = response_size_max_bytes
        self._used_at: datetime | None = None
        self._pool = PoolManager(
            num_pools=1,
            maxsize=4,
            retries=False,
            cert_reqs="CERT_REQUIRED",
            ca_certs=ca_certs,
            ssl_minimum_version=ssl.TLSVersion.TLSv1_2,
        )

    def send(self, request: HttpRequest, *, timeout_ms: int) -> HttpResponse:
        """See :class:`Transport`."""
        deadline = Deadline(self._clock, timeout_ms)
        self._drop_idle_connections()
        body = None if request.body is None else _WatchedBody(request.body)
        try:
            response = self._open(request, body, deadline)
            try:
                return self._read(response, deadline)
            except BaseException:
                response.close()
                raise
            finally:
                response.release_conn()
        except _NOTHING_SENT as error:
            raise self._unavailable(request, error) from None
        except (HTTPError, HTTPException, OSError) as error:
            if body is not None and not body.started:
                raise self._unavailable(request, error) from None
            raise_without_answer(
                _cause(error),
                gateway=self._gateway,
                operation=request.operation,
                changes_state=request.changes_state,
                repeat_is_safe=request.repeat_is_safe,
            )

    def _open(
        self, request: HttpRequest, body: "_WatchedBody | None", deadline: Deadline
    ) -> BaseHTTPResponse:
        left_s = deadline.left_s()
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": self._USER_AGENT,
            **request.headers,
        }
        if body is not None:
            headers["Content-Length"] = str(body.size_bytes)
        return self._pool.urlopen(
            request.method,
            self._base_url + request.target,
            body=body,
            headers=headers,
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            timeout=Timeout(connect=min(left_s, CONNECT_TIMEOUT_MAX_MS / 1000), total=left_s),
        )

    def _read(self, response: BaseHTTPResponse, deadline: Deadline) -> HttpResponse:
        """The whole body. Every wait ends with the deadline, so a body that drips does not outlive it.

        A connection that the provider will close is out of reach here; there one wait may last as long
        as was left when the request was sent.
        """
        parts: list[bytes] = []
        size_bytes = 0
        while True:
            left_s = deadline.left_s()
            if left_s <= 0:
                raise _TooSlow("the deadline passed while the answer came")
            socket = getattr(response.connection, "sock", None)
            if socket is not None:
                socket.settimeout(left_s)
            part = response.read1(_CHUNK_BYTES, decode_content=False)
            if not part:
                break
            size_bytes += len(part)
            if size_bytes > self._size_max_bytes:
                raise _TooLarge("the answer is larger than allowed")
            parts.append(part)
        headers = {name.lower(): value for name, value in response.headers.items()}
        return HttpResponse(response.status, headers, b"".join(parts))

    def _drop_idle_connections(self) -> None:
        now = self._clock.now()
        if self._used_at is not None and now - self._used_at > IDLE_MAX:
            self._pool.clear()
        self._used_at = now

    def _unavailable(self, request: HttpRequest, error: Exception) -> GatewayUnavailable:
        return GatewayUnavailable(_cause(error), gateway=self._gateway, operation=request.operation)


class _TooSlow(TimeoutError):
    """The deadline passed between two pieces of the answer."""


class _TooLarge(HTTPError):
    """The answer is larger than a provider's answer can be."""


class _WatchedBody:
    """A body that knows whether any of it was handed to the connection.

    Up to that moment the provider has headers at most, and cannot have acted on them.
    """

    def __init__(self, content: bytes) -> None:
        self.size_bytes = len(content)
        self.started = False
        self._left = content

    def read(self, size: int = -1) -> bytes:
        self.started = True
        size = len(self._left) if size < 0 else size
        part, self._left = self._left[:size], self._left[size:]
        return part


def permitted_base_url(base_url: str, allowed_hosts: frozenset[str]) -> str:
    """``base_url`` without a trailing slash. Raises ValueError unless it may be called.

    Allowed are ``https`` with a host of ``allowed_hosts``, and any scheme of the two to this machine.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if parts.username or parts.password or parts.query or parts.fragment or parts.path not in ("", "/"):
        raise ValueError("a base address is a scheme, a host and perhaps a port, nothing else")
    if parts.scheme not in ("http", "https"):
        raise ValueError("a base address starts with https://")
    if not is_loopback(host):
        if parts.scheme != "https":
            raise ValueError("plain http is allowed to this machine only; use https://")
        if host not in allowed_hosts:
            raise ValueError(f"the host {host!r} is not on the allow-list of this provider")
    return base_url.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _cause(error: Exception) -> str:
    """The kind of the failure; its text may hold an address and is left out."""
    return type(error).__name__.strip("_")
